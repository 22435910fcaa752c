"""The bytes of a request, unpacked: no more than are allowed, in time, and JSON that can be worked with."""

from __future__ import annotations

import asyncio
import json
import re
from collections.abc import Mapping
from contextlib import suppress
from typing import NoReturn

from starlette.types import Message, Receive

from poet_import.service.faults import Fault
from poet_import.service.packing import is_packed, unpack
from poet_import.service.problems import Problem, ProblemError

_DEEPEST = 64
_MOST_DISCARDED = 16 * 2**20
_DISCARD_SECONDS = 0.5
_SURROGATE = re.compile(r"\\u[dD][89a-fA-F]")


class DisconnectedError(Exception):
    """The caller has gone before its request was whole."""


async def read_body(headers: Mapping[bytes, bytes], receive: Receive, *, most_bytes: int) -> bytes:
    """Return the whole body, unpacked; how long it may take is the server's matter.

    Raises:
        ProblemError: It is too long, packed or unpacked, or it cannot be unpacked.
        DisconnectedError: There is nobody any more to answer.
    """
    coding = headers.get(b"content-encoding")
    if coding is None or not is_packed(coding):
        return await _read(headers, receive, most_bytes=most_bytes)
    found = unpack(await _read(headers, receive, most_bytes=most_bytes), most_bytes=most_bytes)
    if found is None:
        raise _too_long(most_bytes)
    return found


async def _read(headers: Mapping[bytes, bytes], receive: Receive, *, most_bytes: int) -> bytes:
    told = headers.get(b"content-length", b"")
    if told.isdigit() and int(told[:20]) > most_bytes:
        raise _too_long(most_bytes)
    parts: list[bytes] = []
    length = 0
    while True:
        message = await receive()
        if message["type"] == "http.disconnect":
            raise DisconnectedError
        part: bytes = message.get("body", b"")
        length += len(part)
        if length > most_bytes:
            raise _too_long(most_bytes)
        parts.append(part)
        if not message.get("more_body", False):
            return parts[0] if len(parts) == 1 else b"".join(parts)


async def discard(receive: Receive) -> None:
    """Read what still comes of a body that nobody wants, for a while."""
    left = _MOST_DISCARDED
    with suppress(TimeoutError):
        async with asyncio.timeout(_DISCARD_SECONDS):
            while left > 0:
                message = await receive()
                left -= len(message.get("body", b""))
                if not message.get("more_body", False):
                    return


def _too_long(most_bytes: int) -> ProblemError:
    detail = f"the body is longer than {most_bytes:,} bytes"
    return ProblemError(Problem(413, detail, headers={"connection": "close"}))


def replayed(body: bytes, receive: Receive) -> Receive:
    """Return a function that gives a body once more, and then what else comes."""
    is_given = False

    async def again() -> Message:
        nonlocal is_given
        if is_given:
            return await receive()
        is_given = True
        return {"type": "http.request", "body": body, "more_body": False}

    return again


def check_json(body: bytes) -> None:
    """Refuse bytes that are no JSON text in UTF-8, that are nested too deeply, or whose strings are no text.

    Raises:
        ProblemError: They are.
    """
    try:
        text = body.decode()
    except UnicodeDecodeError as error:
        raise _refusal("utf-8", f"byte {error.start} is not UTF-8") from error
    try:
        value = json.loads(text, parse_constant=_refuse_constant)
    except json.JSONDecodeError as error:
        detail = f"{error.msg} at line {error.lineno}, column {error.colno}"
        raise _refusal("json", detail, line=error.lineno, column=error.colno) from error
    except RecursionError as error:
        raise _refusal("depth", f"it is nested more than {_DEEPEST} levels deep") from error
    except ValueError as error:  # a constant, or a number of more digits than Python reads
        raise _refusal("json", "NaN, Infinity and numbers of thousands of digits are not taken") from error
    if _is_deep(value):
        raise _refusal("depth", f"it is nested more than {_DEEPEST} levels deep")
    if _SURROGATE.search(text):
        try:
            json.dumps(value, ensure_ascii=False).encode()
        except UnicodeEncodeError as error:
            raise _refusal("utf-8", "a lone surrogate is no character") from error


def _refuse_constant(_name: str) -> NoReturn:
    raise ValueError


def _refusal(rule: str, detail: str, *, line: int | None = None, column: int | None = None) -> ProblemError:
    fault = Fault(rule, detail, line=line, column=column)
    return ProblemError(Problem(400, "the body is not JSON that can be read", (fault,)))


def _is_deep(value: object) -> bool:
    level = [value]
    for _ in range(_DEEPEST):
        level = [item for one in level if isinstance(one, list | dict) for item in _items(one)]
        if not level:
            return False
    return True


def _items(value: list[object] | dict[str, object]) -> list[object]:
    return value if isinstance(value, list) else list(value.values())
