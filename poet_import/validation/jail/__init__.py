"""The jail: a fresh process that has given everything away before it runs what nobody trusts.

Its child starts with an empty environment and no descriptor but three, limits itself (`confine`), runs a program that
its parent gave it, and answers in lines of JSON. Nothing it answers is more than data to its parent.
"""

from __future__ import annotations

import json
import marshal
import os
import selectors
import signal
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

_BOOT: Final = "import marshal,sys;i=sys.stdin.buffer;exec(marshal.loads(i.read(int(i.readline()))))"
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
_FIRST: Final = ("process", "rlimits", "no_new_privs")  # without these nothing is tried


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


def is_available() -> bool:
    """Tell whether a child can be kept in here."""
    return set(_FIRST) <= set(layers())


@cache
def layers() -> tuple[str, ...]:
    """Return the layers that hold on this system, outermost first; none where there is no jail."""
    if sys.platform != "linux" or not sys.executable:
        return ()
    return run(_NOTHING, {}, Limits(seconds=5.0)).layers


Program = tuple[tuple[str, str], ...]  # names and texts of modules; the last one has ``main(payload, emit)``
_NOTHING: Final[Program] = (("nothing", "def main(payload, emit):\n    pass\n"),)


def run(program: Program, payload: object, limits: Limits) -> Finished:
    """Run ``main(payload, emit)`` of a program in a child of its own.

    Args:
        program: Its modules; trusted themselves, and whatever they run of the payload is not.
        payload: What JSON can say.
        limits: What the child may use.
    """
    return run_all([(program, payload)], limits)[0]


def run_all(jobs: Sequence[tuple[Program, object]], limits: Limits) -> list[Finished]:
    """Run several programs beside each other, each in a child of its own."""
    children = [_Child(program, payload, limits) for program, payload in jobs]
    try:
        with selectors.DefaultSelector() as selector:
            for child in children:
                child.register(selector)
            while any(not child.done for child in children):
                now = time.monotonic()
                soonest = min(child.deadline for child in children if not child.done)
                for key, _ in selector.select(max(0.0, soonest - now)):
                    key.data[0](selector, key.fd)
                for child in children:
                    child.check_time(selector)
                time.sleep(_LULL)
        return [child.finish() for child in children]
    finally:
        for child in children:
            child.kill()


_LULL: Final = 0.001  # seconds between two looks: answers come line by line, and are read in heaps


class _Child:
    """One process of the jail, from its start to its end."""

    def __init__(self, program: Program, payload: object, limits: Limits) -> None:
        self._limits = limits
        self._begun = time.monotonic()
        self._started: float | None = None
        self._ended = 0.0
        self._end: End | None = None
        self._received = bytearray()
        self._unsent = memoryview(_message(program, payload, limits))
        self._process = subprocess.Popen(  # noqa: S603  # the interpreter itself, with a constant text
            [sys.executable, *_FLAGS, "-c", _BOOT],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            env=_ENVIRONMENT,
            cwd="/",
            start_new_session=True,
        )

    @property
    def done(self) -> bool:
        return self._end is not None

    @property
    def deadline(self) -> float:
        """Return when it is killed: its start counts apart."""
        return (self._begun + 5.0 if self._started is None else self._started) + self._limits.seconds

    def register(self, selector: selectors.BaseSelector) -> None:
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        for pipe, event, call in (
            (self._process.stdin, selectors.EVENT_WRITE, self._send),
            (self._process.stdout, selectors.EVENT_READ, self._receive),
        ):
            os.set_blocking(pipe.fileno(), False)
            selector.register(pipe.fileno(), event, (call,))

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
        self.kill(selector)

    def kill(self, selector: selectors.BaseSelector | None = None) -> None:
        """End the process and all that it may have started, and wait for it; twice is once."""
        for pipe in (self._process.stdin, self._process.stdout):
            if pipe is not None and not pipe.closed:
                if selector is not None:
                    with suppress(KeyError):
                        selector.unregister(pipe.fileno())
                with suppress(OSError):
                    pipe.close()
        if self._process.returncode is None:
            if self._end != "finished" or not self._has_exited():
                with suppress(ProcessLookupError, PermissionError):
                    os.killpg(self._process.pid, signal.SIGKILL)
            self._process.wait()

    def _has_exited(self) -> bool:
        with suppress(subprocess.TimeoutExpired):
            self._process.wait(0.5)
        return self._process.returncode is not None

    def finish(self) -> Finished:
        """Return what became of it; only of a child that has ended."""
        first, *rest = bytes(self._received).split(b"\n")
        answers = [answer for line in rest[:-1] if (answer := _parsed(line)) is not None]
        end, detail = self._end or "failed", ""
        if answers and answers[-1] == _DONE:
            answers.pop()
        elif end == "finished":
            end, detail = _cause(self._process.returncode, answers)
        started = self._started if self._started is not None else self._ended
        layers = tuple(first.decode("ascii", "replace").split()) if self._started is not None else ()
        spans = (max(0.0, self._ended - started), started - self._begun)
        return Finished(tuple(answers), end, detail, seconds=spans[0], start_seconds=spans[1], layers=layers)


_DONE: Final = "done"


def _cause(status: int, answers: list[object]) -> tuple[End, str]:
    """Return why a child ended before it was done, as it says itself or as the system does."""
    if status < 0:
        return "killed", signal.Signals(-status).name
    last = answers[-1] if answers else None
    if isinstance(last, dict) and "error" in last:
        answers.pop()
        return "failed", str(last["error"])
    return "failed", f"exit status {status}"


def _parsed(line: bytes) -> object | None:
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
def _child_code() -> bytes:
    folder = os.path.dirname(__file__)
    parts = []
    for name in ("confine", "child"):
        with open(os.path.join(folder, f"{name}.py"), encoding="utf-8") as file:
            parts.append(file.read())
    return _code("\n".join(parts), "<jail>")


@cache
def _readable() -> list[str]:
    own = (sysconfig.get_path(name) for name in ("stdlib", "platstdlib"))
    return sorted({os.path.realpath(path) for path in (*own, *_SYSTEM) if path and os.path.exists(path)})


def _message(program: Program, payload: object, limits: Limits) -> bytes:
    """Return what a child reads: its own code, then its limits, its program and the payload."""
    code = _child_code()
    facts = {"seconds": int(limits.seconds) + 1, "memory": limits.memory, "readable": _readable()}
    blocks = [json.dumps(facts).encode(), _packed(program), json.dumps(payload).encode()]
    head = b"%d\n%s" % (len(code), code)
    return head + b"".join(b"%d\n%s" % (len(block), block) for block in blocks)
