"""Events in Redis Streams: a stream for each topic, and a set with the names of all functions.

Only what `poet-import[redis]` installs is needed; it is loaded when the first event comes, by the writing thread.
"""

from __future__ import annotations

from redis import Redis
from redis.backoff import NoBackoff
from redis.retry import Retry

from poet_import.events.batch import Batch

FUNCTIONS = "poet/functions"
"""The set of the functions that have streams: ``SMEMBERS`` tells a reader what there is."""
MOST_ENTRIES = 100_000
"""Of one stream, about; Redis removes the oldest in whole blocks."""
_SECONDS = 1.0


class RedisStreams:
    """Adds each event to the stream of its topic, as one field ``event`` with its JSON."""

    def __init__(self, url: str, *, most_entries: int = MOST_ENTRIES) -> None:
        """Take the server; nothing is connected before the first event.

        Args:
            url: As ``redis://host:6379/0``.
            most_entries: How long a stream may become, about.
        """
        self._url = url
        self._most_entries = most_entries
        self._client = self._connected()

    def _connected(self) -> Redis:
        # The writing thread tries again by itself, with other sinks served meanwhile.
        once = Retry(NoBackoff(), 0)
        return Redis.from_url(self._url, socket_timeout=_SECONDS, socket_connect_timeout=_SECONDS, retry=once)

    def write(self, batch: Batch) -> None:
        """Add events, in one exchange with the server.

        Raises:
            redis.RedisError: The server cannot be reached, or refuses.
        """
        pipeline = self._client.pipeline(transaction=False)
        pipeline.sadd(FUNCTIONS, *sorted({event.function for event in batch.events}))
        for event, line in zip(batch.events, batch.lines, strict=True):
            fields: dict[str, str] = {"event": line.rstrip("\n")}
            pipeline.xadd(event.topic, fields, maxlen=self._most_entries, approximate=True)  # type: ignore[arg-type]  # a dict of texts is one
        pipeline.execute()

    def forget(self) -> None:
        """Connect anew: the connection is the parent's."""
        self._client = self._connected()
