"""`poet run --dana`, and the ways to activate the hook in a Dana that nobody can edit."""

import os
import re
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest
from host_process import CHECKOUT, environ_for

Run = Callable[..., "subprocess.CompletedProcess[str]"]
Write = Callable[..., Path]

SANDBOX = """
print("starting")

class Result:
    def __init__(self, error):
        self.success, self.error = error is None, error

class DanaSandbox:
    def __enter__(self):
        print("ready")
        return self

    def __exit__(self, *_):
        print("bye")

    def execute_file(self, path):
        import shop
        print("ran", path, "__poet__" in shop.price.__code__.co_names)
        return Result("it failed\\n\\nFull traceback: long" if "bad" in path else None)
"""
PROGRAM = """
import shop.py as m
print(m.price("a"))
print(m.price(1))
"""
PRICE = "@poet\ndef price(sku: str) -> float:\n    return 1.5\n"
REFUSED = "PerceiveError - shop.price(): sku: expected str, got int 1"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Return a folder with a program and its module."""
    (tmp_path / "main.na").write_text(PROGRAM)
    (tmp_path / "shop.py").write_text(PRICE)
    return tmp_path


@pytest.fixture
def sandbox(write: Write) -> None:
    """Have something like Dana installed."""
    for package in ("dana", "dana/core", "dana/core/lang"):
        write("", f"{package}/__init__.py")
    write(SANDBOX, "dana/core/lang/dana_sandbox.py")


@pytest.mark.usefixtures("sandbox", "folder")
def test_a_dana_program_is_run_with_its_modules_woven(run_python: Run) -> None:
    ran = run_python("-m", "poet_import", "run", "--dana", "main.na")

    assert (ran.returncode, ran.stdout) == (0, "ran main.na True\nbye\n")
    assert ran.stderr == "starting\nready\n"


@pytest.mark.usefixtures("sandbox")
def test_a_dana_program_that_fails_says_so_on_standard_error(run_python: Run, folder: Path) -> None:
    (folder / "bad.na").touch()
    ran = run_python("-m", "poet_import", "run", "--dana", "bad.na")

    assert (ran.returncode, ran.stderr) == (1, "starting\nready\nit failed\n")


@pytest.mark.usefixtures("folder")
@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        pytest.param(["--dana", "main.na"], "Error: Dana cannot be loaded here (No module named 'dana')", id="no-dana"),
        pytest.param(["--dana", "none.na"], "no such file: none.na", id="no-file"),
        pytest.param(["--dana", "main.na", "a=1"], "a Dana program takes no arguments: a=1", id="arguments"),
        pytest.param(["--dana", "-m", "shop"], "a Dana program is run by its path, without -m", id="module"),
    ],
)
def test_what_cannot_be_run_is_told(run_python: Run, arguments: list[str], message: str) -> None:
    ran = run_python("-m", "poet_import", "run", *arguments)

    assert ran.returncode in (1, 2)
    assert message in ran.stderr


def run(command: list[str], folder: Path, **environ: str) -> str:
    done = subprocess.run(
        command,
        cwd=folder,
        env={**environ_for(folder / "cache"), **environ},
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )
    return done.stdout + done.stderr


PLAIN = """
import sys
from dana.core.lang.dana_sandbox import DanaSandbox
result = DanaSandbox().execute_file("main.na")
print(str(result.error))
sys.stdout.flush()
"""


@pytest.mark.slow
def test_poet_run_runs_a_program_in_the_real_dana(dana_python: str, folder: Path) -> None:
    printed = run([dana_python, "-m", "poet_import", "run", "--dana", "main.na"], folder)

    assert printed.startswith("1.5\n")
    assert REFUSED in printed


@pytest.mark.slow
def test_the_example_prints_what_it_and_its_document_say(dana_python: str, tmp_path: Path) -> None:
    example = CHECKOUT / "examples" / "dana_host" / "stock.na"
    done = subprocess.run(
        [dana_python, "-m", "poet_import", "run", "--dana", example],
        env=environ_for(tmp_path),
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )
    expected = re.findall(r"^# expect: (.*)$", example.read_text(encoding="utf-8"), re.MULTILINE)

    assert done.stdout.splitlines() == expected
    assert done.stdout in (CHECKOUT / "docs" / "dana-host.md").read_text(encoding="utf-8")


@pytest.mark.slow
def test_a_hosting_program_imports_us(dana_python: str, folder: Path) -> None:
    assert REFUSED in run([dana_python, "-c", f"import poet_import\n{PLAIN}"], folder)


@pytest.mark.slow
def test_without_activation_the_bare_name_is_nobodys(dana_python: str, folder: Path) -> None:
    assert "name 'poet' is not defined" in run([dana_python, "-c", PLAIN], folder)


@pytest.mark.slow
def test_a_dana_that_nobody_can_edit_is_activated_by_a_path_file(dana_python: str, folder: Path) -> None:
    subprocess.run([dana_python, "-m", "venv", "--without-pip", folder / "venv"], check=True, timeout=120)
    ask = "import sysconfig; print(sysconfig.get_path('purelib'))"
    base, own = (
        subprocess.run([python, "-c", ask], capture_output=True, text=True, check=True, timeout=60).stdout.strip()
        for python in (dana_python, folder / "venv/bin/python")
    )
    Path(own, "dana.pth").write_text(f"{base}\n{CHECKOUT}\n")  # as if both were installed there
    Path(own, "poet_import_host.pth").write_text("import poet_import\n")

    assert REFUSED in run([str(folder / "venv/bin/python"), "-c", PLAIN], folder, PYTHONPATH="")


@pytest.mark.slow
def test_a_dana_that_nobody_can_edit_is_activated_by_an_environment_variable(dana_python: str, folder: Path) -> None:
    startup = folder / "startup"
    startup.mkdir()
    (startup / "sitecustomize.py").write_text("import poet_import\n")
    paths = os.pathsep.join([str(startup), str(CHECKOUT)])

    assert REFUSED in run([dana_python, "-c", PLAIN], folder, PYTHONPATH=paths)


@pytest.mark.slow
def test_activation_is_turned_off_by_an_environment_variable(dana_python: str, folder: Path) -> None:
    printed = run([dana_python, "-c", f"import poet_import\n{PLAIN}"], folder, POET_ACTIVATE="0")

    assert "name 'poet' is not defined" in printed
