"""Weave a function at run time, from its source, where no hook could: the same core, onto the same function object.

A file is woven once, as the hook would do it; each marked function then takes its code from there. One whose options only
the running program knows is woven alone.
"""

from __future__ import annotations

import ast
import linecache
import os
from dataclasses import dataclass
from types import CodeType, FrameType, FunctionType

from poet_import import runtime
from poet_import.errors import TranspileError
from poet_import.marker import bind_retry_on, functions_in
from poet_import.marker.wrapping import wrap
from poet_import.model import PoetOptions
from poet_import.settings import Settings
from poet_import.source.compiling import compile_tree, parse
from poet_import.source.options import check_retry_on, read_options
from poet_import.source.scopes import FunctionNode
from poet_import.templates import TemplateStore, template_roots
from poet_import.transpiler import Woven, WovenFunction, row_of, weave_source


@dataclass(frozen=True, slots=True)
class Spot:
    """What one code object was woven into."""

    before: CodeType  # kept, so that its id is not given anew
    after: CodeType | None  # None where nothing is woven into it
    function: WovenFunction


@dataclass(frozen=True, slots=True)
class _File:
    """A source file as it is now, and what weaving it gave."""

    text: str
    definitions: dict[int, FunctionNode]  # by the line of the first decorator
    woven: Woven
    codes: dict[int, CodeType]  # woven code by the line of the first decorator


_files: dict[str, _File] = {}
_spots: dict[tuple[int, PoetOptions], Spot] = {}
_rows: dict[int, tuple[CodeType, tuple[object, ...]]] = {}  # by id of the woven code: for `describe`


def weave_marked(marked: object, options: dict[str, object], caller: FrameType) -> object:
    """Return what was marked, woven: the same object where the decoration is under way, else a woven copy.

    Raises:
        TypeError: The marker stands on a class or on something that cannot be called, or an option is wrong.
        ValueError: An option is out of range.
    """
    where = f"{caller.f_code.co_filename}:{caller.f_lineno}"
    if isinstance(marked, type):
        raise TypeError(f"{where}: @poet stands on the class {marked.__qualname__}: mark its methods instead")
    retry_on = options.get("retry_on")
    if retry_on is not None:
        check_retry_on(retry_on, where=where)
    read = read_options(options, where=where, retry_on=None if retry_on is None else "retry_on")
    for function in functions_in(marked):
        spot = _spot(function, read, caller)
        if spot is None:
            continue
        if _is_decorating(function, caller):
            _apply(function, spot, retry_on)
            return marked
        if function is marked:
            copy = _copy(function)
            _apply(copy, spot, retry_on)
            return copy
    return _without_source(marked, read, retry_on, where)


def _without_source(marked: object, options: PoetOptions, retry_on: object, where: str) -> object:
    """Wrap a plain function; leave alone what some other library has made of one."""
    if isinstance(marked, staticmethod | classmethod):
        return type(marked)(_without_source(marked.__func__, options, retry_on, where))
    if isinstance(marked, FunctionType) or (callable(marked) and type(marked).__module__ == "builtins"):
        return wrap(marked, options, _store().find(options.domain), retry_on)
    if not callable(marked) and not hasattr(type(marked), "__get__"):
        raise TypeError(f"{where}: @poet marks functions, not {type(marked).__name__}")
    return marked


def _spot(function: FunctionType, options: PoetOptions, caller: FrameType) -> Spot | None:
    """Return what the code of a function is woven into, or None if its source is not at hand."""
    code = function.__code__
    known = _spots.get((id(code), options))
    if known is not None and code in (known.before, known.after):
        return known
    file = _file(code.co_filename, function.__globals__)
    node = file.definitions.get(code.co_firstlineno) if file else None
    if file is None or node is None or not _matches(node, code):
        return None
    if not _is_within(node, caller) and function.__module__ != caller.f_globals.get("__name__") and node.decorator_list:
        return None
    spot = _weave(function, file, options)
    _spots[id(code), options] = spot
    if spot.after is not None:
        _spots[id(spot.after), options] = spot
    return spot


def _matches(node: FunctionNode, code: CodeType) -> bool:
    """Tell whether a definition is what a code object was compiled from; the file may have changed since."""
    spec = node.args
    names = [argument.arg for argument in (*spec.posonlyargs, *spec.args, *spec.kwonlyargs)]
    count = code.co_argcount + code.co_kwonlyargcount
    return node.name == code.co_name and all(
        theirs == ours or theirs.endswith(ours) for theirs, ours in zip(code.co_varnames[:count], names, strict=False)
    )


def _is_within(node: FunctionNode, caller: FrameType) -> bool:
    first = min([node.lineno, *(decorator.lineno for decorator in node.decorator_list)])
    return first <= caller.f_lineno <= node.lineno


def _is_decorating(function: FunctionType, caller: FrameType) -> bool:
    """Tell whether the caller is at this very moment decorating the function."""
    file = _files.get(function.__code__.co_filename)
    if file is None or caller.f_code.co_filename != function.__code__.co_filename:
        return False
    node = file.definitions.get(function.__code__.co_firstlineno)
    return node is not None and bool(node.decorator_list) and _is_within(node, caller)


def _file(filename: str, namespace: dict[str, object]) -> _File | None:
    """Return a file, woven; None if its source is not at hand or cannot be woven."""
    linecache.checkcache(filename)
    text = "".join(linecache.getlines(filename, namespace))
    known = _files.get(filename)
    if known is not None and known.text == text:
        return known
    if not text:
        return None
    try:
        woven = weave_source(text, filename, store=_store())
        file = _File(text, _definitions(parse(text, filename)), woven, _functions(woven.compile(filename)))
    except (SyntaxError, TranspileError):
        if os.environ.get("POET_STRICT") == "1":
            raise
        return None
    _files[filename] = file
    return file


def _definitions(tree: ast.Module) -> dict[int, FunctionNode]:
    nodes = [node for node in ast.walk(tree) if isinstance(node, FunctionNode)]
    return {min([node.lineno, *(item.lineno for item in node.decorator_list)]): node for node in nodes}


def _functions(module: CodeType) -> dict[int, CodeType]:
    """Return every function's code in a module by its first line."""
    found: dict[int, CodeType] = {}
    stack = [module]
    while stack:
        for constant in stack.pop().co_consts:
            if isinstance(constant, CodeType):
                stack.append(constant)
                if not constant.co_name.startswith("<"):
                    found[constant.co_firstlineno] = constant
    return found


def _weave(function: FunctionType, file: _File, options: PoetOptions) -> Spot:
    """Return the woven code of a function: the file's where the source tells its options, else one of its own."""
    code = function.__code__
    line = code.co_firstlineno
    for woven in file.woven.functions:
        if woven.first_line == line and woven.left_alone not in ("", "dynamic"):
            return Spot(code, None, woven)
        if woven.first_line == line and not woven.left_alone and _same(woven.options, options):
            return Spot(code, _checked(file.codes.get(line), code) if woven.is_woven else None, woven)
    alone = weave_source(file.text, code.co_filename, store=_store(), options={line: options})
    (woven,) = [item for item in alone.functions if item.first_line == line]
    found = _functions(compile_tree(_around(alone.tree, line), code.co_filename)).get(line)
    return Spot(code, _checked(found, code) if woven.is_woven else None, woven)


def _same(written: PoetOptions, given: PoetOptions) -> bool:
    """Tell whether the source says the same as the call; of ``retry_on`` it has the text, the call the value."""
    names = ("domain", "optimize_for", "retries", "timeout", "on_violation", "semantics")
    both = [(getattr(written, name), getattr(given, name)) for name in names]
    return all(one == other for one, other in both) and (written.retry_on is None) == (given.retry_on is None)


def _checked(found: CodeType | None, code: CodeType) -> CodeType | None:
    """Return woven code if it fits the closure of the function that it is for."""
    return found if found is not None and found.co_freevars == code.co_freevars else None


def _around(tree: ast.Module, line: int) -> ast.Module:
    """Return the part of a module that a function's code depends on: its own statement and ``__future__`` imports."""
    body = [node for node in tree.body if isinstance(node, ast.ImportFrom) and node.module == "__future__"]
    for node in tree.body:
        first = min([node.lineno, *(item.lineno for item in getattr(node, "decorator_list", []))])
        if first <= line <= (node.end_lineno or first):
            body.append(node)
    return ast.Module(body, [])


def _apply(function: FunctionType, spot: Spot, retry_on: object) -> None:
    """Give a function its woven code, and the runtime what that needs to know."""
    if spot.after is None or spot.function.plan is None:
        return
    function.__globals__.setdefault("__poet__", runtime)
    function.__code__ = spot.after
    if spot.function.plan.binds:
        getattr(runtime, spot.function.plan.binds)(function)
    if retry_on is not None and spot.function.plan.found.binds_retry_on:
        bind_retry_on(function, retry_on)
    _rows[id(spot.after)] = (spot.after, row_of(spot.function))


def row_of_code(code: CodeType) -> tuple[object, ...] | None:
    """Return the row of a function that was woven on the spot."""
    for woven, row in _rows.values():
        if woven == code:  # by value: a closure may have a copy of its own
            return row
    return None


def _copy(function: FunctionType) -> FunctionType:
    """Return a function with the same code, globals, defaults, closure and attributes."""
    copy = FunctionType(
        function.__code__, function.__globals__, function.__name__, function.__defaults__, function.__closure__
    )
    copy.__kwdefaults__ = dict(function.__kwdefaults__) if function.__kwdefaults__ else None  # type: ignore[assignment]
    copy.__dict__.update(function.__dict__)
    for name in ("__module__", "__qualname__", "__doc__", "__annotations__", "__type_params__"):
        if hasattr(function, name):
            setattr(copy, name, getattr(function, name))
    return copy


_stores: dict[tuple[str, ...], TemplateStore] = {}


def _store() -> TemplateStore:
    """Return the templates in force."""
    extra = Settings.read().templates
    return _stores.setdefault(extra, TemplateStore(template_roots(extra)))
