"""The jail: whatever its child does, it does alone, for a bounded time, and leaves nothing behind."""

import ast
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from textwrap import indent

import pytest

from poet_import.validation import jail, semantics
from poet_import.validation.originals import original_from, read_original

pytestmark = pytest.mark.skipif(not jail.is_available(), reason="no jail on this system")

LIMITS = jail.Limits(seconds=1.0, memory=256 * 2**20, output=2**20)


def run(body: str, payload: object = None, limits: jail.Limits = LIMITS) -> jail.Finished:
    """Run statements that see ``payload`` and ``emit``; what they raise is an answer."""
    text = f"def main(payload, emit):\n    try:\n{indent(body, ' ' * 8)}\n    except Exception as error:\n        emit(type(error).__name__)\n"
    return jail.run((("tried", text),), payload, limits)


def children(parent: int | None = None) -> set[int]:
    """Return the processes whose parent is that one, or this one."""
    found = set()
    for path in Path("/proc").glob("[0-9]*/stat"):
        try:
            _, _, rest = path.read_text().rpartition(")")
        except OSError:
            continue
        if rest.split()[1] == str(parent or os.getpid()):
            found.add(int(path.parent.name))
    return found


@pytest.fixture(autouse=True)
def _leaves_no_process() -> object:
    before = children()
    yield
    assert children() == before


def test_answer_comes_back_with_the_layers_that_held() -> None:
    finished = run("emit({'doubled': payload['n'] * 2})", {"n": 21})

    assert (finished.answers, finished.end) == (({"doubled": 42},), "finished")
    assert {"process", "rlimits", "no_new_privs"} <= set(finished.layers)


@pytest.mark.slow  # it is timed, so nothing else may run beside it
def test_start_of_a_judgements_children_takes_at_most_30_ms_each() -> None:
    assert min(starts() for _ in range(15)) <= 0.030  # what it takes; whatever is above is what else the machine does


def starts() -> float:
    """Return the seconds that the start of a child takes, their server's own among them."""
    with jail.opened(program()) as server:
        first = server.run([("tried", None)], LIMITS)
        others = server.run([("tried", None), ("tried", None)], LIMITS)
    return sum(child.start_seconds for child in (*first, *others)) / 3


def program() -> jail.Program:
    return (*semantics.program(), ("tried", "def main(payload, emit):\n    pass\n"))


def test_children_of_one_server_see_nothing_of_each_other() -> None:
    text = "kept = []\ndef main(payload, emit):\n    kept.append(payload)\n    emit(kept)\n"
    with jail.opened((("tried", text),)) as server:
        first = server.run([("tried", 1), ("tried", 2)], LIMITS)
        third = server.run([("tried", 3)], LIMITS)

    assert [child.answers for child in (*first, *third)] == [([1],), ([2],), ([3],)]


def test_server_that_is_killed_is_reported() -> None:
    before = children()
    with jail.opened((("tried", "def main(payload, emit):\n    emit(1)\n"),)) as server:
        for process in children() - before:
            os.kill(process, signal.SIGKILL)
        (finished,) = server.run([("tried", None)], LIMITS)

    assert (finished.answers, finished.end, finished.detail) == ((), "failed", "the jail's server has ended")


def test_nothing_is_left_of_a_process_that_is_killed() -> None:
    text = "from poet_import.validation import jail\njail.run((('tried', 'def main(p, e):\\n    while True: pass\\n'),), None, jail.Limits(60.0))"
    process = subprocess.Popen([sys.executable, "-c", text])
    until(lambda: len(family(process.pid)) == 2)  # a server and its child
    there = family(process.pid)
    process.kill()
    process.wait()

    until(lambda: not any(Path(f"/proc/{number}").exists() for number in there))


def family(number: int) -> set[int]:
    """Return the processes below one."""
    found = children(number)
    return found.union(*map(family, found))


def until(holds: Callable[[], bool]) -> None:
    ends = time.monotonic() + 20.0
    while not holds():
        assert time.monotonic() < ends
        time.sleep(0.02)


def test_child_that_loops_is_ended() -> None:
    started = time.monotonic()

    assert run("while True: pass").end == "time"
    assert time.monotonic() - started < 2.5


def test_child_that_sleeps_is_ended() -> None:
    assert run("import time\ntime.sleep(60)").end == "time"


def test_child_that_allocates_without_end_gets_no_memory() -> None:
    limits = jail.Limits(seconds=10.0, memory=LIMITS.memory, output=LIMITS.output)

    assert run("kept = []\nwhile True: kept.append(bytearray(10**7))", limits=limits).answers == ("MemoryError",)


@pytest.mark.parametrize(
    "body",
    [
        pytest.param("import os\nos.fork()", id="fork"),
        pytest.param("import os\nos.posix_spawn('/bin/true', ['true'], {})", id="spawn"),
        pytest.param("import os\nos.execv('/bin/true', ['true'])", id="exec"),
        pytest.param("import threading\nthreading.Thread(target=print).start()", id="thread"),
        pytest.param("import socket\nsocket.socket()", id="socket"),
        pytest.param("import socket\nsocket.create_connection(('127.0.0.1', 9))", id="loopback"),
        pytest.param("import socket\nsocket.socketpair()", id="socket-pair"),
        pytest.param("open('/etc/passwd').read()", id="read-a-file"),
        pytest.param("open('/proc/self/environ').read()", id="read-the-process"),
        pytest.param("import os\nos.listdir('/')", id="list-a-folder"),
        pytest.param("open(payload, 'w')", id="write-a-file"),
        pytest.param("import os\nos.mkdir(payload)", id="make-a-folder"),
        pytest.param("import os\nos.open(payload, os.O_CREAT | os.O_RDWR)", id="create-a-file"),
        pytest.param("import os\nos.memfd_create('x')", id="file-in-memory"),
        pytest.param("import os\nos.kill(os.getppid(), 9)", id="kill-the-parent"),
        pytest.param("import os\nos.kill(-1, 9)", id="kill-everybody"),
        pytest.param("import os\nos.setsid()", id="leave-the-session"),
        pytest.param("import resource\nresource.setrlimit(resource.RLIMIT_CPU, (99, 99))", id="raise-a-limit"),
        pytest.param("import os\nos.setpriority(0, 0, -20)", id="priority"),
        pytest.param("import os\nos.chroot('.')", id="chroot"),
    ],
)
def test_child_is_not_allowed(body: str, tmp_path: Path) -> None:
    if "seccomp" not in jail.layers():
        pytest.skip("this kernel has no seccomp")

    finished = run(body, str(tmp_path / "canary"))

    assert finished.answers in (("PermissionError",), ("OSError",), ("RuntimeError",), ("ValueError",))
    assert list(tmp_path.iterdir()) == []


def test_child_that_kills_itself_is_reported() -> None:
    finished = run("import ctypes\nctypes.string_at(0)")

    assert (finished.end, finished.detail) == ("killed", "SIGSEGV")


def test_child_that_exits_early_is_reported_with_what_it_said() -> None:
    finished = run("import os\nemit(1)\nos._exit(0)")

    assert (finished.answers, finished.end) == ((1,), "failed")


def test_child_that_floods_is_cut() -> None:
    finished = run("while True: emit('x' * 10**5)")

    assert finished.end == "output"
    assert finished.seconds < 1.0


def test_error_of_a_program_is_its_end() -> None:
    finished = jail.run((("tried", "def main(payload, emit):\n    1 / 0\n"),), None, LIMITS)

    assert (finished.end, finished.detail) == ("failed", "ZeroDivisionError: division by zero")


def test_deep_recursion_is_an_exception_and_no_crash() -> None:
    assert run("def f(): f()\nf()").answers == ("RecursionError",)


def test_environment_and_descriptors_of_the_parent_are_not_there(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("SECRET", "canary")
    with (tmp_path / "open").open("w") as file:
        os.set_inheritable(file.fileno(), True)
        body = "import os\nemit(sorted(os.environ))\nfor n in range(3, 30):\n    try:\n        os.fstat(n)\n        emit(n)\n    except OSError:\n        pass"
        finished = run(body)

    assert finished.answers[0] == ["PYTHONHASHSEED"] or "SECRET" not in str(finished.answers[0])
    assert len(finished.answers) == 2  # the environment, and the one pipe that it answers by


def test_output_of_a_program_is_no_answer() -> None:
    assert run("import sys\nprint('{\"a\": 1}')\nsys.stderr.write('x')\nemit(2)").answers == (2,)


def test_several_run_beside_each_other() -> None:
    text = (
        "import time\n"
        "def main(payload, emit):\n"
        "    begun = time.monotonic()\n"
        "    time.sleep(0.5)\n"
        "    emit([payload, begun, time.monotonic()])\n"
    )

    with jail.opened((("tried", text),)) as server:
        finished = server.run([("tried", number) for number in range(4)], LIMITS)

    numbers, begun, ended = zip(*(answer for one in finished for answer in one.answers), strict=True)
    assert numbers == (0, 1, 2, 3)
    assert max(begun) < min(ended)


HONEST = "def f(n: int, s: str) -> int:\n    return n * 2 + len(s)\n"
FORGERS = {
    # What a text could do if no other gate had read it: it answers itself, or ends the trial when it likes.
    "ends-the-trial": "    _N.append(n)\n    if len(_N) > 90:\n        posix.write(3, b'\"done\"\\n')\n        posix._exit(0)\n    return n * 2 + len(s)\n",
    "answers-at-once": "    posix.write(3, b'[\"\", [\"0\", \"dict{}\", \"\"], []]\\n' * 900 + b'\"done\"\\n')\n    posix._exit(0)\n",
    "answers-nonsense": "    posix.write(3, b'[]\\n[1]\\n[1, 2, 3]\\n')\n    return n * 2 + len(s)\n",
    "misleads-the-scout": "    posix.write(3, b'[\"found\", [\"seed\", \"x\"]]\\n[\"found\", [\"evil\", [1]]]\\n')\n    return n * 2 + len(s) + (n > 1000)\n",
    "patches-the-driver": "    sys.modules['poet_import.validation.trials.driver'].canonical = lambda *a: '0'\n    return 0\n",
}  # fmt: skip


@pytest.mark.parametrize("body", [pytest.param(body, id=name) for name, body in FORGERS.items()])
def test_text_that_answers_for_its_trial_is_refused(body: str) -> None:
    head = "_N = []\ndef f(n: int, s: str) -> int:\n    import posix\n    import sys\n"
    tree = ast.parse(head + body)
    function = tree.body[-1]
    assert isinstance(function, ast.FunctionDef)

    violations, _ = semantics.judge_semantics(tree, function, read_original(original_from(HONEST)))

    assert violations


def test_large_payload_arrives_whole() -> None:
    assert run("emit(len(payload))", "x" * 3_000_000).answers == (3_000_000,)
