"""A million events from eight threads, at the rate that docs/events.md states."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from poet_import.events.reading import stored_events

CALLS = 1_000_000
THREADS = 8
RATE = 25_000  # a second, in all
MODULE = "from poet_import import poet\n" + "".join(
    f"@poet(optimize_for='speed')\ndef count{number}(x: int) -> int:\n    return x\n" for number in range(THREADS)
)
PROGRAM = f"""
import json, threading, time
import poet_import, counted
from poet_import.events.writer import losses
from poet_import.runtime import training

never, begun = threading.Event(), time.perf_counter()

def work(call):
    for number in range({CALLS // THREADS}):
        if number % 25 == 0 and (ahead := number * {THREADS} / {RATE} - (time.perf_counter() - begun)) > 0:
            never.wait(ahead)
        call(number)

workers = [threading.Thread(target=work, args=(getattr(counted, f"count{{number}}"),)) for number in range({THREADS})]
for worker in workers: worker.start()
for worker in workers: worker.join()
assert training.flush(60)
# Not getrusage: that begins with what the process before the exec had.
peak = next(line for line in open("/proc/self/status") if line.startswith("VmHWM"))
print(json.dumps([losses(), int(peak.split()[1])]))
"""


@pytest.mark.slow
@pytest.mark.skipif(sys.platform != "linux", reason="memory is asked of /proc")
def test_a_million_events_lose_none_keep_their_order_and_take_little_memory(tmp_path: Path) -> None:
    (tmp_path / "counted.py").write_text(MODULE)
    environment = os.environ | {"POET_DATA_DIR": str(tmp_path / "data"), "POET_CACHE_DIR": str(tmp_path / "cache")}

    done = subprocess.run(
        [sys.executable, "-c", PROGRAM], env=environment, cwd=tmp_path, capture_output=True, text=True, check=True
    )

    losses, kilobytes = json.loads(done.stdout)
    last: dict[str, int] = {}
    counted: dict[str, int] = {}
    for event in stored_events(str(tmp_path / "data" / "events"), "execution"):
        number = int(event.execution_id.rpartition("-")[2], 16)
        assert number > last.get(event.function, 0)
        last[event.function] = number
        counted[event.function] = counted.get(event.function, 0) + 1
    assert losses == {}
    assert counted == {f"counted.count{number}": CALLS // THREADS for number in range(THREADS)}
    assert kilobytes < 60_000
