"""Many processes over one cache directory, some of them killed while they write to it."""

import marshal
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from types import CodeType

import pytest

from poet_import.cache.bytecode import _unsealed, read_file

Run = Callable[..., "subprocess.CompletedProcess[str]"]
Write = Callable[..., Path]

PROCESSES = 12
STARTS = 50  # of each
SHARING = 4  # starts that import one module at once, and so write one entry
SECONDS_BETWEEN_KILLS = 0.2
LONGEST = 240  # seconds
FUNCTION = """
@poet(retries=1)
def price{number}(quantity: int, word: str = "tea") -> int:
    for _ in range(3):
        quantity += {number}
    return quantity
"""
START = """
import poet_import, shop
try:
    shop.price7("1")
except poet_import.PerceiveError as error:
    print(poet_import.status().modules["shop"].state, shop.price7(1), shop.price39(0), error)
"""
RIGHT = " 22 117 shop.price7(): quantity: expected int, got str '1'\n"


class Starters:
    """Keeps a number of processes going that each import the module cold, and counts what becomes of them."""

    def __init__(self, folder: Path, environment: dict[str, str]) -> None:
        self.folder = folder
        self.environment = environment
        self.left = PROCESSES * STARTS
        self.round = 0
        self.running: list[subprocess.Popen[str]] = []
        self.answers: list[tuple[int, str, str]] = []

    def refill(self) -> None:
        """Note what has ended, and start as many more."""
        for process in [process for process in self.running if process.poll() is not None]:
            self.running.remove(process)
            self.answers.append((process.returncode, *process.communicate()))
        while self.left and len(self.running) < PROCESSES:
            if self.left % SHARING == 0:
                self.renew()
            self.left -= 1
            self.running.append(self.start())

    def start(self, program: str = START, **variables: str) -> "subprocess.Popen[str]":
        """Start one process."""
        pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
        return subprocess.Popen(
            [sys.executable, "-c", program],
            cwd=self.folder / str(self.round),
            env=self.environment | variables,
            text=True,
            **pipes,
        )

    def renew(self) -> None:
        """Let the next starts find another module in another folder: an edit in place would race with listing it."""
        self.round += 1
        folder = self.folder / str(self.round)
        folder.mkdir()
        functions = "".join(FUNCTION.format(number=number) for number in range(40))
        (folder / "shop.py").write_text(f"# {self.round}\nfrom poet_import import poet\n{functions}")


@pytest.fixture
def starters(tmp_path: Path) -> Iterator[Starters]:
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("POET_", "PYTHON", "COVERAGE_"))}
    root = str(Path(__file__).parent.parent.parent)
    places = {"PYTHONPATH": root, "POET_CACHE_DIR": str(tmp_path / "cache")}
    found = Starters(tmp_path, {**kept, **places})
    yield found
    for process in found.running:
        process.kill()
        process.communicate()


@pytest.mark.slow
@pytest.mark.skipif(sys.platform == "win32", reason="kills processes in the way of POSIX")
def test_cold_starts_over_one_cache_survive_the_death_of_others(starters: Starters, tmp_path: Path) -> None:
    begin = time.monotonic()
    next_kill = begin
    killed = 0
    while starters.left or starters.running:
        assert time.monotonic() < begin + LONGEST
        starters.refill()
        if time.monotonic() >= next_kill and starters.running:
            next_kill += SECONDS_BETWEEN_KILLS
            victim = starters.running[killed % len(starters.running)]
            killed += victim.poll() is None
            victim.kill()
        time.sleep(0.005)
    seconds = time.monotonic() - begin

    survivors = [answer for answer in starters.answers if answer[0] != -signal.SIGKILL]
    cold = [answer for answer in survivors if answer[1] == f"rewritten{RIGHT}"]
    assert set(survivors) <= {(0, f"{state}{RIGHT}", "") for state in ("rewritten", "cached")}
    assert PROCESSES * STARTS - killed <= len(survivors) < PROCESSES * STARTS
    assert len(cold) > len(survivors) / 2
    assert_whole(tmp_path / "cache")
    unfinished = len(list((tmp_path / "cache").glob(".*")))
    starters.renew()
    assert starters.start().communicate() == (f"rewritten{RIGHT}", "")
    assert list((tmp_path / "cache").glob(".*")) == []
    figures = (
        f"{len(survivors)} starts, {len(cold)} cold, {killed} killed, {unfinished} files unfinished, {seconds:.0f} s"
    )
    print(figures)  # noqa: T201  (seen with -s)


def assert_whole(cache: Path) -> None:
    """Check that every file of the cache that is no temporary one can be read."""
    for entry in cache.glob("*.poetc"):
        code, *_ = marshal.loads(_unsealed(read_file(str(entry))))
        assert isinstance(code, CodeType)
    marshal.loads(_unsealed(read_file(str(cache / "index"))))


@pytest.mark.skipif(sys.platform == "win32", reason="file sizes are limited on POSIX only")
def test_a_start_after_one_that_died_while_writing_is_right_and_cleans_up(starters: Starters, tmp_path: Path) -> None:
    starters.renew()
    deadly = "import resource, signal; signal.signal(signal.SIGXFSZ, signal.SIG_DFL)\n"
    deadly += "resource.setrlimit(resource.RLIMIT_FSIZE, (50, 50))\n"
    # Python's own cache is elsewhere: it is cut too, and Python does not notice (python/cpython#126606).
    dead = starters.start(deadly + START, PYTHONPYCACHEPREFIX=str(tmp_path / "cut"))
    dead.communicate()

    assert dead.returncode == -signal.SIGXFSZ
    assert [path.suffix for path in (tmp_path / "cache").iterdir()] == [".tmp"]
    assert starters.start().communicate() == (f"rewritten{RIGHT}", "")
    assert sorted(path.suffix for path in (tmp_path / "cache").iterdir()) == ["", ".poetc"]
