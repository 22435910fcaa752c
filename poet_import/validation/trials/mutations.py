"""Inputs made of other inputs: a little more, less or other in one place, and still of the same specification."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from datetime import date, timedelta
from decimal import Decimal
from functools import partial
from typing import Any, Final

from poet_import.validation.trials.draw import Draw, Spec, is_hashable
from poet_import.validation.trials.texts import changed

_TYPES: Final[dict[str, Any]] = {  # Any: what isinstance takes
    "int": int, "float": float, "str": str, "bool": bool, "bytes": bytes, "none": type(None), "list": list, "set": set,
    "frozenset": frozenset, "dict": dict, "record": dict, "tuple": tuple, "row": tuple, "date": date,
}  # fmt: skip
_LONGEST: Final = 3000


class Mutation:
    """Changes values within their specifications."""

    def __init__(self, draw: Draw) -> None:
        self._draw = draw
        self.step: float = 0  # what numbers and days are moved by, unless it is 0

    def changed(self, spec: Spec, value: Any) -> Any:  # Any: as everywhere here, whatever the specification says
        """Return a value of the same specification that is near to another."""
        change = getattr(self, f"_{spec[0]}", None)
        if change is None or (not self.step and self._draw.random.random() < 0.08):
            return self._draw.value(spec)
        return change(value, *spec[1:])

    def _any(self, value: Any) -> Any:
        return self.changed(_spec_of(value), value)

    def _union(self, value: Any, specs: Sequence[Spec]) -> Any:
        fitting = [spec for spec in specs if type(value) is _TYPES.get(spec[0])] or list(specs)
        return self.changed(self._draw.random.choice(fitting), value)

    def _int(self, value: int) -> int:
        random = self._draw.random
        if self.step:
            return value + round(self.step)
        near = random.choice(
            (value + 1, value - 1, -value, value * 2, value // 2, value + self._draw.value(["int"]), value * 10)
        )
        return near if abs(near) < 2**63 else value

    def _float(self, value: float) -> float:
        random = self._draw.random
        if self.step:
            return value + self.step
        near = (value + 1, value - 1, -value, value * 2, value / 2, value + 0.5, value + 0.001, value * 10)
        return random.choice((*near, float(round(value)) if abs(value) < 1e15 else value))

    def _str(self, value: str) -> str:
        return changed(self._draw.random, value, self._draw.known)

    def _bytes(self, value: bytes) -> bytes:
        random = self._draw.random
        place = random.randrange(len(value) + 1)
        if random.random() < 0.4:
            return (
                value[:place]
                + bytes([random.choice((0, 127, 128, 129, 195, 255))])
                + value[place + random.randrange(2) :]
            )
        return self._str(value.decode("latin-1")).encode("utf-8", "surrogatepass")

    def _date(self, value: date) -> date:
        random = self._draw.random
        step = timedelta(days=random.choice((1, -1, 1, -1, 7, 28, 30, 31, 365, 366, -365)))
        with suppress(ValueError, OverflowError):
            if self.step:
                return value + timedelta(days=round(self.step))
            return random.choice(
                (lambda: value + step, lambda: value.replace(year=value.year + 1), lambda: value.replace(day=1))
            )()
        return value

    _datetime = _date

    def _timedelta(self, value: timedelta) -> timedelta:
        random = self._draw.random
        with suppress(OverflowError):
            near = (timedelta(seconds=1), timedelta(days=1), timedelta(microseconds=500_000), value, -2 * value)
            return value + (timedelta(seconds=self.step) if self.step else random.choice((*near, -random.choice(near))))
        return value

    def _decimal(self, value: Decimal) -> Decimal:
        random = self._draw.random
        return value + (
            Decimal(self.step) if self.step else Decimal(random.choice(("0.005", "-0.005", "1", "-1", "0.01", "0.1")))
        )

    def _list(self, value: list[Any], item: Spec) -> list[Any]:
        items = list(value)
        random = self._draw.random
        if not items or random.random() < 0.15:
            items.insert(random.randrange(len(items) + 1), self._draw.value(item, 1))
            return items
        place, other = random.randrange(len(items)), random.randrange(len(items))
        ways: list[Callable[[], object]] = [
            lambda: items.__setitem__(place, self.changed(item, items[place])),
            lambda: items.__setitem__(place, self.changed(item, items[place])),
            lambda: items.__setitem__(place, items[other]),
            lambda: items.insert(place, items[other]),
            lambda: items.pop(place),
            items.reverse,
            lambda: items.extend((items * self._draw.size())[: _LONGEST - len(items)]),
            lambda: items.__delitem__(slice(place, None)),
        ]
        random.choice(ways)()
        return items

    def _row(self, value: tuple[Any, ...], item: Spec) -> tuple[Any, ...]:
        return tuple(self._list(list(value), item))

    def _set(self, value: set[Any], item: Spec) -> set[Any]:
        return set(filter(is_hashable, self._list(sorted(value, key=repr), item)))

    def _frozenset(self, value: frozenset[Any], item: Spec) -> frozenset[Any]:
        return frozenset(self._set(set(value), item))

    def _iterator(self, value: Any, item: Spec) -> Any:
        return self._list(value, item) if isinstance(value, list) else self._draw.value(["iterator", item])

    def _tuple(self, value: tuple[Any, ...], items: Sequence[Spec]) -> tuple[Any, ...]:
        place = self._draw.random.randrange(len(value)) if value else 0
        return tuple(self.changed(items[n], part) if n == place else part for n, part in enumerate(value))

    def _dict(self, value: dict[Any, Any], key: Spec, item: Spec) -> dict[Any, Any]:
        random = self._draw.random
        items = dict(value)
        name = random.choice(list(items)) if items and random.random() < 0.8 else self._draw.value(key, 1)
        if name in items and random.random() < 0.25:
            del items[name]
        elif name in items and random.random() < 0.7:
            items[name] = self.changed(item, items[name])
        elif is_hashable(name):
            items[name] = self._draw.value(item, 1)
        return items

    def _record(self, value: dict[str, Any], fields: Mapping[str, Spec]) -> dict[str, Any]:
        name = self._draw.random.choice(list(fields)) if fields else ""
        if not fields or (name in value and self._draw.random.random() < 0.1):
            return {key: part for key, part in value.items() if key != name}
        return {
            **value,
            name: self.changed(fields[name], value[name]) if name in value else self._draw.value(fields[name], 1),
        }

    def _class(self, value: Any, name: str, fields: Mapping[str, Spec]) -> Any:
        held = {field: getattr(value, field) for field in fields if hasattr(value, field)}
        field = self._draw.random.choice(list(fields)) if fields else ""
        if field in held:
            held[field] = self.changed(fields[field], held[field])
        return self._draw.made(name, held)


def _spec_of(value: Any) -> Spec:
    if isinstance(value, list):
        return ["list", ["any"]]
    if isinstance(value, dict):
        return ["dict", ["str"], ["any"]]
    name = type(value).__name__
    return [name] if name in ("int", "float", "str", "bytes", "bool") else ["any"]


def swapped(spec: Spec, value: Any, old: Any, new: Any, *, which: int = 0) -> Any:
    """Return a value in which what a comparison was made on is what it was made with.

    Args:
        spec: The value's specification: what no other value fits stays.
        value: The value.
        old: A number or a text that was compared; where the value has as many items or characters, it is a length.
        new: What it was compared with.
        which: Which of its places in a text is meant.
    """
    kind = spec[0]
    if kind in ("union", "any"):
        fitting = (
            [one for one in spec[1] if type(value) is _TYPES.get(one[0])] if kind == "union" else [_spec_of(value)]
        )
        return swapped(fitting[0], value, old, new, which=which) if fitting and fitting[0] != ["any"] else value
    if kind in ("int", "float") and type(old) in (int, float) and value == old and type(new) in (int, float):
        return _number(kind, new, value)
    if kind == "str" and isinstance(value, str):
        return _swapped_text(value, old, new, which=which)
    return _swapped_items(spec, value, partial(swapped, old=old, new=new, which=which), (old, new))


def _number(kind: str, new: float, otherwise: Any) -> Any:
    with suppress(ValueError, OverflowError):
        return int(new) if kind == "int" else float(new)
    return otherwise


def _swapped_text(value: str, old: Any, new: Any, *, which: int) -> str:
    if type(old) is int and len(value) == old and type(new) is int and 0 <= new <= _LONGEST:
        return (value * (new // max(1, len(value)) + 1) or "a" * new)[:new]
    text = str(old)
    places = [match.start() for match in re.finditer(re.escape(text.lower()), value.lower())] if text else []
    if not places:
        return value
    place = places[which % len(places)]
    return value[:place] + str(new) + value[place + len(text) :]


def _swapped_items(spec: Spec, value: Any, swap: Callable[[Spec, Any], Any], lengths: tuple[Any, Any]) -> Any:
    kind = spec[0]
    if kind in ("list", "row") and isinstance(value, list | tuple):
        old, new = lengths
        if type(old) is int and len(value) == old and type(new) is int and value and 0 <= new <= _LONGEST:
            return type(value)(list(value) * (new // len(value) + 1))[:new]
        return type(value)(swap(spec[1], item) for item in value)
    if kind == "tuple":
        return tuple(swap(part, item) for part, item in zip(spec[1], value, strict=False))
    if kind == "dict":
        return {swap(spec[1], key): swap(spec[2], item) for key, item in value.items()}
    if kind == "record":
        return {key: swap(spec[1][key], item) if key in spec[1] else item for key, item in value.items()}
    return value
