"""Weave every marked function of a module: from the user's source to woven source and its code."""

from __future__ import annotations

import ast
import warnings
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from importlib.util import decode_source
from types import CodeType

from poet_import.errors import PoetFallbackWarning, TranspileError
from poet_import.model import PoetOptions
from poet_import.source.compiling import compile_tree, parse, protect_loops
from poet_import.source.discovery import PoetFunction, discover
from poet_import.source.linemap import LineMap, Source
from poet_import.source.options import NAMES
from poet_import.source.phases import Deadline, Loop
from poet_import.source.plan import Plan, make_plan
from poet_import.source.scopes import FunctionNode, ScopeTree, read_scopes
from poet_import.source.weaver import weave
from poet_import.templates import TemplateStore

# Every name that the weaver writes; a test compares them with what it writes.
_WOVEN_NAMES = {
    "__poet__",
    "_poet_attempt",
    "_poet_error",
    "_poet_escape",
    "_poet_expired",
    "_poet_kept",
    "_poet_result",
    "_poet_timer",
}


@dataclass(frozen=True, slots=True)
class WovenFunction:
    """One marked function of a module and what became of it."""

    qualname: str
    first_line: int  # its co_firstlineno
    line: int  # of its def
    options: PoetOptions
    plan: Plan | None  # None where it was left alone
    left_alone: str = ""  # why: "dynamic" leaves it to the marker, any other reason to nobody

    @property
    def is_woven(self) -> bool:
        """Tell whether any line was woven into it."""
        return self.plan is not None and not self.plan.is_empty


@dataclass(frozen=True, slots=True)
class Woven:
    """A module with its marked functions woven."""

    text: str
    functions: tuple[WovenFunction, ...]
    lineage: tuple[str, ...]  # every domain whose metadata had a part in it, sorted
    needs: tuple[str, ...]  # names of the runtime to load before the module runs
    tree: ast.Module  # of the woven text, with the user's positions

    def compile(self, filename: str, *, optimize: int = -1) -> CodeType:
        """Return the code of the module.

        Raises:
            TranspileError: Woven, it is nested too deeply for the compiler.
        """
        try:
            return compile_tree(self.tree, filename, optimize=optimize)
        except RecursionError as error:
            raise TranspileError("nested too deeply to be rewritten", filename=filename) from error


def weave_source(
    source: bytes | str,
    filename: str,
    *,
    store: TemplateStore,
    options: Mapping[int, PoetOptions] | None = None,
) -> Woven:
    """Weave every marked function of a module.

    Args:
        source: The module's source, as bytes in its own encoding or as text.
        filename: Its file, for messages.
        store: Where domains come from.
        options: Options that only the running program knows, by the line of the function's first decorator.
            Where given, these functions are woven and no others, and a function needs no visible marker.

    Raises:
        SyntaxError: The source is not Python.
        TranspileError: The source is nested too deeply, or has names that belong to woven code.
    """
    text = decode_source(source) if isinstance(source, bytes) else _normalized(source)
    try:
        return _weave(text, filename, store, options=options)
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


def _weave(text: str, filename: str, store: TemplateStore, *, options: Mapping[int, PoetOptions] | None) -> Woven:
    tree = parse(text, filename)
    scopes = read_scopes(tree)
    if taken := sorted(_WOVEN_NAMES & scopes.binds):
        raise TranspileError(f"the name {taken[0]} belongs to woven code: rename it", filename=filename)
    found = discover(scopes, filename=filename)
    functions = found.functions if options is None else _with_options(found.functions, scopes, options)
    plans = {function: _plan(function, store) for function in functions if not function.left_alone}
    lines = weave(Source(text), tree, list(plans.values()), lacks_import=found.lacks_import)
    return Woven(
        text=lines.text,
        functions=tuple(_woven(function, plans.get(function)) for function in functions),
        lineage=tuple(sorted({name for plan in plans.values() for name in plan.template.lineage})),
        needs=_needs(plans.values()),
        tree=_user_tree(lines, filename, list(plans.values())),
    )


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


def _plan(function: PoetFunction, store: TemplateStore) -> Plan:
    return make_plan(function, store.find(function.options.domain))


def _woven(function: PoetFunction, plan: Plan | None) -> WovenFunction:
    lines = function.first_line, function.node.lineno
    return WovenFunction(function.qualname, *lines, function.options, plan, function.left_alone)


def _needs(plans: Iterable[Plan]) -> tuple[str, ...]:
    """Return a name of each part of the runtime that the woven functions call."""
    needs: set[str] = set()
    for plan in plans:
        blocks = [type(block) for block in plan.blocks]
        needs |= {"next_attempt"} if Loop in blocks else set()
        if Deadline in blocks:
            needs.add("start_in_task" if plan.anatomy.is_async else "start")
        needs |= {"fits", plan.binds} if plan.binds else set()
        tests = [test for test, _ in (*plan.perceive, *plan.enforce)]
        needs |= {"rules"} if any("rules." in test or "item_keeps" in test for test in tests) else set()
    return tuple(sorted(needs))


def _user_tree(lines: LineMap, filename: str, plans: list[Plan]) -> ast.Module:
    """Return the syntax tree of the woven text, with the user's positions."""
    try:
        tree = parse(lines.text, filename)
    except SyntaxError as error:  # pragma: no cover  (a fault of the weaver's that no test knows)
        message = f"the woven text does not parse ({error.msg}, its line {error.lineno}); please report this"
        raise TranspileError(message, filename=filename) from error
    lines.move(tree)
    limited = {
        _position(plan.found.node) for plan in plans if any(isinstance(block, Deadline) for block in plan.blocks)
    }
    if limited:
        functions = [node for node in ast.walk(tree) if isinstance(node, FunctionNode)]
        protect_loops([node for node in functions if _position(node) in limited])
    return tree


def _position(node: FunctionNode) -> tuple[int, int]:
    return node.lineno, node.col_offset


def row_of(function: WovenFunction) -> tuple[object, ...]:
    """Return what is kept of a function beside its code, in types that marshal writes.

    Qualified name; ``woven``, ``untouched`` (nothing to weave) or why it is left alone; whether the marker binds
    ``retry_on``. Then for `describe` the options, the phases, the template's name, version and digest, and its
    enhancements. Last the line of its ``def``.
    """
    options = tuple(getattr(function.options, name) for name in NAMES)
    plan = function.plan
    state = function.left_alone or ("woven" if function.is_woven else "untouched")
    if plan is None:
        return (function.qualname, state, False, options, (), "", "", (), function.line)
    template = plan.template
    name = f"{template.domain}/{template.version}"
    binds = plan.found.binds_retry_on
    facts = (plan.phases, name, template.digest, template.enhancements)
    return (function.qualname, state, binds, options, *facts, function.line)
