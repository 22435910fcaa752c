"""Weaving keeps what can be told of a function from outside: tried on the standard library and on made-up bodies."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterator
from types import FunctionType, ModuleType

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from marked_library import (
    MARKERS,
    assert_woven_keeps_shape,
    library_module,
    library_modules,
    marked,
    text_of,
)

from poet_import import status

Load = Callable[..., ModuleType]
SAMPLE = (
    "_pydecimal.py",
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
RUNNABLE = ("argparse", "configparser", "contextlib", "fractions", "shlex", "statistics", "tarfile", "textwrap")


@pytest.mark.parametrize("name", SAMPLE)
def test_woven_library_module_keeps_signatures_and_positions(name: str) -> None:
    path = library_module(name)

    assert_woven_keeps_shape(marked(text_of(path)), str(path))


def test_expression_that_begins_with_a_reader_of_the_frame_keeps_its_position() -> None:
    assert_woven_keeps_shape("@poet\ndef f(x: int):\n    return (locals()\n    ['x'] + 1)\n", "m.py")


@pytest.mark.slow
def test_every_library_module_keeps_signatures_and_positions_when_woven() -> None:
    for path in library_modules():
        assert_woven_keeps_shape(marked(text_of(path)), str(path))


def functions_in(namespace: dict[str, object], module: str) -> Iterator[tuple[str, FunctionType]]:
    for value in list(namespace.values()):
        function = getattr(value, "__func__", getattr(value, "fget", value))
        if isinstance(function, FunctionType) and function.__module__ == module:
            yield function.__qualname__, function
        elif isinstance(value, type) and value.__module__ == module:
            yield from functions_in({**vars(value)}, module)


def signature(function: FunctionType) -> list[tuple[object, ...]]:
    """Return what a caller can tell of the parameters; of a default its type, since it is made anew by each run."""
    found = inspect.signature(function)
    parameters = [(each.name, each.kind, type(each.default), each.annotation) for each in found.parameters.values()]
    return [*parameters, ("return", found.return_annotation, function.__doc__, function.__qualname__)]


@pytest.mark.parametrize("name", RUNNABLE)
def test_woven_library_functions_have_the_signatures_and_docstrings_of_the_plain_ones(name: str, load: Load) -> None:
    text = text_of(library_module(f"{name}.py"))
    plain, woven = load(text, f"plain_{name}"), load(marked(text), f"woven_{name}")

    assert status().modules[woven.__name__].state == "rewritten"
    assert signatures(woven) == signatures(plain) != {}


def signatures(module: ModuleType) -> dict[str, list[tuple[object, ...]]]:
    return {name: signature(function) for name, function in functions_in(vars(module), module.__name__)}


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
