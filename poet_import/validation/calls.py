"""What a text calls: values that it was given, and what reaches attributes by texts."""

from __future__ import annotations

import ast
from collections.abc import Iterable, Iterator
from string import Formatter
from typing import Final

from poet_import.model import Violation
from poet_import.source.nodes import walk
from poet_import.source.scopes import FunctionNode
from poet_import.validation.flow import CALLED, PARAMETER, TYPE, Flow
from poet_import.validation.originals import Facts
from poet_import.validation.uses import BY_NAME, asked_by_text, attribute_of, is_hidden, is_named

FORMATS: Final = frozenset({"format", "format_map"})  # judged by the text that is formatted
# Run texts, or reach names by texts: only the very calls that the original makes.
IDENTICAL: Final = frozenset(
    "eval exec compile __import__ globals locals vars setattr delattr breakpoint input dir".split()
)
_FOREIGN: Final = frozenset({PARAMETER, CALLED})
# These call their first argument.
_CALLERS: Final = frozenset(
    """builtins.map builtins.filter functools.partial functools.reduce functools.cmp_to_key collections.defaultdict
    itertools.starmap itertools.takewhile itertools.dropwhile itertools.filterfalse""".split()
)
_CALLBACKS: Final = frozenset("key default_factory object_hook dict_factory".split())
_OPENING: Final = frozenset({"encoding", "errors", "newline", "buffering"})  # leave what is opened, and for what


def callees(tree: ast.AST, flow: Flow) -> Iterator[ast.expr]:
    """Yield each expression whose value a text calls, methods left out: their names are judged."""
    for node in walk(tree):
        if isinstance(node, ast.Call):
            if attribute_of(node.func) is None:
                yield node.func
            yield from _called_by(node, flow)
        elif isinstance(node, FunctionNode | ast.ClassDef):
            yield from node.decorator_list


def _called_by(node: ast.Call, flow: Flow) -> Iterator[ast.expr]:
    """Yield the arguments of a call that it calls in turn."""
    paths = flow.callee_paths(node)
    calls_first = paths & _CALLERS or ("builtins.iter" in paths and len(node.args) == 2)
    yield from node.args[:1] if calls_first else ()
    if "itertools.accumulate" in paths or "itertools.groupby" in paths:
        yield from node.args[1:2]
    of_json = bool(paths & {"json.loads", "json.dumps"})
    yield from (keyword.value for keyword in node.keywords if keyword.arg in _CALLBACKS or of_json)


class Calls:
    """Judges the calls of one text that stands in place of an original."""

    def __init__(self, facts: Facts, flow: Flow) -> None:
        self._facts = facts
        self._flow = flow
        methods = (node.func for node in facts.nodes if isinstance(node, ast.Call))
        called = tuple(callees(facts.function, facts.flow))
        self._theirs = frozenset(map(facts.flow.form, (*methods, *called)))
        # Whether the original calls what it was given, or what a call has returned.
        self._calls_values = any(facts.flow.origins(node) & _FOREIGN for node in called)

    def foreign(self, tree: ast.AST) -> Iterator[Violation]:
        """Refuse calls of values of which nothing is known, unless the original makes such calls."""
        for node in callees(tree, self._flow):
            origins = self._flow.origins(node)
            if TYPE in origins and self._flow.form(node) not in self._theirs:
                message = "what type returns is called here, which may make an object or class of any kind"
                yield _violation("capability", node, message)
            elif self._is_machinery(node) and self._flow.form(node) not in self._theirs:
                message = "an attribute of the language's machinery is called here, which the original does not do"
                yield _violation("dunder-access", node, message)
            elif origins & _FOREIGN and not self._calls_values:
                message = "a value that came from outside is called here; the original calls none"
                yield _violation("foreign-call", node, message)

    def one(self, node: ast.Call) -> Iterator[Violation]:
        """Judge a call by what it is given."""
        if isinstance(node.func, ast.Name):
            yield from self._by_name(node, node.func.id)
        elif isinstance(node.func, ast.Attribute) and node.func.attr in FORMATS and not self._is_original(node):
            yield from self._format(node, node.func.value)

    def _is_machinery(self, node: ast.expr) -> bool:
        found = (attribute_of(value) for value in self._flow.values(node))
        return any(asked is not None and is_hidden(asked[1]) for asked in found)

    def _is_original(self, node: ast.Call) -> bool:
        return self._flow.form(node) in self._facts.calls

    def _by_name(self, node: ast.Call, name: str) -> Iterator[Violation]:
        if name in BY_NAME:
            if asked_by_text(node) is None and not self._is_original(node):
                yield _violation("computed-name", node, f"{name} is given a name that is not written here")
        elif name in IDENTICAL and f"builtins.{name}" in self._facts.called:
            if not self._is_original(node):
                yield _violation("capability", node, f"{name} is called otherwise than the original calls it")
        elif name == "open" and "builtins.open" in self._facts.called:
            yield from self._open(node)
        elif name == "type" and (len(node.args) != 1 or node.keywords) and not self._is_original(node):
            yield _violation("capability", node, "type makes a class here; ask it for the type of one object only")

    def _open(self, node: ast.Call) -> Iterator[Violation]:
        theirs = (part for part in self._facts.nodes if isinstance(part, ast.Call))
        opened = {_opened(part, self._facts.flow) for part in theirs if is_named(part.func, {"open"})}
        if _opened(node, self._flow) not in opened:
            message = "another file is opened, or for another end, than the original opens one for"
            yield _violation("capability", node, message)

    def _format(self, node: ast.Call, template: ast.expr) -> Iterator[Violation]:
        texts = self._flow.texts(template)
        if texts is None:
            message = "the text that is formatted is not written here, so it may reach attributes; use an f-string"
            yield _violation("format-walk", node, message)
        elif any("." in field or "[" in field for text in texts for field in _fields(text)):
            yield _violation("format-walk", node, "the text reaches attributes or items; use an f-string")


def _violation(rule: str, node: ast.AST, message: str) -> Violation:
    return Violation("security", rule, getattr(node, "lineno", 1), message)


def _opened(node: ast.Call, flow: Flow) -> tuple[int, ...]:
    """Return the form of an ``open``, but for how the text of the file is read."""
    keywords = sorted((one.arg or "**", flow.form(one.value)) for one in node.keywords if one.arg not in _OPENING)
    return (*(flow.form(one) for one in node.args[:2]), *(hash(one) for one in keywords), len(node.args[2:]))


def _fields(text: str) -> Iterable[str]:
    """Return the names of a format string's fields, nested ones too; a broken one has none."""
    try:
        parsed = [(field or "", spec or "") for _, field, spec, _ in Formatter().parse(text)]
    except ValueError:
        return ()
    return [field for field, _ in parsed] + [inner for _, spec in parsed for inner in _fields(spec)]
