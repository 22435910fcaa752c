"""The jail: fresh processes that have given everything away before they run what nobody trusts.

A `ForkServer` starts with an empty environment and one descriptor, loads a program that its parent trusts, and forks a
child for each job. The child limits itself (`confine`), runs the program, and answers in lines of JSON. Nothing it
answers is more than data to its parent.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from typing import Final

from poet_import.validation.jail.forkserver import Finished, ForkServer, Job, Limits, Program

__all__ = ["Finished", "ForkServer", "Job", "Limits", "Program", "is_available", "layers", "opened", "run"]
_FIRST: Final = ("process", "rlimits", "no_new_privs")  # without these nothing is tried
_NOTHING: Final[Program] = (("nothing", "def main(payload, emit):\n    pass\n"),)


def is_available() -> bool:
    """Tell whether a child can be kept in here."""
    return set(_FIRST) <= set(layers())


@cache
def layers() -> tuple[str, ...]:
    """Return the layers that hold on this system, outermost first; none where there is no jail."""
    if sys.platform != "linux" or not sys.executable:
        return ()
    return run(_NOTHING, {}, Limits(seconds=5.0)).layers


def run(program: Program, payload: object, limits: Limits) -> Finished:
    """Run ``main(payload, emit)`` of a program's last module in a child of its own.

    Args:
        program: Its modules; trusted themselves, and whatever they run of the payload is not.
        payload: What JSON can say.
        limits: What the child may use.
    """
    with opened(program) as server:
        return server.run([(program[-1][0], payload)], limits)[0]


@contextmanager
def opened(program: Program) -> Iterator[ForkServer]:
    """Yield a server that has loaded a program; after that, no process of it is left."""
    server = ForkServer(program)
    try:
        yield server
    finally:
        server.close()
