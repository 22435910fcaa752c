"""Retries, deadlines and events of woven functions, in Dana's own interpreter.

Dana itself calls ``module.function()`` a second time on ``TypeError`` and ``ValueError``: no body here raises those.
"""

import json

import pytest
from dana_process import Dana
from dana_programs import TALLY, woven

pytestmark = pytest.mark.slow
ASK = """
try:
    seen = flaky({})
    print("answered", seen)
except as error:
    print("failed", error.message)
print("ran", tally.count())
"""


def outcome(dana: Dana, mark: str, body: str, call: str = "2") -> list[str]:
    source = f"import tally.py as tally\n{mark}\ndef flaky(n: int) -> int:\n    {body}\n"
    return dana.run(woven(source) + ASK.format(call), tally=TALLY).splitlines()


@pytest.mark.parametrize(
    ("mark", "body", "runs", "answers"),
    [
        pytest.param("@poet", 'return tally.fail(n, "runtime")', 1, False, id="none unless asked for"),
        pytest.param("@poet(retries=0)", 'return tally.fail(n, "runtime")', 1, False, id="none asked for"),
        pytest.param("@poet(retries=1)", 'return tally.fail(n, "runtime")', 2, False, id="too few"),
        pytest.param("@poet(retries=2)", 'return tally.fail(n, "runtime")', 3, True, id="just enough"),
        pytest.param("@poet(retries=5)", 'return tally.fail(n, "runtime")', 3, True, id="more than enough"),
        pytest.param("@poet(retries=3)", 'return tally.fail(9, "odd")', 4, False, id="an exception of the user's own"),
        pytest.param("@poet(retries=3)", 'return tally.fail(9, "name")', 1, False, id="what a retry cannot mend"),
        pytest.param("@poet(retries=2)", "assert tally.note(1) == 2", 1, False, id="an assert"),
        pytest.param("@poet(retries=2)", 'raise f"no {tally.note(1)}"', 3, False, id="a text raised in Dana"),
        pytest.param("@poet(retries=2)", "return tally.note(1) / 0", 3, False, id="an error of Dana's"),
        pytest.param("@poet(retries=2, retry_on=ConnectionError)", 'return tally.fail(n, "connection")', 3, True, id="what was named"),
        pytest.param("@poet(retries=2, retry_on=ConnectionError)", 'return tally.fail(n, "refused")', 3, True, id="what derives from what was named"),
        pytest.param("@poet(retries=2, retry_on=ConnectionError)", 'return tally.fail(n, "key")', 1, False, id="what was not named"),
        pytest.param("@poet(retries=2, retry_on=(OSError, KeyError))", 'return tally.fail(n, "key")', 3, True, id="one of two"),
        pytest.param("@poet(retries=2, retry_on=Exception)", 'return tally.fail(n, "name")', 3, True, id="all"),
        pytest.param('@poet(domain="api_operations")', 'return tally.fail(n, "timeout")', 3, True, id="the domain's"),
        pytest.param('@poet(domain="api_operations")', 'return tally.fail(n, "key")', 1, False, id="not the domain's"),
        pytest.param('@poet(domain="api_operations", retries=0)', 'return tally.fail(n, "timeout")', 1, False, id="less than the domain's"),
    ],
)  # fmt: skip
def test_body_runs_as_often_as_asked(dana: Dana, mark: str, body: str, runs: int, *, answers: bool) -> None:
    said = outcome(dana, mark, body)

    assert said[-1] == f"ran {runs}"
    assert said[0].startswith("answered" if answers else "failed")


def test_refused_argument_is_not_tried_again(dana: Dana) -> None:
    said = outcome(dana, "@poet(retries=3)", "return tally.note(n)", '"a"')

    assert "flaky: n must be int, got str" in said[0]
    assert said[-1] == "ran 0"


def test_refused_result_is_not_tried_again(dana: Dana) -> None:
    said = outcome(dana, "@poet(retries=3)", 'return tally.note("a")')

    assert "flaky: its result must be int, got str" in said[0]
    assert said[-1] == "ran 1"


def test_error_of_a_promise_is_tried_again(dana: Dana) -> None:
    source = (
        "import tally.py as tally\n"
        'def later(n: int) -> int:\n    return tally.fail(n, "runtime")\n'
        "@poet(retries=2)\ndef flaky(n: int) -> int:\n    return later(n)\n"
    )

    said = dana.run(woven(source) + ASK.format(2), tally=TALLY).splitlines()

    assert said == ["answered 3", "ran 3"]


def test_woven_functions_that_call_each_other_keep_their_own_counts(dana: Dana) -> None:
    source = (
        "import tally.py as tally\n"
        '@poet(retries=1)\ndef inner(n: int) -> int:\n    return tally.fail(n, "runtime")\n'
        "@poet(retries=2)\ndef flaky(n: int) -> int:\n    return inner(n)\n"
    )

    assert dana.run(woven(source) + ASK.format(9), tally=TALLY).splitlines()[-1] == "ran 6"
    assert dana.run(woven(source) + ASK.format(3), tally=TALLY).splitlines() == ["answered 4", "ran 4"]


def test_result_that_comes_late_is_refused(dana: Dana) -> None:
    said = outcome(dana, "@poet(timeout=0.05)", "return tally.late(0.1)")

    assert "flaky: timed out after 0.05 s" in said[0]
    assert said[-1] == "ran 1"


def test_result_that_comes_in_time_is_returned(dana: Dana) -> None:
    assert outcome(dana, "@poet(timeout=30)", "return tally.note(n)") == ["answered 2", "ran 1"]


def test_deadline_ends_further_attempts(dana: Dana) -> None:
    body = 'tally.late(0.2)\n    return tally.fail(99, "runtime")'

    said = outcome(dana, "@poet(retries=50, timeout=0.1)", body)

    assert "flaky: timed out after 0.1 s" in said[0]
    assert said[-1] == "ran 2"  # late and fail, once each


LISTENER = (
    TALLY
    + """
import json
import logging

class Listener(logging.Handler):
    def emit(self, record):
        print(record.name, record.getMessage())

logging.disable(logging.NOTSET)
logger = logging.getLogger("poet.functions")
logger.addHandler(Listener())
logger.setLevel(logging.INFO)
logger.propagate = False
"""
)


def events(dana: Dana, mark: str, body: str, call: str) -> list[dict[str, object]]:
    source = f"import tally.py as tally\n{mark}\ndef flaky(n: int) -> int:\n    {body}\n"
    said = dana.run(woven(source) + ASK.format(call), tally=LISTENER).splitlines()
    prefix = "poet.functions.flaky.execution "
    return [json.loads(line.removeprefix(prefix)) for line in said if line.startswith(prefix)]


def test_each_call_is_told_of(dana: Dana) -> None:
    (event,) = events(dana, '@poet(optimize_for="accuracy", retries=2)', 'return tally.fail(n, "runtime")', "2")

    assert event["topic"] == "poet/functions/flaky/execution"
    assert (event["function"], event["optimize_for"]) == ("flaky", "accuracy")
    assert (event["status"], event["error"]) == ("success", None)
    assert event["duration_ms"] > 0
    assert set(event) >= {"version", "execution_id", "start", "end"}


@pytest.mark.parametrize(
    ("body", "call", "error"),
    [
        pytest.param("return tally.note(n)", '"a"', "AssertionError", id="refused argument"),
        pytest.param('return tally.note("a")', "1", "AssertionError", id="refused result"),
        pytest.param('return tally.fail(9, "key")', "1", "KeyError", id="failed body"),
        pytest.param("return missing(n)", "1", "SandboxError", id="error of Dana's own"),
    ],
)
def test_call_that_fails_is_told_of_and_fails(dana: Dana, body: str, call: str, error: str) -> None:
    (event,) = events(dana, '@poet(optimize_for="accuracy")', body, call)

    assert (event["status"], event["error"]) == ("error", error)


def test_nothing_is_told_of_without_an_objective(dana: Dana) -> None:
    assert events(dana, "@poet(retries=1)", "return tally.note(n)", "1") == []


def test_warning_takes_the_place_of_a_refusal_where_asked_for(dana: Dana) -> None:
    said = outcome(dana, '@poet(on_violation="warn")', 'tally.note(n)\n    return "text"', '"a"')

    assert [line for line in said if "flaky: n must be int, got str" in line]
    assert [line for line in said if "flaky: its result must be int, got str" in line]
    assert said[-2:] == ["answered text", "ran 1"]


def test_other_decorators_stay(dana: Dana) -> None:
    source = "from tally.py import twice\n@twice\n@poet\ndef flaky(n: int) -> int:\n    return n + 1\nprint(flaky(2))\n"

    assert "[3]" in dana.run(woven(source), tally="def twice(function):\n    return lambda n: [function(n)]\n")
