"""What ``poet record`` collects: the arguments of calls, as literals that the semantics gate calls again with.

Woven in only while it collects. Each call is written down at once, to a file that all processes of the command append
to: many a process of a test run ends without a word. Runs no code of the user's.
"""

import json
import os
from importlib import import_module
from math import isfinite
from sys import _getframe  # bound now: somebody may take it away later

from poet_import.runtime.snapshots import REDACTED, is_secret

TYPE_CHECKING = False  # typing's is the same to a type checker, and costs an import
if TYPE_CHECKING:
    from collections.abc import Mapping

MOST_TOLD = 1000
"""Calls of one function that one process tells of, and as many that cannot be written down."""
_MOST_TEXT = 2000  # characters of one call
_MOST_DEPTH = 10
_MOST_BITS = 4096
_BRACKETS: "dict[type, tuple[str, str]]" = {list: ("[", "]"), tuple: ("(", ")"), set: ("{", "}"), dict: ("{", "}")}
# By name: a runtime module imports no settings.
_path: "str | None" = import_module("poet_import.settings").in_force().traces
_told: "dict[tuple[str, str], set[str]]" = {}
_left_out: "dict[tuple[str, str], int]" = {}


class _UnwritableError(Exception):
    """Why a call cannot be written down."""


def traced(function: str, /, **values: object) -> None:
    """Tell of a call of a function of the calling module; the values are its arguments by parameter."""
    file = _getframe(1).f_globals.get("__file__")
    if type(file) is not str or _path is None:
        return
    place = os.path.abspath(file), function
    try:
        text = literal(values)
    except _UnwritableError as error:
        _left_out[place] = _left_out.get(place, 0) + 1
        if _left_out[place] <= MOST_TOLD:
            _write((*place, "", str(error)))
        return
    told = _told.setdefault(place, set())
    if text not in told and len(told) < MOST_TOLD:
        told.add(text)
        _write((*place, text, ""))


def _write(row: "tuple[str, str, str, str]") -> None:
    """Append a line, in one write; what cannot be written is lost, and the call goes on."""
    assert _path is not None
    try:
        file = os.open(_path, os.O_WRONLY | os.O_APPEND)
        try:
            os.write(file, f"{json.dumps(row)}\n".encode())
        finally:
            os.close(file)
    except OSError:
        return


def literal(values: "Mapping[str, object]") -> str:
    """Return arguments as the text of a dict, redacted; `ast.literal_eval` gives them back.

    Raises:
        _UnwritableError: One is no literal, or the text would be too long.
    """
    text = _Literal()
    text.add(dict(values), 0)
    return "".join(text.parts)


class _Literal:
    """A literal under way."""

    __slots__ = ("left", "parts")

    def __init__(self) -> None:
        self.parts: list[str] = []
        self.left = _MOST_TEXT

    def put(self, text: str) -> None:
        self.parts.append(text)
        self.left -= len(text)
        if self.left < 0:
            raise _UnwritableError("too long")

    def add(self, value: object, depth: int) -> None:
        """Write a value, and what is in it; one of a subclass is no literal."""
        kind = type(value)
        if depth > _MOST_DEPTH:
            raise _UnwritableError("too long")
        if kind in _BRACKETS:
            self._add_items(value, depth)
        elif _is_atom(value):
            self.put(repr(value))
        else:
            raise _UnwritableError(f"no literal: {kind.__module__}.{kind.__qualname__}")

    def _add_items(self, value: object, depth: int) -> None:
        kind = type(value)
        if kind is set:
            self._add_set(value, depth)  # type: ignore[arg-type]  # its type was just compared
            return
        opening, closing = _BRACKETS[kind]
        self.put(opening)
        for number, item in enumerate(_items(value)):
            self.put(", " if number else "")
            self.add(item, depth + 1)
            if kind is dict:
                self.put(": ")
                self._add_under(item, value[item], depth)  # type: ignore[index]  # as above
        self.put(f"{',' if kind is tuple and len(value) == 1 else ''}{closing}")  # type: ignore[arg-type]  # as above

    def _add_set(self, value: "set[object]", depth: int) -> None:
        """Write the items in the order of their texts: a set has another order in every process."""
        texts = []
        for item in _items(value):
            inner = _Literal()
            inner.left = self.left
            inner.add(item, depth + 1)
            texts.append("".join(inner.parts))
        self.put(f"{{{', '.join(sorted(texts))}}}" if texts else "set()")

    def _add_under(self, key: object, value: object, depth: int) -> None:
        """Write what has a name; under a secret's, a text is redacted, and so that the call stays one of its kind."""
        if not is_secret(key) or value is None:
            self.add(value, depth + 1)
        elif type(value) is str:
            self.put(repr(REDACTED))
        else:
            raise _UnwritableError("a secret that is no text")


def _is_atom(value: object) -> bool:
    kind = type(value)
    if kind is float:
        return isfinite(value)  # type: ignore[arg-type]  # its type was just compared
    if kind is int:
        return value.bit_length() <= _MOST_BITS  # type: ignore[attr-defined, no-any-return]  # as above
    if kind is str or kind is bytes:
        return len(value) <= _MOST_TEXT  # type: ignore[arg-type]  # as above
    return kind is bool or value is None


def _items(value: object) -> "list[object]":
    """Return the items of a built-in container, or its keys."""
    if len(value) > _MOST_TEXT:  # type: ignore[arg-type]  # a built-in container
        raise _UnwritableError("too long")
    try:
        return list(value)  # type: ignore[call-overload, no-any-return]  # as above
    except RuntimeError as error:  # pragma: no cover  (another thread changes it meanwhile)
        raise _UnwritableError("it changes meanwhile") from error
