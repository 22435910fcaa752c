"""Weave a function at run time, from its source, where no hook could: the same core, onto the same function object.

A file is woven once, as the hook would do it; each marked function then takes its code from there. One whose options
only the running program knows is woven alone.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from types import CodeType, FrameType, FunctionType
from typing import Any

from poet_import import runtime
from poet_import.marker import bind_retry_on, functions_in
from poet_import.marker.dana_functions import as_python, is_dana_function, place_of
from poet_import.marker.files import SourceFile, source_file, weave_alone
from poet_import.marker.wrapping import wrap
from poet_import.model import PoetOptions
from poet_import.settings import in_force
from poet_import.source.options import check_retry_on, read_options
from poet_import.templates import store_over
from poet_import.transpiler.woven import Body, WovenFunction, row_of


@dataclass(frozen=True, slots=True)
class Spot:
    """What one code object was woven into."""

    after: CodeType | None  # None where nothing is woven into it
    function: WovenFunction
    heading: range  # the lines from the first decorator to the ``def``; none without a decorator
    companions: CodeType | None = None  # binds what its body needs, where that came from elsewhere


_spots: dict[tuple[int, PoetOptions], tuple[CodeType, Spot | None]] = {}  # by id of a code, which is kept alive beside
_rows: dict[CodeType, tuple[object, ...]] = {}  # by value of the woven code: a closure may have a copy of its own
_untouched: dict[CodeType, tuple[object, ...]] = {}  # by the code of functions that have nothing to be woven in


def weave_marked(marked: object, options: dict[str, object], caller: FrameType) -> object:
    """Return what was marked, woven: the same object where the decoration is under way, else a woven copy.

    Raises:
        TypeError: The marker stands on a class or on something that cannot be called, or an option is wrong.
        ValueError: An option is out of range.
    """
    if is_dana_function(marked):
        read = _read(options, where=place_of(marked, caller))
        return _wrapped(as_python(marked, caller), read, options.get("retry_on"))
    where = f"{caller.f_code.co_filename}:{caller.f_lineno}"
    if isinstance(marked, type):
        raise TypeError(f"{where}: @poet stands on the class {marked.__qualname__}: mark its methods instead")
    retry_on, read = options.get("retry_on"), _read(options, where=where)
    for function in functions_in(marked):
        if _is_woven(function, retry_on):
            return marked
        spot = _spot(function, read) if function.__code__.co_filename == caller.f_code.co_filename else None
        if spot is not None and caller.f_lineno in spot.heading:  # it is being decorated at this very moment
            _apply(function, spot, retry_on)
            return marked
    if isinstance(marked, FunctionType) and not hasattr(marked, "__wrapped__"):
        spot = _spot(marked, read)
        if spot is not None:
            copy = _copy(marked)
            _apply(copy, spot, retry_on)
            return copy
    return _without_source(marked, read, retry_on, where=where)


def _read(options: dict[str, object], *, where: str) -> PoetOptions:
    retry_on = options.get("retry_on")
    if retry_on is not None:
        check_retry_on(retry_on, where=where)
    return read_options(options, where=where, retry_on=None if retry_on is None else "retry_on")


def _is_woven(function: FunctionType, retry_on: object) -> bool:
    """Tell whether a function is marked twice, or comes from a woven text: that may still need its ``retry_on``."""
    if function.__code__ in _rows:
        return True
    is_written = "__poet__" in function.__code__.co_names
    if is_written and retry_on is not None:
        bind_retry_on(function, retry_on)
    return is_written


def _without_source(marked: object, options: PoetOptions, retry_on: object, *, where: str) -> object:
    """Wrap a plain function; leave alone what some other library has made of one."""
    if isinstance(marked, staticmethod | classmethod):
        return type(marked)(_without_source(marked.__func__, options, retry_on, where=where))  # type: ignore[arg-type]  # callable, as what it replaces
    if isinstance(marked, property) and marked.fget is not None:
        return marked.getter(_without_source(marked.fget, options, retry_on, where=where))  # type: ignore[arg-type]  # as above
    if isinstance(marked, FunctionType) or (callable(marked) and type(marked).__module__ == "builtins"):
        return _wrapped(marked, options, retry_on)
    if not callable(marked) and not hasattr(type(marked), "__get__"):
        raise TypeError(f"{where}: @poet marks functions, not {type(marked).__name__}")
    return marked


def _wrapped(function: Callable[..., Any], options: PoetOptions, retry_on: object) -> object:  # Any: as `wrap` has it
    return wrap(function, options, store_over(in_force().templates).find(options.domain), retry_on=retry_on)


def _spot(function: FunctionType, options: PoetOptions) -> Spot | None:
    """Return what the code of a function is woven into, or None if its source is not at hand."""
    code = function.__code__
    known = _spots.get((id(code), options))
    if known is None:
        file = source_file(code.co_filename, function.__globals__)
        is_known = file is not None and file.woven is not None and file.is_source_of(code)
        known = _spots[id(code), options] = code, _weave(code, file, options) if file and is_known else None
    return known[1]


def _weave(code: CodeType, file: SourceFile, options: PoetOptions) -> Spot:
    """Return the woven code of a function: the file's where the source tells its options, else one of its own."""
    line = code.co_firstlineno
    node = file.definitions[line]
    heading = range(line, node.lineno + 1 if node.decorator_list else line)
    for woven in file.woven.functions if file.woven else ():
        if woven.first_line == line and woven.left_alone not in ("", "dynamic"):
            return Spot(None, woven, heading)
        if woven.first_line == line and not woven.left_alone and _is_same(woven.options, options):
            return Spot(_fitting(file.codes.get(line), code, woven), woven, heading, file.companions(line))
    alone = weave_alone(file, line, options)
    companions = alone.woven.companions(line, file.name)
    return Spot(_fitting(alone.code, code, alone.function), alone.function, heading, companions)


def _fitting(found: CodeType | None, code: CodeType, function: WovenFunction) -> CodeType | None:
    """Return woven code where it does anything new, and fits the closure of the function that it is for."""
    changes = function.is_woven or isinstance(function.outcome, Body)
    return found if changes and found is not None and found.co_freevars == code.co_freevars else None


def _is_same(written: PoetOptions, given: PoetOptions) -> bool:
    """Tell whether the source says the same as the call; of ``retry_on`` it has the text, the call the value."""
    names = ("domain", "optimize_for", "retries", "timeout", "on_violation", "semantics")
    both = [(getattr(written, name), getattr(given, name)) for name in names]
    return all(one == other for one, other in both) and (written.retry_on is None) == (given.retry_on is None)


def _apply(function: FunctionType, spot: Spot, retry_on: object) -> None:
    """Give a function its woven code, and the runtime what that needs to know."""
    plan = spot.function.plan
    if spot.after is None or plan is None:
        _untouched[function.__code__] = row_of(spot.function)
        return
    function.__globals__.setdefault("__poet__", runtime)
    if spot.companions is not None:
        exec(spot.companions, function.__globals__)  # noqa: S102  (what the gates have accepted, as the hook would run it)
    function.__code__ = spot.after
    if plan.binds:
        getattr(runtime, plan.binds)(function)
    if retry_on is not None and plan.found.binds_retry_on:
        bind_retry_on(function, retry_on)
    _rows[spot.after] = row_of(spot.function)


def spot_row(function: FunctionType) -> tuple[object, ...] | None:
    """Return the row of a function that the marker has looked after."""
    code = function.__code__
    wrapper: tuple[object, ...] | None = function.__dict__.get("__poet__")
    return wrapper or _rows.get(code) or _untouched.get(code)


def _copy(function: FunctionType) -> FunctionType:
    """Return a function with the same code, globals, defaults, closure and attributes."""
    copy = FunctionType(
        function.__code__, function.__globals__, function.__name__, function.__defaults__, function.__closure__
    )
    copy.__kwdefaults__ = dict(function.__kwdefaults__) if function.__kwdefaults__ else None
    copy.__dict__.update(function.__dict__)
    for name in ("__module__", "__qualname__", "__doc__", "__annotations__", "__type_params__"):
        if hasattr(function, name):
            setattr(copy, name, getattr(function, name))
    return copy
