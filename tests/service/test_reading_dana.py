"""How a request in Dana becomes a woven function, in the process that does it."""

import sys
from collections.abc import Callable

import pytest

from poet_import.model import TranspileRequest, Usage
from poet_import.service import working
from poet_import.service.programs import is_available, read_dana_function
from poet_import.service.reading import Refused
from poet_import.service.working import Done, Task, transpile_task
from poet_import.settings import Settings
from poet_import.templates import template_roots

ROOTS = tuple(str(root) for root in template_roots())
MEMORY = 2**33
HELPED = '''"""What it is for."""
import math.py as math
from a.py import b
struct Point:
    x: int
interface Shape:
    area() -> float
def _twice(x: int) -> int:
    return 2 * x
def _piped(x) = _twice | _twice
# a comment
@poet
def far(p: Point) -> int:
    return _twice(p.x)
'''


@pytest.fixture(autouse=True)
def _unconfined(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let the process of the tests keep its limits and signals: they are tried in a worker."""
    monkeypatch.setattr(working, "_confine", lambda _memory: None)


def done(code: str, *imports: str, settings: Settings | None = None, seconds: float = 10.0) -> Done:
    task = Task(code, "dana", imports, settings or Settings(), ROOTS, "epoch", None, seconds, MEMORY)
    return transpile_task(task)


def test_function_is_woven_with_what_stands_beside_it() -> None:
    found = done(HELPED)

    assert found.response["poet_implementation"]["language"] == "dana"
    assert "# @poet\ndef far(p: Point) -> int:\n    # perceive\n" in found.response["poet_implementation"]["code"]
    assert "functions" not in found.response["metadata"]
    assert set(found.stages) == {"discover", "weave"}


@pytest.mark.parametrize("line", ["x = 1", "print(1)", "def far2(x):\n    return x", "agent A", "if true:\n    x = 1"])
def test_what_else_stands_beside_it_is_refused(line: str) -> None:
    (fault,) = done(f"{HELPED}{line}\n").faults

    assert (fault.rule, fault.line) == ("further-statement", 15)


def test_indented_source_is_read_and_its_texts_stay_as_they_are() -> None:
    code = '  @poet\n  def f(x):\n    return """\n  two\n"""\n'

    found = done(code)

    assert found.response["poet_implementation"]["code"] == '# @poet\ndef f(x):\n  return """\n  two\n"""\n'


def test_indented_source_that_is_no_dana_is_refused_at_its_place() -> None:
    (fault,) = done("  @poet\n  def f(x)\n    return x\n").faults

    assert (fault.rule, fault.line, fault.detail) == (
        "syntax",
        2,
        "unexpected the end of the line: expected '->' or ':'",
    )


def test_lines_are_counted_without_the_imports_above() -> None:
    (fault,) = done("@poet\ndef f(x)\n    return x\n", "import a.py", "import b.py").faults

    assert (fault.line, fault.column) == (2, 9)


def test_nothing_of_the_input_is_repeated() -> None:
    (fault,) = done("@poet\ndef f(x):\n    return x secret_word\n").faults

    assert fault.detail == "unexpected '…': expected an operator or the end of the line"


def test_extra_is_looked_for(monkeypatch: pytest.MonkeyPatch) -> None:
    assert is_available()
    monkeypatch.setitem(sys.modules, "lark", None)  # as where it is not installed
    assert not is_available()


@pytest.mark.parametrize(
    ("code", "rule", "line"),
    [
        pytest.param("def f(x):\n    return x\n", "no-poet-function", None, id="no mark"),
        pytest.param("@poet\ndef f():\n    1\n@poet\ndef g():\n    2\n", "several-poet-functions", 5, id="two marks"),
        pytest.param("x\n" * 5_001, "too-long", None, id="too long"),
        pytest.param("@poet(retries=n)\ndef f():\n    1\n", "options", 1, id="option"),
    ],
)
def test_text_that_is_no_one_function_is_refused(code: str, rule: str, line: int | None) -> None:
    with pytest.raises(Refused) as caught:
        read_dana_function(code, ())

    assert [(fault.rule, fault.line) for fault in caught.value.faults] == [(rule, line)]


def test_imports_that_are_something_else_are_refused() -> None:
    faults = done("@poet\ndef f():\n    1\n", "import a", "x = 1", "from").faults

    assert [fault.pointer for fault in faults] == ["/context/imports/1", "/context/imports/2"]


class Stubborn:
    """Answers with the same text whatever it is asked."""

    fingerprint = "stubborn"

    def __init__(self, text: str) -> None:
        self.text = text

    async def generate(self, _request: TranspileRequest, *, observe: Callable[[Usage], None]) -> str:
        observe(Usage("stubborn/one"))
        return self.text


def test_accepted_text_of_a_model_is_answered() -> None:
    text = 'def f(x: int) -> str:\n    return f"{x}"\n'
    settings = Settings(mode="eager", generator=Stubborn(text))

    found = done("@poet\ndef f(x: int) -> str:\n    pass\n", settings=settings)

    assert found.source == "model"
    assert found.response["poet_implementation"]["operate_code"] == text


def test_without_time_for_a_model_the_own_body_is_woven() -> None:
    settings = Settings(mode="eager", generator=Stubborn(""))

    found = done("@poet\ndef f(x: int) -> str:\n    pass\n", settings=settings, seconds=0.5)

    assert (found.source, found.reason) == ("fallback", "no time was left to ask a model")
    assert "operate_code" not in found.response["poet_implementation"]
