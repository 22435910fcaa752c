"""Everything that woven code may call. Standard library only; names here stay.

What only some functions need (hints, retries, deadlines, rules) is loaded when its name is first read. The loader reads
the names that a module needs before it runs it: nothing is imported while a woven function runs.
"""

import builtins
from _collections import OrderedDict, defaultdict, deque  # type: ignore[import-not-found]  # collections costs more
from marshal import loads
from sys import _getframe  # bound now: somebody may take it away later

from poet_import.errors import EnforceError, PerceiveError, PoetWarning

TYPE_CHECKING = False  # typing's is the same to a type checker, and costs an import
if TYPE_CHECKING:
    from collections.abc import Iterable
    from types import FrameType

    Rows = dict[int, tuple[object, ...]]  # line of a function's first decorator -> what `describe` tells of it
    """Packed, they go by file, that of the module itself being ``""``: it may be elsewhere by then."""

    from poet_import.runtime import rules
    from poet_import.runtime.attempts import STARTED, next_attempt
    from poet_import.runtime.bindings import binding_of as binding_of  # the marker's
    from poet_import.runtime.bindings import hints, is_default, own_hints
    from poet_import.runtime.hosting import received, resolved
    from poet_import.runtime.predicates import fits
    from poet_import.runtime.shadowing import sample
    from poet_import.runtime.tasks import interruptions, start_in_task, stop_in_task, timed_out_in_task
    from poet_import.runtime.tracing import traced
    from poet_import.runtime.training import clock, failed, given, succeeded
    from poet_import.runtime.watchdog import Expired, Timer, start, stop, timed_out

_HOMES = {
    "STARTED": "attempts",
    "binding_of": "bindings",
    "next_attempt": "attempts",
    "fits": "predicates",
    "hints": "bindings",
    "is_default": "bindings",
    "own_hints": "bindings",
    "received": "hosting",
    "resolved": "hosting",
    "sample": "shadowing",
    "Expired": "watchdog",
    "Timer": "watchdog",
    "start": "watchdog",
    "stop": "watchdog",
    "timed_out": "watchdog",
    "interruptions": "tasks",
    "start_in_task": "tasks",
    "stop_in_task": "tasks",
    "timed_out_in_task": "tasks",
    "clock": "training",
    "failed": "training",
    "given": "training",
    "succeeded": "training",
    "traced": "tracing",
    "rules": "",
}
__all__ = [
    "STARTED",
    "Escape",
    "Expired",
    "Timer",
    "all_are",
    "builtins",
    "clock",
    "enforce",
    "failed",
    "fits",
    "given",
    "hints",
    "interruptions",
    "is_default",
    "item_keeps",
    "next_attempt",
    "own_hints",
    "pairs_are",
    "perceive",
    "received",
    "records",
    "resolved",
    "rules",
    "sample",
    "start",
    "start_in_task",
    "stop",
    "stop_in_task",
    "succeeded",
    "timed_out",
    "timed_out_in_task",
    "traced",
    "warn",
    "yours",
]
woven_rows: "dict[str, Rows | bytes]" = {}
"""What the hook has woven, by file; read it with `rows_of`: those of a cached module are still packed."""
shadow_rows: dict[str, bytes] = {}
"""What runs beside functions, by the file of what answers: packed, each with its line and the code of both."""
shadow_folder = ""
"""Where it is written down what that has shown."""
records = False
"""Whether the events of functions with ``optimize_for`` hold arguments, results and messages."""
MOST_ITEMS = 8
"""Items of a container that a check looks at, evenly spread."""
_ATOMS = (str, bytes, int, float, bool, type(None))
_MOST_TEXT = 60
_PROMISES = "dana.core.concurrency."  # classes of arguments that only what is woven for Dana resolves
_MOST_BITS = 128  # of an integer that is shown; Python refuses to write one of 4,301 digits
SEQUENCES = (list, tuple, set, frozenset, deque)
"""What is looked into; an instance of a subclass may load its items when they are read, or use them up."""
MAPPINGS = (dict, defaultdict, OrderedDict)


class Escape(BaseException):  # not an error: it carries one past the user's own ``except Exception``
    """Carries a violation from inside the user's ``try`` to the edge of the function."""

    def __init__(self, error: EnforceError) -> None:
        super().__init__(error)
        self.error = error


def __getattr__(name: str) -> object:
    """Load the module that defines a name, and take all names from it: a call may come too late to load more."""
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    home = _HOMES[name]
    module = __import__(f"{__name__}.{home or name}", fromlist=["*"])
    if home:
        globals().update({other: getattr(module, other) for other, its_home in _HOMES.items() if its_home == home})
    else:
        globals()[name] = module
    return globals()[name]


def rows_of(path: str) -> "Rows":
    """Return the rows of the functions that the hook has looked after in a file."""
    rows = woven_rows.get(path, {})
    if isinstance(rows, bytes):
        by_file = loads(rows)
        rows = woven_rows[path] = by_file.get(path) or by_file[""]
    return rows


def perceive(parameter: str, value: object, expected: str = "") -> PerceiveError:
    """Return the error for an argument that breaks its annotation or a rule; ``expected`` is empty for a deep hint."""
    frame = _getframe(1)
    return PerceiveError(_place(frame), parameter, expected or _expected(frame, parameter), describe_value(value))


def enforce(parameter: str, value: object, expected: str = "", *, stub: bool = False) -> EnforceError:
    """Return the error for a result that breaks its annotation or a rule."""
    frame = _getframe(1)
    key = parameter.removeprefix("return.")
    found = value[key] if key != parameter and isinstance(value, dict) and key in value else value
    actual = "None: the body is a stub" if stub else describe_value(found)
    return EnforceError(_place(frame), parameter, expected or _expected(frame, parameter), actual)


def warn(error: PerceiveError | EnforceError, *, frames: int = 2) -> None:
    """Warn of a violation instead of raising it, at the line of the function's caller.

    Args:
        error: The violation.
        frames: How many frames lie between the caller's and `warnings.warn`: the woven function's and this one.
    """
    import warnings  # most interpreters have it loaded; kept off this path

    warnings.warn(str(error), PoetWarning, stacklevel=1 + frames)


def all_are(values: object, kinds: type | tuple[type, ...]) -> bool:
    """Tell whether at most `MOST_ITEMS` items of a container, evenly spread, are of the given classes."""
    kind = type(values)
    if kind is list or kind is tuple:
        size = len(values)  # type: ignore[arg-type]  # its type was just compared
        values = values if size <= MOST_ITEMS else values[:: -(-size // MOST_ITEMS)]  # type: ignore[index]
    elif kind in SEQUENCES:
        values = spread(values)  # type: ignore[arg-type]  # as above
    else:
        return True
    try:
        for item in values:  # type: ignore[attr-defined]  # as above
            if not isinstance(item, kinds):
                return False
    except RuntimeError:  # a set that another thread changes meanwhile
        pass
    return True


def pairs_are(mapping: object, keys: type | tuple[type, ...], values: type | tuple[type, ...]) -> bool:
    """Tell whether the first keys and values of a dict are of the given classes."""
    if type(mapping) not in MAPPINGS:
        return True
    left = MOST_ITEMS
    try:
        for key, value in mapping.items():  # type: ignore[attr-defined]  # its type was just compared
            if not (isinstance(key, keys) and isinstance(value, values)):
                return False
            left -= 1
            if not left:
                break
    except RuntimeError:  # a dict that another thread changes meanwhile
        pass
    return True


def spread(values: "list[object] | tuple[object, ...] | set[object]") -> "Iterable[object]":
    """Return at most `MOST_ITEMS` items of a built-in container: evenly spread where it can be indexed."""
    size = len(values)
    if size <= MOST_ITEMS:
        return values
    if isinstance(values, list | tuple):
        return values[:: -(-size // MOST_ITEMS)]
    items = iter(values)
    return [next(items) for _ in range(MOST_ITEMS)]


def item_keeps(result: object, key: str, rule: str, **arguments: object) -> bool:
    """Tell whether the value under a key of a returned dict keeps a rule; one that is not there has none to break."""
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
        return f"{kind.__name__} {_text(value)}"
    name = kind.__qualname__ if kind.__module__ == "builtins" else f"{kind.__module__}.{kind.__qualname__}"
    if kind in SEQUENCES or kind is dict:
        size = len(value)  # type: ignore[arg-type]  # a built-in container
        return f"{name} of {size} {'item' if size == 1 else 'items'}" if size else f"empty {name}"
    if name.startswith(_PROMISES):
        return f"{name}, as the function was woven before Dana was loaded: import Dana first"
    return name


def _text(value: object) -> str:
    """Return a built-in scalar as text, cut where it is long."""
    if isinstance(value, int) and value.bit_length() > _MOST_BITS:
        return f"of {value.bit_length()} bits"
    text = repr(value[:_MOST_TEXT] if isinstance(value, str | bytes) else value)
    is_whole = len(text) <= _MOST_TEXT and not (isinstance(value, str | bytes) and len(value) > _MOST_TEXT)
    return text if is_whole else f"{text[:_MOST_TEXT]}…"


def _place(frame: "FrameType") -> str:
    return f"{frame.f_globals.get('__name__', '?')}.{frame.f_code.co_qualname}"


def _expected(frame: "FrameType", parameter: str) -> str:
    from poet_import.runtime import bindings  # loaded already where a hint is deep, and else not needed

    return bindings.expected(frame.f_code, parameter)
