"""Bodies and answers packed with gzip, against a running service."""

from __future__ import annotations

import bz2
import gzip
import json
import tracemalloc
import zlib
from collections.abc import Callable

import httpx
import pytest
from running import RunningService, request_for
from starlette.types import Message

from poet_import.service.packing import pack, packing, unpack, wants_packed
from poet_import.service.responses import ResponseCache

CODE = "@poet\ndef f(a: int) -> int:\n    return a\n"
LONG = "@poet\ndef f(a: int) -> int:\n" + "".join(f"    a += {number}\n" for number in range(100)) + "    return a\n"
BOMB = gzip.compress(b" " * 100_000_000, 1)
HEADERS = {"content-type": "application/json", "accept-encoding": "identity"}


def send(client: httpx.Client, body: bytes, coding: str = "gzip") -> httpx.Response:
    return client.post("/api/v1/transpile", content=body, headers=HEADERS | {"content-encoding": coding})


def raw(
    client: httpx.Client, method: str, path: str, *, accept: str, body: object = None
) -> tuple[httpx.Response, bytes]:
    """Return an answer, and its bytes as they came."""
    with client.stream(method, path, json=body, headers={"accept-encoding": accept}) as response:
        return response, b"".join(response.iter_raw())


@pytest.mark.parametrize("coding", ["gzip", "GZIP", "x-gzip", "identity", ""])
def test_packed_body_is_read_as_the_plain_one(client: httpx.Client, coding: str) -> None:
    body = json.dumps(request_for(CODE)).encode()
    plain = client.post("/api/v1/transpile", content=body, headers=HEADERS)

    packed = send(client, gzip.compress(body) if "gzip" in coding.lower() else body, coding)

    assert (packed.status_code, packed.content) == (200, plain.content)


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"{}",
        gzip.compress(b"{}" * 500)[:-1],
        gzip.compress(b"{}")[:-8] + b"\0" * 8,
        gzip.compress(b"{}") * 2,
        zlib.compress(b"{}"),
    ],
    ids=["nothing", "plain", "cut-off", "wrong-sum", "two-members", "zlib"],
)
def test_wrong_gzip_is_400(client: httpx.Client, body: bytes) -> None:
    response = send(client, body)

    assert (response.status_code, response.headers["content-type"]) == (400, "application/problem+json")
    assert "gzip" in response.json()["detail"]


def test_unpacked_body_that_is_no_json_is_400(client: httpx.Client) -> None:
    assert send(client, gzip.compress(b"{")).json()["errors"][0]["rule"] == "json"


@pytest.mark.parametrize("coding", ["br", "deflate", "gzip, gzip", "bzip2"])
def test_other_codings_are_415_and_the_one_is_told(client: httpx.Client, coding: str) -> None:
    response = send(client, bz2.compress(b"{}"), coding)

    assert (response.status_code, response.headers["accept-encoding"]) == (415, "gzip")


def test_small_body_that_unpacks_to_one_without_end_is_413(client: httpx.Client) -> None:
    assert send(client, BOMB).status_code == 413


def test_no_more_of_a_body_is_unpacked_than_allowed() -> None:
    tracemalloc.start()

    assert unpack(BOMB, most_bytes=1_000_000) is None

    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 3_000_000


def test_longest_body_is_the_same_packed_and_plain(client: httpx.Client) -> None:
    fits = json.dumps(request_for(CODE)).encode().ljust(1_000_000)

    assert send(client, gzip.compress(fits)).status_code == 200
    assert send(client, gzip.compress(fits + b" ")).status_code == 413


def test_new_and_known_answers_are_packed_for_who_accepts_that(client: httpx.Client) -> None:
    place, body = "/api/v1/transpile", request_for(LONG)
    packed = [raw(client, "POST", place, accept="gzip, deflate, br", body=body) for _ in range(3)]
    plain, text = raw(client, "POST", place, accept="identity", body=body)

    assert {response.headers["content-encoding"] for response, _ in packed} == {"gzip"}
    assert all(int(response.headers["content-length"]) == len(content) for response, content in packed)
    assert {gzip.decompress(content) for _, content in packed} == {text}
    assert len(packed[0][1]) < len(text) / 2
    assert "content-encoding" not in plain.headers
    assert {response.headers["vary"] for response, _ in [*packed, (plain, text)]} == {"accept-encoding"}


def test_short_answer_is_not_packed(client: httpx.Client) -> None:
    for _ in range(2):
        response, content = raw(client, "POST", "/api/v1/transpile", accept="gzip", body=request_for(CODE))

        assert ("content-encoding" in response.headers, content[:1], len(content) < 1024) == (False, b"{", True)


def test_answers_of_the_framework_are_packed_where_they_gain_by_it(client: httpx.Client) -> None:
    for path, is_packed in (("/openapi.json", True), ("/docs", True), ("/metrics", True), ("/healthz", False)):
        response, content = raw(client, "GET", path, accept="gzip")

        assert ("content-encoding" in response.headers) is is_packed
        assert int(response.headers["content-length"]) == len(content)
        assert response.headers["vary"] == "accept-encoding"
        assert (gzip.decompress(content) if is_packed else content)[:1] in (b"{", b"<", b"#")


@pytest.mark.parametrize(
    ("accepted", "is_wanted"),
    [
        (None, False),
        (b"", False),
        (b"gzip", True),
        (b"GZip", True),
        (b"x-gzip", True),
        (b"br, deflate", False),
        (b"br;q=1, gzip;q=0.8", True),
        (b"gzip ; q=0.001", True),
        (b"gzip;q=0", False),
        (b"gzip;q=0.000, *", False),
        (b"*", True),
        (b"*;q=0", False),
        (b"identity, gzip;q=0.5", False),
        (b"identity;q=0.5, gzip;q=0.5", True),
        (b"identity;q=0, br", False),
        (b"gzip;q=2", False),
        (b"gzip;q=nan", False),
        (b"gzip;level=9", False),
        (b",,gzip,", True),
        (b"gzip," + b"," * 1000, False),
    ],
)
def test_weights_of_accept_encoding_are_honoured(accepted: bytes | None, *, is_wanted: bool) -> None:
    assert wants_packed(accepted) is is_wanted


def test_known_answer_is_packed_once_and_counted_with_the_plain_one() -> None:
    cache = ResponseCache(most_bytes=5000)
    cache.put(b"a", b"x" * 2000)
    first = cache.get_packed(b"a")

    assert first == pack(b"x" * 2000)
    assert cache.get_packed(b"a") is first
    assert cache.get(b"a") == b"x" * 2000
    assert cache.size == 2000 + len(first)
    cache.put(b"a", b"y" * 100)
    assert cache.size == 100
    assert cache.get_packed(b"none") is None


def test_packed_answers_push_others_out() -> None:
    cache = ResponseCache(most_bytes=2010)
    cache.put(b"a", b"x" * 1000)
    cache.put(b"b", b"y" * 1000)

    assert cache.get_packed(b"b") is not None
    assert (cache.get(b"a"), cache.get(b"b")) == (None, b"y" * 1000)
    assert cache.size < 2010


async def test_answer_in_pieces_is_sent_as_it_comes() -> None:
    sent: list[Message] = []

    async def note(message: Message) -> None:
        sent.append(message)

    messages: list[Message] = [
        {"type": "http.response.start", "status": 200, "headers": []},
        {"type": "http.response.body", "body": b"x" * 5000, "more_body": True},
        {"type": "http.response.body", "body": b"x" * 5000},
    ]
    send = packing(note)
    for message in messages:
        await send(message)

    assert sent == messages


def test_memory_of_packed_answers_is_in_the_metrics(start: Callable[..., RunningService]) -> None:
    service = start()
    with service.client() as client:
        body = request_for(LONG)
        _, text = raw(client, "POST", "/api/v1/transpile", accept="identity", body=body)
        _, content = raw(client, "POST", "/api/v1/transpile", accept="gzip", body=body)
        rows = client.get("/metrics").text.splitlines()

    assert f"poet_cache_bytes {float(len(text) + len(content))}" in rows
