"""Tools that look on while code runs: coverage, debuggers, profilers, doctest. They see the user's lines and nothing more."""

import re
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

InOrder = Callable[[str], str]
Run = Callable[..., "subprocess.CompletedProcess[str]"]
Write = Callable[..., Path]

SHOP = """\
from poet_import import poet


@poet(retries=1, retry_on=OSError, timeout=60)
def price(quantity: int, tries: list) -> int:
    tries.append(quantity)
    if len(tries) == 1:
        raise OSError
    total = quantity * 2
    return total


@poet
def plain(quantity: int) -> int:
    doubled = quantity * 2
    return doubled
"""


@pytest.fixture(autouse=True)
def without_coverage_of_the_tests(monkeypatch: pytest.MonkeyPatch) -> None:
    """Keep the tests' own coverage out of their processes: there is one tracer for each."""
    monkeypatch.delenv("COVERAGE_PROCESS_START", raising=False)
    monkeypatch.delenv("COVERAGE_PROCESS_CONFIG", raising=False)


COVER = """
import shop
shop.price(1, [0])
shop.plain(1)
collector.stop()
_, statements, _, missing, _ = collector.analysis2("shop.py")
print(statements, missing)
"""
COVERAGE = "import coverage; collector = coverage.Coverage(data_file=None); collector.start()"


def test_coverage_counts_the_same_lines(run_python: Run, write: Write, in_order: InOrder) -> None:
    write(SHOP)

    told = [run_python("-W", "error", "-c", in_order(COVERAGE) + COVER, POET_ACTIVATE=on) for on in "10"]

    assert told[0].stdout == "[1, 4, 5, 6, 7, 8, 9, 10, 13, 14, 15, 16] [8]\n", told[0].stderr
    assert told[1].stdout == told[0].stdout


BREAK = """
class Watch(bdb.Bdb):
    def user_line(self, frame):
        line = frame.f_lineno
        if frame.f_code.co_name == "price" and line > 8:
            seen.append((line, frame.f_locals.get("total")))
        self.set_next(frame) if line == 9 else self.set_continue()

seen = []
import shop
watch = Watch()
watch.set_break(shop.__file__, 9)
print(watch.runcall(shop.price, 1, [0, 0]), seen)
"""


def test_a_breakpoint_stops_in_the_body_once_and_steps_to_the_next_line(
    run_python: Run, write: Write, in_order: InOrder
) -> None:
    write(SHOP)

    done = run_python("-W", "error", "-c", in_order("import bdb") + BREAK)

    assert (done.stdout, done.stderr) == ("2 [(9, None), (10, 2)]\n", "")


def test_pdb_stops_at_a_function_and_steps_through_the_users_lines(run_python: Run, write: Write) -> None:
    write(SHOP)
    write("import poet_import\nimport shop\nprint('result', shop.plain(1))\n", "main")
    script = "tbreak 3; continue; tbreak shop.plain; continue; where; next; where; p doubled; continue; quit"
    commands = [word for command in script.split("; ") for word in ("-c", command)]

    printed = run_python("-m", "pdb", *commands, "main.py").stdout

    stops = re.findall(r"^> .*shop\.py(.*)$", printed, flags=re.MULTILINE)
    assert stops == ["(15)plain()", "(16)plain()"], printed
    assert "\n2\nresult 2\n" in printed


PROFILE = """
import shop
profile = cProfile.Profile()
shop.plain(1), shop.price(1, [0, 0])
profile.enable()
for _ in range(5):
    shop.plain(1)
profile.disable()
print(sorted((code.co_name, entry.callcount) for entry in profile.getstats() if hasattr(code := entry.code, "co_name")))
"""


def test_a_profile_has_the_function_under_its_own_name_and_no_frame_of_ours(
    run_python: Run, write: Write, in_order: InOrder
) -> None:
    write(SHOP)

    done = run_python("-W", "error", "-c", in_order("import cProfile") + PROFILE)

    assert (done.stdout, done.stderr) == ("[('plain', 5)]\n", "")


DOCTESTED = '''\
"""Sell things."""
{activation}from poet_import import poet


@poet
def price(quantity: int) -> int:
    """Tell the price.

    >>> price(2)
    4
    >>> price("2")
    Traceback (most recent call last):
    poet_import.errors.PerceiveError: {module}.price(): quantity: expected int, got str '2'
    """
    return quantity * 2


class Shop:
    @poet
    def total(self, quantity: int) -> int:
        """Tell the total.

        >>> Shop().total(3)
        3
        """
        return quantity
'''


@pytest.mark.parametrize("activation", ["", "import poet_import\n"], ids=["bare", "activated"])
def test_doctest_runs_the_examples_of_marked_functions(run_python: Run, write: Write, activation: str) -> None:
    text = DOCTESTED.format(activation=activation, module="shop").replace(">>> Shop().total(3)", ">>> Shop().total(4)")
    write(text)
    line = next(number for number, words in enumerate(text.splitlines(), 1) if "Shop().total(4)" in words)

    printed = run_python("-m", "doctest", "shop.py").stdout

    assert f'shop.py", line {line}, in shop.Shop.total\n' in printed
    assert printed.count("Failed example:") == 1


def test_doctest_finds_the_examples_of_an_imported_module(run_python: Run, write: Write, in_order: InOrder) -> None:
    write(DOCTESTED.format(activation="", module="shop"))

    done = run_python("-W", "error", "-c", in_order("import doctest") + "import shop\nprint(doctest.testmod(shop))")

    assert (done.stdout, done.stderr) == ("TestResults(failed=0, attempted=3)\n", "")
