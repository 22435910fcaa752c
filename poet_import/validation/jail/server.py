"""What the jail's server runs: it loads a program, and forks a child for each job.

This text follows ``confine.py`` in one module of the server's own; it imports nothing of ours. The server runs what its
parent trusts and nothing else; what is not trusted runs in children, each confined before, that see nothing of each
other. The server alone knows its children's process ids and waits for them, so none is ever used for another process.
"""

import _socket  # `socket` loads much beside
import gc
import json
import marshal
import os
import signal
import struct
import sys
import time
from collections.abc import Callable
from io import BufferedReader
from types import ModuleType

Confine = Callable[..., list[str]]
_FORK, _END, _AWAIT = b"f", b"e", b"w"  # what the server is told; `forkserver` knows them too
_CONTROL = 0
_ANSWERS = 3  # of a child: nothing else is open there
_PATIENCE = 0.5  # seconds for a child to exit in that has closed its answers
_LOOK = 0.005  # seconds between two looks at it


def _serve(confine: Confine, program: BufferedReader) -> None:
    """Load a program, then do as told until there is nobody left to tell."""
    gc.disable()
    for name, code in marshal.loads(_block(program)):
        module = _registered(name)
        exec(marshal.loads(code), vars(module))
    gc.freeze()  # a collection in a child would copy every page that the program lies on
    gc.enable()
    control = _socket.socket(fileno=_CONTROL)
    control.sendall(b"!")
    children: dict[int, int] = {}
    size = struct.calcsize("=ci")
    while True:
        order, ancillary, _, _ = control.recvmsg(size, _socket.CMSG_SPACE(2 * struct.calcsize("i")))
        if len(order) < size:
            break
        what, number = struct.unpack("=ci", order)
        if what == _FORK:
            children[number] = _forked(confine, *struct.unpack("2i", ancillary[0][2]))
        else:
            control.sendall(struct.pack("=i", _ended(children.pop(number), patience=_PATIENCE * (what == _AWAIT))))
    for child in children.values():
        _ended(child, patience=0.0)
    os._exit(0)


def _forked(confine: Confine, orders: int, answers: int) -> int:
    """Fork a child for one job, and return its process id."""
    child = os.fork()
    if child == 0:
        try:
            _run(confine, orders, answers)
        finally:
            os._exit(1)
    os.close(orders)
    os.close(answers)
    return child


def _ended(child: int, *, patience: float) -> int:
    """Wait for a child, then kill it with all that it may have started; return its exit status as `subprocess` does."""
    ends = time.monotonic() + patience
    while time.monotonic() < ends:
        ended, status = os.waitpid(child, os.WNOHANG)
        if ended:
            return os.waitstatus_to_exitcode(status)
        time.sleep(_LOOK)
    for kill in (os.killpg, os.kill):  # a group only once it has made one
        try:
            kill(child, signal.SIGKILL)
        except (ProcessLookupError, PermissionError):
            continue
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])


def _run(confine: Confine, orders: int, answers: int) -> None:
    """Give everything away, then run a job and answer."""
    os.setsid()
    nowhere = os.open(os.devnull, os.O_RDWR)
    for descriptor in (0, 1, 2):
        os.dup2(nowhere, descriptor)
    os.close(nowhere)
    with open(orders, "rb") as file:
        limits, name, payload = json.loads(_block(file))
    os.dup2(answers, _ANSWERS)
    os.closerange(_ANSWERS + 1, answers + 1)
    layers = confine(**limits)

    def emit(answer: object) -> None:
        """Answer with what JSON can say; a line is whole or not there."""
        line = json.dumps(answer).encode() + b"\n"
        while line:
            line = line[os.write(_ANSWERS, line) :]

    os.write(_ANSWERS, " ".join(layers).encode() + b"\n")
    try:
        vars(sys.modules[name])["main"](payload, emit)
    except BaseException as error:  # noqa: BLE001  # the parent must hear of everything
        emit({"error": f"{type(error).__name__}: {error}"[:300]})
        os._exit(1)
    emit("done")
    os._exit(0)  # no hook of what has run


def _block(file: BufferedReader) -> bytes:
    return file.read(int(file.readline()))


def _registered(name: str) -> ModuleType:
    """Return a new module under its name, below packages that hold nothing else."""
    package = name.rpartition(".")[0]
    if package and package not in sys.modules:
        _registered(package).__path__ = []
    sys.modules[name] = ModuleType(name)
    return sys.modules[name]


if "confine" in globals():
    _serve(globals()["confine"], globals()["f"])  # what it was started with reads on
