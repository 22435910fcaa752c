"""What workers of several machines share, in Redis: implementations, failures, and the circuits to endpoints."""

from __future__ import annotations

from functools import cache
from typing import Final

import redis
from redis.backoff import NoBackoff
from redis.retry import Retry

PREFIX: Final = "poet:"
TIMEOUT_SECONDS: Final = 1.0  # for any answer: a slow Redis is worth no more than none
_LONGEST: Final = 2 * 2**20  # bytes of a text; ours are shorter


class RedisStore:
    """A `SharedStore` that asks no more once it got no answer; the server finds out when there are answers again."""

    def __init__(self, url: str) -> None:
        self._client = _client(url)
        self.has_failed = False

    def get(self, name: str) -> str | None:
        """Return a text, or None if it is not there, or is too long to be one of ours."""
        if self.has_failed:
            return None
        try:
            found = self._client.getrange(f"{PREFIX}{name}", 0, _LONGEST)
        except redis.RedisError:
            self.has_failed = True
            return None
        return found.decode("utf-8", "replace") if isinstance(found, bytes) and 0 < len(found) <= _LONGEST else None

    def put(self, name: str, text: str, *, seconds: float) -> None:
        """Keep a text for some seconds."""
        if not self.has_failed:
            try:
                self._client.set(f"{PREFIX}{name}", text.encode("utf-8", "replace"), px=max(1, int(seconds * 1000)))
            except redis.RedisError:
                self.has_failed = True

    def remove(self, name: str) -> None:
        """Forget a text."""
        if not self.has_failed:
            try:
                self._client.delete(f"{PREFIX}{name}")
            except redis.RedisError:
                self.has_failed = True


@cache
def _client(url: str) -> redis.Redis:
    """Return the client of this process: its connections outlive a request."""
    return redis.Redis.from_url(
        url,
        socket_timeout=TIMEOUT_SECONDS,
        socket_connect_timeout=TIMEOUT_SECONDS,
        retry=Retry(NoBackoff(), 0),
    )
