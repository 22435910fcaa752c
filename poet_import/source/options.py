"""The options of ``@poet(...)``: which there are, which values they take, and what to say of any other."""

from __future__ import annotations

import difflib
import math
import warnings
from collections.abc import Mapping

from poet_import.errors import PoetWarning
from poet_import.model import PoetOptions
from poet_import.source.hosts import translated

NAMES = ("domain", "optimize_for", "retries", "timeout", "retry_on", "on_violation", "semantics")
_MEANS = {
    "retry": "retries",
    "attempts": "retries",
}  # other libraries' words, whose letters are nearer to another of ours
_CHOICES = {"on_violation": ("raise", "warn", "off"), "semantics": ("preserve", "intent")}


def read_options(given: Mapping[str, object], *, where: str, retry_on: str | None = None) -> PoetOptions:
    """Return the options that were written.

    Args:
        given: Keyword and value of each option, Dana's too, but ``retry_on``: only the running program knows its value.
        where: File and line of the decorator, for messages.
        retry_on: The expression of ``retry_on`` as text, None where it was not written.

    Raises:
        TypeError: An unknown keyword, or a value of the wrong type.
        ValueError: A value out of range.
    """
    given = translated(given, where=where)
    for name, value in given.items():
        if name not in NAMES:
            raise TypeError(f"{where}: @poet has no option {name!r}{_nearest(name)}; it takes {', '.join(NAMES)}")
        if value is not None:
            _CHECKS[name](name, value, where)
    values = {name: value for name, value in given.items() if value is not None and name != "retry_on"}
    if not _is_objective(values.get("optimize_for", "-")):
        warnings.warn(
            f"{where}: optimize_for={values.pop('optimize_for')!r} is not a non-empty string: nothing is trained",
            PoetWarning,
            stacklevel=2,
        )
    return PoetOptions(**values, retry_on=retry_on)  # type: ignore[arg-type]  # each value was checked above


def check_retry_on(value: object, *, where: str) -> None:
    """Refuse a ``retry_on`` that is no exception type, no tuple of them and nothing that can be called.

    Raises:
        TypeError: The value is none of these, or names a type that is not an ``Exception``.
    """
    for item in value if isinstance(value, tuple) else (value,):
        if isinstance(item, type) and not issubclass(item, Exception):
            raise TypeError(f"{where}: retry_on={item.__name__} is not an Exception: only an Exception can be retried")
        if not isinstance(item, type) and (item is not value or not callable(item)):
            raise TypeError(f"{where}: retry_on takes an exception type, a tuple of them or a callable, not {value!r}")


def _nearest(name: str) -> str:
    near = [_MEANS[name]] if name in _MEANS else difflib.get_close_matches(name, NAMES, n=1, cutoff=0.4)
    return f" (did you mean {near[0]!r}?)" if near else ""


def _is_objective(value: object) -> bool:
    return isinstance(value, str) and bool(value.strip())


def _check_text(name: str, value: object, where: str) -> None:
    if not isinstance(value, str):
        raise TypeError(f"{where}: {name} takes a string, not {value!r}")


def _check_choice(name: str, value: object, where: str) -> None:
    choices = _CHOICES[name]
    if value not in choices:
        kind = ValueError if isinstance(value, str) else TypeError
        raise kind(f"{where}: {name} is one of {', '.join(map(repr, choices))}, not {value!r}")


def _check_retries(name: str, value: object, where: str) -> None:
    if not isinstance(value, int) or isinstance(value, bool):
        raise TypeError(f"{where}: {name} takes a whole number of extra attempts, not {value!r}")
    if value < 0:
        raise ValueError(f"{where}: {name} must be 0 or more, not {value!r}")


def _check_timeout(name: str, value: object, where: str) -> None:
    if not isinstance(value, int | float) or isinstance(value, bool):
        raise TypeError(f"{where}: {name} takes a number of seconds, not {value!r}")
    if not (value > 0 and math.isfinite(value)):
        raise ValueError(f"{where}: {name} must be a number of seconds above 0, not {value!r}")


def _accept(_name: str, _value: object, _where: str) -> None:
    """Leave the value to others: `check_retry_on` at run time, and a warning for a bad objective."""


_CHECKS = {
    "domain": _check_text,
    "optimize_for": _accept,
    "retries": _check_retries,
    "timeout": _check_timeout,
    "retry_on": _accept,
    "on_violation": _check_choice,
    "semantics": _check_choice,
}
