"""Weave every marked function of a module: from the user's source to woven source and its code."""

from __future__ import annotations

import ast
import warnings
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from importlib.util import decode_source

from poet_import.errors import PoetFallbackWarning, TranspileError
from poet_import.model import PoetOptions
from poet_import.source.adoption import adoptions
from poet_import.source.compiling import no_collection, parse, protect_loops
from poet_import.source.discovery import PoetFunction, discover
from poet_import.source.graft import graft
from poet_import.source.grafted import Graft, Grafted
from poet_import.source.linemap import LineMap, Source
from poet_import.source.phases import Deadline, Loop
from poet_import.source.plan import Plan, make_plan
from poet_import.source.scopes import FunctionNode, Scope, ScopeTree, read_scopes
from poet_import.source.weaver import weave
from poet_import.templates import TemplateStore
from poet_import.transpiler.versions import version_of
from poet_import.transpiler.woven import Body, Fallback, Outcome, Shadow, Woven, WovenFunction

# Every name that the weaver writes; a test compares them with what it writes.
_WOVEN_NAMES = {
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


def weave_source(
    source: bytes | str,
    filename: str,
    *,
    store: TemplateStore,
    options: Mapping[int, PoetOptions] | None = None,
    is_hosted: bool = False,
) -> Woven:
    """Weave every marked function of a module around its own body.

    Args:
        source: The module's source, as bytes in its own encoding or as text.
        filename: Its file, for messages.
        store: Where domains come from.
        options: Options that only the running program knows, by the line of the function's first decorator.
            Where given, these functions are woven and no others, and a function needs no visible marker.
        is_hosted: Whether Dana calls the functions.

    Raises:
        SyntaxError: The source is not Python.
        TranspileError: The source is nested too deeply, or has names that belong to woven code.
    """
    return weave_reading(read_source(source, filename, options=options, is_hosted=is_hosted), store)


def read_source(
    source: bytes | str,
    filename: str,
    *,
    options: Mapping[int, PoetOptions] | None = None,
    is_hosted: bool = False,
) -> Reading:
    """Find the functions of a module that are to be woven; the arguments and errors are those of `weave_source`."""
    text = decode_source(source) if isinstance(source, bytes) else _normalized(source)
    with depth_checked(filename), no_collection():
        scopes = read_scopes(parse(text, filename))
        if taken := sorted(_WOVEN_NAMES & scopes.binds):
            raise TranspileError(f"the name {taken[0]} belongs to woven code: rename it", filename=filename)
        found = discover(scopes, filename=filename)
        functions = found.functions if options is None else tuple(_with_options(found.functions, scopes, options))
        return Reading(Source(text), filename, scopes, functions, found.lacks_import, is_hosted=is_hosted)


def weave_reading(
    reading: Reading,
    store: TemplateStore,
    outcomes: Mapping[PoetFunction, Outcome] | None = None,
    *,
    shadows: Mapping[PoetFunction, Shadow] | None = None,
    traces: bool = False,
) -> Woven:
    """Weave the functions of a module, each around its own body or the one that it got, some with a shadow beside it.

    With ``traces`` each tells of its calls to ``poet record``.

    Raises:
        TranspileError: The source is nested too deeply.
    """
    with depth_checked(reading.filename), no_collection():
        if not any(isinstance(outcome, Body) for outcome in (outcomes or {}).values()):
            return _weave(reading, store, {**(outcomes or {})}, shadows=shadows or {}, grafted=None, traces=traces)
        return _weave_grafted(reading, store, {**(outcomes or {})}, shadows=shadows or {}, traces=traces)


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


def warn_unwoven(consequence: str, error: Exception, *, filename: str) -> None:
    """Warn, at the place in the user's file, that it could not be woven."""
    names_file = isinstance(error, TranspileError) and error.filename == filename
    reason, line = (error.message, error.line) if names_file else (error, None)  # type: ignore[attr-defined]  # as just tested
    message = f"{consequence} ({type(error).__name__}: {reason})"
    warnings.warn_explicit(message, PoetFallbackWarning, filename, line or 1)


def _normalized(text: str) -> str:
    """Return a source with the line ends that the tokenizer sees, and without a byte order mark."""
    return text.removeprefix("\ufeff").replace("\r\n", "\n").replace("\r", "\n")


def _weave_grafted(
    reading: Reading,
    store: TemplateStore,
    outcomes: dict[PoetFunction, Outcome],
    *,
    shadows: Mapping[PoetFunction, Shadow],
    traces: bool,
) -> Woven:
    """Weave the module with other bodies in it; a body that cannot be put where it belongs is a fallback."""
    grafts = {
        function: Graft(function.scope, outcome.implementation.operate, outcome.filename)
        for function, outcome in outcomes.items()
        if isinstance(outcome, Body)
    }
    grafted, refused = graft(reading.source, reading.scopes, grafts.values())
    for function, one in grafts.items():
        if one in refused:
            outcomes[function] = Fallback(f"what was generated does not fit into its module: {refused[one]}")
    scopes = read_scopes(parse(grafted.text, reading.filename))
    places = {(function.node.lineno, function.node.col_offset): function for function in reading.functions}
    moved: dict[PoetFunction, PoetFunction] = {}
    for node, scope in scopes.inside.items():
        place = grafted.user_position(node)
        if place in places:
            moved[places[place]] = _moved(places[place], node, scope)
    functions = tuple(moved[function] for function in reading.functions if function in moved)
    again = replace(reading, source=Source(grafted.text), scopes=scopes, functions=functions)
    outcomes = {moved[function]: outcome for function, outcome in outcomes.items()}
    shadows = {moved[function]: shadow for function, shadow in shadows.items()}
    return _weave(again, store, outcomes, shadows=shadows, grafted=grafted, traces=traces)


def _moved(function: PoetFunction, node: FunctionNode, scope: Scope) -> PoetFunction:
    """Return a function as it stands in the text with other bodies."""
    decorator = function.decorator
    if decorator in function.node.decorator_list:
        decorator = node.decorator_list[function.node.decorator_list.index(decorator)]
    return replace(function, node=node, scope=scope, decorator=decorator)


def _weave(
    reading: Reading,
    store: TemplateStore,
    outcomes: dict[PoetFunction, Outcome],
    *,
    shadows: Mapping[PoetFunction, Shadow],
    grafted: Grafted | None,
    traces: bool,
) -> Woven:
    found = reading.plans(store)
    traced = _traced(reading) if traces else {}
    plans = {
        function: replace(
            plan,
            is_shadowed=function in shadows,
            traced=traced.get(function),
            train=plan.train and replace(plan.train, version=version_of(plan, outcomes.get(function), reading.source)),
        )
        for function, plan in found.items()
    }
    module = reading.scopes.module.node
    assert isinstance(module, ast.Module)
    adopted = list(adoptions(module, reading.functions))
    lines = weave(reading.source, module, list(plans.values()), lacks_import=reading.lacks_import, adopted=adopted)
    tree = _user_tree(lines, reading.filename, list(plans.values()), grafted=grafted)
    return Woven(
        text=lines.text,
        functions=tuple(
            replace(_settled(function, plans, outcomes, grafted=grafted), shadow=shadows.get(function))
            for function in reading.functions
        ),
        lineage=tuple(sorted({name for plan in plans.values() for name in plan.template.lineage})),
        needs=_needs(plans.values()),
        tree=tree,
        grafted=grafted,
        is_adopted=bool(adopted),
    )


def _traced(reading: Reading) -> dict[PoetFunction, tuple[str, tuple[str, ...]]]:
    from poet_import.transpiler.traces import traced_functions  # only while calls are recorded

    return traced_functions(reading.filename, reading.functions)


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


def _settled(
    function: PoetFunction,
    plans: Mapping[PoetFunction, Plan],
    outcomes: Mapping[PoetFunction, Outcome],
    *,
    grafted: Grafted | None,
) -> WovenFunction:
    """Return what became of a function, with the user's lines."""
    lines = function.first_line, function.node.lineno
    if grafted is not None:
        lines = grafted.user_line(lines[0]), grafted.user_line(lines[1])
    plan, outcome = plans.get(function), outcomes.get(function)
    return WovenFunction(
        function.qualname, *lines, function.options, plan, left_alone=function.left_alone, outcome=outcome
    )


def _needs(plans: Iterable[Plan]) -> tuple[str, ...]:
    """Return a name of each part of the runtime that the woven functions call."""
    needs: set[str] = set()
    for plan in plans:
        blocks = [type(block) for block in plan.blocks]
        needs |= {"next_attempt"} if Loop in blocks else set()
        if Deadline in blocks:
            needs.add("start_in_task" if plan.anatomy.is_async else "start")
        needs |= {"fits", plan.binds} if plan.binds else set()
        needs |= {"received"} if plan.is_hosted else set()
        needs |= {"sample"} if plan.is_shadowed else set()
        needs |= {"succeeded"} if plan.train else set()
        needs |= {"traced"} if plan.traced else set()
        tests = [test for test, _ in (*plan.perceive, *plan.enforce)]
        needs |= {"rules"} if any("rules." in test or "item_keeps" in test for test in tests) else set()
    return tuple(sorted(needs))


def _user_tree(lines: LineMap, filename: str, plans: list[Plan], *, grafted: Grafted | None) -> ast.Module:
    """Return the syntax tree of the woven text, with the positions of the files that its parts came from."""
    try:
        tree = parse(lines.text, filename)
    except SyntaxError as error:  # pragma: no cover  (a fault of the weaver's that no test knows)
        message = f"the woven text does not parse ({error.msg}, its line {error.lineno}); please report this"
        raise TranspileError(message, filename=filename) from error
    lines.move(tree)
    limited = {
        _position(plan.found.node) for plan in plans if any(isinstance(block, Deadline) for block in plan.blocks)
    }
    functions = [node for node in ast.walk(tree) if isinstance(node, FunctionNode)] if limited else []
    loose = [node for node in functions if _position(node) in limited]
    if grafted is not None:
        grafted.settle(tree)
    protect_loops(loose)
    return tree


def _position(node: FunctionNode) -> tuple[int, int]:
    return node.lineno, node.col_offset
