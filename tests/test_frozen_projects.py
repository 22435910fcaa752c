"""A project whose implementations are frozen runs without a network, without writing, and from an installed wheel."""

import subprocess
import sys
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest

from poet_import.templates import store_over
from poet_import.transpiler.building import freeze
from poet_import.transpiler.project import sites_of
from poet_import.transpiler.woven import Body
from poet_import.validation import validate

Run = Callable[..., "subprocess.CompletedProcess[str]"]
Write = Callable[..., Path]

SHOP = "from poet_import import poet\n\n\n@poet\ndef total(prices: list[int]) -> int:\n    return sum(prices)\n"
BETTER = "def total(prices: list[int]) -> int:\n    return sum(iter(prices))\n"
CUT_OFF = """
import socket, sys
class Nothing:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in ("httpx", "libcst", "jinja2", "asyncio"):
            raise ImportError(f"{name} is not to be had")
sys.meta_path.insert(0, Nothing())
def refuse(*_, **__):
    raise OSError("no network")
socket.socket.connect = socket.create_connection = socket.getaddrinfo = refuse
import poet_import
"""
USE = "import {0} as shop; print(shop.total([1, 2]), poet_import.describe(shop.total).origin)"


def frozen(path: Path) -> None:
    (site,) = sites_of(str(path), store_over(()))
    implementation = validate(BETTER, site.wanted.original).implementation
    assert implementation is not None
    freeze(site, Body(implementation, "", "tiny", record={"model": "tiny"}))


def test_frozen_project_needs_neither_network_nor_model(write: Write, run_python: Run, tmp_path: Path) -> None:
    frozen(write(SHOP))

    ran = run_python(CUT_OFF + USE.format("shop"), POET_MODE="frozen", PYTHONDONTWRITEBYTECODE="1")

    assert (ran.stdout, ran.stderr) == ("3 frozen\n", "")
    assert not (tmp_path / "cache").exists()


@pytest.mark.slow
def test_frozen_implementations_come_along_in_a_wheel(tmp_path: Path, run_python: Run) -> None:
    project = tmp_path / "project"
    (project / "store").mkdir(parents=True)
    (project / "store" / "__init__.py").write_text("")
    (project / "store" / "shop.py").write_text(SHOP)
    (project / "pyproject.toml").write_text(
        "[build-system]\nrequires = ['hatchling']\nbuild-backend = 'hatchling.build'\n"
        "[project]\nname = 'store'\nversion = '1'\n[tool.hatch.build.targets.wheel]\npackages = ['store']\n"
    )
    frozen(project / "store" / "shop.py")
    build = [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(tmp_path / "dist")]
    subprocess.run(build, cwd=project, check=True, capture_output=True)
    (wheel,) = (tmp_path / "dist").glob("*.whl")
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(tmp_path / "installed")

    path = str(tmp_path / "installed")
    ran = run_python(f"import sys; sys.path.insert(0, {path!r})\nimport poet_import\n" + USE.format("store.shop"))

    assert (ran.stdout, ran.stderr) == ("3 frozen\n", "")
