"""How a service starts, ends, and starts again."""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path

import httpx
import pytest
from running import RunningService, create_key, request_for

from poet_import.service.server import listen

Start = Callable[..., RunningService]
CODE = "@poet\ndef f(a: int) -> int:\n    return a\n"


def serve(*arguments: str) -> subprocess.CompletedProcess[str]:
    """Run ``poet serve`` where it cannot start."""
    command = [sys.executable, "-m", "poet_import", "serve", *arguments]
    return subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)


def test_open_service_is_for_this_machine_only() -> None:
    done = serve("--host", "0.0.0.0", "--port", "0")

    assert done.returncode == 1
    assert (
        "can be reached from other machines, and there are no API keys; make one with: poet keys create" in done.stderr
    )


def test_open_service_says_that_it_is_open(open_service: RunningService) -> None:
    assert open_service.log().startswith("no API keys: whoever can reach this address may use the service\n")


def test_taken_port_is_told(open_service: RunningService) -> None:
    port = open_service.url.rpartition(":")[2]

    done = serve("--port", port)

    assert done.returncode == 1
    assert f"cannot listen on 127.0.0.1:{port} (Address already in use); name another --port" in done.stderr


async def test_connections_send_at_once() -> None:
    taken: asyncio.Queue[int] = asyncio.Queue()

    class Noting(asyncio.Protocol):
        def connection_made(self, transport: asyncio.BaseTransport) -> None:
            found = transport.get_extra_info("socket")
            taken.put_nowait(found.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY))
            transport.close()

    listening = listen("127.0.0.1", 0)
    server = await asyncio.get_running_loop().create_server(Noting, sock=listening)
    async with server:
        _, writer = await asyncio.open_connection(*listening.getsockname()[:2])
        no_delay = await taken.get()
        writer.close()
        await writer.wait_closed()

    assert no_delay == 1


def test_damaged_keys_are_told(tmp_path: Path) -> None:
    (tmp_path / "keys.json").write_text("{")
    (tmp_path / "keys.json").chmod(0o600)

    done = serve("--keys", str(tmp_path / "keys.json"), "--port", "0")

    assert (done.returncode, "is no file of keys; make one with" in done.stderr) == (1, True)


def test_metrics_have_a_port_of_their_own(start: Start, tmp_path: Path) -> None:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    key = create_key(tmp_path / "keys.json", "a", "transpile")
    service = start("--keys", str(tmp_path / "keys.json"), "--metrics-port", str(port))

    with service.client(key) as client:
        client.post("/api/v1/transpile", json=request_for(CODE)).raise_for_status()
        assert client.get("/metrics").status_code == 403
    assert "poet_requests_total" in httpx.get(f"http://127.0.0.1:{port}/").text
    assert service.stop() == 0


@pytest.mark.slow
def test_told_to_end_it_serves_on_until_nobody_comes_any_more(start: Start) -> None:
    service = start("--drain", "1.5")
    with service.client() as client:
        assert client.get("/readyz").json() == {"status": "ok"}
        service.process.send_signal(signal.SIGTERM)
        time.sleep(0.4)
        ready = client.get("/readyz")
        answer = client.post("/api/v1/transpile", json=request_for(CODE))
        alive = client.get("/healthz")

    assert (ready.status_code, ready.json()) == (503, {"status": "draining"})
    assert (answer.status_code, answer.headers["connection"], alive.status_code) == (200, "close", 200)
    assert service.process.wait(15) == 0


def test_request_under_way_is_finished(start: Start) -> None:
    service = start("--drain", "0", "--body-seconds", "10")
    answers: list[bytes] = []
    head = b"POST /api/v1/transpile HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\n"
    body = b'{"function_code": "@poet\\ndef f(): pass", "language": "python"}'
    host, _, port = service.url.removeprefix("http://").rpartition(":")
    with socket.create_connection((host, int(port)), timeout=10) as connection:
        connection.sendall(head + b"content-length: %d\r\n\r\n" % len(body) + body[:10])
        time.sleep(0.3)
        service.process.send_signal(signal.SIGTERM)
        time.sleep(0.5)
        connection.sendall(body[10:])
        answers.append(connection.recv(65536))

    assert answers[0].startswith(b"HTTP/1.1 200")
    assert service.process.wait(15) == 0


def test_interrupt_ends_quietly_with_130(start: Start) -> None:
    service = start()

    assert service.stop(signal.SIGINT) == 130
    assert "Traceback" not in service.log()


def test_killed_worker_costs_its_request_and_no_other(start: Start) -> None:
    service = start("--workers", "1")
    with service.client() as client:
        client.post("/api/v1/transpile", json=request_for(CODE)).raise_for_status()
        for child in _children(service.process.pid):
            subprocess.run(["kill", "-9", str(child)], check=False)
        answers = [client.post("/api/v1/transpile", json=request_for(CODE.replace("f(", f"f{n}("))) for n in range(3)]

    assert [answer.status_code for answer in answers][-2:] == [200, 200]


@pytest.mark.slow
def test_kill_leaves_a_service_that_starts_again(start: Start) -> None:
    first = start()
    is_over = threading.Event()

    def load() -> None:
        with first.client() as client:
            for number in range(10_000):
                if is_over.is_set():
                    return
                try:
                    client.post("/api/v1/transpile", json=request_for(CODE.replace("f(", f"f{number}(")))
                except httpx.HTTPError:
                    return

    loading = [threading.Thread(target=load) for _ in range(4)]
    for one in loading:
        one.start()
    time.sleep(0.5)
    first.stop(signal.SIGKILL)
    is_over.set()
    for one in loading:
        one.join()
    second = start()

    with second.client() as client:
        assert client.get("/readyz").json() == {"status": "ok"}
        assert client.post("/api/v1/transpile", json=request_for(CODE)).status_code == 200


def _children(process: int) -> list[int]:
    found = subprocess.run(["pgrep", "-P", str(process)], capture_output=True, text=True, check=False)
    return [int(line) for line in found.stdout.split()]


@pytest.mark.parametrize("name", ["serve", "keys", "keys create", "keys list", "keys revoke"])
def test_help_has_an_example(name: str) -> None:
    command = [sys.executable, "-m", "poet_import", *name.split(), "--help"]

    assert "Example" in subprocess.run(command, capture_output=True, text=True, check=True).stdout


class Balancer:
    """Passes connections on to one of several addresses in turn; the ones that refuse are left out."""

    def __init__(self) -> None:
        self.targets: list[tuple[str, int]] = []
        self._listening = socket.create_server(("127.0.0.1", 0))
        self.url = f"http://127.0.0.1:{self._listening.getsockname()[1]}"
        self._turn = itertools.count()
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self) -> None:
        while True:
            try:
                ours, _ = self._listening.accept()
            except OSError:
                return
            threading.Thread(target=self._pass_on, args=(ours,), daemon=True).start()

    def _pass_on(self, ours: socket.socket) -> None:
        targets = list(self.targets)
        start = next(self._turn)
        for number in range(len(targets)):
            try:
                theirs = socket.create_connection(targets[(start + number) % len(targets)], timeout=5)
            except OSError:
                continue
            back = threading.Thread(target=_copy, args=(theirs, ours), daemon=True)
            with ours, theirs:
                back.start()
                _copy(ours, theirs)
                back.join()
            return
        ours.close()

    def close(self) -> None:
        self._listening.close()


def _copy(source: socket.socket, target: socket.socket) -> None:
    try:
        while part := source.recv(65536):
            target.sendall(part)
        target.shutdown(socket.SHUT_WR)
    except OSError:  # one side has gone, so the other need not wait
        with contextlib.suppress(OSError):
            source.shutdown(socket.SHUT_RDWR)


class Load:
    """Callers that ask, one request after another, until it is over."""

    def __init__(self, url: str, callers: int) -> None:
        self.answers: list[int | str] = []
        self._url = url
        self._is_over = threading.Event()
        self._callers = [threading.Thread(target=self._call) for _ in range(callers)]
        for one in self._callers:
            one.start()

    def _call(self) -> None:
        with httpx.Client(base_url=self._url, timeout=20) as client:
            for number in itertools.count():
                if self._is_over.is_set():
                    return
                body = request_for(CODE.replace("f(", f"f{number % 50}("))
                try:
                    self.answers.append(client.post("/api/v1/transpile", json=body).status_code)
                except httpx.HTTPError as error:
                    self.answers.append(repr(error))

    def stop(self) -> list[int | str]:
        self._is_over.set()
        for one in self._callers:
            one.join()
        return self.answers


@pytest.mark.slow
def test_replicas_are_replaced_under_load_without_a_failed_request(tmp_path: Path) -> None:
    def replica(name: str) -> RunningService:
        (tmp_path / name).mkdir()
        return RunningService(tmp_path / name, "--drain", "2")

    balancer = Balancer()
    running = [replica("a"), replica("b")]
    balancer.targets = [_address(one) for one in running]
    load = Load(balancer.url, 8)
    for old, name in zip(tuple(running), ("c", "d"), strict=True):
        running.append(replica(name))
        balancer.targets = [*balancer.targets, _address(running[-1])]
        old.process.send_signal(signal.SIGTERM)
        _wait_until_it_drains(old)
        balancer.targets = [target for target in balancer.targets if target != _address(old)]
        assert old.process.wait(30) == 0
    time.sleep(1)
    answers = load.stop()
    balancer.close()
    for service in running:
        service.__exit__()

    assert len(answers) > 500
    assert set(answers) == {200}


def _address(service: RunningService) -> tuple[str, int]:
    host, _, port = service.url.removeprefix("http://").rpartition(":")
    return host, int(port)


def _wait_until_it_drains(service: RunningService) -> None:
    end = time.monotonic() + 10
    while httpx.get(f"{service.url}/readyz").status_code != 503 and time.monotonic() < end:
        time.sleep(0.05)
