"""Read a module: what is marked in it, and where, before anything is woven."""

from __future__ import annotations

import ast
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from importlib.util import decode_source

from poet_import.errors import TranspileError
from poet_import.model import PoetOptions
from poet_import.source.compiling import no_collection, parse
from poet_import.source.discovery import PoetFunction, discover
from poet_import.source.linemap import Source
from poet_import.source.plan import Plan, make_plan
from poet_import.source.scopes import ScopeTree, read_scopes
from poet_import.templates import TemplateStore

# Every name that the weaver writes; a test compares them with what it writes.
WOVEN_NAMES = {
    "__poet__",
    "_poet_attempt",
    "_poet_begun",
    "_poet_error",
    "_poet_escape",
    "_poet_expired",
    "_poet_failed",
    "_poet_failure",
    "_poet_kept",
    "_poet_marker",
    "_poet_result",
    "_poet_retries",
    "_poet_timer",
    "_poet_values",
}


@dataclass(frozen=True, slots=True)
class Reading:
    """A module as it was found, before anything is woven."""

    source: Source
    filename: str
    scopes: ScopeTree
    functions: tuple[PoetFunction, ...]
    lacks_import: bool
    surroundings: tuple[tuple[str, str], ...] = ()  # names and types of the values around calls
    is_hosted: bool = False  # by Dana

    def plans(self, store: TemplateStore) -> dict[PoetFunction, Plan]:
        """Return what is to be woven into each function, those that stay alone left out."""
        found = (function for function in self.functions if not function.left_alone)
        domains = {function: store.find(function.options.domain) for function in found}
        return {one: make_plan(one, template, is_hosted=self.is_hosted) for one, template in domains.items()}


def read_source(
    source: bytes | str,
    filename: str,
    *,
    options: Mapping[int, PoetOptions] | None = None,
    is_hosted: bool = False,
) -> Reading:
    """Find the functions of a module that are to be woven; arguments and errors are those of `weave_source`."""
    text = decode_source(source) if isinstance(source, bytes) else _normalized(source)
    with depth_checked(filename), no_collection():
        scopes = read_scopes(parse(text, filename))
        if taken := sorted(WOVEN_NAMES & scopes.binds):
            raise TranspileError(f"the name {taken[0]} belongs to woven code: rename it", filename=filename)
        found = discover(scopes, filename=filename)
        functions = found.functions if options is None else tuple(_with_options(found.functions, scopes, options))
        return Reading(Source(text), filename, scopes, functions, found.lacks_import, is_hosted=is_hosted)


@contextmanager
def depth_checked(filename: str) -> Iterator[None]:
    """Say of a source that it is nested too deeply, where that ends a walk through it.

    Raises:
        TranspileError: It is.
    """
    try:
        yield
    except (RecursionError, MemoryError) as error:  # the parser says the one or the other
        raise TranspileError("nested too deeply to be rewritten", filename=filename) from error


def _normalized(text: str) -> str:
    """Return a source with the line ends that the tokenizer sees, and without a byte order mark."""
    return text.removeprefix("\ufeff").replace("\r\n", "\n").replace("\r", "\n")


def _with_options(
    functions: tuple[PoetFunction, ...], scopes: ScopeTree, options: Mapping[int, PoetOptions]
) -> list[PoetFunction]:
    """Return the functions that the options name; one that no decorator marks in the source is marked by its caller."""
    marked = {function.node: function for function in functions}
    chosen: list[PoetFunction] = []
    for node, scope in scopes.inside.items():
        decorators = node.decorator_list or [ast.copy_location(ast.Name("poet"), node)]
        given = options.get(min(decorator.lineno for decorator in decorators))
        known = marked.get(node, PoetFunction(node, scope, decorators[0], PoetOptions()))
        if given is not None and known.left_alone in ("", "dynamic"):
            binds = given.retry_on is not None
            chosen.append(replace(known, options=given, binds_retry_on=binds, left_alone=""))
    return chosen
