"""Nothing that Python accepts breaks discovery or the weaver: tried on real, made-up and damaged sources."""

from __future__ import annotations

import ast
import random
import warnings
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from textwrap import dedent

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from marked_library import LIBRARY, STORE, library_module, marked, text_of

from poet_import.errors import PoetWarning, TranspileError
from poet_import.source.compiling import parse
from poet_import.source.discovery import discover
from poet_import.source.scopes import read_scopes
from poet_import.transpiler import transpile
from poet_import.transpiler.weaving import weave_source

DAMAGED = ("contextlib.py", "fractions.py", "functools.py", "statistics.py", "textwrap.py")
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


def is_python(text: str) -> bool:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            compile(text, "m.py", "exec", dont_inherit=True)
        except (SyntaxError, ValueError):
            return False
    return True


def discover_and_weave(text: str) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", PoetWarning)
        warnings.simplefilter("ignore", SyntaxWarning)
        warnings.simplefilter("ignore", DeprecationWarning)
        discover(read_scopes(parse(text, "m.py")), filename="m.py")
        weave_source(text, "m.py", store=STORE).compile("m.py")


@settings(max_examples=300, deadline=None)
@given(programs)
def test_discovery_and_weaving_never_fail_on_valid_python(text: str) -> None:
    if is_python(text):
        discover_and_weave(text)


@settings(max_examples=200, deadline=None)
@example("\ufeff")  # a byte order mark, and nothing to transpile
@given(st.text() | st.text(alphabet="@poetdf():\n \\\t\f\r\"'#;x").map("@poet\ndef f(): ".__add__))
def test_any_text_is_transpiled_or_refused_with_our_error(text: str) -> None:
    with warnings.catch_warnings(), suppress(TranspileError):
        warnings.simplefilter("ignore", PoetWarning)
        transpile(text)


def functions_of(text: str) -> list[str]:
    """Return the functions and methods of a module, each as a text that stands for itself."""
    found = [node for node in ast.walk(ast.parse(text)) if isinstance(node, ast.FunctionDef)]
    return [dedent(ast.get_source_segment(text, node, padded=True) or "") for node in found]


def damaged(text: str, dice: random.Random) -> str:
    """Move, repeat, drop or indent a few lines of a text, or put fragments between them."""
    lines = text.split("\n")
    for _ in range(dice.randint(1, 3)):
        at, other = dice.randrange(len(lines)), dice.randrange(len(lines))
        change = dice.choice(("drop", "swap", "repeat", "insert", "indent"))
        if change == "drop" and len(lines) > 1:
            del lines[at]
        elif change == "swap":
            lines[at], lines[other] = lines[other], lines[at]
        elif change == "repeat":
            lines.insert(at, lines[other])
        elif change == "insert":
            indent = lines[at][: len(lines[at]) - len(lines[at].lstrip())]
            lines.insert(at, indent + dice.choice(FRAGMENTS).strip())
        else:
            lines[at] = "    " + lines[at]
    return "\n".join(lines)


@pytest.mark.parametrize("name", DAMAGED)
def test_discovery_and_weaving_never_fail_on_damaged_library_code_that_is_valid(name: str) -> None:
    dice = random.Random(name)
    woven = 0
    for function in functions_of(text_of(library_module(name))):
        for text in (damaged(marked(function), dice) for _ in range(8)):
            if is_python(text):
                woven += 1
                discover_and_weave(text)

    assert woven > 10


def every_module() -> Iterator[Path]:
    """Yield every file that comes with Python, those of its tests too; a few of them are no Python on purpose."""
    return (path for path in sorted(LIBRARY.rglob("*.py")) if "site-packages" not in path.parts)


def is_discovered(path: Path) -> bool:
    """Run discovery over a file; False where Python itself refuses the file."""
    try:
        text = text_of(path)
    except (SyntaxError, UnicodeDecodeError):
        return False
    if not is_python(text):
        return False
    discover(read_scopes(parse(text, str(path))), filename=str(path))
    return True


def test_discovery_never_fails_on_a_file_of_the_standard_library() -> None:
    assert sum(map(is_discovered, list(every_module())[::12])) > 50


@pytest.mark.slow
def test_discovery_never_fails_on_any_file_of_the_standard_library() -> None:
    assert sum(map(is_discovered, every_module())) > 500
