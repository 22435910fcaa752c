"""Redis Streams, on a real server: what is published, how a group of consumers reads it, and what an outage costs."""

import json
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from types import ModuleType

import pytest
from redis_server import PROGRAM, RedisServer

import poet_import
from poet_import.events import writer
from poet_import.events.batch import Batch
from poet_import.runtime import training

redis = pytest.importorskip("redis", reason="needs the extra redis")
streams = pytest.importorskip("poet_import.events.streams")
pytestmark = pytest.mark.skipif(PROGRAM is None, reason="redis-server is not installed here")

Load = Callable[..., ModuleType]
Told = Callable[..., list[dict[str, object]]]

SHOP = "from poet_import import poet\n@poet(optimize_for='margin')\ndef price(x):\n    return x\n"
TOPIC = "poet/functions/shop.price/execution"


class Server(RedisServer):
    """A Redis server with a client beside it."""

    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        self.client = redis.Redis.from_url(self.url, decode_responses=True)
        self.start()


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Server]:
    running = Server(tmp_path)
    yield running
    running.stop()
    running.client.close()


@pytest.fixture
def shop(load: Load, server: Server, tmp_path: Path) -> ModuleType:
    """Return a module whose functions tell a Redis server."""
    module = load(SHOP)
    poet_import.install(events_url=server.url, cache_dir=tmp_path / "cache", data_dir=tmp_path / "data")
    return module


def test_events_are_in_the_stream_of_their_topic(
    shop: ModuleType, server: Server, told: Told, check: Callable[[object], None]
) -> None:
    for number in range(5):
        shop.price(number)
    poet_import.feedback(str(poet_import.last_execution_id()), True)

    stored = told()
    published = [json.loads(fields["event"]) for _, fields in server.client.xrange(TOPIC)]
    assert published == stored
    assert server.client.smembers("poet/functions") == {"shop.price"}
    ((_, fields),) = server.client.xrange("poet/functions/shop.price/feedback")
    check(json.loads(fields["event"]))


def test_group_of_consumers_shares_a_stream_and_takes_over_what_one_has_left(shop: ModuleType, server: Server) -> None:
    server.client.xgroup_create(TOPIC, "scorers", id="0", mkstream=True)
    for number in range(10):
        shop.price(number)
    training.flush(10)

    first = server.client.xreadgroup("scorers", "one", {TOPIC: ">"}, count=6)[0][1]
    second = server.client.xreadgroup("scorers", "two", {TOPIC: ">"}, count=6)[0][1]
    server.client.xack(TOPIC, "scorers", *[key for key, _ in second])
    left = server.client.xautoclaim(TOPIC, "scorers", "two", 0)[1]

    assert (len(first), len(second)) == (6, 4)
    assert left == first
    ids = [json.loads(fields["event"])["execution_id"] for _, fields in first + second]
    assert len(set(ids)) == 10


def test_stream_has_a_bound(server: Server) -> None:
    sink = streams.RedisStreams(server.url, most_entries=100)
    calls = [(1, 2, "0123456789ab", n, "shop", "price@own", 0, None, False, None) for n in range(1000)]

    sink.write(Batch(calls))

    assert server.client.xlen(TOPIC) < 300
    sink.forget()
    sink.write(Batch(calls[:1]))


def test_server_that_goes_away_is_said_once_and_used_again_when_it_is_back(
    shop: ModuleType, server: Server, told: Told, caplog: pytest.LogCaptureFixture
) -> None:
    shop.price(0)
    told()
    before = writer.losses().get("redis", 0)
    server.stop()
    for number in range(3):
        shop.price(number)
        told()
    server.start()

    end = time.monotonic() + 20
    while not server.client.exists(TOPIC):
        assert time.monotonic() < end
        shop.price(9)
        training.flush(10)

    assert writer.losses()["redis"] >= before + 3
    assert [record.message for record in caplog.records if "lost to redis" in record.message] == [caplog.messages[0]]
    assert len(told()) >= 5  # what is stored beside it has missed nothing


def test_server_that_hangs_holds_up_no_call(shop: ModuleType, server: Server) -> None:
    shop.price(0)
    training.flush(10)
    server.pause()

    begun = time.perf_counter()
    for number in range(1000):
        shop.price(number)
    seconds = time.perf_counter() - begun
    was_flushed = training.flush(20)

    assert seconds < 0.5
    assert was_flushed
    assert writer.losses()["redis"] >= 1000
