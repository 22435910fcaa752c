"""What the child does: it makes the function, tries it on one input after the other, and answers with each outcome."""

from __future__ import annotations

import builtins
import datetime as dt
import json
import time
from collections.abc import Callable, Iterator, Mapping
from types import AsyncGeneratorType, CoroutineType, GeneratorType
from typing import Any, Final

from poet_import.validation.trials.canon import canonical, exception_name, marks_of
from poet_import.validation.trials.doubles import Double, EndlessCallsError, Stage, path_of
from poet_import.validation.trials.draw import Draw
from poet_import.validation.trials.promises import broken_promise, is_allowed
from poet_import.validation.trials.recipes import Arguments, Inputs, Recipe, root_of

ENDLESS: Final = "calls without end"
_SENTINEL: Final = "changed by the caller"


def main(payload: Mapping[str, Any], emit: Callable[[object], None]) -> None:
    """Try a function.

    Args:
        payload: ``code`` (a text that defines it), ``name``, its ``parameters``, ``calls`` as literals, the ``pool``,
            ``hints``, ``doubles`` and ``exceptions`` for what is outside, ``inputs`` as recipes, ``seconds`` for them,
            and whether its generators are to be sent values (``sends``).
        emit: Takes an outcome.
    """
    tried = Tried(payload)
    seconds = payload["seconds"]  # of its processor's: a busy machine does not make it try less
    begun, ends = time.process_time(), time.monotonic() + 2 * seconds
    for number in range(len(payload["inputs"])):
        emit(tried.outcome(number))
        if time.process_time() - begun > seconds or time.monotonic() > ends:
            break


class Tried:
    """A function with what it needs, made to be called."""

    def __init__(self, payload: Mapping[str, Any], names: Mapping[str, Any] | None = None) -> None:
        """Make it.

        Args:
            payload: As `main` takes it.
            names: What its text calls beside.
        """
        self._payload = payload
        self._draw = Draw(payload["pool"], self._make)
        self._inputs = Inputs(payload["calls"], payload["parameters"], Draw(payload["pool"], self._make))
        exceptions = {path: _exception(path) for path in payload["exceptions"]}
        raised = [*exceptions.values(), *(vars(builtins)[name] for name in payload["usual_exceptions"])]
        self._stage = Stage(payload["hints"], Draw(payload["pool"], self._make), raised)
        doubles = {name: _outside(path, self._stage, exceptions) for name, path in payload["doubles"].items()}
        # The code that defines the function may import; what stands for other modules is put over that.
        self._namespace: dict[str, Any] = {
            "__name__": "tried",
            "__builtins__": {**vars(builtins), **doubles},
            **doubles,
            **(names or {}),
        }
        _stop_clocks()
        _read_doubles(self._stage)
        exec(compile(payload["code"], "<tried>", "exec", dont_inherit=True), self._namespace)  # what the jail is for
        self._function = self._namespace[payload["name"]]
        self._result: Any = None

    def outcome(self, number: int) -> list[Any]:
        """Return how an input ended: what was raised or returned, the arguments after it, and the calls."""
        shown = repr(self._input(number))[:300] if number == self._payload["show"] else ""
        if self._payload["promise"] is not None:
            return [shown, *self._promised(number)]
        recipe = self._payload["inputs"][number]
        first = self.ran(recipe)
        again: list[str] = []
        if number % 4 == 0 and self._spoil(self._result):
            again = self.ran(recipe)
        return [shown, first, again]

    def ran(self, recipe: Recipe) -> list[str]:
        """Return how the function ends on an input, the arguments after it, and the calls that it makes."""
        return self._run(*self._inputs.made(recipe), seed=root_of(recipe))

    def _input(self, number: int) -> Arguments:
        return self._inputs.made(self._payload["inputs"][number])

    def _promised(self, number: int) -> tuple[list[str], str]:
        """Return how an input ended and which promise of a stub that breaks; nothing for one that the checks refuse."""
        promise = self._payload["promise"]
        values, named = self._input(number)
        given = {**dict(zip((row[0] for row in self._payload["parameters"]), values, strict=False)), **named}
        if not is_allowed(given, promise["checks"]):
            return [], ""
        before = canonical(self._input(number))
        ended = self._run(values, named, seed=number)
        if ended[0].startswith("raises "):
            return ended, ""
        broken = broken_promise(self._result, promise)
        if not broken and canonical((values, named)) != before:
            broken = "the arguments are changed"
        return ended, broken

    def _run(self, values: list[Any], named: dict[str, Any], *, seed: int) -> list[str]:
        arguments = {**{str(place): value for place, value in enumerate(values)}, **named}
        marks = marks_of(arguments)
        self._draw.begin(f"sent {seed}")
        self._stage.begin(f"{seed}", fails=(0.0, 0.0, 0.15, 0.5)[seed % 4])
        self._result = None
        try:
            self._result = self._driven(self._function(*values, **named))
            ended = canonical(self._result, marks)
        except EndlessCallsError:
            ended = ENDLESS
        except BaseException as error:  # noqa: BLE001  # whatever the tried code raises is an outcome
            ended = f"raises {exception_name(type(error))}"
        return [ended, canonical(arguments), "\n".join(self._stage.calls)]

    def _driven(self, result: Any) -> Any:
        """Run a coroutine or an asynchronous generator to its end: nothing in a trial ever waits."""
        if isinstance(result, AsyncGeneratorType):
            return list(_items(result))
        if isinstance(result, CoroutineType):
            return _finish(result)
        if isinstance(result, GeneratorType) and self._payload["sends"]:
            return ["generator", *self._conversation(result)]
        return result

    def _conversation(self, generator: Any) -> Iterator[Any]:
        """Yield what a generator answers to what it is sent."""
        yield next(generator)
        for number in range(self._draw.random.randrange(1, 12)):
            kind = self._draw.random.choice(("int", "float", "int", "float", "str", "none"))
            try:
                yield generator.send(self._draw.value([kind]))
            except StopIteration as stop:
                yield ["returns", number, stop.value]
                return
        generator.close()

    def _spoil(self, result: Any) -> bool:
        """Change a result as a caller may, so that one that is kept for the next call shows."""
        if type(result) is list:
            result.append(_SENTINEL)
        elif type(result) is dict:
            result[_SENTINEL] = _SENTINEL
        elif type(result) is set:
            result.add(_SENTINEL)
        return True

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


_REAL: Final = (dt.date, dt.datetime)


class _AnyDay(type):
    """A class of which every day is an instance."""

    def __instancecheck__(cls, value: object) -> bool:
        return isinstance(value, _REAL[0])


class _AnyMoment(type):
    """A class of which every moment is an instance."""

    def __instancecheck__(cls, value: object) -> bool:
        return isinstance(value, _REAL[1])


def _stop_clocks() -> None:
    """Let the date and the time be the same in every trial."""
    if dt.date is not _REAL[0]:
        return

    class Day(dt.date, metaclass=_AnyDay):
        @classmethod
        def today(cls) -> Any:
            return cls(2024, 2, 29)

    class Moment(dt.datetime, metaclass=_AnyMoment):
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


def _read_doubles(stage: Stage) -> None:
    """Let what stands for a text of JSON be read as what the function goes on to do with it."""

    def reading(real: Callable[..., Any]) -> Callable[..., Any]:
        def read(source: Any, *values: Any, **named: Any) -> Any:
            if isinstance(source, Double):
                return stage.concrete(f"{real.__name__}()", f"{real.__name__}({path_of(source)})")
            return real(source, *values, **named)

        return read

    json.loads, json.load = reading(_JSON[0]), reading(_JSON[1])


_JSON: Final = (json.loads, json.load)


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
