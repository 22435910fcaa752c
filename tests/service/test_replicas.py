"""Replicas that share a real Redis: one question for all, one count of requests; and without it they go on alone."""

from __future__ import annotations

import json
import signal
import sys
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from itertools import cycle, islice
from pathlib import Path

import httpx
import pytest
import redis
from redis_server import PROGRAM, RedisServer
from running import BETTER, CODE, WORSE, RunningService, create_key, request_for

sys.path.insert(0, str(Path(__file__).parents[1] / "generators"))
from scripted_model import Exchange, ScriptedModel, answer, asked_for, status  # found there only

pytestmark = pytest.mark.skipif(PROGRAM is None, reason="redis-server is not installed here")
StartReplica = Callable[..., RunningService]
_PATIENCE = 20.0  # seconds


@pytest.fixture
def store(tmp_path: Path) -> Iterator[RedisServer]:
    server = RedisServer(tmp_path)
    yield server
    server.stop()


@pytest.fixture
def model() -> Iterator[ScriptedModel]:
    with ScriptedModel(answer(BETTER, delay=0.3)) as running:
        yield running


@pytest.fixture
def replica(tmp_path: Path, store: RedisServer, model: ScriptedModel) -> Iterator[StartReplica]:
    """Start a replica with directories of its own."""
    started: list[RunningService] = []
    variables = {
        "POET_MODEL": "openai/tiny",
        "POET_LLM_BASE_URL": model.url,
        "POET_LLM_API_KEY": "none",
        "POET_REDIS_URL": store.url,
    }

    def call(*arguments: str, **further: str) -> RunningService:
        folder = tmp_path / f"replica{len(started)}"
        folder.mkdir()
        started.append(RunningService(folder, "--workers", "1", *arguments, **{**variables, **further}))
        return started[-1]

    yield call
    for one in started:
        one.__exit__()


def transpile(service: RunningService, code: str = CODE, key: str | None = None) -> httpx.Response:
    with service.client(key) as client:
        return client.post("/api/v1/transpile", json=request_for(code))


def metric(service: RunningService, line: str) -> float:
    """Return the value of a metric; 0 where it is not there yet."""
    with service.client() as client:
        rows = client.get("/metrics").text.splitlines()
    return next((float(row.rpartition(" ")[2]) for row in rows if row.startswith(f"{line} ")), 0.0)


def until(holds: Callable[[], bool]) -> None:
    ends = time.monotonic() + _PATIENCE
    while not holds():
        assert time.monotonic() < ends
        time.sleep(0.05)


@pytest.mark.slow  # on a machine that does much beside, Redis may be waited for too long, and be left alone
def test_replicas_ask_the_model_once_for_all(store: RedisServer, replica: StartReplica, model: ScriptedModel) -> None:
    store.start()
    both = [replica(), replica()]

    with ThreadPoolExecutor(100) as threads:
        found = list(threads.map(transpile, islice(cycle(both), 100)))

    assert {response.status_code for response in found} == {200}
    assert {response.json()["metadata"].get("reason") for response in found} == {None}
    assert len(model.requests) == 1
    assert sum(metric(one, 'poet_cache_total{result="hit",tier="shared"}') for one in both) == 1


def test_what_one_replica_has_is_judged_by_the_other(
    store: RedisServer, replica: StartReplica, model: ScriptedModel
) -> None:
    store.start()
    first, second = replica(), replica()
    transpile(first)
    with redis.Redis.from_url(store.url) as client:
        (name,) = client.keys("poet:implementations:*")
        entry = json.loads(client.get(name))
        client.set(name, json.dumps({**entry, "code": WORSE}))

    found = transpile(second).json()

    assert found["poet_implementation"]["operate_code"] == BETTER
    assert len(model.requests) == 2  # what lay there was refused, so it was asked


def test_body_in_dana_of_one_replica_is_found_and_judged_by_the_others(
    store: RedisServer, replica: StartReplica, model: ScriptedModel
) -> None:
    written = "def total(prices: list) -> int:\n    return len(prices)\n"
    sent = {"function_code": "@poet\ndef total(prices: list) -> int:\n    pass\n", "language": "dana"}
    model.script(answer(written))
    store.start()

    def written_by(service: RunningService) -> str:
        with service.client() as client:
            found = client.post("/api/v1/transpile", json=sent).json()
        return str(found["poet_implementation"]["operate_code"])

    assert [written_by(replica()), written_by(replica())] == [written, written]
    assert len(model.requests) == 1
    with redis.Redis.from_url(store.url) as client:
        (name,) = client.keys("poet:implementations:*")
        entry = json.loads(client.get(name))
        client.set(name, json.dumps({**entry, "code": written.replace("len(prices)", "reason(prices)")}))
    assert written_by(replica()) == written
    assert len(model.requests) == 2


def test_nonsense_in_the_store_is_nothing(store: RedisServer, replica: StartReplica, model: ScriptedModel) -> None:
    model.script(lambda exchange: answer(BETTER.replace("total", asked_for(exchange.body)))(exchange))
    store.start()
    first, second = replica(), replica()
    nonsense = (b"\xff\xfe", b"[1]", b'{"code": 1, "record": {}}', b"x" * 3_000_000)
    for number, value in enumerate(nonsense):
        transpile(first, CODE.replace("total", f"total{number}"))
        with redis.Redis.from_url(store.url) as client:
            for name in client.keys("poet:implementations:*"):
                client.set(name, value)

        found = transpile(second, CODE.replace("total", f"total{number}")).json()

        assert found["metadata"]["source"] == "model"
    assert len(model.requests) == 2 * len(nonsense)


def test_requests_are_counted_together(store: RedisServer, replica: StartReplica, tmp_path: Path) -> None:
    store.start()
    keys = tmp_path / "keys.json"
    key = create_key(keys, "few", "transpile", "--rate", "3")
    first, second = replica("--keys", str(keys)), replica("--keys", str(keys))

    found = [transpile(one, key=key) for one in (first, second, first, second, first)]

    assert [response.status_code for response in found] == [200, 200, 200, 429, 429]
    assert [response.headers["ratelimit-remaining"] for response in found] == ["2", "1", "0", "0", "0"]
    assert 0 < int(found[-1].headers["retry-after"]) <= 60


def test_outage_that_one_replica_sees_is_known_to_the_other(
    store: RedisServer, replica: StartReplica, model: ScriptedModel
) -> None:
    model.script(status(500))
    store.start()
    first, second = replica("--seconds", "4"), replica("--seconds", "4")
    transpile(first)
    asked = len(model.requests)
    other = CODE.replace("total", "sum_of")

    found = transpile(second, other).json()

    assert found["metadata"]["source"] == "fallback"
    assert "did not answer lately" in found["metadata"]["reason"]
    assert len(model.requests) == asked
    until(lambda: metric(first, "poet_breaker_open") == 1.0)


def test_replica_that_dies_over_a_question_is_not_waited_for(
    store: RedisServer, replica: StartReplica, model: ScriptedModel
) -> None:
    asked = threading.Event()

    def hold(exchange: Exchange) -> None:
        asked.set()
        exchange.rfile.read(1)  # until whoever asks is gone

    model.script(hold, answer(BETTER))
    store.start()
    first, second = replica(), replica()
    with ThreadPoolExecutor(2) as threads:
        lost = threads.submit(transpile, first)
        assert asked.wait(_PATIENCE)
        found = threads.submit(transpile, second)
        first.stop(signal.SIGKILL)

        assert found.result().json()["metadata"]["source"] == "model"
        assert isinstance(lost.exception(), httpx.HTTPError)


def test_replica_starts_without_redis_and_finds_it_later(
    store: RedisServer, replica: StartReplica, model: ScriptedModel
) -> None:
    alone = replica()
    assert transpile(alone).json()["metadata"]["source"] == "model"
    assert metric(alone, "poet_redis_up") == 0.0
    with alone.client() as client:
        assert client.get("/readyz").status_code == 200

    store.start()
    until(lambda: metric(alone, "poet_redis_up") == 1.0)
    model.script(answer("def sum_of(prices: list[int]) -> int:\n    return sum(prices)\n"))
    transpile(alone, CODE.replace("total", "sum_of"))

    with redis.Redis.from_url(store.url) as client:
        assert len(client.keys("poet:implementations:*")) == 1
    assert [row["change"] for row in alone.events() if row["event"] == "redis"] == ["lost", "found"]


def test_address_that_is_none_is_refused_without_its_password(tmp_path: Path) -> None:
    with pytest.raises(RuntimeError, match="POET_REDIS_URL is no address of Redis") as error:
        RunningService(tmp_path, POET_REDIS_URL="http://:canary@127.0.0.1:1/0")

    assert "canary" not in str(error.value)


@pytest.mark.slow
def test_redis_stopped_paused_and_started_under_load_fails_no_request(
    store: RedisServer, replica: StartReplica, model: ScriptedModel
) -> None:
    def improve(exchange: Exchange) -> None:
        name = asked_for(exchange.body)
        answer(BETTER.replace("total", name))(exchange)

    model.script(improve)
    store.start()
    both = [replica(), replica()]
    ended = threading.Event()
    answers: list[int] = []

    def ask(number: int) -> None:
        turn = number
        with both[number % 2].client() as client:
            while not ended.is_set():
                turn += 8
                code = CODE.replace("total", f"total{turn if turn % 40 < 8 else number}")  # one of five is new
                answers.append(client.post("/api/v1/transpile", json=request_for(code)).status_code)

    threads = [threading.Thread(target=ask, args=(number,)) for number in range(8)]
    for thread in threads:
        thread.start()
    try:
        for change in (store.stop, store.start, store.pause, store.resume, store.stop, store.start):
            time.sleep(2.0)
            change()
        until(lambda: all(metric(one, "poet_redis_up") == 1.0 for one in both))
    finally:
        ended.set()
        for thread in threads:
            thread.join()

    assert set(answers) == {200}
    assert len(answers) > 50
