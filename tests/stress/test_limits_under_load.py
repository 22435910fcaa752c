"""Many limits at once, and limits that pass at the worst moment."""

from __future__ import annotations

import sys
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from types import ModuleType

import pytest

from poet_import import PoetTimeout

Load = Callable[..., ModuleType]
Function = Callable[[], object]
InThread = Callable[[Function], object]

MODULE = """
import time
from poet_import import poet

@poet(timeout=60)
def long(function):
    return function()

@poet(timeout=0.1)
def short(function):
    return function()

@poet(timeout=60)
def is_in_time():
    time.sleep(0.5)
    return "done"

@poet(timeout=0.5)
def is_late():
    while True:
        time.sleep(0.02)

@poet(timeout=0.0003)
def race(seconds):
    end = time.perf_counter() + seconds
    while time.perf_counter() < end:
        pass
    return "done"

@poet(timeout=0.0003, retries=3)
def race_with_retries(seconds):
    end = time.perf_counter() + seconds
    while time.perf_counter() < end:
        pass
    return "done"

@poet(timeout=0.0003)
def race_with_cleanup(seconds):
    end = time.perf_counter() + seconds
    try:
        while time.perf_counter() < end:
            pass
        return "done"
    finally:
        time.perf_counter()

@poet(retries=100)
def keeps_failing(log):
    log.append(1)
    raise ConnectionError("down")

@poet(timeout=0.1)
def recurses(depth):
    return recurses(depth - 1) if depth else spin()

@poet(timeout=60)
def recurses_for_long(depth):
    return recurses_for_long(depth - 1) + 1 if depth else 0

@poet(timeout=0.5)
def recurses_without_end():
    return recurses_without_end()

def spin():
    while True:
        pass
"""
RACES = ("race", "race_with_retries", "race_with_cleanup")


def here(function: Function) -> object:
    return function()


def in_thread(function: Function) -> object:
    """Run a function in a worker thread and return what it returned or raise what it raised."""
    with ThreadPoolExecutor(1) as pool:
        return pool.submit(function).result()


@pytest.fixture(params=[here, in_thread], ids=["main-thread", "worker-thread"])
def run(request: pytest.FixtureRequest) -> InThread:
    return request.param  # type: ignore[no-any-return]  # one of the two above


@pytest.fixture
def shop(load: Load) -> ModuleType:
    return load(MODULE)


@pytest.fixture
def many_switches() -> Iterator[None]:
    """Let threads take turns a thousand times as often."""
    before = sys.getswitchinterval()
    sys.setswitchinterval(5e-6)
    yield
    sys.setswitchinterval(before)


def racing(function: Callable[[float], object], count: int) -> Counter[object]:
    """Return what calls ended with that needed about as long as they had."""
    outcomes: Counter[object] = Counter()
    for index in range(count):
        try:
            outcomes[function(0.0002 + 0.0002 * (index % 100) / 100)] += 1
        except PoetTimeout:
            outcomes[PoetTimeout] += 1
    return outcomes


@pytest.mark.parametrize("name", RACES)
def test_interruption_never_arrives_after_its_call(run: InThread, name: str, shop: ModuleType) -> None:
    outcomes = run(lambda: racing(getattr(shop, name), 1_500))

    assert set(outcomes) == {"done", PoetTimeout}  # type: ignore[call-overload]  # a Counter


@pytest.mark.slow
@pytest.mark.parametrize(
    ("name", "count"), [("race", 30_000), ("race_with_retries", 10_000), ("race_with_cleanup", 10_000)]
)
def test_interruption_never_arrives_after_its_call_in_100_000(
    run: InThread, name: str, count: int, shop: ModuleType
) -> None:
    outcomes = run(lambda: racing(getattr(shop, name), count))

    assert set(outcomes) == {"done", PoetTimeout}  # type: ignore[call-overload]  # a Counter


def test_interruption_of_racing_nested_calls_never_arrives_after_them(run: InThread, shop: ModuleType) -> None:
    def call() -> set[object]:
        outcomes: set[object] = set()
        for index in range(15):
            try:
                outcomes.add(shop.short(lambda index=index: racing(shop.race, 290 + index % 60) and "done"))
            except PoetTimeout as error:
                outcomes.add(error.function)
        return outcomes

    assert run(call) <= {"done", "shop.short"}


@pytest.mark.usefixtures("many_switches")
def test_interruption_never_arrives_in_another_thread_than_that_of_its_call(shop: ModuleType) -> None:
    def bystander() -> int:
        turns = 0
        while not is_over.is_set():
            turns += 1
        return turns

    is_over = threading.Event()
    with ThreadPoolExecutor(8) as pool:
        watching = [pool.submit(bystander) for _ in range(2)]
        races = [pool.submit(racing, shop.race, 100) for _ in range(6)]
        outcomes = sum((each.result() for each in races), Counter())
        is_over.set()
        turns = [each.result() for each in watching]

    assert set(outcomes) <= {"done", PoetTimeout}
    assert outcomes.total() == 600
    assert all(turns)


def test_thousand_calls_at_the_same_time_end_each_in_its_own_way(shop: ModuleType) -> None:
    def call(function: Function) -> object:
        gate.wait()
        return function()

    count = 1_000
    gate = threading.Barrier(count)
    with ThreadPoolExecutor(count) as pool:
        calls = [pool.submit(call, shop.is_in_time if index % 2 else shop.is_late) for index in range(count)]
        errors = [type(each.exception()) for each in calls]

    assert errors == [PoetTimeout, type(None)] * (count // 2)
    assert [each.result() for each in calls[1::2]] == ["done"] * (count // 2)


def test_limit_around_passes_in_a_backoff(run: InThread, shop: ModuleType) -> None:
    log: list[int] = []
    begun = time.monotonic()
    with pytest.raises(PoetTimeout, match=r"shop\.short\(\)"):
        run(lambda: shop.short(lambda: shop.keeps_failing(log)))

    assert len(log) < 100
    assert time.monotonic() - begun < 12  # in a worker thread a wait, of 10 s at most, ends before its interruption


def test_every_level_of_a_recursion_ends_with_the_outermost(run: InThread, shop: ModuleType) -> None:
    for depth in (1, 50, 150):
        with pytest.raises(PoetTimeout, match=r"shop\.recurses\(\)"):
            run(lambda depth=depth: shop.recurses(depth))


def test_recursion_within_its_limits_returns(run: InThread, shop: ModuleType) -> None:
    assert run(lambda: shop.recurses_for_long(200)) == 200


def test_limits_of_a_recursion_without_end_interrupt_nothing_later(run: InThread, shop: ModuleType) -> None:
    def call() -> str:
        with pytest.raises(RecursionError):
            shop.recurses_without_end()
        end = time.monotonic() + 0.7  # past the limit of each level
        while time.monotonic() < end:
            pass
        return "undisturbed"

    assert run(call) == "undisturbed"


def test_nested_limits_that_race_end_with_the_name_of_one_that_is_late(run: InThread, shop: ModuleType) -> None:
    def call() -> Counter[str]:
        outcomes: Counter[str] = Counter()
        for index in range(400):
            seconds = 0.0002 + 0.0002 * (index % 50) / 50
            try:
                outcomes[shop.long(lambda: shop.race(seconds=seconds))] += 1  # noqa: B023  (called at once)
            except PoetTimeout as error:
                outcomes[error.function] += 1
        return outcomes

    assert set(run(call)) == {"done", "shop.race"}  # type: ignore[call-overload]  # a Counter
