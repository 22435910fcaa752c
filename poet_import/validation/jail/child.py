"""What the jail's child runs: it reads its orders, confines itself, runs its program, and answers.

This text follows ``confine.py`` in one module of the child's own; it imports nothing of ours.
"""

import json
import marshal
import os
import sys
from collections.abc import Callable

Confine = Callable[..., list[str]]


def _main(confine: Confine) -> None:
    orders = sys.stdin.buffer

    def block() -> bytes:
        return orders.read(int(orders.readline()))

    limits, code, payload = json.loads(block()), marshal.loads(block()), json.loads(block())
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
    namespace: dict[str, Callable[..., None]] = {}
    exec(code, namespace)
    namespace["main"](payload, emit)
    emit("done")
    os._exit(0)  # no hook of what has run


if "confine" in globals():
    _main(globals()["confine"])
