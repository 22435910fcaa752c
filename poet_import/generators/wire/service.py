"""Questions to our HTTP service."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from poet_import.generators.endpoints import Endpoint
from poet_import.generators.wire.posting import Client, Response, post
from poet_import.generators.wire.refusals import WireError, host_of, json_of
from poet_import.generators.wire.streams import body

Json = Mapping[str, Any]  # Any: what JSON can say
_MOST_BYTES: Final = 4_000_000  # of an answer, unpacked


async def ask_service(client: Client, endpoint: Endpoint, question: Json, *, deadline: float) -> Json:
    """Ask once, and return the JSON object that is the answer.

    Raises:
        WireError: There is no whole answer.
    """
    headers = {"content-type": "application/json", "accept": "application/json", "accept-encoding": "gzip, identity"}
    if endpoint.key:
        headers["authorization"] = f"Bearer {endpoint.key.reveal()}"

    async def read(response: Response) -> Json:
        raw = await body(response, endpoint, _MOST_BYTES)
        found = json_of(raw) if len(raw) <= _MOST_BYTES else None
        if found is None:
            raise WireError(
                f"{host_of(endpoint)} answered with something else than a JSON object of {_MOST_BYTES:,} bytes"
            )
        return found

    return await post(client, endpoint, question, read=read, headers=headers, deadline=deadline)
