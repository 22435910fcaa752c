from __future__ import annotations

import pytest

from poet_import.errors import PoetWarning
from poet_import.model import PoetOptions
from poet_import.source.options import check_retry_on, read_options

WHERE = "shop.py:3"


REFUSED = {
    "unknown": ({"retry": 3}, TypeError, "shop.py:3: @poet has no option 'retry' (did you mean 'retries'?); it takes"),
    "unknown-and-like-none": ({"zzz": 3}, TypeError, "shop.py:3: @poet has no option 'zzz'; it takes domain, "),
    "retries-text": ({"retries": "3"}, TypeError, "shop.py:3: retries takes a whole number of extra attempts, not '3'"),
    "retries-bool": ({"retries": True}, TypeError, "retries takes a whole number of extra attempts, not True"),
    "retries-negative": ({"retries": -1}, ValueError, "shop.py:3: retries must be 0 or more, not -1"),
    "timeout-text": ({"timeout": "1"}, TypeError, "timeout takes a number of seconds, not '1'"),
    "timeout-bool": ({"timeout": True}, TypeError, "timeout takes a number of seconds, not True"),
    "timeout-zero": ({"timeout": 0}, ValueError, "timeout must be a number of seconds above 0, not 0"),
    "timeout-nan": ({"timeout": float("nan")}, ValueError, "timeout must be a number of seconds above 0, not nan"),
    "timeout-infinite": ({"timeout": float("inf")}, ValueError, "timeout must be a number of seconds above 0, not inf"),
    "domain-number": ({"domain": 3}, TypeError, "domain takes a string, not 3"),
    "mode-unknown": ({"on_violation": "log"}, ValueError, "on_violation is one of 'raise', 'warn', 'off', not 'log'"),
    "mode-number": ({"semantics": 3}, TypeError, "semantics is one of 'preserve', 'intent', not 3"),
}


@pytest.mark.parametrize(("given", "kind", "message"), REFUSED.values(), ids=REFUSED)
def test_wrong_option_is_refused_with_its_place(given: dict[str, object], kind: type[Exception], message: str) -> None:
    with pytest.raises(kind) as caught:
        read_options(given, where=WHERE)

    assert message in str(caught.value)


def test_none_stands_for_what_was_not_written() -> None:
    given = {
        "domain": None,
        "retries": None,
        "timeout": None,
        "retry_on": None,
        "on_violation": None,
        "semantics": None,
    }

    assert read_options(given, where=WHERE) == PoetOptions()


@pytest.mark.parametrize("objective", ["", " ", 3, True])
def test_objective_that_is_no_text_warns_and_trains_nothing(objective: object) -> None:
    with pytest.warns(PoetWarning, match=r"shop\.py:3: optimize_for=.* is not a non-empty string: nothing is trained"):
        options = read_options({"optimize_for": objective}, where=WHERE)

    assert options.optimize_for is None


@pytest.mark.parametrize(
    "value",
    [OSError, (OSError, KeyError), (), len, lambda error: error is None],
    ids=["type", "several", "none", "built-in", "callable"],
)
def test_value_of_retry_on_may_be_a_type_several_or_a_callable(value: object) -> None:
    check_retry_on(value, where=WHERE)


@pytest.mark.parametrize(
    ("value", "message"),
    [
        pytest.param(3, "retry_on takes an exception type, a tuple of them or a callable, not 3", id="number"),
        pytest.param((OSError, len), "retry_on takes an exception type, a tuple", id="callable-in-a-tuple"),
        pytest.param(int, "retry_on=int is not an Exception: only an Exception can be retried", id="another-type"),
        pytest.param((OSError, KeyboardInterrupt), "retry_on=KeyboardInterrupt is not an Exception", id="interrupt"),
    ],
)
def test_other_value_of_retry_on_is_refused(value: object, message: str) -> None:
    with pytest.raises(TypeError) as caught:
        check_retry_on(value, where=WHERE)

    assert str(caught.value).startswith(f"{WHERE}: {message}")
