"""Answers that were given before, by a digest of the request's bytes and of all else that decides them."""

from __future__ import annotations

from collections import OrderedDict
from hashlib import blake2b


class ResponseCache:
    """The latest answers, up to a number of bytes."""

    def __init__(self, most_bytes: int = 64 * 2**20) -> None:
        self._most_bytes = most_bytes
        self._bytes = 0
        self._answers: OrderedDict[bytes, bytes] = OrderedDict()

    def get(self, key: bytes) -> bytes | None:
        """Return an answer, or None if it is not there any more."""
        answer = self._answers.get(key)
        if answer is not None:
            self._answers.move_to_end(key)
        return answer

    def put(self, key: bytes, answer: bytes) -> None:
        """Keep an answer; the ones that were not asked for longest go."""
        self._bytes += len(answer) - len(self._answers.pop(key, b""))
        self._answers[key] = answer
        while self._bytes > self._most_bytes:
            _, dropped = self._answers.popitem(last=False)
            self._bytes -= len(dropped)

    @property
    def size(self) -> int:
        """Return how many bytes the answers take."""
        return self._bytes


def key_of(body: bytes, epoch: bytes) -> bytes:
    """Return the key of a request: its bytes, and a digest of what else decides its answer."""
    return blake2b(body, digest_size=16, key=epoch).digest()
