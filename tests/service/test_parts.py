"""Parts of the service, each by itself."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import anyio
import pytest
import structlog
from click.testing import CliRunner
from starlette.types import Message

from poet_import.cli import poet
from poet_import.service import working
from poet_import.service.callers import Callers
from poet_import.service.configuration import ServiceSettings
from poet_import.service.edge import Edge, Lifecycle
from poet_import.service.faults import Fault, without_input
from poet_import.service.library import TemplateLibrary
from poet_import.service.metrics import Metrics
from poet_import.service.pool import QueueFull, WorkerLost, WorkerPool
from poet_import.service.problems import ProblemError
from poet_import.service.rates import RateLimits
from poet_import.service.responses import ResponseCache, key_of
from poet_import.service.routes import ROUTES
from poet_import.service.schemas import TranspileBody
from poet_import.service.transpiling import TranspileService
from poet_import.settings import Settings
from poet_import.templates import template_roots


def test_answers_that_nobody_asks_for_go_first() -> None:
    cache = ResponseCache(most_bytes=25)
    for number in range(3):
        cache.put(b"%d" % number, b"x" * 10)
        cache.get(b"0")

    assert [cache.get(b"%d" % number) is not None for number in range(3)] == [True, False, True]
    cache.put(b"0", b"y" * 10)
    assert (cache.size, cache.get(b"0")) == (20, b"y" * 10)


def test_key_of_a_request_is_of_its_bytes_and_of_what_else_decides() -> None:
    assert len({key_of(b"a", b"1"), key_of(b"b", b"1"), key_of(b"a", b"2")}) == 3


@pytest.mark.parametrize(
    ("host", "is_loopback"),
    [("127.0.0.1", True), ("127.8.9.1", True), ("::1", True), ("localhost", True), ("0.0.0.0", False), ("a.b", False)],
)
def test_address_of_this_machine_is_known(host: str, is_loopback: bool) -> None:
    assert ServiceSettings(Settings(), host=host).is_loopback is is_loopback


async def test_rate_is_counted_for_each_caller() -> None:
    rates = RateLimits()
    found = [await rates.take(caller, 2) for caller in "aaab"]

    assert [one.is_spent for one in found] == [False, False, True, False]
    assert [one.remaining for one in found] == [1, 0, 0, 1]
    assert dict(found[2].headers())[b"retry-after"] == b"%d" % found[2].reset


@pytest.mark.parametrize(
    ("said", "shown"),
    [
        ("invalid syntax", "invalid syntax"),
        ("'(' was never closed", "'(' was never closed"),
        ("duplicate argument 'secret' in function definition", "duplicate argument '…' in function definition"),
        ("name 'é' is parameter and global", "name '…' is parameter and global"),
    ],
)
def test_names_are_left_out_of_what_the_parser_says(said: str, shown: str) -> None:
    assert without_input(said) == shown


def test_fault_leaves_out_what_does_not_apply() -> None:
    assert Fault("r", "d").as_json() == {"rule": "r", "detail": "d"}
    assert Fault("r", "d", "/a", line=1, column=2).as_json().keys() == {"pointer", "line", "column", "rule", "detail"}


async def test_pool_bounds_how_long_a_task_waits_and_works() -> None:
    pool = WorkerPool(1)
    with pytest.raises(TimeoutError):
        await pool.run(time.sleep, 60, seconds=1.0)
    async with anyio.create_task_group() as group:
        group.start_soon(_sleep_in, pool)
        await anyio.sleep(0.5)
        assert (pool.busy, pool.waiting) == (1, 0)
        with pytest.raises(QueueFull):
            await pool.run(time.sleep, 0, seconds=0.1)


async def _sleep_in(pool: WorkerPool) -> None:
    await pool.run(time.sleep, 1.5, seconds=20)


async def test_process_that_ends_is_told_and_replaced() -> None:
    pool = WorkerPool(1)
    with pytest.raises(WorkerLost):
        await pool.run(os._exit, 3, seconds=20)

    assert await pool.run(os.getpid, seconds=20) != os.getpid()


async def test_fault_of_ours_is_a_problem_and_its_place_is_logged(tmp_path: Path) -> None:
    log = structlog.testing.CapturingLogger()
    sent: list[Message] = []

    async def broken(*_: object) -> None:
        raise ValueError("canary")

    async def receive() -> Message:
        return {"type": "http.request", "body": b"", "more_body": False}

    async def send(message: Message) -> None:
        sent.append(message)

    configuration = ServiceSettings(Settings(cache_dir=str(tmp_path), data_dir=str(tmp_path)))
    metrics, pool = Metrics(), WorkerPool(1)
    library = TemplateLibrary(tmp_path, template_roots())
    service = TranspileService(configuration, pool, library, metrics=metrics)
    edge = Edge(
        broken,
        ROUTES,
        service,
        configuration=configuration,
        callers=Callers(None, RateLimits(), rate=100),
        metrics=metrics,
        lifecycle=Lifecycle(),
        log=log,
    )

    await edge({"type": "http", "method": "GET", "path": "/healthz", "headers": []}, receive, send)

    assert (sent[0]["status"], json.loads(sent[1]["body"])["status"]) == (500, 500)
    assert [call.method_name for call in log.calls] == ["error", "info"]
    assert "in broken" in "".join(log.calls[0].kwargs["trace"])
    assert "canary" not in f"{log.calls[0].kwargs['kind']}{sent}"


class LosingPool:
    """Takes too long for each of its first tasks, and does the next ones here."""

    waiting = 0

    def __init__(self, losses: int) -> None:
        self._losses = losses

    async def run(self, function: Callable[..., object], *arguments: object, seconds: float) -> object:
        self._losses -= 1
        if self._losses >= 0:
            raise TimeoutError(seconds)
        return function(*arguments)


@pytest.mark.parametrize(("losses", "mode", "expected"), [(1, "eager", 200), (2, "eager", 422), (1, "offline", 422)])
async def test_model_is_to_blame_before_the_caller_is(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, *, losses: int, mode: str, expected: int
) -> None:
    monkeypatch.setattr(working, "_confine", lambda _memory: None)
    settings = Settings(
        mode=mode, generator="llm", model="m", llm_base_url="http://127.0.0.1:9", cache_dir=str(tmp_path)
    )
    library = TemplateLibrary(tmp_path, template_roots())
    service = TranspileService(ServiceSettings(settings), LosingPool(losses), library, metrics=Metrics())  # type: ignore[arg-type]  # as a pool
    body = TranspileBody(function_code="@poet\ndef f(): pass\n", language="python")

    if expected == 200:
        answer = json.loads(await service.answer(b"", body, arrived=time.monotonic()))
        assert answer["metadata"]["reason"] == "no time was left to ask a model"
        return
    with pytest.raises(ProblemError) as caught:
        await service.answer(b"", body, arrived=time.monotonic())
    assert caught.value.problem.status == expected


def test_service_without_its_packages_says_how_to_get_them(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in [name for name in sys.modules if name.startswith("poet_import.service.")]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, "structlog", None)

    result = CliRunner().invoke(poet, ["serve", "--port", "0"])

    assert result.exit_code == 1
    assert "install them with: pip install 'poet-import[service]'" in result.stderr


def test_import_of_the_package_loads_nothing_of_the_service() -> None:
    program = (
        "import sys, poet_import\nprint([name for name in sys.modules if 'fastapi' in name or '.service' in name])"
    )

    assert subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True).stdout == "[]\n"
