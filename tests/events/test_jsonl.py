"""Files of events: private, rotated, whole line by line, whoever else writes and whatever goes wrong."""

import json
import os
import resource
import signal
import stat
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from poet_import.events.batch import Batch
from poet_import.events.feedback import feedback_of
from poet_import.events.jsonl import JsonLines
from poet_import.events.reading import stored_events

Run = Callable[..., "subprocess.CompletedProcess[str]"]
Read = Callable[[Path], list[dict[str, object]]]
Write = Callable[..., Path]


def batch(first: int, count: int, process: str = "0123456789ab") -> Batch:
    """Return events of numbered calls."""
    numbers = range(first, first + count)
    return Batch([(1, 2, process, number, "shop", "f@own-0123456789ab", 0, None, False, None) for number in numbers])


def numbers(path: Path) -> list[int]:
    return [int(json.loads(line)["execution_id"].rpartition("-")[2], 16) for line in path.read_text().splitlines()]


def test_folder_and_files_are_the_users_alone(tmp_path: Path) -> None:
    folder = tmp_path / "data" / "events"

    JsonLines(str(folder)).write(batch(1, 1))

    modes = [stat.S_IMODE(path.stat().st_mode) for path in (folder.parent, folder, folder / "execution.jsonl")]
    assert modes == [0o700, 0o700, 0o600]


def test_kinds_have_files_of_their_own(tmp_path: Path, read: Read) -> None:
    verdict = feedback_of("shop.f:0123456789ab-1", True, {})

    JsonLines(str(tmp_path)).write(Batch([*batch(1, 2).items, verdict]))

    assert len(read(tmp_path / "execution.jsonl")) == 2
    assert len(read(tmp_path / "feedback.jsonl")) == 1


def test_files_are_rotated_and_the_oldest_goes(tmp_path: Path) -> None:
    size = len("".join(batch(16, 10).lines))
    sink = JsonLines(str(tmp_path), most_bytes=2 * size, most_files=3)

    for first in range(16, 96, 10):
        sink.write(batch(first, 10))

    files = {path.name: numbers(path) for path in tmp_path.iterdir()}
    assert sorted(files) == ["execution.1.jsonl", "execution.2.jsonl", "execution.jsonl"]
    assert files["execution.2.jsonl"] + files["execution.1.jsonl"] + files["execution.jsonl"] == list(range(36, 96))


def test_batch_larger_than_a_file_is_written_whole(tmp_path: Path) -> None:
    JsonLines(str(tmp_path), most_bytes=10).write(batch(1, 50))

    assert numbers(tmp_path / "execution.jsonl") == list(range(1, 51))


def test_file_that_another_process_has_put_aside_is_left_to_it(tmp_path: Path) -> None:
    size = len("".join(batch(16, 10).lines))
    sinks = [JsonLines(str(tmp_path), most_bytes=size) for _ in range(2)]

    for turn in range(4):
        sinks[turn % 2].write(batch(16 + 10 * turn, 10))

    assert [len(numbers(path)) for path in tmp_path.iterdir()] == [10] * 4


def test_file_that_somebody_removes_is_made_anew(tmp_path: Path) -> None:
    sink = JsonLines(str(tmp_path))
    sink.write(batch(1, 1))
    (tmp_path / "execution.jsonl").unlink()

    sink.write(batch(2, 1))

    assert numbers(tmp_path / "execution.jsonl") == [2]


@pytest.mark.skipif(os.getuid() == 0, reason="root may write anywhere")
def test_folder_that_takes_no_new_names_grows_the_file(tmp_path: Path) -> None:  # pragma: no cover  (where root tests)
    sink = JsonLines(str(tmp_path), most_bytes=10)
    sink.write(batch(1, 1))
    tmp_path.chmod(0o500)

    sink.write(batch(2, 1))

    tmp_path.chmod(0o700)
    assert numbers(tmp_path / "execution.jsonl") == [1, 2]


def test_rotation_that_fails_grows_the_file(tmp_path: Path) -> None:
    sink = JsonLines(str(tmp_path), most_bytes=10)
    sink.write(batch(1, 1))
    (tmp_path / "execution.1.jsonl").mkdir()
    (tmp_path / "execution.9.jsonl").mkdir()
    (tmp_path / "execution.9.jsonl" / "not-empty").touch()
    (tmp_path / "execution.8.jsonl").mkdir()

    sink.write(batch(2, 1))

    assert numbers(tmp_path / "execution.jsonl") == [1, 2]


def test_line_that_was_torn_swallows_no_other(tmp_path: Path) -> None:
    path = tmp_path / "execution.jsonl"
    path.write_text("".join(batch(1, 1).lines) + '{"topic": "poet/fun')

    JsonLines(str(tmp_path)).write(batch(2, 1))

    assert [event.execution_id[-1] for event in stored_events(str(tmp_path), "execution")] == ["1", "2"]


def test_full_disk_leaves_whole_lines_and_is_an_error(tmp_path: Path) -> None:
    sink = JsonLines(str(tmp_path))
    sink.write(batch(1, 1))
    size = (tmp_path / "execution.jsonl").stat().st_size
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    handler = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size + 100, limits[1]))
    try:
        with pytest.raises(OSError, match="too large"):
            sink.write(batch(2, 50))
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
        signal.signal(signal.SIGXFSZ, handler)

    sink.write(batch(99, 1))

    assert numbers(tmp_path / "execution.jsonl") == [1, 99]


WRITER = """
import sys
from poet_import.events.batch import Batch
from poet_import.events.jsonl import JsonLines
sink = JsonLines(sys.argv[1], most_bytes=40_000, most_files=50)
for first in range(100):
    sink.write(Batch([(1, 2, sys.argv[2] * 12, first * 7 + n + 1, "shop", "f@own-0123456789ab", 0, None, False, None)
                      for n in range(7)]))
"""


def test_several_processes_tear_no_line_and_lose_none(tmp_path: Path) -> None:
    folder = str(tmp_path / "events")
    writers = [subprocess.Popen([sys.executable, "-c", WRITER, folder, name]) for name in "abcd"]
    assert [writer.wait(60) for writer in writers] == [0] * 4

    ids = [event.execution_id for event in stored_events(folder, "execution")]

    for name in "abcd":
        mine = [one for one in ids if name * 12 in one]
        assert mine == [f"shop.f:{name * 12}-{number:x}" for number in range(1, 701)]
    assert len(list(Path(folder).iterdir())) > 10
