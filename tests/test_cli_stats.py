"""`poet stats` and the counts in `poet list`: what is told of calls of a function, and of its versions."""

import json
import os
import re
from collections.abc import Callable
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest
from click.testing import CliRunner, Result

from poet_import.cli import poet
from poet_import.events.batch import Batch
from poet_import.events.event import Execution, Failed, Feedback

SHOP = """from poet_import import poet


@poet(optimize_for="margin")
def price(sku: str) -> float:
    return 1.5


class Basket:
    @poet(optimize_for="speed")
    def total(self) -> float:
        return 1.5


def outer():
    @poet(optimize_for="speed")
    def inner() -> int:
        return 1

    return inner


@poet
def plain() -> int:
    return 1
"""
NOON = 1_772_366_400.0  # 2026-03-01 12:00 UTC
OWN, MODEL = "own-0123456789ab", "model-ba9876543210"
REFUSED = Failed("poet_import.errors.PerceiveError", "sku", "str")
Invoke = Callable[..., Result]


@pytest.fixture(autouse=True)
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Work in a directory that holds shop.py, with data of its own and none of the caller's settings."""
    for variable in [name for name in os.environ if name.startswith("POET_")]:
        monkeypatch.delenv(variable)
    monkeypatch.setenv("POET_CACHE_DIR", str(tmp_path / "cache"))
    monkeypatch.setenv("POET_DATA_DIR", str(tmp_path / "data"))
    here = tmp_path / "here"
    here.mkdir()
    monkeypatch.chdir(here)
    (here / "shop.py").write_text(SHOP, encoding="utf-8")
    return here


@pytest.fixture
def invoke() -> Invoke:
    """Run a command in this process."""
    return lambda *arguments: CliRunner().invoke(poet, arguments)


def store(place: Path, *events: Execution | Feedback) -> None:
    """Store events as functions with an objective do."""
    folder = place.parent / "data" / "events"
    lines = {"execution": "", "feedback": ""}
    for event, line in zip(events, Batch(events).lines, strict=True):
        lines["execution" if isinstance(event, Execution) else "feedback"] += line
    folder.mkdir(parents=True, exist_ok=True)
    for kind, text in lines.items():
        with (folder / f"{kind}.jsonl").open("a", encoding="utf-8") as file:
            file.write(text)


def call(number: int, **more: object) -> Execution:
    """Return a call, one a minute from noon on; the first fifty are of the function as it is written."""
    function, version = more.get("function", "shop.price"), more.get("version", OWN if number < 50 else MODEL)
    start, error = NOON + 60 * number, more.get("error")
    status = more.get("status", "perceive_error" if error else "success")
    told = (function, version, f"{function}:0123456789ab-{number:x}", start, start + 1, status)
    return Execution(*told, 1.0 + number, number % 2, error)  # type: ignore[arg-type]  # a row's values are its own


def said(number: int, value: float | str, function: str = "shop.price") -> Feedback:
    called = call(number, function=function)
    return Feedback(function, called.execution_id, f"{number}{value}", value, called.end, {})


@pytest.fixture
def _two_versions(place: Path) -> None:
    """Store a hundred calls of two versions, the second of which is right more often, and five that failed."""
    calls = [call(number, error=REFUSED if number % 20 == 7 else None) for number in range(100)]
    store(place, *calls, *(said(number, number % (2 if number < 50 else 10) != 0) for number in range(100)))


TOLD = """\
shop.price, 2026-03-01 12:00 to 2026-03-01 13:39
calls      100, 5 failed (5.0%)
failures   5 perceive_error poet_import.errors.PerceiveError
retries    50 in 50 calls
latency    p50 49.9 ms, p95 94.6 ms, p99 98.5 ms
objective  0.700 of 100 verdicts true
"""
COMPARED = """\
version             since       calls  failures  p95      objective
own-0123456789ab    2026-03-01  50     6.0%      47.9 ms  0.500 (0.366 to 0.634)
model-ba9876543210  2026-03-01  50     4.0%      98.5 ms  0.900 (0.786 to 0.957)

model-ba9876543210 against own-0123456789ab
  failures   -0.0200, at 95 % -0.126 to +0.0825 (Newcombe): no difference shown
  objective  +0.400, at 95 % +0.225 to +0.545 (Newcombe): higher
"""


@pytest.mark.usefixtures("_two_versions")
def test_stats_tell_of_calls_and_compare_versions(invoke: Invoke) -> None:
    told = invoke("stats", "shop.price").stdout

    assert told.startswith(TOLD)
    assert told.endswith(COMPARED)
    assert "           ▁▃▂▃▂▃▆▇▇▇▇█\n           from 0.333 to 1.00, 2026-03-01 12:00 to 2026-03-01 13:39\n" in told
    assert max(map(len, told.splitlines())) <= 80


@pytest.mark.usefixtures("_two_versions")
@pytest.mark.parametrize(
    "name", ["shop.price", "shop:price", "shop.py::price", "./shop.py::price", "../here/shop.py", "shop.py", "shop"]
)
def test_function_may_be_named_in_many_ways(invoke: Invoke, name: str) -> None:
    assert invoke("stats", name).stdout.startswith(TOLD)


@pytest.mark.parametrize(
    ("name", "function"),
    [
        pytest.param("shop.py::Basket.total", "shop.Basket.total", id="method"),
        pytest.param("shop.py::outer.<locals>.inner", "shop.outer.<locals>.inner", id="nested"),
        pytest.param("shop:outer.inner", "shop.outer.<locals>.inner", id="nested in short"),
        pytest.param("pkg/__init__.py::f", "pkg.f", id="package"),
        pytest.param("pkg/mod.py::f", "pkg.mod.f", id="module of a package"),
        pytest.param("names/mod.py::f", "names.mod.f", id="module of a package without a file"),
        pytest.param("names/mod.py::f", "mod.f", id="module of a folder on the path"),
    ],
)
def test_function_is_found_by_its_file(invoke: Invoke, place: Path, name: str, function: str) -> None:
    for path in ("pkg/__init__.py", "pkg/mod.py", "names/mod.py"):
        (place / path).parent.mkdir(exist_ok=True)
        (place / path).touch()
    store(place, call(1, function=function), call(2, function="other.f"))

    assert invoke("stats", name).stdout.startswith(f"{function}, ")


@pytest.mark.usefixtures("_two_versions")
def test_stats_as_json(invoke: Invoke) -> None:
    told = json.loads(invoke("stats", "shop.price", "--json").stdout)

    assert (told["function"], told["calls"], told["failed"]) == ("shop.price", 100, 5)
    assert told["failures"] == [
        {"status": "perceive_error", "type": "poet_import.errors.PerceiveError", "count": 5},
    ]
    assert [(one["version"], one["objective"]["mean"]) for one in told["versions"]] == [(OWN, 0.5), (MODEL, 0.9)]
    (compared,) = told["comparisons"]
    assert (compared["version"], compared["against"]) == (MODEL, OWN)
    assert compared["objective"]["interval"]["method"] == "Newcombe"
    assert sum(point["count"] for point in told["objective_over_time"]) == 100


def test_stats_without_feedback(invoke: Invoke, place: Path) -> None:
    store(place, call(1), call(2, status="closed", error=Failed("GeneratorExit")), call(60))

    told = invoke("stats", "shop").stdout
    as_json = json.loads(invoke("stats", "shop", "--json").stdout)

    assert "calls      3, none failed, 1 closed\n" in told
    assert "objective  no feedback yet; give it with poet_import.feedback() or poet feedback\n" in told
    assert "objective" not in told.partition("against")[2]
    assert (as_json["objective"], as_json["comparisons"][0]["objective"]) == (None, None)


def test_verdicts_that_are_texts_are_counted(invoke: Invoke, place: Path) -> None:
    store(
        place,
        call(1),
        said(1, "too dear"),
        said(1, "too\ndear"),
        said(1, "\x1b[2J"),
        said(1, "x" * 100),
        said(0, "stray"),
    )

    told = invoke("stats", "shop").stdout

    assert "verdicts   1 stray\n           1 too dear\n           1 too dear\n" in told
    assert f"           1 ?[2J\n           1 {'x' * 57}...\n" in told
    assert "           1 verdict on calls that are not stored, or are earlier\n" in told
    assert invoke("stats", "shop", "--plot", "p.svg").exit_code == 1


def test_numbers_have_a_mean(invoke: Invoke, place: Path) -> None:
    slow = Execution("shop.price", MODEL, "shop.price:0123456789ab-64", NOON + 9e4, NOON + 9e4, "success", 5e6, 0)
    store(place, *map(call, range(48, 52)), slow, *(said(number, 1000.0 * number) for number in range(48, 51)))

    told = invoke("stats", "shop").stdout

    assert re.search(r"p99 (4,9|5,0)\d\d s", told)
    assert "objective  49,000 on average, in 3 verdicts\n" in told
    assert "48,500 (42,147 to 54,853)" in told  # Student's point for one degree of freedom is 12.706
    assert "  objective  +1,500, of too few verdicts to tell more\n" in told


def test_only_the_newest_of_many_versions_are_told(invoke: Invoke, place: Path) -> None:
    calls = [call(number, version=f"own-{number:012x}") for number in range(14)]
    store(place, *calls, *(said(number, number) for number in range(14)))

    told = invoke("stats", "shop", "--plot", "p.svg").stdout.splitlines()
    as_json = json.loads(invoke("stats", "shop", "--json").stdout)
    picture = (place / "p.svg").read_text(encoding="utf-8")

    assert "4 earlier versions: --json tells of all" in told
    assert [line.split()[0] for line in told if line.startswith("own-")][0::9] == [f"own-{4:012x}", f"own-{13:012x}"]
    assert told[-3] == f"own-{13:012x} against own-{12:012x}"
    assert (len(as_json["versions"]), len(as_json["comparisons"])) == (14, 13)
    assert re.findall(r"own-(\w{12}):", picture) == [f"{number:012x}" for number in range(8, 14)]
    assert picture.count("#999999") == 8  # a point of each of those before


def test_equal_verdicts_are_a_level_line(invoke: Invoke, place: Path) -> None:
    store(place, call(1), call(9), said(1, True), said(9, True))

    assert invoke("stats", "shop").stdout.splitlines()[5].strip(" ") == "▄      ▄"


@pytest.mark.usefixtures("_two_versions")
def test_since_leaves_out_what_was_earlier(invoke: Invoke) -> None:
    for when, calls in (("2026-03-01T13:30", 10), ("2026-03-01T15:30+02:00", 10), ("2026-03-01", 100), ("9999w", 100)):
        assert f"calls      {calls}, " in invoke("stats", "shop", "--since", when).stdout


@pytest.mark.usefixtures("_two_versions")
def test_plot_is_an_svg_with_both_versions(invoke: Invoke, place: Path) -> None:
    assert invoke("stats", "shop", "--plot", "one.svg").exit_code == 0
    invoke("stats", "shop", "--plot", "other.svg")
    root = ET.fromstring((place / "one.svg").read_bytes())

    texts = ["".join(node.itertext()) for node in root.iter("{http://www.w3.org/2000/svg}text")]
    assert (place / "one.svg").read_bytes() == (place / "other.svg").read_bytes()
    assert texts[0] == "shop.price: objective by feedback"
    assert texts[-2:] == [f"{OWN}: 0.500 of 50 verdicts", f"{MODEL}: 0.900 of 50 verdicts"]
    assert len(list(root.iter("{http://www.w3.org/2000/svg}polyline"))) == 2


def test_plot_of_one_number_and_of_a_name_with_signs(invoke: Invoke, place: Path) -> None:
    nested = "shop.outer.<locals>.inner"
    store(place, call(1, function=nested), said(1, 2.5, nested), said(0, 2.5, nested))

    assert invoke("stats", nested, "--plot", "p.svg").exit_code == 0
    root = ET.fromstring((place / "p.svg").read_bytes())

    assert next(root.iter("{http://www.w3.org/2000/svg}text")).text == f"{nested}: objective by feedback"


@pytest.mark.usefixtures("_two_versions")
def test_stats_fit_a_narrow_terminal(on_terminal: Callable[..., str]) -> None:
    wide, narrow = (on_terminal("stats", "shop", COLUMNS=columns) for columns in ("100", "40"))

    assert COMPARED in wide
    assert f"{OWN}\n  since      2026-03-01\n  calls      50\n" in narrow
    assert max(len(line) for line in narrow.splitlines()[6:7]) <= 40
    assert "\x1b" not in wide


@pytest.mark.usefixtures("_two_versions")
def test_terminal_without_blocks_gets_letters(on_terminal: Callable[..., str]) -> None:
    told = on_terminal("stats", "shop", PYTHONIOENCODING="ascii")

    assert set(told.splitlines()[6].strip()) <= set("_.-=+*#@")


@pytest.mark.usefixtures("_two_versions")
@pytest.mark.parametrize(
    ("arguments", "status", "words"),
    [
        pytest.param(["shop:prise"], 1, "no call of shop:prise is stored; there are calls of shop.price", id="typo"),
        pytest.param(["app.py::price"], 1, "no such file or module: app.py; give a path", id="no file"),
        pytest.param(["other.price"], 1, "there are calls of shop.price", id="other module"),
        pytest.param(["zzz"], 1, "there are calls of shop.price", id="nothing like it"),
        pytest.param(["."], 1, ". is a folder; name a function, as ./shop.py::price", id="folder"),
        pytest.param(["shop", "--since", "2027-01-01"], 1, "leave --since out, or go back", id="nothing since"),
        pytest.param(["shop", "--since", "soon"], 2, "expected 90m, 12h, 7d, 2w or a date", id="no time"),
        pytest.param(["shop", "--since", "999999w"], 2, "expected 90m, 12h, 7d, 2w or a date", id="too long ago"),
        pytest.param(["shop", "--plot", "no/p.svg"], 1, "give --plot a file that can be written", id="no folder"),
    ],
)
def test_what_is_wrong_is_told_on_stderr(invoke: Invoke, arguments: list[str], status: int, words: str) -> None:
    result = invoke("stats", *arguments)

    assert (result.exit_code, result.stdout) == (status, "")
    assert words in result.stderr


def test_several_functions_are_told_apart(invoke: Invoke, place: Path) -> None:
    store(place, call(1), call(2, function="shop.Basket.total"))

    told = invoke("stats", "shop.py").stderr

    assert "shop.py may mean several functions; name one of them: shop.Basket.total, shop.price" in told


def test_nothing_was_stored_yet(invoke: Invoke) -> None:
    assert "no call of shop is stored, and none of any other function; " in invoke("stats", "shop").stderr


def test_events_that_cannot_be_read(invoke: Invoke, place: Path) -> None:
    (place.parent / "data" / "events" / "execution.jsonl").mkdir(parents=True)

    assert "execution.jsonl: Is a directory; POET_DATA_DIR names it" in invoke("stats", "shop").stderr
    listed = invoke("list")
    assert "execution.jsonl: Is a directory; calls are not shown" in listed.stderr
    assert listed.stdout.splitlines()[0].split()[-1] == "evidence"


def test_help_has_an_example(invoke: Invoke) -> None:
    assert "poet stats shop.price --plot price.svg" in invoke("stats", "--help").stdout
    assert "  stats " in invoke("--help").stdout


def test_list_counts_calls_where_there_are_any(invoke: Invoke, place: Path) -> None:
    before = invoke("list").stdout.splitlines()
    store(place, call(1), call(2, error=REFUSED), call(3))
    store(place, call(4, function="shop.outer.<locals>.inner"), call(5, function="other.price"))

    lines = invoke("list").stdout.splitlines()
    rows = json.loads(invoke("list", "--json").stdout)["functions"]

    assert before[0].split() == ["function", "domain", "origin", "version", "model", "evidence"]
    assert lines[0].split()[-2:] == ["calls", "failures"]
    assert [line.split()[2:] for line in lines[1:]] == [["woven", "3", "1"], ["woven"], ["woven", "1", "0"], ["woven"]]
    assert [(row["calls"], row["failures"]) for row in rows] == [(3, 1), (None, None), (1, 0), (None, None)]


def test_list_tells_what_cannot_be_read_and_goes_on(invoke: Invoke, place: Path) -> None:
    (place / "shop.py").write_text("x = 1\n", encoding="utf-8")
    (place / "torn.py").write_text("from poet_import import poet\n@poet\ndef f(:\n", encoding="utf-8")

    listed = invoke("list")

    assert listed.stdout == "no @poet function found\n"
    assert listed.stderr.startswith("torn.py:3: ")
