"""The jail: whatever its child does, it does alone, for a bounded time, and leaves nothing behind."""

import ast
import os
import time
from pathlib import Path
from textwrap import indent

import pytest

from poet_import.validation import jail
from poet_import.validation.originals import original_from, read_original
from poet_import.validation.semantics import judge_semantics

pytestmark = pytest.mark.skipif(not jail.is_available(), reason="no jail on this system")

LIMITS = jail.Limits(seconds=1.0, memory=256 * 2**20, output=2**20)


def run(body: str, payload: object = None, limits: jail.Limits = LIMITS) -> jail.Finished:
    """Run statements that see ``payload`` and ``emit``; what they raise is an answer."""
    text = f"def main(payload, emit):\n    try:\n{indent(body, ' ' * 8)}\n    except Exception as error:\n        emit(type(error).__name__)\n"
    return jail.run((("tried", text),), payload, limits)


def children() -> set[str]:
    """Return the processes whose parent is this one."""
    found = set()
    for path in Path("/proc").glob("[0-9]*/stat"):
        try:
            name, _, rest = path.read_text().rpartition(")")
        except OSError:
            continue
        if rest.split()[1] == str(os.getpid()):
            found.add(name)
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
def test_start_takes_at_most_30_ms() -> None:
    starts = [run("pass").start_seconds for _ in range(15)]

    assert min(starts) <= 0.030  # what a start takes; whatever is above is what else the machine does


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

    violations, _ = judge_semantics(tree, function, read_original(original_from(HONEST)))

    assert violations


def test_large_payload_arrives_whole() -> None:
    assert run("emit(len(payload))", "x" * 3_000_000).answers == (3_000_000,)
