"""What is to replace a version is no worse than it on the calls that were recorded."""

import pytest

from poet_import.model import Original
from poet_import.validation import validate_over
from poet_import.validation.jail import Finished
from poet_import.validation.outcomes import worse_outcome

HEAD = "def doubled(count: int) -> int:\n"
SOURCE = f"{HEAD}    return count * 2\n"
SAME = f"{HEAD}    return count + count\n"


def original(*calls: str, source: str = SOURCE) -> Original:
    return Original(source, "doubled", "doubled", calls=calls)


def test_evidence_tells_on_how_many_recorded_calls_both_were_tried() -> None:
    verdict = validate_over(SAME, original("{'count': 3}", "{'count': 4}"), SOURCE)

    assert (verdict.evidence[-2].method, verdict.evidence[-2].inputs) == ("recorded", 2)
    assert verdict.evidence[-1].method == "trial"
    assert verdict.accepted


@pytest.mark.parametrize(
    "present",
    [
        pytest.param("", id="nothing answers"),
        pytest.param(f"{HEAD}    ...\n", id="a stub"),
        pytest.param("not Python", id="no Python"),
    ],
)
def test_where_nothing_answers_nothing_is_worse(present: str) -> None:
    verdict = validate_over(SAME, original("{'count': 3}"), present)

    assert verdict.accepted
    assert (verdict.evidence[-2].inputs, verdict.evidence[-2].note) == (0, "there is nothing to compare it with")


def test_without_recorded_calls_the_gates_alone_decide() -> None:
    verdict = validate_over(SAME, original(), SOURCE)

    assert [row.method for row in verdict.evidence].count("recorded") == 0
    assert verdict.accepted


def test_another_result_than_what_answers_now_is_refused() -> None:
    verdict = validate_over(SAME, original("{'count': 3}"), f"{HEAD}    return count * 2 + 1\n")

    (violation,) = verdict.violations
    assert (violation.rule, violation.line) == ("recorded", 1)
    assert violation.message.startswith("it is worse on a recorded call: the result differs: ")
    assert violation.message.endswith(", for {'count': 3}")


def finished(*ends: str, end: str = "finished") -> Finished:
    answers = tuple(["", [one, "", ""], []] for one in ends)
    return Finished(answers, end, "", 0.1, 0.1, ())  # type: ignore[arg-type]  # one of its ends


@pytest.mark.parametrize(
    ("theirs", "mine", "may_differ", "worse"),
    [
        pytest.param(("1", "2"), ("1", "3"), True, None, id="another result"),
        pytest.param(("1", "raises E"), ("1", "raises F"), True, None, id="another exception"),
        pytest.param(("raises E",), ("1",), True, None, id="a result"),
        pytest.param(("1", "2"), ("1", "raises E"), True, 1, id="lost"),
        pytest.param(("1", "2"), ("1", "3"), False, 1, id="another result where none may be"),
        pytest.param(("1", "2"), ("1",), True, 1, id="no end"),
    ],
)
def test_worse_is_what_gives_no_result_any_more_or_another_one(
    theirs: tuple[str, ...], mine: tuple[str, ...], may_differ: bool, worse: int | None
) -> None:
    found = worse_outcome(finished(*theirs), finished(*mine, end="time"), may_differ=may_differ)

    assert (found and found[0]) == worse
