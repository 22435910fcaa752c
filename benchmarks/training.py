"""Measure what ``optimize_for`` adds to a call, and which rates lose no event: ``python -m benchmarks.training``.

The cost is measured as `benchmarks.calls` does it, the writing thread being at work meanwhile: nanoseconds of a call
with the option less those of the same call without, each the least of several processes. Then eight threads call at
several rates in all, for as many calls as are asked for; what is not found in the files was lost.
"""

import argparse
import json
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory

from benchmarks.calls import nanoseconds_above_bare
from benchmarks.processes import Interpreter
from benchmarks.subjects import BARE, Subject, subjects

_MOST = 1500  # nanoseconds that a call may cost more
_OBJECTIVE = 'optimize_for="margin"'
_THREADS = 8
_MODULE = """
from poet_import import poet

@poet(optimize_for="speed")
def count(thread: int, number: int) -> int:
    return number
"""
_PROGRAM = """
import json, resource, sys, threading, time
import poet_import, counted
from poet_import.events.writer import losses
from poet_import.runtime import training

threads, calls, rate = map(int, sys.argv[1:])
never, begun = threading.Event(), time.perf_counter()

def work(thread):
    for number in range(calls // threads):
        if number % 50 == 0 and (ahead := number * threads / rate - (time.perf_counter() - begun)) > 0:
            never.wait(ahead)
        counted.count(thread, number)

workers = [threading.Thread(target=work, args=(number,)) for number in range(threads)]
for worker in workers: worker.start()
for worker in workers: worker.join()
seconds = time.perf_counter() - begun
assert training.flush(60)
used = resource.getrusage(resource.RUSAGE_SELF)
print(json.dumps([calls / seconds, sum(losses().values()), used.ru_maxrss / 1024, used.ru_utime + used.ru_stime]))
"""


def _pairs() -> list[tuple[Subject, Subject]]:
    """Return some of the subjects, each with the one that has an objective too."""
    wanted = ("`@poet`", "`@poet(retries=3, timeout=5)`", "`@poet(timeout=5)`")
    plain = [subject for subject in subjects() if subject.label in wanted and "few" not in subject.function.call]
    return [(subject, _with_objective(subject)) for subject in plain if "many" not in subject.function.call]


def _with_objective(subject: Subject) -> Subject:
    decorator = subject.decorators[0]
    given = f"{decorator[:-1]}, {_OBJECTIVE})" if decorator.endswith(")") else f"{decorator}({_OBJECTIVE})"
    return replace(subject, label=f"`{given}`", decorators=(given,))


def measure_calls(repeats: int, turns: int) -> None:
    """Print what the option adds to a call."""
    pairs = _pairs()
    chosen = [subject for pair in pairs for subject in (BARE[pair[0].function], *pair)]
    with TemporaryDirectory() as folder:
        times = nanoseconds_above_bare(list(dict.fromkeys(chosen)), Path(folder), repeats=repeats, turns=turns)
    print(f"{'':40}{'above bare':>14}{'with':>10}{'ratio':>8}{'added':>10}")
    for plain, trained in pairs:
        name = f"{'async ' if plain.function.is_async else ''}{plain.label.strip('`')}"
        added = times[trained] - times[plain]
        met = "met" if added <= _MOST else "NOT MET"
        ratio = times[trained] / times[plain]
        print(f"{name:40}{times[plain]:11,.0f} ns{times[trained]:7,.0f} ns{ratio:8.1f}{added / 1000:7.2f} µs  {met}")


def measure_rates(calls: int, rates: list[int]) -> None:
    """Print how many events are lost at each rate of calls, and what the process takes."""
    print(f"\n{calls:,} calls from {_THREADS} threads, default sink")
    for rate in rates:
        with TemporaryDirectory() as folder:
            Path(folder, "counted.py").write_text(_MODULE, encoding="utf-8")
            done = Interpreter(Path(folder)).run(_PROGRAM, _THREADS, calls, rate)
        reached, lost, megabytes, seconds = json.loads(done)
        figures = f"lost {lost:>9,}  {megabytes:5.0f} MB  {1e6 * seconds / calls:5.1f} µs of CPU a call"
        print(f"asked {rate:>9,}/s  reached {reached:>9,.0f}/s  {figures}")


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--repeats", type=int, default=10, help="fresh processes")
    parser.add_argument("--turns", type=int, default=10, help="in each")
    parser.add_argument("--calls", type=int, default=1_000_000)
    parser.add_argument("--rates", type=int, nargs="*", default=[10_000, 25_000, 50_000, 100_000, 1_000_000])
    options = parser.parse_args()
    measure_calls(options.repeats, options.turns)
    measure_rates(options.calls, options.rates)


if __name__ == "__main__":
    main()
