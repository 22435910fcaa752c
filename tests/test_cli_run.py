"""`poet run`: what `python` does with a program, it does, and the program is woven."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

LOOKS_AROUND = """\
import sys
print(__name__, sys.modules["__main__"].__dict__ is globals(), sys.argv, sys.path[0])
print(__file__, __package__, __cached__, __spec__ and __spec__.name, type(__builtins__).__name__, type(__loader__.name))
"""
PRICE = """\
from poet_import import poet

@poet
def price(sku: str) -> float:
    return 1.5

"""


@pytest.fixture(autouse=True)
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Work in an empty directory with a cache of its own and none of the caller's settings."""
    for variable in [name for name in os.environ if name.startswith("POET_")]:
        monkeypatch.delenv(variable)
    monkeypatch.delenv("PYTHONDONTWRITEBYTECODE", raising=False)
    monkeypatch.setenv("POET_CACHE_DIR", str(tmp_path / "cache"))
    monkeypatch.chdir(tmp_path)
    return tmp_path


def write(path: str, text: str) -> None:
    Path(path).parent.mkdir(parents=True, exist_ok=True)
    Path(path).write_text(text, encoding="utf-8")


def python(*arguments: str, **environ: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, *arguments]
    return subprocess.run(command, env={**os.environ, **environ}, capture_output=True, text=True, check=False)


def poet_run(*arguments: str, **environ: str) -> subprocess.CompletedProcess[str]:
    return python("-m", "poet_import", "run", *arguments, **environ)


def outcome(ran: subprocess.CompletedProcess[str]) -> tuple[int, str, str]:
    return ran.returncode, ran.stdout, ran.stderr


@pytest.mark.parametrize(
    "arguments",
    [
        pytest.param(("script.py", "a", "--flag", "--", "-m", "--help"), id="script"),
        pytest.param(("folder/script.py",), id="script-elsewhere"),
        pytest.param(("linked.py",), id="link-to-a-script"),
        pytest.param(("folder", "a"), id="folder"),
        pytest.param(("-m", "script", "--help", "--", "-m", "x"), id="module"),
        pytest.param(("-mscript", "a"), id="module-in-one-word"),
        pytest.param(("-m", "package", "a"), id="package"),
        pytest.param(("-m", "package.inner"), id="inner-module"),
    ],
)
def test_program_sees_what_it_sees_under_python(arguments: tuple[str, ...], place: Path) -> None:
    for path in ("script.py", "folder/__main__.py", "folder/script.py", "package/__main__.py", "package/inner.py"):
        write(path, LOOKS_AROUND)
    write("package/__init__.py", "")
    (place / "linked.py").symlink_to(place / "folder" / "script.py")

    assert outcome(poet_run(*arguments)) == outcome(python(*arguments))


def test_safe_path_keeps_its_meaning() -> None:
    write("script.py", "import sys; print(sys.path)")

    ran = poet_run("script.py", PYTHONSAFEPATH="1")

    assert ran.stdout == python("script.py", PYTHONSAFEPATH="1").stdout


@pytest.mark.parametrize(
    "arguments", [pytest.param(("script.py",), id="script"), pytest.param(("-m", "script"), id="module")]
)
def test_functions_of_the_program_itself_are_woven(arguments: tuple[str, ...]) -> None:
    write("script.py", PRICE + "import poet_import\nprint(poet_import.describe(price).origin)\nprice(3)\n")

    ran = poet_run(*arguments)

    assert (ran.returncode, ran.stdout) == (1, "woven\n")
    assert "PerceiveError: __main__.price(): sku: expected str, got" in ran.stderr


def test_second_run_of_a_script_comes_from_the_cache() -> None:
    write("script.py", PRICE + "import poet_import\nprint(poet_import.status().modules['__main__'].state)\n")

    assert [poet_run("script.py").stdout for _ in range(2)] == ["rewritten\n", "cached\n"]


def test_script_leaves_no_bytecode_beside_it(place: Path) -> None:
    write("script.py", PRICE)

    poet_run("script.py")

    assert not (place / "__pycache__").exists()


def test_modules_that_the_program_imports_are_woven() -> None:
    write("shop.py", PRICE)
    write("script.py", "import poet_import, shop\nprint(poet_import.status().modules['shop'].state)\n")

    assert poet_run("script.py").stdout == "rewritten\n"


def test_inactive_hook_leaves_the_script_to_the_marker() -> None:
    write("script.py", "import poet_import\nprint(poet_import.status().active)\n")

    assert poet_run("script.py", POET_ACTIVATE="0").stdout == "False\n"


@pytest.mark.parametrize(
    "program",
    [
        pytest.param("import sys\nsys.exit(7)\n", id="status"),
        pytest.param("import sys\nsys.exit('no luck')\n", id="exit-with-a-message"),
        pytest.param("def f():\n    return 1 / 0\n\n\nf()\n", id="uncaught-exception"),
        pytest.param("try:\n    1 / 0\nexcept ZeroDivisionError as e:\n    raise ValueError('x') from e\n", id="chain"),
        pytest.param("import sys\nsys.excepthook = lambda kind, *_: print('mine:', kind)\n1 / 0\n", id="excepthook"),
        pytest.param("import click\nraise click.ClickException('mine')\n", id="exception-of-click"),
        pytest.param("import nowhere\n", id="missing-import"),
        pytest.param("import atexit\natexit.register(print, 'bye')\nprint('hello')\n", id="atexit"),
    ],
)
@pytest.mark.parametrize("by", ["script", "module"])
def test_end_of_the_program_is_that_under_python(program: str, by: str) -> None:
    write("script.py", program)
    arguments = ("script.py",) if by == "script" else ("-m", "script")

    ours, its = poet_run(*arguments), python(*arguments)

    assert outcome(ours) == (its.returncode, its.stdout, without_runpy(its.stderr))


@pytest.mark.parametrize(
    "arguments", [pytest.param(("script.py",), id="script"), pytest.param(("-m", "script"), id="module")]
)
def test_syntax_error_is_printed_as_python_prints_that_of_a_script(arguments: tuple[str, ...]) -> None:
    write("script.py", "from poet_import import poet\ndef f(:\n")

    assert outcome(poet_run(*arguments)) == outcome(python("script.py"))


def without_runpy(traceback: str) -> str:
    """Return what Python prints without the frames of its own that it shows under ``-m``."""
    return "".join(line for line in traceback.splitlines(keepends=True) if "<frozen runpy>" not in line)


@pytest.mark.skipif(os.name == "nt", reason="a process there cannot be ended by a signal")
def test_interrupted_program_dies_of_the_signal_as_under_python(place: Path) -> None:
    write("script.py", "raise KeyboardInterrupt\n")

    ran = poet_run("script.py")

    assert ran.returncode == -signal.SIGINT
    assert ran.stderr.splitlines()[1].strip() == f'File "{place / "script.py"}", line 1, in <module>'


def test_error_in_a_package_around_the_module_is_shown_from_the_package_on(place: Path) -> None:
    write("package/__init__.py", "import nowhere\n")
    write("package/inner.py", "")

    ran = poet_run("-m", "package.inner")

    assert ran.returncode == 1
    assert ran.stderr.splitlines()[1].strip() == f'File "{place / "package/__init__.py"}", line 1, in <module>'
    assert "ModuleNotFoundError: No module named 'nowhere'" in ran.stderr


@pytest.mark.parametrize(
    ("arguments", "status", "message"),
    [
        pytest.param((), 2, "nothing to run: name a script, or a module with -m", id="nothing"),
        pytest.param(("-m",), 2, "Option '-m' requires an argument", id="no-module"),
        pytest.param(("missing.py",), 2, "no such file: missing.py; a module is run with -m", id="no-script"),
        pytest.param(("-m", "missing"), 1, "no module named 'missing' to run", id="missing-module"),
        pytest.param(("-m", "missing.inner"), 1, "no module named 'missing.inner' to run", id="missing-package"),
        pytest.param(("-m", "package"), 1, "no module named 'package.__main__' to run", id="package-without-main"),
        pytest.param(("-m", "sys"), 1, "'sys' has no Python code to run", id="built-in"),
    ],
)
def test_what_cannot_be_run_is_said_in_one_line(arguments: tuple[str, ...], status: int, message: str) -> None:
    write("package/__init__.py", "")

    ran = poet_run(*arguments)

    assert ran.returncode == status
    assert message in ran.stderr.splitlines()[-1]


def test_classes_of_a_script_can_be_pickled() -> None:
    write("script.py", "import pickle\nclass C: pass\nprint(type(pickle.loads(pickle.dumps(C()))) is C)\n")

    assert poet_run("script.py").stdout == "True\n"
