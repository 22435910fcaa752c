"""The parent's side of the jail: starting a server, having it fork children, and hearing them."""

from __future__ import annotations

import json
import marshal
import os
import selectors
import signal
import socket
import struct
import subprocess
import sys
import sysconfig
import time
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import cache
from typing import Final, Literal

from poet_import.source.compiling import compile_tree, parse

End = Literal["finished", "time", "output", "killed", "failed"]
Program = tuple[tuple[str, str], ...]  # names and texts of modules, each with ``main(payload, emit)`` if it is a job's
Job = tuple[str, object]  # the name of a module, and a payload that JSON can say

_BOOT: Final = "import marshal;f=open(0,'rb',closefd=False);exec(marshal.loads(f.read(int(f.readline()))))"
_FLAGS: Final = ("-S", "-s", "-P", "-B", "-u")
_ENVIRONMENT: Final = {"PYTHONHASHSEED": "0"}  # the same order of sets for all that are compared
_SYSTEM: Final = (
    "/lib",
    "/lib64",
    "/usr/lib",
    "/usr/lib64",
    "/usr/local/lib",
    "/etc/ld.so.cache",
    "/usr/share/zoneinfo",
)
_FORK, _END, _AWAIT = b"f", b"e", b"w"  # what the server is told; `server` knows them too
_START_SECONDS: Final = 5.0  # for a server or a child to start in, however busy the machine is
_LULL: Final = 0.002  # seconds between two looks: answers come line by line, and are read in heaps
_DONE: Final = "done"


@dataclass(frozen=True, slots=True)
class Limits:
    """What a child may use."""

    seconds: float = 5.0  # of wall time after its start, and of its processor's, rounded up
    memory: int = 512 * 2**20  # bytes of address space
    output: int = 16 * 2**20  # bytes of answers


@dataclass(frozen=True, slots=True)
class Finished:
    """What became of a child."""

    answers: tuple[object, ...]  # those that it gave before its end
    end: End
    detail: str
    seconds: float  # after its start
    start_seconds: float
    layers: tuple[str, ...]


class ForkServer:
    """A process with a program loaded, and its children; for one thread."""

    def __init__(self, program: Program) -> None:
        self._begun: float | None = time.monotonic()
        self._control, theirs = socket.socketpair()
        self._control.settimeout(_START_SECONDS)
        with theirs:
            self._process = subprocess.Popen(  # noqa: S603  # the interpreter itself, with a constant text
                [sys.executable, *_FLAGS, "-c", _BOOT],
                stdin=theirs.fileno(),
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
                env=_ENVIRONMENT,
                cwd="/",
                start_new_session=True,
            )
        self._number = 0
        code = _server_code()
        with suppress(OSError):  # its children's silence tells of it
            self._control.sendall(b"%d\n%s%s" % (len(code), code, _block(_packed(program))))
            self._control.recv(1)  # it is ready: from here on, what it is sent comes with descriptors

    def run(self, jobs: Sequence[Job], limits: Limits) -> list[Finished]:
        """Run jobs beside each other, each in a child of its own, and return what became of each."""
        children = [_Child(self, self._forked(), _message(job, limits), limits=limits) for job in jobs]
        try:
            with selectors.DefaultSelector() as selector:
                for child in children:
                    child.register(selector)
                while running := [child for child in children if not child.done]:
                    time.sleep(_LULL)
                    soonest = min(child.deadline for child in running)
                    for key, _ in selector.select(max(0.0, soonest - time.monotonic())):
                        key.data[0](selector, key.fd)
                    for child in running:
                        child.check_time(selector)
            return [child.finish() for child in children]
        finally:
            for child in children:
                child.end()

    def end(self, number: int, *, at_once: bool) -> int | None:
        """End a child and all that it may have started; return its exit status, or None if the server is gone."""
        try:
            self._control.sendall(struct.pack("=ci", _END if at_once else _AWAIT, number))
            answer = self._control.recv(4)
        except OSError:
            return None
        return int(struct.unpack("=i", answer)[0]) if len(answer) == 4 else None

    def close(self) -> None:
        """End the server, which ends its children."""
        with suppress(OSError):
            self._control.shutdown(socket.SHUT_RDWR)  # a fork of this process may hold a copy of it
        self._control.close()
        with suppress(subprocess.TimeoutExpired):
            self._process.wait(_START_SECONDS)
        if self._process.returncode is None:  # pragma: no cover  (it does nothing but wait for its control to close)
            self._process.kill()
            self._process.wait()

    def _forked(self) -> _Pipes:
        """Have a child forked; it reads its orders from one pipe, and answers into another one."""
        begun, self._begun = self._begun or time.monotonic(), None
        theirs_in, ours_out = os.pipe()
        ours_in, theirs_out = os.pipe()
        with suppress(OSError):
            socket.send_fds(self._control, [struct.pack("=ci", _FORK, self._number)], [theirs_in, theirs_out])
        os.close(theirs_in)
        os.close(theirs_out)
        self._number += 1
        return _Pipes(self._number - 1, begun, orders=ours_out, answers=ours_in)


@dataclass(frozen=True, slots=True)
class _Pipes:
    """A child's number, when its start began, and this side's ends of its pipes."""

    number: int
    begun: float
    orders: int
    answers: int


class _Child:
    """One process of the jail, from its start to its end."""

    def __init__(self, server: ForkServer, pipes: _Pipes, message: bytes, *, limits: Limits) -> None:
        self._server = server
        self._pipes = pipes
        self._limits = limits
        self._started: float | None = None
        self._ended = 0.0
        self._end: End | None = None
        self._status: int | None = None
        self._received = bytearray()
        self._unsent = memoryview(message)
        self._open = {pipes.orders, pipes.answers}

    @property
    def done(self) -> bool:
        return self._end is not None

    @property
    def deadline(self) -> float:
        """Return when it is killed: its start counts apart."""
        started = self._pipes.begun + _START_SECONDS if self._started is None else self._started
        return started + self._limits.seconds

    def register(self, selector: selectors.BaseSelector) -> None:
        for pipe, event, call in (
            (self._pipes.orders, selectors.EVENT_WRITE, self._send),
            (self._pipes.answers, selectors.EVENT_READ, self._receive),
        ):
            os.set_blocking(pipe, False)
            selector.register(pipe, event, (call,))

    def check_time(self, selector: selectors.BaseSelector) -> None:
        if not self.done and time.monotonic() >= self.deadline:
            self._stop(selector, "time")

    def _send(self, selector: selectors.BaseSelector, descriptor: int) -> None:
        try:
            self._unsent = self._unsent[os.write(descriptor, self._unsent) :]
        except OSError:
            self._unsent = self._unsent[:0]  # it has died; what it said is read to the end
        if not self._unsent:
            selector.unregister(descriptor)

    def _receive(self, selector: selectors.BaseSelector, descriptor: int) -> None:
        block = os.read(descriptor, 1 << 16)
        self._received += block
        if self._started is None and b"\n" in self._received:
            self._started = time.monotonic()
        if not block:
            self._stop(selector, "finished")
        elif len(self._received) > self._limits.output:
            self._stop(selector, "output")

    def _stop(self, selector: selectors.BaseSelector, end: End) -> None:
        self._end, self._ended = end, time.monotonic()
        for pipe in self._open:
            with suppress(KeyError):
                selector.unregister(pipe)
        self.end()

    def end(self) -> None:
        """End the process and wait for it; twice is once."""
        if self._open:
            for pipe in self._open:
                os.close(pipe)
            self._open = set()
            self._status = self._server.end(self._pipes.number, at_once=self._end != "finished")

    def finish(self) -> Finished:
        """Return what became of it; only of a child that has ended."""
        first, *rest = self._received.decode("utf-8", "replace").split("\n")
        answers = [answer for line in rest[:-1] if (answer := _parsed(line)) is not None]
        end, detail = self._end or "failed", ""
        if answers and answers[-1] == _DONE:
            answers.pop()
        elif end == "finished":
            end, detail = _cause(self._status, answers)
        started = self._started if self._started is not None else self._ended
        layers = tuple(first.split()) if self._started is not None else ()
        spans = (max(0.0, self._ended - started), started - self._pipes.begun)
        return Finished(tuple(answers), end, detail, seconds=spans[0], start_seconds=spans[1], layers=layers)


def _cause(status: int | None, answers: list[object]) -> tuple[End, str]:
    """Return why a child ended before it was done, as it says itself or as the system does."""
    if status is None:
        return "failed", "the jail's server has ended"
    if status < 0:
        return "killed", signal.Signals(-status).name
    last = answers[-1] if answers else None
    if isinstance(last, dict) and "error" in last:
        answers.pop()
        return "failed", str(last["error"])
    return "failed", f"exit status {status}"


def _parsed(line: str) -> object | None:
    try:
        value: object = json.loads(line)
    except (ValueError, RecursionError):
        return None
    return value


@cache
def _code(text: str, name: str) -> bytes:
    return marshal.dumps(compile_tree(parse(text, name), name))


@cache
def _packed(program: Program) -> bytes:
    return marshal.dumps([(name, _code(text, f"<{name}>")) for name, text in program])


@cache
def _server_code() -> bytes:
    folder = os.path.dirname(__file__)
    parts = []
    for name in ("confine", "server"):
        with open(os.path.join(folder, f"{name}.py"), encoding="utf-8") as file:
            parts.append(file.read())
    return _code("\n".join(parts), "<jail>")


@cache
def _readable() -> list[str]:
    own = (sysconfig.get_path(name) for name in ("stdlib", "platstdlib"))
    return sorted({os.path.realpath(path) for path in (*own, *_SYSTEM) if path and os.path.exists(path)})


def _message(job: Job, limits: Limits) -> bytes:
    """Return what a child reads: its limits, the module that it runs, and the payload."""
    name, payload = job
    facts = {"seconds": int(limits.seconds) + 1, "memory": limits.memory, "readable": _readable()}
    return _block(json.dumps([facts, name, payload]).encode())


def _block(block: bytes) -> bytes:
    return b"%d\n%s" % (len(block), block)
