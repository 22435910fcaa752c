"""The life of an implementation at the command line: build, check, list, explain, diff, rollback, promote, prune."""

import json
import os
import re
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import NamedTuple

import pytest

from poet_import.cache.traces import add_traces
from poet_import.cli import main

sys.path.insert(0, str(Path(__file__).parent / "generators"))
from scripted_model import Exchange, ScriptedModel, answer, asked_for, prompt_of, status  # found there only


class Result(NamedTuple):
    """What a command did."""

    exit_code: int
    stdout: str
    stderr: str


Invoke = Callable[..., Result]
SHOP = """from poet_import import poet


@poet
def total(prices: list[int]) -> int:
    result = 0
    for price in prices:
        result += price
    return result


class Basket:
    @poet
    def doubled(self, count: int) -> int:
        return count * 2
"""
BETTER = {
    "total": "def total(prices: list[int]) -> int:\n    return sum(prices)\n",
    "doubled": "def doubled(self, count: int) -> int:\n    return count + count\n",
}
WORSE = "def total(prices: list[int]) -> int:\n    return sum(prices) + 1\n"


def improving(exchange: Exchange) -> None:
    """Answer with a better body where one is known, else with the function as it is."""
    found = re.search(r"`{3,}python\n(.*?)\n`{3,}", prompt_of(exchange.body), re.DOTALL)
    assert found
    answer(BETTER.get(asked_for(exchange.body), f"{found[1]}\n"))(exchange)


@pytest.fixture
def model() -> Iterator[ScriptedModel]:
    with ScriptedModel(improving) as running:
        yield running


@pytest.fixture(autouse=True)
def place(tmp_path: Path, model: ScriptedModel, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Work in a directory that holds shop.py, with a model, a cache of its own and none of the caller's settings."""
    for variable in [name for name in os.environ if name.startswith(("POET_", "OPENAI", "ANTHROPIC"))]:
        monkeypatch.delenv(variable)
    monkeypatch.setenv("POET_CACHE_DIR", str(tmp_path / "cache"))
    monkeypatch.setenv("POET_LLM_BASE_URL", model.url)
    monkeypatch.setenv("POET_MODEL", "openai/tiny")
    monkeypatch.setenv("NO_COLOR", "1")
    folder = tmp_path / "project"
    folder.mkdir()
    monkeypatch.chdir(folder)
    Path("shop.py").write_text(SHOP)
    return folder


@pytest.fixture
def invoke(capsys: pytest.CaptureFixture[str]) -> Invoke:
    def call(*arguments: str) -> Result:
        capsys.readouterr()
        with pytest.raises(SystemExit) as caught:
            main(arguments)
        return Result(int(caught.value.code or 0), *capsys.readouterr())

    return call


def test_build_freezes_what_is_missing_and_then_has_nothing_to_do(
    invoke: Invoke, place: Path, model: ScriptedModel
) -> None:
    first, second = invoke("build"), invoke("build")

    assert (first.exit_code, second.exit_code) == (0, 0), first.stderr
    assert "frozen  shop.py::total v1, 30 tokens\n" in first.stdout
    assert first.stdout.endswith("2 frozen, 0 were sound already, 0 not frozen, 60 tokens\n")
    assert second.stdout == "0 frozen, 2 were sound already, 0 not frozen, 0 tokens\n"
    assert (place / ".poet" / "shop.total" / "v1" / "code.py").read_text() == BETTER["total"]
    assert (place / ".poet" / "shop.Basket.doubled" / "current").read_text() == "v1\n"
    assert len(model.requests) == 2


def test_build_of_one_function_leaves_the_others(invoke: Invoke, place: Path) -> None:
    assert invoke("build", "shop.py::total").exit_code == 0
    assert sorted(entry.name for entry in (place / ".poet").iterdir()) == ["shop.total", "shop.total=v1"]
    assert invoke("build", "--only", "Basket.doubled").exit_code == 0
    assert len(list((place / ".poet").iterdir())) == 4


def test_dry_run_asks_nobody_and_writes_nothing(invoke: Invoke, place: Path, model: ScriptedModel) -> None:
    result = invoke("build", "--dry-run")
    found = json.loads(invoke("build", "--dry-run", "--json").stdout)

    assert result.exit_code == 0
    assert re.search(r"would build shop.py::total: about \d+ tokens\n", result.stdout)
    assert "2 functions, 2 requests, about" in result.stdout
    assert (found["requests"], found["tokens"] > 500) == (2, True)
    assert (model.requests, (place / ".poet").exists()) == ([], False)


def test_build_tells_what_is_refused_and_fails(invoke: Invoke, model: ScriptedModel) -> None:
    model.script(answer(WORSE))

    result = invoke("build", "shop.py::total")

    assert result.exit_code == 1
    assert "failed  shop.py::total: each of its 3 answers was refused, the last by semantics" in result.stderr
    assert result.stdout == "0 frozen, 0 were sound already, 1 not frozen, 90 tokens\n"
    again = invoke("build", "shop.py::total")
    assert (again.exit_code, len(model.requests)) == (1, 3)  # a refusal is remembered for minutes


def test_build_tells_that_nobody_answers(invoke: Invoke, model: ScriptedModel) -> None:
    model.script(status(401, "wrong key"))

    result = invoke("build", "--json")

    found = json.loads(result.stdout)
    assert result.exit_code == 1
    assert {row["stage"] for row in found["functions"]} == {"failed"}
    assert "401 Unauthorized: wrong key" in result.stdout


def test_budget_ends_a_build_and_the_next_one_goes_on(invoke: Invoke, model: ScriptedModel) -> None:
    result = invoke("build", "--jobs", "1", "--budget", "20")

    assert result.exit_code == 1
    assert "left    shop.py::Basket.doubled: the budget of 20 tokens is used up" in result.stderr
    assert (invoke("build").exit_code, len(model.requests)) == (0, 2)


@pytest.mark.parametrize(
    ("variables", "words"),
    [
        pytest.param({"POET_MODEL": ""}, "no model is configured; give --model PROVIDER/MODEL", id="no-model"),
        pytest.param({"POET_MODE": "offline"}, "the mode is offline (from POET_MODE)", id="offline"),
        pytest.param({"POET_MODEL": "qwen", "POET_LLM_BASE_URL": ""}, "poet doctor tries it", id="no-provider"),
    ],
)
def test_build_without_a_model_says_what_to_do(
    invoke: Invoke, monkeypatch: pytest.MonkeyPatch, variables: dict[str, str], words: str
) -> None:
    for name, value in variables.items():
        monkeypatch.setenv(name, value)

    result = invoke("build")

    assert (result.exit_code, words in result.stderr) == (1, True), result.stderr


def test_file_that_is_no_python_is_told_and_the_rest_is_built(invoke: Invoke, place: Path) -> None:
    (place / "broken.py").write_text("import poet_import\ndef f(:\n")

    result = invoke("build")

    assert result.exit_code == 1
    assert "failed  broken.py:2: invalid syntax" in result.stderr
    assert "2 frozen" in result.stdout


def test_check_is_green_after_a_build_and_asks_nobody(invoke: Invoke, model: ScriptedModel) -> None:
    invoke("build")
    asked = len(model.requests)

    result = invoke("check")

    assert (result.exit_code, result.stdout) == (0, "2 fresh\n")
    assert len(model.requests) == asked


def spoil(place: Path) -> None:
    """Make one function stale and one missing, and edit two more so that a gate refuses the one and not the other."""
    (place / "shop.py").write_text(SHOP.replace("result = 0", "result = 1"))
    for name, code in {"good": "return a + 1", "bad": "return a + 2"}.items():
        (place / f"{name}.py").write_text(f"from poet_import import poet\n\n@poet\ndef f(a: int) -> int:\n    {code}\n")


def test_check_tells_each_state_and_the_command_that_mends_it(invoke: Invoke, place: Path) -> None:
    spoil(place)
    (place / "shop.py").write_text(SHOP)
    assert invoke("build", "--only", "total", "--only", "f").exit_code == 0
    spoil(place)
    for name, code in {"good": "    b = a\n    return b + 1\n", "bad": "    b = a\n    return b + 1\n"}.items():
        (place / ".poet" / f"{name}.f" / "v1" / "code.py").write_text(f"def f(a: int) -> int:\n{code}")

    result = invoke("check")

    assert result.exit_code == 1
    assert "shop.py:5: total v1 is stale: the function has changed since\n    mend it: poet build shop.py::total\n" in (
        result.stdout
    )
    assert "shop.py:14: Basket.doubled nothing is frozen for it\n" in result.stdout
    assert "bad.py:4: f v1 was edited, and is refused by semantics, rule value" in result.stdout
    assert result.stdout.endswith("1 edited, 1 stale, 1 missing, 1 invalid\n")


def test_check_in_other_formats(invoke: Invoke, place: Path) -> None:
    invoke("build", "shop.py::total")

    found = json.loads(invoke("check", "--format", "json").stdout)
    github = invoke("check", "--format", "github").stdout
    sarif = json.loads(invoke("check", "--format", "sarif").stdout)

    assert found["counts"] == {"fresh": 1, "missing": 1}
    assert found["functions"][1]["mend"] == "poet build shop.py::Basket.doubled"
    assert github == (
        "::error file=shop.py,line=14,title=poet missing::"
        "Basket.doubled nothing is frozen for it; poet build shop.py%3A%3ABasket.doubled\n"
    )
    (result,) = sarif["runs"][0]["results"]
    location = result["locations"][0]["physicalLocation"]
    assert (sarif["version"], result["ruleId"]) == ("2.1.0", "missing")
    assert location == {"artifactLocation": {"uri": "shop.py"}, "region": {"startLine": 14}}
    assert place.is_dir()


def test_check_of_a_folder_without_marked_functions(invoke: Invoke, place: Path) -> None:
    (place / "shop.py").write_text("x = 1\n")

    assert invoke("check").stdout == "no @poet function found\n"


def test_list_shows_what_runs_in_each_function(invoke: Invoke) -> None:
    invoke("build", "shop.py::total")

    lines = invoke("list").stdout.splitlines()
    rows = json.loads(invoke("list", "--json").stdout)["functions"]

    assert lines[0].split() == ["function", "domain", "origin", "version", "model", "evidence"]
    assert re.fullmatch(r"shop\.py::total +base +frozen +v1 +openai/tiny +trial, \d+ inputs", lines[1])
    assert lines[2].split() == ["shop.py::Basket.doubled", "base", "woven"]
    assert max(map(len, lines)) <= 90
    assert [row["origin"] for row in rows] == ["frozen", "woven"]


def test_explain_tells_what_was_tried_and_refused(invoke: Invoke, model: ScriptedModel) -> None:
    model.script(answer(WORSE), answer(BETTER["total"]))
    invoke("build", "shop.py::total")

    text = invoke("explain", "shop.py::total").stdout
    record = json.loads(invoke("explain", "shop.py::total", "--json").stdout)

    assert text.startswith("shop.py::total, v1 of v1: fresh\n")
    assert "written by openai/tiny, 20" in text
    assert "2 answers, 20 tokens in, 40 out" in text
    assert re.search(r"semantics  both did the same in the jail, with \d+ inputs", text)
    assert "refused before\n    answer 1: semantics, value, line 1: the result differs" in text
    assert (record["state"], record["model"]) == ("fresh", "openai/tiny")


def test_diff_is_unified_where_nobody_looks(invoke: Invoke) -> None:
    invoke("build", "shop.py::total")

    text = invoke("diff", "shop.py::total").stdout

    assert text.startswith("--- shop.py::total\n+++ .poet/shop.total/v1/code.py\n")
    assert "-    result = 0\n" in text
    assert "+    return sum(prices)\n" in text


def test_diff_stands_side_by_side_on_a_wide_terminal(invoke: Invoke, on_terminal: Callable[..., str]) -> None:
    invoke("build", "shop.py::total")

    wide = on_terminal("diff", "shop.py::total", COLUMNS="123")
    narrow = on_terminal("diff", "shop.py::total", COLUMNS="80")

    assert [(line[:60].rstrip(), line[60:63].strip(), line[63:]) for line in wide.splitlines()] == [
        ("shop.py::total", "", ".poet/shop.total/v1/code.py"),
        ("-" * 60, "-", "-" * 60),
        ("def total(prices: list[int]) -> int:", "", "def total(prices: list[int]) -> int:"),
        ("    result = 0", "|", "    return sum(prices)"),
        ("    for price in prices:", "|", ""),
        ("        result += price", "|", ""),
        ("    return result", "|", ""),
    ]
    assert narrow.startswith("--- shop.py::total\n+++ .poet/shop.total/v1/code.py\n")


def test_list_fits_a_narrow_terminal(invoke: Invoke, on_terminal: Callable[..., str]) -> None:
    invoke("build", "shop.py::total")

    wide, narrow = (on_terminal("list", COLUMNS=columns).splitlines() for columns in ("200", "60"))

    assert (len(wide), len(narrow)) == (3, 6)
    assert max(map(len, narrow)) <= 60
    assert "\n".join(wide).split() == "\n".join(narrow).split()


def test_rollback_and_back_again(invoke: Invoke, model: ScriptedModel, place: Path) -> None:
    invoke("build", "shop.py::total")
    model.script(answer(BETTER["total"].replace("sum(prices)", "sum(iter(prices))")))
    (place.parent / "cache").rename(place.parent / "old")  # else the same answer is found there
    invoke("build", "--again", "shop.py::total")

    back = invoke("rollback", "shop.py::total")
    diff = invoke("diff", "shop.py::total", "--from", "v2").stdout
    forth = invoke("rollback", "shop.py::total", "--to", "v2")

    assert back.stdout == "shop.py::total: v1 is current, v2 was\n"
    assert "-    return sum(iter(prices))\n+    return sum(prices)\n" in diff
    assert forth.stdout == "shop.py::total: v2 is current, v1 was\n"
    assert invoke("check", "shop.py::total").exit_code == 0


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        pytest.param(["rollback", "shop.py::total"], "nothing is earlier than v1; it has v1", id="nothing-earlier"),
        pytest.param(["rollback", "shop.py::total", "--to", "v7"], "has no version v7; it has v1", id="no-version"),
        pytest.param(["rollback", "shop.py::Basket.doubled"], "nothing is frozen for it; run poet build", id="none"),
        pytest.param(["promote", "shop.py::total"], "has no shadow; run poet build --shadow", id="no-shadow"),
        pytest.param(["explain", "shop.py::Basket.doubled"], "nothing is frozen for it", id="explain-none"),
        pytest.param(["diff", "shop.py::Basket.doubled"], "nothing is frozen for it", id="diff-none"),
        pytest.param(["diff", "shop.py::total", "--from", "v7"], "has no version v7; it has v1", id="diff-no-version"),
        pytest.param(["explain", "shop.py"], "has several functions; name one of them: shop.py::total", id="several"),
        pytest.param(["explain", "."], ". is a folder; name a function", id="folder"),
        pytest.param(["explain", "shop.py::totals"], "has no function totals; did you mean total?", id="unknown"),
        pytest.param(["check", "missing.py"], "no such file or module: missing.py", id="no-file"),
        pytest.param(["build", "shop.py::totals"], "has no function totals; did you mean total?", id="build-unknown"),
    ],
)
def test_what_is_not_there_is_told_on_stderr(invoke: Invoke, arguments: list[str], words: str) -> None:
    invoke("build", "shop.py::total")

    result = invoke(*arguments)

    assert (result.exit_code, result.stdout) == (1, "")
    assert words in result.stderr


def test_prune_keeps_what_runs_and_the_newest(invoke: Invoke, place: Path) -> None:
    invoke("build")
    folder = place / ".poet" / "shop.total"
    for number in range(2, 6):
        (folder / f"v{number}").mkdir()
    (place / ".poet" / "shop.gone" / "v1").mkdir(parents=True)
    (place / ".poet" / "depot.total" / "v1").mkdir(parents=True)
    (place / ".poet" / "depot.mean=v3").write_text("")

    would = invoke("prune", "--dry-run").stdout
    assert would.splitlines() == [
        "would remove .poet/depot.mean",
        "would remove .poet/depot.total",
        "would remove .poet/shop.gone",
        "would remove .poet/shop.total/v2",
        "would remove .poet/shop.total/v3",
    ]
    assert invoke("prune").stdout == would.replace("would remove", "removed")
    assert sorted(entry.name for entry in folder.iterdir()) == ["current", "v1", "v4", "v5"]
    assert invoke("prune").stdout == "nothing to remove\n"
    assert not list((place / ".poet").glob("depot*"))


@pytest.mark.parametrize(
    ("options", "wrong", "told", "mend"),
    [
        pytest.param(
            [], "=v7", "is v1, and .poet/shop.total=v7 tells another version", "rollback {} --to v1", id="current"
        ),
        pytest.param(
            ["--shadow"],
            "=v1~v2",
            "has a shadow, and .poet/shop.total=v1~v2 tells another version",
            "build --shadow --again {}",
            id="shadow",
        ),
    ],
)
def test_mark_that_tells_another_version_is_told_and_mended(
    invoke: Invoke, place: Path, options: list[str], wrong: str, told: str, mend: str
) -> None:
    target = "shop.py::total"
    invoke("build", *options, target)
    (mark,) = (place / ".poet").glob("shop.total=*")
    mark.rename(place / ".poet" / f"shop.total{wrong}")

    checked = invoke("check", target)

    mend = mend.format(target)
    assert checked.exit_code == 1
    assert checked.stdout == f"shop.py:5: total {told}\n    mend it: poet {mend}\n1 mismarked\n"
    assert invoke(*mend.split()).exit_code == 0
    assert invoke("check", target).exit_code == 0
    assert [entry.name for entry in (place / ".poet").glob("shop.total=*")] == [mark.name]


def test_mark_that_is_missing_is_no_fault(invoke: Invoke, place: Path) -> None:
    invoke("build", "shop.py::total")
    (place / ".poet" / "shop.total=v1").unlink()

    assert invoke("check", "shop.py::total").stdout == "1 fresh\n"


def git(*arguments: str) -> "subprocess.CompletedProcess[str]":
    author = ["-c", "user.name=a", "-c", "user.email=a@example.org"]
    return subprocess.run(["git", *author, *arguments], capture_output=True, text=True, check=False)


def test_branches_that_freeze_different_functions_merge_and_the_same_one_conflicts(
    invoke: Invoke, model: ScriptedModel, place: Path
) -> None:
    git("init", "-b", "main")
    git("add", "shop.py")
    git("commit", "-m", "start")
    for branch, name in {"one": "total", "two": "Basket.doubled"}.items():
        git("checkout", "-b", branch, "main")
        invoke("build", f"shop.py::{name}")
        git("add", ".poet")
        git("commit", "-m", name)

    assert git("merge", "one").returncode == 0
    assert invoke("check").stdout == "2 fresh\n"

    git("checkout", "-b", "three", "main")
    (place.parent / "cache").rename(place.parent / "old")
    model.script(answer(BETTER["total"].replace("sum(prices)", "sum(iter(prices))")))
    invoke("build", "shop.py::total")
    git("add", ".poet")
    git("commit", "-m", "total")
    merged = git("merge", "one")

    assert merged.returncode == 1
    assert "CONFLICT (add/add): Merge conflict in .poet/shop.total/v1/code.py" in merged.stdout


def test_what_was_answered_before_a_kill_is_not_asked_again(place: Path, model: ScriptedModel, tmp_path: Path) -> None:
    functions = "".join(f"\n@poet\ndef f{n}(a: int) -> int:\n    return a + {n}\n" for n in range(6))
    (place / "shop.py").write_text(f"from poet_import import poet\n{functions}")
    command = [sys.executable, "-m", "poet_import", "build", "--jobs", "2"]

    def behave(exchange: Exchange) -> None:
        name = asked_for(exchange.body)
        answer(f"def {name}(a: int) -> int:\n    return {name[1:]} + a\n", delay=0.2)(exchange)

    model.script(behave)
    with subprocess.Popen(command, stdout=subprocess.PIPE) as first:
        assert first.stdout is not None
        first.stdout.readline()
        first.kill()
    asked = len(model.requests)
    second = subprocess.run(command, capture_output=True, text=True, check=False)

    assert (second.returncode, second.stderr) == (0, "")
    assert len(model.requests) <= 6 + 2  # those that were under way when it was killed
    assert asked < 6
    assert tmp_path.is_dir()


def test_answer_from_before_is_judged_again_by_calls_that_were_recorded_since(
    invoke: Invoke, place: Path, model: ScriptedModel
) -> None:
    odd = BETTER["total"].replace("return", "return 0 if sum(prices) ** 2 % 1000003 == 239914 else")
    model.script(answer(odd))
    assert invoke("build", "shop.py::total").exit_code == 0
    model.script(improving)
    assert "v1, 0 tokens" in invoke("build", "--again", "shop.py::total").stdout

    add_traces(str(place / ".poet"), "shop.total", ["{'prices': [271828]}"])
    assert "v2, 30 tokens" in invoke("build", "--again", "shop.py::total").stdout
    assert "v2, 0 tokens" in invoke("build", "--again", "shop.py::total").stdout
    assert "nothing to remove" in invoke("prune").stdout
