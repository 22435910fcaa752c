"""The third gate for Dana: what a generated function may be made of, and what it may reach.

An allow-list: a node that is not named here is refused. Beyond values of its own, a function may reach what the
original reaches, by name and by attribute; Dana finds the locals of callers and every built-in by name, so a name that
is nobody's is refused too.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from lark import Token

from poet_import.dana.parsing import Node, normalized, parse, token, trees, walk
from poet_import.dana.refusals import DanaError
from poet_import.model import Violation

_NODES = frozenset(
    (
        *(
            "start",
            "block",
            "statement",
            "assignment",
            "annotated",
            "augmented",
            "return_",
            "raise_",
            "assert_",
            "pass_",
        ),
        *(
            "break_",
            "continue_",
            "function",
            "parameters",
            "parameter",
            "receiver",
            "type",
            "one_type",
            "if_",
            "while_",
        ),
        *("for_", "names", "try_", "handler", "conditional", "or_", "and_", "negated", "comparison", "sum", "product"),
        *("signed", "power", "attribute", "call", "subscript", "slice", "name", "number", "string", "formatted"),
        *("constant", "group", "tuple", "list_", "dict_", "set_", "pair", "arguments", "keyword", "lambda_"),
    )
)
_PURE = frozenset(
    (
        *("abs", "all", "any", "bool", "dict", "enumerate", "float", "int", "isinstance", "len", "list", "max", "min"),
        *("range", "reversed", "round", "set", "sorted", "str", "sum", "tuple", "type", "zip"),
    )
)
_METHODS = frozenset(  # of built-in values
    (
        *("add", "append", "capitalize", "copy", "count", "difference", "endswith", "extend", "find", "get", "index"),
        *("insert", "intersection", "isalnum", "isalpha", "isdigit", "islower", "isspace", "isupper", "items", "join"),
        *(
            "keys",
            "lower",
            "lstrip",
            "partition",
            "pop",
            "remove",
            "replace",
            "reverse",
            "rfind",
            "rpartition",
            "rsplit",
        ),
        *("rstrip", "setdefault", "sort", "split", "splitlines", "startswith", "strip", "title", "union", "update"),
        *("upper", "values", "zfill"),
    )
)
_MOST_DIGITS = 18
_MOST_POWER = 64
_FIELD = re.compile(r"\{([^{}]*)\}")


@dataclass(frozen=True, slots=True)
class _Reach:
    """What a function reaches outside itself."""

    names: frozenset[str]
    attributes: frozenset[str]
    scoped: frozenset[tuple[str, ...]]


def check_capabilities(tree: Node, original: Node, module: Node) -> Iterator[Violation]:
    """Yield what a generated text is made of or reaches and may not.

    Args:
        tree: The tree of the text.
        original: The function that it is to take the place of.
        module: The source around that, whose names are nobody else's: what Dana calls sees the locals of its caller.
    """
    allowed = _reach(original)
    theirs = set(_names_of(module)) - set(_bound(original))
    helpers = {str(token(node, "NAME")) for node in trees(tree) if node.data == "function"}
    for part in trees(tree):
        bound = helpers | set(_bound(part))
        for name in sorted(theirs & set(_bound(part))):
            yield _violation(part, "shadow", f"{name} is a name of the source; give the function's own another one")
        for node in (*walk(part), *_inside_texts(part)):
            yield from _check(node, allowed, bound)


def _check(node: Node, allowed: _Reach, bound: set[str]) -> Iterator[Violation]:
    kind = str(node.data)
    if kind in _CHECKS:
        yield from _CHECKS[kind](node, allowed, bound)
    elif kind not in _NODES:
        yield _violation(node, "node", f"{kind.strip('_').replace('_', ' ')}: this may not be written here")
    yield from _check_size(node)


def _check_name(node: Node, allowed: _Reach, bound: set[str]) -> Iterator[Violation]:
    if str(node.children[0]) not in bound | allowed.names | _PURE:
        yield _violation(node, "name", "a name that the original does not use is read; use its own and pure built-ins")


def _check_attribute(node: Node, allowed: _Reach, bound: set[str]) -> Iterator[Violation]:
    """Yield an attribute that the original does not use, unless it is a method of a value of the function's own."""
    name, root = str(node.children[-1]), _root(node)
    own = _METHODS if not root or root in bound | _PURE else frozenset[str]()
    if name.startswith("_") or name not in allowed.attributes | own:
        message = "an attribute that the original does not use is read; use its own and those of built-in values"
        yield _violation(node, "attribute", message)


def _check_scoped(node: Node, allowed: _Reach, _: set[str]) -> Iterator[Violation]:
    if tuple(map(str, node.children)) not in allowed.scoped:
        yield _violation(node, "scope", "a scope is used that the original does not use")


def _check_assignment(node: Node, _: _Reach, bound: set[str]) -> Iterator[Violation]:
    if _root(next(trees(node))) not in bound:
        message = "what comes from outside is changed; assign to names of the function's own and to what they hold"
        yield _violation(node, "assignment", message)


_CHECKS = {
    "name": _check_name,
    "attribute": _check_attribute,
    "scoped": _check_scoped,
    **dict.fromkeys(("assignment", "annotated", "augmented"), _check_assignment),
}


def _root(target: Node) -> str:
    """Return the name that a target begins with, or nothing."""
    while target.data in ("attribute", "subscript", "call", "group"):
        target = next(trees(target))
    return str(target.children[0]) if target.data == "name" else ""


def _check_size(node: Node) -> Iterator[Violation]:
    """Yield what makes a value out of proportion to its text."""
    if node.data == "number" and sum(map(str.isdigit, str(node.children[0]))) > _MOST_DIGITS:
        yield _violation(node, "literal", f"a number has more than {_MOST_DIGITS} digits")
    if node.data == "power":
        exponent = list(trees(node))[1]
        is_small = exponent.data == "number" and float(str(exponent.children[0])) <= _MOST_POWER
        if not is_small:
            yield _violation(node, "power", f"a power needs an exponent that is written out, of at most {_MOST_POWER}")
    if node.data == "product" and any(part.data in ("string", "formatted", "list_", "tuple") for part in trees(node)):
        yield _violation(node, "repetition", "a text or a list is repeated by multiplying it")


def _inside_texts(tree: Node) -> Iterator[Node]:
    """Yield every tree inside the braces of formatted texts; what cannot be read there is a node that nobody allows."""
    for node in walk(tree):
        if node.data == "formatted":
            literal = str(node.children[0])
            fields = _FIELD.findall(literal)
            if literal.count("{") != len(fields) or literal.count("}") != len(fields):
                yield Node("unreadable text", [], node.meta)
            for field in fields:
                yield from _expression(field, node)


def _expression(field: str, place: Node) -> Iterator[Node]:
    try:
        tree = parse(normalized(f"({field.strip()})"))
    except DanaError:
        yield Node("unreadable text", [], place.meta)
        return
    for node in walk(tree):
        node.meta.line = place.meta.line
        yield node
        if node.data == "formatted":
            yield Node("unreadable text", [], place.meta)


def _bound(tree: Node) -> Iterator[str]:
    """Yield every name that a text binds itself."""
    for node in walk(tree):
        if node.data in ("parameter", "names", "handler", "list_", "set_"):
            yield from (str(word) for word in node.children if isinstance(word, Token) and word.type == "NAME")
        elif node.data in ("assignment", "annotated", "augmented"):
            target = next(trees(node))
            if target.data == "name":
                yield str(target.children[0])


def _names_of(module: Node) -> Iterator[str]:
    """Yield every name that a source binds at its left edge."""
    for node in trees(module):
        if node.data in ("assignment", "annotated", "augmented"):
            yield _root(next(trees(node)))
        elif node.data in ("import_", "from_import"):
            yield from (str(part.children[-1]) for part in trees(node))
            yield from (str(word) for word in node.children if isinstance(word, Token))
        elif (word := token(node, "NAME")) is not None:
            yield str(word)


def _reach(function: Node) -> _Reach:
    found = [*walk(function), *_inside_texts(function)]
    return _Reach(
        names=frozenset(str(node.children[0]) for node in found if node.data == "name"),
        attributes=frozenset(str(node.children[-1]) for node in found if node.data == "attribute"),
        scoped=frozenset(tuple(map(str, node.children)) for node in found if node.data == "scoped"),
    )


def _violation(node: Node, rule: str, message: str) -> Violation:
    return Violation("security", rule, node.meta.line, message)
