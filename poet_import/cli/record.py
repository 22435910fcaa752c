"""``poet record``: collect calls of marked functions while a command runs, as evidence for the semantics gate."""

import json
import os
import subprocess
import sys
import tempfile
from collections import Counter, defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, field

import click

from poet_import.cache.frozen import FrozenStore
from poet_import.cache.traces import add_traces, read_traces, trace_path
from poet_import.runtime.tracing import MOST_TOLD
from poet_import.settings import VARIABLES

_NOT_FOUND = 127  # what a shell reports for a command that there is none of
_SIGNALLED = 128  # and more by its number for one that a signal has ended
_INSTALLED = f"{os.sep}site-packages{os.sep}"


@dataclass(slots=True)
class Collected:
    """What was told of the calls of one function."""

    calls: set[str] = field(default_factory=set)
    left_out: Counter[str] = field(default_factory=Counter)  # calls, by why they cannot be written down


Place = tuple[str, str]
"""The file of a module, and the name of a function in it."""


@click.command(
    "record",
    short_help="Collect calls as evidence while a command runs.",
    context_settings={"ignore_unknown_options": True, "allow_interspersed_args": False},
)
@click.argument("command", nargs=-1, required=True, type=click.UNPROCESSED, metavar="COMMAND [ARGUMENTS]...")
def record_command(command: tuple[str, ...]) -> int:
    """Run a command and keep the calls of @poet functions that it makes, in .poet/traces beside their modules.

    What a model writes is then tried with these calls too. They are literals to review and to commit: at most 50 of a
    function, secrets redacted. Python processes that the command starts are included, functions outside of this folder
    are not. The exit status is the command's own, 127 where it cannot be started, and 1 where nothing can be written.

    \b
    Examples:
      poet record -- pytest
      poet record -- python -m shop --once
    """
    with tempfile.TemporaryDirectory(prefix="poet-record-") as folder:
        spool = os.path.join(folder, "calls")
        with open(spool, "x", encoding="utf-8"):
            status = _run(command, spool)
        collected, outside = _collected(spool)
    for place, found in sorted(collected.items()):
        if not _keep(place, found):
            return 1
    if outside:
        click.echo(f"{_calls(outside)} of functions outside of this folder not kept", err=True)
    if not collected:
        click.echo(
            "no call of a @poet function was recorded; was poet_import imported, and the function called?", err=True
        )
    return status


def _run(command: tuple[str, ...], spool: str) -> int:
    environment = {**os.environ, VARIABLES["traces"]: spool}
    try:
        process = subprocess.Popen(command, env=environment)  # noqa: S603  # to run it is what was asked
    except OSError as error:
        reason = error.strerror or error
        raise _NotStartedError(f"{command[0]} cannot be started ({reason}); give a program, as pytest") from error
    sys.stdout.flush()
    while True:
        try:
            status = process.wait()
        except KeyboardInterrupt:  # the command gets it too, and ends as it likes
            continue
        return status if status >= 0 else _SIGNALLED - status


class _NotStartedError(click.ClickException):
    exit_code = _NOT_FOUND


def _collected(spool: str) -> tuple[Mapping[Place, Collected], int]:
    """Return what was told of functions in and below this folder, and how many calls there were of others."""
    found: dict[Place, Collected] = defaultdict(Collected)
    outside = 0
    here = os.getcwd() + os.sep
    with open(spool, encoding="utf-8") as lines:
        for line in lines:
            try:
                file, name, call, reason = json.loads(line)
            except ValueError:  # a process was killed while it wrote
                continue
            if not file.startswith(here) or _INSTALLED in file or not os.path.isfile(file):
                outside += 1
            elif call:
                found[file, name].calls.add(call)
            else:
                found[file, name].left_out[reason] += 1
    return found, outside


def _keep(place: Place, found: Collected) -> bool:
    """Write down the calls of one function and tell of it; return whether that could be done."""
    path, name = place
    store = FrozenStore(path)
    folder, where = store.folder, store.place(name)
    shown = f"{os.path.relpath(path)}::{name}"
    if found.calls:
        file = os.path.relpath(trace_path(folder, where))
        try:
            new = add_traces(folder, where, found.calls)
        except OSError as error:
            click.echo(
                f"Error: {file} cannot be written ({error.strerror or error}); make its folder writable", err=True
            )
            return False
        kept = len(read_traces(folder, where))
        click.echo(f"{shown}: {_calls(len(found.calls))} seen, {new} new, {kept} kept in {file}", err=True)
    for reason, count in sorted(found.left_out.items()):
        least = "at least " if found.left_out.total() >= MOST_TOLD else ""
        click.echo(f"{shown}: {least}{_calls(count)} not kept, {reason}", err=True)
    return True


def _calls(count: int) -> str:
    return "1 call" if count == 1 else f"{count} calls"
