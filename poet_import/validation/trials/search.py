"""Choosing the inputs of a trial: what the scout found, what was recorded, and what is drawn."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from poet_import.validation import jail

Recipe = list[Any]  # Any: JSON; see `poet_import.validation.trials.recipes`
_SCOUT: Final = "poet_import.validation.trials.scout"
_SECONDS: Final = 0.45
_LIMITS: Final = jail.Limits(seconds=2.6)
_MOST_KEPT: Final = 300
_DEEPEST: Final = 20
_LONGEST: Final = 60
_TURN_OF_THE_CANDIDATE: Final = 1


@dataclass(frozen=True, slots=True)
class Chosen:
    """Recipes of inputs, in the order in which they are worth trying."""

    found: list[Recipe]  # those that seem to tell O and O′ apart
    others: list[Recipe]


@dataclass
class _Report:
    """What the scout answered."""

    kept: list[Recipe] = field(default_factory=list)  # lead somewhere new
    slow: list[Recipe] = field(default_factory=list)  # O itself does not end on them in time
    found: list[Recipe] = field(default_factory=list)  # O and O′ seem to differ
    tried: list[tuple[Recipe, int]] = field(default_factory=list)  # all that it ran, the last of which it may not have
    is_worn_out: bool = False  # it saw all of their ways


def plain(payload: Mapping[str, Any], count: int) -> list[Recipe]:
    """Return recipes of what was recorded, then of drawn inputs."""
    return [["call", number] for number in range(len(payload["calls"]))] + [["seed", n] for n in range(count)]


def choose(server: jail.ForkServer, payload: Mapping[str, Any], count: int, *, least: int) -> Chosen:
    """Return recipes of inputs on which O itself ends in time.

    Args:
        server: With the scout loaded.
        payload: As the scout takes it, but for what it skips.
        count: How many inputs are drawn.
        least: How many are, where the scout saw all ways of both.
    """
    skipped: list[Recipe] = []
    for _ in range(3):
        job = (_SCOUT, {**payload, "scout_seconds": _SECONDS, "skipped": skipped})
        (finished,) = server.run([job], _LIMITS)
        report = _read(finished)
        if finished.end == "finished" or not report.tried:
            break
        recipe, turn = report.tried[-1]
        if turn == _TURN_OF_THE_CANDIDATE:  # it was the candidate that did not end
            report.found.append(recipe)
            break
        skipped.append(recipe)
    known = {json.dumps(recipe): recipe for recipe in plain(payload, least if report.is_worn_out else count)}
    kept = report.kept[:_MOST_KEPT]
    for recipe in [*kept, *report.slow, *skipped]:
        known.pop(json.dumps(recipe), None)
    tried = (known.pop(json.dumps(recipe), None) for recipe, turn in report.tried if turn == _TURN_OF_THE_CANDIDATE)
    ahead = [recipe for recipe in tried if recipe is not None]  # O was seen to end on these
    others = [*kept, *ahead, *known.values()]
    # What was recorded is certain to be asked of it, so no lack of time leaves that out.
    return Chosen(report.found, sorted(others, key=lambda recipe: recipe[0] != "call"))


def _read(finished: jail.Finished) -> _Report:
    report = _Report()
    for answer in finished.answers:
        match answer:
            case ["kept", list(recipe)] if _is_recipe(recipe):
                report.kept.append(recipe)
            case ["slow", list(recipe)] if _is_recipe(recipe):
                report.slow.append(recipe)
            case ["found", list(recipe)] if _is_recipe(recipe):
                report.found.append(recipe)
            case ["worn out"]:
                report.is_worn_out = True
            case ["at", list(recipe), int(turn)] if _is_recipe(recipe):
                report.tried.append((recipe, turn))
    return report


def _is_recipe(value: object, depth: int = 0) -> bool:
    """Tell whether a child's answer is a recipe: numbers and short texts, and no more of them than one needs."""
    match value:
        case ["call" | "seed", int()]:
            return True
        case ["changed" | "swapped" | "shifted", list(inner), *rest] if depth < _DEEPEST and 1 <= len(rest) <= 3:
            return all(map(_is_plain, rest)) and _is_recipe(inner, depth + 1)
    return False


def _is_plain(value: object) -> bool:
    return isinstance(value, int | float) or (isinstance(value, str) and len(value) <= _LONGEST)
