"""Events as lines of JSON: what is stored, logged and published.

A line of an execution is put together here by hand: `json.dumps` takes three times as long, and the writing thread
takes its time from the program's.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from poet_import.events.event import SCHEMA, Event, failed_of, topic_of

if TYPE_CHECKING:
    from poet_import.runtime.training import Call

_MOST_HEADS = 10_000
_heads: dict[tuple[str, str], str] = {}


def line_of(item: Call | Event, since: int) -> str:
    """Return the line of an event, ended by a newline; ``since`` as in `execution_of`."""
    if isinstance(item, tuple):
        return _execution_line(item, since)
    return f"{json.dumps(item.to_dict(), separators=(',', ':'))}\n"


def _execution_line(call: Call, since: int) -> str:
    begun, ended, process, number, module, site, retries, failure, values, result = call
    head = _heads.get((module, site)) or _remembered_head(module, site)
    # Cut from whole numbers: a float takes as long to format as all the rest.
    start, end, took = f"{(since + begun) // 1000}", f"{(since + ended) // 1000}", f"{(ended - begun) // 100:05}"
    status, more = "success", "null"
    if failure:
        status, more = failure[0], json.dumps(failed_of(failure).to_dict())
    if values is not False:
        more += f',"arguments":{json.dumps(values)}' + ("" if result is None else f',"result":{json.dumps(result)}')
    return (
        f'{head}{process}-{number:x}","start":{start[:-6]}.{start[-6:]},"end":{end[:-6]}.{end[-6:]},'
        f'"status":"{status}","duration_ms":{took[:-4]}.{took[-4:]},"retries":{retries},"error":{more}}}\n'
    )


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
