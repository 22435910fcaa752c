"""The poet command but for `poet run` and `poet show`: what it prints, where to, and with which exit status."""

import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import click
import pytest
from click.testing import CliRunner, Result

from poet_import.cli import main, poet

SHOP = "from poet_import import poet\n\n@poet\ndef price(sku: str) -> float:\n    return 1.5\n"
Invoke = Callable[..., Result]


@pytest.fixture(autouse=True)
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Work in a directory that holds shop.py, with a cache of its own and none of the caller's settings."""
    for variable in [name for name in os.environ if name.startswith("POET_")]:
        monkeypatch.delenv(variable)
    monkeypatch.setenv("POET_CACHE_DIR", str(tmp_path / "cache"))
    for variable in ("NO_COLOR", "PYTHONDONTWRITEBYTECODE"):
        monkeypatch.delenv(variable, raising=False)
    monkeypatch.setattr(sys, "dont_write_bytecode", False)
    monkeypatch.chdir(tmp_path)
    write("shop.py", SHOP)
    return tmp_path


@pytest.fixture
def invoke() -> Invoke:
    def call(*arguments: str) -> Result:
        return CliRunner().invoke(poet, arguments, prog_name="poet")

    return call


def write(path: str, text: str) -> None:
    Path(path).parent.mkdir(parents=True, exist_ok=True)
    Path(path).write_text(text, encoding="utf-8")


def start(*arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "poet_import", *arguments]
    return subprocess.run(command, capture_output=True, text=True, check=False)


def commands(group: click.Group, *path: str) -> Iterator[tuple[str, ...]]:
    yield path
    context = click.Context(group)
    for name in group.list_commands(context):
        command = group.get_command(context, name)
        if isinstance(command, click.Group):
            yield from commands(command, *path, name)
        else:
            yield (*path, name)


@pytest.mark.parametrize("path", [pytest.param(path, id="-".join(("poet", *path))) for path in commands(poet)])
def test_help_of_every_command_has_an_example(path: tuple[str, ...], invoke: Invoke) -> None:
    result = invoke(*path, "--help")

    assert result.exit_code == 0
    assert "Example" in result.output


@pytest.mark.parametrize(
    ("arguments", "status"),
    [
        pytest.param(["--version"], 0, id="version"),
        pytest.param(["shwo"], 2, id="unknown-command"),
        pytest.param([], 2, id="no-command"),
        pytest.param(["show", "missing.py"], 1, id="failure"),
    ],
)
def test_exit_status_tells_usage_from_failure(arguments: list[str], status: int) -> None:
    with pytest.raises(SystemExit) as caught:
        main(arguments)

    assert (caught.value.code or 0) == status


def test_arguments_come_from_the_command_line_by_default(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(sys, "argv", ["poet", "--version"])

    with pytest.raises(SystemExit):
        main()

    assert capsys.readouterr().out.startswith("poet, version ")


def test_error_goes_to_stderr_and_names_the_mending_step() -> None:
    ran = start("show", "missing.py")

    assert (ran.returncode, ran.stdout) == (1, "")
    assert ran.stderr.strip() == (
        "Error: no such file or module: missing.py; give a path, or a module that is found from here"
    )


def test_interrupt_ends_quietly_with_130(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    @click.command("wait")
    def wait() -> None:
        raise KeyboardInterrupt

    monkeypatch.setitem(poet.commands, "wait", wait)

    with pytest.raises(SystemExit) as caught:
        main(["wait"])

    assert caught.value.code == 130
    assert capsys.readouterr().err.strip() == ""


def test_reader_that_left_ends_it_quietly() -> None:
    reading, writing = os.pipe()
    os.close(reading)
    command = [sys.executable, "-m", "poet_import", "show", "shop.py"]

    ran = subprocess.run(command, stdout=writing, stderr=subprocess.PIPE, check=False)
    os.close(writing)

    assert (ran.returncode, ran.stderr) == (1, b"")


def test_status_names_each_setting_with_its_source(place: Path) -> None:
    write("pyproject.toml", '[tool.poet-import]\nstrict = true\ntemplates = ["domains"]\n')

    printed = start("status").stdout

    rows = {line.split()[0]: line for line in printed.splitlines() if line.strip()}
    assert rows["mode"].split() == ["mode", "offline", "from", "default"]
    assert rows["strict"].split() == ["strict", "yes", "from", str(place / "pyproject.toml")]
    assert "from POET_CACHE_DIR" in rows["cache_dir"]


def test_status_as_json_holds_settings_with_sources(place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("POET_STRICT", "1")

    status = json.loads(start("status", "--json").stdout)

    assert status["active"] is True
    assert status["cache_dir"] == str(place / "cache")
    assert status["settings"]["strict"] == {"value": True, "source": "POET_STRICT"}


def fill_cache() -> None:
    write("app.py", "import poet_import, shop")
    subprocess.run([sys.executable, "app.py"], check=True)


def test_cache_info_counts_modules_and_bytes(place: Path, invoke: Invoke) -> None:
    fill_cache()

    result = invoke("cache", "info")

    assert result.stdout.startswith(f"{place / 'cache'}: 1 module, ")
    assert result.stdout.endswith(" bytes\n")


def test_cache_info_as_json_counts_all_our_files(place: Path, invoke: Invoke) -> None:
    fill_cache()

    info = json.loads(invoke("cache", "info", "--json").stdout)

    assert (info["directory"], info["entries"]) == (str(place / "cache"), 1)
    assert info["bytes"] == sum(file.stat().st_size for file in (place / "cache").iterdir())


def test_cache_info_before_the_first_entry_is_zero(place: Path, invoke: Invoke) -> None:
    assert invoke("cache", "info").stdout == f"{place / 'cache'}: 0 modules, 0 implementations, 0 bytes\n"


def test_cache_clear_removes_our_files_only(place: Path, invoke: Invoke) -> None:
    fill_cache()
    write("cache/notes.txt", "mine")
    write("cache/.index.123.0a1b2c3d.tmp", "left by a killed writer")

    result = invoke("cache", "clear")

    assert result.stdout == f"removed 1 module from {place / 'cache'}\n"
    assert [file.name for file in (place / "cache").iterdir()] == ["notes.txt"]


@pytest.mark.parametrize("command", ["info", "clear"])
def test_cache_without_a_directory_says_how_to_get_one(
    command: str, place: Path, invoke: Invoke, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("POET_CACHE_DIR", str(place / "shop.py"))

    assert "set POET_CACHE_DIR to one that only you can write to" in invoke("cache", command).output


def test_cache_that_python_may_not_write_says_so(invoke: Invoke, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "dont_write_bytecode", True)
    assert "unset PYTHONDONTWRITEBYTECODE" in invoke("cache", "info").stdout


def test_commands_do_not_import_rich_unless_they_print_with_it() -> None:
    program = "import sys, poet_import.cli; print('rich' in sys.modules)"

    ran = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)

    assert ran.stdout == "False\n"
