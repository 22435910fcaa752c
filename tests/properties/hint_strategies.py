"""Annotations as people write them, and values that fit them or nearly do."""

from __future__ import annotations

import collections
import types
import typing
from collections.abc import Callable, Iterator, Mapping
from typing import Any, Literal, Union

import hint_vocabulary as words
from hypothesis import strategies as st
from reference_checker import LOOKED_INTO, is_right, is_unpacked, meaning

Names = Mapping[str, object]

SCALARS = (
    *("int", "str", "float", "complex", "bool", "bytes", "None", "Animal", "Dog", "Colour", "Level", "Order", "Point"),
    *("UserId", "Bound", "Choice", "BoundByText", "Number", "date", "Decimal", "PurePosixPath", "HasName", "Closes"),
    *("Literal['a', 1]", "Literal[True, None]", "Literal[Colour.RED]", "'Later'", "'Dog | None'", "'int'", "list"),
)
OPEN = (  # what says little or nothing of a single value
    *("Any", "object", "Free", "Opens", "'Missing'", "Movie", "Partial", "Json", "Names", "Box[int]", "Callable"),
    *("type", "type[Animal]", "type[float]", "type['Dog']", "Type[Any]", "Callable[[int], str]", "Callable[..., Any]"),
    *("tuple[()]", "Tuple[()]", "dict", "Self", "Pair[int]", "tuple"),
)
HASHABLE = ("int", "str", "float", "None", "Colour", "Literal['a', 1]", "UserId", "'Later'", "Any", "tuple[int, ...]")
OF_ONE = (
    *("list[{}]", "List[{}]", "tuple[{}, ...]", "deque[{}]", "Sequence[{}]", "Iterable[{}]", "Iterator[{}]"),
    *("Collection[{}]", "MutableSequence[{}]", "tuple[{}]", "Optional[{}]", "Annotated[{}, 'note', 3]", "{} | None"),
    *("None | {}", "tuple[int, *tuple[{}, ...]]"),
)
OF_HASHABLE = ("set[{}]", "FrozenSet[{}]", "frozenset[{}]", "AbstractSet[{}]", "Set[{}]")
OF_TWO = ("tuple[{}, {}]", "Union[{}, {}]", "{} | {}", "Union[{}, None, {}]")
OF_PAIRS = ("dict[{}, {}]", "Dict[{}, {}]", "Mapping[{}, {}]", "MutableMapping[{}, {}]", "defaultdict[{}, {}]")


def _filled(forms: tuple[str, ...], *parts: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    return st.builds(str.format, st.sampled_from(forms), *parts)


def _larger(inner: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    hashable = st.sampled_from(HASHABLE)
    return st.one_of(
        _filled(OF_ONE, inner),
        _filled(OF_HASHABLE, hashable),
        _filled(OF_TWO, inner, inner),
        _filled(OF_PAIRS, hashable, inner),
        inner.filter(lambda text: "'" not in text).map(repr),
    )


_leaf = st.sampled_from(SCALARS + OPEN)
_once = _leaf | _larger(_leaf)
_twice = _once | _larger(_once)
_any_hint = st.one_of(_leaf, _larger(_leaf), _larger(_twice))
hints = (_any_hint | _filled(("Final[{}]",), _any_hint)).filter(lambda text: "None | None" not in text)  # no Python
"""Texts of annotations, nested three deep at most."""

small_hints = st.one_of(_leaf, _larger(_leaf), _larger(_once)).filter(
    lambda text: "Json" not in text and "None | None" not in text
)
"""Texts of annotations that a check promises to read to the end."""

_scalar = st.sampled_from(SCALARS)
scalar_hints = st.one_of(
    _scalar,
    _filled(("Optional[{}]", "Annotated[{}, 'note']", "{} | None", "Final[{}]"), _scalar),
    _filled(("Union[{}, {}]", "{} | {}"), _scalar, _scalar),
)
"""Texts of annotations that say everything about a value without items."""


def _numbers() -> Iterator[int]:
    yield 1


CONSTANTS = (
    *(0, 1, -7, 2**70, True, False, 1.5, float("nan"), 1j, None, 10**9, "", "a", "red", "ä" * 9, b"", b"a"),
    *(
        words.Colour.RED,
        words.Level.LOW,
        words.Point(1, "y"),
        words.Order("sku"),
        words.date(2020, 1, 1),
        len,
        range(3),
    ),
    *(words.Decimal(1), words.PurePosixPath("a"), int, float, str, bool, words.Animal, words.Dog, object, (1, "a")),
)
MAKERS: tuple[Callable[[], object], ...] = (  # of values that somebody could change or use up
    *(words.Animal, words.Dog, words.Named, words.Box, object, list, dict, tuple, set, frozenset, _numbers),
    *(lambda: [1], lambda: ["a", 1], lambda: {"a": 1}, lambda: iter([1]), lambda: {1, "a"}, lambda: words.deque("ab")),
    *(lambda: bytearray(b"a"), lambda: {"title": "t"}, lambda: {"title": "t", "year": 1}, lambda: {"title": 1}),
    *(lambda: {"title": "t", "cast": []}, lambda: words.OrderedDict(a=1), lambda: words.defaultdict(int, a=1)),
    *(lambda: types.MappingProxyType({"a": 1}), lambda: lambda: 1),
    *(lambda value=value: value for value in CONSTANTS),
)


def anything(names: Names) -> st.SearchStrategy[object]:
    later = typing.cast("type", names["Later"])
    return st.sampled_from((*MAKERS, later, names["Host"])).map(lambda make: make())  # type: ignore[operator]


def _is_hashable(value: object) -> bool:
    try:
        hash(value)
    except TypeError:
        return False
    return True


def values(hint: object, names: Names) -> st.SearchStrategy[Any]:  # noqa: PLR0911  (one line for each kind of hint)
    """Draw what fits a hint, mostly: the reference has the last word."""
    hint = meaning(hint, names)
    origin, arguments = typing.get_origin(hint), typing.get_args(hint)
    if type(origin).__name__ == "TypeAliasType":
        return values(origin.__value__[arguments], names)
    if origin in (Union, types.UnionType) and hint != words.Json:  # which has no end
        return st.one_of([values(arm, names) for arm in arguments])
    if origin is Literal:
        return st.sampled_from(arguments)
    if origin is tuple and arguments[-1:] != (...,) and not any(map(is_unpacked, arguments)):
        return st.tuples(*(values(argument, names) for argument in arguments))
    if isinstance(origin, type) and issubclass(origin, collections.abc.Mapping):
        return _mappings(*arguments, names)
    if isinstance(origin, type) and issubclass(origin, collections.abc.Iterable):
        return _collections(origin, arguments[0], names)
    fitting = [make for make in MAKERS if is_right(make(), hint, names)]
    return st.sampled_from(fitting).map(lambda make: make()) if fitting else anything(names)


def _mappings(key: object, value: object, names: Names) -> st.SearchStrategy[Any]:
    pairs = st.dictionaries(values(key, names).filter(_is_hashable), values(value, names), max_size=4)
    kinds = (dict, dict, words.OrderedDict, types.MappingProxyType, _default_dict)
    return st.builds(lambda kind, found: kind(found), st.sampled_from(kinds), pairs)


def _default_dict(found: dict[object, object]) -> dict[object, object]:
    return words.defaultdict(int, found)


def _collections(origin: type, item: object, names: Names) -> st.SearchStrategy[Any]:
    kinds = [kind for kind in LOOKED_INTO if issubclass(kind, origin)] or [iter]
    sequences = [kind for kind in kinds if kind not in (set, frozenset)]
    items = values(item, names)
    if not sequences:
        items = items.filter(_is_hashable)
    drawn = st.lists(items, max_size=8) | st.lists(items, min_size=9, max_size=20)
    return st.builds(lambda kind, found: kind(found), st.sampled_from(sequences or kinds), drawn)


def near_values(hint: object, names: Names) -> st.SearchStrategy[Any]:
    """Draw what fits, what fits but for one item, and what has nothing to do with the hint."""
    return st.one_of(values(hint, names), anything(names), _spoiled(values(hint, names), names))


def _spoiled(drawn: st.SearchStrategy[Any], names: Names) -> st.SearchStrategy[Any]:
    return st.builds(_with_another_item, drawn, anything(names), st.integers(0, 7))


def _with_another_item(value: object, item: object, at: int) -> object:
    """Put an item into a container, in the place of another one where it has so many."""
    if isinstance(value, list):
        return [*value[:at], item, *value[at + 1 :]]
    if type(value) is tuple:
        return (*value[:at], item, *value[at + 1 :])
    if type(value) is dict and value:
        return {**value, [*value][at % len(value)]: item}
    return value
