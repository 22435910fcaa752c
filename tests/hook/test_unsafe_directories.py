"""A cache directory that cannot be used or must not be, as the user of a fresh process meets it."""

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

Run = Callable[..., "subprocess.CompletedProcess[str]"]
Write = Callable[..., Path]

SHOP = "from poet_import import poet\n@poet\ndef price(quantity: int) -> int:\n    return quantity + 1\n"
REPORT = """
import poet_import, shop
try:
    shop.price("1")
except poet_import.PerceiveError:
    print(poet_import.status().modules["shop"].state, shop.price(1), poet_import.status().cache_dir is None)
"""


def give_away(directory: Path) -> None:
    os.chown(directory, 12345, 12345)


@pytest.mark.parametrize(
    "open_up",
    [
        pytest.param(
            give_away, marks=pytest.mark.skipif(os.geteuid() != 0, reason="only root can give a directory away")
        ),
        lambda directory: directory.chmod(0o770),
        lambda directory: directory.chmod(0o707),
    ],
    ids=["of somebody else", "group-writable", "world-writable"],
)
def test_a_directory_that_others_can_write_to_is_refused_with_one_warning_and_left_as_it_is(
    run_python: Run, write: Write, tmp_path: Path, open_up: Callable[[Path], None]
) -> None:
    write(SHOP)
    run_python(REPORT)
    entries = {path: path.read_bytes() for path in (tmp_path / "cache").iterdir()}
    open_up(tmp_path / "cache")

    write(SHOP.replace("+ 1", "+ 2"))
    result = run_python(REPORT)

    assert len(entries) == 2
    assert result.stdout == "rewritten 3 True\n"
    assert result.stderr.count("PoetWarning") == 1
    assert {path: path.read_bytes() for path in (tmp_path / "cache").iterdir()} == entries


def test_an_entry_in_a_directory_of_somebody_else_is_not_run(run_python: Run, write: Write, tmp_path: Path) -> None:
    write(SHOP)
    run_python(REPORT)
    (tmp_path / "cache").chmod(0o777)

    assert run_python(REPORT).stdout == "rewritten 2 True\n"


@pytest.mark.skipif(sys.platform != "linux", reason="a directory that even root cannot write to")
def test_a_directory_that_cannot_be_written_to_does_not_break_an_import(run_python: Run, write: Write) -> None:
    write(SHOP)

    result = run_python(REPORT, POET_CACHE_DIR="/proc/self")

    assert (result.stdout, result.stderr) == ("rewritten 2 False\n", "")


def test_a_directory_with_entries_that_has_become_read_only_is_still_read(
    run_python: Run, write: Write, tmp_path: Path
) -> None:
    """As in an image that was built with a warm cache."""
    write(SHOP)
    run_python(REPORT)
    limit = "import resource, signal; signal.signal(signal.SIGXFSZ, signal.SIG_IGN)\nresource.setrlimit(resource.RLIMIT_FSIZE, (0, 0))\n"

    # Python's own cache is elsewhere: it is cut too, and Python does not notice (python/cpython#126606).
    result = run_python("-S", "-c", limit + REPORT, PYTHONPYCACHEPREFIX=str(tmp_path / "cut"))

    assert result.stdout == "cached 2 False\n"
