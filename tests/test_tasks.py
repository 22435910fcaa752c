from __future__ import annotations

import asyncio
import sys
import time
from collections.abc import Awaitable, Callable
from types import ModuleType

import pytest

from poet_import import PoetTimeout

Load = Callable[..., ModuleType]

MODULE = """
import asyncio
import time
from poet_import import poet

@poet(timeout=0.05)
async def sleep():
    await asyncio.sleep(5)

@poet(timeout=0.05)
async def short(function):
    return await function()

@poet(timeout=0.05)
async def short_too(function):
    return await function()

@poet(timeout=60)
async def long(function):
    return await function()

@poet(timeout=0.05)
async def guarded():
    try:
        await asyncio.sleep(5)
    except Exception:
        return "swallowed"

@poet(timeout=0.05)
async def swallows_all():
    try:
        await asyncio.sleep(5)
    except asyncio.CancelledError:
        return "swallowed"

@poet(timeout=0.05)
async def cleans_up(log):
    try:
        await asyncio.sleep(5)
    finally:
        await asyncio.sleep(0)
        log.append("cleaned")

@poet(timeout=0.05)
async def late(error):
    try:
        await asyncio.sleep(5)
    except asyncio.CancelledError:
        raise error

@poet(timeout=0.05)
async def fails():
    raise ConnectionError("down")

@poet(timeout=0.001)
async def race(seconds):
    await asyncio.sleep(seconds)
    return "done"

@poet(timeout=0.05)
def spin():
    while True:
        pass

@poet(timeout=0.05)
def spin_long_limit(function):
    return function()

@poet(timeout=0.3, retries=5)
async def flaky(log):
    log.append(1)
    raise ConnectionError("down")

@poet(timeout=60, retries=2)
async def twice(log):
    log.append(1)
    if len(log) < 2:
        raise ConnectionError("down")
    return len(log)
"""


@pytest.fixture
def shop(load: Load) -> ModuleType:
    return load(MODULE)


async def test_limit_ends_a_wait(shop: ModuleType) -> None:
    begun = time.monotonic()
    with pytest.raises(PoetTimeout, match=r"^shop\.sleep\(\): timed out after 0\.05 s$") as caught:
        await shop.sleep()

    assert time.monotonic() - begun < 1
    assert isinstance(caught.value.__cause__, asyncio.CancelledError)


async def test_limit_leaves_the_task_as_if_it_had_not_been_cancelled(shop: ModuleType) -> None:
    task = asyncio.current_task()
    assert task is not None
    with pytest.raises(PoetTimeout):
        await shop.sleep()
    await asyncio.sleep(0)

    assert task.cancelling() == 0


async def test_limit_is_not_swallowed_by_except_exception(shop: ModuleType) -> None:
    with pytest.raises(PoetTimeout):
        await shop.guarded()


async def test_body_that_swallows_the_cancellation_keeps_its_result(shop: ModuleType) -> None:
    assert await shop.swallows_all() == "swallowed"
    await asyncio.sleep(0)


async def test_body_cleans_up_before_the_limit_is_told(shop: ModuleType) -> None:
    log: list[str] = []
    with pytest.raises(PoetTimeout):
        await shop.cleans_up(log)

    assert log == ["cleaned"]


async def test_error_that_a_body_raises_instead_passes(shop: ModuleType) -> None:
    with pytest.raises(ConnectionError, match="instead"):
        await shop.late(ConnectionError("instead"))


async def test_error_before_the_limit_passes(shop: ModuleType) -> None:
    with pytest.raises(ConnectionError, match="down"):
        await shop.fails()


async def test_cancellation_from_outside_stays_one(shop: ModuleType) -> None:
    task = asyncio.ensure_future(shop.long(lambda: asyncio.sleep(5)))
    await asyncio.sleep(0.01)
    task.cancel("from outside")
    with pytest.raises(asyncio.CancelledError, match="from outside"):
        await task

    assert task.cancelled()


async def test_cancellation_at_the_same_moment_as_the_limit_stays_one(shop: ModuleType) -> None:
    task = asyncio.ensure_future(shop.sleep())
    await asyncio.sleep(0)
    time.sleep(0.1)  # noqa: ASYNC251  (the limit passes while the loop is kept busy)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task


async def test_timeout_of_asyncio_around_ours_is_its_own(shop: ModuleType) -> None:
    with pytest.raises(TimeoutError) as caught:
        async with asyncio.timeout(0.01):
            await shop.long(lambda: asyncio.sleep(5))

    assert type(caught.value) is TimeoutError


async def test_timeout_of_asyncio_around_ours_at_the_same_moment_is_its_own(shop: ModuleType) -> None:
    async def busy() -> None:
        await asyncio.sleep(0)
        time.sleep(0.1)  # noqa: ASYNC251  (both limits pass while the loop is kept busy)
        await asyncio.sleep(5)

    task = asyncio.current_task()
    assert task is not None
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.05):
            await shop.short(busy)

    assert task.cancelling() == 0


async def test_timeout_of_asyncio_inside_ours_is_its_own(shop: ModuleType) -> None:
    async def call() -> str:
        try:
            async with asyncio.timeout(0.01):
                await asyncio.sleep(5)
        except TimeoutError as error:
            return type(error).__name__
        return ""

    assert await shop.long(call) == "TimeoutError"


async def test_ours_inside_a_timeout_of_asyncio_is_ours(shop: ModuleType) -> None:
    with pytest.raises(PoetTimeout):
        async with asyncio.timeout(5):
            await shop.sleep()


async def test_inner_limit_that_is_caught_does_not_end_the_outer_call(shop: ModuleType) -> None:
    async def call() -> str:
        try:
            await shop.sleep()
        except PoetTimeout:
            await asyncio.sleep(0.01)
            return "answered"
        return ""

    assert await shop.long(call) == "answered"


@pytest.mark.parametrize("inner", ["short", "short_too", "long"])
async def test_nested_limit_ends_the_outermost_call_that_is_late(inner: str, shop: ModuleType) -> None:
    async def busy() -> None:
        await asyncio.sleep(0)
        time.sleep(0.1)  # noqa: ASYNC251  (both limits pass while the loop is kept busy)
        await asyncio.sleep(5)

    with pytest.raises(PoetTimeout, match=r"shop\.short\(\)"):
        await shop.short(lambda: getattr(shop, inner)(busy))


async def test_waiting_call_leaves_no_handle_in_the_loop(shop: ModuleType) -> None:
    loop = asyncio.get_running_loop()
    task = asyncio.ensure_future(shop.long(lambda: asyncio.Event().wait()))
    await asyncio.sleep(0)
    scheduled = list(loop._scheduled)  # type: ignore[attr-defined]  # of BaseEventLoop
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task

    assert scheduled == []


async def test_task_group_is_cancelled_by_the_limit(shop: ModuleType) -> None:
    cancelled: list[int] = []

    async def child(number: int) -> None:
        try:
            await asyncio.sleep(5)
        except asyncio.CancelledError:
            cancelled.append(number)
            raise

    async def call() -> None:
        async with asyncio.TaskGroup() as group:
            group.create_task(child(1))
            group.create_task(child(2))

    with pytest.raises(PoetTimeout):
        await shop.short(call)

    assert sorted(cancelled) == [1, 2]


async def test_limit_inside_a_task_group_fails_the_group(shop: ModuleType) -> None:
    async def call() -> None:
        async with asyncio.TaskGroup() as group:
            group.create_task(shop.sleep())
            group.create_task(asyncio.sleep(5))

    with pytest.raises(ExceptionGroup) as caught:
        await call()

    assert [type(error) for error in caught.value.exceptions] == [PoetTimeout]


@pytest.mark.skipif(sys.version_info < (3, 12), reason="eager tasks are new in 3.12")
async def test_eager_tasks_are_limited(shop: ModuleType) -> None:
    asyncio.get_running_loop().set_task_factory(asyncio.eager_task_factory)  # type: ignore[attr-defined]  # 3.12

    async def call() -> object:
        return await asyncio.ensure_future(shop.sleep())

    with pytest.raises(PoetTimeout, match=r"shop\.sleep"):
        await shop.long(call)


async def test_awaited_task_is_cancelled_with_its_caller(shop: ModuleType) -> None:
    inner = asyncio.ensure_future(asyncio.sleep(5))

    async def call() -> None:
        await inner

    with pytest.raises(PoetTimeout):
        await shop.short(call)

    assert inner.cancelled()


async def test_synchronous_limit_inside_a_task_ends_its_own_call(shop: ModuleType) -> None:
    async def call() -> str:
        try:
            shop.spin()
        except PoetTimeout as error:
            await asyncio.sleep(0)
            return error.function
        return ""

    assert await shop.long(call) == "shop.spin"


def test_synchronous_limit_around_a_loop_passes_an_asynchronous_one(shop: ModuleType) -> None:
    with pytest.raises(PoetTimeout, match=r"shop\.spin_long_limit"):
        shop.spin_long_limit(lambda: asyncio.run(shop.long(lambda: asyncio.sleep(5))))


async def test_racing_limits_and_results_never_disturb_what_follows(shop: ModuleType) -> None:
    task = asyncio.current_task()
    assert task is not None
    outcomes: set[object] = set()
    for index in range(300):
        try:
            outcomes.add(await shop.race(0.0005 + 0.001 * (index % 50) / 50))
        except PoetTimeout:
            outcomes.add(PoetTimeout)
        await asyncio.sleep(0)

    assert outcomes <= {"done", PoetTimeout}
    assert task.cancelling() == 0


async def test_thousand_tasks_end_each_at_its_own_limit(shop: ModuleType) -> None:
    results = await asyncio.gather(*(shop.sleep() for _ in range(1000)), return_exceptions=True)

    assert {type(result) for result in results} == {PoetTimeout}


async def test_wait_that_would_pass_the_limit_is_not_begun(shop: ModuleType) -> None:
    log: list[int] = []
    begun = time.monotonic()
    with pytest.raises((PoetTimeout, ConnectionError)) as caught:
        await shop.flaky(log)

    assert time.monotonic() - begun < 0.5
    if isinstance(caught.value, PoetTimeout):
        assert isinstance(caught.value.__cause__, ConnectionError)


async def test_retry_waits_without_blocking_the_loop(shop: ModuleType) -> None:
    ticks = 0

    async def tick() -> None:
        nonlocal ticks
        while True:
            ticks += 1
            await asyncio.sleep(0.001)

    ticking = asyncio.ensure_future(tick())
    assert await shop.twice([]) == 2
    ticking.cancel()

    assert ticks > 5  # a wait of 0.1 s that held up the loop would leave two


def drive(awaitable: Awaitable[object]) -> object:
    """Run a coroutine that waits for nothing, without a library."""
    try:
        awaitable.__await__().send(None)  # type: ignore[attr-defined]  # a coroutine's is a generator
    except StopIteration as end:
        return end.value
    raise AssertionError


def test_where_no_task_runs_there_is_no_limit(shop: ModuleType) -> None:
    async def call() -> str:
        time.sleep(0.1)  # noqa: ASYNC251  (past the limit)
        return "done"

    assert drive(shop.short(call)) == "done"


def test_where_no_task_runs_a_retry_waits_all_the_same(shop: ModuleType) -> None:
    assert drive(shop.twice([])) == 2


def test_under_trio_there_is_no_limit_and_a_retry_waits_in_its_way(shop: ModuleType) -> None:
    trio = pytest.importorskip("trio")

    assert trio.run(shop.twice, []) == 2


def test_loop_that_is_closed_with_a_limit_pending_disturbs_nobody(shop: ModuleType) -> None:
    loop = asyncio.new_event_loop()
    task = loop.create_task(shop.sleep())
    loop.run_until_complete(asyncio.sleep(0))
    loop.close()
    time.sleep(0.1)
    task.get_coro().close()  # type: ignore[union-attr]  # a coroutine

    assert not task.done()
    task._log_destroy_pending = False  # type: ignore[attr-defined]  # asyncio's own switch: it is meant to be left
