"""Everything that woven code may call. Standard library only; names here stay.

What only some functions need (hints, retries, deadlines, rules) is loaded when its name is first read. The loader reads
the names that a module needs before it runs it: nothing is imported while a woven function runs.
"""

import builtins
import sys
from sys import _getframe  # bound now: somebody may take it away later

from poet_import.errors import EnforceError, PerceiveError, PoetWarning

_HOMES = {
    "STARTED": "attempts",
    "binding_of": "bindings",
    "next_attempt": "attempts",
    "fits": "predicates",
    "hints": "bindings",
    "is_default": "bindings",
    "own_hints": "bindings",
    "Expired": "watchdog",
    "start": "watchdog",
    "stop": "watchdog",
    "timed_out": "watchdog",
    "interruptions": "tasks",
    "start_in_task": "tasks",
    "stop_in_task": "tasks",
    "timed_out_in_task": "tasks",
    "rules": "",
}
__all__ = [
    "STARTED",
    "Escape",
    "Expired",
    "all_are",
    "builtins",
    "enforce",
    "fits",
    "hints",
    "interruptions",
    "is_default",
    "item_keeps",
    "next_attempt",
    "own_hints",
    "pairs_are",
    "perceive",
    "rules",
    "start",
    "start_in_task",
    "stop",
    "stop_in_task",
    "timed_out",
    "timed_out_in_task",
    "warn",
    "yours",
]
woven_rows: dict[str, dict[int, tuple[object, ...]]] = {}
"""What the hook has woven: file -> line of a function's first decorator -> its row. For the marker; not for woven code."""
MOST_ITEMS = 8
"""Items of a container that a check looks at, evenly spread."""
_ATOMS = (str, bytes, int, float, bool, type(None))
_MOST_TEXT = 60


class Escape(BaseException):  # noqa: N818  (not an error: it carries one past the user's own ``except Exception``)
    """Carries a violation from inside the user's ``try`` to the edge of the function."""

    def __init__(self, error: EnforceError) -> None:
        super().__init__(error)
        self.error = error


def __getattr__(name: str) -> object:
    """Load the module that defines a name of this package."""
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    home = _HOMES[name]
    module = __import__(f"{__name__}.{home or name}", fromlist=["*"])
    value = globals()[name] = getattr(module, name) if home else module
    return value


def perceive(parameter: str, value: object, expected: str = "") -> PerceiveError:
    """Return the error for an argument that breaks its annotation or a rule; ``expected`` is empty for a deep hint."""
    frame = _getframe(1)
    return PerceiveError(_place(frame), parameter, expected or _expected(frame, parameter), describe_value(value))


def enforce(parameter: str, value: object, expected: str = "", *, stub: bool = False) -> EnforceError:
    """Return the error for a result that breaks its annotation or a rule."""
    frame = _getframe(1)
    actual = "None: the body is a stub" if stub else describe_value(value)
    return EnforceError(_place(frame), parameter, expected or _expected(frame, parameter), actual)


def warn(error: PerceiveError | EnforceError) -> None:
    """Warn of a violation instead of raising it, at the line of the function's caller."""
    import warnings  # noqa: PLC0415  (loaded by every interpreter start but with -S -I and no site; kept off this path)

    warnings.warn(str(error), PoetWarning, stacklevel=3)


def all_are(values: object, kinds: type | tuple[type, ...]) -> bool:
    """Tell whether at most `MOST_ITEMS` items of a list, tuple or set, evenly spread, are of the given classes."""
    for item in spread(values):  # noqa: SIM110  (a generator expression costs more than the check)
        if not isinstance(item, kinds):
            return False
    return True


def pairs_are(mapping: dict[object, object], keys: type | tuple[type, ...], values: type | tuple[type, ...]) -> bool:
    """Tell whether the first keys and values of a dict are of the given classes."""
    left = MOST_ITEMS
    for key, value in mapping.items():
        if not (isinstance(key, keys) and isinstance(value, values)):
            return False
        left -= 1
        if not left:
            break
    return True


def spread(values: object) -> object:
    """Return at most `MOST_ITEMS` items of a list, tuple or set: evenly spread where it can be indexed."""
    size = len(values)  # type: ignore[arg-type]  # callers have checked that it is a built-in container
    if size <= MOST_ITEMS:
        return values
    if isinstance(values, list | tuple):
        return values[:: -(-size // MOST_ITEMS)]
    items = iter(values)  # type: ignore[call-overload]  # as above
    return [next(items) for _ in range(MOST_ITEMS)]


def item_keeps(result: object, key: str, rule: str, **arguments: object) -> bool:
    """Tell whether the value under a key of a returned dict keeps a rule; a result without the key has none to break."""
    if not isinstance(result, dict) or key not in result:
        return True
    rules = __getattr__("rules")
    return bool(rules.RULES[rule](result[key], **arguments))  # type: ignore[attr-defined]  # the rules module


def yours(names: object) -> object:
    """Return what ``locals()``, ``vars()`` or ``dir()`` gave, without the variables that were woven in."""
    if isinstance(names, dict):
        for name in [name for name in names if name.startswith("_poet_")]:
            del names[name]
    elif isinstance(names, list):
        names[:] = [name for name in names if not name.startswith("_poet_")]
    return names


def describe_value(value: object) -> str:
    """Return the type of a value and, where that is short and runs no code of the user's, the value."""
    kind = type(value)
    if value is None:
        return "None"
    if kind in _ATOMS:
        text = repr(value if not isinstance(value, str | bytes) else value[:_MOST_TEXT])
        return f"{kind.__name__} {text[:_MOST_TEXT]}"
    name = kind.__qualname__ if kind.__module__ == "builtins" else f"{kind.__module__}.{kind.__qualname__}"
    if kind in (list, tuple, dict, set, frozenset):
        size = len(value)  # type: ignore[arg-type]  # a built-in container
        return f"{name} of {size} {'item' if size == 1 else 'items'}" if size else f"empty {name}"
    return name


def _place(frame: object) -> str:
    code, namespace = frame.f_code, frame.f_globals  # type: ignore[attr-defined]  # types.FrameType, not worth an import
    return f"{namespace.get('__name__', '?')}.{code.co_qualname}"


def _expected(frame: object, parameter: str) -> str:
    bindings = __import__(f"{__name__}.bindings", fromlist=["*"])
    return str(bindings.expected(frame.f_code, parameter))  # type: ignore[attr-defined]  # types.FrameType
