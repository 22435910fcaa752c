"""What the statements of a body tell of its results: each ``return``, and whether its end can be reached."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from lark import Token

from poet_import.dana.parsing import Node, trees, walk

_FUNCTIONS = ("function", "declared", "lambda_")
_NEVER_NONE = frozenset(
    (
        *("comparison", "negated", "power", "product", "signed", "sum"),
        *("dict_", "formatted", "list_", "number", "set_", "tuple"),
    )
)


@dataclass(frozen=True, slots=True, eq=False)
class Return:
    """One ``return`` of a body, or an expression that stands where one could."""

    node: Node
    value: Node | None
    is_guarded: bool  # something around it may swallow an error that is raised beside it
    is_last: bool  # what follows it is the end of the body


def returns(block: Node) -> Iterator[Return]:
    """Yield every ``return`` of a body, those of functions inside left out, and the expressions it may end with."""
    ends = {id(node): _is_result(node, is_alone=is_alone) for node, is_alone in _ends(block)}
    waiting = [(tree, False) for tree in trees(block)]
    while waiting:
        node, guarded = waiting.pop()
        if node.data == "return_" or ends.get(id(node)):
            yield Return(node, next(trees(node), None), guarded, id(node) in ends)
        elif node.data not in _FUNCTIONS:
            inside = guarded or node.data in ("try_", "with_")
            waiting += [(tree, inside) for tree in trees(node)]


def falls_off(block: Node) -> bool:
    """Tell whether the end of a body may be reached other than by a result: then that of its last statement is one."""
    ends = [_is_result(node, is_alone=is_alone) for node, is_alone in _ends(block) if node.data != "raise_"]
    return not all(ends)


def _ends(block: Node, *, is_alone: bool = True) -> Iterator[tuple[Node, bool]]:
    """Yield each statement that a body may end with, and whether no other one comes before it."""
    statements = list(trees(block))
    is_alone = is_alone and len(statements) == 1
    last = statements[-1] if statements else block
    blocks = [tree for tree in trees(last) if tree.data == "block"] if last.data == "if_" else []
    has_else = len(blocks) > len(list(trees(last))) - len(blocks)
    if not (blocks and has_else):
        yield last, is_alone
    for one in blocks:
        yield from _ends(one, is_alone=is_alone)


def _is_result(node: Node, *, is_alone: bool) -> bool:
    """Tell whether a last statement is a ``return``, or an expression whose value is as surely the body's result.

    Where that may be None, the result is what the statement before it gave; a text may only tell of the function.
    """
    if node.data != "statement":
        return node.data == "return_"
    kind = next(trees(node)).data
    return kind in _NEVER_NONE or (is_alone and kind != "string")


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
