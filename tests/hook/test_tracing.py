"""What coverage and a debugger see of a woven module: what they see of it without the hook."""

import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

Run = Callable[..., "subprocess.CompletedProcess[str]"]
Write = Callable[..., Path]

STAND_IN = "def poet(function=None, **options):\n    return function or (lambda marked: marked)\n"
pytestmark = pytest.mark.usefixtures("untraced")

MIXED = '''\
"""Sell."""
import asyncio
from poet_import import poet


@poet
def checked(quantity: int, word: str = "tea") -> str:
    """Say it."""
    if quantity > 3:
        return word
    elif quantity == 3:
        word = "three"
    else:
        word = word.upper()
    return (
        word
        + "!"
    )


@poet(retries=2, timeout=20)
def loops(limit: int) -> int:
    total = 0
    for number in range(limit):
        if number == 1:
            continue
        if number == 4:
            break
        total += number
    else:
        total = -1
    while limit:
        limit -= 1
        if limit > 6:
            return total
    else:
        total += 1
    return total


@poet(retries=1, retry_on=OSError)
def cleans(key: str) -> int:
    try:
        with open("/dev/null") as file:
            return len({"a": "x"}[key] + file.read())
    except (ValueError, KeyError) as error:
        if key == "worse":
            raise
        key = str(error)
    finally:
        key = key.strip()
    return -1


@poet(timeout=20)
def matches(value: object) -> str | None:
    match value:
        case int() if value > 3:
            return "many"
        case [first, *_]:
            return str(first)
        case {"key": found}:
            value = found
        case _:
            pass


@poet(retries=1)
def yields(count: int):
    for number in range(count):
        got = yield number
        if got:
            yield from [got, got]
    return count


@poet(retries=1, timeout=20)
async def waits(count: int) -> int:
    await asyncio.sleep(0)
    async with asyncio.Lock():
        if count:
            return await waits(count - 1)
    try:
        return sum([number async for number in streams(3)])
    finally:
        count = 0


@poet
async def streams(count: int):
    while count:
        count -= 1
        yield count


@poet(retries=1)
def one_line(x: int) -> int: return x


class Shop:
    """Has methods."""

    @poet(timeout=20)
    def __init__(self, rate: float):
        self.rate = rate

    @property
    @poet
    def price(self) -> float:
        def double(number: float) -> float:
            return number * 2
        return double(self.rate) if self.rate else 0.0

    @poet(domain="api_operations")
    def many(self, count: int) -> list[float]:
        start = 0
        return [
            self.price
            for _ in range(start, count)
            if self.price
        ]


@poet
def falls(limit: int) -> None:
    if limit:
        limit += 1


@poet
def stub(): ...


def run():
    [checked(quantity) for quantity in (5, 3, 1)]
    [loops(limit) for limit in (0, 3, 5, 8)]
    [cleans(key) for key in ("a", "b")]
    try:
        cleans("worse")
    except KeyError:
        pass
    [matches(value) for value in (5, 1, [2], {"key": 1})]
    generator = yields(3)
    [next(generator), generator.send("x"), *generator]
    asyncio.run(waits(2))
    one_line(1)
    Shop(1.5).many(2), Shop(0.0).many(1)
    falls(0), falls(1)
    stub()
'''
TRAINED = MIXED.replace("@poet\n", "@poet()\n").replace("@poet(", "@poet(optimize_for='speed', ")
both = pytest.mark.parametrize("text", [pytest.param(MIXED, id="plain"), pytest.param(TRAINED, id="trained")])

MEASURE = """
import json, os, coverage
outer = coverage.Coverage.current()  # measures this suite, and is not what is tested
if outer:
    outer.stop()
measured = coverage.Coverage(branch=True, data_file=None, config_file=False, include=["*/mixed.py"])
measured.start()
import mixed
mixed.run()
measured.stop()
data, file = measured.get_data(), os.path.abspath("mixed.py")
missing = measured.analysis2(file)[3]
print(json.dumps([sorted(data.lines(file)), sorted(data.arcs(file)), missing, list(measured.branch_stats(file).items())]))
"""

# Counts how often each line stops a debugger, by line or by function name, with what the locals are.
DEBUG = """
import bdb, json, os, sys

class Debugger(bdb.Bdb):
    def user_line(self, frame):
        if self.break_here(frame):
            names = {name: value for name, value in frame.f_locals.items() if not name.startswith("_poet_")}
            stops.append([frame.f_code.co_name, frame.f_lineno, sorted(names)])
        self.set_continue()

    def user_return(self, *_):
        self.set_continue()

    user_exception = user_return

stops = []
import mixed
debugger = Debugger()
for place in json.loads(sys.argv[1]):
    kind = {"lineno": place} if isinstance(place, int) else {"lineno": line_of(place), "funcname": place}
    assert not debugger.set_break(os.path.abspath("mixed.py"), **kind), place
debugger.runcall(mixed.run)
print(json.dumps(stops))
""".replace("line_of(place)", "getattr(mixed, place).__code__.co_firstlineno")


@pytest.fixture
def with_and_without(run_python: Run, write: Write, tmp_path: Path) -> Callable[..., tuple[str, ...]]:
    """Run a program over the mixed module with a marker that does nothing; then woven; then from the cache."""
    write(STAND_IN, "without/poet_import")

    def call(program: str, *arguments: str, text: str = MIXED, **variables: str) -> tuple[str, ...]:
        write(text, "mixed")
        without = run_python("-c", program, *arguments, **variables, PYTHONPATH=f"{tmp_path / 'without'}:{tmp_path}")
        activated = f"import poet_import\n{program}\nassert poet_import.status().modules['mixed'].functions"
        both = [run_python("-c", activated, *arguments, **variables) for _ in range(2)]
        assert not (without.stderr + both[0].stderr + both[1].stderr), (without.stderr, both)
        assert without.stdout
        return without.stdout, both[0].stdout, both[1].stdout

    return call


@both
@pytest.mark.parametrize("core", ["ctrace", "pytrace"])
def test_coverage_sees_the_same_lines_and_arcs(
    with_and_without: Callable[..., tuple[str, ...]], core: str, text: str
) -> None:
    without, woven, cached = with_and_without(MEASURE, text=text, COVERAGE_CORE=core)

    assert (woven, cached) == (without, without)


BODY_LINES = [number for number, line in enumerate(MIXED.splitlines(), 1) if line.startswith("    ")]


@both
def test_a_breakpoint_on_a_line_of_the_body_hits_as_often_as_without_the_hook(
    with_and_without: Callable[..., tuple[str, ...]], text: str
) -> None:
    without, woven, cached = with_and_without(DEBUG, str(BODY_LINES), text=text)

    assert (woven, cached) == (without, without)


@both
def test_a_breakpoint_on_a_function_hits_at_each_call(
    with_and_without: Callable[..., tuple[str, ...]], text: str
) -> None:
    names = '["checked", "loops", "cleans", "matches", "yields", "waits", "streams", "one_line", "falls", "stub"]'
    without, woven, cached = with_and_without(DEBUG, names, text=text)

    assert (woven, cached) == (without, without)


def test_a_first_statement_that_begins_to_run_below_its_first_line_keeps_its_arcs(
    with_and_without: Callable[..., tuple[str, ...]],
) -> None:
    text = "from poet_import import poet\n@poet\ndef run(x: int = 1):\n    return (\n        x\n        + 1\n    )\n"
    without, woven, cached = with_and_without(MEASURE, text=text)

    assert (woven, cached) == (without, without)
