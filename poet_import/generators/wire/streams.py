"""The body of an answer as it arrives: unpacked, cut into events, and never more than fits.

Events are server-sent ones, as the HTML standard describes them, read a little more generously: each ``data`` line
that is whole counts, so a server may forget the empty line between two events.
"""

from __future__ import annotations

import zlib
from collections.abc import AsyncIterator
from dataclasses import replace
from typing import Any, Final

import httpx

from poet_import.generators.endpoints import Endpoint
from poet_import.generators.wire.dialects import Piece, piece_of
from poet_import.generators.wire.refusals import WireError, host_of, json_of, shown

_MOST_BYTES: Final = 16_000_000  # of a body: an event of 300 bytes may bring one character
_AT_ONCE: Final = 65_536  # bytes that are unpacked in one go


async def pieces(response: httpx.Response, endpoint: Endpoint) -> AsyncIterator[Piece]:
    """Yield the pieces of a stream of events, or the one of an answer that came at once.

    Raises:
        WireError: It is no answer.
    """
    kind = response.headers.get("content-type", "")
    if "event-stream" not in kind:
        yield replace(_whole(await body(response, endpoint), kind, endpoint), ends=True)
        return
    held: list[bytes] = []
    async for line in _lines(response, endpoint):
        if line.startswith(b"data:"):
            held.append(line[5:].strip())
        if held == [b"[DONE]"]:
            yield Piece(ends=True)
            return
        event = json_of(b"\n".join(held)) if held else None
        if event is not None:
            yield piece_of(endpoint, event)
        elif held and not line:
            raise _no_json(b"\n".join(held), endpoint)
        if event is not None or held == [b""]:
            held = []


async def body(response: httpx.Response, endpoint: Endpoint, most: int = _MOST_BYTES) -> bytes:
    """Return a whole body; where ``most`` is less than what is allowed, the beginning of it."""
    blocks: list[bytes] = []
    received = 0
    async for block in _bounded(response, endpoint):
        blocks.append(block)
        received += len(block)
        if received > most:
            break
    return b"".join(blocks)


async def _lines(response: httpx.Response, endpoint: Endpoint) -> AsyncIterator[bytes]:
    rest = b""
    async for block in _bounded(response, endpoint):
        *lines, rest = (rest + block).split(b"\n")
        for line in lines:
            yield line.rstrip(b"\r")
    yield rest


async def _bounded(response: httpx.Response, endpoint: Endpoint) -> AsyncIterator[bytes]:
    received = 0
    async for block in _unpacked(response, endpoint):
        received += len(block)
        if received > _MOST_BYTES:
            raise WireError(f"the answer of {host_of(endpoint)} has no end: {received:,} bytes and more")
        yield block


async def _unpacked(response: httpx.Response, endpoint: Endpoint) -> AsyncIterator[bytes]:
    """Yield a body's bytes; packed ones, which nobody has asked for, a little at a time."""
    packing = response.headers.get("content-encoding", "identity").strip().lower()
    if packing in ("", "identity"):
        async for block in response.aiter_raw():
            yield block
        return
    if packing not in ("gzip", "x-gzip", "deflate"):
        raise WireError(f"{host_of(endpoint)} answered in the encoding {packing[:40]!r}, which was not asked for")
    unpacking = zlib.decompressobj(zlib.MAX_WBITS | 32)  # it finds out which of the two it is
    async for block in response.aiter_raw():
        left = block
        while left:
            try:
                yield unpacking.decompress(left, _AT_ONCE)
            except zlib.error as error:
                raise WireError(f"{host_of(endpoint)} answered with bytes that are no {packing}") from error
            left = unpacking.unconsumed_tail
    yield unpacking.flush()


def _whole(raw: bytes, kind: str, endpoint: Endpoint) -> Piece:
    event: dict[str, Any] | None = json_of(raw)  # Any: what JSON can say
    if event is None:
        said = shown(raw.decode("utf-8", "replace"), endpoint) or "nothing"
        what = kind.partition(";")[0] or "an unknown type"
        message = f"{host_of(endpoint)} answered with {what} that is no JSON object: {said}"
        raise WireError(message, may_repeat=True)
    return piece_of(endpoint, event)


def _no_json(data: bytes, endpoint: Endpoint) -> WireError:
    said = shown(data.decode("utf-8", "replace"), endpoint)
    return WireError(f"{host_of(endpoint)} sent an event that is no JSON: {said}", may_repeat=True)
