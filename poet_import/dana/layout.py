"""The indentation of a whole source, as of a function that was cut out of a block, and the comments above a place."""

from __future__ import annotations

from lark import Token

from poet_import.dana.parsing import Node, normalized, parse
from poet_import.dana.refusals import DanaError

_TEXTS = ("STRING", "LONG_STRING", "RAW_STRING", "FORMATTED")


def at_the_left_edge(source: str) -> str:
    """Return a source without the indentation that all of it has; lines inside a text stay as they are."""
    code = normalized(source)
    first = next((line for line in code.split("\n") if line.strip()), "")
    margin = first[: len(first) - len(first.lstrip(" \t"))]
    if not margin:
        return code
    inside = _lines_in_texts(f"if true:\n{code}")
    lines = enumerate(code.split("\n"), 2)
    return "\n".join(line if number in inside else line.removeprefix(margin) for number, line in lines)


def _lines_in_texts(code: str) -> set[int]:
    """Return the lines that begin inside a text; none of a source that is no Dana, which is refused anyway."""
    try:
        tree = parse(code)
    except DanaError:
        return set()
    texts = tree.scan_values(lambda value: isinstance(value, Token) and value.type in _TEXTS)
    return {line for text in texts for line in range((text.line or 0) + 1, (text.end_line or 0) + 1)}


class Comments:
    """The comments of a source."""

    def __init__(self, tree: Node, text: str) -> None:
        found = tree.scan_values(lambda value: isinstance(value, Token) and value.type == "COMMENT")
        self._starts = {token.start_pos for token in found}
        self._text = text

    def above(self, place: int) -> int:
        """Return where those on the lines directly above a place, as far in, begin: the place where there are none."""
        line = self._text.rfind("\n", 0, place) + 1
        margin = self._text[line:place]
        while line:
            line = self._text.rfind("\n", 0, line - 1) + 1
            first = line + len(margin)
            if first not in self._starts or self._text[line:first] != margin:
                break
            place = first
        return place
