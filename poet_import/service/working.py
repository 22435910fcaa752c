"""What a worker process does: one request or one template at a time, within memory and time that it cannot exceed.

Nothing of a caller's runs here: a function is parsed and woven, and what a model wrote is tried in the jail alone.
"""

from __future__ import annotations

import signal
import sys
import time
import warnings
from collections.abc import Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING

from poet_import.errors import GeneratorError, PoetFallbackWarning, PoetWarning, TemplateError, TranspileError
from poet_import.model import Language
from poet_import.service.faults import Fault, without_input
from poet_import.service.programs import read_dana_function
from poet_import.service.reading import FILENAME, Refused, read_function
from poet_import.settings import Settings
from poet_import.templates import TemplateStore
from poet_import.transpiler import improver_over
from poet_import.transpiler.core import Transpiler
from poet_import.transpiler.metadata import transpiled_of
from poet_import.transpiler.programs import transpiled_program, weave_program
from poet_import.transpiler.woven import Body, Outcome

if TYPE_CHECKING:
    from poet_import.service.redis_store import RedisStore

TOO_COSTLY = Fault("template", "rendering it takes more time or memory than a prompt may")
_REPLY_SECONDS = 1.0  # of a request's time are kept for weaving and the way back


@dataclass(frozen=True, slots=True)
class Task:
    """One request for the worker."""

    code: str
    language: Language
    imports: tuple[str, ...]
    settings: Settings
    roots: tuple[str, ...]
    epoch: str  # of the templates
    directory: str | None
    seconds: float  # that are left
    memory: int  # bytes
    surroundings: tuple[tuple[str, str], ...] = ()  # names and types of the values around its calls
    redis_url: str | None = field(default=None, repr=False)  # where other machines find what is generated


@dataclass(frozen=True, slots=True)
class Done:
    """What became of it."""

    response: Mapping[str, object] = field(default_factory=dict)
    faults: tuple[Fault, ...] = ()
    source: str = "none"  # of the body: "model", "none", "fallback"
    reason: str = ""
    warnings: tuple[str, ...] = ()
    stages: Mapping[str, float] = field(default_factory=dict)  # seconds
    refusals: tuple[str, ...] = ()  # gate and rule of each violation that an answer had
    tokens: tuple[int, int] = (0, 0)  # in, out
    tier: str = ""  # of the cache that had the body, "" where none had it
    is_redis_lost: bool = False  # no answer came from it


def transpile_task(task: Task) -> Done:
    """Transpile the function of one request."""
    _confine(task.memory)
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        done = _transpiled(task)
    said = [*done.warnings, *_said(caught)]
    if done.faults or not said:
        return done
    metadata = {**_table(done.response["metadata"]), "warnings": said}
    return replace(done, response={**done.response, "metadata": metadata})


def _transpiled(task: Task) -> Done:
    shared = _shared(task.redis_url) if task.redis_url and task.settings.generates else None
    done = _woven_dana(task, shared) if task.language == "dana" else _woven(task, shared)
    return replace(done, is_redis_lost=True) if shared is not None and shared.has_failed else done


def _shared(url: str) -> RedisStore:
    from poet_import.service.redis_store import RedisStore  # for those that have one: it takes its time to load

    return RedisStore(url)


def _woven(task: Task, shared: RedisStore | None) -> Done:
    begun = time.monotonic()
    try:
        sent = read_function(task.code, task.imports)
    except Refused as refused:
        return Done(faults=refused.faults)
    read = time.monotonic()
    try:
        transpiler = _transpiler(task, shared, seconds=task.seconds - (read - begun) - _REPLY_SECONDS)
        woven = transpiler.transpile_reading(replace(sent.reading, surroundings=task.surroundings))
        woven.compile(FILENAME)
        transpiled = transpiled_of(woven, FILENAME)
    except SyntaxError as error:
        return Done(faults=(sent.syntax_fault(error),))
    except TranspileError:
        return Done(faults=(Fault("too-deep", "woven, it is nested too deeply for Python", "/function_code"),))
    metadata = {name: value for name, value in transpiled.metadata.items() if name != "functions"}
    done = Done(
        transpiled.to_dict() | {"metadata": metadata},
        source=str(metadata["source"]),
        reason=str(metadata.get("reason", "")),
        warnings=_unknown_domain(sent.marked.options.domain, _store(task)),
    )
    return _with_figures(done, woven.functions[0].outcome, read=read - begun, rest=time.monotonic() - read)


def _woven_dana(task: Task, shared: RedisStore | None) -> Done:
    begun = time.monotonic()
    try:
        source = replace(read_dana_function(task.code, task.imports), surroundings=task.surroundings)
    except Refused as refused:
        return Done(faults=refused.faults)
    read = time.monotonic()
    transpiler = _transpiler(task, shared, seconds=task.seconds - (read - begun) - _REPLY_SECONDS)
    woven = weave_program(source, _store(task), transpiler)
    transpiled = transpiled_program(woven)
    metadata = {name: value for name, value in transpiled.metadata.items() if name != "functions"}
    said = metadata.get("warnings")
    unknown = _unknown_domain(source.functions[0].options.domain, _store(task))
    done = Done(
        transpiled.to_dict() | {"metadata": metadata},
        source=str(metadata["source"]),
        reason=str(metadata.get("reason", "")),
        warnings=(*unknown, *(map(str, said) if isinstance(said, list) else ())),
    )
    return _with_figures(done, woven.outcomes[0], read=read - begun, rest=time.monotonic() - read)


def _table(value: object) -> Mapping[str, object]:
    assert isinstance(value, Mapping)  # as it was just made
    return value


def _unknown_domain(domain: str | None, store: TemplateStore) -> tuple[str, ...]:
    used = store.find(domain).domain
    if domain is None or used == domain:
        return ()
    return (f"the domain {domain!r} is unknown here, broken, or written for another language: {used} was used",)


def _said(caught: Iterable[warnings.WarningMessage]) -> list[str]:
    """Return what was warned of, but for what the metadata tells otherwise."""
    ours = [str(one.message) for one in caught if issubclass(one.category, PoetWarning)]
    fallbacks = [str(one.message) for one in caught if issubclass(one.category, PoetFallbackWarning)]
    return [text for text in ours if text not in fallbacks and "used instead" not in text]


def _transpiler(task: Task, shared: RedisStore | None, *, seconds: float) -> Transpiler:
    store = _store(task)
    if not task.settings.generates:
        return Transpiler(store)
    if seconds <= 0:
        return Transpiler(store, unavailable="no time was left to ask a model")
    try:
        return Transpiler(store, improver_over(task.settings, task.directory, seconds=seconds, shared=shared))
    except (GeneratorError, ValueError) as error:
        return Transpiler(store, unavailable=str(error))


_stores: dict[tuple[str, tuple[str, ...], Language], TemplateStore] = {}


def _store(task: Task) -> TemplateStore:
    """Return a store that has read the templates of this epoch; older ones are dropped."""
    key = task.epoch, task.roots, task.language
    if key not in _stores:
        for old in [old for old in _stores if old[:2] != key[:2]]:
            del _stores[old]
        roots = map(Path, task.roots)
        _stores[key] = TemplateStore(roots, prompts=task.settings.generates, language=task.language)
    return _stores[key]


def _with_figures(done: Done, outcome: Outcome | None, *, read: float, rest: float) -> Done:
    """Add what it has cost, which the record of a body tells."""
    tier = outcome.tier if isinstance(outcome, Body) else ""
    record = outcome.record if isinstance(outcome, Body) and not tier else {}  # of what was spent before, it tells too
    stages = {"discover": read}
    gates = record.get("gates")
    for row in gates if isinstance(gates, list) else ():
        stages[f"gate_{row['gate']}"] = stages.get(f"gate_{row['gate']}", 0.0) + float(row["seconds"])
    if record:
        stages["render"] = float(str(record.get("render_seconds", 0.0)))
        stages["model"] = float(str(record.get("seconds", 0.0)))
    stages["weave"] = max(0.0, rest - sum(seconds for name, seconds in stages.items() if name != "discover"))
    refused = record.get("refused")
    rules = tuple(f"{row['gate']}/{row['rule']}" for row in refused) if isinstance(refused, list) else ()
    tokens = (int(str(record.get("input_tokens", 0))), int(str(record.get("output_tokens", 0))))
    return replace(done, stages=stages, refusals=rules, tokens=tokens, tier=tier)


def check_template(roots: tuple[str, ...], domain: str, memory: int) -> Fault | None:
    """Return why the current version of a domain cannot be used, or None; it is rendered to find out."""
    _confine(memory)
    try:
        TemplateStore(map(Path, roots), prompts=True).load(domain)
    except TemplateError as error:
        said, _, _ = error.message.partition("; a new one is")  # where folders are here is nobody else's matter
        return Fault("template", without_input(said), line=error.line)
    except MemoryError:
        return TOO_COSTLY
    return None


def warm() -> None:
    """Do nothing, with everything loaded that a task needs."""


def _confine(memory: int) -> None:
    """Bound the memory of this process, and leave Ctrl-C to the server."""
    with suppress(ValueError):  # not in a main thread: in a test
        signal.signal(signal.SIGINT, signal.SIG_IGN)
    if sys.platform == "linux":
        import resource  # there is none elsewhere

        _, hard = resource.getrlimit(resource.RLIMIT_DATA)
        most = memory if hard == resource.RLIM_INFINITY else min(memory, hard)
        resource.setrlimit(resource.RLIMIT_DATA, (most, hard))
