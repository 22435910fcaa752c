"""Inputs for trials: drawn from specifications, from what the source mentions and its neighbours, and from other draws.

The same seed gives the same inputs, so O and O′ are tried on equal ones in processes of their own.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import date, datetime, time, timedelta, timezone
from decimal import Decimal
from fractions import Fraction
from functools import cached_property
from random import Random
from typing import Any, Final

from poet_import.validation.trials.numbers import Numbers
from poet_import.validation.trials.texts import Known, dated, draw_text, related

Spec = Sequence[Any]  # Any: JSON, as ["list", ["int"]]
_INTS: Final = (0, 1, -1, 2, 3, 5, 7, 10, -2, -7, 12, 60, 100, 255, 256, 365, 400, 1000, 1024, 10**6, 2**31, 2**53 + 1, -(10**9), 10**12, 2**63 - 1, 10**18 + 9, 10**18 - 1, 2**62 - 1, 123456789012345678)  # fmt: skip
_FLOATS: Final = (0.0, -0.0, 0.5, -0.5, 1.0, 1.5, 2.5, 0.1, 1e-9, 1e9, 1e300, -3.75, 99.995, 100.0)
_RARE_FLOATS: Final = (float("nan"), float("inf"), float("-inf"))
_DAYS: Final = ((2024, 2, 29), (2023, 2, 28), (2000, 2, 29), (1900, 3, 1), (2024, 12, 31), (2024, 1, 1), (2023, 12, 31), (2100, 2, 28), (1999, 12, 31), (2024, 3, 31), (2024, 4, 30), (2020, 12, 28))  # fmt: skip
_BYTES: Final = (
    b"\x00",
    b"\xff",
    b"\x80",
    b"\x81",
    b"\xc3\xa9",
    b"\xef\xbb\xbf",
    b"a",
    b" ",
    b"\n",
    b"=",
    b"0",
    b"\xe9",
)
_DEEPEST: Final = 4
_LONGEST_TEXT: Final = 2000


class Draw:
    """Draws the values of one input after the other."""

    def __init__(self, pool: Mapping[str, Sequence[Any]], make: Callable[..., object]) -> None:
        """Take what the source mentions.

        Args:
            pool: ``int``, ``float``, ``str``, ``sizes``, ``patterns``, ``formats``, ``keys`` and ``separators``.
            make: What makes objects of classes, and doubles.
        """
        self._pool = pool
        self._make = make
        short = "".join(text for text in pool["str"] if len(text) < 12)
        self.known = Known(
            texts=pool["str"],
            patterns=pool["patterns"],
            numbers=pool["int"],
            sizes=[size for size in pool["sizes"] if size <= _LONGEST_TEXT],
            separators=pool["separators"],
            alphabet="".join(dict.fromkeys(short)),
        )
        self._source = Numbers()
        self._seed = "0"
        self._drawn: dict[str, list[Any]] = {}
        self._quiet = False

    def begin(self, seed: str) -> None:
        """Begin an input; some are kept small and alike, so that values meet each other."""
        self._seed = seed
        self.__dict__.pop("random", None)  # seeding takes long, and not every input draws
        self._drawn = {}

    @cached_property
    def random(self) -> Random:
        """Where the input's values come from."""
        self._source.seed(self._seed)
        self._quiet = self._source.random() < 0.3
        return self._source

    def value(self, spec: Spec, depth: int = 0) -> Any:
        """Return a value of a specification."""
        kind = spec[0]
        if kind in _ATOMS and (earlier := self._drawn.get(kind)) and self.random.random() < 0.2:
            known = self.random.choice(earlier)
            return related(self.random, known) if kind == "str" and self.random.random() < 0.3 else known
        drawn = getattr(self, f"_{kind}")(depth, *spec[1:])
        if kind in _ATOMS:
            self._drawn.setdefault(kind, []).append(drawn)
        return drawn

    def _any(self, depth: int) -> Any:
        kinds: list[Spec] = [["int"], ["str"], ["float"], ["bool"], ["none"], ["int"], ["str"]]
        if depth < 2 or (depth < 6 and self.random.random() < 0.4):
            kinds += [["list", ["any"]], ["dict", ["str"], ["any"]], ["list", ["int"]], ["row", ["any"]]]
        return self.value(self.random.choice(kinds), depth + 1)

    def _none(self, _depth: int) -> None:
        return None

    def _maybe(self, depth: int) -> Any:
        return None if self.random.random() < 0.3 else self._any(depth)

    def _awaited(self, depth: int, spec: Spec) -> Any:
        return self.value(spec, depth)

    def _bool(self, _depth: int) -> bool:
        return self.random.random() < 0.5

    def _int(self, _depth: int) -> int:
        chance = self.random.random()
        known = self._pool["int"]
        if known and chance < 0.4:
            near = self.random.choice((0, 0, 1, -1, 1, -1, 2, -2))
            return int(self.random.choice(known) * self.random.choice((1, 1, 1, 1, 1, 1, -1, 2)) + near)
        if self._quiet or chance < 0.6:
            return self.random.randint(-3, 9)
        if chance < 0.8:
            return self.random.choice(_INTS)
        return self.random.randint(*self.random.choice(((0, 30), (-1000, 1000), (0, 130), (1, 10_000))))

    def _float(self, _depth: int) -> float:
        chance = self.random.random()
        known = (*self._pool["float"], *self._pool["int"])
        if known and chance < 0.35:
            value = float(self.random.choice(known))
            return self.random.choice(
                (value, value, -value, value + 0.01, value - 0.01, value * 2, value / 2, value + 1)
            )
        if self._quiet or chance < 0.55:
            return self.random.randint(-6, 12) / 2
        if chance < 0.75:
            return self.random.choice(_FLOATS)
        if chance < 0.77:
            return self.random.choice(_RARE_FLOATS)
        return round(self.random.uniform(-100, 100), self.random.randrange(8))

    def _complex(self, depth: int) -> complex:
        return complex(self._float(depth), self._float(depth))

    def _str(self, _depth: int) -> str:
        if self._pool["formats"] and self.random.random() < 0.3:
            return dated(self.random, self.random.choice(self._pool["formats"]))
        return draw_text(self.random, self.known)

    def _bytes(self, depth: int) -> bytes:
        if self.random.random() < 0.25:
            return b"".join(self.random.choices(_BYTES, k=self.random.randrange(1, 6)))
        return self._str(depth).encode("utf-8", "surrogatepass")

    def _bytearray(self, depth: int) -> bytearray:
        return bytearray(self._bytes(depth))

    def _date(self, _depth: int) -> date:
        if self.random.random() < 0.4:
            return date(*self.random.choice(_DAYS))
        return date(2024, 1, 1) + timedelta(
            days=self.random.randint(*self.random.choice(((-9, 9), (-800, 800), (-9999, 9999))))
        )

    def _time(self, _depth: int) -> time:
        some = time(self.random.randrange(24), 15)
        return self.random.choice(
            (time(), time(23, 59, 59), time(12, 30), some, some, time(12, 0, 0, 500_000), time(23, 59, 59, 999_999))
        )

    def _datetime(self, depth: int) -> datetime:
        zone = timezone(timedelta(hours=self.random.choice((0, 0, 2, -5)))) if self.random.random() < 0.1 else None
        return datetime.combine(self._date(depth), self._time(depth), zone)

    def _timedelta(self, depth: int) -> timedelta:
        random = self.random
        fraction = random.choice((0, 0, 0, 500_000, 999_999, 1))
        return timedelta(
            seconds=self._int(depth) % 10**9, days=random.choice((0, 0, 0, 1, -1, 30)), microseconds=fraction
        )

    def _decimal(self, depth: int) -> Decimal:
        chance = self.random.random()
        if chance < 0.5:
            return Decimal(self._int(depth)) / self.random.choice((1, 10, 100, 1000))
        return Decimal(str(self._float(depth)))

    def _fraction(self, depth: int) -> Fraction:
        return Fraction(self._int(depth), self.random.choice((1, 2, 3, 7, 100)))

    def made(self, name: str, fields: Mapping[str, Any]) -> Any:
        """Return an object of a class of the module."""
        return self._make("class", name, fields)

    def size(self) -> int:
        """Return how many times something is repeated."""
        return self.random.choice((2, 2, 3, 10, *(size // 2 + 1 for size in self.known.sizes)))

    def _size(self, depth: int) -> int:
        chance = self.random.random()
        sizes = self._pool["sizes"]
        if depth == 0 and sizes and chance < 0.06:
            return int(self.random.choice(sizes)) + self.random.choice((-1, 0, 1, 1, 2))
        if depth == 0 and chance < 0.09:
            return self.random.choice((17, 33, 50, 101, 257))
        if depth == 0 and chance < 0.1:
            return 1200  # deeper than recursion goes
        return 0 if depth > _DEEPEST else self.random.choice((0, 1, 1, 2, 2, 3, 3, 4, 5, 8))

    def _list(self, depth: int, item: Spec) -> list[Any]:
        size = self._size(depth)
        if size > 300:  # many distinct items would only take time
            few = [self.value(item, depth + 1) for _ in range(40)]
            return [few[place % 40] for place in range(size)]
        items = [self.value(item, depth + 1) for _ in range(size)]
        order = self.random.random()
        if order < 0.15:
            _sort(items)
        if items and 0.15 < order < 0.3:
            items += [items[0], items[-1]]
        return items

    def _set(self, depth: int, item: Spec) -> set[Any]:
        return set(filter(is_hashable, self._list(depth, item)))

    def _frozenset(self, depth: int, item: Spec) -> frozenset[Any]:
        return frozenset(self._set(depth, item))

    def _tuple(self, depth: int, items: Sequence[Spec]) -> tuple[Any, ...]:
        return tuple(self.value(item, depth + 1) for item in items)

    def _row(self, depth: int, item: Spec) -> tuple[Any, ...]:
        return tuple(self._list(depth, item))

    def _iterator(self, depth: int, item: Spec) -> Any:
        items = self._list(depth, item)
        return iter(items) if self.random.random() < 0.3 else items

    def _dict(self, depth: int, key: Spec, item: Spec) -> dict[Any, Any]:
        keys = self._list(depth, key)
        if key[0] in ("str", "any") and self._pool["keys"]:
            keys += [name for name in self._pool["keys"] if self.random.random() < 0.6]
            self.random.shuffle(keys)
        return {name: self.value(item, depth + 1) for name in keys if is_hashable(name)}

    def _record(self, depth: int, fields: Mapping[str, Spec]) -> dict[str, Any]:
        """Return a dict with known keys, now and then without one, or with one more."""
        kept = {name: self.value(spec, depth + 1) for name, spec in fields.items() if self.random.random() < 0.93}
        if self.random.random() < 0.1:
            kept["extra"] = self.value(["any"], depth + 1)
        return kept

    def _union(self, depth: int, specs: Sequence[Spec]) -> Any:
        return self.value(self.random.choice(specs), depth)

    def _literal(self, _depth: int, values: Sequence[Any]) -> Any:
        return self.random.choice(values)

    def _near(self, depth: int, values: Sequence[Any]) -> Any:
        """Return one of the values that something is compared with, or another of its type."""
        value = self.random.choice(values)
        kind = type(value).__name__
        return value if self.random.random() < 0.7 or kind not in _ATOMS else self.value([kind], depth)

    def _object(self, _depth: int, name: str) -> Any:
        return self._make("object", name, {})

    def _enum(self, _depth: int, name: str) -> Any:
        return self._make("enum", name, {"choose": self.random.choice})

    def _class(self, depth: int, name: str, fields: Mapping[str, Spec]) -> Any:
        return self._make("class", name, {field: self.value(spec, depth + 1) for field, spec in fields.items()})

    def _callable(self, _depth: int, name: str) -> Any:
        return self._make("object", name, {})


_ATOMS: Final = frozenset(("int", "float", "str", "bytes", "date", "datetime"))


def is_hashable(value: object) -> bool:
    """Tell whether a value can be a key."""
    try:
        hash(value)
    except TypeError:
        return False
    return True


def _sort(items: list[Any]) -> None:
    try:
        items.sort()
    except TypeError:
        return
