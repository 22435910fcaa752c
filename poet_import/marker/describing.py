"""What `poet_import.describe` tells of a function."""

from __future__ import annotations

from types import CodeType, FunctionType
from typing import Any

from poet_import import runtime
from poet_import.marker import functions_in
from poet_import.model import Description, PoetOptions
from poet_import.runtime.bindings import binding_of
from poet_import.runtime.predicates import resolve_all
from poet_import.source.options import NAMES


def describe(function: object) -> Description:
    """Return what was woven into a function, by its marker.

    Args:
        function: A function under ``@poet``, or what decorators above it have made of it.

    Raises:
        TypeError: The object is not marked with ``@poet``.

    .. versionadded:: 0.1.0
    """
    for candidate in functions_in(function):
        row = _row(candidate)
        if row is not None:
            return _describe(candidate, row)
    raise TypeError(f"{function!r} is not marked with @poet")


def _row(function: FunctionType) -> tuple[Any, ...] | None:
    code = function.__code__
    row = runtime.woven_rows.get(code.co_filename, {}).get(code.co_firstlineno)
    if row is not None and row[0] == code.co_qualname and row[1] != "dynamic" and "__poet__" in function.__globals__:
        return row
    return _spot_row(code)


def _spot_row(code: CodeType) -> tuple[Any, ...] | None:
    from poet_import.marker import spot  # noqa: PLC0415  (spot imports the wrappers; only a few processes need it)

    return spot.row_of_code(code)


def _describe(function: FunctionType, row: tuple[Any, ...]) -> Description:
    qualname, state, _, options, phases, template, digest, enhancements, _ = row
    given = PoetOptions(**dict(zip(NAMES, options, strict=True)))
    return Description(
        function=f"{function.__module__}.{qualname}",
        domain=given.domain,
        options=given,
        phases=tuple(phases),
        enhancements=tuple(enhancements),
        origin="woven" if state == "woven" else "bypassed",
        skipped_hints=_skipped(function),
        template=template or None,
        template_digest=digest or None,
    )


def _skipped(function: FunctionType) -> tuple[str, ...]:
    """Return the hints that cannot be decided, as ``parameter: why``."""
    binding = binding_of(function.__code__)
    if binding is None:
        return ()
    resolve_all(binding, function)
    return tuple(f"{name}: {why}" for name, why in sorted(binding.skipped.items()))
