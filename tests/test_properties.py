"""What holds for any Python: tried on modules of the standard library and on made-up ones."""

from __future__ import annotations

import ast
import sysconfig
import warnings
from collections.abc import Iterator
from importlib.util import decode_source
from itertools import cycle
from pathlib import Path
from types import CodeType

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from poet_import.errors import TranspileError
from poet_import.source.discovery import discover
from poet_import.source.scopes import read_scopes
from poet_import.templates import TemplateStore, template_roots
from poet_import.transpiler import transpile, weave_source

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
SAMPLE = (
    "_pydecimal.py",
    "ast.py",
    "asyncio/streams.py",
    "collections/__init__.py",
    "contextlib.py",
    "dataclasses.py",
    "fractions.py",
    "functools.py",
    "importlib/metadata/__init__.py",
    "pathlib.py",
    "statistics.py",
    "subprocess.py",
    "typing.py",
)


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


def library_modules() -> Iterator[Path]:
    """Yield every module of the standard library but what is there to be broken."""
    for path in sorted(LIBRARY.rglob("*.py")):
        if not {"site-packages", "lib2to3", "test", "tests", "idle_test"} & set(path.relative_to(LIBRARY).parts):
            yield path


def shapes(module: CodeType, markers: frozenset[int]) -> list[tuple[object, ...]]:
    """Return of each code object what a caller, a tracer or a debugger can tell; the lines of markers do not count."""
    found: list[tuple[object, ...]] = []
    stack = [module]
    while stack:
        code = stack.pop()
        stack += [constant for constant in code.co_consts if isinstance(constant, CodeType)]
        several = code.co_argcount + code.co_kwonlyargcount + bool(code.co_flags & 4) + bool(code.co_flags & 8)
        arguments = code.co_varnames[:several], code.co_argcount, code.co_posonlyargcount, code.co_flags
        names = code.co_qualname, code.co_firstlineno, code.co_freevars
        lines = frozenset(line for _, _, line in code.co_lines() if line is not None) - markers
        found.append((*names, *arguments, lines))
    return sorted(found, key=repr)


def assert_woven_keeps_shape(source: str, filename: str) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", SyntaxWarning)
        warnings.simplefilter("ignore", DeprecationWarning)
        plain = compile(source, filename, "exec", dont_inherit=True)

    markers = frozenset(number for number, line in enumerate(source.split("\n"), start=1) if line.lstrip() in MARKERS)

    woven = weave_source(source, filename, store=STORE)

    assert shapes(woven.compile(filename), markers) == shapes(plain, markers)


@pytest.mark.parametrize("name", SAMPLE)
def test_woven_library_module_keeps_signatures_and_lines(name: str) -> None:
    path = LIBRARY / name if (LIBRARY / name).exists() else LIBRARY / name.replace(".py", "/__init__.py")

    assert_woven_keeps_shape(marked(decode_source(path.read_bytes())), str(path))


@pytest.mark.slow
def test_every_library_module_keeps_signatures_and_lines_when_woven() -> None:
    for path in library_modules():
        assert_woven_keeps_shape(marked(decode_source(path.read_bytes())), str(path))
