from __future__ import annotations

import time
from collections.abc import Callable
from types import ModuleType

import pytest

from poet_import import PoetTimeout
from poet_import.runtime.attempts import STARTED, Attempt, next_attempt

Load = Callable[..., ModuleType]

MODULE = """
from poet_import import poet

def transient(error):
    return "again" in str(error)

@poet(retries=2)
def default(errors):
    raise errors.pop(0)

@poet(retries=2)
def answers(errors):
    if errors:
        raise errors.pop(0)
    return "answer"

@poet(retries=2, retry_on=KeyError)
def by_type(errors):
    raise errors.pop(0)

@poet(retries=2, retry_on=(KeyError, TypeError))
def by_tuple(errors):
    raise errors.pop(0)

@poet(retries=2, retry_on=transient)
def by_callable(errors):
    raise errors.pop(0)

@poet(retries=50, timeout=0.15)
def slow(errors):
    raise ConnectionError("down")

@poet(retries=1)
def rebinds(items, count=1, *, log):
    log.append((items, count))
    items = items + [0]
    count += 1
    if len(log) < 2:
        raise ConnectionError("down")
    return items, count

@poet(retries=1)
def generates(log):
    log.append("begun")
    if len(log) < 2:
        raise ConnectionError("down")
    yield 1
    raise ConnectionError("late")
"""
HOPELESS = [TypeError, AttributeError, NameError, ImportError, AssertionError, NotImplementedError]


class FrozenError(Exception):
    def __setattr__(self, name: str, value: object) -> None:
        raise AttributeError(name)


@pytest.fixture
def shop(load: Load) -> ModuleType:
    return load(MODULE)


def calls_until_the_end(function: Callable[[list[BaseException]], object], errors: list[BaseException]) -> int:
    """Return how many of the errors were raised by attempts of one call."""
    count = len(errors)
    with pytest.raises(type(errors[0])):
        function(errors)
    return count - len(errors)


def test_retries_counts_the_attempts_after_the_first(shop: ModuleType) -> None:
    assert calls_until_the_end(shop.default, [ConnectionError(str(number)) for number in range(9)]) == 3


def test_call_that_recovers_answers(shop: ModuleType) -> None:
    assert shop.answers([ConnectionError("one"), ConnectionError("two")]) == "answer"


@pytest.mark.parametrize("kind", HOPELESS, ids=lambda kind: kind.__name__)
def test_error_that_a_retry_cannot_mend_is_not_retried(kind: type[Exception], shop: ModuleType) -> None:
    assert calls_until_the_end(shop.default, [kind(), kind(), kind()]) == 1


def test_timeout_of_a_called_function_is_not_retried(shop: ModuleType) -> None:
    assert calls_until_the_end(shop.default, [PoetTimeout("f", 1.0)] * 3) == 1


@pytest.mark.parametrize(
    ("name", "error", "attempts"),
    [
        pytest.param("by_type", KeyError("k"), 3, id="type"),
        pytest.param("by_type", ConnectionError("c"), 1, id="other-type"),
        pytest.param("by_tuple", TypeError("t"), 3, id="tuple-overrides-hopeless"),
        pytest.param("by_tuple", ConnectionError("c"), 1, id="not-in-tuple"),
        pytest.param("by_callable", ValueError("again"), 3, id="callable-says-yes"),
        pytest.param("by_callable", ValueError("enough"), 1, id="callable-says-no"),
    ],
)
def test_retry_on_decides_what_is_retried(name: str, error: Exception, attempts: int, shop: ModuleType) -> None:
    assert calls_until_the_end(getattr(shop, name), [error] * 5) == attempts


@pytest.mark.parametrize("kind", [KeyboardInterrupt, SystemExit, GeneratorExit])
def test_interruption_of_the_program_passes_at_once(kind: type[BaseException], shop: ModuleType) -> None:
    assert calls_until_the_end(shop.default, [kind(), kind()]) == 1


def test_last_error_tells_of_the_attempts(shop: ModuleType) -> None:
    with pytest.raises(ConnectionError) as caught:
        shop.default([ConnectionError("one"), ConnectionError("two"), ConnectionError("three")])

    (note,) = caught.value.__notes__
    assert str(caught.value) == "three"
    assert note.startswith("poet: operate failed after 3 attempts in 0.")
    assert note.endswith(" s")


def test_error_that_was_not_retried_has_no_note(shop: ModuleType) -> None:
    with pytest.raises(TypeError) as caught:
        shop.default([TypeError()])

    assert not hasattr(caught.value, "__notes__")


def test_error_that_takes_no_note_passes_without(shop: ModuleType) -> None:
    assert calls_until_the_end(shop.default, [FrozenError(), FrozenError(), FrozenError()]) == 3


def test_error_of_another_kind_ends_the_attempts_with_a_note(shop: ModuleType) -> None:
    with pytest.raises(TypeError) as caught:
        shop.default([ConnectionError("one"), TypeError("two")])

    assert caught.value.__notes__[0].startswith("poet: operate failed after 2 attempts")


def test_wait_that_would_pass_the_limit_is_not_begun(shop: ModuleType) -> None:
    begun = time.monotonic()
    with pytest.raises(PoetTimeout, match=r"^shop\.slow\(\): timed out after 0\.15 s$") as caught:
        shop.slow([])

    assert time.monotonic() - begun < 1
    assert isinstance(caught.value.__cause__, ConnectionError)


def test_rebound_parameters_are_restored(shop: ModuleType) -> None:
    log: list[object] = []

    assert shop.rebinds([1], log=log) == ([1, 0], 2)
    assert log == [([1], 1), ([1], 1)]


def test_generator_is_tried_again_only_before_its_first_item(shop: ModuleType) -> None:
    log: list[str] = []
    items = shop.generates(log)

    assert next(items) == 1
    assert log == ["begun", "begun"]
    with pytest.raises(ConnectionError, match="late"):
        next(items)


@pytest.mark.parametrize(("number", "longest"), [(1, 0.1), (2, 0.2), (5, 1.6), (8, 10.0), (1000, 10.0)])
def test_delays_have_full_jitter_below_an_exponential_bound(number: int, longest: float) -> None:
    previous = Attempt(number - 1, 0.0, 0.0) if number > 1 else None
    attempts = [next_attempt(ConnectionError(), previous, retries=2000) for _ in range(2000)]
    delays = [attempt.delay for attempt in attempts if attempt is not None]

    assert len(delays) == 2000
    assert 0 <= min(delays) < 0.05 * longest
    assert 0.95 * longest < max(delays) < longest


def test_nothing_is_tried_again_once_a_generator_has_yielded() -> None:
    assert next_attempt(ConnectionError(), STARTED, retries=5) is None
