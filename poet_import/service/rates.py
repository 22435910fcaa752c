"""How often a caller may ask, counted by all replicas together, or in this process alone."""

from __future__ import annotations

import math
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

from limits.storage import MemoryStorage

if TYPE_CHECKING:
    from poet_import.service.cluster import Cluster

_MINUTE = 60  # seconds


@dataclass(frozen=True, slots=True)
class Allowance:
    """What is left to a caller."""

    is_spent: bool
    limit: int
    remaining: int
    reset: int  # seconds until all of it is there again

    def headers(self) -> list[tuple[bytes, bytes]]:
        """Return the fields of draft-ietf-httpapi-ratelimit-headers-07, and ``Retry-After`` where nothing is left."""
        found = [
            (b"ratelimit-limit", b"%d" % self.limit),
            (b"ratelimit-remaining", b"%d" % self.remaining),
            (b"ratelimit-reset", b"%d" % self.reset),
            (b"ratelimit-policy", b"%d;w=%d" % (self.limit, _MINUTE)),
        ]
        return [*found, (b"retry-after", b"%d" % max(1, self.reset))] if self.is_spent else found


class RateLimits:
    """A number of requests a minute for each caller, counted from its first one."""

    def __init__(self, cluster: Cluster | None = None) -> None:
        self._cluster = cluster
        self._storage = MemoryStorage()  # its strategies look up twice as often as is needed here

    async def take(self, caller: str, rate: int) -> Allowance:
        """Count a request of a caller, and return what is left."""
        counted = await self._cluster.count(caller, _MINUTE) if self._cluster and self._cluster.is_up else None
        count, reset = counted or self._counted_here(caller)
        return Allowance(count > rate, rate, max(0, rate - count), min(_MINUTE, max(0, reset)))

    def _counted_here(self, caller: str) -> tuple[int, int]:
        count = self._storage.incr(caller, _MINUTE)
        return count, math.ceil(self._storage.get_expiry(caller) - time.time())
