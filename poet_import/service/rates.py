"""How often a caller may ask, counted in this process."""

from __future__ import annotations

import math
import time
from dataclasses import dataclass

from limits import RateLimitItem, RateLimitItemPerMinute
from limits.storage import MemoryStorage
from limits.strategies import FixedWindowRateLimiter

_MINUTE = 60  # seconds


@dataclass(frozen=True, slots=True)
class Allowance:
    """What is left to a caller."""

    is_spent: bool
    limit: int
    remaining: int
    reset: int  # seconds until all of it is there again

    def headers(self) -> dict[str, str]:
        """Return the fields of draft-ietf-httpapi-ratelimit-headers-07."""
        found = {
            "ratelimit-limit": str(self.limit),
            "ratelimit-remaining": str(self.remaining),
            "ratelimit-reset": str(self.reset),
            "ratelimit-policy": f"{self.limit};w={_MINUTE}",
        }
        return found | ({"retry-after": str(max(1, self.reset))} if self.is_spent else {})


class RateLimits:
    """A number of requests a minute for each caller."""

    def __init__(self) -> None:
        self._limiter = FixedWindowRateLimiter(MemoryStorage())
        self._items: dict[int, RateLimitItem] = {}

    def take(self, caller: str, rate: int) -> Allowance:
        """Count a request of a caller, and return what is left."""
        item = self._items.get(rate) or self._items.setdefault(rate, RateLimitItemPerMinute(rate))
        is_spent = not self._limiter.hit(item, caller)
        reset, remaining = self._limiter.get_window_stats(item, caller)
        return Allowance(is_spent, rate, max(0, remaining), max(0, math.ceil(reset - time.time())))
