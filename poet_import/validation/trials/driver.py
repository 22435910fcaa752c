"""What the child does: it makes the function, tries it on one input after the other, and answers with each outcome."""

from __future__ import annotations

import builtins
import datetime as dt
import time
from collections.abc import Callable, Iterator, Mapping
from decimal import Decimal
from fractions import Fraction
from types import AsyncGeneratorType, CoroutineType
from typing import Any, Final

from poet_import.validation.trials.canon import canonical, exception_name, marks_of
from poet_import.validation.trials.doubles import Double, EndlessCallsError, Stage
from poet_import.validation.trials.draw import Draw
from poet_import.validation.trials.promises import broken_promise, is_allowed

_EVALUATED: Final = {
    "datetime": dt,
    "Decimal": Decimal,
    "Fraction": Fraction,
    "inf": float("inf"),
    "nan": float("nan"),
    **{name: getattr(dt, name) for name in ("date", "time", "timedelta", "timezone")},
}
_SENTINEL: Final = "changed by the caller"


def main(payload: Mapping[str, Any], emit: Callable[[object], None]) -> None:
    """Try a function.

    Args:
        payload: ``code`` (a text that defines it), ``name``, ``specs`` of its parameters, ``kinds`` of them, ``calls``
            as literals, the ``pool``, ``hints``, ``doubles`` and ``exceptions`` for what is outside, ``count`` of inputs
            and ``seconds`` for them.
        emit: Takes an outcome.
    """
    tried = _Tried(payload)
    ends = time.monotonic() + payload["seconds"]
    for number in range(payload["count"]):
        emit(tried.outcome(number))
        if time.monotonic() > ends:
            break


class _Tried:
    def __init__(self, payload: Mapping[str, Any]) -> None:
        self._payload = payload
        self._draw = Draw(payload["pool"], self._make)
        exceptions = {path: _exception(path) for path in payload["exceptions"]}
        usual = {name: vars(builtins)[name] for name in payload["usual_exceptions"]}
        self._stage = Stage(payload["hints"], Draw(payload["pool"], self._make), {**exceptions, **usual})
        doubles = {name: _outside(path, self._stage, exceptions) for name, path in payload["doubles"].items()}
        # The code that defines the function may import; what stands for other modules is put over that.
        self._namespace: dict[str, Any] = {
            "__name__": "tried",
            "__builtins__": {**vars(builtins), **doubles},
            **doubles,
        }
        _stop_clocks()
        exec(compile(payload["code"], "<tried>", "exec", dont_inherit=True), self._namespace)  # what the jail is for
        self._function = self._namespace[payload["name"]]
        self._result: Any = None

    def outcome(self, number: int) -> list[Any]:
        """Return how an input ended: what was raised or returned, the arguments after it, and the calls."""
        shown = repr(self._input(number))[:300] if number == self._payload["show"] else ""
        if self._payload["promise"] is not None:
            return [shown, *self._promised(number)]
        first = self._run(*self._input(number), seed=f"{number}")
        again: list[str] = []
        if number % 4 == 0 and self._spoil(self._result):
            again = self._run(*self._input(number), seed=f"{number}")
        return [shown, first, again]

    def _promised(self, number: int) -> tuple[list[str], str]:
        """Return how an input ended and which promise of a stub that breaks; nothing for one that the checks refuse."""
        promise = self._payload["promise"]
        values, named = self._input(number)
        given = {**dict(zip((row[0] for row in self._payload["parameters"]), values, strict=False)), **named}
        if not is_allowed(given, promise["checks"]):
            return [], ""
        before = canonical(self._input(number))
        ended = self._run(values, named, seed=f"{number}")
        if ended[0].startswith("raises "):
            return ended, ""
        broken = broken_promise(self._result, promise)
        if not broken and canonical((values, named)) != before:
            broken = "the arguments are changed"
        return ended, broken

    def _run(self, values: list[Any], named: dict[str, Any], *, seed: str) -> list[str]:
        arguments = {**{str(place): value for place, value in enumerate(values)}, **named}
        marks = marks_of(arguments)
        self._stage.begin(seed, fails=(0.0, 0.0, 0.15, 0.5)[hash(int(seed)) % 4])
        self._result = None
        try:
            self._result = _driven(self._function(*values, **named))
            ended = canonical(self._result, marks)
        except EndlessCallsError:
            ended = "calls without end"
        except BaseException as error:  # noqa: BLE001  # whatever the tried code raises is an outcome
            ended = f"raises {exception_name(type(error))}"
        return [ended, canonical(arguments), "\n".join(self._stage.calls)]

    def _spoil(self, result: Any) -> bool:
        """Change a result as a caller may, so that one that is kept for the next call shows."""
        if type(result) is list:
            result.append(_SENTINEL)
        elif type(result) is dict:
            result[_SENTINEL] = _SENTINEL
        elif type(result) is set:
            result.add(_SENTINEL)
        return True

    def _input(self, number: int) -> tuple[list[Any], dict[str, Any]]:
        payload = self._payload
        calls = payload["calls"]
        self._draw.begin(f"input {number}")
        if number < len(calls):
            return list(eval(calls[number], dict(_EVALUATED))), {}  # noqa: S307  # a literal, in the jail
        if calls and self._draw.random.random() < 0.25:
            recorded = list(eval(self._draw.random.choice(calls), dict(_EVALUATED)))  # noqa: S307  # as above
            return self._mutated(recorded), {}
        return self._drawn()

    def _drawn(self) -> tuple[list[Any], dict[str, Any]]:
        values: list[Any] = []
        named: dict[str, Any] = {}
        skipped = False
        for name, kind, spec, optional in self._payload["parameters"]:
            if kind == "rest":
                values += [] if skipped else [self._draw.value(spec) for _ in range(self._draw.random.randrange(4))]
            elif kind == "named rest":
                named.update({key: self._draw.value(spec) for key in ("a", "b") if self._draw.random.random() < 0.4})
            elif optional and self._draw.random.random() < 0.35:
                skipped = True
            elif kind == "named" or (skipped and kind == "either"):
                named[name] = self._draw.value(spec)
            elif not skipped:
                values.append(self._draw.value(spec))
        return values, named

    def _mutated(self, values: list[Any]) -> list[Any]:
        """Return recorded arguments with one of them drawn anew."""
        parameters = [row for row in self._payload["parameters"] if row[1] in ("first", "either")]
        place = self._draw.random.randrange(len(values)) if values else 0
        if place < min(len(values), len(parameters)):
            values[place] = self._draw.value(parameters[place][2])
        return values

    def _make(self, kind: str, name: str, values: Mapping[str, Any]) -> Any:
        if kind == "object":
            return Double(name, self._stage)
        made = self._namespace[name]
        return values["choose"](list(made)) if kind == "enum" else made(**values)


class _Outside(Double):
    """A name from outside of the function; classes of exceptions below it are real ones."""

    def __init__(self, path: str, stage: Stage, exceptions: Mapping[str, type]) -> None:
        super().__init__(path, stage)
        self.__dict__["_Double__exceptions"] = exceptions

    def __getattr__(self, name: str) -> Any:
        path = f"{self.__dict__['_Double__path']}.{name}"
        exceptions = self.__dict__["_Double__exceptions"]
        if path in exceptions:
            return exceptions[path]
        if any(known.startswith(f"{path}.") for known in exceptions):
            return _Outside(path, self.__dict__["_Double__stage"], exceptions)
        return super().__getattr__(name)


def _exception(path: str) -> type[Exception]:
    """Return a class for an exception of another module."""
    return type(path.rpartition(".")[2], (Exception,), {"__module__": "tried"})


def _outside(path: str, stage: Stage, exceptions: Mapping[str, type]) -> Any:
    return exceptions[path] if path in exceptions else _Outside(path, stage, exceptions)


def _stop_clocks() -> None:
    """Let the date and the time be the same in every trial."""

    class Day(dt.date):
        @classmethod
        def today(cls) -> Any:
            return cls(2024, 2, 29)

    class Moment(dt.datetime):
        @classmethod
        def now(cls, tz: Any = None) -> Any:
            return cls(2024, 2, 29, 12, 30, tzinfo=tz)

        @classmethod
        def utcnow(cls) -> Any:
            return cls(2024, 2, 29, 12, 30)

        today = now

    Day.__name__ = Day.__qualname__ = "date"
    Moment.__name__ = Moment.__qualname__ = "datetime"
    dt.date, dt.datetime = Day, Moment  # type: ignore[misc]  # for what is tried alone: this process does nothing else


def _driven(result: Any) -> Any:
    """Run a coroutine or an asynchronous generator to its end: nothing in a trial ever waits."""
    if isinstance(result, AsyncGeneratorType):
        return list(_items(result))
    if isinstance(result, CoroutineType):
        return _finish(result)
    return result


def _finish(coroutine: Any) -> Any:
    try:
        while True:
            coroutine.send(None)
    except StopIteration as stop:
        return stop.value


def _items(generator: Any) -> Iterator[Any]:
    try:
        for _ in range(10_000):
            yield _finish(generator.__anext__())
    except StopAsyncIteration:
        return
