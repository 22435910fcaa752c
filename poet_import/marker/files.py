"""Source files as the marker meets them at run time: what stands in them, and what weaving them gives."""

from __future__ import annotations

import ast
import linecache
from dataclasses import dataclass
from types import CodeType

from poet_import import runtime
from poet_import.cache.directory import cache_directory
from poet_import.errors import StaleError
from poet_import.model import PoetOptions
from poet_import.runtime.hosting import is_hosted
from poet_import.settings import in_force
from poet_import.source.compiling import compile_tree, functions_of, parse
from poet_import.source.scopes import FunctionNode
from poet_import.transpiler import transpiler_over
from poet_import.transpiler.core import Transpiler
from poet_import.transpiler.weaving import warn_unwoven
from poet_import.transpiler.woven import Woven, WovenFunction

Codes = dict[int, CodeType]
_PYTEST = "@py"  # begins the names that pytest's assertion rewriter adds (pytest: src/_pytest/assertion/rewrite.py)


@dataclass(frozen=True, slots=True)
class SourceFile:
    """A file as it is now. Functions go by the line of their first decorator, which is their ``co_firstlineno``."""

    name: str
    text: str
    definitions: dict[int, FunctionNode]
    plain: Codes  # what Python compiles the functions to
    woven: Woven | None  # as the hook would do it; None where that fails
    codes: Codes  # what the woven functions are compiled to

    def companions(self, line: int) -> CodeType | None:
        """Return code that binds what the body of a function needs, where that came from elsewhere."""
        return self.woven.companions(line, self.name) if self.woven else None

    def is_source_of(self, code: CodeType) -> bool:
        """Tell whether a function's code is what the file alone compiles to.

        Otherwise the file has changed since, or somebody has rewritten the function: then its source is not its source.
        Assertions that pytest has rewritten do not count: what is woven then has plain ones.
        """
        plain = self.plain.get(code.co_firstlineno)
        return plain is not None and _is_same(plain, code)


_files: dict[str, SourceFile | None] = {}
_texts: dict[str, str] = {}


def source_file(filename: str, namespace: dict[str, object]) -> SourceFile | None:
    """Return a file; None if its source is not at hand."""
    linecache.checkcache(filename)
    text = "".join(linecache.getlines(filename, namespace))
    if _texts.get(filename) != text:
        _files[filename] = _read(filename, text) if text else None
        _texts[filename] = text
    return _files[filename] if text else None


def _read(filename: str, text: str) -> SourceFile | None:
    try:
        tree = parse(text, filename)
        plain = _by_line(compile_tree(tree, filename))
    except (SyntaxError, ValueError, RecursionError):  # some other language's, or not text at all
        return None
    nodes = [node for node in ast.walk(tree) if isinstance(node, FunctionNode)]
    definitions = {first_line(node): node for node in nodes}
    woven = _weave(filename, text)
    codes = {} if woven is None else woven.functions_of(woven.tree, filename)
    return SourceFile(filename, text, definitions, plain, woven, codes)


def _weave(filename: str, text: str) -> Woven | None:
    try:
        return _transpiler().transpile(text, filename, is_hosted=is_hosted())
    except StaleError:  # what the mode ``frozen`` is for
        raise
    except Exception as error:  # the last line of defence: a definition never breaks because of us
        if in_force().strict:
            raise
        if filename not in runtime.woven_rows:  # else the hook has said so
            warn_unwoven(f"{filename} cannot be woven, so @poet wraps its functions", error, filename=filename)
        return None


def _transpiler() -> Transpiler:
    settings = in_force()
    return transpiler_over(settings, cache_directory(settings) if settings.generates else None)


@dataclass(frozen=True, slots=True)
class Alone:
    """One function of a file, woven with options of its own."""

    woven: Woven
    function: WovenFunction
    code: CodeType | None


def weave_alone(file: SourceFile, line: int, options: PoetOptions) -> Alone:
    """Weave one function of a file with options that only the running program knows."""
    woven = _transpiler().transpile(file.text, file.name, options={line: options}, is_hosted=is_hosted())
    (function,) = [item for item in woven.functions if item.first_line == line]
    return Alone(woven, function, woven.functions_of(_around(woven.tree, line), file.name).get(line))


def first_line(node: ast.stmt) -> int:
    """Return the line of a definition's first decorator, or its own."""
    decorators: list[ast.expr] = getattr(node, "decorator_list", [])
    return min([node.lineno, *(decorator.lineno for decorator in decorators)])


def _by_line(module: CodeType) -> Codes:
    return {code.co_firstlineno: code for code in functions_of(module)}


def _around(tree: ast.Module, line: int) -> ast.Module:
    """Return the part of a module that a function's code depends on: its own statement and ``__future__`` imports."""
    body: list[ast.stmt] = []
    for node in tree.body:
        is_future = isinstance(node, ast.ImportFrom) and node.module == "__future__"
        if is_future or first_line(node) <= line <= (node.end_lineno or node.lineno):
            body.append(node)
    return ast.Module(body, [])


def _is_same(one: CodeType, other: CodeType) -> bool:
    """Tell whether two codes do the same; their positions may differ."""
    if any(name.startswith(_PYTEST) for name in (*other.co_names, *other.co_varnames)):
        names = set(one.co_names) <= set(other.co_names) and set(one.co_varnames) <= set(other.co_varnames)
        return names and (one.co_name, one.co_freevars) == (other.co_name, other.co_freevars)
    pairs = zip(one.co_consts, other.co_consts, strict=False)
    return (
        (one.co_name, one.co_flags, one.co_code) == (other.co_name, other.co_flags, other.co_code)
        and (one.co_varnames, one.co_names, one.co_freevars) == (other.co_varnames, other.co_names, other.co_freevars)
        and len(one.co_consts) == len(other.co_consts)
        and all(_is_same(a, b) if isinstance(a, CodeType) else a == b for a, b in pairs)
    )
