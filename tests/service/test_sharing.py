"""What is shared through Redis, part by part: a real Redis that has it, loses it, or is not there."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
import structlog
from redis_server import PROGRAM, RedisServer

from poet_import.cache.implementations import ImplementationCache
from poet_import.generators.breaker import Breaker
from poet_import.service.cluster import Cluster
from poet_import.service.metrics import Metrics
from poet_import.service.rates import RateLimits
from poet_import.service.redis_store import RedisStore

pytestmark = pytest.mark.skipif(PROGRAM is None, reason="redis-server is not installed here")


@pytest.fixture
def server(tmp_path: Path) -> Iterator[RedisServer]:
    running = RedisServer(tmp_path)
    running.start()
    yield running
    running.stop()


def cluster_of(server: RedisServer) -> tuple[Cluster, structlog.testing.CapturingLogger]:
    log = structlog.testing.CapturingLogger()
    return Cluster(server.url, metrics=Metrics(), log=log), log


def test_store_keeps_and_forgets(server: RedisServer) -> None:
    store = RedisStore(server.url)
    store.put("a", "text ä", seconds=30)
    kept = store.get("a")
    store.remove("a")

    assert (kept, store.get("a"), store.has_failed) == ("text ä", None, False)


def test_store_forgets_in_time(server: RedisServer) -> None:
    store = RedisStore(server.url)
    store.put("a", "text", seconds=0.0001)

    ends = time.monotonic() + 10
    while store.get("a") is not None:
        assert time.monotonic() < ends


@pytest.mark.parametrize("first", ["get", "put", "remove"])
def test_store_asks_nobody_twice_who_is_gone(server: RedisServer, first: str) -> None:
    store = RedisStore(server.url)
    server.stop()
    calls = {
        "get": lambda: store.get("a"),
        "put": lambda: store.put("a", "text", seconds=9),
        "remove": lambda: store.remove("a"),
    }

    calls[first]()
    failed = store.has_failed
    server.start()

    assert failed
    assert [call() for call in calls.values()] == [None, None, None]


def test_implementations_and_failures_are_found_elsewhere(server: RedisServer, tmp_path: Path) -> None:
    here, there = (ImplementationCache(str(tmp_path / name), RedisStore(server.url)) for name in ("here", "there"))
    here.remember_failure("k", "no answer", 60)
    noted = there.failure("k")
    here.store("k", "def f(): ...\n", {"model": "m"})
    fetched = there.fetch("k")

    assert noted == "no answer"
    assert fetched is not None
    assert (fetched.text, fetched.record) == ("def f(): ...\n", {"model": "m"})
    assert (there.load("k"), there.failure("k")) == (None, None)
    assert there.keep("k", fetched.text, fetched.record)
    assert there.load("k") is not None


def test_circuit_that_one_opens_is_open_for_all_until_one_closes_it(server: RedisServer) -> None:
    here, there = (Breaker(None, "endpoint", RedisStore(server.url)) for _ in range(2))
    here.open()
    waits = there.wait()
    there.close()

    assert waits > 0
    assert Breaker(None, "endpoint", RedisStore(server.url)).wait() == 0


async def test_requests_are_counted_by_all_and_by_one_alone_where_redis_is_gone(server: RedisServer) -> None:
    (first, log), (second, _) = cluster_of(server), cluster_of(server)
    await first.look()
    await second.look()
    counted = [(await RateLimits(one).take("caller", 3)).remaining for one in (first, second, first)]
    server.stop()
    alone = (await RateLimits(first).take("caller", 3)).remaining
    server.start()
    await first.look()
    await first.close()
    await second.close()

    assert (counted, alone, first.is_up) == ([2, 1, 0], 2, True)
    assert [call.method_name for call in log.calls] == ["info", "warning", "info"]


async def test_work_of_one_name_is_done_by_one_at_a_time(server: RedisServer) -> None:
    (first, _), (second, _) = cluster_of(server), cluster_of(server)
    order: list[str] = []
    begun = asyncio.Event()

    async def work(cluster: Cluster, name: str) -> None:
        async with cluster.alone("same", 20):
            order.append(f"{name} begins")
            begun.set()
            await asyncio.sleep(0.2)
            order.append(f"{name} ends")

    one = asyncio.create_task(work(first, "one"))
    await begun.wait()
    await work(second, "two")
    await one
    await first.close()
    await second.close()

    assert order == ["one begins", "one ends", "two begins", "two ends"]


async def test_work_goes_on_where_redis_goes_before_during_and_after(server: RedisServer) -> None:
    cluster, _ = cluster_of(server)
    done = []
    async with cluster.alone("a", 5):
        server.stop()
        done.append("during")
    async with cluster.alone("a", 5):
        done.append("without")
    server.start()
    async with cluster.alone("a", 5):
        server.stop()
        server.start()  # it has forgotten who works
        done.append("after")
    await cluster.close()

    assert done == ["during", "without", "after"]


async def test_work_is_not_waited_for_longer_than_there_is_time(server: RedisServer) -> None:
    (first, _), (second, _) = cluster_of(server), cluster_of(server)
    async with first.alone("a", 5):
        async with asyncio.timeout(5):
            async with second.alone("a", 0.1):
                pass
    await first.close()
    await second.close()


async def test_lease_is_renewed_while_work_goes_on(server: RedisServer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("poet_import.service.cluster._LEASE_SECONDS", 0.3)
    (first, _), (second, _) = cluster_of(server), cluster_of(server)
    async with first.alone("a", 5):
        await asyncio.sleep(0.9)
        begun = asyncio.get_running_loop().time()
        async with second.alone("a", 0.2):
            waited = asyncio.get_running_loop().time() - begun
    await first.close()
    await second.close()

    assert waited >= 0.15  # it was still held
