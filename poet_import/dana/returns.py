"""What the statements of a body tell of its results: each ``return``, and whether its end can be reached."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from lark import Token

from poet_import.dana.parsing import Node, trees, walk

_FUNCTIONS = ("function", "declared", "lambda_")


@dataclass(frozen=True, slots=True, eq=False)
class Return:
    """One ``return`` of a body."""

    node: Node
    value: Node | None
    is_guarded: bool  # something around it may swallow an error that is raised beside it
    is_last: bool  # what follows it is the end of the body


def returns(block: Node) -> Iterator[Return]:
    """Yield every ``return`` of a body, those of functions inside left out."""
    last = {id(node) for node in _last(block)}
    waiting = [(tree, False) for tree in trees(block)]
    while waiting:
        node, guarded = waiting.pop()
        if node.data == "return_":
            yield Return(node, next(trees(node), None), guarded, id(node) in last)
        elif node.data not in _FUNCTIONS:
            inside = guarded or node.data in ("try_", "with_")
            waiting += [(tree, inside) for tree in trees(node)]


def _last(block: Node) -> Iterator[Node]:
    """Yield the statements that a body may end with, those in the branches of a last ``if`` among them."""
    for last in list(trees(block))[-1:]:
        yield last
        for tree in trees(last) if last.data == "if_" else ():
            yield from _last(tree) if tree.data == "block" else ()


def falls_off(block: Node) -> bool:
    """Tell whether the end of a body may be reached: then its result is that of its last statement."""
    statements = list(trees(block))
    if not statements:
        return True
    last = statements[-1]
    if last.data in ("return_", "raise_"):
        return False
    if last.data == "if_":
        blocks = [tree for tree in trees(last) if tree.data == "block"]
        has_else = len(blocks) > len([tree for tree in trees(last) if tree.data != "block"])
        return not has_else or any(falls_off(one) for one in blocks)
    return True


def inner_functions(block: Node) -> Iterator[Token]:
    """Yield the names of functions that are defined inside a body, where Dana drops them."""
    for node in walk(block):
        if node.data in ("function", "declared"):
            yield next(word for word in node.children if isinstance(word, Token) and word.type == "NAME")


def local_targets(block: Node) -> Iterator[Node]:
    """Yield what is assigned to as ``local:x`` inside a body, from where Dana moves it to the end of the program."""
    for node in walk(block):
        if node.data in ("assignment", "annotated", "augmented"):
            target = next(trees(node))
            if target.data == "scoped" and target.children[0] == "local":
                yield target
