"""How often a caller may ask, counted in this process."""

from __future__ import annotations

import math
import time
from dataclasses import dataclass

from limits.storage import MemoryStorage

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

    def __init__(self) -> None:
        self._storage = MemoryStorage()  # its strategies look up twice as often as is needed here

    def take(self, caller: str, rate: int) -> Allowance:
        """Count a request of a caller, and return what is left."""
        count = self._storage.incr(caller, _MINUTE)
        reset = math.ceil(self._storage.get_expiry(caller) - time.time())
        return Allowance(count > rate, rate, max(0, rate - count), min(_MINUTE, max(0, reset)))
