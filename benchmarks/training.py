"""Measure what ``optimize_for`` adds to a call, and which rates lose no event: ``python -m benchmarks.training``.

The cost is that of a call with the option less that of the same call without, where one thread calls without a pause
and the writing thread is at work meanwhile: the least of batches of 2 ms, as in `benchmarks.calls`, and the mean, in
which the pauses count that the writing thread and the rest of the machine bring; each is the least of several
processes. Then eight threads call at several rates in all, for as many calls as are asked for; what is not found in the
files was lost.
"""

import argparse
import json
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import NamedTuple

from benchmarks.processes import Interpreter
from benchmarks.subjects import Subject, subjects, write_subjects

_MOST = 1500  # nanoseconds that a call may cost more
_OBJECTIVE = 'optimize_for="margin"'
_THREADS = 8
_MODULE = """
from poet_import import poet

@poet(optimize_for="speed")
def count(thread: int, number: int) -> int:
    return number
"""
_FOLDER = "subjects"
_CALLS = """
import asyncio, gc, json, sys
import poet_import
from benchmarks.timing import calibrated, make_loop
from poet_import.runtime import training

calls, seconds = json.loads(sys.argv[1])
found = []
gc.disable()
with asyncio.Runner() as runner:
    for place, call in enumerate(calls):
        loop = make_loop(f"subject_{place}", call, runner=runner)
        number = calibrated(loop)
        assert training.flush(60)
        times = []
        while sum(times) < seconds:
            times.append(loop(number))
        found.append([1e9 * min(times) / number, 1e9 * sum(times) / len(times) / number])
        assert training.flush(60)
print(json.dumps(found))
"""
_RATES = """
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


class _Times(NamedTuple):
    """Nanoseconds of a call."""

    least: float
    mean: float


def _pairs() -> list[tuple[Subject, Subject]]:
    """Return some of the subjects, each with the one that has an objective too."""
    wanted = ("`@poet`", "`@poet(retries=3, timeout=5)`", "`@poet(timeout=5)`")
    plain = [subject for subject in subjects() if subject.label in wanted and "few" not in subject.function.call]
    return [(subject, _with_objective(subject)) for subject in plain if "many" not in subject.function.call]


def _with_objective(subject: Subject) -> Subject:
    decorator = subject.decorators[0]
    given = f"{decorator[:-1]}, {_OBJECTIVE})" if decorator.endswith(")") else f"{decorator}({_OBJECTIVE})"
    return replace(subject, label=f"`{given}`", decorators=(given,))


def measure_calls(repeats: int, seconds: float) -> None:
    """Print what the option adds to a call."""
    pairs = _pairs()
    chosen = [subject for pair in pairs for subject in pair]
    wanted = json.dumps([[subject.function.call for subject in chosen], seconds])
    with TemporaryDirectory() as folder:
        write_subjects(Path(folder, _FOLDER), chosen)
        interpreter = Interpreter(Path(folder), _FOLDER)
        runs = [json.loads(interpreter.run(_CALLS, wanted)) for _ in range(repeats)]
    times = {
        subject: _Times(*map(min, zip(*found, strict=True))) for subject, *found in zip(chosen, *runs, strict=True)
    }
    print(f"{'nanoseconds of a call':32}{'least':>8}{'with':>8}{'added':>8}{'':9}{'mean':>8}{'with':>8}{'added':>8}")
    for plain, trained in pairs:
        name = f"{'async ' if plain.function.is_async else ''}{plain.label.strip('`')}"
        least, mean = zip(times[plain], times[trained], strict=True)
        met = "met" if least[1] - least[0] <= _MOST else "NOT MET"
        print(f"{name:32}{_row(*least)} {met:8}{_row(*mean)}")


def _row(without: float, whole: float) -> str:
    return f"{without:8,.0f}{whole:8,.0f}{whole - without:8,.0f}"


def measure_rates(calls: int, rates: list[int]) -> None:
    """Print how many events are lost at each rate of calls, and what the process takes."""
    print(f"\n{calls:,} calls from {_THREADS} threads, default sink")
    for rate in rates:
        with TemporaryDirectory() as folder:
            Path(folder, "counted.py").write_text(_MODULE, encoding="utf-8")
            done = Interpreter(Path(folder)).run(_RATES, _THREADS, calls, rate)
        reached, lost, megabytes, seconds = json.loads(done)
        figures = f"lost {lost:>9,}  {megabytes:5.0f} MB  {1e6 * seconds / calls:5.1f} µs of CPU a call"
        print(f"asked {rate:>9,}/s  reached {reached:>9,.0f}/s  {figures}")


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--repeats", type=int, default=10, help="fresh processes")
    parser.add_argument("--seconds", type=float, default=0.5, help="for each function in each of them")
    parser.add_argument("--calls", type=int, default=1_000_000)
    parser.add_argument("--rates", type=int, nargs="*", default=[10_000, 25_000, 50_000, 100_000, 1_000_000])
    options = parser.parse_args()
    measure_calls(options.repeats, options.seconds)
    measure_rates(options.calls, options.rates)


if __name__ == "__main__":
    main()
