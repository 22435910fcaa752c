"""Why a Dana source cannot be transpiled."""

from __future__ import annotations

from typing import Literal

from lark import Token, Tree

from poet_import.errors import TranspileError

Rule = Literal["syntax", "reserved-name", "misplaced-function", "options"]


class DanaError(TranspileError):
    """A Dana source cannot be transpiled.

    Attributes:
        rule: The kind of thing that is wrong with it.
    """

    def __init__(self, message: str, rule: Rule, *, line: int | None, column: int | None) -> None:
        super().__init__(message, line=line, column=column)
        self.rule = rule


def refused(place: Tree[Token] | Token, message: str, rule: Rule) -> DanaError:
    """Return an error about a part of a source."""
    where = place if isinstance(place, Token) else place.meta
    return DanaError(message, rule, line=where.line, column=where.column)
