"""What holds for any Python: tried on modules of the standard library and on made-up ones."""

from __future__ import annotations

import ast
import sysconfig
import warnings
from collections.abc import Iterator
from contextlib import suppress
from importlib.util import decode_source
from itertools import cycle
from pathlib import Path
from types import CodeType

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from poet_import.errors import PoetWarning, TranspileError
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


FRAGMENTS = (
    "poet",
    "@poet",
    "@poet(retries=1)",
    "@poet(timeout=x, *y, **z)",
    "from poet_import import poet",
    "import poet_import as poet",
    "def f(x: int = 1, *a: 'x', **k: poet) -> int:",
    "async def g() -> None: return",
    "class A(poet):",
    "if x: return poet",
    "try:",
    "finally: pass",
    "except poet as poet: pass",
    "    pass",
    "        return x; y",
    "    yield x,",
    "    # comment",
    '    """text',
    '    """',
    "with x as poet:",
    "match poet:",
    "    case [*poet]: return 1",
    "lambda poet=poet: poet",
    "x = \\",
    "",
)
programs = st.lists(st.sampled_from(FRAGMENTS), max_size=12).map("\n".join)


@settings(max_examples=300, deadline=None)
@given(programs)
def test_discovery_and_weaving_never_fail_on_valid_python(text: str) -> None:
    try:
        tree = ast.parse(text)
        compile(tree, "m.py", "exec")
    except (SyntaxError, ValueError):
        return

    with warnings.catch_warnings():
        warnings.simplefilter("ignore", PoetWarning)
        discover(read_scopes(tree), filename="m.py")
        weave_source(text, "m.py", store=STORE).compile("m.py")


@settings(max_examples=200, deadline=None)
@given(st.text() | st.text(alphabet="@poetdf():\n \\\t\f\r\"'#;x").map("@poet\ndef f(): ".__add__))
def test_any_text_is_transpiled_or_refused_with_our_error(text: str) -> None:
    with warnings.catch_warnings(), suppress(TranspileError):
        warnings.simplefilter("ignore", PoetWarning)
        transpile(text, store=STORE)


PIECES = (
    "if x: return g(x)",
    "if x: y = 1; return y",
    "for y in x: return y; pass",
    "while x:\n    x = g(x)",
    "try:\n    return g(x)\nexcept E: x = 1\nfinally:\n    x = 2",
    "with x as y: return y",
    "match x:\n    case 1: return g(1)\n    case [_]:\n        return h()",
    'x = """a\n b"""',
    "def g(y): return y",
    "class A:\n    def m(self): return 1",
    "global z",
    "del x",
    "# comment",
    "x = locals()",
    "'constant'",
)


ENDS = ("pass", "return", "return x", "return (\n    x\n)", "return \\\n  g(x)", "y = 1; return y", "raise x", "x()")


def indented(text: str, unit: str) -> str:
    return "\n".join(unit + line for line in text.split("\n"))


@settings(max_examples=150, deadline=None)
@given(
    pieces=st.lists(st.sampled_from(PIECES), min_size=1, max_size=5),
    end=st.sampled_from(ENDS),
    marker=st.sampled_from(MARKERS),
    unit=st.sampled_from(("    ", "\t", " ", "  ")),
    kind=st.sampled_from(("def", "async def")),
    hint=st.sampled_from(("", " -> int", " -> 'Later'", " -> int | None")),
)
def test_any_body_keeps_its_shape(pieces: list[str], end: str, marker: str, unit: str, kind: str, hint: str) -> None:
    body = indented("\n".join([*pieces, end]), unit)
    source = f"{marker}\n{kind} f(x: int){hint}:\n{body}\n"
    try:
        compile(source, "m.py", "exec", dont_inherit=True)
    except SyntaxError:
        return

    assert_woven_keeps_shape(source, "m.py")
