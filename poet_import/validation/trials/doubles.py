"""Recording doubles: they stand for everything outside of a function, note what is done with them, and answer.

An answer depends on the trial, on what was asked and on how many calls went before, never on who asks: given the same
calls, O and O′ get the same answers. What an answer may be is told by ``hints``: for each name of a call, an attribute
or a key, the specification of what O does with it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, Final

_path: Final = "_Double__path"
Answer = Callable[[str, Any], Any]

# Neither what is logged and measured nor what a clock says belongs to what a function does.
_QUIET: Final = frozenset(
    "log logger logging _log _logger _logging metrics statsd telemetry tracer warnings structlog loguru".split()
)
_LEVELS: Final = frozenset(
    "debug info warning warn error exception critical log incr increment gauge timing histogram".split()
)
_CLOCKS: Final = frozenset(
    "time.time time.monotonic time.perf_counter time.time_ns time.monotonic_ns time.perf_counter_ns time.process_time".split()
)


class Stage:
    """What happens in one trial: the calls so far, and how they were answered."""

    def __init__(self, hints: Mapping[str, Any], draw: Any, raised: Sequence[type[BaseException]]) -> None:
        """Take what answers.

        Args:
            hints: Specifications by the name of what was asked.
            draw: The `poet_import.validation.trials.draw.Draw` of the trial.
            raised: Exceptions that a call may raise; one that is there twice is raised more often.
        """
        self._hints = hints
        self._draw = draw
        self._raised = raised
        self.calls: list[str] = []
        self._seed = ""
        self._fails = 0.0

    def begin(self, seed: str, *, fails: float) -> None:
        """Begin a trial in which that share of the calls raises."""
        self.calls = []
        self._seed, self._fails = seed, fails

    def note(self, what: str) -> None:
        """Note something that was done."""
        if len(self.calls) > 150:
            raise EndlessCallsError
        self.calls.append(what)

    def concrete(self, name: str, path: str, otherwise: Any = None) -> Any:
        """Return the answer for a name: of its hint, else ``otherwise``, else a double."""
        spec = self._hints.get(name, otherwise)
        if spec is None:
            return Double(path, self)
        self._draw.begin(f"{self._seed}{path}")
        if spec[0] == "awaited":
            return Promise(path, self, self._value(spec[1], path))
        return self._value(spec, path)

    def _value(self, spec: Any, path: str) -> Any:
        if spec[0] == "maybe":
            return None if self._draw.random.random() < 0.3 else Double(path, self)
        return self._draw.value(spec)

    def called(self, path: str, arguments: str) -> Any:
        """Note a call and return its answer, or raise what it raises."""
        name = path.rpartition(".")[2]
        if path in _CLOCKS or name in ("now", "today", "utcnow") or path.endswith("get_event_loop().time"):
            return 1_700_000_000.0 if path in _CLOCKS else Double(f"{path}()", self)
        if name in _LEVELS and _QUIET & set(path.replace("(", ".").split(".")):
            return None
        number = len(self.calls)
        self.note(f"{path}({arguments})")
        self._draw.begin(f"{self._seed}{number}!{path}")
        if self._raised and self._draw.random.random() < self._fails:
            raise self._draw.random.choice(self._raised)(f"from call {number}")
        return self.concrete(f"{name}()", f"{path}({arguments})#{number}", _USUAL.get(name))


# What some calls answer wherever they stand.
_USUAL: Final = {"sleep": ["none"], "write": ["int"], "append": ["none"], "close": ["none"], "print": ["none"]}


class EndlessCallsError(BaseException):
    """More calls than any trial needs."""


class Double:
    """Stands for an object that nothing is known of."""

    def __init__(self, path: str, stage: Stage) -> None:
        self.__path = path
        self.__stage = stage

    def __deepcopy__(self, _memory: object) -> Double:
        return self

    def __getattr__(self, name: str) -> Any:  # Any: as everywhere here, whatever the tried code expects
        if name.startswith("__") and name.endswith("__"):
            raise AttributeError(name)
        return self.__stage.concrete(name, f"{self.__path}.{name}")

    def __setattr__(self, name: str, value: Any) -> None:
        if name.startswith("_Double__"):
            object.__setattr__(self, name, value)
            return
        self.__stage.note(f"{self.__path}.{name} = {_shown(value)}")
        object.__setattr__(self, name, value)

    def __delattr__(self, name: str) -> None:
        self.__stage.note(f"del {self.__path}.{name}")

    def __call__(self, *values: Any, **named: Any) -> Any:
        shown = [*map(_shown, values), *(f"{name}={_shown(value)}" for name, value in sorted(named.items()))]
        return self.__stage.called(self.__path, ", ".join(shown))

    def __getitem__(self, key: Any) -> Any:
        return self.__stage.concrete(f"[{key!r}]", f"{self.__path}[{_shown(key)}]")

    def __setitem__(self, key: Any, value: Any) -> None:
        self.__stage.note(f"{self.__path}[{_shown(key)}] = {_shown(value)}")

    def __delitem__(self, key: Any) -> None:
        self.__stage.note(f"del {self.__path}[{_shown(key)}]")

    def __iter__(self) -> Iterator[Any]:
        count = self._as(["literal", [0, 1, 2, 2, 3]], "len")
        for number in range(count):
            yield self.__stage.concrete("[]", f"{self.__path}[{number}]")

    async def __aiter__(self) -> Any:
        for item in self:
            yield item

    def __len__(self) -> int:
        return int(self._as(["literal", [0, 1, 2, 2, 3]], "len"))

    def __bool__(self) -> bool:
        return bool(self._as(["bool"], "bool"))

    def __contains__(self, item: Any) -> bool:
        return bool(self._as(["bool"], f"in {_shown(item)}"))

    def __enter__(self) -> Any:
        self.__stage.note(f"enter {self.__path}")
        return self

    def __exit__(self, kind: Any, _error: Any, _trace: Any) -> None:
        self.__stage.note(f"exit {self.__path} {getattr(kind, '__name__', '')}")

    async def __aenter__(self) -> Any:
        return self.__enter__()

    async def __aexit__(self, *details: Any) -> None:
        self.__exit__(*details)

    def __await__(self) -> Any:
        self.__stage.note(f"await {self.__path}")
        yield from ()
        return self

    def _as(self, spec: Any, what: str) -> Any:
        return self.__stage.concrete("", f"{self.__path} {what}", spec)

    def __eq__(self, other: object) -> bool:
        if isinstance(other, Double):
            return path_of(self) == path_of(other)
        return bool(self._as(["bool"], f"== {_shown(other)}"))

    def __hash__(self) -> int:
        return hash(self.__path)

    def __lt__(self, other: Any) -> bool:
        return bool(self._as(["bool"], f"< {_shown(other)}"))

    def __gt__(self, other: Any) -> bool:
        return bool(self._as(["bool"], f"> {_shown(other)}"))

    def __le__(self, other: Any) -> bool:
        return not self > other

    def __ge__(self, other: Any) -> bool:
        return not self < other

    def __int__(self) -> int:
        return int(self._as(["int"], "int"))

    __index__ = __int__

    def __float__(self) -> float:
        return float(self._as(["float"], "float"))

    def __str__(self) -> str:
        return f"<{self.__path}>"

    __repr__ = __str__

    def __format__(self, spec: str) -> str:
        return f"<{self.__path}:{spec}>"


class Promise:
    """What a call answers that is waited for."""

    def __init__(self, path: str, stage: Stage, value: Any) -> None:
        self._path, self._stage, self._value = path, stage, value

    def __await__(self) -> Any:
        self._stage.note(f"await {self._path}")
        yield from ()
        return self._value

    def __repr__(self) -> str:
        return f"<promise {self._path}>"


def _operation(symbol: str, *, reflected: bool) -> Callable[[Double, Any], Double]:
    def operate(self: Double, other: Any) -> Double:
        left, right = (_shown(other), _shown(self)) if reflected else (_shown(self), _shown(other))
        return Double(f"({left} {symbol} {right})", getattr(self, "_Double__stage"))  # noqa: B009  # mangled

    return operate


for _name, _symbol in {"add": "+", "sub": "-", "mul": "*", "truediv": "/", "floordiv": "//", "mod": "%", "pow": "**",
                       "and": "&", "or": "|", "xor": "^"}.items():  # fmt: skip
    setattr(Double, f"__{_name}__", _operation(_symbol, reflected=False))
    setattr(Double, f"__r{_name}__", _operation(_symbol, reflected=True))


def path_of(double: Double) -> str:
    """Return what a double stands for."""
    return str(object.__getattribute__(double, _path))


def _shown(value: Any) -> str:
    from poet_import.validation.trials.canon import canonical  # which asks here what a double is

    return canonical(value)
