"""Figures of the versions of a function, and what a model is told of them."""

import random

import pytest

from poet_import.events.aggregates import Figures, figures_of, numbers_in, verdicts_of
from poet_import.events.event import Execution, Failed, Feedback
from poet_import.events.evidence import Evidence


def call(number: int, version: str = "own-1", duration: float = 1.0, **fields: object) -> Execution:
    named = {"status": "success", "duration_ms": duration, "retries": 0, **fields}
    return Execution("shop.price", version, f"shop.price:0-{number:x}", 0.0, 0.0, **named)  # type: ignore[arg-type]  # by name


def judged(number: int, value: object, **facts: object) -> Feedback:
    return Feedback("shop.price", f"shop.price:0-{number:x}", f"{number}", value, 0.0, facts)  # type: ignore[arg-type]  # as above


@pytest.mark.parametrize("percent", [1, 50, 95, 99, 100])
def test_percentiles_are_right_to_one_percent(percent: int) -> None:
    drawn = random.Random(7)
    times = [drawn.lognormvariate(0, 2) for _ in range(5000)]
    figures = figures_of([call(n, duration=time) for n, time in enumerate(times)], {})["own-1"]

    assert figures.percentile(percent) == pytest.approx(sorted(times)[5000 * percent // 100 - 1], rel=0.011)


def test_figures_tell_versions_apart_and_count_what_failed() -> None:
    calls = [
        call(1, retries=2),
        call(2, error=Failed("ValueError"), status="operate_error"),
        call(3, "model-2", duration=0.0),
    ]
    found = figures_of(calls, verdicts_of([call(9), judged(1, True), judged(1, 0.5), judged(2, "bad")]))

    assert list(found) == ["own-1", "model-2"]
    own = found["own-1"]
    assert (own.calls, own.retries, own.failures, own.failure_rate) == (2, 2, {"ValueError": 1}, 0.5)
    assert (own.feedback, own.verdicts, found["model-2"].feedback) == (0.75, 2, None)


def test_nothing_is_known_of_a_version_without_calls() -> None:
    figures = Figures()

    assert (figures.failure_rate, figures.percentile(50), figures.feedback) == (0.0, 0.0, None)


@pytest.mark.parametrize(
    ("mine", "theirs", "is_worse"),
    [
        pytest.param([0.0] * 5, [1.0] * 5, True, id="always worse"),
        pytest.param([0, 1] * 20, [1, 1, 1, 0] * 10, True, id="clearly worse"),
        pytest.param([0, 1, 0], [1, 0, 1], False, id="by chance"),
        pytest.param([1.0] * 5, [0.0] * 5, False, id="better"),
        pytest.param([0.0], [1.0] * 5, False, id="one verdict"),
        pytest.param([0.0] * 5, [1.0], False, id="one verdict before"),
    ],
)
def test_version_is_worse_where_chance_does_not_explain_it(
    mine: list[float], theirs: list[float], is_worse: bool
) -> None:
    one, other = Figures(), Figures()
    one.add(call(1), mine)
    other.add(call(2), theirs)

    assert one.is_worse_than(other) is is_worse


def test_texts_are_no_numbers_and_a_yes_is_one() -> None:
    assert numbers_in([judged(1, "good"), judged(2, True), judged(3, 2)]) == [1.0, 2.0]


def test_model_is_told_figures_failures_and_the_worst_calls_first() -> None:
    evidence = Evidence({"own-1": "own", "model-2": "v1", "model-3": "v2"})
    failed = Failed("poet_import.errors.PerceiveError", "count", "int", "no\ncount")
    evidence.add(
        [
            call(1, "model-2", arguments={"count": "3"}, result="6"),
            call(2, "own-1", arguments={}, retries=1),
            call(3, error=failed, status="perceive_error"),
            call(4, error=Failed("KeyError"), status="operate_error"),
        ],
        verdicts_of([judged(1, 0.2, label="x"), judged(2, "odd")]),
    )

    assert evidence.lines() == (
        "own: 3 calls, p50 1 ms, p95 1 ms, 66.7% failed (KeyError 1, poet_import.errors.PerceiveError 1), 1 retries",
        "v1: 1 call, p50 1 ms, p95 1 ms, feedback 0.2 on average of 1",
        "own failed with poet_import.errors.PerceiveError (count should be int): no count",
        "own failed with KeyError",
        "v1 with count=3 gave 6: judged 0.2, label='x'",
        "own with no arguments: judged 'odd'",
    )
    assert evidence.figures_of("v2") is None


def test_what_a_model_is_told_is_bounded() -> None:
    evidence = Evidence({"own-1": "own"})
    errors = [call(n, error=Failed("ValueError", message=f"{n} {'x' * 500}")) for n in range(100)]
    evidence.add(errors, verdicts_of([judged(n, n) for n in range(100)]))

    lines = evidence.lines()
    assert len(lines) == 1 + 10 + 20
    assert max(map(len, lines)) == 401
    assert next(line for line in lines if "judged" in line).endswith("judged 0")
