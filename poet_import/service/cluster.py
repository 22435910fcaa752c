"""What replicas of the service do together by Redis: count requests, and generate what several are asked for once.

Nothing waits for a Redis that does not answer: it is then as if there were none, until it answers again.
"""

from __future__ import annotations

import asyncio
import math
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from typing import Final

import redis.asyncio
from redis.asyncio.lock import Lock
from redis.backoff import NoBackoff
from redis.exceptions import LockError, RedisError
from redis.retry import Retry
from structlog.typing import FilteringBoundLogger

from poet_import.service.metrics import Metrics
from poet_import.service.redis_store import PREFIX, TIMEOUT_SECONDS

_MOST_CONNECTIONS: Final = 64
_PING_SECONDS: Final = 1.0
_LEASE_SECONDS: Final = 4.0  # that a replica's work is waited for after its last sign of life
_LOOK_SECONDS: Final = 0.05


class Cluster:
    """One replica's side of what they share.

    Attributes:
        url: Of Redis.
        is_up: Whether it answered when it was last asked; None before that.
    """

    def __init__(self, url: str, *, metrics: Metrics, log: FilteringBoundLogger) -> None:
        """Take where it is.

        Raises:
            ValueError: The address is none of Redis.
        """
        self.url = url
        self.is_up: bool | None = None
        self._metrics = metrics
        self._log = log
        pool = redis.asyncio.BlockingConnectionPool.from_url(
            url,
            max_connections=_MOST_CONNECTIONS,
            timeout=TIMEOUT_SECONDS,  # for a connection to be free
            socket_timeout=TIMEOUT_SECONDS,
            socket_connect_timeout=TIMEOUT_SECONDS,
            retry=Retry(NoBackoff(), 0),
        )
        self._client = redis.asyncio.Redis.from_pool(pool)

    async def count(self, name: str, seconds: int) -> tuple[int, int] | None:
        """Count something for some seconds from its first time on.

        Returns:
            How often it was counted, and the seconds until it is forgotten; None where Redis does not answer.
        """
        key = f"{PREFIX}count:{name}"
        try:
            async with self._client.pipeline(transaction=True) as pipeline:
                pipeline.set(key, 0, ex=seconds, nx=True)
                pipeline.incr(key)
                pipeline.pttl(key)
                _, count, left = await pipeline.execute()
        except (RedisError, OSError) as error:
            self.lost(error)
            return None
        return int(count), math.ceil(max(0, int(left)) / 1000)

    @asynccontextmanager
    async def alone(self, name: str, seconds: float) -> AsyncIterator[None]:
        """Run a block while no other replica runs one of that name, waiting for that for some seconds at most."""
        lock = Lock(self._client, f"{PREFIX}flight:{name}", timeout=_LEASE_SECONDS, sleep=_LOOK_SECONDS)
        held = None
        try:
            if await lock.acquire(blocking_timeout=max(0.0, seconds)):
                held = asyncio.create_task(self._hold(lock))
        except (RedisError, OSError) as error:
            self.lost(error)
        try:
            yield
        finally:
            if held is not None:
                held.cancel()
                await self._release(lock)

    async def _hold(self, lock: Lock) -> None:
        """Show now and then that its work goes on."""
        while True:
            await asyncio.sleep(_LEASE_SECONDS / 3)
            with suppress(RedisError, OSError):  # whoever asks next finds out
                await lock.reacquire()

    async def _release(self, lock: Lock) -> None:
        try:
            await lock.release()
        except LockError:  # it took too long, or Redis was started anew: it is not ours any more
            return
        except (RedisError, OSError) as error:
            self.lost(error)

    def lost(self, error: Exception | None = None) -> None:
        """Go on without Redis until it answers again."""
        self._metrics.redis_errors.inc()
        if self.is_up is not False:
            self.is_up = False
            self._log.warning("redis", change="lost", kind=type(error).__name__ if error else "in a worker")

    async def watch(self) -> None:
        """See now and then whether Redis answers, for as long as this runs."""
        while True:
            await self.look()
            await asyncio.sleep(_PING_SECONDS)

    async def look(self) -> None:
        """See whether Redis answers."""
        try:
            await self._client.ping()
        except (RedisError, OSError) as error:
            self.lost(error)
            return
        if not self.is_up:
            self.is_up = True
            self._log.info("redis", change="found")

    async def close(self) -> None:
        """Close all connections."""
        await self._client.aclose()
