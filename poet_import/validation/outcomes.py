"""Comparing what O and O′ did on the same inputs."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import Any, Final

from poet_import.validation.jail import Finished

_LEAST_INPUTS: Final = 40  # fewer tell too little, however long each takes
_LEAST_TELLING: Final = 12  # of them that are no refusal of a type
_OF_WRONG_TYPES: Final = ("raises TypeError", "raises AttributeError")
_OPAQUE: Final = "<opaque>"
_PARTS: Final = (
    ("value", "the result differs"),
    ("mutation", "the arguments differ after the call"),
    ("calls", "the calls differ"),
)


@dataclass(frozen=True, slots=True)
class Compared:
    """What came of a comparison."""

    inputs: int  # on which both were tried
    difference: tuple[int, str, str] | None = None  # the number of the input, the rule, and what was found
    untried: str = ""  # why the inputs tell nothing


def compare(theirs: Finished, mine: Finished, *, guessed: bool, seconds: float) -> Compared:
    """Compare the original's outcomes with the candidate's.

    Args:
        theirs: The original's child.
        mine: The candidate's child.
        guessed: Whether inputs may be of types that the original was not made for: then one kind of refusal of them is
            as good as another.
        seconds: How long a child goes on: one that stops earlier has been made to.
    """
    expected, outcomes = _outcomes(theirs), _outcomes(mine)
    pairs = list(zip(expected, outcomes, strict=False))
    for number, (left, right) in enumerate(pairs):
        if left != right and (found := _difference(left, right, guessed=guessed)) is not None:
            return Compared(number + 1, (number, *found))
    if len(outcomes) < len(expected) and (mine.end != "finished" or mine.seconds < seconds):
        return Compared(len(pairs), (len(pairs), "ends", _end(mine)))
    return Compared(len(pairs), untried=_untried(theirs, [left for left, _ in pairs]))


def worse_outcome(theirs: Finished, mine: Finished, *, may_differ: bool) -> tuple[int, str] | None:
    """Return the first input on which the candidate is worse than what it is to replace, and in which way.

    With ``may_differ`` another result is as good, but none where the other one gives a result is not.
    """
    candidate = _outcomes(mine)
    for number, left in enumerate(_outcomes(theirs)):
        if number >= len(candidate):
            return number, _end(mine)
        right = candidate[number]
        is_lost = right[1][0].startswith("raises ") and not left[1][0].startswith("raises ")
        found = None if may_differ and not is_lost else _difference(left, right, guessed=False)
        if found is not None:
            return number, found[1]
    return None


def _outcomes(finished: Finished) -> list[list[Any]]:
    """Return the outcomes that a child answered; what is none, as only forged ones are, equals none of the other's."""
    answers = [answer for answer in finished.answers if isinstance(answer, list)]
    return [answer if is_outcome(answer) else ["", ["no outcome", "", ""], []] for answer in answers]


def is_outcome(answer: list[Any]) -> bool:
    """Tell whether an answer is as the driver gives it."""
    match answer:
        case [_, [str(), str(), str()], _]:
            return True
    return False


def _difference(left: list[Any], right: list[Any], *, guessed: bool) -> tuple[str, str] | None:
    """Return the rule and the words for the first part in which two outcomes differ."""
    theirs, mine = left[1], right[1]
    if guessed and theirs[0] in _OF_WRONG_TYPES and mine[0].startswith("raises "):
        return None
    if theirs[0] != mine[0] and "raises " in theirs[0] + mine[0]:
        return "exception", f"it {_ended(mine[0])} where the original {_ended(theirs[0])}"
    for (rule, words), expected, found in zip(_PARTS, theirs, mine, strict=True):
        if expected != found:
            return rule, f"{words}: {_clipped(found, expected)} instead of {_clipped(expected, found)}"
    if left[2] != right[2]:
        return "state", "a second call with the same arguments differs: something is kept between calls, or shared"
    return None


def _ended(text: str) -> str:
    return text if text.startswith("raises ") else f"returns {text[:80]}"


def _clipped(text: str, other: str) -> str:
    """Return the part of a text where it begins to differ from the other."""
    same = next((place for place, (one, two) in enumerate(zip(text, other, strict=False)) if one != two), 0)
    begin = max(0, same - 30)
    return f"{'…' if begin else ''}{text[begin : begin + 80]}{'…' if len(text) > begin + 80 else ''}" or "nothing"


def _end(finished: Finished) -> str:
    reasons = {
        "time": "it does not end",
        "output": "its results have no end",
        "killed": f"it is killed ({finished.detail})",
    }
    return f"{reasons.get(finished.end, f'it stops the process ({finished.detail})')} where the original returns"


def _untried(theirs: Finished, outcomes: list[list[Any]]) -> str:
    if len(outcomes) < _LEAST_INPUTS:
        words = f"{theirs.detail or theirs.end}" if theirs.end != "finished" else "it takes too long"
        return f"only {len(outcomes)} inputs were tried ({words})"
    ends = Counter(outcome[1][0] for outcome in outcomes)
    telling = sum(count for end, count in ends.items() if end not in (*_OF_WRONG_TYPES, "raises NameError"))
    if telling < _LEAST_TELLING:
        return f"the original {ends.most_common(1)[0][0]} on nearly every input that could be thought of"
    returned = [end for end in ends if not end.startswith("raises ")]
    if returned and all(_OPAQUE in end for end in returned):
        return "what the original returns can only be called, not compared"
    return ""
