"""The writing thread: calls go on whatever becomes of the events, and what is lost is said once."""

import logging
import os
import shutil
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from itertools import count
from pathlib import Path
from types import ModuleType

import pytest

import poet_import
from poet_import.events import outlets, writer
from poet_import.events.batch import Batch
from poet_import.events.outlets import Outlet
from poet_import.runtime import training
from poet_import.settings import in_force

Load = Callable[..., ModuleType]
Read = Callable[[Path], list[dict[str, object]]]
Run = Callable[..., "subprocess.CompletedProcess[str]"]
Told = Callable[..., list[dict[str, object]]]
Write = Callable[..., Path]

PRICE = "from poet_import import poet\n@poet(optimize_for='margin')\ndef price(x):\n    return x\n"
CALLS = "import poet_import, shop\nfor number in range({count}): shop.price(number)\n"


@pytest.fixture
def stored(tmp_path: Path, read: Read) -> Callable[[], list[dict[str, object]]]:
    return lambda: read(tmp_path / "data" / "events" / "execution.jsonl")


def until(condition: Callable[[], bool]) -> None:
    """Wait for what another thread or process does."""
    end = time.monotonic() + 30
    while not condition():
        assert time.monotonic() < end
        time.sleep(0.005)


def test_end_of_the_process_writes_what_is_left(
    write: Write, run_python: Run, stored: Callable[[], list[object]]
) -> None:
    write(PRICE)

    done = run_python(CALLS.format(count=5000))

    assert done.stderr == ""
    assert len(stored()) == 5000


def test_call_while_the_process_ends_is_written(
    write: Write, run_python: Run, stored: Callable[[], list[object]]
) -> None:
    write(PRICE)

    done = run_python("import atexit, poet_import; import shop; atexit.register(shop.price, 1)")

    assert done.stderr == ""
    assert len(stored()) == 1


def test_flush_ends_a_rest(write: Write, run_python: Run, stored: Callable[[], list[object]]) -> None:
    write(PRICE)

    done = run_python(
        "import poet_import, shop; from poet_import.events import writer; from poet_import.runtime import training;"
        "writer._drained = lambda: (writer.drain(), 1000.0)[1];"
        "shop.price(1); print(training.flush(10)); shop.price(2); print(training.flush(10))"
    )

    assert done.stdout == "True\nTrue\n"
    assert len(stored()) == 2


def _work() -> None:
    end = time.thread_time() + 0.03
    while time.thread_time() < end:
        pass


def test_rest_is_for_a_program_that_works_meanwhile(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(writer, "drain", _work)
    is_over = False

    def spin() -> None:
        while not is_over:
            pass

    other = threading.Thread(target=spin)
    other.start()
    try:
        at_odds = writer._drained()
    finally:
        is_over = True
        other.join()

    assert 0.005 < at_odds < 0.2


def test_no_rest_is_for_a_sink_that_only_waits(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(writer, "drain", lambda: time.sleep(0.05))

    assert writer._drained() < 0.01


def test_nothing_is_started_before_the_first_call(write: Write, run_python: Run, tmp_path: Path) -> None:
    write(PRICE)

    done = run_python(
        "import sys, threading, poet_import, shop; from poet_import.runtime import training;"
        "print(threading.active_count(), training.flush(), 'poet_import.events.writer' in sys.modules)"
    )

    assert done.stdout == "1 True False\n"
    assert not (tmp_path / "data").exists()


@pytest.mark.usefixtures("untraced")
def test_module_with_an_objective_loads_nothing_heavy(write: Write, run_python: Run) -> None:
    write(PRICE)
    program = (
        "import poet_import, shop, sys; print(*sorted({'asyncio', 'json', 'logging', 'redis'} & set(sys.modules)))"
    )

    run_python(program)
    warm = run_python(program)

    assert (warm.stdout, warm.stderr) == ("\n", "")


FORKS = """
import os, poet_import, shop
from poet_import.runtime import training
for number in range(100): shop.price(number)
child = os.fork()
for number in range(100): shop.price(number)
if child == 0:
    assert training.flush(20)
    os._exit(0)
assert os.waitpid(child, 0)[1] == 0
"""


@pytest.mark.usefixtures("untraced")
def test_forked_child_tells_its_own_calls_alone(
    write: Write, run_python: Run, stored: Callable[[], list[dict[str, object]]]
) -> None:
    write(PRICE)

    done = run_python("-W", "ignore::DeprecationWarning", "-c", FORKS)  # 3.12 on: a process with threads forks

    processes = [str(event["execution_id"]).rpartition(":")[2].partition("-")[0] for event in stored()]
    assert done.stderr == ""
    assert sorted(processes.count(process) for process in set(processes)) == [100, 200]
    assert len({event["execution_id"] for event in stored()}) == 300


@pytest.mark.parametrize("method", ["fork", "spawn"])
def test_child_of_multiprocessing_writes_what_it_has(
    write: Write, tmp_path: Path, run_python: Run, stored: Callable[[], list[object]], method: str
) -> None:
    write(PRICE)
    (tmp_path / "main.py").write_text(
        "import multiprocessing, poet_import, shop\n"
        "if __name__ == '__main__':\n"
        f"    context = multiprocessing.get_context('{method}')\n"
        "    children = [context.Process(target=shop.price, args=(1,)) for _ in range(3)]\n"
        "    for child in children: child.start()\n"
        "    for child in children: child.join()\n"
    )

    done = run_python(str(tmp_path / "main.py"))

    assert done.stderr == ""
    assert len(stored()) == 3


@pytest.mark.usefixtures("untraced")
def test_killed_process_leaves_a_file_of_whole_lines(
    write: Write, tmp_path: Path, stored: Callable[[], list[object]]
) -> None:
    write(PRICE)
    program = "import poet_import, shop, time\nwhile True:\n    shop.price(1)\n    time.sleep(0.0001)\n"
    environment = os.environ | {"POET_DATA_DIR": str(tmp_path / "data"), "PYTHONPATH": str(tmp_path)}
    with subprocess.Popen([sys.executable, "-c", program], env=environment, cwd=tmp_path) as process:
        path = tmp_path / "data" / "events" / "execution.jsonl"
        until(lambda: path.exists() and path.stat().st_size > 50_000)
        process.send_signal(signal.SIGKILL)

    assert len(stored()) > 100


@pytest.mark.parametrize("folder", ["/dev/null/data", "/proc/poet"])
def test_folder_that_cannot_be_written_is_said_once(write: Write, run_python: Run, folder: str) -> None:
    write(PRICE)
    program = f"{CALLS.format(count=10)}import time; time.sleep(0.3)\n{CALLS.format(count=10)}print('went on')"

    done = run_python(program, POET_DATA_DIR=folder)

    assert done.stdout == "went on\n"
    assert done.stderr.count("events are lost to jsonl") == 1
    assert "events were lost in this process: 20 to jsonl" in done.stderr


@pytest.fixture
def tiny_disk(tmp_path: Path) -> Iterator[Path]:
    """Mount a file system of 64 kB."""
    folder = tmp_path / "tiny"
    folder.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=64k", "tmpfs", str(folder)]
    if shutil.which("mount") is None or subprocess.run(mount, capture_output=True, check=False).returncode:
        pytest.skip("needs the right to mount a tmpfs")
    yield folder
    subprocess.run(["umount", str(folder)], check=True)


def test_disk_that_is_full_holds_whole_lines_and_takes_more_when_there_is_room(
    write: Write, run_python: Run, tiny_disk: Path, read: Read
) -> None:
    write(PRICE)
    filler = tiny_disk / "filler"
    filler.write_bytes(b"x" * 40_000)

    first = run_python(CALLS.format(count=500), POET_DATA_DIR=str(tiny_disk))
    filler.unlink()
    second = run_python(CALLS.format(count=20), POET_DATA_DIR=str(tiny_disk))

    assert "No space left on device" in first.stderr
    assert second.stderr == ""
    assert len(read(tiny_disk / "events" / "execution.jsonl")) >= 20


@pytest.mark.usefixtures("untraced")
def test_full_disk_is_said_once_and_calls_go_on(
    write: Write, run_python: Run, stored: Callable[[], list[object]]
) -> None:
    write(PRICE)
    limit = "import resource; resource.setrlimit(resource.RLIMIT_FSIZE, (20_000, 20_000))\n"
    again = f"{CALLS.format(count=50)}import time; time.sleep(0.3)\n"

    done = run_python(
        f"import poet_import, shop, sys\nsys.dont_write_bytecode = True\n{limit}{again * 3}print('went on')"
    )

    assert done.stdout == "went on\n"
    assert done.stderr.count("events are lost to jsonl (OSError: [Errno 27] File too large") == 1
    assert 0 < len(stored()) < 150


def test_events_past_the_bound_are_dropped_counted_and_said_once(
    write: Write, run_python: Run, stored: Callable[[], list[object]]
) -> None:
    write(PRICE)
    program = "from poet_import.runtime import training; training.most_waiting = 100\n" + CALLS.format(count=2000)

    done = run_python(f"import poet_import, shop\n{program}")

    kept = len(stored())
    assert 100 <= kept < 2000
    assert done.stderr.count("calls end faster than they can be written") == 1
    assert f"events were lost in this process: {2000 - kept} to queue" in done.stderr


@pytest.mark.usefixtures("load")
def test_failures_are_dropped_like_any_call(monkeypatch: pytest.MonkeyPatch) -> None:
    training.flush(10)
    monkeypatch.setattr(training, "most_waiting", 0)
    monkeypatch.setattr(training.writer, "dropped", count())
    monkeypatch.setattr(training.writer, "looks", 0)

    training.record(1, ("shop", "f@own"), 0, values=False, ended=("closed", "E", "", "", None))

    assert [training.dropped(), training.dropped()] == [1, 1]


def test_long_queue_is_handed_on_in_runs(load: Load, told: Told) -> None:
    sizes: list[int] = []
    module = load(PRICE)
    told()
    training.waiting.extend([(1, 2, "0123456789ab", n + 1, "m", "f@own", 0, None, False, None) for n in range(9000)])

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Outlet, "write", lambda _, batch: sizes.append(len(batch)))
        module.price(1)
        assert training.flush(10)

    assert sum(sizes) == 9001 * len(writer._outlets.now())
    assert max(sizes) == 4096


@pytest.mark.usefixtures("recording")
def test_queue_holds_less_where_values_are_recorded() -> None:
    assert training.most_waiting == training.MOST_WAITING_WITH_VALUES


class Failing:
    """A sink that fails as long as it is told to."""

    def __init__(self) -> None:
        self.is_down = True
        self.taken = 0
        self.asked = 0

    def write(self, batch: Batch) -> None:
        self.asked += 1
        if self.is_down:
            raise RuntimeError("down")
        self.taken += len(batch)

    def forget(self) -> None:
        self.taken = 0


def test_sink_that_fails_is_left_alone_for_a_while_and_tried_again(
    caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    now = [100.0]
    monkeypatch.setattr(outlets, "monotonic", lambda: now[0])
    sink = Failing()
    outlet = Outlet("mine", lambda: sink)
    batch = Batch([(1, 2, "0123456789ab", 1, "m", "f@own", 0, None, False, None)])

    for now[0] in (100.0, 100.05, 100.2, 100.3, 200.0):
        outlet.write(batch)
    sink.is_down = False
    outlet.write(batch)
    now[0] = 300.0
    outlet.write(batch)

    assert (sink.asked, sink.taken, outlet.lost) == (4, 1, 6)
    assert [record.message for record in caplog.records] == [
        "events are lost to mine (RuntimeError: down); it is tried again, and this is said once"
    ]


def test_sink_that_is_made_from_what_is_not_there_costs_events_only(
    load: Load, told: Told, caplog: pytest.LogCaptureFixture
) -> None:
    module = load(PRICE)
    before = writer.losses().get("redis", 0)
    poet_import.install(events=["redis", "jsonl"], cache_dir=in_force().cache_dir, data_dir=in_force().data_dir)

    module.price(1)

    assert len(told()) == 1
    assert "no server is named; set POET_EVENTS_URL" in caplog.text
    assert writer.losses()["redis"] == before + 1


def test_settings_may_change_while_events_come(load: Load, told: Told, tmp_path: Path, read: Read) -> None:
    module = load(PRICE)
    module.price(1)
    told()
    poet_import.install(cache_dir=tmp_path / "cache", data_dir=tmp_path / "other")

    module.price(1)

    assert len(told()) == 1
    assert len(read(tmp_path / "other" / "events" / "execution.jsonl")) == 1


def test_where_no_thread_can_be_started_the_end_writes(load: Load, told: Told, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(_: threading.Thread) -> None:
        raise RuntimeError("can't start new thread")

    module = load(PRICE)
    told()
    monkeypatch.setattr(training, "writer", training._Writer())
    monkeypatch.setattr(training.Thread, "start", refuse)

    module.price(1)
    module.price(2)

    assert training.writer.thread is None
    assert len(told()) == 2


def test_only_one_caller_starts_the_thread(load: Load, told: Told, monkeypatch: pytest.MonkeyPatch) -> None:
    module = load(PRICE)
    told()
    monkeypatch.setattr(training, "writer", training._Writer())
    training.writer.starters["first"] = object()

    module.price(1)

    assert training.writer.thread is None
    training.writer.starters.clear()
    assert len(told()) == 1


def test_flush_says_what_did_not_come_in_time(load: Load) -> None:
    goes_on = threading.Event()
    is_held = threading.Event()

    def hold(_: object) -> None:
        is_held.set()
        goes_on.wait(30)

    module = load(PRICE)
    end = poet_import.subscribe(hold)
    module.price(1)
    is_held.wait(30)
    was_flushed = training.flush(0.01)
    goes_on.set()
    end()

    assert not was_flushed


def test_restarted_child_begins_anew(load: Load, told: Told, monkeypatch: pytest.MonkeyPatch) -> None:
    module = load(PRICE)
    module.price(1)
    before = poet_import.last_execution_id()
    told()
    monkeypatch.setattr(training, "writer", training._Writer())
    training.waiting.append(object())

    training._restart_in_child()
    writer._outlets.forget()
    module.price(1)

    assert before is not None
    assert str(poet_import.last_execution_id()).partition("-")[0] != before.partition("-")[0]
    assert len(told()) == 2


def test_losses_are_said_where_there_are_any(caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch) -> None:
    with caplog.at_level(logging.WARNING):
        monkeypatch.setattr(writer, "losses", dict)
        writer.tell_losses()
        monkeypatch.setattr(writer, "losses", lambda: {"queue": 3, "redis": 2})
        writer.tell_losses()

    assert caplog.messages == ["events were lost in this process: 3 to queue, 2 to redis"]
