"""Stored executions by the million: what statistics need of each, and no more.

Almost every line is of a call that went well, in the form in which `poet_import.events.lines` puts it together; that
is recognised without reading its JSON, which takes three times as long. Every other line is read as any event.
"""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Iterator
from typing import NamedTuple

from poet_import.events.event import SCHEMA, Execution, topic_of
from poet_import.events.reading import event_in, stored_lines

FAILED = frozenset(("operate_error", "perceive_error", "enforce_error", "timeout"))
_WENT_WELL = b'"error":null}\n'
_ANY_HEAD = b'{"topic":"'


class Ended(NamedTuple):
    """What statistics need of an execution; a tuple, since a million of them are made at once."""

    version: str
    process: str
    number: int
    start: float
    status: str
    error: str
    duration_ms: float
    retries: int


class Counts(NamedTuple):
    """How many calls of a function are stored, and how many of them failed."""

    calls: int
    failures: int


def counts_in(folder: str) -> dict[str, Counts]:
    """Return the functions of which executions are stored, by name, with their counts."""
    heads: Counter[bytes] = Counter()
    calls: Counter[str] = Counter()
    failures: Counter[str] = Counter()
    for line in stored_lines(folder, "execution"):
        head, found, _ = line.partition(b',"version":')
        if found and line.endswith(_WENT_WELL):
            heads[head] += 1
        elif isinstance(event := event_in(line), Execution):
            calls[event.function] += 1
            failures[event.function] += event.status in FAILED
    for head, count in heads.items():
        if (function := _function_of(head)) is not None:
            calls[function] += count
    return {function: Counts(calls[function], failures[function]) for function in sorted(calls)}


def _function_of(head: bytes) -> str | None:
    """Return the function that a line is about, from what stands before its version."""
    try:
        fields = json.loads(head + b"}")
    except ValueError:
        return None
    return str(fields["function"]) if fields.get("schema") == SCHEMA and "function" in fields else None


def ended_of(folder: str, function: str) -> Iterator[Ended]:
    """Yield the executions of a function, oldest first; a torn line is passed over."""
    head, form = _head(function), _form(function)
    for line in stored_lines(folder, "execution"):
        if found := form.fullmatch(line):
            version, process, number, start, duration, retries = found.groups()
            yield Ended(
                version.decode(),
                process.decode(),
                int(number, 16),
                float(start),
                "success",
                "",
                float(duration),
                int(retries),
            )
        elif line.startswith(head) or not line.startswith(_ANY_HEAD):
            event = event_in(line)
            if isinstance(event, Execution) and event.function == function:
                yield _ended(event)


def _head(function: str) -> bytes:
    """Return what the line of an execution begins with."""
    fields = {
        "topic": topic_of(function, "execution"),
        "event": "function.execution",
        "schema": SCHEMA,
        "function": function,
    }
    return json.dumps(fields, separators=(",", ":")).removesuffix("}").encode()


def _form(function: str) -> re.Pattern[bytes]:
    """Return the form of the line of a call that went well, and of which no values are recorded."""
    name = json.dumps(function)[1:-1].encode()
    return re.compile(
        re.escape(_head(function))
        + rb',"version":"([\w.-]*)","execution_id":"'
        + re.escape(name)
        + rb':([0-9a-f]+)-([0-9a-f]+)","start":([0-9.]+),"end":[0-9.]+,"status":"success",'
        + rb'"duration_ms":([0-9.]+),"retries":([0-9]+),'
        + re.escape(_WENT_WELL)
    )


def _ended(event: Execution) -> Ended:
    process, number = place_of(event.execution_id)
    error = event.error.type if event.error else ""
    return Ended(event.version, process, number, event.start, event.status, error, event.duration_ms, event.retries)


def place_of(execution_id: str) -> tuple[str, int]:
    """Return the process that an execution ran in, and its number there; an id of another make is its own process."""
    process, _, number = execution_id.rpartition(":")[2].partition("-")
    try:
        return process, int(number, 16)
    except ValueError:
        return execution_id, 0
