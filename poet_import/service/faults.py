"""What is wrong with a request, in the form that callers read."""

from __future__ import annotations

import re
from dataclasses import dataclass

_QUOTED = re.compile(r"'([^']{4,}|[^']*[^\x20-\x7e][^']*)'")


@dataclass(frozen=True, slots=True)
class Fault:
    """One entry of ``errors`` in a problem document; never with anything of the input in it."""

    rule: str
    detail: str
    pointer: str = ""  # RFC 6901, into the body
    line: int | None = None  # from 1, in the text that the pointer names
    column: int | None = None  # from 1

    def as_json(self) -> dict[str, object]:
        """Return it with what does not apply left out."""
        found: dict[str, object] = {
            "pointer": self.pointer,
            "line": self.line,
            "column": self.column,
            "rule": self.rule,
        }
        return {name: value for name, value in found.items() if value not in (None, "")} | {"detail": self.detail}


def without_input(message: str) -> str:
    """Return what Python's parser says with the names that it quotes left out: they are the caller's."""
    return _QUOTED.sub("'…'", message)
