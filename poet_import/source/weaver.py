"""Put perceive, retry, timeout and enforce around the bodies of marked functions, in place, as edits of the source."""

from __future__ import annotations

import ast
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from poet_import.source.adoption import MARKER, Adoption
from poet_import.source.anatomy import ReturnSite, Suite
from poet_import.source.annotations import quoted
from poet_import.source.layout import (
    Layout,
    LineBreaks,
    Shift,
    indent_lines,
    indent_of,
    lay_out,
    shifted,
    stands_alone,
    suite_indent,
    unit_of,
    untouchable_lines,
)
from poet_import.source.linemap import NOWHERE, LineMap, Patch, Place, Source
from poet_import.source.phases import Block, Line, Loop, depth_of, received
from poet_import.source.plan import Plan
from poet_import.source.scopes import FunctionNode

RUNTIME_IMPORT = "import poet_import.runtime as __poet__"
MARKER_IMPORT = "from poet_import import poet"
_OTHER_IMPORT = f"from poet_import import poet as {MARKER}"


def weave(
    source: Source,
    tree: ast.Module,
    plans: Sequence[Plan],
    *,
    lacks_import: bool,
    adopted: Sequence[Adoption] = (),
) -> LineMap:
    """Return the woven text of a module with its map.

    Args:
        source: The user's text.
        tree: What it parses to.
        plans: The functions to weave, outer ones before those nested in them.
        lacks_import: Whether the module uses ``poet`` without importing it; the import is supplied then.
        adopted: Where it names another marker.
    """
    patch = Patch(source)
    imports = [RUNTIME_IMPORT] * bool(plans) + [MARKER_IMPORT] * lacks_import
    imports += [_OTHER_IMPORT] * any(one.text == MARKER for one in adopted)
    if imports:
        _insert_imports(patch, tree, imports)
    for one in adopted:
        one.write(patch)
    breaks = LineBreaks(patch)
    weavers: dict[FunctionNode, _FunctionWeaver] = {}
    for plan in plans:
        if not plan.is_empty:
            around = [weavers[node].shift for scope in plan.found.outer.enclosing() if (node := scope.node) in weavers]
            weavers[plan.found.node] = _FunctionWeaver(patch, breaks, plan, around=around)
    for weaver in weavers.values():
        weaver.open()
    for weaver in weavers.values():
        weaver.edit_body()
    for weaver in reversed(weavers.values()):
        weaver.close()
    return patch.apply()


def _insert_imports(patch: Patch, tree: ast.Module, imports: list[str]) -> None:
    """Insert imports above the first statement that is neither the docstring nor a ``__future__`` import."""
    index = int(ast.get_docstring(tree, clean=False) is not None)
    while index < len(tree.body) - 1 and _is_future(tree.body[index]):
        index += 1
    first = tree.body[index]
    line = min([first.lineno, *(decorator.lineno for decorator in getattr(first, "decorator_list", []))])
    place = Place(line, first.col_offset, line, first.col_offset)
    source = patch.source
    if stands_alone(source, first):
        patch.insert(source.line_start(line), "".join(f"{text}\n" for text in imports), place)
    else:
        patch.insert(source.offset(first.lineno, first.col_offset), "".join(f"{text}; " for text in imports), place)


def _is_future(node: ast.stmt) -> bool:
    return isinstance(node, ast.ImportFrom) and node.module == "__future__"


@dataclass(frozen=True, slots=True)
class _Frame:
    """A block around the body, with how deep its own lines stand."""

    block: Block
    depth: int


class _FunctionWeaver:
    """Writes the edits of one function: `open` above the body, `edit_body` in it, `close` below it."""

    def __init__(self, patch: Patch, breaks: LineBreaks, plan: Plan, *, around: list[Shift]) -> None:
        self._source = source = patch.source
        self._patch = patch
        self._breaks = breaks
        self._plan = plan
        self._layout: Layout = lay_out(source, plan.anatomy, plan.tests.place)
        self._unit = unit_of(self._layout.indent)
        self._frames: list[_Frame] = []
        depth = 0
        for block in (*([plan.train] if plan.train else []), *plan.blocks):
            self._frames.append(_Frame(block, depth))
            depth += depth_of(block)
        self._depth = depth
        self.shift = Shift(self._layout.indent, self._unit * depth)
        self._around = around
        self._shifts = [*around, self.shift]

    def open(self) -> None:
        """Write what stands above the body."""
        plan, layout = self._plan, self._layout
        if plan.binds:
            self._insert_binder()
        lines = self._render(self._head_lines())
        suite = Suite(plan.found.node, plan.found.node.body)
        if not layout.joined:
            self._insert_lines(layout.head, lines)
            if self._depth:
                keep = untouchable_lines(plan.anatomy, self._source)
                indent_lines(self._patch, layout, extra=self.shift.extra, keep=keep)
            return
        if plan.anatomy.docstring is not None:
            self._breaks.split(Suite(suite.header, [plan.anatomy.docstring]), self._around)
        if plan.anatomy.body:
            self._breaks.split_below(plan.anatomy.body[0], lines, shifted(layout.indent, self._shifts))
            self._breaks.split(suite, self._shifts)
        else:
            self._insert_lines(layout.head, lines)

    def _insert_lines(self, offset: int, lines: list[tuple[str, Place]]) -> None:
        """Insert whole lines at the start of a line, or past the last one."""
        if not self._source.data[:offset].endswith(b"\n"):
            self._patch.insert(offset, "\n", NOWHERE)
        for text, place in lines:
            self._patch.insert(offset, text, place)

    def _insert_binder(self) -> None:
        node = self._plan.found.node
        indent = shifted(indent_of(self._source, node.lineno), self._around)
        text = f"{indent}@__poet__.{self._plan.binds}\n"
        self._patch.insert(self._source.line_start(node.lineno), text, self._plan.tests.place)

    def _head_lines(self) -> list[Line]:
        """Return the opening of train, perceive, and the opening of every other block."""
        plan, place = self._plan, self._layout.place
        lines: list[Line] = []
        if plan.perceive or plan.is_hosted:
            lines.append(Line(0, "# perceive", NOWHERE))
            lines += [received(plan.arguments, place)] * plan.is_hosted
            lines += plan.tests.lines("perceive", plan.perceive, place)
        if plan.is_shadowed:
            lines += [Line(0, "# shadow", NOWHERE), Line(0, "__poet__.sample()", place)]
        if plan.traced:
            name, parameters = plan.traced
            values = "".join(f", {one}={one}" for one in parameters)
            lines += [Line(0, "# recorded", NOWHERE), Line(0, "__poet__.traced(", place, f"{name!r}{values}", ")")]
        lines.append(Line(0, "# operate", NOWHERE))
        frames = self._frames
        if plan.train:
            frames = frames[1:]
            lines = [*plan.train.opening(place), *_deeper(lines, depth_of(plan.train))]
        for frame in frames:
            lines += _deeper(frame.block.opening(place), frame.depth)
        return lines

    def edit_body(self) -> None:
        """Write what goes between the user's lines."""
        plan = self._plan
        for site in plan.anatomy.returns if plan.train and plan.train.has_result else plan.checked:
            self._edit_return(site, is_checked=site in plan.checked)
        if self._plan.anatomy.is_generator and any(isinstance(block, Loop) for block in self._plan.blocks):
            self._mark_yields()
        for call in self._plan.anatomy.frame_readers:
            if isinstance(call.func, ast.Name) and self._plan.found.scope.is_builtin(call.func.id):
                self._patch.insert(self._source.offset(call.lineno, call.col_offset), "__poet__.yours(", NOWHERE)
                end = self._source.offset(call.end_lineno or 1, call.end_col_offset or 0)
                self._patch.insert(end, ")", NOWHERE)

    def _edit_return(self, site: ReturnSite, *, is_checked: bool) -> None:
        """Check what one ``return`` gives, or only keep it for the record of the call."""
        plan, node = self._plan, site.node
        if not stands_alone(self._source, node):
            self._breaks.split(site.suite, self._shifts)
        indent = shifted(suite_indent(self._source, site.suite), self._shifts)
        place = Place(node.lineno, node.col_offset, node.lineno, node.col_offset + len("return"))
        start = self._source.offset(node.lineno, node.col_offset)
        keyword_end = start + len("return")
        end = self._source.offset(node.end_lineno or 0, node.end_col_offset or 0)
        space = "" if self._source.data[keyword_end : keyword_end + 1] in b" \t\f\\" else " "  # return(x)
        value = f"_poet_result ={space}" if node.value else "_poet_result = None"
        mark = f"# enforce\n{indent}" if is_checked else ""
        self._patch.replace(start, keyword_end, f"{mark}{value}", place=place)
        wanted = plan.enforce if is_checked else ()
        tests = plan.tests.lines("enforce", wanted, place, wrap="Escape" if site.guarded else "")
        hosted = [Line(0, "_poet_result = __poet__.resolved(_poet_result)", place)] * plan.is_hosted
        lines = [*hosted, *tests, Line(0, "return _poet_result", place)]
        for line in lines:
            self._patch.insert(end, f"\n{line.render(indent, self._unit)}", line.place)

    def _mark_yields(self) -> None:
        """Make each ``yield`` say that the generator has begun: from then on nothing is tried again."""
        for node in self._plan.anatomy.yields:
            start = self._source.offset(node.lineno, node.col_offset)
            end = self._source.offset(node.end_lineno or 0, node.end_col_offset or 0)
            keyword_end = start + len("yield")
            if isinstance(node, ast.YieldFrom):
                keyword_end = self._source.data.index(b"from", keyword_end) + len("from")
            data = self._source.data[keyword_end:end]
            begin = keyword_end + len(data) - len(data.lstrip()) if node.value else keyword_end
            self._patch.insert(begin, "(" if node.value else " (None", NOWHERE)
            if isinstance(node.value, ast.Tuple):  # it may stand without parentheses of its own
                self._patch.insert(begin, "(", _place_of(node.value))
                self._patch.insert(end, ")", NOWHERE)
            self._patch.insert(end, ", _poet_attempt := __poet__.STARTED)[0]", NOWHERE)

    def close(self) -> None:
        """Write what stands below the body."""
        place = self._plan.tests.place
        lines = _deeper(self._tail_lines(), self._depth)
        for frame in reversed(self._frames):
            lines += _deeper(frame.block.closing(place), frame.depth)
        if not lines:
            return
        self._insert_lines(self._source.line_start(self._layout.last + 1), self._render(lines))

    def _tail_lines(self) -> list[Line]:
        """Return what follows the last statement where execution may fall off the end of the body."""
        plan = self._plan
        lines: list[Line] = []
        if plan.checks_end:
            lines = [Line(0, "# enforce", NOWHERE), *self._end_lines()]
        raises = bool(lines) and lines[-1].depth == 0 and plan.tests.on_violation == "raise"
        # Below a try with handlers, too: tracers would see what the compiler puts where the ways to its end meet.
        leaves = plan.train is not None or any(isinstance(block, Loop) for block in plan.blocks)
        if plan.anatomy.falls_off and not raises and leaves:
            lines.append(Line(0, "return", NOWHERE))
        return lines

    def _end_lines(self) -> list[Line]:
        """Return the check of the None that falling off the end gives."""
        plan = self._plan
        stub = ", stub=True" if plan.anatomy.is_stub else ""
        if not plan.result.deep and not plan.result.allows(None):
            return [plan.tests.violation("enforce", f'"return", None, {quoted(plan.result.text)}{stub}', NOWHERE)]
        about_none = [(test, arguments) for test, arguments in plan.enforce if "item_keeps" not in test]
        tests = [(test, f"{arguments}{stub}") for test, arguments in about_none]
        return [Line(0, "_poet_result = None", NOWHERE), *plan.tests.lines("enforce", tests, NOWHERE)]

    def _render(self, lines: Iterable[Line]) -> list[tuple[str, Place]]:
        """Return whole lines of text at the depth where they stand."""
        base = shifted(self._layout.indent, self._around)
        return [(f"{line.render(base, self._unit)}\n", line.place) for line in lines]


def _deeper(lines: Iterable[Line], depth: int) -> list[Line]:
    return [line._replace(depth=line.depth + depth) for line in lines]


def _place_of(node: ast.expr) -> Place:
    return Place(node.lineno, node.col_offset, node.end_lineno or node.lineno, node.end_col_offset or 0)
