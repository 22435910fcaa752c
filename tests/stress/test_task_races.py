"""A cancellation from outside and a limit at the same moment: neither is taken for the other, and none is lost."""

from __future__ import annotations

import asyncio
import random
import time
from collections import Counter
from collections.abc import Awaitable, Callable
from types import ModuleType

import pytest

from poet_import import PoetTimeout

Load = Callable[..., ModuleType]
Body = Callable[[ModuleType], Awaitable[object]]

MODULE = """
import asyncio
from poet_import import poet

LIMIT = 0.02

@poet(timeout=LIMIT)
async def waits():
    await asyncio.sleep(5)

@poet(timeout=LIMIT, retries=50, retry_on=OSError)
async def retries():
    await asyncio.sleep(0)
    raise OSError("down")

@poet(timeout=LIMIT)
async def cleans_up():
    try:
        await asyncio.sleep(5)
    finally:
        await asyncio.sleep(0.002)

@poet(timeout=LIMIT)
async def in_a_group():
    async with asyncio.TaskGroup() as group:
        group.create_task(asyncio.sleep(5))
        await asyncio.sleep(5)

@poet(timeout=60)
async def around():
    return await waits()

@poet(timeout=LIMIT)
async def nested():
    return await waits()

@poet(timeout=LIMIT)
async def call(function):
    return await function()

@poet(timeout=LIMIT)
async def ends_in_time(seconds):
    await asyncio.sleep(seconds)
    return "done"
"""
LIMIT = 0.02
NAMES = ("waits", "retries", "cleans_up", "in_a_group", "around", "nested")


@pytest.fixture
def shop(load: Load) -> ModuleType:
    return load(MODULE)


async def cancelled_about_the_limit(function: Callable[[], Awaitable[object]], dice: random.Random) -> str:
    """Cancel a call as its limit passes and return what became of it; a cancellation that was accepted must stand."""
    task = asyncio.ensure_future(function())
    await asyncio.sleep(LIMIT + dice.uniform(-0.006, 0.006))
    if dice.random() < 0.3:
        time.sleep(0.001)  # noqa: ASYNC251  (so that both come while the loop is busy)
    was_accepted = task.cancel("from outside")
    try:
        await task
    except asyncio.CancelledError:
        return "cancelled" if was_accepted else "cancelled by nobody"
    except PoetTimeout:
        return "turned into a timeout" if was_accepted else "limit"
    except OSError:
        return "swallowed" if was_accepted else "limit"  # the error of the last attempt before the limit
    return "swallowed"


@pytest.mark.parametrize("name", NAMES)
async def test_cancellation_that_races_a_limit_stays_one(name: str, shop: ModuleType) -> None:
    dice = random.Random(name)
    outcomes: Counter[str] = Counter()
    for _ in range(5):
        races = [cancelled_about_the_limit(getattr(shop, name), dice) for _ in range(100)]
        outcomes.update(await asyncio.gather(*races))

    assert set(outcomes) <= {"cancelled", "limit"}
    assert outcomes["cancelled"] > 0


async def in_batches(race: Callable[[float], Awaitable[object]]) -> list[object]:
    """Run 500 races, 50 at a time, most of them over about as long as the limit, and return what became of them."""
    found: list[object] = []
    for batch in range(10):
        seconds = [0.0, 100 * LIMIT, *(LIMIT * (0.8 + 0.4 * (index + batch / 10) / 48) for index in range(48))]
        found += await asyncio.gather(*map(race, seconds), return_exceptions=True)
    return found


async def test_limit_turns_no_result_into_a_cancellation(shop: ModuleType) -> None:
    results = await in_batches(shop.ends_in_time)

    assert {result if result == "done" else type(result) for result in results} == {"done", PoetTimeout}


async def with_timeout_around(shop: ModuleType, seconds: float) -> str:
    try:
        async with asyncio.timeout(seconds):
            await shop.waits()
    except PoetTimeout:
        return "ours"
    except TimeoutError:
        return "theirs"
    return "neither"


async def with_timeout_inside(shop: ModuleType, seconds: float) -> str:
    async def body() -> None:
        async with asyncio.timeout(seconds):
            await asyncio.sleep(5)

    try:
        await shop.call(body)
    except PoetTimeout:
        return "ours"
    except TimeoutError:
        return "theirs"
    return "neither"


async def with_wait_for(shop: ModuleType, seconds: float) -> str:
    try:
        await asyncio.wait_for(shop.waits(), seconds)
    except PoetTimeout:
        return "ours"
    except TimeoutError:
        return "theirs"
    return "neither"


@pytest.mark.parametrize("arrangement", [with_timeout_around, with_timeout_inside, with_wait_for])
async def test_two_limits_that_race_end_in_one_of_them_and_leave_no_cancellation(
    arrangement: Callable[[ModuleType, float], Awaitable[str]], shop: ModuleType
) -> None:
    async def race(seconds: float) -> tuple[str, int]:
        outcome = await arrangement(shop, seconds)
        await asyncio.sleep(0)
        task = asyncio.current_task()
        assert task is not None
        return outcome, task.cancelling()

    assert set(await in_batches(race)) <= {("ours", 0), ("theirs", 0)}


async def test_limit_in_a_child_of_a_group_fails_the_group_and_leaves_no_cancellation(shop: ModuleType) -> None:
    async def group(index: int) -> int:
        async def run() -> None:
            async with asyncio.TaskGroup() as tasks:
                tasks.create_task(shop.waits())
                tasks.create_task(shop.ends_in_time(LIMIT * (0.8 + 0.4 * index / 200)))
                await asyncio.sleep(5)

        with pytest.raises(ExceptionGroup) as caught:
            await run()
        assert {type(error) for error in caught.value.exceptions} == {PoetTimeout}
        task = asyncio.current_task()
        assert task is not None
        return task.cancelling()

    assert set(await asyncio.gather(*map(group, range(200)))) == {0}


async def test_cancellations_before_a_call_are_counted_as_before_after_it(shop: ModuleType) -> None:
    async def body() -> tuple[int, int]:
        task = asyncio.current_task()
        assert task is not None
        task.cancel()
        try:
            await asyncio.sleep(0)
        except asyncio.CancelledError:
            before = task.cancelling()  # swallowed: the count stays
        with pytest.raises(PoetTimeout):
            await shop.waits()
        return before, task.cancelling()

    assert set(await asyncio.gather(*(asyncio.ensure_future(body()) for _ in range(100)))) == {(1, 1)}
