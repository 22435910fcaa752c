"""The benchmarks run: a small part of their work, one process of each kind."""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest

_ROOT = Path(__file__).parents[1]
_WITHOUT_SITE = "-S"  # no installed library is seen
_WITHOUT_VALGRIND = {"PATH": ""}
_TITLES = ("Imports", "Once in a process", "Cold: the first import", "Imports through other hooks", "Calls")


def measure(*arguments: object, flag: str = "-B", **variables: str) -> "subprocess.CompletedProcess[str]":
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("POET_", "PYTHON", "COVERAGE_"))}
    quick = ("--repeats", "1", "--fraction", "0.05")
    command = [sys.executable, flag, "-m", "benchmarks", *quick, *map(str, arguments)]
    return subprocess.run(command, cwd=_ROOT, env=kept | variables, capture_output=True, text=True, check=True)


def rows_with_figures(page: str) -> list[str]:
    return re.findall(r"^\| .* \| -?[\d.,]+ \| .*\|$", page, flags=re.MULTILINE)


@pytest.mark.slow
def test_all_is_written_to_a_page_with_its_plot(tmp_path: Path) -> None:
    page = tmp_path / "found.md"

    measure("--output", page, flag=_WITHOUT_SITE, **_WITHOUT_VALGRIND)

    text = page.read_text(encoding="utf-8")
    assert [title for title in _TITLES if f"\n## {title}" not in text] == []
    assert "(found.svg)" in text
    assert len(rows_with_figures(text)) >= 20
    assert ET.parse(tmp_path / "found.svg").getroot().tag.endswith("svg")


def test_one_part_is_printed_alone() -> None:
    printed = measure("--only", "cold").stdout

    assert re.findall(r"^## (\w+)", printed, flags=re.MULTILINE) == ["Cold"]
    assert len(rows_with_figures(printed)) == 3


def test_libraries_that_are_not_installed_are_named_with_the_extra_that_has_them() -> None:
    done = measure("--only", "calls", flag=_WITHOUT_SITE)

    for text in (done.stderr, done.stdout):
        assert re.search(r"not compared with: beartype, .*stamina.* \(pip install 'poet-import\[peers\]'\)", text)
    assert "`@poet(retries=3)`" in done.stdout
    assert "| stamina |" not in done.stdout


def test_a_page_without_valgrind_says_that_it_has_time_only() -> None:
    printed = measure("--only", "imports", **_WITHOUT_VALGRIND).stdout

    assert "valgrind is not installed" in printed
    assert "not measured" in printed


@pytest.mark.slow
@pytest.mark.skipif(shutil.which("valgrind") is None, reason="valgrind counts the instructions")
def test_instructions_of_an_import_are_the_same_in_each_run() -> None:
    pages = [measure("--only", "imports").stdout for _ in range(2)]

    first, second = (float(re.findall(r"hook on / off \| ([\d.]+) \|", page)[0]) for page in pages)
    assert first == pytest.approx(second, abs=0.005)
