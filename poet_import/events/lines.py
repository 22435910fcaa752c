"""Events as lines of JSON: what is stored, logged and published.

A line of an execution is put together here by hand: `json.dumps` takes three times as long, and the writing thread
takes its time from the program's.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import TYPE_CHECKING

from poet_import.events.event import SCHEMA, Event, failed_of, topic_of

if TYPE_CHECKING:
    from poet_import.runtime.training import Call

_MOST_HEADS = 10_000
_SECOND = 10**9  # ns
_LINE = '%s%s-%x","start":%s%06d,"end":%s%06d,"status":"%s","duration_ms":%d.%04d,"retries":%d,"error":%s}\n'
_heads: dict[tuple[str, str], str] = {}


def lines_of(items: Iterable[Call | Event], since: int) -> list[str]:
    """Return the lines of events, each ended by a newline; ``since`` as in `execution_of`."""
    lines = []
    second = ""  # that most of the calls began in, up to its point
    first = last = 0  # by the clock of calls
    for item in items:
        if not isinstance(item, tuple):
            lines.append(f"{json.dumps(item.to_dict(), separators=(',', ':'))}\n")
            continue
        begun, ended, process, number, module, site, retries, failure, values, result = item
        if not first <= begun < last:
            second, first = _second_of(begun, since)
            last = first + _SECOND
        # Whole numbers throughout: a float takes as long to format as all the rest.
        until, start = (second, first) if ended < last else _second_of(ended, since)
        took = (ended - begun) // 100
        status, more = "success", "null"
        if failure:
            status, more = failure[0], json.dumps(failed_of(failure).to_dict())
        if values is not False:
            more += f',"arguments":{json.dumps(values)}' + ("" if result is None else f',"result":{json.dumps(result)}')
        lines.append(
            _LINE
            % (
                _heads.get((module, site)) or _remembered_head(module, site),
                process,
                number,
                second,
                (begun - first) // 1000,
                until,
                (ended - start) // 1000,
                status,
                took // 10_000,
                took % 10_000,
                retries,
                more,
            )
        )
    return lines


def _second_of(clock: int, since: int) -> tuple[str, int]:
    """Return the second since 1970 that a time falls into, up to its point, and the clock at its begin."""
    second, past = divmod(since + clock, _SECOND)
    return f"{second}.", clock - past


def _remembered_head(module: str, site: str) -> str:
    """Return what the lines of a function begin with, up to its name in the execution's id."""
    if len(_heads) >= _MOST_HEADS:  # somebody makes modules as it goes
        _heads.clear()
    qualname, _, version = site.rpartition("@")
    name = f"{module}.{qualname}"
    fields = {
        "topic": topic_of(name, "execution"),
        "event": "function.execution",
        "schema": SCHEMA,
        "function": name,
        "version": version,
        "execution_id": f"{name}:",
    }
    head = _heads[module, site] = json.dumps(fields, separators=(",", ":")).removesuffix('"}')
    return head
