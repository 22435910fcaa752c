"""Statistics of a million stored calls: read in little memory, in the time that the documents tell of."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from poet_import.events.batch import Batch
from poet_import.events.jsonl import JsonLines

CALLS = 1_000_000
AT_ONCE = 4_000
MOST_SECONDS = 30.0  # of a core; 7 were measured
MOST_MEGABYTES = 32  # 16 were measured


PROGRAM = """
import sys, time
from poet_import.cli import main
try:
    main(["stats", "shop.price", "--json"])
finally:
    peak = next(line for line in open("/proc/self/status") if line.startswith("VmHWM"))
    print(int(peak.split()[1]) // 1024, time.process_time(), file=sys.stderr)
"""


@pytest.mark.slow
@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="needs to ask what a process has used")
def test_statistics_of_a_million_calls(tmp_path: Path, run_python: Callable[..., Any]) -> None:
    sink = JsonLines(str(tmp_path / "data" / "events"))
    for first in range(0, CALLS, AT_ONCE):
        sink.write(Batch([_call(number) for number in range(first, first + AT_ONCE)]))  # type: ignore[arg-type]

    ran = run_python(PROGRAM)
    stats, (megabytes, seconds) = json.loads(ran.stdout), map(float, ran.stderr.split())

    assert (stats["calls"], stats["failed"], len(stats["versions"])) == (CALLS, CALLS // 100, 2)
    assert (megabytes < MOST_MEGABYTES, seconds < MOST_SECONDS) == (True, True), ran.stderr


def _call(number: int) -> tuple[object, ...]:
    begun = number * 10**6
    version = "own-0123456789ab" if number < CALLS // 2 else "model-ba9876543210"
    failure = ("operate_error", "ValueError", "", "", None) if number % 100 == 0 else None
    took = 10_000 + number % 1000 * 10_000
    return begun, begun + took, "0123456789ab", number, "shop", f"price@{version}", number % 2, failure, False, None
