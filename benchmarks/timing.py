"""Time calls inside one fresh process; `benchmarks.calls` starts it and puts several together."""

import asyncio
import gc
import json
import sys
from collections.abc import Callable
from importlib import import_module
from itertools import repeat
from time import perf_counter

import poet_import  # noqa: F401  (activates the hook, before the subjects load)

_BATCH_SECONDS = 0.002
_LOOPS = {
    False: "def loop(number):\n    begin = now()\n    for _ in repeat(None, number):\n        {call}\n",
    True: "async def loop(number):\n    begin = now()\n    for _ in repeat(None, number):\n        {call}\n",
}
_Loop = Callable[[int], float]


def make_loop(module: str, call: str, *, runner: asyncio.Runner) -> _Loop:
    """Return a function that calls a subject so many times and returns the seconds.

    Each subject gets a loop of its own: the interpreter specializes a call for what it has called before.
    """
    is_async = call.startswith("await ")
    names = {"now": perf_counter, "repeat": repeat, "few": list(range(10)), "many": list(range(10_000))}
    names["subject"] = import_module(module).subject
    exec(_LOOPS[is_async].format(call=call) + "    return now() - begin\n", names)
    loop = names["loop"]
    return (lambda number: runner.run(loop(number))) if is_async else loop


def calibrated(loop: _Loop) -> int:
    """Return how many calls take about as long as a batch should."""
    number = 10
    while (seconds := loop(number)) < _BATCH_SECONDS / 4:
        number *= 4
    return max(1, int(number * _BATCH_SECONDS / seconds))


def least_times(loops: list[_Loop], *, turns: int) -> list[float]:
    """Return the least nanoseconds of a call of each loop; the loops take turns."""
    numbers = [calibrated(loop) for loop in loops]
    found: list[list[float]] = [[] for _ in loops]
    for _ in range(turns):
        for loop, number, times in zip(loops, numbers, found, strict=True):
            times.append(1e9 * loop(number) / number)
    return [min(times) for times in found]


def main() -> None:
    """Print the times of the subjects whose calls are given as JSON, in their order."""
    calls, turns = json.loads(sys.argv[1])
    with asyncio.Runner() as runner:
        loops = [make_loop(f"subject_{number}", call, runner=runner) for number, call in enumerate(calls)]
        gc.disable()  # as timeit does: a collection would hit one of them by chance
        print(json.dumps(least_times(loops, turns=turns)))


if __name__ == "__main__":
    main()
