"""The values of literals in Dana source; nothing is evaluated."""

from __future__ import annotations

from lark import Tree

from poet_import.dana.parsing import Node, trees

_CONSTANTS = {"true": True, "false": False, "none": None, "null": None}


class NotLiteralError(ValueError):
    """An expression's value is known to the running program only."""


def literal(node: Node) -> object:
    """Return the value of a number, a text or a constant.

    Raises:
        NotLiteralError: It is none of these.
    """
    if node.data == "signed" and (number := next(trees(node))).data == "number":
        value = literal(number)
        assert isinstance(value, int | float)  # as it is a number
        return -value if node.children[0] == "-" else value
    word = str(node.children[0]) if node.children and not isinstance(node.children[0], Tree) else ""
    if node.data == "number":
        return int(word) if word.isdigit() else float(word)
    if node.data == "constant":
        return _CONSTANTS[word.lower()]
    if node.data == "string":
        return _inside(word)
    raise NotLiteralError("must be written as a number, a text, True, False or None")


def exception_names(node: Node) -> tuple[str, ...]:
    """Return the names of exceptions in an expression: one name, or several in brackets; none for ``None``.

    Raises:
        NotLiteralError: It is something else.
    """
    if node.data == "constant" and literal(node) is None:
        return ()
    names = list(trees(node)) if node.data in ("group", "tuple", "list_") else [node]
    if not names or any(name.data != "name" for name in names):
        raise NotLiteralError("takes the name of an exception, or several in brackets")
    return tuple(str(name.children[0]) for name in names)


def _inside(word: str) -> str:
    """Return the text of a string literal: Dana leaves its backslashes as they are."""
    body = word.lstrip("rR")
    quotes = 3 if body[:3] in ('"""', "'''") else 1
    return body[quotes:-quotes]
