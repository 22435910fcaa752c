"""Rules by which a shadow may be promoted."""

import pytest

from poet_import.cli.promotion import METRICS, judge, rule_of
from poet_import.cli.shadow_reports import Report

TIMES = tuple(float(number) for number in range(1, 101))
SOUND = Report(compared=100, differences=0, told=(), failed=10, milliseconds=TIMES)


@pytest.mark.parametrize(
    ("text", "holds"),
    [
        pytest.param("p50<=50", True, id="p50"),
        pytest.param("p95 < 95", False, id="p95"),
        pytest.param("p99>=99.0", True, id="p99"),
        pytest.param("mean>50.5", False, id="mean"),
        pytest.param("failed<0.2 and compared>=100", True, id="two conditions"),
        pytest.param("failed<0.2 and compared>100", False, id="one of two"),
        pytest.param("feedback>-1", True, id="feedback"),
    ],
)
def test_rule_is_judged_by_what_was_measured(text: str, holds: bool) -> None:
    found = judge(rule_of(text), [SOUND], feedback=0.5)

    assert found.holds is holds
    assert found.words.endswith(", over 100 compared calls")


def test_every_metric_can_be_asked_for() -> None:
    rule = rule_of(" and ".join(f"{name}>=0" for name in METRICS))

    assert judge(rule, [SOUND], feedback=0.5).words == (
        "p50 is 50, p95 is 95, p99 is 99, mean is 50.5, failed is 0.1, compared is 100, feedback is 0.5, "
        "over 100 compared calls"
    )


@pytest.mark.parametrize(
    ("reports", "text", "words"),
    [
        pytest.param([], "p95<5", "0 calls were compared, and 20 are needed", id="nothing"),
        pytest.param(
            [SOUND, Report(9, 2, (), 0, ())], "p95<500", "2 of 109 compared calls differed, so a person has to decide",
            id="differences",
        ),
        pytest.param([SOUND], "feedback>0", "feedback is not known yet", id="no feedback"),
        pytest.param([Report(30, 0, (), 0, ())], "p50<1", "p50 is not known yet", id="no times"),
        pytest.param([Report(30, 0, (), 0, ())], "mean<1", "mean is not known yet", id="no mean"),
    ],
)  # fmt: skip
def test_rule_does_not_hold_where_too_little_is_known(reports: list[Report], text: str, words: str) -> None:
    found = judge(rule_of(text), reports, feedback=None)

    assert (found.holds, found.words) == (False, words)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        pytest.param("", "'' is no condition; give a metric, < <= > or >=, and a number, as p95<5", id="empty"),
        pytest.param("p95=5", "'p95=5' is no condition", id="sign"),
        pytest.param("p95<fast", "'p95<fast' is no condition", id="no number"),
        pytest.param("p95<5 and", "'' is no condition", id="half"),
        pytest.param("speed<5", "'speed' is no metric; there are p50, p95, p99, mean, failed, compared", id="metric"),
    ],
)
def test_text_that_is_no_rule_is_refused_with_what_is(text: str, message: str) -> None:
    with pytest.raises(ValueError, match="^" + message.replace("(", r"\(")):
        rule_of(text)


def test_rule_is_told_in_one_form() -> None:
    assert rule_of(" p95 <5.0  and failed<= 0.1 ").text == "p95<5 and failed<=0.1"
