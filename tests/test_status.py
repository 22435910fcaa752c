"""What `status` tells of the hook and of each module."""

import subprocess
from collections.abc import Callable
from pathlib import Path
from types import ModuleType

import pytest

import poet_import
from poet_import import PoetFallbackWarning

Load = Callable[..., ModuleType]
Run = Callable[..., "subprocess.CompletedProcess[str]"]
Write = Callable[..., Path]

MARKED = "@poet\ndef price(quantity: int): return quantity\n"


@pytest.mark.usefixtures("load")
def test_an_active_hook_tells_its_cache_and_settings(tmp_path: Path) -> None:
    status = poet_import.status()

    assert (status.active, status.cache_dir, dict(status.modules)) == (True, str(tmp_path / "cache"), {})
    assert status.settings.cache_dir == str(tmp_path / "cache")
    assert str(status).startswith(f"hook active, cache {tmp_path / 'cache'}\nno module")


@pytest.mark.usefixtures("load")
def test_uninstall_shows() -> None:
    poet_import.uninstall()
    poet_import.uninstall()

    assert not poet_import.status().active
    assert str(poet_import.status()).startswith("hook inactive")


def test_a_hook_that_was_never_active_tells_the_settings_of_the_start(run_python: Run, tmp_path: Path) -> None:
    code = """
import os, poet_import
os.environ["POET_STRICT"] = "0"
status = poet_import.status()
print(status.active, status.settings.strict, status.cache_dir)
"""

    result = run_python(code, POET_ACTIVATE="0", POET_STRICT="1")

    assert result.stdout.split() == ["False", "True", str(tmp_path / "cache")]


def test_modules_are_listed_with_their_states_and_reasons(load: Load) -> None:
    load("def jit(function): return function", "numba")
    load("WORD = 'plain'", "plain")
    load(MARKED, "shop")
    load(f"{MARKED}import numba\n@poet\n@numba.jit\ndef fast(): pass\n", "mixed")
    load("import numba\n@poet\n@numba.jit\ndef fast(): pass\n", "fast")
    with pytest.warns(PoetFallbackWarning):
        load(f"_poet_result = 1\n{MARKED}", "taken")

    modules = poet_import.status().modules

    told = {name: (row.state, row.functions, row.reason) for name, row in modules.items()}
    jit = "fast: numba.jit compiles it from its bytecode"
    assert told == {
        "fast": ("bypassed", 1, jit),
        "mixed": ("rewritten", 2, jit),
        "shop": ("rewritten", 1, ""),
        "taken": ("fallback", 0, told["taken"][2]),
    }
    assert "the name _poet_result belongs to woven code" in told["taken"][2]
    lines = str(poet_import.status()).splitlines()
    assert lines[1].split() == ["module", "state", "functions", "reason"]
    assert lines[4] == "shop    rewritten  1"


def test_a_second_process_tells_the_same_reason(run_python: Run, write: Write) -> None:
    write("def jit(function): return function", "numba")
    write(f"{MARKED}import numba\n@poet\n@numba.jit\ndef fast(): pass\n")
    code = "import poet_import, shop; print(poet_import.status().modules['shop'])"

    first, second = run_python(code).stdout, run_python(code).stdout

    assert "state='rewritten'" in first
    assert first.replace("rewritten", "cached") == second


def test_a_module_that_is_loaded_anew_without_its_marker_is_not_listed(load: Load, write: Write) -> None:
    module = load(MARKED)
    write("price = 1")
    import_again(module)

    assert not poet_import.status().modules


def import_again(module: ModuleType) -> None:
    assert module.__spec__ is not None
    assert module.__spec__.loader is not None
    module.__spec__.loader.exec_module(module)
