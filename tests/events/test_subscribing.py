"""Events to functions of the same process, and to logging."""

import logging
from collections.abc import Callable, Iterator
from pathlib import Path
from types import ModuleType

import pytest

import poet_import
from poet_import.events.event import Event, Execution, Feedback
from poet_import.runtime import training

Load = Callable[..., ModuleType]
Told = Callable[..., list[dict[str, object]]]

SHOP = """
from poet_import import poet

@poet(optimize_for="margin")
def price(x):
    return x

@poet(optimize_for="margin")
def cost(x):
    raise KeyError(x)
"""


@pytest.fixture
def received() -> Iterator[Callable[..., list[Event]]]:
    """Subscribe, and return the list that events come into."""
    ends = []

    def call(**options: str) -> list[Event]:
        events: list[Event] = []
        ends.append(poet_import.subscribe(events.append, **options))
        return events

    yield call
    for end in ends:
        end()


def test_subscriber_gets_each_event(load: Load, received: Callable[..., list[Event]], told: Told) -> None:
    module = load(SHOP)
    module.price(0)
    events = received()

    module.price(1)
    with pytest.raises(KeyError):
        module.cost(2)
    poet_import.feedback(str(poet_import.last_execution_id()), "bad")

    _, *later = told()
    assert [event.to_dict() for event in events if isinstance(event, Execution)] == later
    assert [event.value for event in events if isinstance(event, Feedback)] == ["bad"]


def test_subscriber_gets_the_topics_that_it_wants(load: Load, received: Callable[..., list[Event]]) -> None:
    events = received(topic="poet/functions/shop.c*/execution")
    module = load(SHOP)

    module.price(1)
    with pytest.raises(KeyError):
        module.cost(2)
    training.flush()

    assert [event.topic for event in events] == ["poet/functions/shop.cost/execution"]


def test_who_has_ended_its_subscription_gets_no_more(load: Load) -> None:
    events: list[Event] = []
    end = poet_import.subscribe(events.append)
    module = load(SHOP)
    module.price(1)

    end()
    end()
    module.price(1)
    training.flush()

    assert len(events) == 1


def test_subscriber_that_raises_is_said_once_and_harms_nobody(
    load: Load, received: Callable[..., list[Event]], caplog: pytest.LogCaptureFixture
) -> None:
    end = poet_import.subscribe(lambda event: event.nothing)  # type: ignore[union-attr]  # the point
    events = received()
    module = load(SHOP)

    module.price(1)
    training.flush()
    module.price(1)
    training.flush()
    end()

    assert len(events) == 2
    assert [record.levelname for record in caplog.records] == ["ERROR"]
    assert "a subscriber of poet/functions/shop.price/execution has failed; this is said once" in caplog.text


def test_subscriber_may_flush_and_end_itself(load: Load) -> None:
    ends: list[Callable[[], None]] = []
    flushed: list[bool] = []

    def receive(_: Event) -> None:
        flushed.append(training.flush())
        ends.pop()()

    ends.append(poet_import.subscribe(receive))
    module = load(SHOP)
    module.price(1)
    training.flush()
    module.price(1)
    training.flush()

    assert flushed == [False]


def test_who_cannot_be_called_cannot_subscribe() -> None:
    with pytest.raises(TypeError, match=r"subscribe\(\) takes a function that takes an event, not 3"):
        poet_import.subscribe(3)  # type: ignore[arg-type]  # the point


def test_logging_gets_lines_where_anybody_listens(
    load: Load, tmp_path: Path, caplog: pytest.LogCaptureFixture, check: Callable[[object], None]
) -> None:
    module = load(SHOP)
    poet_import.install(cache_dir=tmp_path / "cache", data_dir=tmp_path / "data", events="logging")

    module.price(1)
    training.flush()
    with caplog.at_level(logging.INFO, "poet_import.functions"):
        module.price(2)
        training.flush()

    (record,) = caplog.records
    assert record.name == "poet_import.functions"
    check(record.poet_event.to_dict())  # type: ignore[attr-defined]  # an extra of ours
    assert record.message.startswith('{"topic":"poet/functions/shop.price/execution"')
    assert not (tmp_path / "data").exists()
