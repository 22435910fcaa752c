"""Measure what generating costs beside the model: ``python -m benchmarks.generation``.

A scripted model, a real HTTP server on this machine, answers each question after a fixed time. Functions of several
modules are asked for, eight at once; what is left of the wall time beside the model's own is ours, and no more of it is
paid than there are functions and processors. A second process then imports the same modules and asks nobody.
"""

import argparse
import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from poet_import.validation import jail, semantics, validate

_ROOT = Path(__file__).parents[1]
_AT_ONCE = 8
_HEAD = "from poet_import import poet\n\n\n"
_FUNCTION = """@poet
def f{n}(values: list[int], limit: int = {n}) -> int:
    total = 0
    for value in values:
        if value > limit:
            total += value
    return total


"""
_PROGRAM = """
import sys, threading, time, warnings
import poet_import
modules = sys.argv[1].split(",")
begun = time.perf_counter()
threads = [threading.Thread(target=__import__, args=(name,)) for name in modules]
for thread in threads: thread.start()
for thread in threads: thread.join()
seconds = time.perf_counter() - begun
found = [poet_import.describe(value).origin for name in modules for key, value in vars(sys.modules[name]).items()
         if key.startswith("f") and callable(value)]
print(seconds, found.count("generated"), len(found))
"""


def answer_for(name: str) -> str:
    """Return another body for a function of the measured modules."""
    number = name.removeprefix("f")
    return (
        f"def {name}(values: list[int], limit: int = {number}) -> int:\n"
        "    return sum(value for value in values if value > limit)\n"
    )


def import_all(folder: Path, names: list[str], url: str) -> tuple[float, int, int]:
    """Import the modules in a fresh process; return seconds, generated functions, and all functions."""
    variables = {
        "POET_MODE": "eager",
        "POET_MODEL": "openai/measured",
        "POET_LLM_BASE_URL": url,
        "POET_LLM_API_KEY": "none",
        "POET_CACHE_DIR": str(folder / "cache"),
        "POET_GENERATION_TIMEOUT": "600",
        "PYTHONPATH": os.pathsep.join((str(folder), str(_ROOT))),
    }
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("POET_", "PYTHON"))}
    command = [sys.executable, "-c", _PROGRAM, ",".join(names)]
    done = subprocess.run(command, env=kept | variables, capture_output=True, text=True, check=True)
    seconds, generated, functions = done.stdout.split()
    return float(seconds), int(generated), int(functions)


def measure(modules: int, functions: int, latency: float) -> None:
    """Print the wall time beside the model's own, and what a second process costs."""
    sys.path.insert(0, str(_ROOT / "tests" / "generators"))
    from scripted_model import Exchange, ScriptedModel, answer, asked_for  # the tests' server, found there only

    def behave(exchange: Exchange) -> None:
        answer(answer_for(asked_for(exchange.body)), delay=latency)(exchange)

    with tempfile.TemporaryDirectory() as place, ScriptedModel(behave) as model:
        folder = Path(place)
        names = [f"measured{number}" for number in range(modules)]
        for start, name in enumerate(names):
            numbers = range(start * functions, (start + 1) * functions)
            (folder / f"{name}.py").write_text(_HEAD + "".join(_FUNCTION.format(n=number) for number in numbers))
        wall, generated, total = import_all(folder, names, model.url)
        asked = len(model.requests)
        warm, kept, _ = import_all(folder, names, model.url)
    least = latency * total / _AT_ONCE
    print(f"functions: {total} in {modules} modules, {generated} generated, {asked} requests")
    print(f"model alone, {_AT_ONCE} at once: {least:8.2f} s")
    print(f"wall time:               {wall:8.2f} s, {wall / least:.2f} times the model's")
    print(f"ours:                    {1000 * (wall - least) / total:8.1f} ms a function")
    print(f"second process:          {warm:8.2f} s, {kept} generated, {len(model.requests) - asked} requests")


def _starts_of_children() -> tuple[float, float]:
    """Return the seconds until the first child of a judgement runs, and those that a further one takes."""
    limits = jail.Limits(seconds=1.0)
    program = (*semantics.program(), ("nothing", "def main(payload, emit):\n    pass\n"))
    with jail.opened(program) as server:
        first, second = (server.run([("nothing", None)], limits)[0] for _ in range(2))
    return first.start_seconds, second.start_seconds


def measure_gates(repeats: int) -> None:
    """Print how long a child of the jail takes to start, and a judgement by all gates."""
    starts = [_starts_of_children() for _ in range(repeats)]
    original = _FUNCTION.format(n=3).removeprefix("@poet\n")
    times = []
    for _ in range(repeats):
        begun = time.perf_counter()
        assert validate(answer_for("f3"), original).accepted
        times.append(time.perf_counter() - begun)
    for what, place in (("with its server", 0), ("of a child", 1)):
        median = statistics.median(pair[place] for pair in starts)
        print(f"jail, start {what}: {1000 * median:{24 - len(what)}.1f} ms (median of {repeats})")
    print(f"all gates, a function:   {1000 * statistics.median(times):8.1f} ms (median of {repeats})")


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--modules", type=int, default=20)
    parser.add_argument("--functions", type=int, default=5, help="of each module")
    parser.add_argument("--latency", type=float, default=1.0, help="of the model, in seconds")
    parser.add_argument("--repeats", type=int, default=20)
    options = parser.parse_args()
    measure_gates(options.repeats)
    measure(options.modules, options.functions, options.latency)


if __name__ == "__main__":
    main()
