"""What `poet_import.describe` tells of a function."""

from __future__ import annotations

from types import FunctionType
from typing import Any

from poet_import.marker import functions_in, hook_row
from poet_import.marker.spot import spot_row
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
        row = spot_row(candidate) or hook_row(candidate)
        if row is not None:
            return _describe(candidate, row)
    raise TypeError(f"{function!r} is not marked with @poet")


def _describe(function: FunctionType, row: tuple[Any, ...]) -> Description:  # the row's types are those of `row_of`
    qualname, _, _, options, phases, template, digest, enhancements, _, origin, model = row
    given = PoetOptions(**dict(zip(NAMES, options, strict=True)))
    return Description(
        function=f"{function.__module__}.{qualname}",
        domain=given.domain,
        options=given,
        phases=tuple(phases),
        enhancements=tuple(enhancements),
        origin=origin,
        skipped_hints=_skipped(function),
        template=template or None,
        template_digest=digest or None,
        model=model or None,
        path=function.__code__.co_filename if origin in ("generated", "frozen") else None,
    )


def _skipped(function: FunctionType) -> tuple[str, ...]:
    """Return the hints that cannot be decided, as ``parameter: why``."""
    binding = binding_of(function.__code__)
    if binding is None:
        return ()
    resolve_all(binding, function)
    return tuple(f"{name}: {why}" for name, why in sorted(binding.skipped.items()))
