"""Functions of a Dana program under ``@poet``: ``from poet_import.py import poet`` in a ``.na`` file marks them.

Such a function is an object of Dana's, without Python code and without its own hints. It gets a wrapper.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable
from types import FrameType
from typing import Any

from poet_import.runtime.hosting import resolved

_FACTS = ("parameters", "defaults", "return_type", "is_sync")
_MISSING = object()  # the default of a parameter that has none: Dana passes None where nothing is given
_MOST_FRAMES = 8  # between a marker and what carries out the definition
_TYPES: dict[str, object] = {kind.__name__: kind for kind in (int, float, str, bool, list, dict, tuple, set)}
_NAMES = {"__builtins__": {}, "any": object, "NoneType": type(None), **_TYPES}  # a struct's name may be a built-in's


def is_dana_function(marked: object) -> bool:
    """Tell whether an object is a function of a Dana program."""
    return callable(marked) and not hasattr(marked, "__code__") and all(hasattr(marked, name) for name in _FACTS)


def place_of(marked: object, caller: FrameType) -> str:
    """Return file and line of a function's definition, as far as they are known."""
    location = getattr(_definition(marked, caller), "location", None)
    return f"{getattr(location, 'source', None) or '<dana>'}:{getattr(location, 'line', None) or 1}"


def as_python(marked: Any, caller: FrameType) -> Callable[..., object]:  # Any: a class of Dana's
    """Return a Python function with the name and the signature of a Dana function, which calls it.

    Args:
        marked: The Dana function.
        caller: The frame that marks it: above it Dana carries out the definition, which has the hints.
    """

    def call(*args: object, **kwargs: object) -> object:
        # The two are its contexts: it would take the first two arguments for them. It runs here, without a promise.
        return resolved(marked(None, None, *args, **kwargs))

    call.__name__ = call.__qualname__ = marked.__name__
    call.__module__ = "dana"
    vars(call)["__signature__"] = _signature(marked, _definition(marked, caller))
    return call


def _signature(marked: Any, definition: Any) -> inspect.Signature:  # Any: classes of Dana's
    hints = {parameter.name: parameter.type_hint for parameter in getattr(definition, "parameters", ())}
    parameters = [
        inspect.Parameter(
            name,
            inspect.Parameter.POSITIONAL_OR_KEYWORD,
            default=marked.defaults.get(name, _MISSING),
            annotation=_evaluated(getattr(hints.get(name), "name", None)),
        )
        for name in marked.parameters
    ]
    return inspect.Signature(parameters, return_annotation=_evaluated(marked.return_type))


def _evaluated(hint: str | None) -> object:
    """Return a type of Dana's as Python's; nothing for one that Python does not have, such as a struct."""
    try:
        return eval(hint or "", dict(_NAMES))  # noqa: S307  (Dana's parser lets only names and brackets through)
    except Exception:  # noqa: BLE001  (whatever it raises, nothing is known of the type)
        return inspect.Parameter.empty


def _definition(marked: Any, caller: FrameType) -> Any:  # Any: classes of Dana's
    """Return the definition that is being carried out, or None: the function itself forgets its hints."""
    frame: FrameType | None = caller
    for _ in range(_MOST_FRAMES):
        if frame is None:
            break
        node = frame.f_locals.get("node")
        if hasattr(node, "parameters") and getattr(getattr(node, "name", None), "name", None) == marked.__name__:
            return node
        frame = frame.f_back
    return None
