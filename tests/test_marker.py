"""The marker at run time: where no hook could weave, and on what the hook has woven."""

import asyncio
import functools
import inspect
import linecache
import pickle
import sys
import zipfile
from collections.abc import Callable
from importlib import import_module
from pathlib import Path
from types import FunctionType, ModuleType

import pytest

import poet_import
from poet_import import EnforceError, PerceiveError, PoetTimeout, PoetWarning, poet
from poet_import.marker import files, spot
from poet_import.transpiler import core

Load = Callable[..., ModuleType]
Write = Callable[..., Path]

modes = pytest.mark.parametrize("load", ["hook", "marker"], indirect=True)


@pytest.fixture
def load(request: pytest.FixtureRequest, load: Load) -> Load:
    """Load with the hook, or without it where the test asks for the marker alone."""
    if getattr(request, "param", "hook") == "marker":
        poet_import.uninstall()
    return load


@pytest.fixture
def unhooked(load: Load) -> Load:
    poet_import.uninstall()
    return load


def refuses(function: Callable[..., object], *arguments: object) -> bool:
    try:
        function(*(arguments or ("1",)))
    except PerceiveError:
        return True
    return False


def run_cell(text: str, namespace: dict[str, object] | None = None, *, name: str = "<cell 1>") -> dict[str, object]:
    """Run a text as a notebook does: compiled under a name that linecache knows."""
    lines = text.splitlines(keepends=True)
    linecache.cache[name] = (len(text), None, lines, name)
    namespace = {"poet": poet, "__name__": "__main__"} if namespace is None else namespace
    exec(compile(text, name, "exec"), namespace)
    return namespace


PRICE = "@poet{options}\ndef price(quantity: int) -> int:\n    '''Return the price.'''\n    return quantity\n"


def test_a_cell_of_a_notebook_is_woven_from_its_text() -> None:
    price = run_cell(PRICE.format(options=""))["price"]

    assert isinstance(price, FunctionType)
    assert refuses(price)
    assert "__poet__" in price.__code__.co_names


def test_a_cell_that_is_run_again_is_woven_from_its_new_text() -> None:
    first = run_cell(PRICE.format(options=""))
    second = run_cell(PRICE.format(options="").replace("return quantity", "return quantity + 1"))

    assert (first["price"](1), second["price"](1)) == (1, 2)  # type: ignore[operator]
    assert refuses(second["price"])  # type: ignore[arg-type]


def test_code_without_source_is_wrapped() -> None:
    namespace: dict[str, object] = {"poet": poet, "__name__": "made"}
    exec(PRICE.format(options="(retries=1)"), namespace)
    price = namespace["price"]

    assert refuses(price)  # type: ignore[arg-type]
    assert price(1) == 1  # type: ignore[operator]
    assert str(inspect.signature(price)) == "(quantity: int) -> int"  # type: ignore[arg-type]
    assert price.__doc__ == "Return the price."


@pytest.mark.usefixtures("load")
def test_a_module_in_an_archive_is_woven_from_its_source(tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "archive.zip", "w") as archive:
        archive.writestr("zipped.py", "from poet_import import poet\n" + PRICE.format(options=""))
    sys.path.insert(0, str(tmp_path / "archive.zip"))

    price = import_module("zipped").price

    assert refuses(price)
    assert "__poet__" in price.__code__.co_names
    del sys.modules["zipped"]


def test_a_module_imported_before_activation_is_woven(unhooked: Load) -> None:
    module = unhooked("from poet_import import poet\n" + PRICE.format(options=""))
    poet_import.install()

    assert refuses(module.price)


def test_a_function_whose_file_has_changed_since_is_wrapped_not_woven_from_another_text(
    unhooked: Load, write: Write
) -> None:
    inner = "    @poet\n    def price(quantity: int): return {}\n    return price\n"
    text = f"from poet_import import poet\ndef make():\n{inner}"
    module = unhooked(text.format("'old'"))
    write(text.format("'changed'"))

    price = module.make()

    assert (price(1), refuses(price)) == ("old", True)


def test_what_somebody_has_made_of_a_function_is_wrapped_not_undone() -> None:
    text = PRICE.format(options="").replace("@poet\n", "")
    price = run_cell(text)["price"]
    assert isinstance(price, FunctionType)
    price.__code__ = price.__code__.replace(co_consts=(*price.__code__.co_consts, "rewritten"))

    woven = poet(price)

    assert refuses(woven)
    assert woven.__wrapped__ is price  # type: ignore[attr-defined]


@modes
def test_options_that_only_the_program_knows_hold(load: Load) -> None:
    module = load("""
import poet_import
from poet_import import poet
N = 1 + 1
OPTIONS = {"retries": N, "retry_on": KeyError}
api = poet(retries=N)
calls = []
@poet(retries=N)
def computed(): calls.append(1); raise OSError
@poet(**OPTIONS)
def starred(): calls.append(1); raise KeyError
@api
def aliased(): calls.append(1); raise OSError
@poet(None, retries=1)
def called(): calls.append(1); raise OSError
class Shop:
    @poet_import.poet(retries=N)
    def method(self, quantity: int): calls.append(1); raise OSError
""")

    counts = []
    for function in (module.computed, module.starred, module.aliased, module.called, lambda: module.Shop().method(1)):
        module.calls.clear()
        with pytest.raises((OSError, KeyError)):
            function()
        counts.append(len(module.calls))
    assert counts == [3, 3, 3, 2, 3]


@modes
@pytest.mark.parametrize(
    ("retry_on", "expected"),
    [("Own", 2), ("(Own, KeyError)", 2), ("KeyError", 1), ("lambda error: error.args == (1,)", 2), ("is_fine", 1)],
)
def test_retry_on_takes_what_the_user_has(load: Load, retry_on: str, expected: int) -> None:
    module = load(f"""
from poet_import import poet
class Own(Exception): pass
def is_fine(error): return False
calls = []
@poet(retries=1, retry_on={retry_on})
def work(): calls.append(1); raise Own(1)
""")

    with pytest.raises(module.Own):
        module.work()

    assert len(module.calls) == expected


@modes
def test_each_closure_keeps_its_own_options(load: Load) -> None:
    module = load("""
from poet_import import poet
def make(count, kinds):
    calls = []
    @poet(retries=count, retry_on=kinds)
    def work():
        calls.append(1)
        raise KeyError
    return work, calls
""")
    made = [module.make(0, KeyError), module.make(2, KeyError), module.make(1, OSError)]

    for work, _ in made:
        with pytest.raises(KeyError):
            work()
    assert [len(calls) for _, calls in made] == [1, 3, 1]
    assert [poet_import.describe(work).options.retries for work, _ in made] == [0, 2, 1]


def plain(quantity: int = 1, *, unit: str = "kg") -> int:
    """Return the quantity."""
    return quantity if unit else 0


def test_a_function_that_is_not_being_decorated_is_copied() -> None:
    plain.note = "kept"  # type: ignore[attr-defined]
    before = plain.__code__

    woven = poet(plain)

    assert woven is not plain
    assert plain.__code__ is before
    assert (plain("1"), refuses(woven)) == ("1", True)  # type: ignore[arg-type]
    assert (woven.__name__, woven.__doc__, woven.__module__) == (plain.__name__, plain.__doc__, plain.__module__)
    assert (woven.__defaults__, woven.__kwdefaults__) == (plain.__defaults__, plain.__kwdefaults__)
    assert woven.note == "kept"  # type: ignore[attr-defined]


def test_a_closure_that_is_copied_shares_its_cells() -> None:
    total = 0

    def add(quantity: int) -> int:
        nonlocal total
        total += quantity
        return total

    woven = poet(retries=1)(add)

    assert (add(1), woven(2), total) == (1, 3, 3)
    assert woven.__closure__ == add.__closure__


def test_a_function_marked_twice_is_woven_once() -> None:
    once = poet(plain)

    assert poet(retries=3)(once) is once


@pytest.mark.parametrize("marked", [3, "text", None.__class__, int], ids=["number", "text", "NoneType", "class"])
def test_what_is_no_function_is_refused(marked: object) -> None:
    with pytest.raises(TypeError, match=r"test_marker\.py:\d+: @poet (marks functions|stands on the class)"):
        poet(retries=1)(marked)


def test_a_class_is_refused_with_what_to_do() -> None:
    with pytest.raises(TypeError, match=r"stands on the class .*Shop: mark its methods instead"):

        @poet
        class Shop:
            pass


def test_a_builtin_is_wrapped_or_left_alone() -> None:
    assert poet(len)([1]) == 1
    assert poet(min)(2, 1) == 1


def test_a_partial_is_left_alone() -> None:
    partial = functools.partial(plain, 1)

    assert poet(partial) is partial


def test_a_wrapper_that_is_not_being_decorated_is_wrapped_as_a_whole() -> None:
    @functools.wraps(plain)
    def wrapper(*_: object, **__: object) -> object:
        return -1

    woven = poet(wrapper)

    assert (woven(1), refuses(woven)) == (-1, True)


DECORATED = """\
import functools
from contextlib import contextmanager
from poet_import import poet
class Shop:
    @poet
    @staticmethod
    def above_static(quantity: int): return quantity
    @staticmethod
    @poet
    def below_static(quantity: int): return quantity
    @poet
    @classmethod
    def above_class(cls, quantity: int): return quantity
    @classmethod
    @poet
    def below_class(cls, quantity: int): return quantity
    @poet
    @functools.cache
    def above_cache(self, quantity: int): return quantity
    @functools.cache
    @poet
    def below_cache(self, quantity: int): return quantity
    @poet
    @contextmanager
    def above_manager(self, quantity: int): yield quantity
    @contextmanager
    @poet
    def below_manager(self, quantity: int): yield quantity
    @poet
    @property
    def above_property(self) -> int: return self.value
    @property
    @poet
    def below_property(self) -> int: return self.value
"""


@modes
@pytest.mark.parametrize("position", ["above", "below"])
def test_a_function_is_hardened_above_and_below_other_decorators(load: Load, position: str) -> None:
    shop = load(DECORATED).Shop()

    assert refuses(getattr(shop, f"{position}_static"))
    assert refuses(getattr(shop, f"{position}_class"))
    assert refuses(getattr(shop, f"{position}_cache"))
    assert getattr(shop, f"{position}_cache").cache_info().currsize == 0
    assert refuses(lambda quantity: getattr(shop, f"{position}_manager")(quantity).__enter__())
    shop.value = "1"
    with pytest.raises(EnforceError):
        getattr(shop, f"{position}_property")
    shop.value = 1
    assert getattr(shop, f"{position}_property") == 1


@pytest.mark.parametrize("name", ["above_static", "above_class", "below_manager", "below_property", "above_property"])
def test_a_decorated_function_without_source_is_wrapped(name: str) -> None:
    namespace: dict[str, object] = {"__name__": "made"}
    exec(DECORATED, namespace)
    shop = namespace["Shop"]()  # type: ignore[operator]

    if name.endswith("property"):
        shop.value = "1"
        with pytest.raises(EnforceError):
            getattr(shop, name)
    else:
        assert refuses(lambda quantity: getattr(shop, name)(quantity).__enter__())


def test_what_another_library_has_made_of_a_function_without_source_is_left_alone() -> None:
    namespace: dict[str, object] = {"__name__": "made"}
    exec(DECORATED, namespace)

    assert namespace["Shop"]().above_cache("1") == "1"  # type: ignore[operator]


@modes
def test_identity_signature_pickle_and_closure_are_kept(load: Load) -> None:
    module = load("""
from poet_import import poet
seen = []
def register(function):
    seen.append(function)
    return function
@poet(retries=1)
@register
def price(quantity: int = 2, *, unit: str = "kg") -> int: return quantity
class Base:
    def price(self): return 1
class Shop(Base):
    @poet(retries=1)
    def price(self): return super().price() + len(__class__.__name__) + self.__hidden()
    @poet
    def __hidden(self, __a: int = 1): return __a
""")

    assert module.seen == [module.price]
    assert str(inspect.signature(module.price)) == "(quantity: int = 2, *, unit: str = 'kg') -> int"
    assert pickle.loads(pickle.dumps(module.price)) is module.price
    assert module.price.__closure__ is None
    assert module.Shop().price() == 6
    assert module.Shop.price.__qualname__ == "Shop.price"


KINDS = """\
from poet_import import poet
@poet{options}
async def answer(quantity: int) -> int: return quantity
@poet{options}
def count(quantity: int):
    received = yield quantity
    try:
        yield received
    except KeyError:
        yield "caught"
    return "end"
@poet{options}
async def stream(quantity: int):
    yield quantity
    yield quantity + 1
"""


def made(options: str, source: str) -> dict[str, object]:
    """Define functions of each kind, with their source at hand or not."""
    namespace: dict[str, object] = {"__name__": "made"}
    text = KINDS.format(options=options)
    if source == "source":
        return run_cell(text, namespace, name=f"<kinds {options}>")
    exec(text, namespace)
    return namespace


@pytest.mark.parametrize("source", ["source", "no source"])
@pytest.mark.parametrize("options", ["", "(retries=1)", "(retries=1, timeout=30)"])
async def test_every_kind_of_function_is_hardened(options: str, source: str) -> None:
    functions = made(options, source)
    answer, count, stream = (functions[name] for name in ("answer", "count", "stream"))

    assert await answer(1) == 1  # type: ignore[operator]
    with pytest.raises(PerceiveError):
        await answer("1")  # type: ignore[operator]
    generator = count(1)  # type: ignore[operator]
    assert (next(generator), generator.send("sent"), generator.throw(KeyError)) == (1, "sent", "caught")
    with pytest.raises(StopIteration, match="end"):
        next(generator)
    with pytest.raises(PerceiveError):
        next(count("1"))  # type: ignore[operator]
    assert [item async for item in stream(1)] == [1, 2]  # type: ignore[operator]
    with pytest.raises(PerceiveError):
        await anext(stream("1"))  # type: ignore[operator]
    assert inspect.iscoroutinefunction(answer)
    assert inspect.isgeneratorfunction(count)
    assert inspect.isasyncgenfunction(stream)


WRAPPED = """\
import asyncio, time
calls = []
@poet(retries=2, retry_on=OSError)
def flaky(quantity: int = 1) -> int:
    calls.append(1)
    if len(calls) < 3: raise OSError
    return quantity
@poet(retries=2, retry_on=OSError)
async def async_flaky() -> int:
    calls.append(1)
    if len(calls) < 3: raise OSError
    return 1
@poet(retries=2, retry_on=OSError)
def flaky_items():
    calls.append(1)
    if len(calls) < 3: raise OSError
    yield 1
@poet(retries=2, retry_on=OSError)
async def async_flaky_items():
    calls.append(1)
    if len(calls) < 3: raise OSError
    yield 1
@poet(retries=1, retry_on=OSError)
def failing(): raise OSError
@poet(retries=1, retry_on=OSError)
async def async_failing(): raise OSError
@poet(retries=1, retry_on=OSError)
def failing_items():
    raise OSError
    yield
@poet(retries=1, retry_on=OSError)
async def async_failing_items():
    raise OSError
    yield
@poet
def empty():
    return "nothing"
    yield
@poet
def wrong() -> int: return "1"
@poet(on_violation="warn")
def lenient(quantity: int, *more: int, **named: str) -> int: return quantity
@poet(on_violation="off")
def unchecked(quantity: int) -> int: return quantity
@poet(domain="ml_monitoring")
def detect_drift(current_data, reference_data): return {"drift_detected": False, "score": 0.0}
@poet(timeout=0.01)
def slow():
    while True: time.sleep(0.001)
@poet(timeout=0.01)
async def async_slow(): await asyncio.sleep(60)
@poet
def odd(a: "no.such.name", b: int = 1): return a
@poet
def operator(quantity: int) -> int: return NotImplemented
"""


@pytest.fixture
def wrapped(monkeypatch: pytest.MonkeyPatch) -> dict[str, object]:
    """Return functions that could only be wrapped; no wait between attempts."""
    monkeypatch.setattr("poet_import.runtime.attempts._FIRST_WAIT", 0)
    namespace: dict[str, object] = {"poet": poet, "__name__": "made"}
    exec(WRAPPED, namespace)
    return namespace


def test_a_wrapped_function_is_tried_again(wrapped: dict[str, object]) -> None:
    assert wrapped["flaky"](1) == 1  # type: ignore[operator]
    wrapped["calls"].clear()  # type: ignore[attr-defined]
    assert list(wrapped["flaky_items"]()) == [1]  # type: ignore[operator]
    for name in ("failing", "failing_items"):
        with pytest.raises(OSError) as caught:  # noqa: PT011  (the note is what tells)
            list(wrapped[name]())  # type: ignore[operator]
        assert "operate failed after 2 attempts" in caught.value.__notes__[0]


async def test_a_wrapped_coroutine_is_tried_again(wrapped: dict[str, object]) -> None:
    assert await wrapped["async_flaky"]() == 1  # type: ignore[operator]
    wrapped["calls"].clear()  # type: ignore[attr-defined]
    assert [item async for item in wrapped["async_flaky_items"]()] == [1]  # type: ignore[operator]
    with pytest.raises(OSError):  # noqa: PT011  (it has no text)
        await wrapped["async_failing"]()  # type: ignore[operator]
    with pytest.raises(OSError):  # noqa: PT011  (as above)
        await anext(wrapped["async_failing_items"]())  # type: ignore[operator]


def test_a_wrapped_generator_keeps_its_value(wrapped: dict[str, object]) -> None:
    with pytest.raises(StopIteration, match="nothing"):
        next(wrapped["empty"]())  # type: ignore[operator]


def test_a_wrapped_generator_is_closed(wrapped: dict[str, object]) -> None:
    wrapped["calls"].extend([1, 1])  # type: ignore[attr-defined]
    generator = wrapped["flaky_items"]()  # type: ignore[operator]
    next(generator)
    generator.close()

    assert list(generator) == []


def test_a_wrapped_functions_result_is_enforced(wrapped: dict[str, object]) -> None:
    with pytest.raises(EnforceError, match=r"made\.wrong\(\): its result: expected int, got str '1'"):
        wrapped["wrong"]()  # type: ignore[operator]
    assert wrapped["operator"](1) is NotImplemented  # type: ignore[operator]


def test_a_wrapped_function_may_warn_or_stay_unchecked(wrapped: dict[str, object]) -> None:
    with pytest.warns(PoetWarning) as caught:
        assert wrapped["lenient"]("1", 2, "3", unit=4) == "1"  # type: ignore[operator]

    assert len(caught) == 4
    assert {Path(warning.filename).name for warning in caught} == {"test_marker.py"}
    assert wrapped["unchecked"]("1") == "1"  # type: ignore[operator]


def test_a_wrapped_function_keeps_the_rules_of_its_domain(wrapped: dict[str, object]) -> None:
    with pytest.raises(PerceiveError, match="current_data"):
        wrapped["detect_drift"]([], [1])  # type: ignore[operator]
    assert wrapped["detect_drift"]([1], [1])["score"] == 0.0  # type: ignore[operator]


def test_a_wrapped_call_that_python_refuses_is_refused_in_its_words(wrapped: dict[str, object]) -> None:
    with pytest.raises(TypeError, match="missing 1 required positional argument: 'quantity'"):
        wrapped["unchecked"]()  # type: ignore[operator]


def test_a_hint_that_cannot_be_decided_is_skipped_by_a_wrapper(wrapped: dict[str, object]) -> None:
    assert wrapped["odd"](1) == 1  # type: ignore[operator]
    assert refuses(wrapped["odd"], 1, "2")  # type: ignore[arg-type]


def test_a_wrapped_function_is_bounded_in_time(wrapped: dict[str, object]) -> None:
    with pytest.raises(PoetTimeout, match=r"made\.slow\(\): timed out after 0.01 s"):
        wrapped["slow"]()  # type: ignore[operator]


async def test_a_wrapped_coroutine_is_bounded_in_time(wrapped: dict[str, object]) -> None:
    with pytest.raises(PoetTimeout, match=r"made\.async_slow\(\): timed out after 0.01 s"):
        await wrapped["async_slow"]()  # type: ignore[operator]


def test_marking_thousands_of_closures_weaves_once(unhooked: Load, monkeypatch: pytest.MonkeyPatch) -> None:
    module = unhooked("""
from poet_import import poet
def make(count):
    @poet(retries=count)
    def work(quantity: int): return quantity
    return work
""")
    weaves = []
    monkeypatch.setattr(core, "weave_reading", lambda *a, **k: weaves.append(1) or WEAVE(*a, **k))
    reads = []
    monkeypatch.setattr(spot, "source_file", lambda *a: reads.append(1) or files.source_file(*a))

    works = [module.make(number % 2) for number in range(3000)]

    assert (len(weaves), len(reads)) == (3, 2)  # the file as it stands, and once for each value of the option
    assert all(map(refuses, works[::500]))


WEAVE = core.weave_reading


def test_marking_thousands_of_closures_without_source_looks_for_it_once(monkeypatch: pytest.MonkeyPatch) -> None:
    reads = []
    monkeypatch.setattr(spot, "source_file", lambda *a: reads.append(1) or files.source_file(*a))
    namespace: dict[str, object] = {"poet": poet, "__name__": "made"}
    exec("def make():\n    @poet\n    def work(quantity: int): return quantity\n    return work", namespace)

    works = [namespace["make"]() for _ in range(100)]  # type: ignore[operator]

    assert len(reads) == 1
    assert all(map(refuses, works))


def test_templates_given_to_install_hold_for_the_marker(unhooked: Load, write: Write, tmp_path: Path) -> None:
    write("v1\n", "templates/mine/current")
    write("Text.", "templates/mine/v1/template.txt")
    metadata = (
        '{"schema": 1, "description": "Mine.", "language": "python", "extends": "base", "defaults": {"retries": 7},'
    )
    write(metadata + '"checks": [], "imports": [], "enhancements": []}', "templates/mine/v1/metadata.json")
    poet_import.install(cache_dir=tmp_path / "cache", templates=[tmp_path / "templates"])
    poet_import.uninstall()

    module = unhooked("from poet_import import poet\n@poet(domain='mine')\ndef price(quantity: int): return quantity")

    assert poet_import.describe(module.price).template == "mine/v1"


def test_text_that_is_no_python_is_no_source() -> None:
    text = "this is {{ no python }}\n" * 3
    linecache.cache["<template>"] = (len(text), None, text.splitlines(keepends=True), "<template>")
    namespace: dict[str, object] = {"poet": poet, "__name__": "made"}
    exec(compile(PRICE.format(options=""), "<template>", "exec"), namespace)

    assert refuses(namespace["price"])  # type: ignore[arg-type]


def test_a_function_of_the_numba_kind_is_left_alone(unhooked: Load, write: Write) -> None:
    write("def njit(function): return function", "numba")
    module = unhooked(
        "import numba\nfrom poet_import import poet\n@poet\n@numba.njit\ndef price(quantity: int): return quantity"
    )

    assert module.price("1") == "1"
    assert poet_import.describe(module.price).origin == "bypassed"


def test_a_wrapper_that_names_itself_ends_the_search() -> None:
    class Odd:
        def __call__(self) -> int:
            return 1

    odd = Odd()
    odd.__dict__["__wrapped__"] = odd

    assert poet(odd) is odd


def test_one_event_loop_after_another_runs_marked_coroutines(wrapped: dict[str, object]) -> None:
    for _ in range(2):
        wrapped["calls"].clear()  # type: ignore[attr-defined]
        assert asyncio.run(wrapped["async_flaky"]()) == 1  # type: ignore[operator]


def checked(quantity: int) -> int:
    assert quantity
    return quantity


def test_a_function_with_assertions_that_pytest_has_rewritten_is_woven() -> None:
    woven = poet(checked)

    assert refuses(woven)
    assert "__poet__" in woven.__code__.co_names


def test_a_wrapper_that_hides_a_woven_function_is_left_alone(load: Load) -> None:
    module = load("""
from poet_import import poet
def hide(function): return lambda *arguments: function(*arguments)
@poet
@hide
def price(quantity: int): return quantity
""")

    assert module.price.__code__.co_name == "<lambda>"
    assert refuses(module.price)


@modes
def test_retry_on_without_retries_is_checked_and_does_nothing(load: Load) -> None:
    module = load("""
from poet_import import poet
class Own(Exception): pass
calls = []
@poet(retry_on=Own)
def work(): calls.append(1); raise Own
""")

    with pytest.raises(module.Own):
        module.work()
    assert module.calls == [1]


async def test_a_wrapped_async_generator_takes_what_is_sent_and_thrown() -> None:
    namespace: dict[str, object] = {"__name__": "made", "poet": poet}
    exec(
        "@poet\nasync def stream(quantity: int):\n"
        "    if not quantity: return\n"
        "    try:\n        received = yield quantity\n        yield received\n"
        "    except KeyError:\n        yield 'caught'",
        namespace,
    )
    stream = namespace["stream"]

    assert [item async for item in stream(0)] == []  # type: ignore[operator]
    generator = stream(1)  # type: ignore[operator]
    assert (await anext(generator), await generator.asend("sent"), await generator.athrow(KeyError)) == (
        1,
        "sent",
        "caught",
    )
    await generator.aclose()
    closed = stream(1)  # type: ignore[operator]
    assert await anext(closed) == 1
    await closed.aclose()


async def test_a_wrapped_coroutine_that_is_cancelled_is_cancelled() -> None:
    namespace: dict[str, object] = {"__name__": "made", "poet": poet, "asyncio": asyncio}
    exec("@poet(timeout=60)\nasync def patient(): await asyncio.sleep(60)", namespace)
    task = asyncio.ensure_future(namespace["patient"]())  # type: ignore[operator]
    await asyncio.sleep(0)

    task.cancel()

    with pytest.raises(asyncio.CancelledError):
        await task
