"""Weave every marked function of a module: from the user's source to woven source and its code."""

from __future__ import annotations

import ast
import warnings
from collections.abc import Iterable, Mapping
from dataclasses import replace

from poet_import.errors import PoetFallbackWarning, TranspileError
from poet_import.model import PoetOptions
from poet_import.source.adoption import adoptions
from poet_import.source.compiling import no_collection, parse, protect_loops
from poet_import.source.discovery import PoetFunction
from poet_import.source.graft import graft
from poet_import.source.grafted import Graft, Grafted
from poet_import.source.linemap import LineMap, Source
from poet_import.source.phases import Deadline, Loop
from poet_import.source.plan import Plan
from poet_import.source.scopes import FunctionNode, Scope, read_scopes
from poet_import.source.weaver import weave
from poet_import.templates import TemplateStore
from poet_import.transpiler.reading import Reading, depth_checked, read_source
from poet_import.transpiler.versions import version_of
from poet_import.transpiler.woven import Body, Fallback, Outcome, Shadow, Woven, WovenFunction


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


def warn_unwoven(consequence: str, error: Exception, *, filename: str) -> None:
    """Warn, at the place in the user's file, that it could not be woven."""
    names_file = isinstance(error, TranspileError) and error.filename == filename
    reason, line = (error.message, error.line) if names_file else (error, None)  # type: ignore[attr-defined]  # as just tested
    message = f"{consequence} ({type(error).__name__}: {reason})"
    warnings.warn_explicit(message, PoetFallbackWarning, filename, line or 1)


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
