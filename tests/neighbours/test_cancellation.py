"""Cancellation by asyncio, trio and anyio: never swallowed, never turned into a timeout, and limits as documented."""

import asyncio
from collections.abc import Callable
from types import ModuleType

import pytest

from poet_import import PerceiveError, PoetTimeout

Load = Callable[..., ModuleType]

SHOP = """\
import asyncio

from poet_import import poet

seen = []


@poet(retries=3, retry_on=Exception, timeout=60)
async def wait(sleep, quantity: int) -> int:
    try:
        await sleep(60)
    except BaseException as error:
        seen.append(type(error).__name__)
        raise
    return quantity


@poet(retries=2, retry_on=OSError, timeout=60)
async def mend(sleep, quantity: int) -> int:
    await sleep(0)
    seen.append(quantity)
    if len(seen) < 3:
        raise OSError
    return quantity


@poet(retries=5, retry_on=OSError)
async def never(sleep, quantity: int) -> int:
    raise OSError


@poet(timeout=0.01)
async def short(sleep, quantity: int) -> int:
    await sleep(0.1)
    return quantity


@poet(timeout=0.01)
async def endless(sleep, quantity: int) -> int:
    await sleep(60)
    return quantity
"""


@pytest.fixture
def shop(load: Load) -> ModuleType:
    return load(SHOP)


async def test_a_cancelled_task_ends_as_cancelled_after_one_attempt(shop: ModuleType) -> None:
    task = asyncio.create_task(shop.wait(asyncio.sleep, 1))
    await asyncio.sleep(0)
    task.cancel("enough")

    with pytest.raises(asyncio.CancelledError, match="enough"):
        await task
    assert shop.seen == ["CancelledError"]
    assert task.cancelled()


async def test_a_timeout_from_outside_is_its_own_error(shop: ModuleType) -> None:
    with pytest.raises(TimeoutError) as caught:
        async with asyncio.timeout(0.01):
            await shop.wait(asyncio.sleep, 1)

    assert not isinstance(caught.value, PoetTimeout)
    assert shop.seen == ["CancelledError"]


async def test_a_limit_inside_a_larger_one_from_outside_is_ours(shop: ModuleType) -> None:
    with pytest.raises(PoetTimeout):
        async with asyncio.timeout(60):
            await shop.endless(asyncio.sleep, 1)


async def test_a_group_cancels_its_other_tasks_when_one_is_refused(shop: ModuleType) -> None:
    async def main() -> None:
        async with asyncio.TaskGroup() as group:
            group.create_task(shop.wait(asyncio.sleep, 1))
            await asyncio.sleep(0)
            group.create_task(shop.wait(asyncio.sleep, "1"))

    with pytest.raises(ExceptionGroup) as caught:
        await main()

    assert [type(error) for error in caught.value.exceptions] == [PerceiveError]
    assert shop.seen == ["CancelledError"]


async def test_a_cancellation_while_waiting_between_attempts_ends_the_call(shop: ModuleType) -> None:
    task = asyncio.create_task(shop.never(asyncio.sleep, 1))
    await asyncio.sleep(0)
    task.cancel()

    with pytest.raises(asyncio.CancelledError):
        await task


def test_trio_cancels_a_marked_function_after_one_attempt(shop: ModuleType) -> None:
    trio = pytest.importorskip("trio", reason="trio comes with the extra 'peers'")

    async def main() -> bool:
        with trio.move_on_after(0.01) as scope:
            await shop.wait(trio.sleep, 1)
        return bool(scope.cancelled_caught)

    assert trio.run(main) is True
    assert shop.seen == ["Cancelled"]


def test_trio_cancels_the_wait_between_two_attempts(shop: ModuleType) -> None:
    trio = pytest.importorskip("trio", reason="trio comes with the extra 'peers'")

    async def main() -> bool:
        with trio.move_on_after(0) as scope:
            await shop.never(trio.sleep, 1)
        return bool(scope.cancelled_caught)

    assert trio.run(main) is True


def test_under_trio_calls_are_checked_and_retried_and_a_limit_is_none(shop: ModuleType) -> None:
    trio = pytest.importorskip("trio", reason="trio comes with the extra 'peers'")

    async def main() -> tuple[int, int]:
        with pytest.raises(PerceiveError):
            await shop.mend(trio.sleep, "1")
        return await shop.mend(trio.sleep, 1), await shop.short(trio.sleep, 2)

    assert trio.run(main) == (1, 2)
    assert shop.seen == [1, 1, 1]


@pytest.mark.parametrize("backend", ["asyncio", "trio"])
def test_a_scope_of_anyio_cancels_a_marked_function(shop: ModuleType, backend: str) -> None:
    anyio = pytest.importorskip("anyio", reason="anyio comes with the extra 'peers'")
    pytest.importorskip(backend, reason="trio comes with the extra 'peers'")

    async def main() -> bool:
        with anyio.move_on_after(0.01) as scope:
            await shop.wait(anyio.sleep, 1)
        return bool(scope.cancelled_caught)

    assert anyio.run(main, backend=backend) is True
    assert len(shop.seen) == 1
    assert shop.seen[0].startswith("Cancelled")


def test_a_limit_holds_in_a_task_of_anyio_on_asyncio(shop: ModuleType) -> None:
    anyio = pytest.importorskip("anyio", reason="anyio comes with the extra 'peers'")

    async def main() -> None:
        async with anyio.create_task_group() as group:
            group.start_soon(shop.endless, anyio.sleep, 1)

    with pytest.raises(ExceptionGroup) as caught:
        anyio.run(main, backend="asyncio")

    assert [type(error) for error in caught.value.exceptions] == [PoetTimeout]
