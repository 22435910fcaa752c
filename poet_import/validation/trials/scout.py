"""What the scout's child does: it looks for inputs on which O or O′ go where they have not been yet.

It runs both, instrumented, on drawn inputs, keeps those that lead somewhere new, and changes these. What it answers are
recipes: the children that are judged by run them again. So nothing that O′ does to the scout can make it accepted.
"""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from itertools import pairwise
from random import Random
from typing import Any, Final

from poet_import.validation.trials.doubles import Double
from poet_import.validation.trials.driver import ENDLESS, Tried
from poet_import.validation.trials.recipes import Recipe

_MOST_STEPS: Final = 40_000
_DEEPEST: Final = 14
_MOST_FOUND: Final = 3
_MOST_PAIRS: Final = 60
_LONGEST: Final = 40
_MOST_WAYS: Final = 150
_MOST_TESTS: Final = 30  # at one place, of one run: a loop's further rounds tell little
# Inputs, so that the verdict of a slow machine is that of a fast one: the time is doubled for many, and more for few.
_MANY: Final = 1000
_FEWEST: Final = 300
_PATIENCE: Final = 120  # inputs that take no new route, once every test has gone both ways


def main(payload: Mapping[str, Any], emit: Callable[[object], None]) -> None:
    """Look for inputs.

    Args:
        payload: What the driver takes, ``guessed``, ``scouted`` (the instrumented texts of O and O′ and what stands outside of each),
            ``scout_seconds``, and ``skipped`` recipes.
        emit: Takes what is known of an input: ``["at", recipe, whose turn it is]``, ``["kept", recipe]``,
            ``["slow", recipe]`` or ``["found", recipe]``; and ``["worn out"]`` when nothing new is to be expected.
    """
    _Scout(payload, emit).look()


class TooLongError(BaseException):
    """More steps than an input may take."""


class Tracer:
    """Notes where instrumented code goes."""

    def __init__(self) -> None:
        self.most_steps = _MOST_STEPS
        self.begin()

    def begin(self) -> None:
        """Begin a run."""
        self.steps = 0
        self.features: set[tuple[object, ...]] = set()
        self.pairs: dict[tuple[Any, Any], int] = {}  # of texts or numbers, and where they were compared
        self._sides: dict[int, list[Any]] = {}
        self._tests: Counter[int] = Counter()

    def step(self) -> bool:
        self.steps += 1
        if self.steps > self.most_steps:
            raise TooLongError
        return True

    def side(self, place: int, number: int, value: Any) -> Any:
        if number == 0:
            self._sides[place] = [value]
        elif place in self._sides:
            self._sides[place].append(value)
        return value

    def test(self, place: int, value: Any) -> Any:
        self._tests[place] += 1
        if self._tests[place] > _MOST_TESTS:
            return value
        sides = self._sides.pop(place, [])
        if not isinstance(value, Double):
            self.features.add((place, _truth(value)))
        for number, (left, right) in enumerate(pairwise(sides)):
            self.features.add((place, number, _distance(left, right)))
            if len(self.pairs) < _MOST_PAIRS:
                self.pairs.update(dict.fromkeys(_pairs(left, right), place))
        return value


def _truth(value: Any) -> object:
    if value is None or isinstance(value, bool | int | float | str | list | dict | tuple | set):
        return bool(value)
    return type(value).__name__


def _pairs(left: Any, right: Any) -> Iterator[tuple[Any, Any]]:
    """Yield what would have to be the same for two values to meet."""
    if _is_shown(left) and _is_shown(right):
        yield left, right
    elif isinstance(left, list | tuple) and isinstance(right, list | tuple):
        yield from ((a, b) for a, b in zip(left[:5], right[:5], strict=False) if _is_shown(a) and _is_shown(b))
    elif _is_shown(left) and isinstance(right, list | tuple | set | frozenset | dict):
        yield from ((left, item) for item in list(right)[:4] if _is_shown(item))


def _is_shown(value: Any) -> bool:
    return type(value) in (int, float) or (type(value) is str and len(value) <= _LONGEST)


def _distance(left: Any, right: Any) -> object:
    """Return how near two values are: what was nearer than ever is worth going on with."""
    if type(left) in (int, float) and type(right) in (int, float):
        apart = left - right
        return (apart > 0, min(int(abs(apart)).bit_length(), 12)) if abs(apart) < 1e15 else apart > 0
    if isinstance(left, str) and isinstance(right, str):
        same = next(
            (n for n, (a, b) in enumerate(zip(left, right, strict=False)) if a != b), min(len(left), len(right))
        )
        return left == right, left < right, min(same, 4), min(abs(len(left) - len(right)), 3)
    if isinstance(left, list | tuple) and isinstance(right, list | tuple):
        same = next((n for n, (a, b) in enumerate(zip(left, right, strict=False)) if a is not b and a != b), 9)
        return min(same, 4), max(-3, min(len(left) - len(right), 3))
    if isinstance(right, str | list | tuple | set | dict | frozenset):
        return type(left).__name__, min(len(right), 3)
    return type(left).__name__, type(right).__name__


class _Scout:
    def __init__(self, payload: Mapping[str, Any], emit: Callable[[object], None]) -> None:
        self._payload = payload
        self._emit = emit
        self._tracer = Tracer()
        names = {"poet_step_": self._tracer.step, "poet_side_": self._tracer.side, "poet_test_": self._tracer.test}
        self._tried = [Tried({**payload, **part}, names) for part in payload["scouted"]]
        self._random = Random(0)  # noqa: S311  # inputs, not secrets
        self._known: set[tuple[object, ...]] = set()
        self._ways: Counter[object] = Counter()  # how often each was gone
        self._routes: set[frozenset[object]] = set()  # ways, whatever came of them
        self._queue: list[tuple[Recipe, dict[tuple[Any, Any], int], object]] = []
        self._met: set[int] = set()  # where both sides of a comparison were the same
        self._compared: set[int] = set()  # where both sides were seen
        self._found = 0
        self._newest = 0  # the number of the last input that took a new route

    def look(self) -> None:
        seconds = self._payload["scout_seconds"]  # of its processor's: a busy machine does not make it look less
        begun, ends = time.process_time(), time.monotonic() + 4 * seconds
        for number, recipe in enumerate(self._recipes()):
            if self._try(recipe):
                self._newest = number
            if number - self._newest > _PATIENCE and self._is_exhausted():
                self._emit(["worn out"])
                break
            if self._found == _MOST_FOUND:
                break
            used = time.process_time() - begun
            if (used > seconds and number > (_MANY if used < 2 * seconds else _FEWEST)) or time.monotonic() > ends:
                break

    def _is_exhausted(self) -> bool:
        """Tell whether every test has gone both ways, and the sides of every comparison have met.

        Where types are guessed that tells little: the right ones may be still to come.
        """
        if self._payload["guessed"]:
            return False
        ways = (feature[0] for feature in self._known if len(feature) == 2)
        truths = Counter(place for place in ways if place != "ended")
        return all(count > 1 for count in truths.values()) and self._compared <= self._met

    def _recipes(self) -> Iterator[Recipe]:
        for number in range(len(self._payload["calls"])):
            yield ["call", number]
        for number in range(self._payload["count"]):
            yield ["seed", number]
            if self._queue and number > 60 and number % 2:
                yield self._next()
        while True:
            yield self._next()

    def _next(self) -> Recipe:
        """Return a recipe that is near to one that led somewhere new, where few others have."""
        random = self._random
        if not self._queue:
            return ["seed", random.randrange(10**9)]
        few = random.choices(self._queue, k=5)
        recipe, pairs, _ = min(few, key=lambda one: self._ways[one[2]])
        if _depth(recipe) > _DEEPEST:
            return ["seed", random.randrange(10**9)]
        if pairs and random.random() < 0.5:
            apart = [pair for pair, place in pairs.items() if place not in self._met]
            return self._meeting(recipe, *random.choice(apart if apart and random.random() < 0.7 else list(pairs)))
        return ["changed", recipe, random.randrange(10**9)]

    def _meeting(self, recipe: Recipe, old: Any, new: Any) -> Recipe:
        """Return a recipe that may lead to the other side of a comparison."""
        random = self._random
        if random.random() < 0.4:
            old, new = new, old
        salt = random.randrange(10**9)
        if type(new) is int and random.random() < 0.3:
            new += random.choice((1, -1))
        if type(old) is not str and type(new) is not str and random.random() < 0.4:
            return ["shifted", recipe, salt, new - old] if abs(new - old) < 1e15 else ["changed", recipe, salt]
        return ["swapped", recipe, salt, old, new]

    def _try(self, recipe: Recipe) -> bool:
        """Run both on an input, and tell whether it took a new route."""
        if recipe in self._payload["skipped"]:
            return False
        ended, steps, features, pairs = self._ran(recipe, 0, _MOST_STEPS)
        if steps > _MOST_STEPS or ended[0] == ENDLESS:
            self._emit(["slow", recipe])
            return False
        other, _, more, others = self._ran(recipe, 1, 20 * steps + _MOST_STEPS)
        if ended != other:
            self._found += 1
            self._emit(["found", recipe])
        features |= more | {("ended", ended[0][:16])}
        self._met.update(place for (left, right), place in (*pairs.items(), *others.items()) if left == right)
        self._compared.update(pairs.values(), others.values())
        way = frozenset(feature for feature in features if len(feature) == 2)
        is_new = way not in self._ways and len(self._ways) < _MOST_WAYS
        self._ways[way] += 1
        route = frozenset(feature for feature in way if feature[0] != "ended")
        goes_new = route not in self._routes
        self._routes.add(route)
        if is_new or not features <= self._known:
            self._known |= features
            self._queue.append((recipe, {**pairs, **others}, way))
            self._emit(["kept", recipe])
        return goes_new

    def _ran(
        self, recipe: Recipe, turn: int, most: int
    ) -> tuple[list[str], int, set[tuple[object, ...]], dict[tuple[Any, Any], int]]:
        self._emit(["at", recipe, turn])
        tracer = self._tracer
        tracer.begin()
        tracer.most_steps = most
        ended = self._tried[turn].ran(recipe)
        return ended, tracer.steps, tracer.features, tracer.pairs


def _depth(recipe: Recipe) -> int:
    return 1 + _depth(recipe[1]) if isinstance(recipe[1], list) else 0
