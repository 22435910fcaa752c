"""The one core: from a user's source to woven source and its code. Hook, marker and commands all come here."""

from __future__ import annotations

import warnings
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from typing import TYPE_CHECKING

from poet_import.cache.directory import cache_directory
from poet_import.errors import GeneratorError, PoetFallbackWarning, TranspileError
from poet_import.model import Transpiled
from poet_import.settings import Settings, in_force
from poet_import.source.context import surroundings, with_imports
from poet_import.templates import store_over
from poet_import.transpiler.core import Transpiler
from poet_import.transpiler.metadata import transpiled_of

if TYPE_CHECKING:
    from poet_import.cache.shared import SharedStore
    from poet_import.model import Generator
    from poet_import.transpiler.improving import Improver

_FILENAME = "<source>"
_transpilers: dict[tuple[Settings, str | None], Transpiler] = {}


def transpiler_over(settings: Settings, directory: str | None) -> Transpiler:
    """Return the process's one transpiler for some settings, with a directory of its own for what is generated.

    Of threads that ask first at once, all get the same one: it bounds how many questions a model is asked together.
    """
    found = _transpilers.get((settings, directory))
    return found or _transpilers.setdefault((settings, directory), _new_transpiler(settings, directory))


def _new_transpiler(settings: Settings, directory: str | None) -> Transpiler:
    store = store_over(settings.templates, prompts=settings.generates)
    traces = settings.traces is not None
    if settings.mode == "frozen":
        return Transpiler(store, frozen="required" if settings.on_stale == "raise" else "wanted", traces=traces)
    if not settings.generates:
        return Transpiler(store, traces=traces)
    try:
        improver = improver_over(settings, directory, seconds=settings.generation_timeout)
        return Transpiler(store, improver, traces=traces)
    except (GeneratorError, ValueError) as error:
        return Transpiler(store, unavailable=str(error), traces=traces)


def improver_over(
    settings: Settings, directory: str | None, *, seconds: float, jobs: int = 8, shared: SharedStore | None = None
) -> Improver:
    """Return a new improver for the generator that the settings name.

    Args:
        settings: What is configured.
        directory: Where what is generated is kept.
        seconds: How long the functions that are asked for together may take.
        jobs: How many questions may be open at once.
        shared: Where other machines find it.

    Raises:
        GeneratorError: Something that the generator needs is not configured.
        ValueError: Something of it is wrong.
    """
    # Loads asyncio, the gates and the template engine: not for the many that generate nothing.
    from poet_import.cache.implementations import ImplementationCache
    from poet_import.transpiler.improving import Improver

    waits = settings.mode != "background"
    generator = generator_over(settings, directory, jobs=jobs, shared=shared)
    return Improver(generator, ImplementationCache(directory, shared), seconds=seconds, waits=waits)


def generator_over(
    settings: Settings, directory: str | None, *, jobs: int = 8, shared: SharedStore | None = None
) -> Generator:
    """Return the generator that the settings name; arguments are those of `improver_over`.

    Raises:
        GeneratorError: Something that it needs is not configured.
        ValueError: Something of it is wrong.
    """
    if settings.generator is not None and not isinstance(settings.generator, str):
        return settings.generator
    from poet_import.generators import make_generator, make_remote_generator  # loaded where one is configured only

    if settings.generator == "remote":
        return make_remote_generator(
            url=settings.service_url,
            key=settings.service_key,
            plain_http=settings.plain_http,
            directory=directory,
            shared=shared,
            at_once=jobs,
        )

    return make_generator(
        model=settings.model,
        base_url=settings.llm_base_url,
        api_key=settings.llm_api_key,
        plain_http=settings.plain_http,
        directory=directory,
        shared=shared,
        at_once=jobs,
    )


def transpile(
    source: str,
    *,
    language: str = "python",
    context: Mapping[str, object] | None = None,
    settings: Settings | None = None,
) -> Transpiled:
    """Transpile the marked functions of a source.

    Args:
        source: Source with at least one function under ``@poet``.
        language: ``python``, or ``dana`` with the extra of that name.
        context: What else is known of the source: ``imports``, a list of import statements to stand above it, and
            ``sandbox_context``, a mapping of a host's scopes, of which names and types of ``local`` and ``public``
            are told a model, and no value.
        settings: Those to hold here; the ones in force if None.

    Returns:
        The whole woven source, whose functions need `poet_import.runtime` in the place of ``@poet``, and the metadata
        of the first marked function; ``functions`` lists all of them. Woven Dana needs nothing but Dana.

    Raises:
        TranspileError: The source is not of the language, or marks no function; the message tells what was found.

    .. versionadded:: 0.1.0
    .. versionchanged:: 0.2.0
       ``language="dana"``.
    """
    if language == "dana":
        return _dana(source, context, settings)
    text = _read(source, language, context)
    with _translated():
        woven = _transpiler(settings).transpile(text, _FILENAME, surroundings=_around(context))
        woven.compile(_FILENAME)
    return transpiled_of(woven, _FILENAME)


async def atranspile(
    source: str,
    *,
    language: str = "python",
    context: Mapping[str, object] | None = None,
    settings: Settings | None = None,
) -> Transpiled:
    """Do what `transpile` does without holding up the running event loop; arguments and errors are the same.

    .. versionadded:: 0.2.0
    """
    if language == "dana":
        import asyncio  # loaded where this is called

        return await asyncio.to_thread(_dana, source, context, settings)
    text = _read(source, language, context)
    with _translated():
        woven = await _transpiler(settings).atranspile(text, _FILENAME, surroundings=_around(context))
        woven.compile(_FILENAME)
    return transpiled_of(woven, _FILENAME)


def _dana(source: str, context: Mapping[str, object] | None, settings: Settings | None) -> Transpiled:
    """Transpile a Dana source.

    Raises:
        TranspileError: As `transpile` says.
    """
    # For those alone who have Dana.
    from poet_import.transpiler.programs import read_program, transpiled_program, weave_program

    chosen = in_force() if settings is None else settings
    program = read_program(source, (context or {}).get("imports", ()), _FILENAME)
    program = replace(program, surroundings=_around(context))
    store = store_over(chosen.templates, prompts=chosen.generates, language="dana")
    done = transpiled_program(weave_program(program, store, _transpiler(chosen)))
    rows = done.metadata["functions"]
    for row in rows if isinstance(rows, list) else ():
        if row["source"] != "fallback":
            continue
        message = f"{row['original_function_name']} runs as it is written: {row['reason']}"
        warnings.warn(message, PoetFallbackWarning, stacklevel=3)
    return done


def _around(context: Mapping[str, object] | None) -> tuple[tuple[str, str], ...]:
    return surroundings((context or {}).get("sandbox_context"))


def _transpiler(settings: Settings | None) -> Transpiler:
    chosen = in_force() if settings is None else settings
    return transpiler_over(chosen, cache_directory(chosen) if chosen.generates else None)


def _read(source: str, language: str, context: Mapping[str, object] | None) -> str:
    """Return a source with the imports of its context above it.

    Raises:
        TranspileError: The language is unknown, or the imports are no import statements.
    """
    if language != "python":
        raise TranspileError(f"language {language!r}: this version transpiles 'python' and 'dana'")
    return with_imports(source, context)


@contextmanager
def _translated() -> Iterator[None]:
    """Turn what Python says of a source into a `TranspileError`."""
    try:
        yield
    except SyntaxError as error:
        raise TranspileError(error.msg, filename=_FILENAME, line=error.lineno, column=error.offset) from error
    except ValueError as error:  # a null byte, a lone surrogate
        raise TranspileError(str(error), filename=_FILENAME) from error
