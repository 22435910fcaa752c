"""``@poet`` at run time: on a function that the hook has woven it binds what only the running program knows.

Elsewhere (no hook, a notebook, ``exec``, an archive, options that are not literals) it weaves on the spot.
On the warm path: imports nothing but the runtime.
"""

from __future__ import annotations

import sys
from sys import _getframe  # bound now: somebody may take it away later
from types import FunctionType

from poet_import import runtime

TYPE_CHECKING = False  # typing's is the same to a type checker, and costs an import
if TYPE_CHECKING:
    from collections.abc import Iterator
    from types import FrameType


def poet(function: object = None, /, **options: object) -> object:
    """Harden a function: perceive, operate, enforce.

    Args:
        function: The function, where the marker stands without parentheses.
        options: ``domain``, ``optimize_for``, ``retries``, ``timeout``, ``retry_on``, ``on_violation``, ``semantics``.

    Returns:
        The function itself, of the same kind, signature and identity.

    Raises:
        TypeError: An option is unknown or of the wrong type, or the marker stands on a class.
        ValueError: An option is out of range.

    .. versionadded:: 0.1.0
    """
    if function is None:
        return lambda marked: _bind(marked, options, _getframe(1))
    return _bind(function, options, _getframe(1))


def _bind(marked: object, options: dict[str, object], caller: FrameType) -> object:
    """Return what was marked, woven."""
    for function in functions_in(marked):
        code = function.__code__
        rows = runtime.woven_rows.get(code.co_filename)
        row = rows.get(code.co_firstlineno) if rows and "__poet__" in function.__globals__ else None
        if row is not None and row[0] == code.co_qualname and row[1] != "dynamic":
            if row[2]:
                bind_retry_on(function, options["retry_on"])
            return marked
    if _is_woven_below(caller):
        return marked
    from poet_import.marker import spot  # noqa: PLC0415  (parses and weaves: not on the warm path)

    return spot.weave_marked(marked, options, caller)


def _is_woven_below(caller: FrameType) -> bool:
    """Tell whether the decoration under way is of a function that the hook has woven, below a wrapper that hides it."""
    rows = runtime.woven_rows.get(caller.f_code.co_filename)
    if not rows or "__poet__" not in caller.f_globals:
        return False
    return any(first <= caller.f_lineno <= row[8] for first, row in rows.items() if row[1] != "dynamic")  # type: ignore[operator]


def functions_in(marked: object) -> Iterator[FunctionType]:
    """Yield the function that was marked, or those below the wrappers that tell of it."""
    for _ in range(32):  # a wrapper may name itself
        kind = type(marked)
        if kind is FunctionType:
            yield marked  # type: ignore[misc]  # its type was just compared
        if issubclass(kind, staticmethod | classmethod):
            marked = marked.__func__  # type: ignore[attr-defined]
        elif issubclass(kind, property):
            marked = marked.fget  # type: ignore[attr-defined]
        else:
            held = getattr(marked, "__dict__", None)
            inside = held.get("__wrapped__") or held.get("func") if type(held) is dict else None
            if inside is None:
                return
            marked = inside


def bind_retry_on(function: FunctionType, retry_on: object) -> None:
    """Keep the value of ``retry_on`` for the loop that is woven into a function."""
    binding = runtime.binding_of(function.__code__)
    if binding is not None and binding.retry_on is not retry_on:
        from poet_import.source.options import check_retry_on  # noqa: PLC0415  (the error path and its messages)

        code = function.__code__
        check_retry_on(retry_on, where=f"{code.co_filename}:{code.co_firstlineno}")
        binding.retry_on = retry_on
