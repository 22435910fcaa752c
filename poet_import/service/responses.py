"""Answers that were given before, by a digest of the request's bytes and of all else that decides them."""

from __future__ import annotations

from collections import OrderedDict
from hashlib import blake2b

from poet_import.service.packing import pack


class ResponseCache:
    """The latest answers, up to a number of bytes, packed ones included."""

    def __init__(self, most_bytes: int = 64 * 2**20) -> None:
        self._most_bytes = most_bytes
        self._bytes = 0
        self._answers: OrderedDict[bytes, bytes] = OrderedDict()
        self._packed: dict[bytes, bytes] = {}  # of the same keys, where somebody has asked for it

    def get(self, key: bytes) -> bytes | None:
        """Return an answer, or None if it is not there any more."""
        answer = self._answers.get(key)
        if answer is not None:
            self._answers.move_to_end(key)
        return answer

    def get_packed(self, key: bytes) -> bytes | None:
        """Return an answer packed, or None if it is not there any more; who asks first has it packed."""
        found = self._packed.get(key)
        answer = self._answers.get(key)
        if found is None and answer is not None:
            found = self._packed[key] = pack(answer)
            self._bytes += len(found)
            self._drop()
        return found

    def put(self, key: bytes, answer: bytes) -> None:
        """Keep an answer; the ones that were not asked for longest go."""
        self._bytes += len(answer) - len(self._answers.pop(key, b"")) - len(self._packed.pop(key, b""))
        self._answers[key] = answer
        self._drop()

    def _drop(self) -> None:
        while self._bytes > self._most_bytes:
            key, dropped = self._answers.popitem(last=False)
            self._bytes -= len(dropped) + len(self._packed.pop(key, b""))

    @property
    def size(self) -> int:
        """Return how many bytes the answers take."""
        return self._bytes


def key_of(body: bytes, epoch: bytes) -> bytes:
    """Return the key of a request: its bytes, and a digest of what else decides its answer."""
    return blake2b(body, digest_size=16, key=epoch).digest()
