"""Recipes of inputs: texts of JSON that make the same arguments in every child.

``["call", n]`` is a recorded call, ``["seed", n]`` a drawn input, ``["changed", recipe, salt]`` one near to another,
``["swapped", recipe, salt, old, new]`` one in which a number or a text stands for another, and ``["shifted", recipe,
salt, step]`` one in which a number or a day is moved.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from copy import deepcopy
from decimal import Decimal
from fractions import Fraction
from typing import Any, Final

from poet_import.validation.trials.draw import Draw, Spec
from poet_import.validation.trials.mutations import Mutation, swapped

Recipe = Sequence[Any]  # Any: JSON, as above
Arguments = tuple[list[Any], dict[str, Any]]
_EVALUATED: Final = {
    "datetime": dt,
    "Decimal": Decimal,
    "Fraction": Fraction,
    "inf": float("inf"),
    "nan": float("nan"),
    **{name: getattr(dt, name) for name in ("date", "time", "timedelta", "timezone")},
}


class Inputs:
    """Makes arguments of recipes."""

    def __init__(self, calls: Sequence[str], parameters: Sequence[Sequence[Any]], draw: Draw) -> None:
        """Take what inputs are made of.

        Args:
            calls: Recorded arguments, as texts: of a dict by parameter, or of a tuple by position.
            parameters: Of each its name, kind, specification, and whether it may be left out.
            draw: Draws them.
        """
        self._calls = calls
        self._parameters = parameters
        self._draw = draw
        self._mutation = Mutation(draw)

    def made(self, recipe: Recipe) -> Arguments:
        """Return the positional and the named arguments of a recipe."""
        if recipe[0] == "call":
            return self._recorded(recipe[1])
        if recipe[0] == "seed":
            return self._seeded(recipe[1])
        values, named = self.made(recipe[1])
        if recipe[0] == "swapped":
            return self._swapped(values, named, recipe)
        self._draw.begin(f"changed {recipe[2]}")
        self._mutation.step = recipe[3] if recipe[0] == "shifted" else 0
        changed = self._changed(values, named)
        self._mutation.step = 0
        return changed

    def _recorded(self, number: int) -> Arguments:
        given = eval(self._calls[number], dict(_EVALUATED))  # noqa: S307  # a literal, in the jail
        return self._by_name(given, number) if isinstance(given, dict) else (list(given), {})

    def _by_name(self, given: Mapping[str, Any], number: int) -> Arguments:
        """Return arguments that were recorded by parameter; what never is, as the object of a method, is drawn."""
        self._draw.begin(f"recorded {number}")
        values: list[Any] = []
        named: dict[str, Any] = {}
        skipped = False
        for name, kind, spec, optional in self._parameters:
            if kind == "rest":
                values += given.get(name, ())
            elif kind == "named rest":
                named.update(given.get(name, {}))
            elif name not in given and optional:
                skipped = True
            else:
                value = given[name] if name in given else self._draw.value(spec)
                if kind == "named" or skipped:
                    named[name] = value
                else:
                    values.append(value)
        return values, named

    def _seeded(self, number: int) -> Arguments:
        self._draw.begin(f"input {number}")
        if self._calls and self._draw.random.random() < 0.25:
            return self._changed(*self._recorded(self._draw.random.randrange(len(self._calls))))
        return self._drawn()

    def _drawn(self) -> Arguments:
        values: list[Any] = []
        named: dict[str, Any] = {}
        skipped = False
        for name, kind, spec, optional in self._parameters:
            if kind == "rest":
                values += [] if skipped else [self._draw.value(spec) for _ in range(self._draw.random.randrange(4))]
            elif kind == "named rest":
                named.update({key: self._draw.value(spec) for key in ("a", "b") if self._draw.random.random() < 0.4})
            elif optional and self._draw.random.random() < 0.35:
                skipped = True
            elif kind == "named" or (skipped and kind == "either"):
                named[name] = self._draw.value(spec)
            elif not skipped:
                values.append(self._draw.value(spec))
        return values, named

    def _places(self, values: Sequence[Any], named: Mapping[str, Any]) -> list[tuple[int | str, Spec]]:
        """Return where the arguments stand that have a specification, and that."""
        first = [row[2] for row in self._parameters if row[1] in ("first", "either")]
        rest = [row[2] for row in self._parameters if row[1] == "rest"] * max(0, len(values) - len(first))
        by_name = {row[0]: row[2] for row in self._parameters}
        numbered = enumerate([*first, *rest][: len(values)])
        return [*numbered, *((name, by_name[name]) for name in named if name in by_name)]

    def _changed(self, values: list[Any], named: dict[str, Any]) -> Arguments:
        places = self._places(values, named)
        random = self._draw.random
        for _ in range(random.choice((1, 1, 1, 2, 3)) if places else 0):
            (place, spec), (other, same) = random.choice(places), random.choice(places)
            held: Any = values if isinstance(place, int) else named
            source: Any = values if isinstance(other, int) else named
            if spec == same and place != other and not self._mutation.step and random.random() < 0.5:
                held[place] = deepcopy(source[other])
            if random.random() < 0.9:
                held[place] = self._mutation.changed(spec, held[place])
        return values, named

    def _swapped(self, values: list[Any], named: dict[str, Any], recipe: Recipe) -> Arguments:
        _, _, which, old, new = recipe
        for place, spec in self._places(values, named):
            held: Any = values if isinstance(place, int) else named
            held[place] = swapped(spec, held[place], old, new, which=which)
        return values, named


def root_of(recipe: Recipe) -> int:
    """Return the number that the answers of doubles are drawn by."""
    while isinstance(recipe[1], list):
        if recipe[0] == "changed" and recipe[2] % 5 == 0:
            return int(recipe[2])
        recipe = recipe[1]
    return int(recipe[1])
