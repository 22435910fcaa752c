"""What is built from the repository: the wheel and the sdist hold all that runs, and work where they are installed."""

import os
import subprocess
import sys
import tarfile
import zipfile
from pathlib import Path

import pytest

pytestmark = pytest.mark.slow

ROOT = Path(__file__).parent.parent
DOMAINS = sorted(pointer.parent.name for pointer in ROOT.glob("templates/*/current"))


def build(source: Path, target: str, *, into: Path) -> Path:
    """Build without an environment of its own: that would need a network."""
    command = [sys.executable, "-m", "hatchling", "build", "--target", target, "--directory", str(into)]
    subprocess.run(command, cwd=source, check=True, capture_output=True)
    (archive,) = into.iterdir()
    return archive


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return build(ROOT, "wheel", into=tmp_path_factory.mktemp("wheel"))


@pytest.fixture(scope="module")
def sdist(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return build(ROOT, "sdist", into=tmp_path_factory.mktemp("sdist"))


@pytest.fixture(scope="module")
def installed(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Install the wheel alone; its dependencies come from the environment of the tests."""
    folder = tmp_path_factory.mktemp("installed")
    options = ["--quiet", "--disable-pip-version-check", "--no-deps", "--no-index", "--no-compile"]
    subprocess.run([sys.executable, "-m", "pip", "install", *options, "--target", str(folder), str(wheel)], check=True)
    return folder


def run_installed(installed: Path, *arguments: str, cwd: Path) -> str:
    """Run Python where the installed package hides the one of the repository; return what it prints."""
    environ = {
        **{name: value for name, value in os.environ.items() if not name.startswith(("POET_", "COVERAGE_"))},
        "PYTHONPATH": str(installed),
        "PYTHONSAFEPATH": "1",
        "POET_CACHE_DIR": str(cwd / "cache"),
    }
    ran = subprocess.run([sys.executable, *arguments], cwd=cwd, env=environ, check=True, capture_output=True, text=True)
    return ran.stdout


def test_wheel_holds_every_version_of_every_template_once(wheel: Path) -> None:
    repository = {
        f"poet_import/_templates/{path.relative_to(ROOT / 'templates').as_posix()}"
        for path in ROOT.glob("templates/*/v*/**/*")
        if path.is_file()
    }

    with zipfile.ZipFile(wheel) as archive:
        shipped = {name for name in archive.namelist() if name.startswith("poet_import/_templates/")}

    assert {name for name in shipped if not name.endswith("/current")} == repository


def test_wheel_names_the_current_version_in_a_plain_file(wheel: Path) -> None:
    with zipfile.ZipFile(wheel) as archive:
        current = {domain: archive.read(f"poet_import/_templates/{domain}/current").decode() for domain in DOMAINS}

    assert current == {domain: (ROOT / "templates" / domain / "current").resolve().name + "\n" for domain in DOMAINS}


def test_wheel_ships_its_types_and_its_license(wheel: Path) -> None:
    with zipfile.ZipFile(wheel) as archive:
        names = archive.namelist()

    assert "poet_import/py.typed" in names
    assert any(name.endswith(".dist-info/licenses/LICENSE") for name in names)


def test_wheel_holds_the_grammar_and_the_prompt_for_dana(wheel: Path) -> None:
    with zipfile.ZipFile(wheel) as archive:
        assert {"poet_import/dana/dana.lark", "poet_import/_templates/dana/v1/template.txt"} <= set(archive.namelist())


def test_wheel_from_the_sdist_is_the_wheel_from_the_repository(wheel: Path, sdist: Path, tmp_path: Path) -> None:
    with tarfile.open(sdist) as archive:
        archive.extractall(tmp_path / "source", filter="data")
    (source,) = (tmp_path / "source").iterdir()

    rebuilt = build(source, "wheel", into=tmp_path / "wheel")

    with zipfile.ZipFile(wheel) as one, zipfile.ZipFile(rebuilt) as other:
        assert sorted(one.namelist()) == sorted(other.namelist())


def test_pointer_that_became_a_folder_is_refused_by_the_build(sdist: Path, tmp_path: Path) -> None:
    with tarfile.open(sdist) as archive:
        archive.extractall(tmp_path / "source", filter="data")
    (source,) = (tmp_path / "source").iterdir()
    pointer = source / "templates" / DOMAINS[0] / "current"
    pointer.unlink()
    pointer.mkdir()

    with pytest.raises(subprocess.CalledProcessError) as caught:
        build(source, "wheel", into=tmp_path / "wheel")

    assert b"is a copy of a folder; write the name of the version" in caught.value.stderr


PRICE = """
from poet_import import describe, poet

@poet(domain="api_operations")
def price(sku: str) -> float:
    return 1.5

print(price("a"), describe(price).template)
try:
    price(3)
except Exception as error:
    print(error)
"""


def test_installed_package_finds_its_templates(installed: Path, tmp_path: Path) -> None:
    (tmp_path / "shop.py").write_text(PRICE, encoding="utf-8")

    printed = run_installed(installed, "-m", "poet_import", "run", "shop.py", cwd=tmp_path)

    assert printed.splitlines()[0] == "1.5 api_operations/v1"
    assert "sku: expected str, got" in printed


def test_console_script_starts_the_installed_package(installed: Path, tmp_path: Path) -> None:
    printed = run_installed(installed, str(installed / "bin" / "poet"), "--version", cwd=tmp_path)

    assert printed.startswith("poet, version ")
