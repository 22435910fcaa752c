"""The standard library with a marker on every function, and what can be told of a code object from outside."""

from __future__ import annotations

import ast
import sysconfig
import warnings
from collections.abc import Iterator
from importlib.util import decode_source
from itertools import cycle
from pathlib import Path
from types import CodeType

from poet_import.templates import TemplateStore, template_roots
from poet_import.transpiler.weaving import weave_source

STORE = TemplateStore(template_roots())
MARKERS = (
    "@poet",
    "@poet(retries=1)",
    "@poet(retries=2, timeout=30, retry_on=OSError)",
    '@poet(on_violation="warn")',
    '@poet(timeout=5, on_violation="off")',
    '@poet(domain="ml_monitoring", retries=1)',
)
LIBRARY = Path(sysconfig.get_path("stdlib"))
BROKEN_ON_PURPOSE = {"site-packages", "lib2to3", "test", "tests", "idle_test"}

Range = tuple[int | None, int | None, int | None, int | None]


def library_modules() -> Iterator[Path]:
    """Yield every module of the standard library but what is there to be broken."""
    for path in sorted(LIBRARY.rglob("*.py")):
        if not BROKEN_ON_PURPOSE & set(path.relative_to(LIBRARY).parts):
            yield path


def library_module(name: str) -> Path:
    """Return the file of a module, which may be a package in another version of Python."""
    path = LIBRARY / name
    return path if path.exists() else path.with_suffix("") / "__init__.py"


def text_of(path: Path) -> str:
    return decode_source(path.read_bytes())


def marked(text: str) -> str:
    """Put a marker on every function: lines are inserted, none is changed."""
    tree = ast.parse(text)
    functions = [node for node in ast.walk(tree) if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)]
    lines = text.split("\n")
    numbers = sorted(node.lineno for node in functions)
    for number, marker in reversed(list(zip(numbers, cycle(MARKERS), strict=False))):
        line = lines[number - 1]
        indent = line[: len(line) - len(line.lstrip(" \t\f"))]
        lines.insert(number - 1, indent + marker)
    return "\n".join(lines)


def compiled(source: str, filename: str) -> tuple[CodeType, CodeType]:
    """Return the code of a source as Python compiles it, and as we do."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", SyntaxWarning)
        warnings.simplefilter("ignore", DeprecationWarning)
        plain = compile(source, filename, "exec", dont_inherit=True)
        return plain, weave_source(source, filename, store=STORE).compile(filename)


def codes_in(module: CodeType) -> Iterator[CodeType]:
    """Yield a code object and all that it holds."""
    stack = [module]
    while stack:
        code = stack.pop()
        stack += [constant for constant in code.co_consts if isinstance(constant, CodeType)]
        yield code


def shapes(module: CodeType, markers: frozenset[int]) -> list[tuple[object, ...]]:
    """Return of each code object what a caller, a tracer or a debugger can tell; the lines of markers do not count."""
    found: list[tuple[object, ...]] = []
    for code in codes_in(module):
        several = code.co_argcount + code.co_kwonlyargcount + bool(code.co_flags & 4) + bool(code.co_flags & 8)
        arguments = code.co_varnames[:several], code.co_argcount, code.co_posonlyargcount, code.co_flags
        names = code.co_qualname, code.co_firstlineno, code.co_freevars
        lines = frozenset(line for _, _, line in code.co_lines() if line is not None) - markers
        found.append((*names, *arguments, lines))
    return sorted(found, key=repr)


def expression_ranges(source: str) -> set[Range]:
    """Return where expressions stand: at these places code can raise, and a traceback draws its carets there.

    Names and constants are left out: of several in one instruction of 3.13, one gives it its place.
    """
    nodes = [node for node in ast.walk(ast.parse(source)) if isinstance(node, ast.expr)]
    nodes = [node for node in nodes if not isinstance(node, ast.Name | ast.Constant)]
    return {(node.lineno, node.end_lineno, node.col_offset, node.end_col_offset) for node in nodes}


def ranges(module: CodeType) -> set[tuple[str, int, Range]]:
    """Return the places of all instructions, each with the code object that has it."""
    return {
        (code.co_qualname, code.co_firstlineno, place) for code in codes_in(module) for place in code.co_positions()
    }


def assert_woven_keeps_shape(source: str, filename: str) -> None:
    """Weave a marked source and compare its code with the code that Python makes of it."""
    plain, woven = compiled(source, filename)
    markers = frozenset(number for number, line in enumerate(source.split("\n"), start=1) if line.lstrip() in MARKERS)
    places = expression_ranges(source)
    lost = {found for found in ranges(plain) - ranges(woven) if found[2] in places}

    assert shapes(woven, markers) == shapes(plain, markers)
    assert lost == set()
