"""Values as texts that are equal where the values, their types and what they share with the arguments are."""

from __future__ import annotations

from collections.abc import Mapping
from enum import Enum
from types import AsyncGeneratorType, CoroutineType, FunctionType, GeneratorType
from typing import Any, Final

from poet_import.validation.trials.doubles import Double, Promise, path_of

_PLAIN: Final = frozenset(
    "int str bytes bool NoneType date datetime time timedelta timezone Decimal Fraction range slice".split()
)
_MOST_ITEMS: Final = 20_000
_DEEPEST: Final = 12
_SHOWN: Final = frozenset((int, str, bool, type(None)))  # whose types their texts tell
_ITERATORS: Final = frozenset(
    "list_iterator tuple_iterator map filter zip enumerate reversed list_reverseiterator chain islice accumulate "
    "dict_keyiterator set_iterator str_iterator str_ascii_iterator range_iterator generator takewhile dropwhile starmap "
    "groupby product permutations combinations pairwise compress cycle count repeat zip_longest filterfalse".split()
)
OPAQUE: Final = "<opaque>"


def canonical(value: Any, marks: Mapping[int, str] | None = None, depth: int = 0) -> str:  # Any: whatever is returned
    """Return the text of a value.

    Args:
        value: Any value; an iterator is consumed.
        marks: Names of objects by their identity, so that it shows where one of them is a part of the value.
        depth: How deep it stands in another one.
    """
    if type(value) in _SHOWN:
        return repr(value)
    if isinstance(value, Double):
        return f"<{path_of(value)}>"
    if isinstance(value, Promise):
        return repr(value)
    name = type(value).__name__
    if isinstance(value, float | complex):
        return f"{name}:{value!r}"
    if name in _PLAIN:
        return f"{name}:{value!r}"
    mark = (marks or {}).get(id(value), "")
    return f"{mark}{_compound(value, name, marks, depth=depth)}"


def _compound(value: Any, name: str, marks: Mapping[int, str] | None, *, depth: int) -> str:
    if depth > _DEEPEST:
        return "..."
    if isinstance(value, Enum):
        return str(value)
    if isinstance(value, dict):
        items = sorted(
            f"{canonical(key, marks, depth + 1)}: {canonical(item, marks, depth + 1)}" for key, item in value.items()
        )
        return f"{name}{{{', '.join(items)}}}"
    if isinstance(value, set | frozenset):
        return f"{name}{{{', '.join(sorted(canonical(item, marks, depth + 1) for item in value))}}}"
    if isinstance(value, list | tuple) or name == "deque":
        return f"{name}({', '.join(canonical(item, marks, depth + 1) for item in value)})"
    if isinstance(value, bytearray | memoryview):
        return f"{name}:{bytes(value)!r}"
    if name in _ITERATORS or isinstance(value, GeneratorType):
        return f"{'generator' if isinstance(value, GeneratorType) else name}:{_consumed(value, marks, depth)}"
    if isinstance(value, BaseException):
        return f"{exception_name(type(value))}({', '.join(canonical(item, marks, depth + 1) for item in value.args)})"
    return _object(value, name, marks, depth=depth)


def _consumed(value: Any, marks: Mapping[int, str] | None, depth: int) -> str:
    items: list[str] = []
    try:
        while len(items) < _MOST_ITEMS:
            items.append(canonical(next(value), marks, depth + 1))
    except StopIteration as stop:
        items += [] if stop.value is None else [f"returns {canonical(stop.value, marks, depth + 1)}"]
    except BaseException as error:  # noqa: BLE001  # whatever the tried code raises is an outcome
        items.append(f"raises {exception_name(type(error))}")
    return f"({', '.join(items)})"


def _object(value: Any, name: str, marks: Mapping[int, str] | None, *, depth: int) -> str:
    if isinstance(value, type):
        return f"type:{name}:{value.__qualname__}"
    if isinstance(value, FunctionType | CoroutineType | AsyncGeneratorType) or callable(value):
        return OPAQUE
    state = getattr(value, "__dict__", None)
    slots = [slot for kind in type(value).__mro__ for slot in _slots(kind) if hasattr(value, slot)]
    if state is None and not slots:
        return f"{name}:{value!r}" if " at 0x" not in repr(value) else f"{name}:{OPAQUE}"
    fields = {**(state or {}), **{slot: getattr(value, slot) for slot in slots}}
    return f"{name}{canonical(fields, marks, depth + 1)}"


def _slots(kind: type) -> list[str]:
    slots = kind.__dict__.get("__slots__", ())
    return [slot for slot in ([slots] if isinstance(slots, str) else slots) if not slot.startswith("__")]


def exception_name(kind: type) -> str:
    """Return what tells an exception's type from another's."""
    return kind.__qualname__ if kind.__module__ in ("builtins", "tried") else f"{kind.__module__}.{kind.__qualname__}"


def marks_of(arguments: Mapping[str, Any]) -> dict[int, str]:
    """Return a name for each object in some arguments that could be changed, by identity."""
    marks: dict[int, str] = {}
    stack: list[tuple[str, Any]] = list(arguments.items())
    while stack and len(marks) < 2000:
        path, value = stack.pop()
        if type(value) in _SHOWN:
            continue
        if isinstance(value, dict):
            stack += [(f"{path}.{number}", item) for number, item in enumerate(list(value.values())[:50])]
        elif isinstance(value, list | tuple | set):
            stack += [(f"{path}.{number}", item) for number, item in enumerate(list(value)[:50])]
        elif isinstance(value, _IMMUTABLE):
            continue
        if not isinstance(value, tuple):
            marks[id(value)] = f"@{path}="
    return marks


_IMMUTABLE: Final = (int, float, complex, str, bytes, frozenset, type, Double)
