"""Each phase acts on each kind of function on which it is defined."""

from collections.abc import Callable
from dataclasses import dataclass
from types import ModuleType

import pytest

from poet_import import EnforceError, PerceiveError, PoetTimeout

Load = Callable[..., ModuleType]

_HEAD = """\
import asyncio, contextlib, dataclasses, enum, functools, time
from poet_import import poet

failures = 0

def flaky():
    global failures
    if failures < 2:
        failures += 1
        raise ConnectionError(f"failure {failures}")
    return 7

def spin():
    while True:
        pass

async def pause():
    await asyncio.sleep(30)

async def first(items):
    async for item in items:
        return item

async def entered(manager):
    async with manager as value:
        return value

"""
ALL = frozenset({"perceive", "retry", "timeout", "enforce", "falling off"})
_ANSWERS = ALL - {"falling off"}  # of a kind whose text returns something whatever the body does


@dataclass(frozen=True, slots=True)
class Kind:
    """How one kind of function is written around a body, and called.

    Attributes:
        text: With ``MARK`` for the marker and ``BODY`` for a statement; the parameter checked is ``x: int``.
        call: With ``X`` for the argument.
        qualname: What an error calls the function.
        phases: Those that are defined on the kind.
        stalls: The statement that takes too long.
    """

    text: str
    call: str = "f(X)"
    qualname: str = "f"
    phases: frozenset[str] = ALL
    stalls: str = "spin()"


# A generator and what is made of one has no result to enforce, and no limit: its consumer decides how long it lives.
_OF_A_GENERATOR = frozenset({"perceive", "retry"})
KINDS = {
    "plain": Kind("MARK\ndef f(x: int) -> int:\n    BODY"),
    "one-line": Kind("MARK\ndef f(x: int) -> int: BODY"),
    "keyword-only": Kind("MARK\ndef f(*, x: int) -> int:\n    BODY", "f(x=X)"),
    "positional-only": Kind("MARK\ndef f(x: int, /) -> int:\n    BODY"),
    "variadic": Kind("MARK\ndef f(*x: int) -> int:\n    BODY", "f(1, X)"),
    "variadic-keywords": Kind("MARK\ndef f(**x: int) -> int:\n    BODY", "f(a=1, b=X)"),
    "method": Kind("class Shop:\n    MARK\n    def f(self, x: int) -> int:\n        BODY", "Shop().f(X)", "Shop.f"),
    "classmethod-above": Kind(
        "class Shop:\n    @classmethod\n    MARK\n    def f(cls, x: int) -> int:\n        BODY", "Shop.f(X)", "Shop.f"
    ),
    "classmethod-below": Kind(
        "class Shop:\n    MARK\n    @classmethod\n    def f(cls, x: int) -> int:\n        BODY", "Shop.f(X)", "Shop.f"
    ),
    "staticmethod-above": Kind(
        "class Shop:\n    @staticmethod\n    MARK\n    def f(x: int) -> int:\n        BODY", "Shop.f(X)", "Shop.f"
    ),
    "staticmethod-below": Kind(
        "class Shop:\n    MARK\n    @staticmethod\n    def f(x: int) -> int:\n        BODY", "Shop.f(X)", "Shop.f"
    ),
    "property": Kind(  # its getter has no argument
        "class Shop:\n    @property\n    MARK\n    def f(self) -> int:\n        BODY",
        "Shop().f",
        "Shop.f",
        ALL - {"perceive"},
    ),
    "setter": Kind(  # what it returns is dropped
        "class Shop:\n    f = property()\n    @f.setter\n    MARK\n    def f(self, x: int) -> int:\n        BODY",
        "setattr(Shop(), 'f', X)",
        "Shop.f",
    ),
    "async": Kind("MARK\nasync def f(x: int) -> int:\n    BODY", "asyncio.run(f(X))", stalls="await pause()"),
    "async-method": Kind(
        "class Shop:\n    MARK\n    async def f(self, x: int) -> int:\n        BODY",
        "asyncio.run(Shop().f(X))",
        "Shop.f",
        stalls="await pause()",
    ),
    "generator": Kind("MARK\ndef f(x: int):\n    yield flaky_or(x)", "next(f(X))", phases=_OF_A_GENERATOR),
    "async-generator": Kind(
        "MARK\nasync def f(x: int):\n    yield flaky_or(x)", "asyncio.run(first(f(X)))", phases=_OF_A_GENERATOR
    ),
    "contextmanager": Kind(
        "@contextlib.contextmanager\nMARK\ndef f(x: int):\n    yield flaky_or(x)",
        "f(X).__enter__()",
        phases=_OF_A_GENERATOR,
    ),
    "asynccontextmanager": Kind(
        "@contextlib.asynccontextmanager\nMARK\nasync def f(x: int):\n    yield flaky_or(x)",
        "asyncio.run(entered(f(X)))",
        phases=_OF_A_GENERATOR,
    ),
    "nested": Kind(
        "def make(y):\n    MARK\n    def f(x: int) -> int:\n        nonlocal y\n        BODY\n    return f",
        "make(1)(X)",
        "make.<locals>.f",
    ),
    "super": Kind(
        "class Base:\n    def f(self, x): BODY\nclass Shop(Base):\n    MARK\n    def f(self, x: int) -> int:\n"
        "        return super().f(x)",
        "Shop().f(X)",
        "Shop.f",
        _ANSWERS,
    ),
    "mangled": Kind(
        "class Shop:\n    MARK\n    def __f(self, x: int) -> int:\n        BODY\n"
        "    def g(self, x): return self.__f(x)",
        "Shop().g(X)",
        "Shop.__f",
    ),
    "enum": Kind(
        "class Shop(enum.Enum):\n    A = 1\n    MARK\n    def f(self, x: int) -> int:\n        BODY",
        "Shop.A.f(X)",
        "Shop.f",
    ),
    "dataclass": Kind(
        "@dataclasses.dataclass\nclass Shop:\n    a: int = 1\n    MARK\n    def f(self, x: int) -> int:\n        BODY",
        "Shop().f(X)",
        "Shop.f",
    ),
    "singledispatch": Kind("@functools.singledispatch\nMARK\ndef f(x: int) -> int:\n    BODY"),
    "cache": Kind("@functools.cache\nMARK\ndef f(x: int) -> int:\n    BODY"),
    "cache-below": Kind("MARK\n@functools.cache\ndef f(x: int) -> int:\n    BODY"),
    "in-a-loop": Kind("MARK\ndef f(x: int) -> int:\n    for _ in range(1):\n        BODY"),
    "in-finally": Kind("MARK\ndef f(x: int) -> int:\n    try:\n        pass\n    finally:\n        BODY"),
    "in-match": Kind("MARK\ndef f(x: int) -> int:\n    match x:\n        case _:\n            BODY"),
    "in-try": Kind(
        "MARK\ndef f(x: int) -> int:\n    try:\n        BODY\n    except ZeroDivisionError:\n        return 1"
    ),
    "in-try-that-swallows": Kind(  # the user's own handler is nearer to a failing body than the retry loop
        "MARK\ndef f(x: int) -> int:\n    try:\n        BODY\n    except Exception:\n        return 1",
        phases=ALL - {"retry"},
    ),
    "rebound": Kind(
        "MARK\ndef f(x: int) -> int:\n    x = str(x) + '!'\n    if x != '1!': raise TypeError(x)\n    BODY"
    ),
}


def module_of(kind: Kind, load: Load, *, options: str = "", body: str = "return 7") -> ModuleType:
    helper = "def flaky_or(x):\n    return flaky() if FLAKY else x\n\n"
    text = kind.text.replace("MARK", f"@poet{options}").replace("BODY", body)
    return load(f"{_HEAD}FLAKY = {'flaky' in body}\n{helper}{text}\n")


def call(module: ModuleType, kind: Kind, argument: str = "1") -> object:
    return eval(kind.call.replace("X", argument), vars(module))


def each(phase: str) -> pytest.MarkDecorator:
    return pytest.mark.parametrize(
        "kind", [pytest.param(kind, id=name) for name, kind in KINDS.items() if phase in kind.phases]
    )


@pytest.fixture
def short_waits(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("poet_import.runtime.attempts._FIRST_WAIT", 0.0001)


@each("perceive")
def test_a_wrong_argument_is_refused_by_name(kind: Kind, load: Load) -> None:
    module = module_of(kind, load)
    with pytest.raises(PerceiveError) as caught:
        call(module, kind, "'wrong'")

    assert (caught.value.function, caught.value.parameter) == (f"shop.{kind.qualname}", "x")


@pytest.mark.usefixtures("short_waits")
@each("retry")
def test_a_failing_body_is_tried_again_with_its_parameters(kind: Kind, load: Load) -> None:
    module = module_of(kind, load, options="(retries=2)", body="return flaky()")

    assert call(module, kind) in (7, None)  # a setter has no answer
    assert module.failures == 2


@pytest.mark.usefixtures("short_waits")
@each("retry")
def test_a_body_that_keeps_failing_raises_its_own_error(kind: Kind, load: Load) -> None:
    module = module_of(kind, load, options="(retries=1)", body="return flaky()")
    with pytest.raises(ConnectionError, match="failure 2") as caught:
        call(module, kind)

    assert any(note.startswith("poet: operate failed after 2 attempts") for note in caught.value.__notes__)


@each("timeout")
def test_a_body_that_takes_too_long_is_ended(kind: Kind, load: Load) -> None:
    module = module_of(kind, load, options="(timeout=0.05)", body=kind.stalls)
    with pytest.raises(PoetTimeout) as caught:
        call(module, kind)

    assert caught.value.function == f"shop.{kind.qualname}"


@each("enforce")
def test_a_wrong_result_is_refused(kind: Kind, load: Load) -> None:
    module = module_of(kind, load, body="return 'wrong'")
    with pytest.raises(EnforceError) as caught:
        call(module, kind)

    assert (caught.value.function, caught.value.parameter) == (f"shop.{kind.qualname}", "return")


@each("falling off")
def test_falling_off_the_end_is_a_wrong_result_too(kind: Kind, load: Load) -> None:
    module = module_of(kind, load, body="failures")
    with pytest.raises(EnforceError, match="got None"):
        call(module, kind)
