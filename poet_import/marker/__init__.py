"""``@poet`` at run time: on a function that the hook has woven it binds what only the running program knows.

Elsewhere (no hook, a notebook, ``exec``, an archive, options that are not literals) it weaves on the spot.
On the warm path: imports nothing but the runtime.
"""

from sys import _getframe  # bound now: somebody may take it away later

from poet_import import runtime
from poet_import.runtime import woven_rows

TYPE_CHECKING = False  # typing's is the same to a type checker, and costs an import
if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from types import FrameType, FunctionType
    from typing import Literal, TypedDict, TypeVar, Unpack, overload

    Marked = TypeVar("Marked")

    class Options(TypedDict, total=False):
        """What a type checker lets ``@poet(...)`` take."""

        domain: str | None
        optimize_for: str | None
        retries: int | None
        timeout: float | None
        retry_on: type[Exception] | tuple[type[Exception], ...] | Callable[[Exception], object] | None
        on_violation: Literal["raise", "warn", "off"] | None
        semantics: Literal["preserve", "intent"] | None


if TYPE_CHECKING:  # a block of its own: mypy takes overloads under a condition only where nothing else is

    @overload
    def poet(
        function: str | None = None, /, *empty: None, **options: Unpack[Options]
    ) -> Callable[[Marked], Marked]: ...
    @overload
    def poet(function: Marked, /, **options: Unpack[Options]) -> Marked: ...


def poet(function: object = None, /, *empty: None, **options: object) -> object:
    """Harden a function: perceive, operate, enforce.

    Args:
        function: The function, where the marker stands without parentheses; or the domain, as Dana's takes it.
        empty: What Dana passes for the commas in ``@poet(a=1, b=2)``.
        options: ``domain``, ``optimize_for``, ``retries``, ``timeout``, ``retry_on``, ``on_violation``, ``semantics``.

    Returns:
        The function itself, of the same kind, signature and identity; where it is not being decorated, a woven copy.

    Raises:
        TypeError: An option is unknown or of the wrong type, or the marker stands on a class.
        ValueError: An option is out of range.

    .. versionadded:: 0.1.0
    """
    if empty or type(function) is str:
        function, options = None, _without_positions(function, empty, options)
    if function is None:
        return lambda marked: marked if _is_done(marked, options) else _bind(marked, options, _getframe(1))
    return function if _is_done(function, options) else _bind(function, options, _getframe(1))


def _without_positions(
    domain: object, empty: "tuple[object, ...]", options: "dict[str, object]"
) -> "dict[str, object]":
    """Return the options, a domain that was given by position among them.

    Raises:
        TypeError: Something else was given by position.
    """
    if any(value is not None for value in empty):
        raise TypeError(f"poet() takes the domain by position, and nothing else: it was given {empty!r}")
    if domain is None:
        return options
    if "domain" in options or type(domain) is not str:
        raise TypeError(f"poet() got {domain!r} by position beside domain={options.get('domain')!r}")
    return {**options, "domain": domain}


_FUNCTION = type(poet)
_METHOD = type(poet.__get__(object()))


def _is_done(marked: object, options: "dict[str, object]") -> bool:
    """Tell whether the hook has woven a function and left nothing for the marker to do, as is nearly always so."""
    if type(marked) is not _FUNCTION or "retry_on" in options:
        return False
    code = marked.__code__
    return "__poet__" in code.co_names and code.co_filename in woven_rows


def _bind(marked: object, options: "dict[str, object]", caller: "FrameType") -> object:
    """Return what was marked, woven."""
    for function in functions_in(marked):
        row = hook_row(function)
        if row is None:
            continue
        if row[1] == "woven" and "__poet__" not in function.__code__.co_names:
            break  # its module was loaded anew, without the hook
        if row[2] and "retry_on" in options:
            bind_retry_on(function, options["retry_on"])
        return marked
    else:
        if _is_woven_below(caller):
            return marked
    from poet_import.marker import spot  # parses and weaves: not on the warm path

    return spot.weave_marked(marked, options, caller)


def hook_row(function: "FunctionType") -> "tuple[object, ...] | None":
    """Return the row of a function that the hook has looked after, or None if it is the marker's to weave."""
    code = function.__code__
    row = runtime.rows_of(code.co_filename).get(code.co_firstlineno) if "__poet__" in function.__globals__ else None
    return row if row is not None and row[0] == code.co_qualname and row[1] != "dynamic" else None


def _is_woven_below(caller: "FrameType") -> bool:
    """Tell whether the decoration under way is of a function that the hook has woven, below a wrapper that hides it."""
    rows = runtime.rows_of(caller.f_code.co_filename)
    if not rows or "__poet__" not in caller.f_globals:
        return False
    line = caller.f_lineno
    return any(first <= line <= row[8] for first, row in rows.items() if row[1] != "dynamic")  # type: ignore[operator]  # the line of the def


def functions_in(marked: object) -> "Iterator[FunctionType]":
    """Yield the function that was marked, or those below the wrappers that tell of it."""
    for _ in range(32):  # a wrapper may name itself
        kind = type(marked)
        if kind is _FUNCTION:
            yield marked  # type: ignore[misc]  # its type was just compared
        if issubclass(kind, staticmethod | classmethod) or kind is _METHOD:
            marked = marked.__func__  # type: ignore[attr-defined]  # as above
        elif issubclass(kind, property):
            marked = marked.fget  # type: ignore[attr-defined]  # as above
        else:
            held = getattr(marked, "__dict__", None)
            if type(held) is not dict:
                return
            marked = held.get("__wrapped__", held.get("func"))
            if marked is None:
                return


def bind_retry_on(function: "FunctionType", retry_on: object) -> None:
    """Keep the value of ``retry_on`` for the loop that is woven into a function.

    Raises:
        TypeError: It is no exception type, no tuple of them and nothing that can be called.
    """
    code = function.__code__
    if not _is_sound(retry_on):
        from poet_import.source.options import check_retry_on  # has the messages; not on the warm path

        check_retry_on(retry_on, where=f"{code.co_filename}:{code.co_firstlineno}")
    binding = runtime.binding_of(code)
    if binding is not None:
        binding.retry_on = retry_on


def _is_sound(retry_on: object) -> bool:
    kinds = retry_on if isinstance(retry_on, tuple) else (retry_on,)
    if all(isinstance(kind, type) and issubclass(kind, Exception) for kind in kinds):
        return True
    return retry_on is None or (callable(retry_on) and not isinstance(retry_on, type))
