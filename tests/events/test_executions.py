"""A call of a function with ``optimize_for`` tells how it went, whatever its kind; others tell nothing."""

import asyncio
import contextvars
import subprocess
import threading
from collections.abc import Callable
from pathlib import Path
from types import ModuleType

import pytest

import poet_import
from poet_import.errors import PoetTimeout, PoetWarning
from poet_import.templates import store_over
from poet_import.transpiler.building import freeze
from poet_import.transpiler.project import sites_of
from poet_import.transpiler.versions import model_version
from poet_import.transpiler.weaving import weave_source
from poet_import.transpiler.woven import Body
from poet_import.validation import validate

Load = Callable[..., ModuleType]
Read = Callable[[Path], list[dict[str, object]]]
Run = Callable[..., "subprocess.CompletedProcess[str]"]
Told = Callable[..., list[dict[str, object]]]
Write = Callable[..., Path]

DEFINITIONS = """
def maybe_fail():
    if failures:
        raise failures.pop()

{marker}
def plain(x: int) -> int:
    maybe_fail()
    return x

{marker}
async def coroutine(x: int) -> int:
    maybe_fail()
    return x

{marker}
def generator(x: int):
    maybe_fail()
    yield x
    yield x

{marker}
async def async_generator(x: int):
    maybe_fail()
    yield x
    yield x
"""
KINDS = "from poet_import import poet\n\nfailures = []\n" + DEFINITIONS.format(
    marker='@poet(optimize_for="speed", retries=3)'
)


async def collected(items: object) -> list[object]:
    return [item async for item in items]  # type: ignore[attr-defined]  # an asynchronous generator


def call(module: ModuleType, kind: str, x: object) -> object:
    """Call a function of a kind, and go to its end."""
    result = getattr(module, kind)(x)
    if kind == "plain":
        return result
    if kind == "generator":
        return list(result)
    return asyncio.run(result if kind == "coroutine" else collected(result))


kinds = pytest.mark.parametrize("kind", ["plain", "coroutine", "generator", "async_generator"])


@pytest.fixture
def _unhurried(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let further attempts begin at once."""
    monkeypatch.setattr("poet_import.runtime.attempts._FIRST_WAIT", 0.0)


waits = pytest.mark.usefixtures("_unhurried")
records = pytest.mark.usefixtures("recording")


@kinds
def test_success_is_told_with_its_times(load: Load, told: Told, kind: str) -> None:
    call(load(KINDS), kind, 7)

    (event,) = told()
    seconds = float(str(event["end"])) - float(str(event["start"]))
    assert (event["function"], event["status"]) == (f"shop.{kind}", "success")
    assert (event["retries"], event["error"]) == (0, None)
    assert seconds == pytest.approx(float(str(event["duration_ms"])) / 1000, abs=2e-6)
    assert {"arguments", "result"}.isdisjoint(event)


@waits
@kinds
def test_further_attempts_are_counted(load: Load, told: Told, kind: str) -> None:
    module = load(KINDS)
    module.failures += [OSError(), ConnectionError()]

    call(module, kind, 7)

    assert [(event["status"], event["retries"]) for event in told()] == [("success", 2)]


@waits
@kinds
def test_what_is_raised_in_the_end_is_told_by_its_type(load: Load, told: Told, kind: str) -> None:
    module = load(KINDS)
    module.failures += [OSError("secret")] * 4

    with pytest.raises(OSError, match="secret"):
        call(module, kind, 7)

    (event,) = told()
    assert (event["status"], event["retries"], event["error"]) == ("operate_error", 3, {"type": "OSError"})


@kinds
def test_argument_that_breaks_its_hint_is_told_without_its_value(load: Load, told: Told, kind: str) -> None:
    module = load(KINDS)

    with pytest.raises(poet_import.PerceiveError):
        call(module, kind, "secret")

    (event,) = told()
    assert event["status"] == "perceive_error"
    assert event["error"] == {"type": "poet_import.errors.PerceiveError", "parameter": "x", "expected": "int"}


ENDS = """
import asyncio, time
from poet_import import poet

@poet(optimize_for="speed")
def wrong() -> str:
    return 3

@poet(optimize_for="speed")
def nothing() -> str:
    pass

@poet(optimize_for="speed")
def calls_wrong():
    return wrong()

@poet(optimize_for="speed", timeout=0.01)
def slow():
    end = time.monotonic() + 5
    while time.monotonic() < end:
        pass

@poet(optimize_for="speed", timeout=0.01)
async def waiting():
    await asyncio.sleep(5)

@poet(optimize_for="speed")
def interrupted():
    raise KeyboardInterrupt
"""


@pytest.mark.parametrize(
    ("name", "error", "expected"),
    [
        pytest.param("wrong", poet_import.EnforceError, [("wrong", "enforce_error")], id="result"),
        pytest.param("nothing", poet_import.EnforceError, [("nothing", "enforce_error")], id="end-of-the-body"),
        pytest.param(
            "calls_wrong",
            poet_import.EnforceError,
            [("wrong", "enforce_error"), ("calls_wrong", "operate_error")],
            id="anothers-violation",
        ),
        pytest.param("slow", PoetTimeout, [("slow", "timeout")], id="limit"),
        pytest.param("waiting", PoetTimeout, [("waiting", "timeout")], id="limit-of-a-task"),
        pytest.param("interrupted", KeyboardInterrupt, [("interrupted", "cancelled")], id="interrupted"),
    ],
)
def test_each_end_has_its_status(
    load: Load, told: Told, name: str, error: type[BaseException], expected: list[tuple[str, str]]
) -> None:
    module = load(ENDS)

    with pytest.raises(error):
        asyncio.run(module.waiting()) if name == "waiting" else getattr(module, name)()

    assert [(str(event["function"]).removeprefix("shop."), event["status"]) for event in told()] == expected


def test_recursion_without_end_tells_of_no_success(load: Load, told: Told) -> None:
    module = load("from poet_import import poet\n@poet(optimize_for='speed')\ndef deep(x):\n    return deep(x + 1)\n")

    with pytest.raises(RecursionError):
        module.deep(0)

    events = told()
    assert len(events) > 100
    assert {event["status"] for event in events} == {"operate_error"}


def test_generator_that_is_left_before_its_end_is_told_once(load: Load, told: Told) -> None:
    generator = load(KINDS).generator(1)

    next(generator)
    before = told()
    generator.close()

    assert before == []
    assert [event["status"] for event in told()] == ["closed"]


def test_generator_that_never_begins_tells_nothing(load: Load, told: Told) -> None:
    load(KINDS).generator(1).close()

    assert told() == []


def test_last_execution_is_of_its_thread_and_of_its_task(load: Load) -> None:
    module = load(KINDS)
    seen: dict[str, str | None] = {}

    async def ask(name: str) -> None:
        await module.coroutine(1)
        await asyncio.sleep(0)
        seen[name] = poet_import.last_execution_id()

    async def both() -> None:
        await asyncio.gather(ask("first"), ask("second"))

    def in_thread() -> None:
        seen["before"] = poet_import.last_execution_id()
        module.plain(1)
        seen["thread"] = poet_import.last_execution_id()

    module.plain(1)
    mine = poet_import.last_execution_id()
    thread = threading.Thread(target=contextvars.Context().run, args=(in_thread,))
    thread.start()
    thread.join()
    asyncio.run(both())

    assert seen["before"] is None
    assert len({mine, *seen.values()}) == 5
    assert poet_import.last_execution_id() == mine


def test_function_without_objective_has_no_line_of_it() -> None:
    woven = weave_source(KINDS.replace('optimize_for="speed", ', ""), "shop.py", store=store_over(()))

    words = ("train", "_poet_begun", "_poet_values", "_poet_retries", "_poet_failure", "clock", "succeeded", "records")
    assert [word for word in words if word in woven.text] == []
    plans = [function.plan for function in woven.functions if function.plan]
    assert [plan.phases for plan in plans] == [("perceive", "operate", "enforce")] * 4
    assert "succeeded" not in woven.needs


@pytest.mark.parametrize("objective", ['""', '"  "', "3", "['speed']"])
def test_objective_that_is_no_text_warns_once_and_trains_nothing(load: Load, told: Told, objective: str) -> None:
    source = f"from poet_import import poet\n@poet(optimize_for={objective})\ndef price(x):\n    return x\n"

    with pytest.warns(PoetWarning, match="is not a non-empty string: nothing is trained") as caught:
        module = load(source)

    assert module.price(1) == 1
    assert len(caught) == 1
    assert poet_import.describe(module.price).phases == ("perceive", "operate", "enforce")
    assert told() == []


def test_phases_of_a_function_with_objective_include_train(load: Load) -> None:
    phases = ("perceive", "operate", "enforce", "train")

    assert poet_import.describe(load(KINDS).plain).phases == phases
    assert poet_import.transpile(KINDS).metadata["phases_included"] == list(phases)


def test_version_changes_with_the_logic_alone(load: Load, told: Told) -> None:
    head = "from poet_import import poet\n@poet(optimize_for='speed')\ndef price(x):\n"
    bodies = ("    return x\n", "    # for the same\n    return  x\n", "    return +x\n")

    for number, body in enumerate(bodies):
        load(head + body, f"shop{number}").price(1)

    same, again, other = (event["version"] for event in told())
    assert same == again != other


def test_frozen_body_has_a_version_of_its_own(load: Load, write: Write, told: Told) -> None:
    head = "from poet_import import poet\n@poet(optimize_for='speed')\n"
    path = write(f"{head}def price(x: int) -> int:\n    return x + 1\n")
    (site,) = sites_of(str(path), store_over(()))
    text = "def price(x: int) -> int:\n    return 1 + x\n"
    implementation = validate(text, site.wanted.original).implementation
    assert implementation is not None
    freeze(site, Body(implementation, "", "tiny", record={"gates": []}))

    module = load(path.read_text())

    assert module.price(1) == 2
    assert poet_import.describe(module.price).origin == "frozen"
    assert [event["version"] for event in told()] == [model_version(text, "price")]


SCOPES = """
from poet_import import poet

class Basket:
    @poet(optimize_for="speed")
    def total(this, count, context=None):
        return count

    @classmethod
    @poet(optimize_for="speed")
    def make(klass, count):
        return count

    @staticmethod
    @poet(optimize_for="speed")
    def sum(count, /, *more, **named):
        return count

def outer():
    @poet(optimize_for="speed")
    def inner(password, api_key="k"):
        raise ValueError(password)
    return inner

@poet(optimize_for="speed")
def shadows(count, __name__="mine"):
    return count
"""


@records
def test_values_are_told_where_asked_for_but_never_owners_contexts_and_secrets(load: Load, told: Told) -> None:
    module = load(SCOPES)

    module.Basket().total(3, context="never")
    module.Basket.make(4)
    module.Basket.sum(5, 6, name="x")
    with pytest.raises(ValueError, match="hunter2"):
        module.outer()("hunter2")
    module.shadows(1)

    method, maker, static, inner, shadowing = told()
    assert (method["arguments"], method["result"]) == ({"count": "3"}, "3")
    assert maker["arguments"] == {"count": "4"}
    assert static["arguments"] == {"count": "5", "more": "(6,)", "named": "{'name': 'x'}"}
    assert inner["arguments"] == {"password": "<redacted>", "api_key": "<redacted>"}
    assert inner["error"] == {"type": "ValueError", "message": "<redacted>"}
    assert inner["function"] == "shop.outer.<locals>.inner"
    assert shadowing["function"] == "?.shadows"


@records
@kinds
def test_values_of_every_kind(load: Load, told: Told, kind: str) -> None:
    call(load(KINDS), kind, 7)

    (event,) = told()
    assert event["arguments"] == {"x": "7"}
    assert event.get("result") == ("7" if kind in ("plain", "coroutine") else None)


AGAIN = """
from poet_import import poet

left = [3]

@poet(optimize_for="speed", retries=1, retry_on=OSError)
def price():
    if left:
        try:
            return left.pop()
        finally:
            raise OSError
"""


@waits
@records
def test_result_of_an_attempt_that_failed_is_not_told_for_a_later_one(load: Load, told: Told) -> None:
    assert load(AGAIN).price() is None

    assert [(event["retries"], event["result"]) for event in told()] == [(1, "None")]


WRAPPED = f"""
from poet_import import poet

namespace = {{"failures": []}}
exec('''{DEFINITIONS.format(marker="")}''', namespace)
failures = namespace["failures"]
for name in ("plain", "coroutine", "generator", "async_generator"):
    globals()[name] = poet(optimize_for="speed", retries=3)(namespace[name])
"""


@waits
@records
@kinds
def test_callable_without_source_tells_the_same(load: Load, told: Told, kind: str) -> None:
    module = load(WRAPPED)
    module.failures += [OSError()]

    call(module, kind, 7)
    with pytest.raises(poet_import.PerceiveError):
        call(module, kind, "x")

    done, refused = told()
    assert (done["status"], done["retries"], done["version"]) == ("success", 1, "own")
    assert (refused["status"], refused["retries"]) == ("perceive_error", 0)
    assert done["arguments"] == {"x": "7"}
    assert done.get("result") == ("7" if kind in ("plain", "coroutine") else None)
    assert "train" in poet_import.describe(getattr(module, kind)).phases


@records
def test_call_that_does_not_fit_the_signature_of_a_callable_is_told_without_arguments(load: Load, told: Told) -> None:
    with pytest.raises(TypeError, match="missing 1 required"):
        load(WRAPPED).plain()

    assert [(event["status"], event["arguments"]) for event in told()] == [("operate_error", {})]


SECRETIVE = """
from poet_import import poet

namespace = {}
exec("def enter(self, ctx, user, password):\\n    raise ValueError(password)", namespace)
enter = poet(optimize_for="speed")(namespace["enter"])
"""


@records
def test_callable_without_source_tells_no_owner_context_or_secret(load: Load, told: Told) -> None:
    with pytest.raises(ValueError, match="hunter2"):
        load(SECRETIVE).enter("owner", "context", "ann", "hunter2")

    (event,) = told()
    assert event["arguments"] == {"user": "'ann'", "password": "<redacted>"}
    assert event["error"] == {"type": "ValueError", "message": "<redacted>"}


def test_callable_without_source_tells_no_value_unasked(load: Load, told: Told) -> None:
    call(load(WRAPPED), "plain", 7)

    (event,) = told()
    assert {"arguments", "result"}.isdisjoint(event)


def test_function_that_the_marker_weaves_tells_the_same(load: Load, told: Told) -> None:
    poet_import.uninstall()

    call(load(KINDS), "plain", 7)

    assert [event["function"] for event in told()] == ["shop.plain"]


def test_transpiled_code_tells_by_itself(run_python: Run, tmp_path: Path, read: Read) -> None:
    (tmp_path / "alone.py").write_text(poet_import.transpile(KINDS).code)

    done = run_python("import alone; alone.plain(3)", POET_ACTIVATE="0")

    assert done.stderr == ""
    assert len(read(tmp_path / "data" / "events" / "execution.jsonl")) == 1


def test_traceback_has_the_same_lines_as_without(run_python: Run, tmp_path: Path) -> None:
    for name, option in (("ordinary", ""), ("examined", "(optimize_for='speed')")):
        text = (
            f"from poet_import import poet\n@poet{option}\ndef f(x: int) -> int:\n    y = x\n    return 1 / y\nf(0)\n"
        )
        (tmp_path / f"{name}.py").write_text(text)

    ordinary, examined = (run_python(f"import {name}").stderr for name in ("ordinary", "examined"))

    assert examined == ordinary.replace("ordinary", "examined")
    assert "    return 1 / y\n           ~~^~~\nZeroDivisionError" in examined
