"""What Dana, where it hosts a module, hands to functions, and how it calls them: woven only where it is loaded.

A call written as an argument arrives as a promise that no ``isinstance`` knows. A function that raises one of a few
errors is called a second time at once (Dana: ``registry/function_registry.py``, ``executor/expression_executor.py``).
"""

import sys
from _operator import is_
from sys import _getframe  # bound now: somebody may take it away later

from poet_import.runtime import MAPPINGS, MOST_ITEMS

TYPE_CHECKING = False  # typing's is the same to a type checker, and costs an import
if TYPE_CHECKING:
    from types import FrameType
    from typing import Any

CONTEXT = ("context", "ctx", "sandbox_context", "the_context")
"""Parameters that the host fills with its live context: never checked, sent or recorded."""

HOME = "dana.core.concurrency"
_REPEATED = (TypeError, ValueError, AttributeError)
_ATOMS = frozenset((str, bytes, int, float, bool, type(None)))  # what no promise is, and holds none
_MOST_DEPTH = 4  # of containers in containers


def is_hosted() -> bool:
    """Tell whether Dana is loaded in this process."""
    return "dana" in sys.modules


def received(*values: object) -> "tuple[object, ...]":
    """Return the arguments of the calling function without promises.

    Raises:
        Exception: What the call before raised, where the host only repeats it: then the function has had its attempts.
        BaseException: What a promise ends with.
    """
    error = sys.exc_info()[1]
    if isinstance(error, _REPEATED) and _is_repeated(_getframe(1), error):
        raise error
    concurrency = sys.modules.get(HOME)
    return values if concurrency is None else tuple([_resolved(value, concurrency, 0) for value in values])


def _is_repeated(frame: "FrameType", error: BaseException) -> bool:
    """Tell whether the host calls a function where it handles an error that the function has raised."""
    caller, traceback = frame.f_back, error.__traceback__
    if traceback is None or traceback.tb_frame is not caller:
        return False
    if not str(caller.f_globals.get("__name__")).startswith("dana."):  # a program's own second call is another call
        return False
    while traceback is not None:
        if traceback.tb_frame.f_code is frame.f_code:
            return True
        traceback = traceback.tb_next
    return False


def resolved(value: object) -> object:
    """Return what a promise stands for; the items of a built-in container are resolved where a check looks at them.

    A list, set or dict stays the same object: the caller's own, whose promises become what they stand for.
    """
    concurrency = sys.modules.get(HOME)
    return value if concurrency is None else _resolved(value, concurrency, 0)


# Any, below: whatever a user passes, and Dana's module.
def _resolved(value: "Any", concurrency: "Any", depth: int) -> "Any":
    if type(value) in _ATOMS:
        return value
    value = concurrency.resolve_if_promise(value)
    look_into = _CONTAINERS.get(type(value))
    return value if look_into is None or depth == _MOST_DEPTH else look_into(value, concurrency, depth + 1)


def _list(values: "Any", concurrency: "Any", depth: int) -> "Any":
    for index in range(0, len(values), -(-len(values) // MOST_ITEMS) or 1):
        values[index] = _resolved(values[index], concurrency, depth)
    return values


def _tuple(values: "Any", concurrency: "Any", depth: int) -> "Any":
    items = _list(list(values), concurrency, depth)
    return values if all(map(is_, values, items)) else tuple(items)  # a default is known by its identity


def _set(values: "Any", concurrency: "Any", depth: int) -> "Any":
    for item in list(values)[:MOST_ITEMS]:
        found = _resolved(item, concurrency, depth)
        if found is not item:  # else its order would change, and its size for a moment
            values.discard(item)
            values.add(found)
    return values


def _dict(values: "Any", concurrency: "Any", depth: int) -> "Any":
    for key in list(values)[:MOST_ITEMS]:
        values[key] = _resolved(values[key], concurrency, depth)
    return values


_CONTAINERS = {list: _list, tuple: _tuple, set: _set, **dict.fromkeys(MAPPINGS, _dict)}
