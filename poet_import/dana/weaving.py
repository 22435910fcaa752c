"""Weave P, retry, deadline, E and T around the bodies of Dana functions, as plain Dana text."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from hashlib import blake2b
from itertools import pairwise
from typing import NamedTuple

from lark import Token

from poet_import.dana.discovery import DanaSource, Parameter, span_of, start_of
from poet_import.dana.parsing import Node, trees
from poet_import.dana.phrases import UNIT, enforce, once, operate, perceive, train, trainer
from poet_import.dana.plan import RESULT, DanaPlan, make_plan
from poet_import.dana.returns import Return
from poet_import.templates import TemplateStore


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
    edits = [
        edit for plan, names in zip(plans, _names(plans), strict=True) for edit in _Weaver(source, plan, names).edits()
    ]
    edits += [_commented(source.text, node) for node in source.idle_imports]
    kept, start = [], 0
    for edit in sorted(edits):
        kept += [source.text[start : edit.start], edit.text]
        start = edit.end
    return WovenDana("".join([*kept, source.text[start:]]), plans)


def _names(plans: tuple[DanaPlan, ...]) -> Iterator[str]:
    """Yield for each function what its helpers' names end with: its own name, told apart where several have it."""
    seen: Counter[str] = Counter()
    for plan in plans:
        name = str(plan.found.name)
        seen[name] += 1
        yield name if seen[name] == 1 else f"{name}_{seen[name]}"


def _commented(text: str, node: Node) -> _Edit:
    """Return the edit that turns a statement of one line into a comment."""
    start, end = node.meta.start_pos, node.meta.end_pos
    return _Edit(start, end, f"# {text[start:end]}")


class _Weaver:
    """Writes the edits for one function."""

    def __init__(self, source: DanaSource, plan: DanaPlan, name: str) -> None:
        self._text = source.text
        self._plan = plan
        self._found = plan.found
        self._name = name
        self._top = source.top_of(self._found)
        self._end = span_of(self._found.node, self._text)[1]
        self._margin = self._text[self._line_start(self._top) : self._top]

    def edits(self) -> Iterator[_Edit]:
        """Yield what is replaced."""
        head = _Edit(self._top, start_of(self._found.first), self._head())
        if not self._plan.needs_helper:
            yield head
            yield from self._in_place()
            return
        block = self._body_start(), self._end
        body = self._text[block[0] : block[1]]
        helper = f"{self._signature()}\n{body}\n\n{self._margin}"
        yield head._replace(text=f"{self._trainer()}{helper}{self._head()}")
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
        """Yield what is inserted into the body, which stays where it is."""
        plan, indent = self._plan, self._indent()
        unsure = plan.unsure_returns
        lines = [*perceive(plan), *(["# operate"] if plan.perceive or unsure else [])]
        if lines:
            start = self._first_line()
            yield _Edit(start, start, "".join(f"{indent}{self._laid_out(line)}\n" for line in lines))
        for one in unsure:
            yield from self._checked(one, above=lines)

    def _laid_out(self, line: str) -> str:
        """Return a woven line with the function's own unit of indentation."""
        depth = (len(line) - len(line.lstrip(" "))) // len(UNIT)
        unit = self._indent().removeprefix(self._margin) or UNIT
        return unit * depth + line.lstrip(" ")

    def _checked(self, one: Return, *, above: list[str]) -> Iterator[_Edit]:
        """Yield the edits that check the value of a ``return`` before it is returned."""
        start = one.node.meta.start_pos
        margin = self._text[self._line_start(start) : start]
        value = one.value
        first = start + len("return") if value is None else value.meta.start_pos
        yield _Edit(start, first, f"{RESULT} = {'None' if value is None else ''}")
        end = self._text.index("\n", first if value is None else value.meta.end_pos)
        lines = [line for line in enforce(self._plan) if not line.startswith("import ") or line not in above]
        lines.append(f"return {RESULT}")
        yield _Edit(end, end, "".join(f"\n{margin}{self._laid_out(line)}" for line in lines))

    def _outer(self) -> Iterator[str]:
        """Yield the lines of the body that takes the place of the user's own."""
        plan = self._plan
        lines = [*perceive(plan), *operate(plan, f"__poet_operate_{self._name}"), *enforce(plan)]
        if plan.trains:
            lines = list(train(f"__poet_train_{self._name}", lines))
        return (f"{self._indent()}{self._laid_out(line)}" for line in once([*lines, f"return {RESULT}"]))

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
