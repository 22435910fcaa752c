"""What a worker makes of the text of a request, asked without a service: the same tables as the contract's."""

from __future__ import annotations

import ast

import pytest
from running import RunningService  # noqa: F401  (makes the folder's modules importable for the tables below)
from test_contract import ACCEPTED, REFUSED

from poet_import.service import working
from poet_import.service.reading import Refused, at_the_left_edge, read_function
from poet_import.service.working import Done, Task, check_template, transpile_task
from poet_import.settings import Settings
from poet_import.templates import template_roots

ROOTS = tuple(map(str, template_roots()))
MEMORY = 2**33  # more than the tests have: it must not hold for them


@pytest.fixture(autouse=True)
def _unconfined(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let the process of the tests keep its limits and signals: they are tried in a worker."""
    monkeypatch.setattr(working, "_confine", lambda _memory: None)


def run(code: str, imports: tuple[str, ...] = (), *, settings: Settings | None = None, seconds: float = 10.0) -> Done:
    task = Task(code, "python", imports, settings or Settings(), ROOTS, "epoch", None, seconds, MEMORY)
    return transpile_task(task)


@pytest.mark.parametrize("code", ACCEPTED.values(), ids=ACCEPTED)
def test_text_is_accepted(code: str) -> None:
    done = run(code)

    assert (done.faults, done.source) == ((), "none")
    assert done.stages.keys() == {"discover", "weave"}


@pytest.mark.parametrize(("code", "rule", "line"), REFUSED.values(), ids=REFUSED)
def test_text_is_refused(code: str, rule: str, line: int | None) -> None:
    (fault,) = run(code).faults

    assert (fault.rule, fault.line, fault.pointer) == (rule, line, "/function_code")


def test_text_of_too_many_lines_is_refused() -> None:
    assert run("@poet\ndef f():\n" + "    pass\n" * 5_001).faults[0].rule == "too-long"


def test_further_refusals() -> None:
    inside = "def _g():\n    @poet\n    def f():\n        pass\n"
    compiled = "import numba\n@poet\n@numba.njit\ndef f():\n    pass\n"

    assert run(inside).faults[0].rule == "nested-function"
    assert run(compiled).faults[0].rule == "left-alone"
    assert run("@poet\ndef f():\n    pass\n", ("import os", "x = 1", "")).faults[1].pointer == "/context/imports/2"


@pytest.mark.parametrize("statement", ["x = (", "import os\0", "(" * 300])
def test_import_that_is_none_is_refused(statement: str) -> None:
    with pytest.raises(Refused):
        read_function("@poet\ndef f(): pass", [statement])


EDGES = {
    "none": ("def f():\n    pass", "def f():\n    pass"),
    "blanks": ("    def f():\n        pass\n", "def f():\n    pass\n"),
    "tabs": ("\tdef f():\n\t\tpass\n", "def f():\n\tpass\n"),
    "comment-first": ("# left\n    def f():\n        pass\n", "# left\ndef f():\n    pass\n"),
    "string": ('  def f():\n    return """\n  a\n"""\n', 'def f():\n  return """\n  a\n"""\n'),
    "f-string": ('  def f(x):\n    return f"""\n  {x}\n"""\n', 'def f(x):\n  return f"""\n  {x}\n"""\n'),
    "no-python": ("  def f(:\n", "def f(:\n"),
}


@pytest.mark.parametrize(("before", "after"), EDGES.values(), ids=EDGES)
def test_indentation_of_all_is_taken_away(before: str, after: str) -> None:
    assert at_the_left_edge(before) == after


def test_strings_keep_their_text() -> None:
    code = '    def f():\n        return """\n    a\n      b"""\n'

    (function,) = ast.parse(at_the_left_edge(code)).body
    assert ast.literal_eval(function.body[0].value) == "\n    a\n      b"  # type: ignore[attr-defined]  # a def


def test_warnings_are_told_and_fallbacks_with_their_reason() -> None:
    settings = Settings(mode="eager", generator="llm", model="unknown")
    done = run("@poet(domain='nowhere', optimize_for='')\ndef f(): pass\n", settings=settings)
    late = run("@poet\ndef f(): pass\n", settings=settings, seconds=0.1)

    warnings = done.response["metadata"]["warnings"]  # type: ignore[index]  # a dict
    assert [text.partition(" ")[0] for text in warnings] == ["the", "<function_code>:1:"]
    assert (done.source, "nothing tells where 'unknown' is" in done.reason) == ("fallback", True)
    assert late.reason == "no time was left to ask a model"


def test_template_is_read_and_rendered() -> None:
    fault = check_template(ROOTS, "nowhere", MEMORY)

    assert check_template(ROOTS, "base", MEMORY) is None
    assert fault is not None
    assert fault.detail == "unknown domain '…' (known: api_operations, base, dana, ml_monitoring)"
    assert check_template(ROOTS, "dana", MEMORY) is None
    working.warm()
