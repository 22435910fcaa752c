"""Woven text and where each of its bytes comes from, so that the user's code keeps its lines and columns.

A `Patch` collects edits of the user's source and applies them; the `LineMap` that comes with the woven text moves every
position of a syntax tree back to the user's file. What the weaver added lies at a place of the weaver's choice.
"""

from __future__ import annotations

import ast
from bisect import bisect_right
from dataclasses import dataclass
from typing import NamedTuple, TypeAlias


class Place(NamedTuple):
    """A range in the user's file, in the fields of a syntax tree: lines from 1, columns in UTF-8 bytes from 0."""

    line: int
    column: int
    end_line: int
    end_column: int

    @classmethod
    def whole_line(cls, line: int) -> Place:
        """Return a line without columns: a traceback shows it and draws no carets."""
        return cls(line, -1, line, -1)


NOWHERE = Place(-1, -1, -1, -1)
"""No position at all: the compiler then treats an instruction as it treats an implicit ``return None``.

No tracer and no coverage tool sees such an instruction. ``ast.c`` accepts -1, but for a whole range only (CPython:
``validate_positions``).
"""

Positioned: TypeAlias = (
    ast.expr
    | ast.stmt
    | ast.excepthandler
    | ast.arg
    | ast.keyword
    | ast.alias
    | ast.pattern  # the nodes with a position
)


class _Edit(NamedTuple):
    start: int
    end: int
    text: bytes
    place: Place


class _Segment(NamedTuple):
    woven: int  # offset at which it begins
    source: int  # offset in the user's text, -1 for text of ours
    place: Place


class Source:
    r"""The user's text as the tokenizer counts it: UTF-8 bytes, lines ended by ``\n``."""

    def __init__(self, text: str) -> None:
        self.data = text.encode()
        self.starts = _line_starts(self.data)

    def offset(self, line: int, column: int) -> int:
        """Return the offset of a position of the syntax tree."""
        return self.starts[line - 1] + column

    def position(self, offset: int) -> tuple[int, int]:
        """Return line and column of an offset."""
        line = bisect_right(self.starts, offset)
        return line, offset - self.starts[line - 1]

    def line_start(self, line: int) -> int:
        """Return the offset of the first byte of a line, or of the end of the text past the last."""
        return self.starts[line - 1] if line <= len(self.starts) else len(self.data)

    def line(self, line: int) -> bytes:
        """Return a line with its ending."""
        return self.data[self.line_start(line) : self.line_start(line + 1)]


def _line_starts(data: bytes) -> list[int]:
    starts, at = [0], data.find(b"\n")
    while at != -1:
        starts.append(at + 1)
        at = data.find(b"\n", at + 1)
    return starts


class Patch:
    """Edits of one source.

    At the same offset insertions come before a replacement, and otherwise what was added first comes first. An edit
    inside what another one replaces is dropped.
    """

    def __init__(self, source: Source) -> None:
        self.source = source
        self._edits: list[_Edit] = []

    def insert(self, offset: int, text: str, place: Place) -> None:
        """Insert text of ours, which will seem to lie at ``place``."""
        self._edits.append(_Edit(offset, offset, text.encode(), place))

    def replace(self, start: int, end: int, text: str, *, place: Place) -> None:
        """Replace the user's bytes from ``start`` to ``end`` by text of ours."""
        self._edits.append(_Edit(start, end, text.encode(), place))

    def apply(self) -> LineMap:
        """Return the woven text with its map."""
        pieces: list[bytes] = []
        segments: list[_Segment] = []
        at = length = 0
        for edit in sorted(self._edits, key=lambda edit: (edit.start, edit.end > edit.start)):
            if edit.start < at:
                continue
            if edit.start > at:
                segments.append(_Segment(length, at, NOWHERE))
                pieces.append(self.source.data[at : edit.start])
                length += edit.start - at
            segments.append(_Segment(length, -1, edit.place))
            pieces.append(edit.text)
            length += len(edit.text)
            at = edit.end
        segments.append(_Segment(length, at, NOWHERE))
        pieces.append(self.source.data[at:])
        return LineMap(self.source, b"".join(pieces).decode(), segments)


@dataclass(frozen=True, slots=True)
class _Line:
    """A woven line that is the user's from column ``first`` on, shifted by ``shift`` bytes."""

    number: int
    first: int
    shift: int


class LineMap:
    """Woven text, and the user's position for each of its positions."""

    def __init__(self, source: Source, text: str, segments: list[_Segment]) -> None:
        self.text = text
        self._source = source
        self._woven = Source(text)
        self._segments = segments
        self._offsets = [segment.woven for segment in segments]
        self._lines = [self._read_line(number) for number in range(1, len(self._woven.starts) + 1)]

    def _segment_at(self, offset: int) -> _Segment:
        return self._segments[bisect_right(self._offsets, offset) - 1]

    def _read_line(self, number: int) -> _Line | None:
        """Return how a line maps if it ends in one run of the user's text, else None."""
        last = max(self._woven.line_start(number), self._woven.line_start(number + 1) - 1)
        segment = self._segment_at(last)
        if segment.source < 0:
            return None
        first = max(0, segment.woven - self._woven.line_start(number))
        offset = self._woven.line_start(number) + first
        line, column = self._source.position(segment.source + offset - segment.woven)
        return _Line(line, first, first - column)

    def start_of(self, place: Place) -> int:
        """Return the offset of the text that was inserted with this very place."""
        return next(segment.woven for segment in self._segments if segment.place is place)

    def offset(self, line: int, column: int) -> int:
        """Return the offset of a position in the woven text."""
        return self._woven.offset(line, column)

    def nearest(self, line: int, column: int) -> tuple[int, int]:
        """Return the user's position for one in the woven text, in text of ours that of what it has replaced."""
        offset = self._woven.offset(line, max(0, column))
        index = bisect_right(self._offsets, offset) - 1
        segment = self._segments[index]
        if segment.source >= 0:
            return self._source.position(segment.source + offset - segment.woven)
        first, last = index, index
        while first and self._segments[first - 1].source < 0:
            first -= 1
        while self._segments[last].source < 0:
            last += 1
        before = self._segments[first - 1]
        start = before.source + self._segments[first].woven - before.woven if first else 0
        end = max(start, self._segments[last].source - 1)
        return self._source.position(min(start + offset - segment.woven, end))

    def move(self, tree: ast.AST) -> None:
        """Give every node of a tree parsed from the woven text its position in the user's file."""
        stack: list[ast.AST] = [tree]
        while stack:
            node = stack.pop()
            if hasattr(node, "lineno"):
                self._move_node(node)  # type: ignore[arg-type]  # every node with a lineno is one of them
            for name in node._fields:
                value = getattr(node, name, None)
                if isinstance(value, ast.AST):
                    stack.append(value)
                elif isinstance(value, list):
                    stack += [item for item in value if isinstance(item, ast.AST)]

    def _move_node(self, node: Positioned) -> None:
        start = self._user_position(node.lineno, node.col_offset)
        end = self._user_position(node.end_lineno or 1, (node.end_col_offset or 1) - 1)
        if start is NOWHERE and isinstance(node, ast.expr) and not isinstance(end, Place):
            start = self._next_user_position(node.lineno, node.col_offset)  # what follows a call that was put in ours
        if isinstance(start, Place):
            node.lineno, node.col_offset, node.end_lineno, node.end_col_offset = start
            return
        node.lineno, node.col_offset = start
        if isinstance(end, Place):
            end = self._last_user_position(node.end_lineno or 1, (node.end_col_offset or 1) - 1)
        node.end_lineno, node.end_col_offset = end[0], end[1] + 1

    def _user_position(self, line: int, column: int) -> tuple[int, int] | Place:
        """Return the user's line and column, or the place of text of ours."""
        known = self._lines[line - 1]
        if known is not None and column >= known.first:
            return known.number, column - known.shift
        offset = self._woven.offset(line, column)
        segment = self._segment_at(offset)
        if segment.source < 0:
            return segment.place
        return self._source.position(segment.source + offset - segment.woven)

    def _next_user_position(self, line: int, column: int) -> tuple[int, int]:
        """Return the user's position nearest after a position in text of ours."""
        index = bisect_right(self._offsets, self._woven.offset(line, column)) - 1
        while self._segments[index].source < 0:
            index += 1
        return self._source.position(self._segments[index].source)

    def _last_user_position(self, line: int, column: int) -> tuple[int, int]:
        """Return the user's position nearest before a position in text of ours."""
        index = bisect_right(self._offsets, self._woven.offset(line, column)) - 1
        while self._segments[index].source < 0:
            index -= 1
        following = self._segments[index + 1].woven
        segment = self._segments[index]
        return self._source.position(segment.source + following - 1 - segment.woven)
