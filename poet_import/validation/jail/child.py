"""What the jail's child runs: it reads its orders, confines itself, runs its program, and answers.

This text follows ``confine.py`` in one module of the child's own; it imports nothing of ours.
"""

import json
import marshal
import os
import sys
from collections.abc import Callable
from types import ModuleType

Confine = Callable[..., list[str]]


def _main(confine: Confine) -> None:
    orders = sys.stdin.buffer

    def block() -> bytes:
        return orders.read(int(orders.readline()))

    limits, modules, payload = json.loads(block()), marshal.loads(block()), json.loads(block())
    answers = os.dup(1)
    nowhere = os.open(os.devnull, os.O_RDWR)
    for descriptor in (0, 1, 2):
        os.dup2(nowhere, descriptor)
    os.close(nowhere)
    layers = confine(**limits)

    def emit(answer: object) -> None:
        """Answer with what JSON can say; a line is whole or not there."""
        line = json.dumps(answer).encode() + b"\n"
        while line:
            line = line[os.write(answers, line) :]

    os.write(answers, " ".join(layers).encode() + b"\n")
    try:
        for name, code in modules:
            module = _registered(name)
            exec(marshal.loads(code), vars(module))
        vars(module)["main"](payload, emit)
    except BaseException as error:  # noqa: BLE001  # the parent must hear of everything
        emit({"error": f"{type(error).__name__}: {error}"[:300]})
        os._exit(1)
    emit("done")
    os._exit(0)  # no hook of what has run


def _registered(name: str) -> ModuleType:
    """Return a new module under its name, below packages that hold nothing else."""
    package = name.rpartition(".")[0]
    if package and package not in sys.modules:
        _registered(package).__path__ = []
    sys.modules[name] = ModuleType(name)
    return sys.modules[name]


if "confine" in globals():
    _main(globals()["confine"])
