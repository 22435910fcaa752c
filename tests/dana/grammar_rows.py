"""Pieces of Dana that its own parser accepts, and pieces that it refuses, as it said when it was asked."""

from pathlib import Path

CASES = Path(__file__).parent.parent / "cases" / "dana"


def pieces(name: str) -> tuple[str, ...]:
    text = (CASES / name).read_text(encoding="utf-8")
    return tuple(f"{piece}\n" for piece in text.removesuffix("\n").split("\n----\n"))


ACCEPTED = pieces("accepted.txt")
REFUSED = pieces("refused.txt")
