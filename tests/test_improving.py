"""Functions that a generator improves at import: what runs, what is told of it, and what holds where no body comes."""

import asyncio
import json
import linecache
import sys
import time
import traceback
import warnings
from collections.abc import Callable, Iterator
from pathlib import Path
from types import ModuleType

import pytest

import poet_import
from poet_import.cache.traces import add_traces
from poet_import.errors import GeneratorError, PoetFallbackWarning
from poet_import.model import TranspileRequest, Usage

Load = Callable[..., ModuleType]
Improve = Callable[..., ModuleType]

TOTAL = """
from poet_import import poet

@poet(retries=1)
def total(prices: list[int]) -> int:
    '''Add up.'''
    result = 0
    for price in prices:
        result += price
    return result
"""
BETTER = "def total(prices: list[int]) -> int:\n    return sum(prices)\n"
WRONG = "def total(prices: list[int]) -> int:\n    return sum(prices) + 1\n"


class ScriptedGenerator:
    """Gives the answers that it was made with, one for each request; an exception among them is raised."""

    def __init__(self, *answers: str | BaseException | None, fingerprint: str = "scripted", delay: float = 0.0) -> None:
        self.answers = list(answers)
        self.fingerprint = fingerprint
        self.delay = delay  # seconds
        self.requests: list[TranspileRequest] = []

    async def generate(self, request: TranspileRequest, *, observe: Callable[[Usage], None]) -> str:
        self.requests.append(request)
        await asyncio.sleep(self.delay)
        answer = self.answers[min(len(self.requests), len(self.answers)) - 1]
        if isinstance(answer, BaseException):
            raise answer
        observe(Usage("scripted/one", 10, 20, 0.5))
        return answer  # type: ignore[return-value]  # a user's own generator may answer with anything


@pytest.fixture
def improve(load: Load, tmp_path: Path) -> Iterator[Improve]:
    """Import a text as a module with a generator in force."""

    def call(text: str, generator: object, name: str = "shop", **settings: object) -> ModuleType:
        poet_import.install(cache_dir=tmp_path / "cache", generator=generator, **settings)
        return load(text, name)

    yield call
    poet_import.install(cache_dir=tmp_path / "cache")


def test_an_accepted_body_runs_in_place_of_the_users(improve: Improve) -> None:
    module = improve(TOTAL, ScriptedGenerator(BETTER))

    assert module.total([1, 2]) == 3
    assert "sum" in module.total.__code__.co_names
    assert poet_import.status().modules["shop"].state == "rewritten"


def test_describe_tells_who_wrote_the_body_and_where_it_is(improve: Improve) -> None:
    module = improve(TOTAL, ScriptedGenerator(BETTER))

    description = poet_import.describe(module.total)
    assert (description.origin, description.model) == ("generated", "scripted/one")
    assert description.path is not None
    assert Path(description.path).read_text() == BETTER
    assert module.total.__doc__ == "Add up."


def test_arguments_and_result_of_an_accepted_body_are_checked(improve: Improve) -> None:
    module = improve(TOTAL, ScriptedGenerator(BETTER))

    with pytest.raises(poet_import.PerceiveError):
        module.total("12")


def test_a_traceback_shows_the_line_of_the_accepted_body(improve: Improve) -> None:
    text = (
        TOTAL[: TOTAL.index("@poet")]
        + "@poet\ndef mean(a: list[int]) -> float:\n    b = sum(a)\n    return b / len(a)\n"
    )
    better = "def mean(a: list[int]) -> float:\n    return sum(a) / len(a)\n"
    module = improve(text, ScriptedGenerator(better))

    with pytest.raises(ZeroDivisionError) as caught:
        module.mean([])

    frame = traceback.extract_tb(caught.value.__traceback__)[-1]
    assert (frame.lineno, frame.line) == (2, "return sum(a) / len(a)")
    assert frame.filename == poet_import.describe(module.mean).path


def test_a_body_that_cannot_be_kept_runs_and_shows_its_lines(
    load: Load, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "a-file").write_text("")
    poet_import.install(cache_dir=tmp_path / "a-file", generator=ScriptedGenerator(BETTER))

    module = load(TOTAL)

    path = poet_import.describe(module.total).path
    assert path is not None
    assert (path.startswith("<poet total "), module.total([1, 2])) == (True, 3)
    assert linecache.getline(path, 2) == "    return sum(prices)\n"
    monkeypatch.delitem(linecache.cache, path)


def test_a_refused_body_never_runs_and_the_function_does_what_it_did(improve: Improve) -> None:
    generator = ScriptedGenerator(WRONG)

    with pytest.warns(PoetFallbackWarning, match=r"total runs as it is written: .*semantics") as caught:
        module = improve(TOTAL, generator)

    assert len(caught) == 1
    assert (caught[0].filename, caught[0].lineno) == (module.__file__, 4)
    assert module.total([1, 2]) == 3
    assert poet_import.describe(module.total).origin == "fallback"
    assert len(generator.requests) == 3


def test_a_model_is_told_what_was_refused_and_asked_again(improve: Improve) -> None:
    generator = ScriptedGenerator(WRONG, BETTER)

    module = improve(TOTAL, generator)

    assert poet_import.describe(module.total).origin == "generated"
    (refusal,) = generator.requests[1].refusals
    assert refusal.answer == WRONG
    assert {violation.gate for violation in refusal.violations} == {"semantics"}


EFFECT = """
import pathlib
pathlib.Path({canary!r}).write_text("ran")

def total(prices: list[int], _x=pathlib.Path({canary!r}).write_text("ran")) -> int:
    pathlib.Path({canary!r}).write_text("ran")
    return sum(prices)
"""


def test_nothing_of_a_body_runs_before_its_verdict(improve: Improve, tmp_path: Path) -> None:
    canary = tmp_path / "canary"

    with pytest.warns(PoetFallbackWarning, match="refused"):
        improve(TOTAL, ScriptedGenerator(EFFECT.format(canary=str(canary))))

    assert not canary.exists()


def test_a_generator_without_an_answer_costs_one_warning(improve: Improve) -> None:
    with pytest.warns(PoetFallbackWarning, match="total runs as it is written: nobody is there") as caught:
        module = improve(TOTAL, ScriptedGenerator(GeneratorError("nobody is there")))

    assert len(caught) == 1
    assert module.total([1, 2]) == 3
    state = poet_import.status().modules["shop"]
    assert (state.state, state.reason) == ("fallback", "total: nobody is there")


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        pytest.param(RuntimeError("a bug"), r"the generator failed \(RuntimeError: a bug\)", id="exception"),
        pytest.param(SystemExit(3), r"the generator failed \(SystemExit: 3\)", id="exit"),
        pytest.param(None, "the generator answered with NoneType, not with a text", id="no-text"),
    ],
)
def test_a_broken_generator_breaks_no_import(improve: Improve, answer: BaseException | None, words: str) -> None:
    with pytest.warns(PoetFallbackWarning, match=words):
        module = improve(TOTAL, ScriptedGenerator(answer))

    assert module.total([1, 2]) == 3


def test_a_generator_that_holds_up_the_loop_costs_its_time_and_no_more(improve: Improve) -> None:
    class BlockingGenerator(ScriptedGenerator):
        async def generate(self, request: TranspileRequest, *, observe: Callable[[Usage], None]) -> str:
            time.sleep(1.5)  # noqa: ASYNC251  # as a careless one would
            return await super().generate(request, observe=observe)

    start = time.monotonic()
    with pytest.warns(PoetFallbackWarning, match=r"not done within 0\.2 s"):
        improve(TOTAL, BlockingGenerator(BETTER), generation_timeout=0.2)

    assert time.monotonic() - start < 1.2


def test_an_accepted_body_is_kept_where_python_writes_no_bytecode(
    improve: Improve, again: Callable[..., ModuleType], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "dont_write_bytecode", True)
    generator = ScriptedGenerator(BETTER)

    improve(TOTAL, generator)
    again()

    assert len(generator.requests) == 1
    assert not list((tmp_path / "cache").glob("*.poetc"))


def test_a_record_of_another_form_costs_the_evidence_and_not_the_body(
    improve: Improve, again: Callable[..., ModuleType], tmp_path: Path
) -> None:
    generator = ScriptedGenerator(BETTER)
    improve(TOTAL, generator)
    for gates in ("none", [{"of": "another version"}]):
        (record,) = tmp_path.glob("cache/implementations/*/record.json")
        record.write_text(json.dumps({**json.loads(record.read_text()), "gates": gates}))
        for entry in tmp_path.glob("cache/*.poetc"):
            entry.unlink()

        assert poet_import.describe(again().total).origin == "generated"

    assert len(generator.requests) == 1


def test_an_import_does_not_wait_longer_than_its_time(improve: Improve) -> None:
    start = time.monotonic()

    with pytest.warns(PoetFallbackWarning, match=r"not done within 0\.2 s"):
        module = improve(TOTAL, ScriptedGenerator(BETTER, delay=5), generation_timeout=0.2)

    assert time.monotonic() - start < 1.2
    assert module.total([1, 2]) == 3


def test_a_fallback_is_not_kept_as_the_module(improve: Improve, tmp_path: Path) -> None:
    with pytest.warns(PoetFallbackWarning):
        improve(TOTAL, ScriptedGenerator(GeneratorError("nobody is there")))

    assert not list((tmp_path / "cache").glob("*.poetc"))


@pytest.fixture
def again(load: Load) -> Callable[[str], ModuleType]:
    """Import a module anew, as another process would."""

    def call(name: str = "shop") -> ModuleType:
        text = Path(str(sys.modules.pop(name).__file__)).read_text()
        return load(text, name)

    return call


def test_a_second_import_asks_nobody(improve: Improve, again: Callable[..., ModuleType]) -> None:
    generator = ScriptedGenerator(BETTER)
    improve(TOTAL, generator)

    module = again()

    assert len(generator.requests) == 1
    assert poet_import.status().modules["shop"].state == "cached"
    assert poet_import.describe(module.total).model == "scripted/one"
    assert module.total([1, 2]) == 3


def test_the_same_function_in_another_module_asks_nobody(improve: Improve) -> None:
    generator = ScriptedGenerator(BETTER)
    improve(TOTAL, generator)

    module = improve(
        TOTAL.replace("result", "amount").replace("amount = 0", "amount = 0  # so far"), generator, "store"
    )
    other = improve("# another project\n" + TOTAL.replace("result += price", "result  +=  price"), generator, "depot")

    assert len(generator.requests) == 2  # another name of a variable is another function, other blanks are not
    assert (module.total([1]), other.total([1])) == (1, 1)


def test_another_generator_is_asked_for_itself(improve: Improve, again: Callable[..., ModuleType]) -> None:
    improve(TOTAL, ScriptedGenerator(BETTER))
    other = ScriptedGenerator(BETTER, fingerprint="other")

    poet_import.install(cache_dir=poet_import.status().cache_dir, generator=other)
    again()

    assert len(other.requests) == 1


def test_a_refusal_is_remembered_and_the_next_import_asks_nobody(
    improve: Improve, again: Callable[..., ModuleType]
) -> None:
    generator = ScriptedGenerator(WRONG)
    with pytest.warns(PoetFallbackWarning):
        improve(TOTAL, generator)

    with pytest.warns(PoetFallbackWarning, match="refused"):
        again()

    assert len(generator.requests) == 3


MANY = "from poet_import import poet\n" + "".join(
    f"@poet\ndef f{index}(x: int) -> int:\n    return x + {index}\n" for index in range(4)
)


class EchoingGenerator(ScriptedGenerator):
    """Answers each request with the function as it is, and notes how many were open at once."""

    def __init__(self) -> None:
        super().__init__("")
        self.open = 0
        self.most = 0

    async def generate(self, request: TranspileRequest, *, observe: Callable[[Usage], None]) -> str:
        observe(Usage(self.fingerprint))
        self.open += 1
        self.most = max(self.most, self.open)
        await asyncio.sleep(0.05)
        self.open -= 1
        return request.original.source


def test_all_functions_of_a_module_are_asked_for_at_once(improve: Improve) -> None:
    generator = EchoingGenerator()

    module = improve(MANY, generator)

    assert generator.most == 4
    assert [poet_import.describe(getattr(module, f"f{index}")).origin for index in range(4)] == ["generated"] * 4


def test_in_the_background_the_next_import_finds_the_body(improve: Improve, again: Callable[..., ModuleType]) -> None:
    generator = ScriptedGenerator(BETTER, delay=0.1)
    first = improve(TOTAL, generator, mode="background")
    assert poet_import.describe(first.total).origin == "woven"
    assert "sum" not in first.total.__code__.co_names

    deadline = time.monotonic() + 10
    second = first
    while "sum" not in second.total.__code__.co_names and time.monotonic() < deadline:
        time.sleep(0.05)
        second = again()

    assert poet_import.describe(second.total).origin == "generated"
    assert len(generator.requests) == 1


@pytest.mark.usefixtures("improve")
def test_without_a_hook_the_marker_asks_for_the_body(load: Load, tmp_path: Path) -> None:
    poet_import.install(cache_dir=tmp_path / "cache", generator=ScriptedGenerator("import math\n_N = 0\n" + BETTER))
    poet_import.uninstall()

    module = load(TOTAL)

    assert module.total([1, 2]) == 3
    description = poet_import.describe(module.total)
    assert (description.origin, description.model) == ("generated", "scripted/one")
    with pytest.raises(poet_import.PerceiveError):
        module.total("12")


def test_an_import_inside_a_running_loop_works(improve: Improve) -> None:
    async def main() -> ModuleType:
        return improve(TOTAL, ScriptedGenerator(BETTER))

    module = asyncio.run(main())

    assert poet_import.describe(module.total).origin == "generated"


def test_without_warnings_for_what_is_not_asked_for(improve: Improve) -> None:
    text = (
        "import abc\nfrom typing import Protocol\nfrom poet_import import poet\n"
        "class A(abc.ABC):\n    @poet\n    @abc.abstractmethod\n    def f(self) -> int: ...\n"
        "class P(Protocol):\n    @poet\n    def f(self) -> int: ...\n"
    )
    generator = ScriptedGenerator(GeneratorError("nobody is there"))

    with warnings.catch_warnings():
        warnings.simplefilter("error")
        improve(text, generator)

    assert generator.requests == []


def test_a_module_that_is_nested_too_deeply_is_left_to_python(improve: Improve) -> None:
    branches = "".join(f"    elif a == {number}:\n        return {number}\n" for number in range(1, 900))
    text = f"from poet_import import poet\n\n@poet\ndef f(a: int) -> int:\n    if a < 0:\n        return a\n{branches}"
    generator = EchoingGenerator()

    with pytest.warns(PoetFallbackWarning, match="nested too deeply to be rewritten"):
        module = improve(f"{text}    return 0\n", generator)

    assert module.f(399) == 399
    assert generator.most == 0


def test_transpile_gives_the_body_as_text(tmp_path: Path) -> None:
    settings = poet_import.Settings.read(
        {}, tmp_path, generator=ScriptedGenerator(BETTER), cache_dir=str(tmp_path / "cache")
    )

    result = poet_import.transpile(TOTAL, settings=settings)

    assert result.operate == BETTER
    assert result.metadata["source"] == "model"
    assert "sum(prices)" in result.code


async def test_atranspile_does_not_hold_up_the_loop(tmp_path: Path) -> None:
    generator = ScriptedGenerator(BETTER, delay=0.2)
    settings = poet_import.Settings.read({}, tmp_path, generator=generator, cache_dir=str(tmp_path / "cache"))
    ticks = 0

    async def tick() -> None:
        nonlocal ticks
        while True:
            await asyncio.sleep(0.01)
            ticks += 1

    task = asyncio.create_task(tick())
    result = await poet_import.atranspile(TOTAL, settings=settings)
    task.cancel()

    assert result.operate == BETTER
    assert ticks > 5


def test_body_that_differs_on_a_recorded_call_is_refused_at_import(improve: Improve, tmp_path: Path) -> None:
    odd = BETTER.replace("return", "return 0 if sum(prices) ** 2 % 1000003 == 239914 else")
    add_traces(str(tmp_path / ".poet"), "shop.total", ["{'prices': [271828]}"])

    with pytest.warns(PoetFallbackWarning, match="refused, the last by semantics"):
        module = improve(TOTAL, ScriptedGenerator(odd))
    assert module.total([271828]) == 271828
