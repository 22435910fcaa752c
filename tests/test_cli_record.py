"""``poet record``: calls of marked functions that a command makes, as evidence for what is judged later."""

import ast
import os
import signal
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import NamedTuple

import pytest

import poet_import
from poet_import.cache.traces import MOST_BYTES, MOST_CALLS, add_traces, read_traces
from poet_import.cli import main
from poet_import.settings import Settings
from poet_import.templates import store_over
from poet_import.transpiler.core import Transpiler
from poet_import.transpiler.project import sites_of
from poet_import.validation import validate

SHOP = """from poet_import import poet


@poet
def total(prices, *more, rate=1, token="", context=None, **named):
    return sum(prices) * rate + sum(more)


class Basket:
    @poet(retries=1)
    def doubled(self, count: int) -> int:
        return count * 2


@poet
async def later(count):
    return count


@poet
def counted(count):
    yield count
"""


class Result(NamedTuple):
    exit_code: int
    stdout: str
    stderr: str


Record = Callable[..., Result]


@pytest.fixture
def record(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]) -> Record:
    """Record what a program does in a folder that holds shop.py."""
    folder = tmp_path / "project"
    folder.mkdir()
    monkeypatch.chdir(folder)
    monkeypatch.setenv("POET_CACHE_DIR", str(tmp_path / "cache"))
    monkeypatch.setenv("PYTHONPATH", str(Path(poet_import.__file__).parents[1]))
    Path("shop.py").write_text(SHOP)

    def call(program: str, *arguments: str) -> Result:
        Path("run.py").write_text(f"import shop\n{program}\n")
        with pytest.raises(SystemExit) as stop:
            main(["record", "--", *(arguments or (sys.executable, "run.py"))])
        status = stop.value.code
        assert isinstance(status, int)
        return Result(status, *capfd.readouterr())

    return call


def traces(name: str) -> list[str]:
    return Path(".poet", "traces", f"shop.{name}.txt").read_text().splitlines()


def test_calls_of_a_command_are_kept_once_each_and_sorted(record: Record) -> None:
    result = record("for number in (3, 1, 3): shop.total([number], 4, rate=2, a=number)\nprint('its own')")

    assert (result.exit_code, result.stdout) == (0, "its own\n")
    assert result.stderr == "shop.py::total: 2 calls seen, 2 new, 2 kept in .poet/traces/shop.total.txt\n"
    assert traces("total") == [
        "{'prices': [1], 'more': (4,), 'rate': 2, 'token': '<redacted>', 'named': {'a': 1}}",
        "{'prices': [3], 'more': (4,), 'rate': 2, 'token': '<redacted>', 'named': {'a': 3}}",
    ]


def test_methods_coroutines_and_generators_are_recorded_without_their_object(record: Record) -> None:
    record("import asyncio\nshop.Basket().doubled(3)\nasyncio.run(shop.later(4))\nlist(shop.counted(5))")

    assert [traces(name) for name in ("Basket.doubled", "later", "counted")] == [["{'count': 3}"]] + [
        [f"{{'count': {number}}}"] for number in (4, 5)
    ]


def test_secrets_are_redacted_and_what_a_host_injects_is_left_out(record: Record) -> None:
    record(
        "shop.total([], token='hunter2', context=open('run.py'), password='hunter3', more_of={'api_key': 'hunter4'})"
    )

    (line,) = traces("total")
    assert "hunter" not in line
    assert "context" not in ast.literal_eval(line)
    assert ast.literal_eval(line)["named"] == {"password": "<redacted>", "more_of": {"api_key": "<redacted>"}}


def test_python_processes_that_the_command_starts_are_recorded(record: Record) -> None:
    program = (
        "shop.total([1])\nimport subprocess, sys\nif len(sys.argv) < 2: subprocess.run([sys.executable, __file__, 'x'])"
    )
    record(f"{program}\nelse: shop.total([2])\nimport os; os._exit(0)")

    assert [ast.literal_eval(line)["prices"] for line in traces("total")] == [[1], [2]]


@pytest.mark.parametrize(
    ("value", "reason"),
    [
        pytest.param("object()", "no literal: builtins.object", id="object"),
        pytest.param("float('nan')", "no literal: builtins.float", id="nan"),
        pytest.param("1 << 9999", "no literal: builtins.int", id="large number"),
        pytest.param("'x' * 1999", "too long", id="long text"),
        pytest.param("'x' * 3000", "no literal: builtins.str", id="longer text"),
        pytest.param("[0] * 3000", "too long", id="many items"),
        pytest.param("[[[[[[[[[[[[]]]]]]]]]]]]", "too long", id="deep"),
        pytest.param("{'secret': 3}", "a secret that is no text", id="secret number"),
        pytest.param("type('Own', (list,), {})()", "no literal: __main__.Own", id="subclass"),
    ],
)
def test_call_that_is_no_literal_is_counted_and_not_kept(record: Record, value: str, reason: str) -> None:
    result = record(f"for _ in range(2): shop.total({value if value.startswith('type') else f'[], x={value}'})")

    assert f"shop.py::total: 2 calls not kept, {reason}\n" == result.stderr
    assert not Path(".poet").exists()


def test_every_kind_of_literal_comes_back_as_it_was(record: Record) -> None:
    record("shop.total([], x=[(1,), (), {2, 'b', 1}, set(), {}, b'c', True, None, 0.5, {'secret': None}])")

    (line,) = traces("total")
    found = ast.literal_eval(line)["named"]["x"]
    assert found == [(1,), (), {2, "b", 1}, set(), {}, b"c", True, None, 0.5, {"secret": None}]


def test_number_of_calls_that_one_process_tells_of_is_bounded(record: Record) -> None:
    result = record("for number in range(1200): shop.total([number]); shop.later; list(shop.counted(object()))")

    assert "shop.py::total: 1000 calls seen, 50 new, 50 kept" in result.stderr
    assert "shop.py::counted: at least 1000 calls not kept" in result.stderr
    assert len(traces("total")) == MOST_CALLS


@pytest.mark.parametrize("options", [pytest.param((), id="one process"), pytest.param(("-n", "2"), id="workers")])
def test_calls_of_tests_are_recorded(record: Record, options: tuple[str, ...]) -> None:
    test = "@pytest.mark.parametrize('n', range(4))\ndef test_total(n): assert shop.total([n]) == n\n"
    Path("test_shop.py").write_text(f"import pytest, poet_import, shop\n{test}")
    result = record("", sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", *options)

    assert (result.exit_code, "4 passed" in result.stdout) == (0, True)
    assert [ast.literal_eval(line)["prices"] for line in traces("total")] == [[0], [1], [2], [3]]


def test_exit_status_is_the_commands_own(record: Record) -> None:
    assert record("import sys; sys.exit(3)").exit_code == 3
    assert record("import os; os.kill(os.getpid(), 9)").exit_code == 128 + 9


def test_command_that_cannot_be_started_is_named(record: Record) -> None:
    result = record("", "no-such-program")

    assert result.exit_code == 127
    assert result.stderr.startswith("Error: no-such-program cannot be started (No such file or directory); give")


def test_command_without_calls_is_told_so(record: Record) -> None:
    assert "no call of a @poet function was recorded" in record("pass").stderr


def test_functions_outside_of_the_folder_are_counted_and_left_alone(record: Record, tmp_path: Path) -> None:
    (tmp_path / "other.py").write_text(SHOP)
    result = record(f"import sys; sys.path.insert(0, {str(tmp_path)!r}); import other; other.total([])")

    assert "1 call of functions outside of this folder not kept\n" in result.stderr
    assert not (tmp_path / ".poet").exists()


def test_folder_that_cannot_be_written_is_told(record: Record) -> None:
    Path(".poet").write_text("a file of the user's")
    result = record("shop.total([])")

    assert result.exit_code == 1
    assert (
        "Error: .poet/traces/shop.total.txt cannot be written (Not a directory); make its folder writable"
        in result.stderr
    )


def test_calls_that_are_known_change_nothing(record: Record) -> None:
    record("shop.total([1])")
    before = Path(".poet", "traces", "shop.total.txt").stat()

    assert "shop.py::total: 1 call seen, 0 new, 1 kept" in record("shop.total([1])").stderr
    assert Path(".poet", "traces", "shop.total.txt").stat() == before


def test_file_that_cannot_be_written_leaves_nothing_behind(record: Record) -> None:
    Path(".poet", "traces", "shop.total.txt").mkdir(parents=True)
    result = record("shop.total([1])")

    assert result.exit_code == 1
    assert "Error: .poet/traces/shop.total.txt cannot be written (Is a directory)" in result.stderr
    assert [file.name for file in Path(".poet", "traces").iterdir()] == ["shop.total.txt"]


@pytest.mark.skipif(not hasattr(os, "killpg"), reason="needs groups of processes")
def test_interrupted_command_ends_as_it_likes_and_its_calls_are_kept(record: Record) -> None:
    record("pass")
    Path("run.py").write_text(
        "import shop, time\ntry:\n    print('ready', flush=True)\n    time.sleep(60)\n"
        "except KeyboardInterrupt:\n    shop.total([1])\n    raise SystemExit(5)\n"
    )
    command = [sys.executable, "-m", "poet_import", "record", "--", sys.executable, "run.py"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, start_new_session=True) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == b"ready\n"
        os.killpg(process.pid, signal.SIGINT)
        assert process.wait(60) == 5

    assert len(traces("total")) == 1


def test_line_of_a_killed_process_and_a_module_that_is_gone_are_passed_over(record: Record) -> None:
    torn = "import os; open(os.environ['POET_TRACES'], 'a').write('[torn\\n')"
    result = record(f"shop.total([])\n{torn}\nos.unlink('shop.py')")

    assert "1 call of functions outside of this folder not kept" in result.stderr


def test_process_that_cannot_tell_of_its_calls_goes_on(record: Record) -> None:
    gone = "{**os.environ, 'POET_TRACES': '/nowhere/calls'}"
    program = (
        f"import os, subprocess, sys\nif len(sys.argv) < 2: subprocess.run([sys.executable, 'run.py', 'x'], env={gone})"
    )
    result = record(f"{program}\nshop.total([1])\ndel shop.__file__\nshop.total([2])\nprint('done')")

    assert result.stdout == "done\ndone\n"
    assert "shop.py::total: 1 call seen" in result.stderr


def test_same_calls_give_the_same_bytes_in_every_order(tmp_path: Path) -> None:
    calls = [f"{{'x': {number}}}" for number in range(80)]
    for folder, half in (("one", calls), ("other", calls[::-1])):
        add_traces(str(tmp_path / folder), "shop.f", half[:60])
        add_traces(str(tmp_path / folder), "shop.f", half)

    texts = {file.read_bytes() for file in tmp_path.rglob("*.txt")}
    assert len(texts) == 1
    assert len(texts.pop().splitlines()) == MOST_CALLS


def test_file_of_traces_is_bounded_in_bytes_and_lines_that_are_no_call_are_passed_over(tmp_path: Path) -> None:
    long = [f"{{'x': '{'é' * 1000}{number}'}}" for number in range(40)]
    add_traces(str(tmp_path), "shop.f", ["<<<<<<< ours", "[1]", "{1: 2}", *long])

    file = tmp_path / "traces" / "shop.f.txt"
    assert file.stat().st_size <= MOST_BYTES
    file.write_text("<<<<<<< ours\n[1]\n{1: 2}\n{'x': 1}\n=======\n")
    assert read_traces(str(tmp_path), "shop.f") == ("{'x': 1}",)


SUMMED = "@poet\ndef summed(self, count: int, *rest: int, by: int = 1, **more: int) -> int:\n    return count * by"
REST = " + sum(rest) + sum(more.values())\n"
HEAD = "def summed(self, count: int, *rest: int, by: int = 1, **more: int) -> int:\n"


ODD = "% 1000003 == 239914"


@pytest.mark.parametrize(
    ("call", "condition"),
    [
        pytest.param("'count': 271828, 'rest': (), 'by': 1, 'more': {}", f"count**2 {ODD}", id="value"),
        pytest.param("'count': 1, 'rest': (271828,), 'by': 1, 'more': {}", f"rest and rest[0] ** 2 {ODD}", id="rest"),
        pytest.param("'count': 1, 'rest': (), 'by': 271828, 'more': {}", f"by**2 {ODD}", id="named"),
        pytest.param("'count': 1, 'more': {'q': 271828}", f"more.get('q', 0) ** 2 {ODD}", id="named rest"),
    ],
)
def test_answer_that_differs_on_a_recorded_call_is_refused(tmp_path: Path, call: str, condition: str) -> None:
    path = tmp_path / "shop.py"
    method = SUMMED.replace("\n", "\n    ") + REST
    path.write_text(f"from poet_import import poet\n\nclass Basket:\n    {method}")
    answer = f"{HEAD}    if {condition}:\n        return 0\n    return count * by{REST}"
    add_traces(str(tmp_path / ".poet"), "shop.Basket.summed", [f"{{{call}}}", "{'gone': 1}"])

    (site,) = sites_of(str(path), store_over(()))
    original = site.wanted.original
    assert original.calls == (f"{{{call}}}",)
    assert validate(answer, replace(original, calls=())).accepted
    assert [violation.gate for violation in validate(answer, original).violations] == ["semantics"]


def test_functions_contain_a_line_of_it_only_while_calls_are_recorded() -> None:
    outer = "@poet\ndef outer(a, *b, c=1, ctx=None, **d):\n    return a\n"
    source = f"{outer}\nclass A:\n    @poet\n    def m(self, x):\n        return x\n"
    plain = Transpiler(store_over(())).transpile(source, "shop.py")
    woven = Transpiler(store_over(()), traces=True).transpile(source, "shop.py")

    assert ("traced" in plain.text, plain.needs) == (False, ())
    assert (
        "    # recorded\n    __poet__.traced('outer', a=a, b=b, c=c, d=d)\n    # operate\n    return a\n" in woven.text
    )
    assert "        __poet__.traced('A.m', x=x)\n" in woven.text
    assert woven.needs == ("traced",)
    assert woven.compile("shop.py").co_firstlineno == 1


def test_modules_woven_while_recording_are_kept_apart_from_others(tmp_path: Path) -> None:
    plain, traced = (Settings.read({**given}) for given in ({}, {"POET_TRACES": str(tmp_path / "calls")}))

    assert plain.fingerprint() != traced.fingerprint()
    assert traced.fingerprint() == Settings.read({"POET_TRACES": str(tmp_path / "others")}).fingerprint()
