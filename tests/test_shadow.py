"""A shadow runs beside the function on some calls; what differs is told, and never reaches the caller."""

import json
import os
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from poet_import.cli import main
from poet_import.templates import store_over
from poet_import.transpiler.building import freeze
from poet_import.transpiler.project import sites_of
from poet_import.transpiler.woven import Body
from poet_import.validation import validate

Run = Callable[..., "subprocess.CompletedProcess[str]"]
Write = Callable[..., Path]

SHOP = """
from poet_import import poet

RATE = 2

@poet
def total(prices: list[int], *more: int, rate: int = 1, **named: int) -> int:
    return sum(prices) * rate + sum(more) + sum(named.values()) + RATE

class Basket:
    def __init__(self, size):
        self.size = size

    @poet
    def doubled(self, count: int) -> int:
        return count * 2
"""
HEAD = "def total(prices: list[int], *more: int, rate: int = 1, **named: int) -> int:\n"
SAME = f"{HEAD}    result = RATE + sum(more)\n    return result + sum(prices) * rate + sum(named.values())\n"
OTHER = f"{HEAD}    if len(prices) == 3:\n        return 'three'\n    return sum(prices) * rate + RATE\n"
PROGRAM = """
import poet_import, shop, time
from poet_import import runtime
prices = {prices}
for number in range({calls}):
    assert shop.total(list(prices), 4, rate=2, a=number) == sum(prices) * 2 + 4 + number + 2
print(poet_import.status().modules["shop"].state)
"""


def shadow(write: Write, text: str) -> Path:
    path = write(SHOP)
    (site, _) = sites_of(str(path), store_over(()))
    implementation = validate(SAME, site.wanted.original).implementation
    assert implementation is not None
    record = {"gates": [{"gate": "semantics", "method": "trial", "inputs": 480}], "model": "tiny"}
    freeze(site, Body(implementation, "", "tiny", record=record), pointer="shadow")
    (path.parent / ".poet" / "shop.total" / "v1" / "code.py").write_text(text)
    for entry in [path.parent / ".poet", *(path.parent / ".poet").rglob("*")]:
        os.utime(entry, (1_000_000_000, 1_000_000_000))
    return path


def explained(path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> str:
    monkeypatch.setenv("POET_DATA_DIR", str(path.parent / "data"))
    monkeypatch.chdir(path.parent)
    with pytest.raises(SystemExit):
        main(["explain", "shop.py::total"])
    return capsys.readouterr().out


def test_shadow_that_never_differs_is_told_with_its_bound(
    write: Write,
    run_python: Run,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    path = shadow(write, SAME)
    program = PROGRAM.format(prices=[1, 2], calls=60) + "time.sleep(0.5)\n"

    for state in ("rewritten", "cached"):
        ran = run_python(program, POET_DATA_DIR=str(tmp_path / "data"))
        assert (ran.stdout, ran.stderr) == (f"{state}\n", "")

    text = explained(path, monkeypatch, capsys)
    assert "v1 runs as a shadow: 48 calls compared, 0 differed\n" in text
    assert "at 95 % confidence, at most 6.25% of such calls differ (3 in 48)" in text


def test_differences_are_told_without_values_and_never_raised(
    write: Write,
    run_python: Run,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    path = shadow(write, OTHER)

    for prices in ([7001, 7002], [7001, 7002, 7003]):
        program = PROGRAM.format(prices=prices, calls=5) + "time.sleep(0.5)\n"
        ran = run_python(program, POET_DATA_DIR=str(tmp_path / "data"))
        assert ran.stderr == ""

    text = explained(path, monkeypatch, capsys)
    assert "v1 runs as a shadow: 10 calls compared, 10 differed\n" in text
    assert "    another int is returned\n" in text
    assert "    the shadow returns str where the function returns int\n" in text
    assert "700" not in "".join(file.read_text() for file in (tmp_path / "data" / "shadows").iterdir())


def test_promoted_shadow_answers(
    write: Write, run_python: Run, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    path = shadow(write, SAME)
    monkeypatch.chdir(path.parent)
    with pytest.raises(SystemExit):
        main(["check", "shop.py::total"])
    assert capsys.readouterr().out == "1 shadow\n"

    with pytest.raises(SystemExit):
        main(["promote", "shop.py::total"])

    assert capsys.readouterr().out == "shop.py::total: v1 is current, the function itself was\n"
    ran = run_python("import poet_import, shop; print(poet_import.describe(shop.total).origin)")
    assert ran.stdout == "frozen\n"
    assert not (path.parent / ".poet" / "shop.total" / "shadow").exists()


def test_report_that_is_damaged_is_none(
    write: Write, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    path = shadow(write, SAME)
    folder = tmp_path / "data" / "shadows"
    folder.mkdir(parents=True)
    for number, content in enumerate(("{", "[]", json.dumps({"place": "shop.total", "version": "v1"}))):
        (folder / f"{number}.json").write_text(content)

    assert "0 calls compared, 0 differed\n" in explained(path, monkeypatch, capsys)
