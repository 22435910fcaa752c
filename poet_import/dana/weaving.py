"""Weave P, retry, deadline, E and T around the bodies of Dana functions, as plain Dana text."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from hashlib import blake2b
from itertools import pairwise
from typing import NamedTuple

from lark import Token

from poet_import.dana.checkers import FITS, checkers
from poet_import.dana.discovery import DanaSource, Parameter, span_of, start_of
from poet_import.dana.layout import Comments
from poet_import.dana.parsing import Node, trees
from poet_import.dana.phrases import UNIT, call, checked, enforce, fitting, once, operate, perceive, train, trainer
from poet_import.dana.plan import RESULT, DanaPlan, make_plan
from poet_import.dana.returns import Return
from poet_import.templates import TemplateStore

_NO_NAME = re.compile(r"\W+")  # between the words of a hint


class _Edit(NamedTuple):
    """One part of the text that is replaced."""

    start: int
    end: int
    text: str


@dataclass(frozen=True, slots=True)
class WovenDana:
    """A Dana source with its marked functions woven."""

    text: str
    plans: tuple[DanaPlan, ...]  # in the order of the source


def weave(source: DanaSource, store: TemplateStore) -> WovenDana:
    """Weave every marked function of a source; no ``@poet`` is left in it but as a comment."""
    plans = tuple(make_plan(found, source, store.find(found.options.domain)) for found in source.functions)
    comments = Comments(source.tree, source.text)
    edits = [_shared(source, plan, text, comments=comments) for plan, text in checkers(plans)]
    for plan, name in zip(plans, _names(plans, source), strict=True):
        edits += _Weaver(source, plan, name).edits(comments)
    edits += [_commented(source.text, node) for node in source.idle_imports]
    kept, start = [], 0
    for edit in sorted(edits, key=lambda one: (one.start, one.end)):  # what stands at one place keeps its order
        kept += [source.text[start : edit.start], edit.text]
        start = edit.end
    return WovenDana("".join([*kept, source.text[start:]]), plans)


def _names(plans: tuple[DanaPlan, ...], source: DanaSource) -> Iterator[str]:
    """Yield for each function what its helpers' names end with: its own name, behind what it is a method of.

    Dana keeps the functions of all files by name, methods of several types side by side.
    """
    taken: set[str] = set()
    for plan in plans:
        receiver = plan.found.receiver
        of = "" if receiver is None or receiver.hint is None else f"{source.span(receiver.hint)}_"
        name = whole = _NO_NAME.sub("_", f"{of}{plan.found.name}")
        number = 1
        while name in taken:
            number += 1
            name = f"{whole}_{number}"
        taken.add(name)
        yield name


def _shared(source: DanaSource, plan: DanaPlan, text: str, *, comments: Comments) -> _Edit:
    """Return the edit that writes a function for all of a source, above the first that needs it."""
    top = source.top_of(plan.found)
    place = comments.above(max(start_of(node) for node in source.tree.children if start_of(node) <= top))
    return _Edit(place, place, f"{text}\n\n")


def _commented(text: str, node: Node) -> _Edit:
    """Return the edit that turns a statement of one line into a comment."""
    start, end = node.meta.start_pos, node.meta.end_pos
    return _Edit(start, end, f"# {text[start:end]}")


class _Weaver:
    """Writes the edits for one function."""

    def __init__(self, source: DanaSource, plan: DanaPlan, name: str) -> None:
        self._source = source
        self._text = source.text
        self._plan = plan
        self._found = plan.found
        self._name = name
        self._top = source.top_of(self._found)
        self._end = span_of(self._found.node, self._text)[1]
        self._margin = self._text[self._line_start(self._top) : self._top]

    def edits(self, comments: Comments) -> Iterator[_Edit]:
        """Yield what is replaced."""
        head = _Edit(self._top, start_of(self._found.first), self._head())
        yield head
        if self._plan.place != "around":
            yield from self._in_place()
            return
        block = self._body_start(), self._end
        body = self._text[block[0] : block[1]]
        above = comments.above(self._top)
        yield _Edit(above, above, f"{self._trainer()}{self._signature()}\n{body}\n\n{self._margin}")
        yield _Edit(*block, "\n".join(self._outer()))

    def _line_start(self, position: int) -> int:
        return self._text.rfind("\n", 0, position) + 1

    def _head(self) -> str:
        """Return what stands above the definition: the ``@poet`` line as a comment, then the other decorators."""
        found = self._found
        marks = [start_of(one.children[0]) for one in found.decorators] + [start_of(found.first)]
        spans = list(pairwise(marks))
        start, end = spans.pop(found.decorators.index(found.decorator))
        written = self._text[start:end].strip().replace(f"\n{self._margin}", "\n")
        comment = [f"# {line}\n{self._margin}" for line in written.split("\n")]
        return "".join([*comment, *(self._text[start:end] for start, end in spans)])

    def _in_place(self) -> Iterator[_Edit]:
        """Yield what is changed in a body that stays where it is."""
        plan, unsure = self._plan, self._plan.unsure_returns
        above = [*perceive(plan), *(["# operate"] if plan.perceive or unsure else [])]
        if plan.place == "within" and plan.result.containers:
            above.append(f"{FITS} = {fitting(plan.result)}")
        if above:
            start = self._first_line()
            yield _Edit(start, start, "".join(f"{line}\n" for line in self._indented(above, self._indent())))
        if plan.place == "within":
            fits = FITS if plan.result.containers else fitting(plan.result)
            yield from (self._instead(one, f"return {checked(plan, self._value(one), fits)}") for one in unsure)
            return
        yield from (self._instead(one, f"{RESULT} = {self._value(one)}") for one in plan.kept_returns)
        below = [line for line in enforce(plan) if not line.startswith("import ") or line not in above]
        if unsure:
            end, margin = self._below(unsure[0])
            yield _Edit(end, end, "".join(f"\n{line}" for line in self._indented([*below, f"return {RESULT}"], margin)))

    def _laid_out(self, line: str) -> str:
        """Return a woven line with the function's own unit of indentation."""
        depth = (len(line) - len(line.lstrip(" "))) // len(UNIT)
        unit = self._indent().removeprefix(self._margin) or UNIT
        return unit * depth + line.lstrip(" ")

    def _indented(self, lines: Iterable[str], margin: str) -> Iterator[str]:
        return (f"{margin}{self._laid_out(line)}" for line in lines)

    def _below(self, one: Return) -> tuple[int, str]:
        """Return where a value is checked that a ``return`` would have returned, and the indentation there."""
        if self._plan.place == "below":
            return self._end, self._indent()
        start = one.node.meta.start_pos
        return self._text.index("\n", one.node.meta.end_pos), self._text[self._line_start(start) : start]

    def _instead(self, one: Return, text: str) -> _Edit:
        return _Edit(one.node.meta.start_pos, one.node.meta.end_pos, text)

    def _value(self, one: Return) -> str:
        """Return the text of what a ``return`` returns."""
        return "None" if one.value is None else self._source.span(one.value)

    def _outer(self) -> Iterator[str]:
        """Yield the lines of the body that takes the place of the user's own."""
        plan, operating = self._plan, f"__poet_operate_{self._name}"
        if plan.calls_checker:
            result = checked(plan, call(plan, operating), fitting(plan.result))
            return self._indented([*perceive(plan), "# operate, enforce", f"return {result}"], self._indent())
        lines = [*perceive(plan), *operate(plan, operating), *enforce(plan)]
        if plan.trains:
            lines = list(train(f"__poet_train_{self._name}", lines))
        return self._indented(once([*lines, f"return {RESULT}"]), self._indent())

    def _trainer(self) -> str:
        """Return the function that tells of each call, where there is one."""
        if not self._plan.trains:
            return ""
        whole = self._text[self._top : self._end]
        version = blake2b(whole.encode(), digest_size=6).hexdigest()
        lines = trainer(self._plan, f"__poet_train_{self._name}", version=version)
        return f"\n{self._margin}".join([*lines, "", ""])

    def _signature(self) -> str:
        """Return the head of the function that takes the user's body: the same parameters, all of them given."""
        found = self._found
        receiver = [found.receiver] if found.receiver else []
        parameters = ", ".join(self._parameter(one) for one in (*receiver, *found.parameters))
        result = f" -> {self._span(found.result)}" if found.result else ""
        return f"sync def __poet_operate_{self._name}({parameters}){result}:"

    def _parameter(self, one: Parameter) -> str:
        return one.name if one.hint is None else f"{one.name}: {self._span(one.hint)}"

    def _span(self, node: Node) -> str:
        return " ".join(self._text[node.meta.start_pos : node.meta.end_pos].split())

    def _indent(self) -> str:
        """Return the indentation of the body."""
        start = self._first_statement()
        return self._text[self._line_start(start) : start]

    def _first_statement(self) -> int:
        """Return where the body's first statement or comment begins."""
        inside = self._found.block.children
        opened = next(number for number, one in enumerate(inside) if isinstance(one, Token) and one.type == "INDENT")
        return start_of(inside[opened + 1])

    def _first_line(self) -> int:
        """Return where the body's first line begins, below a text that tells what the function is for."""
        block = self._found.block
        first = next(trees(block), None)
        if first is not None and first.data == "statement" and first.meta.start_pos == self._first_statement():
            told = next(trees(first), None)
            if told is not None and told.data == "string":
                return self._text.index("\n", told.meta.end_pos) + 1
        return self._line_start(self._first_statement())

    def _body_start(self) -> int:
        return self._line_start(self._first_statement())
