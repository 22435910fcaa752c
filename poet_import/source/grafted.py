"""A module with other bodies in some of its functions, and where each part of it comes from.

Its text is woven as ever. Of the code that comes out, what runs such a body is given the file and the lines of the text
that it was taken from (`Grafted.relabel`), so that a traceback shows the line that ran.
"""

from __future__ import annotations

import ast
from bisect import bisect_right
from dataclasses import dataclass, field
from types import CodeType

from poet_import.source.layout import first_line
from poet_import.source.linemap import LineMap, Place, Positioned
from poet_import.source.renaming import Donor
from poet_import.source.scopes import FunctionNode, Scope


@dataclass(frozen=True, slots=True, eq=False)
class Graft:
    """One function and the text whose body takes the place of its own."""

    scope: Scope  # of the function's body in the user's module
    text: str  # the function with imports, private helpers and constants
    filename: str  # of the file that holds the text

    @property
    def node(self) -> FunctionNode:
        """Return the user's function."""
        assert isinstance(self.scope.node, FunctionNode)
        return self.scope.node

    @property
    def line(self) -> int:
        """Return the function's first line in the user's file."""
        return first_line(self.node)


@dataclass(frozen=True, slots=True)
class Piece:
    """A run of lines that one graft has put into the module."""

    start: int  # offset in the grafted text
    starts: list[int]  # of its lines, from there
    rows: list[tuple[int, int]]  # for each line: its line in the renamed text, and the bytes that it was shifted by
    graft: Graft
    donor: Donor

    def position(self, offset: int) -> tuple[int, int]:
        """Return line and column, in the text as it was given, of an offset in the grafted text."""
        index = bisect_right(self.starts, offset - self.start) - 1
        line, shift = self.rows[index]
        return self.donor.lines.nearest(line, max(0, offset - self.start - self.starts[index] - shift))


@dataclass(frozen=True, slots=True)
class _Label:
    """How one code object gets the file and lines of the text that it came from."""

    filename: str
    first_line: int


@dataclass(slots=True)
class Grafted:
    """A module's text with other bodies in it, and the way back."""

    lines: LineMap  # to the user's text
    pieces: list[Piece]
    _hosts: dict[tuple[int, int], tuple[Graft, int]]  # by the place of its function: a graft, and the line in its text
    companions: dict[int, list[ast.stmt]] = field(default_factory=dict)  # by the line of the function they are for
    _labels: dict[tuple[str, int], _Label] = field(default_factory=dict)  # by qualified name and first line

    @property
    def text(self) -> str:
        """Return the text to weave."""
        return self.lines.text

    def user_position(self, node: Positioned) -> tuple[int, int] | None:
        """Return where a node of the grafted text begins in the user's file, or None if it came with a graft."""
        if self._piece_at(node.lineno, node.col_offset) is not None:
            return None
        return self.lines.nearest(node.lineno, node.col_offset)

    def user_line(self, line: int) -> int:
        """Return the user's line for one of the grafted text."""
        return self.lines.nearest(line, 0)[0]

    def settle(self, tree: ast.Module) -> None:
        """Move every node of a tree with positions of the grafted text to the file that it came from.

        What came with a graft gets its own lines, shifted so that its function begins where the user's does: `relabel`
        takes the shift back.
        """
        for statement in tree.body:
            piece = self._piece_at(statement.lineno, statement.col_offset)
            if piece is not None:
                self.companions.setdefault(piece.graft.line, []).append(statement)
        seen: set[int] = set()
        stack: list[tuple[ast.AST, Graft | None, int]] = [(child, None, 0) for child in tree.body]
        while stack:
            node, graft, shift = stack.pop()
            if id(node) in seen:
                continue
            seen.add(id(node))
            stack += self._inside(node, graft, shift)
            if hasattr(node, "lineno"):
                self._move(node, graft, shift)  # type: ignore[arg-type]  # every node with a lineno is one of them

    def _inside(self, node: ast.AST, graft: Graft | None, shift: int) -> list[tuple[ast.AST, Graft | None, int]]:
        """Return the children of a node with the graft that each runs in and the shift of its lines."""
        if not isinstance(node, FunctionNode) or graft is not None:
            return [(child, graft, shift) for child in ast.iter_child_nodes(node)]
        piece = self._piece_at(node.lineno, node.col_offset)
        if piece is None:
            owner, first = self._hosts.get(self.lines.nearest(node.lineno, node.col_offset), (None, 0))
        else:
            owner, first = piece.graft, piece.position(self._offset(node.lineno, node.col_offset))[0]
        if owner is None:
            return [(child, None, 0) for child in ast.iter_child_nodes(node)]
        qualname = node.name if piece else owner.scope.qualname
        self._labels[qualname, owner.line] = _Label(owner.filename, first)
        body, shift = {id(part) for part in node.body}, owner.line - first
        inside = [(id(child) in body, child) for child in ast.iter_child_nodes(node)]
        return [(child, owner, shift) if runs else (child, None, 0) for runs, child in inside]

    def _move(self, node: Positioned, graft: Graft | None, shift: int) -> None:
        if node.lineno < 0:  # nowhere
            return
        piece = self._piece_at(node.lineno, node.col_offset)
        if graft is None and piece is None:
            self._move_to_user(node)
            return
        if graft is None or piece is None:  # run by the module, or woven in from the line of the marker
            line = graft.line if graft else piece.graft.line if piece else 1
            node.lineno, node.col_offset, node.end_lineno, node.end_col_offset = Place.whole_line(line)
            return
        start = self._offset(node.lineno, node.col_offset)
        if node.col_offset < 0:
            whole = Place.whole_line(piece.position(start)[0] + shift)
            node.lineno, node.col_offset, node.end_lineno, node.end_col_offset = whole
            return
        end = max(start, self._offset(node.end_lineno or node.lineno, (node.end_col_offset or 1) - 1))
        line, node.col_offset = piece.position(start)
        end_line, end_column = piece.position(end)
        node.lineno, node.end_lineno, node.end_col_offset = line + shift, end_line + shift, end_column + 1

    def _move_to_user(self, node: Positioned) -> None:
        start = self.lines.nearest(node.lineno, node.col_offset)
        if node.col_offset < 0:
            node.lineno, node.col_offset, node.end_lineno, node.end_col_offset = Place.whole_line(start[0])
            return
        end_line, end_column = node.end_lineno or node.lineno, (node.end_col_offset or 1) - 1
        end = start if self._piece_at(end_line, end_column) else self.lines.nearest(end_line, end_column)
        node.lineno, node.col_offset = start
        node.end_lineno, node.end_col_offset = end[0], end[1] + 1

    def _offset(self, line: int, column: int) -> int:
        return self.lines.offset(line, max(0, column))

    def _piece_at(self, line: int, column: int) -> Piece | None:
        offset = self._offset(line, column)
        for piece in self.pieces:
            if piece.start <= offset < piece.start + piece.starts[-1]:
                return piece
        return None

    def definition(self, qualname: str, line: int) -> int:
        """Return the line at which a function begins in the text that its body came with."""
        return self._labels[qualname, line].first_line

    def relabel(self, code: CodeType) -> CodeType:
        """Return a module's code, with what came from elsewhere under the file and the lines of its own text."""
        constants = tuple(
            self.relabelled(constant) if isinstance(constant, CodeType) else constant for constant in code.co_consts
        )
        return code.replace(co_consts=constants)

    def relabelled(self, code: CodeType) -> CodeType:
        """Return one code of the module likewise."""
        label = self._labels.get((code.co_qualname, code.co_firstlineno))
        if label is None:
            return self.relabel(code)
        return _shifted(code, label.filename, label.first_line - code.co_firstlineno)


def _shifted(code: CodeType, filename: str, lines: int) -> CodeType:
    constants = tuple(
        _shifted(constant, filename, lines) if isinstance(constant, CodeType) else constant
        for constant in code.co_consts
    )
    return code.replace(co_filename=filename, co_firstlineno=code.co_firstlineno + lines, co_consts=constants)
