"""Put other bodies into functions of a module: text that came from elsewhere, at the place of the user's own."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterable
from dataclasses import dataclass

from poet_import.errors import TranspileError
from poet_import.source.anatomy import Anatomy, Suite, dissect
from poet_import.source.grafted import Graft, Grafted, Piece
from poet_import.source.layout import first_line, line_after_header, stands_alone, suite_indent, untouchable_lines
from poet_import.source.linemap import NOWHERE, Patch, Place, Source
from poet_import.source.renaming import Donor, rename
from poet_import.source.scopes import ScopeTree

_BLANKS = b" \t\f"


def graft(source: Source, scopes: ScopeTree, grafts: Iterable[Graft]) -> tuple[Grafted, dict[Graft, str]]:
    """Return the text of a module with the bodies of some functions replaced, and why others could not be.

    A function keeps its header, its decorators and its docstring. What its new body needs besides (imports, helpers,
    constants) goes above the statement of the module that the function stands in.

    Args:
        source: The module's text.
        scopes: The scopes of what it parses to.
        grafts: The functions; none stands in another.
    """
    operation = _Operation(Patch(source), scopes)
    refused: dict[Graft, str] = {}
    for one in sorted(grafts, key=lambda one: one.line):
        try:
            operation.add(one)
        except TranspileError as error:
            refused[one] = error.message
    return operation.close(), refused


@dataclass(frozen=True, slots=True)
class _Lines:
    """Whole lines of a donor's text, and for each its line there and the bytes that its columns were shifted by."""

    text: str
    rows: list[tuple[int, int]]


@dataclass(frozen=True, slots=True)
class _Added:
    """Text of one graft, before it is known where it comes to stand."""

    place: Place
    lines: _Lines
    graft: Graft
    donor: Donor


class _Operation:
    """Collects the edits of several grafts of one module."""

    def __init__(self, patch: Patch, scopes: ScopeTree) -> None:
        self._patch = patch
        self._source = patch.source
        self._scopes = scopes
        names = (node.id for node in ast.walk(scopes.module.node) if isinstance(node, ast.Name))
        self._taken = scopes.binds.union(names)
        self._added: list[_Added] = []
        self._hosts: dict[tuple[int, int], tuple[Graft, int]] = {}

    def add(self, graft: Graft) -> None:
        """Replace the body of one function.

        Raises:
            TranspileError: The text cannot be put where its function stands; nothing is changed then.
        """
        prefix = "_poet_" + re.sub(r"\W+", "_", graft.scope.qualname.replace("<locals>", "")).strip("_")
        donor = rename(graft.text, graft.node.name, module=self._scopes.module, taken=self._taken, prefix=prefix)
        self._refuse_lost_recursion(graft, donor)
        body = dissect(donor.function)
        if not body.body:
            raise TranspileError("its body holds nothing but a docstring")
        self._taken |= donor.brought
        line = donor.lines.nearest(donor.function.lineno, donor.function.col_offset)[0]
        self._hosts[graft.node.lineno, graft.node.col_offset] = graft, line
        self._insert_companions(graft, donor)
        self._replace_body(graft, donor, body)

    def _refuse_lost_recursion(self, graft: Graft, donor: Donor) -> None:
        outer = graft.scope.parent
        found = [node for node in ast.walk(donor.tree) if isinstance(node, ast.Name) and node.id == graft.node.name]
        is_local = any(isinstance(node.ctx, ast.Store) for node in found)
        if outer is not None and outer.is_class and found and not is_local:
            raise TranspileError(f"it calls {graft.node.name} by its bare name, which a method cannot be reached by")

    def _insert_companions(self, graft: Graft, donor: Donor) -> None:
        """Put imports, helpers and constants above the statement of the module that holds the function."""
        donated = Source(donor.text)
        companions, others = self._sorted_rows(donor)
        rows = [row for row in range(1, len(donated.starts) + 1) if row in companions or row not in others]
        filled = [index for index, row in enumerate(rows) if donated.line(row).strip()]
        if not filled:
            return
        rows = rows[filled[0] : filled[-1] + 1]
        lines = [donated.line(row).rstrip(b"\n") + b"\n" for row in rows]
        text = b"".join(lines).decode() + "\n\n"
        statement = next(
            node for node in self._statements() if node.lineno <= graft.node.lineno <= (node.end_lineno or 0)
        )
        added = _Lines(text, [(row, 0) for row in (*rows, rows[-1], rows[-1])])
        self._insert(self._source.line_start(first_line(statement)), added, graft=graft, donor=donor)

    def _sorted_rows(self, donor: Donor) -> tuple[set[int], set[int]]:
        """Return the lines of what a function brings along, and those of what stays behind."""
        companions: set[int] = set()
        others: set[int] = set()
        for node in donor.tree.body:
            stays = node is donor.function or isinstance(node, ast.Expr) or self._is_spare(donor, node)
            (others if stays else companions).update(range(node.lineno, (node.end_lineno or node.lineno) + 1))
        return companions, others

    def _statements(self) -> list[ast.stmt]:
        return self._scopes.module.node.body

    def _is_spare(self, donor: Donor, node: ast.stmt) -> bool:
        return donor.lines.nearest(node.lineno, node.col_offset) in donor.spare

    def _insert(self, offset: int, lines: _Lines, *, graft: Graft, donor: Donor) -> None:
        place = Place(graft.line, 0, graft.line, 0)
        self._added.append(_Added(place, lines, graft, donor))
        self._patch.insert(offset, lines.text, place)

    def _replace_body(self, graft: Graft, donor: Donor, body: Anatomy) -> None:
        indent = suite_indent(self._source, Suite(graft.node, graft.node.body))
        start, end = self._body_range(dissect(graft.node), indent)
        lines = _body_lines(Source(donor.text), body, indent)
        self._patch.replace(start, end, "", place=NOWHERE)
        self._insert(start, lines, graft=graft, donor=donor)

    def _body_range(self, anatomy: Anatomy, indent: str) -> tuple[int, int]:
        """Return from where to where the user's own body goes, whole lines; what comes before it ends in a newline."""
        source, node = self._source, anatomy.node
        last = node.body[-1]
        after = source.line_start((last.end_lineno or last.lineno) + 1)
        if anatomy.docstring is not None and not stands_alone(source, anatomy.docstring):
            at = source.offset(anatomy.docstring.lineno, anatomy.docstring.col_offset)
            colon = len(source.data[:at].rstrip(b" \t\f\\\n"))
            self._patch.replace(colon, at, f"\n{indent}", place=NOWHERE)
        if not anatomy.body:
            self._end_line(after)
            return after, after
        first = anatomy.body[0]
        if stands_alone(source, first):
            return source.line_start(first_line(first)), after
        start = source.offset(first.lineno, first.col_offset)
        before = len(source.data[:start].rstrip(b" \t\f;\\\n"))
        self._patch.insert(before, "\n", NOWHERE)
        return before, after

    def _end_line(self, offset: int) -> None:
        if not self._source.data[:offset].endswith(b"\n"):
            self._patch.insert(offset, "\n", NOWHERE)

    def close(self) -> Grafted:
        """Apply every edit."""
        lines = self._patch.apply()
        pieces = []
        for added in self._added:
            data = added.lines.text.encode()
            starts = [0, *(match.end() for match in re.finditer(rb"\n", data))]
            pieces.append(Piece(lines.start_of(added.place), starts, added.lines.rows, added.graft, added.donor))
        return Grafted(lines, pieces, self._hosts)


def _body_lines(source: Source, anatomy: Anatomy, indent: str) -> _Lines:
    """Return the lines of a function's body with another indentation, the docstring left out."""
    first, last = anatomy.body[0], anatomy.body[-1]
    begin, base = first_line(first), first.col_offset
    if stands_alone(source, first):
        begin = line_after_header(source, anatomy, begin)
    keep = untouchable_lines(anatomy, source)
    lines: list[bytes] = []
    rows: list[tuple[int, int]] = []
    for number in range(begin, (last.end_lineno or last.lineno) + 1):
        text = source.line(number)
        is_kept = number in keep or not text.strip()
        cut = 0 if is_kept else base if number == first.lineno else min(base, _depth(text))
        lines.append((b"" if is_kept else indent.encode()) + text[cut:])
        rows.append((number, 0 if is_kept else len(indent.encode()) - cut))
    if not lines[-1].endswith(b"\n"):
        lines[-1] += b"\n"
    return _Lines(b"".join(lines).decode(), rows)


def _depth(text: bytes) -> int:
    return len(text) - len(text.lstrip(_BLANKS))
