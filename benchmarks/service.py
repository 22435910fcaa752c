"""Measure the service under load: ``python -m benchmarks.service``. It drives it with wrk, on this machine only.

What a cached answer costs is compared with a minimal FastAPI endpoint of the same models, in the same run, by the
server's processor time: both share the machine with wrk, so their rates would tell of wrk as well.
"""

import argparse
import json
import os
import re
import resource
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

_ROOT = Path(__file__).parents[1]
_CONNECTIONS = 128
_TICKS = os.sysconf("SC_CLK_TCK")
_PAGE = resource.getpagesize()
_CODE = """@poet(domain="ml_monitoring", retries=2, timeout=5)
def drift{n}(reference: list[float], current: list[float], alpha: float = 0.05) -> dict[str, float]:
    mean = sum(reference) / len(reference)
    other = sum(current) / len(current)
    return {{"shift": other - mean, "limit": alpha * {n}}}
"""
_MINIMAL = """
from fastapi import FastAPI
from poet_import.service.schemas import TranspileBody, TranspileResult
import json, sys
app = FastAPI()
ANSWER = TranspileResult.model_validate(json.load(open(sys.argv[1])))
@app.post("/api/v1/transpile", response_model_exclude_none=True)
async def transpile(body: TranspileBody) -> TranspileResult:
    return ANSWER
import uvicorn
uvicorn.run(app, port=int(sys.argv[2]), access_log=False, log_level="error", http="httptools")
"""
_LUA = """
local count = 0
request = function()
  count = count + 1
  local body = {hit}
  if {share} > 0 and count % 100 < {share} then
    body = {miss_start} .. string.format("%d_%d", {seed}, count) .. {miss_end}
  end
  return wrk.format("POST", "/api/v1/transpile", {{["content-type"] = "application/json"}}, body)
end
"""
_RATE = re.compile(r"Requests/sec:\s+([\d.]+)")
_DONE = re.compile(r"(\d+) requests in")
_P99 = re.compile(r"99%\s+([\d.]+)(us|ms|s)")
_ERRORS = re.compile(r"Socket errors: .*")
_ANSWERS = re.compile(
    r'^poet_requests_total{method="POST",route="/api/v1/transpile",status="(\d+)"} (\S+)', re.MULTILINE
)
_UNITS = {"us": 0.001, "ms": 1.0, "s": 1000.0}


@dataclass(frozen=True, slots=True)
class Load:
    """What came of driving a server."""

    requests: int
    rate: float  # a second
    p99: float  # ms
    cpu: float  # µs of the server's, a request
    errors: str


def body_of(number: int) -> dict[str, object]:
    """Return the body of a request."""
    return {"function_code": _CODE.format(n=number), "language": "python"}


def ask(url: str, body: dict[str, object]) -> tuple[float, bytes]:
    """Return the seconds that one request takes, and its answer."""
    request = urllib.request.Request(
        f"{url}/api/v1/transpile", json.dumps(body).encode(), {"content-type": "application/json"}
    )
    begun = time.perf_counter()
    with urllib.request.urlopen(request) as answer:
        found = answer.read()
    return time.perf_counter() - begun, found


@contextmanager
def serving(folder: Path, command: list[str], port: int) -> Iterator[tuple[str, int]]:
    """Run a server, and give its address and process."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("POET_")}
    ours = {"POET_CACHE_DIR": str(folder / "cache"), "POET_DATA_DIR": str(folder / "data"), "POET_RATE": "100000000"}
    log = (folder / "log").open("wb")
    with subprocess.Popen(command, env=kept | ours | {"PYTHONPATH": str(_ROOT)}, stdout=log, stderr=log) as process:
        url = f"http://127.0.0.1:{port}"
        try:
            for _ in range(200):
                try:
                    ask(url, body_of(0))
                    break
                except OSError:
                    time.sleep(0.1)
            yield url, process.pid
        finally:
            process.terminate()


def cpu_of(process: int) -> float:
    """Return the seconds of processor time that a process has used, without its children."""
    fields = Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / _TICKS


def memory_of(process: int) -> float:
    """Return the MiB of memory that a process holds, without its children."""
    return int(Path(f"/proc/{process}/statm").read_text().split()[1]) * _PAGE / 2**20


def drive(url: str, process: int, folder: Path, *, seconds: int, misses: int = 0) -> Load:
    """Send requests to a server, some of 100 of them new to it."""
    start, end = json.dumps(body_of(0)).split("drift0", 1)
    text = _LUA.format(
        hit=_quoted(start + "drift0" + end),
        share=misses,
        seed=int(time.time() * 1000) % 100_000,
        miss_start=_quoted(start + "drift"),
        miss_end=_quoted(end),
    )
    script = folder / "load.lua"
    script.write_text(text)
    before = cpu_of(process)
    options = ["-t1", f"-c{_CONNECTIONS}", f"-d{seconds}s", "--latency", "--timeout", "15s", "-s", str(script)]
    said = subprocess.run(["wrk", *options, url], capture_output=True, text=True, check=True).stdout
    used = cpu_of(process) - before
    done, rate, p99 = _DONE.search(said), _RATE.search(said), _P99.search(said)
    if not done or not rate or not p99:
        raise RuntimeError(f"wrk said something else than expected: {said}")
    errors = "; ".join(match[0] for match in _ERRORS.finditer(said))
    return Load(int(done[1]), float(rate[1]), float(p99[1]) * _UNITS[p99[2]], 1e6 * used / int(done[1]), errors)


def statuses(url: str) -> str:
    """Return how often the service has answered with each status, by its own count."""
    with urllib.request.urlopen(f"{url}/metrics") as answer:
        rows = _ANSWERS.findall(answer.read().decode())
    return ", ".join(f"{status} {float(count):,.0f}" for status, count in rows)


def _quoted(text: str) -> str:
    return f"[==[{text}]==]"


def measure(seconds: int, repeats: int) -> None:
    """Print all of it."""
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place)
        ours = [sys.executable, "-m", "poet_import", "serve", "--port", "8431", "--workers", "1"]
        with serving(folder, ours, 8431) as (url, process):
            _, answer = ask(url, body_of(0))
            (folder / "answer.json").write_bytes(answer)
            minimal = [sys.executable, "-c", _MINIMAL, str(folder / "answer.json"), "8432"]
            with serving(folder, minimal, 8432) as (other, peer):
                _compare((url, process), (other, peer), folder, seconds=seconds, repeats=repeats)
            times = [1000 * ask(url, body_of(number))[0] for number in range(1, 51)]
            print(f"a request that nobody has made before: median {statistics.median(times):.1f} ms")
            _load(url, process, folder, seconds=seconds)


def _compare(ours: tuple[str, int], other: tuple[str, int], folder: Path, *, seconds: int, repeats: int) -> None:
    pairs = []
    for _ in range(repeats):
        hit = drive(*ours, folder, seconds=seconds // repeats)
        peer = drive(*other, folder, seconds=seconds // repeats)
        pairs.append((hit, peer))
    ratio = statistics.median(peer.cpu / hit.cpu for hit, peer in pairs)
    hits, peers = ([pair[index] for pair in pairs] for index in (0, 1))
    for name, loads in (("a cached answer", hits), ("minimal FastAPI endpoint", peers)):
        cpu, p99 = (statistics.median(getattr(load, field) for load in loads) for field in ("cpu", "p99"))
        rate = statistics.median(load.rate for load in loads)
        print(f"{name}: {cpu:.0f} µs of processor time, {rate:,.0f} a second, p99 {p99:.1f} ms")
    print(f"minimal endpoint / cached answer, by processor time: {ratio:.2f}")


def _load(url: str, process: int, folder: Path, *, seconds: int) -> None:
    before = memory_of(process)
    mixed = drive(url, process, folder, seconds=seconds, misses=20)
    print(f"80 of 100 cached, {seconds} s: {mixed.requests:,} requests, p99 {mixed.p99:.0f} ms")
    print(f"    answers by status: {statuses(url)}; errors of connections: {mixed.errors or 'none'}")
    print(f"    memory {before:.0f} MiB before, {memory_of(process):.0f} MiB after")
    first = memory_of(process)
    sent = 0
    while sent < 100_000:
        sent += drive(url, process, folder, seconds=max(5, seconds // 4)).requests
    print(f"{sent:,} cached answers more: memory {first:.0f} MiB before, {memory_of(process):.0f} MiB after")


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seconds", type=int, default=60, help="of each load (default: 60)")
    parser.add_argument("--repeats", type=int, default=6, help="turns of the comparison (default: 6)")
    options = parser.parse_args()
    if shutil.which("wrk") is None:
        sys.exit("wrk is not installed; apt-get install wrk")
    measure(options.seconds, options.repeats)


if __name__ == "__main__":
    main()
