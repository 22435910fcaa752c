"""Read Dana source into a tree with positions, or say where it is wrong and what was expected there."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from functools import cache
from importlib.resources import files

from lark import Lark, Token, Tree
from lark.exceptions import UnexpectedCharacters, UnexpectedInput, UnexpectedToken
from lark.lark import PostLex

from poet_import.dana.refusals import DanaError, refused

Node = Tree[Token]

_VALUES = frozenset(
    (
        *(
            "NUMBER",
            "STRING",
            "LONG_STRING",
            "RAW_STRING",
            "FORMATTED",
            "TRUE",
            "FALSE",
            "NONE",
            "NAME",
            "SCOPE",
            "PIPED",
        ),
        *("LAMBDA", "NOT", "PLUS", "MINUS", "LPAR", "LSQB", "LBRACE"),
    )
)
_WORDS = {
    "NAME": "a name",
    "NUMBER": "a number",
    "STRING": "a string",
    "LONG_STRING": "a text in three quotes",
    "_NL": "the end of the line",
    "INDENT": "an indented block",
    "DEDENT": "the end of the block",
    "$END": "the end of the source",
    "NONE_TYPE": "'None'",
    "SCOPE": "a scope",
}
_MERGED = frozenset(("RPAR", "RSQB", "RBRACE", "COMMA", "COLON", "EQUAL", "ELSE"))
_OPENING = frozenset(("LPAR", "LSQB", "LBRACE"))
_CLOSING = frozenset(("RPAR", "RSQB", "RBRACE"))
_TAB = 8  # columns, as Dana counts them


class _Indenter(PostLex):
    """Puts an INDENT and a DEDENT around each block; each lies at the end of the line before it.

    Unlike Lark's own it keeps nothing between calls, so threads may share it, and it says where a line is uneven.
    """

    always_accept = ("_NL",)

    def process(self, stream: Iterator[Token]) -> Iterator[Token]:
        """Yield the tokens with those of the layout; ends of lines inside brackets are left out."""
        brackets, levels = 0, [0]
        token = Token("_NL", "", 0, 1, 1, 1, 1, 0)
        for token in stream:
            if token.type == "_NL":
                if not brackets:
                    yield token
                    yield from _turns(token, levels)
                continue
            yield token
            brackets += (token.type in _OPENING) - (token.type in _CLOSING)
        for _ in levels[1:]:
            yield Token.new_borrow_pos("DEDENT", "", token)


def _turns(line_end: Token, levels: list[int]) -> Iterator[Token]:
    """Yield what begins or ends with the line after a line's end, and note its indentation.

    Raises:
        DanaError: That is the indentation of no block around it.
    """
    blanks = line_end.rpartition("\n")[2]
    indentation = len(blanks) + (_TAB - 1) * blanks.count("\t")
    if indentation > levels[-1]:
        levels.append(indentation)
        yield Token.new_borrow_pos("INDENT", blanks, line_end)
    while indentation < levels[-1]:
        levels.pop()
        yield Token.new_borrow_pos("DEDENT", "", line_end)
    if indentation != levels[-1]:
        message = "this line's indentation is that of no block around it"
        raise DanaError(message, "syntax", line=line_end.end_line, column=line_end.end_column)


@cache
def _parser() -> Lark:
    grammar = (files("poet_import.dana") / "dana.lark").read_text(encoding="utf-8")
    return Lark(grammar, parser="lalr", postlex=_Indenter(), propagate_positions=True, maybe_placeholders=False)


def normalized(source: str) -> str:
    """Return a source as it is parsed: without a byte order mark, with Unix line ends, one after its last line."""
    text = source.removeprefix("\ufeff").replace("\r\n", "\n")
    return text if text.endswith("\n") or not text.strip(" \t") else f"{text}\n"


def parse(text: str) -> Node:
    """Return the tree of a normalized source.

    Raises:
        DanaError: It is no Dana; with line, column, and what was expected.
    """
    try:
        tree = _parser().parse(text)
    except UnexpectedInput as error:
        raise _refusal(error, text) from error
    _check(tree)
    return tree


def walk(node: Node) -> Iterator[Node]:
    """Yield a tree and all inside it, each before what is inside it, in the order of the source."""
    waiting = [node]
    while waiting:
        tree = waiting.pop()
        yield tree
        waiting += reversed(list(trees(tree)))


def trees(node: Node) -> Iterator[Node]:
    """Yield the trees directly inside another."""
    return (child for child in node.children if isinstance(child, Tree))


def token(node: Node, kind: str) -> Token | None:
    """Return the first token of a kind directly inside a tree."""
    return next((child for child in node.children if isinstance(child, Token) and child.type == kind), None)


def child(node: Node, name: str) -> Node | None:
    """Return the first tree of a name directly inside another."""
    return next((tree for tree in trees(node) if tree.data == name), None)


def _check(tree: Node) -> None:
    """Refuse what the grammar lets pass.

    Raises:
        DanaError: A target that takes no value, or a formatted string with a brace that is never closed.
    """
    for node in tree.iter_subtrees():
        if node.data in ("assignment", "annotated", "augmented") and not _takes_value(next(trees(node))):
            raise refused(node, "nothing can be assigned to this: expected a name, an attribute or an item", "syntax")
        if node.data == "formatted" and not _is_balanced(str(node.children[0])):
            raise refused(node, "a brace of this string is never closed: expected '}'", "syntax")


def _takes_value(target: Node) -> bool:
    """Tell whether a target is a name, or an attribute or item of something that begins with one.

    In brackets of its own it may begin with anything.
    """
    bracketed = target.data == "group"
    while target.data == "group":
        target = next(trees(target))
    if bracketed or target.data not in ("attribute", "subscript"):
        return target.data in ("name", "scoped", "attribute", "subscript")
    while target.data in ("attribute", "subscript", "call"):
        target = next(trees(target))
    return target.data in ("name", "scoped")


def _is_balanced(literal: str) -> bool:
    """Tell whether every brace that opens in a formatted string is closed; one that only closes is text.

    A backslash before a brace makes it text, whatever stands before that.
    """
    depth, before = 0, ""
    for character in literal:
        if before != "\\":
            depth += {"{": 1, "}": -1 if depth else 0}.get(character, 0)
        before = character
    return depth == 0


def _refusal(error: UnexpectedInput, text: str) -> DanaError:
    line, column = error.line, error.column
    if isinstance(error, UnexpectedCharacters):
        found = f"unexpected character {error.char!r}"
        names = set(error.allowed) - _MERGED  # what may come later in the line is in it too
        return DanaError(f"{found}: expected {_told(names)}", "syntax", line=line, column=column)
    assert isinstance(error, UnexpectedToken)  # the parser raises no other kind
    if error.token.type in ("$END", "DEDENT"):
        line, column = _end(text, error.token)
    is_layout = error.token.type in ("_NL", "INDENT", "DEDENT", "$END")
    found = _WORDS[error.token.type] if is_layout else repr(str(error.token))
    message = f"unexpected {found}: expected {_told(error.accepts or error.expected)}"
    return DanaError(message, "syntax", line=line, column=column)


def _end(text: str, token: Token) -> tuple[int, int]:
    """Return where a source or a block ends: its token may have no place of its own."""
    if token.type == "$END":
        lines = text.split("\n")
        return max(1, len(lines) - 1), len(lines[-2] if len(lines) > 1 else text) + 1
    assert token.line is not None  # a block's end has the place of the line end before it
    assert token.column is not None  # as above
    return token.line, token.column


def _told(expected: Iterable[str]) -> str:
    """Return what was expected, in a person's words: kinds of things rather than their every form."""
    names = set(expected) - {"COMMENT"}
    told: list[str] = []
    if names >= {"DEF", "WHILE"}:
        return "a statement"
    if "NUMBER" in names:
        told.append("a value")
        names -= _VALUES
    elif "_COMPARES" in names:
        told.append("an operator")
        names &= _MERGED | {"_NL"}
    told += sorted(_WORDS.get(name) or _literal(name) for name in names)
    return " or ".join(told)


def _literal(name: str) -> str:
    return repr(_parser().get_terminal(name).pattern.value)
