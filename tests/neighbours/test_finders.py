"""Other finders in ``sys.meta_path``: one that asks all of them in its turn, and those of editable installs."""

import os
import subprocess
import sys
import venv
from collections.abc import Callable
from pathlib import Path

import pytest

import poet_import

InOrder = Callable[[str], str]
Run = Callable[..., "subprocess.CompletedProcess[str]"]
Write = Callable[..., Path]

SHOP = """\
from poet_import import poet

@poet
def price(quantity: int) -> int:
    return quantity + 1
"""

USE = """
import sys
import poet_import
from {package} import shop
print(shop.price(1), poet_import.status().modules[shop.__name__].state)
try:
    shop.price("1")
except poet_import.PerceiveError:
    print("refused")
"""

BIRDSEYE = """
import sys

class Birdseye:
    asked = []

    def find_spec(self, fullname, path=None, target=None):
        self.asked.append(fullname)
        finders = [finder for finder in sys.meta_path if finder is not self]
        for finder in finders:
            spec = finder.find_spec(fullname, path, target)
            if spec is not None:
                return spec

sys.meta_path.{place}
"""


@pytest.mark.parametrize("place", ["insert(0, Birdseye())", "append(Birdseye())"], ids=["head", "end"])
def test_a_finder_that_asks_the_whole_meta_path_gets_one_answer(
    run_python: Run, write: Write, in_order: InOrder, place: str
) -> None:
    write("", "pkg/__init__")
    write(SHOP, "pkg/shop")
    missing = "\ntry: import nowhere\nexcept ModuleNotFoundError as error: print(error, error.name)"

    done = run_python("-W", "error", "-c", in_order(BIRDSEYE.format(place=place)) + USE.format(package="pkg") + missing)

    assert done.stderr == ""
    assert done.stdout == "2 rewritten\nrefused\nNo module named 'nowhere' nowhere\n"


PROJECT = """\
[build-system]
requires = ["setuptools"]
build-backend = "setuptools.build_meta"

[project]
name = "stall"
version = "1"

[tool.setuptools]
package-dir = {{ stall = "{folder}" }}
packages = ["stall"]
"""


# The finders of editable installs come when the interpreter starts, by a file of this kind; ours comes later or before.
EARLY = "AAA.pth"


@pytest.mark.slow
@pytest.mark.parametrize("is_early", [True, False], ids=["ours-first", "ours-last"])
@pytest.mark.parametrize(("mode", "package"), [("compat", "stall"), ("strict", "code"), ("lenient", "code")])
def test_an_editable_install_is_woven(write: Write, tmp_path: Path, *, mode: str, package: str, is_early: bool) -> None:
    pytest.importorskip("setuptools", reason="setuptools comes with the extra 'peers'")
    python = install_editable(tmp_path, write, mode, package=package)
    if is_early:
        (site_of(tmp_path) / EARLY).write_text("import poet_import\n")

    told = [run_in(tmp_path, python, USE.format(package="stall")) for _ in range(2)]

    assert [done.stderr for done in told] == ["", ""]
    assert [done.stdout for done in told] == ["2 rewritten\nrefused\n", "2 cached\nrefused\n"]


def site_of(folder: Path) -> Path:
    return next((folder / "venv").glob("lib/*/site-packages"))


def install_editable(folder: Path, write: Write, mode: str, *, package: str) -> Path:
    """Install a project of one package into an environment of its own, which sees what is installed here."""
    write("", f"project/{package}/__init__")
    write(SHOP, f"project/{package}/shop")
    (folder / "project" / "pyproject.toml").write_text(PROJECT.format(folder=package))
    venv.create(folder / "venv", symlinks=True)
    (site_of(folder) / "outer.pth").write_text("\n".join(path for path in sys.path if path.endswith("site-packages")))
    python = folder / "venv" / "bin" / "python"
    install = [str(python), "-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--no-build-isolation"]
    options = ["--no-deps", "--no-index", "--config-settings", f"editable_mode={mode}", "-e", str(folder / "project")]
    subprocess.run([*install, *options], check=True, capture_output=True, text=True)
    return python


def run_in(folder: Path, python: Path, code: str) -> "subprocess.CompletedProcess[str]":
    dropped = ("POET_", "PYTHON", "COVERAGE_")
    kept = {name: value for name, value in os.environ.items() if not name.startswith(dropped)}
    checkout = str(Path(poet_import.__file__).parent.parent)
    environment = {**kept, "PYTHONPATH": checkout, "POET_CACHE_DIR": str(folder / "cache")}
    command = [str(python), "-W", "error", "-c", code]
    return subprocess.run(command, capture_output=True, text=True, check=False, cwd=folder, env=environment)
