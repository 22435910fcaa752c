"""What an endpoint says where it gives no answer, in words for people, and whether to ask it again."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from http import HTTPStatus
from typing import Any, Final
from urllib.parse import urlsplit

from poet_import.generators.endpoints import Endpoint
from poet_import.generators.wire.dialects import Fault, fault_of

_AGAIN: Final = frozenset((408, 409, 425, 429, 500, 502, 503, 504, 520, 522, 524, 529))
_FINAL: Final = frozenset(  # types and codes of errors that the same request meets again
    (
        *("invalid_request_error", "authentication_error", "permission_error", "not_found_error", "billing_error"),
        *("insufficient_quota", "context_length_exceeded", "model_not_found", "content_filter"),
    )
)
_SHOWN: Final = 200  # characters of what a server says
_LONG: Final = 8  # characters; a shorter key may be a part of any word, and is hidden where it stands alone


class WireError(Exception):
    """An endpoint gave no answer.

    Attributes:
        status: Of HTTP, or None where there was none.
        fault: What the endpoint says of it.
        retry_after: Seconds that the server asked to wait, or None.
        may_repeat: Whether the same request may succeed later.
        is_outage: Whether the endpoint is not there, or too slow, for anybody.
    """

    def __init__(
        self,
        message: str,
        *,
        status: int | None = None,
        fault: Fault | None = None,
        retry_after: float | None = None,
        may_repeat: bool = False,
        is_outage: bool = False,
    ) -> None:
        super().__init__(message)
        self.status = status
        self.fault = fault or Fault("")
        self.retry_after = retry_after
        self.may_repeat = may_repeat
        self.is_outage = is_outage


def refusal_of(status: int, headers: Mapping[str, str], raw: bytes, *, endpoint: Endpoint) -> WireError:
    """Return the error for a status that is no success.

    Args:
        status: Of HTTP.
        headers: Those of the answer, by names in lower case.
        raw: What stands in its body, or the beginning of that.
        endpoint: Who answered.
    """
    event = json_of(raw)
    fault = (fault_of(event) if event else None) or Fault(raw.decode("utf-8", "replace"))
    said = shown(fault.text, endpoint)
    message = f"{host_of(endpoint)} answered {_phrase(status)}{f': {said}' if said else ''}{_hint(status, endpoint)}"
    return WireError(
        message,
        status=status,
        fault=fault,
        retry_after=seconds_to_wait(headers),
        may_repeat=_may_repeat(status, headers, fault),
        is_outage=status >= 500 and status != HTTPStatus.NOT_IMPLEMENTED,  # which is about one kind of request
    )


def broken_off(fault: Fault, endpoint: Endpoint) -> WireError:
    """Return the error for one that a server tells of in an answer that had begun well."""
    code = int(fault.code) if fault.code.isdecimal() and fault.code.isascii() else None
    is_final = bool({fault.kind, fault.code} & _FINAL) if code is None else code not in _AGAIN
    message = f"{host_of(endpoint)} answered with an error: {shown(fault.text, endpoint)}"
    return WireError(message, fault=fault, may_repeat=not is_final)


def host_of(endpoint: Endpoint) -> str:
    """Return host and port as people know them."""
    return urlsplit(endpoint.url).netloc


def shown(text: str, endpoint: Endpoint) -> str:
    """Return what a server says as one short line, without the key in it."""
    text = " ".join(_without(endpoint.key.reveal(), text).split())
    return f"{text[:_SHOWN]}…" if len(text) > _SHOWN else text


def _without(key: str, text: str) -> str:
    """Return a text with a key hidden in it."""
    if len(key) >= _LONG:
        return text.replace(key, "****")
    return re.sub(rf"(?<!\w){re.escape(key)}(?!\w)", "****", text) if key else text


def json_of(raw: bytes) -> dict[str, Any] | None:  # Any: what JSON can say
    """Return the JSON object of a text, which may stand alone in a list: Gemini writes its errors so."""
    try:
        found = json.loads(raw.decode("utf-8", "replace"))
    except (ValueError, RecursionError):
        return None
    if isinstance(found, list) and len(found) == 1:
        found = found[0]
    return found if isinstance(found, dict) else None


def seconds_to_wait(headers: Mapping[str, str]) -> float | None:
    """Return the seconds that a server asks to wait: ``Retry-After`` is a number or a date (RFC 9110, 10.2.3)."""
    milliseconds = _number(headers.get("retry-after-ms"))  # Azure's, which is more exact
    if milliseconds is not None:
        return milliseconds / 1000
    value = headers.get("retry-after")
    seconds = _number(value)
    if value is None or seconds is not None:
        return seconds
    try:
        when = parsedate_to_datetime(value)
    except (ValueError, OverflowError):
        return None
    when = when if when.tzinfo else when.replace(tzinfo=UTC)
    return max(0.0, (when - datetime.now(UTC)).total_seconds())


def _number(value: str | None) -> float | None:
    try:
        return None if value is None else max(0.0, float(value))
    except ValueError:
        return None


def _phrase(status: int) -> str:
    try:
        return f"{status} {HTTPStatus(status).phrase}"
    except ValueError:
        return str(status)


def _may_repeat(status: int, headers: Mapping[str, str], fault: Fault) -> bool:
    """Tell whether the same request may succeed later; the clients of OpenAI and Anthropic heed the header too."""
    should = headers.get("x-should-retry", "")
    if should in ("true", "false"):
        return should == "true"
    return status in _AGAIN and fault.kind != "insufficient_quota" and fault.code != "insufficient_quota"


def _hint(status: int, endpoint: Endpoint) -> str:
    """Return what is likely wrong with an address where nothing is found."""
    path = urlsplit(endpoint.url).path
    if status != 404 or endpoint.dialect != "openai" or path != "/chat/completions":
        return ""
    return " (most servers want /v1 at the end of their address)"
