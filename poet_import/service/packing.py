"""gzip, the one content coding that is taken and given: bodies unpacked within a bound, answers packed where wanted.

Source: RFC 9110, sections 8.4.1.3, gzip coding, and 12.5.3, Accept-Encoding.
"""

from __future__ import annotations

import re
import zlib
from typing import Final

from starlette.types import Message, Send

from poet_import.service.problems import Problem, ProblemError

CODING: Final = (b"content-encoding", b"gzip")
LEAST_BYTES: Final = 1024  # shorter answers fit one network packet as they are
_NAMES: Final = (b"gzip", b"x-gzip")
_FORMAT: Final = zlib.MAX_WBITS | 16  # a gzip header, and no other
_LEVEL: Final = 4  # 300 KB of code: 7 ms; level 6 takes 11 ms and saves 1 % more
_LONGEST: Final = 1000  # bytes of a header that is looked at
_CHOICE: Final = re.compile(rb"\s*([\w*-]+)\s*(?:;\s*q=(0(?:\.\d{0,3})?|1(?:\.0{0,3})?)\s*)?", re.IGNORECASE)


def is_packed(coding: bytes) -> bool:
    """Tell whether a body is packed, by its Content-Encoding.

    Raises:
        ProblemError: It is packed in another way.
    """
    name = coding.strip().lower()
    if name in (b"", b"identity"):
        return False
    if name in _NAMES:
        return True
    detail = "send the body as it is, or packed with Content-Encoding: gzip"
    raise ProblemError(Problem(415, detail, headers={"accept-encoding": "gzip"}))


def unpack(body: bytes, *, most_bytes: int) -> bytes | None:
    """Return what a body packs, or None if it is longer than allowed, which is found out before it is unpacked.

    Several members, one after another, are refused: a body of nothing but empty ones would take many seconds.

    Raises:
        ProblemError: It is no gzip, or not all of it is there.
    """
    member = zlib.decompressobj(_FORMAT)
    try:
        found = member.decompress(body, most_bytes + 1)
    except zlib.error as error:
        raise ProblemError(Problem(400, "the body is not the gzip that Content-Encoding says")) from error
    if len(found) > most_bytes:
        return None
    if not member.eof or member.unused_data:
        raise ProblemError(Problem(400, "the body is not one whole member of gzip"))
    return found


def pack(answer: bytes) -> bytes:
    """Return an answer packed; the same bytes each time."""
    return zlib.compress(answer, _LEVEL, wbits=_FORMAT)


def wants_packed(accepted: bytes | None) -> bool:
    """Tell whether a caller would rather have an answer packed, by its Accept-Encoding."""
    if not accepted or len(accepted) > _LONGEST:
        return False
    choices = [found for part in accepted.lower().split(b",") if (found := _CHOICE.fullmatch(part))]
    weights = {found[1]: float(found[2] or 1) for found in choices}
    others = weights.get(b"*", 0.0)
    packed = max((weights[name] for name in _NAMES if name in weights), default=others)
    return packed > 0 and packed >= weights.get(b"identity", 0.0)


def packing(send: Send) -> Send:
    """Return a function that sends an answer packed, if it comes in one piece and is long enough to gain by it."""
    start: Message | None = None

    async def pack_and_send(message: Message) -> None:
        nonlocal start
        if message["type"] == "http.response.start":
            start = message
            return
        if start is not None:
            begun, start = start, None
            body = message.get("body", b"")
            if len(body) >= LEAST_BYTES and not message.get("more_body", False):
                message = {**message, "body": pack(body)}
                begun = _of_length(begun, len(message["body"]))
            await send(begun)
        await send(message)

    return pack_and_send


def _of_length(start: Message, length: int) -> Message:
    kept = [(name, value) for name, value in start["headers"] if name != b"content-length"]
    return {**start, "headers": [*kept, CODING, (b"content-length", b"%d" % length)]}
