"""The functions whose calls are measured: the same ones, decorated by poet_import and by others.

A subject is written to a module of its own, so that each library meets a source file, as at its users'.
"""

import importlib.util
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from textwrap import indent


def installed_as(distribution: str) -> str:
    """Return the module of a distribution."""
    return distribution.replace("-", "_")


@dataclass(frozen=True, slots=True)
class Function:
    """A function and a call of it."""

    head: str
    body: str
    call: str  # in a module where it is named ``subject``
    is_async: bool = False


@dataclass(frozen=True, slots=True)
class Subject:
    """A function under some decorators."""

    label: str
    function: Function
    decorators: tuple[str, ...] = ()
    before: str = ""  # what the module imports
    block: str = ""  # a statement around the body
    needs: tuple[str, ...] = ()  # distributions besides the standard library and poet_import

    def text(self) -> str:
        """Return the source of its module."""
        body = f"{self.block}\n{indent(self.function.body, '    ')}" if self.block else self.function.body
        lines = [self.before, "", *self.decorators, self.function.head, indent(body, "    "), ""]
        return "\n".join(lines)

    def missing(self) -> list[str]:
        """Return what it needs and is not installed."""
        return [name for name in self.needs if importlib.util.find_spec(installed_as(name)) is None]


@dataclass(frozen=True, slots=True)
class Section:
    """What one use of ``@poet`` is compared with.

    Attributes:
        baseline: The subject that the ratios are to.
        limit: The most that the ratio of poet_import to the baseline may be; None where no figure is asked for.
        peers: What people use instead; the baseline is one of them only if it does the same.
    """

    title: str
    poet: Subject
    baseline: Subject
    limit: float | None
    peers: tuple[Subject, ...] = ()


_BODY = "base = 2.5 if sku == 'tea' else 12.0\nreturn base * quantity - discount"
_HEAD = "def subject(sku: str, quantity: int, discount: float) -> float:"
_CALL = "subject('tea', 3, 0.5)"
_PRICE = Function(_HEAD, _BODY, _CALL)
_ASYNC = Function(f"async {_HEAD}", _BODY, f"await {_CALL}", is_async=True)
_FEW = Function("def subject(items: list[int]) -> int:", "return len(items)", "subject(few)")
_MANY = Function("def subject(items: list[int]) -> int:", "return len(items)", "subject(many)")

BARE = {function: Subject("the bare function", function) for function in (_PRICE, _ASYNC, _FEW, _MANY)}


def _poet(function: Function, options: str = "") -> Subject:
    return Subject(f"`@poet{options}`", function, (f"@poet{options}",), "from poet_import import poet")


def _beartype(function: Function) -> Subject:
    return Subject("beartype", function, ("@beartype",), "from beartype import beartype", needs=("beartype",))


def _checkers(function: Function) -> tuple[Subject, ...]:
    """Return those that check arguments and result against the annotations."""
    typeguard = "from typeguard import typechecked"
    pydantic = "from pydantic import validate_call"
    return (
        _beartype(function),
        Subject("typeguard", function, ("@typechecked",), typeguard, needs=("typeguard",)),
        Subject("pydantic", function, ("@validate_call(validate_return=True)",), pydantic, needs=("pydantic",)),
    )


_STAMINA = "@stamina.retry(on=ConnectionError, attempts=4)"
_TENACITY = (
    "@tenacity.retry(retry=tenacity.retry_if_exception_type(ConnectionError), stop=tenacity.stop_after_attempt(4))"
)
_FUNCY = "@funcy.retry(4, errors=ConnectionError)"
_TIMEOUT = "@timeout_decorator.timeout(5)"
_WRAPT = "@wrapt_timeout_decorator.timeout(5)"
_VALIDATE = "@pydantic.validate_call(validate_return=True)"
_BEARTYPE = "@beartype.beartype"


def _stack(function: Function, *decorators: str) -> Subject:
    """Return a function under decorators of several libraries, each named by the module that it comes from."""
    modules = tuple(decorator[1:].split(".")[0] for decorator in decorators)
    label = " + ".join(module.replace("_", "-") for module in modules)
    before = f"import {', '.join(sorted(modules))}"
    return Subject(label, function, decorators, before, needs=tuple(module.replace("_", "-") for module in modules))


_ASYNCIO_TIMEOUT = Subject("asyncio.timeout", _ASYNC, before="import asyncio", block="async with asyncio.timeout(5):")

SECTIONS = (
    Section("checks", _poet(_PRICE), _beartype(_PRICE), 0.25, _checkers(_PRICE)),
    Section(
        "checks + retries",
        _poet(_PRICE, "(retries=3)"),
        _beartype(_PRICE),
        0.30,
        (
            _stack(_PRICE, _STAMINA),
            _stack(_PRICE, _TENACITY),
            _stack(_PRICE, _FUNCY),
            _stack(_PRICE, _VALIDATE, _TENACITY),
        ),
    ),
    Section(
        "checks + timeout",
        _poet(_PRICE, "(timeout=5)"),
        _beartype(_PRICE),
        1.5,
        (_stack(_PRICE, _TIMEOUT), _stack(_PRICE, _WRAPT)),
    ),
    Section(
        "checks + retries + timeout",
        _poet(_PRICE, "(retries=3, timeout=5)"),
        _beartype(_PRICE),
        1.5,
        (_stack(_PRICE, _BEARTYPE, _STAMINA, _TIMEOUT), _stack(_PRICE, _VALIDATE, _TENACITY, _TIMEOUT)),
    ),
    Section("async: checks", _poet(_ASYNC), _beartype(_ASYNC), 0.25, _checkers(_ASYNC)),
    Section(
        "async: checks + retries",
        _poet(_ASYNC, "(retries=3)"),
        _beartype(_ASYNC),
        None,
        (_stack(_ASYNC, _STAMINA), _stack(_ASYNC, _TENACITY), _stack(_ASYNC, _VALIDATE, _TENACITY)),
    ),
    Section("async: checks + timeout", _poet(_ASYNC, "(timeout=5)"), _ASYNCIO_TIMEOUT, 0.2, (_ASYNCIO_TIMEOUT,)),
    Section("`list[int]` of 10", _poet(_FEW), _beartype(_FEW), None, _checkers(_FEW)),
    Section("`list[int]` of 10,000", _poet(_MANY), _beartype(_MANY), None, _checkers(_MANY)),
)


def subjects() -> list[Subject]:
    """Return every subject once, each bare function before those that are compared with it."""
    found = dict.fromkeys(subject for section in SECTIONS for subject in _of(section))
    return list(found)


def _of(section: Section) -> Iterator[Subject]:
    yield BARE[section.poet.function]
    yield section.poet
    yield section.baseline
    yield from section.peers


def write_subjects(folder: Path, chosen: list[Subject]) -> None:
    """Write ``subject_0.py``, ``subject_1.py``, … into a new folder."""
    folder.mkdir()
    for number, subject in enumerate(chosen):
        (folder / f"subject_{number}.py").write_text(subject.text(), encoding="utf-8")
