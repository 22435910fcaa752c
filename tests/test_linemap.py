from __future__ import annotations

import ast
import sys
import traceback
from collections.abc import Iterator
from pathlib import Path
from types import CodeType, FrameType
from typing import Any

import pytest

from poet_import.errors import EnforceError, PerceiveError
from poet_import.source.linemap import NOWHERE, Patch, Place, Source
from poet_import.templates import TemplateStore, template_roots
from poet_import.transpiler.weaving import weave_source

STORE = TemplateStore(template_roots())
CASES = Path(__file__).parent / "cases"
HEAD = "from poet_import import poet\n"


def positions(tree: ast.AST) -> Iterator[str]:
    """Yield every expression and every statement without a body, as the compiler sees it."""
    for node in ast.walk(tree):
        if isinstance(node, ast.expr | ast.stmt) and not {"body", "cases"} & set(node._fields):
            yield ast.dump(node, include_attributes=True)


_OF_DANA = ("ImportFrom(module='dana.", "ImportFrom(module='opendxa.", "Import(names=[alias(name='dana.")
_MARKERS_OF_DANA = ("Name(id='dp'", "Name(id='decorator'")  # ours stands there then


def is_rewritten(dump: str) -> bool:
    """Tell whether weaving replaces a node or puts something into it."""
    words = ("Yield", "'locals'", "'vars'", "'dir'", *_MARKERS_OF_DANA)
    return dump.startswith(("Return(", *_OF_DANA)) or any(word in dump for word in words)


@pytest.mark.parametrize("case", sorted(path.parent.name for path in CASES.glob("*/before.py")))
def test_every_node_of_the_user_keeps_its_position(case: str) -> None:
    text = (CASES / case / "before.py").read_text()

    woven = weave_source(text, "before.py", store=STORE)

    kept = set(positions(woven.tree))
    assert [dump for dump in positions(ast.parse(text)) if not is_rewritten(dump) and dump not in kept] == []


def code_of(module: CodeType, name: str) -> CodeType:
    (code,) = [item for item in module.co_consts if isinstance(item, CodeType) and item.co_name == name]
    return code


@pytest.mark.parametrize("case", sorted(path.parent.name for path in CASES.glob("*/before.py")))
def test_woven_code_has_no_line_of_its_own_but_the_markers(case: str) -> None:
    text = (CASES / case / "before.py").read_text()
    markers = {line for line, content in enumerate(text.splitlines(), start=1) if "poet" in content}
    plain, woven = (
        compile(text, "m.py", "exec", dont_inherit=True),
        weave_source(text, "m.py", store=STORE).compile("m.py"),
    )

    for ours, theirs in zip(functions(woven), functions(plain), strict=True):
        assert ours.co_qualname == theirs.co_qualname
        assert ours.co_firstlineno == theirs.co_firstlineno
        assert lines(ours) - markers == lines(theirs) - markers, ours.co_qualname


def functions(module: CodeType) -> list[CodeType]:
    found: list[CodeType] = []
    stack = [module]
    while stack:
        code = stack.pop()
        found.append(code)
        stack += [item for item in code.co_consts if isinstance(item, CodeType)]
    return sorted(found, key=lambda code: (code.co_firstlineno, code.co_qualname))


def lines(code: CodeType) -> set[int]:
    return {line for _, _, line in code.co_lines() if line is not None}


def identity(*_arguments: object, **_options: object) -> Any:  # stands for the marker, with and without options
    return lambda function: function


def compiled(text: str, *, woven: bool) -> CodeType:
    """Return the code of a module, without the import of the marker."""
    tree = weave_source(text, "m.py", store=STORE).tree if woven else ast.parse(text)
    tree.body = [node for node in tree.body if ast.unparse(node) != HEAD.strip()]
    return compile(tree, "m.py", "exec", dont_inherit=True)


def raised_at(text: str, *, woven: bool) -> list[tuple[str, int | None, int | None]]:
    """Return the frames of the traceback of a module that fails, with line and column."""
    with pytest.raises((ZeroDivisionError, PerceiveError, EnforceError)) as caught:
        exec(compiled(text, woven=woven), {"poet": identity, "__name__": "m"})
    return [(frame.name, frame.lineno, frame.colno) for frame in traceback.extract_tb(caught.tb)[1:]]


FAILING = {
    "return": "    return 1 / x\n",
    "return-on-two-lines": "    return (1 +\n            1 / x)\n",
    "return-after-a-semicolon": "    y = 1; return y / x\n",
    "one-line-if": "    if True: return 1 / x\n",
    "assignment": "    y = 1; z = y / x\n    return z\n",
    "joined-by-a-backslash": "    return \\\n        1 / x\n",
    "in-try": "    try:\n        return 1 / x\n    finally:\n        y = 1\n",
    "non-ascii": "    y = 'é'; return (y, 1 / x)\n",
    "in-a-lambda": "    return (lambda: 1 / x)()\n",
    "in-a-comprehension": "    return [y / x for y in (1,)]\n",
    "in-an-inner-function": "    def g():\n        return 1 / x\n    return g()\n",
}


@pytest.mark.parametrize("marker", ["@poet()", "@poet(retries=1, retry_on=OSError)"])
@pytest.mark.parametrize("body", FAILING.values(), ids=FAILING)
def test_traceback_shows_the_lines_and_columns_of_the_user(body: str, marker: str) -> None:
    text = f"from poet_import import poet\n{marker}\ndef f(x: int) -> float:\n    # comment\n{body}f(0)\n"

    assert raised_at(text, woven=True) == raised_at(text, woven=False)


@pytest.mark.parametrize(
    "text",
    [
        pytest.param("@poet()\ndef f(x: int):\n    return x\nf('')\n", id="perceive"),
        pytest.param("@poet()\ndef f() -> int:\n    return str()\nf()\n", id="enforce"),
        pytest.param(
            "@poet()\ndef f() -> int:\n    try:\n        return str()\n    except ValueError: pass\nf()\n", id="in-try"
        ),
        pytest.param("@poet()\ndef f() -> int:\n    str()\nf()\n", id="falling-off"),
        pytest.param("@poet()\ndef f() -> int: ...\nf()\n", id="stub"),
    ],
)
def test_violation_is_raised_on_the_line_of_the_marker(text: str) -> None:
    *_, frame = raised_at(HEAD + text, woven=True)

    assert frame == ("f", 2, None)


def traced(code: CodeType) -> list[int]:
    """Return the line events of the functions of a module, in order."""
    seen: list[int] = []

    def trace(frame: FrameType, event: str, _argument: object) -> object:
        if frame.f_code.co_filename == "m.py" and frame.f_code.co_name != "<module>":
            if event == "line":
                seen.append(frame.f_lineno)
            return trace
        return trace if frame.f_code.co_name == "<module>" else None

    before = sys.gettrace()
    sys.settrace(trace)  # type: ignore[arg-type]  # returns itself or None
    try:
        exec(code, {"poet": identity, "__name__": "m"})
    finally:
        sys.settrace(before)
    return seen


@pytest.mark.parametrize(
    "body",
    [
        pytest.param("    y = x\n    return y\n", id="straight"),
        pytest.param("    for y in (1, 2):\n        z = y\n    return z\n", id="loop"),
        pytest.param(
            "    if (\n        x\n        or 1\n    ):\n        return 1\n    return 2\n", id="condition-on-lines"
        ),
        pytest.param("    global z\n    x: int\n", id="nothing-with-code"),
        pytest.param("    if (\n        -x\n    ) and 1:\n        return 1\n    return 2\n", id="sign-on-a-line"),
        pytest.param("    assert not (\n        not x\n    )\n    return 2\n", id="assertion-on-lines"),
        pytest.param("    global z\n    z = 1\n    return str(\n        x\n    )\n", id="global-first"),
        pytest.param("    try:\n        return 1 / 0\n    except ZeroDivisionError:\n        return 2\n", id="except"),
    ],
)
def test_tracer_sees_the_lines_of_the_user_in_the_same_order(body: str) -> None:
    text = f"{HEAD}@poet(retries=1)\ndef f(x: int) -> 'int | str | None':\n    '''Doc.'''\n{body}f(1)\n"

    events = traced(compiled(text, woven=True))
    expected = traced(compiled(text, woven=False))

    assert without_repeats(events) == without_repeats(expected)


def without_repeats(events: list[int]) -> list[int]:
    return [line for index, line in enumerate(events) if not index or line != events[index - 1]]


def test_patch_puts_insertions_before_a_replacement_at_the_same_offset() -> None:
    patch = Patch(Source("abc"))
    patch.replace(1, 2, "X", place=NOWHERE)
    patch.insert(1, "1", NOWHERE)
    patch.insert(1, "2", NOWHERE)

    assert patch.apply().text == "a12Xc"


def test_patch_drops_an_edit_inside_a_replacement() -> None:
    patch = Patch(Source("abcdef"))
    patch.replace(1, 4, "X", place=NOWHERE)
    patch.insert(2, "lost", NOWHERE)

    assert patch.apply().text == "aXef"


def test_position_after_non_ascii_text_is_counted_in_bytes() -> None:
    patch = Patch(Source("x = 'é'; y = 2\n"))
    patch.insert(0, "z = 0\n", Place.whole_line(1))
    tree = ast.parse("z = 0\nx = 'é'; y = 2\n")

    patch.apply().move(tree)

    assert [(node.lineno, node.col_offset) for node in tree.body] == [(1, -1), (1, 0), (1, 10)]


def test_source_of_no_text_has_one_line() -> None:
    source = Source("")

    assert (source.line(1), source.line_start(2), source.position(0)) == (b"", 0, (1, 0))
