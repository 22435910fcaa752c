# ruff: noqa: UP006, UP007, UP045  (users write the older spellings too)
from __future__ import annotations

import collections
import collections.abc
import dataclasses
import enum
import io
import sys
import tempfile
import types
import typing
from collections.abc import Callable, Iterator
from types import ModuleType
from typing import (
    Annotated,
    Any,
    AnyStr,
    BinaryIO,
    ClassVar,
    Final,
    ForwardRef,
    Generic,
    Literal,
    LiteralString,
    NamedTuple,
    Never,
    NewType,
    NotRequired,
    Optional,
    ParamSpec,
    Protocol,
    Self,
    SupportsInt,
    TextIO,
    TypedDict,
    TypeGuard,
    TypeVar,
    Union,
    runtime_checkable,
)
from unittest.mock import MagicMock, Mock

import pytest
from hypothesis import given
from hypothesis import strategies as st

from poet_import.runtime.predicates import Undecidable, predicate

Load = Callable[..., ModuleType]
T = TypeVar("T")
Number = TypeVar("Number", bound=float)
P = ParamSpec("P")
UserId = NewType("UserId", int)


class Colour(enum.Enum):
    RED = 1


class Small(enum.IntEnum):
    ONE = 1


class Node: ...


class Leaf(Node): ...


class Box(Generic[T]): ...


class Table(collections.abc.Mapping[str, T]):
    """A mapping whose items are costly: nobody may look."""

    def __getitem__(self, key: str) -> T:
        raise AssertionError

    def __iter__(self) -> Iterator[str]:
        raise AssertionError

    def __len__(self) -> int:
        raise AssertionError


class LazyList(list[int]):
    def __iter__(self) -> Iterator[int]:
        raise AssertionError


class LazyDict(dict[str, int]):
    def items(self) -> Any:  # whatever it would be, it is not to be asked
        raise AssertionError


@runtime_checkable
class Closes(Protocol):
    def close(self) -> None: ...


class Opens(Protocol):
    def open(self) -> None: ...


class Movie(TypedDict):
    title: str
    year: NotRequired[int]


class Remote(TypedDict):
    key: NotRequired[Missing]  # type: ignore[name-defined] # noqa: F821  (known only where it was written)


class Point(NamedTuple):
    x: int
    y: int


@dataclasses.dataclass
class Order:
    sku: str


class Refuses(type):
    def __instancecheck__(cls, instance: object) -> bool:
        raise RuntimeError


class Broken(metaclass=Refuses): ...


class NeverAsked(type):
    def __instancecheck__(cls, instance: object) -> bool:
        raise TypeError("no instances")


class Unasked(metaclass=NeverAsked): ...


class RaisesOnce(type):
    calls = 0

    def __instancecheck__(cls, instance: object) -> bool:
        if instance is None:
            return False
        raise RuntimeError


class Moody(metaclass=RaisesOnce): ...


def numbers() -> Iterator[int]:
    yield 1


SPOOLED = tempfile.SpooledTemporaryFile()  # noqa: SIM115  (nothing is written, so there is no file to close)
Json = Union[str, int, None, list["Json"], dict[str, "Json"]]

ROWS: list[tuple[str, object, list[object], list[object]]] = [
    ("class", Node, [Node(), Leaf(), Mock(spec=Node)], [Node, 1, None]),
    ("any", Any, [1, None, "a"], []),
    ("object", object, [1, None], []),
    ("none", None, [None], [0, False, ""]),
    ("none-type", type(None), [None], [0]),
    ("int", int, [1, True, Small.ONE], [1.0, "1", None]),
    ("float-tower", float, [1.0, 1, True], ["1", 1j, None]),
    ("complex-tower", complex, [1j, 1.0, 1], ["1"]),
    ("union", Union[int, str], [1, "a"], [1.0, None, b"a"]),
    ("pep604", int | None, [1, None], ["a", 1.0]),
    ("pep604-deep", list[int] | dict[str, int], [[1], {"a": 1}], [["a"], {"a": "b"}, 1]),
    ("optional", Optional[Node], [Node(), None], [1]),
    ("literal", Literal["a", 1, Colour.RED], ["a", 1, Colour.RED, Small.ONE], ["b", True, 2, None, Colour]),
    ("literal-bool", Literal[True], [True], [1, False]),
    ("list", list[int], [[], [1, 2], [True], LazyList([1]), Mock(spec=list)], [["a"], (1,), "1", None, 1]),
    ("list-of-anything", list[Any], [[1, "a"]], [(1,)]),
    ("list-of-type-variable", list[T], [[1, "a"]], [(1,)]),
    ("typing-list", typing.List[int], [[1]], [["a"], 1]),
    ("bare-list", typing.List, [[1]], [1]),
    ("dict", dict[str, int], [{}, {"a": 1}, LazyDict(a=1), Mock(spec=dict)], [{"a": "b"}, {1: 1}, [], 1]),
    ("dict-deep", dict[str, list[int]], [{"a": [1]}, collections.defaultdict(list, a=[1])], [{"a": ["b"]}, {1: [1]}]),
    ("default-dict", collections.defaultdict[str, int], [collections.defaultdict(int, a=1)], [{}, 1]),
    ("counter", collections.Counter[str], [collections.Counter("ab")], [{}, 1]),
    ("set", set[int], [set(), {1}], [{"a"}, frozenset({1}), [1]]),
    ("set-deep", set[tuple[int, str]], [{(1, "a")}], [{("a", 1)}, {1}]),
    ("frozenset", frozenset[str], [frozenset("a")], [frozenset({1}), {"a"}]),
    ("tuple", tuple[int, str], [(1, "a")], [(1,), ("a", 1), (1, "a", 2), [1, "a"], 1]),
    ("tuple-empty", tuple[()], [()], [(1,), []]),
    ("tuple-many", tuple[int, ...], [(), (1, 2)], [("a",), [1]]),
    ("tuple-unpacked", tuple[int, *tuple[str, ...]], [(1, "a"), (1,)], [[1], 1]),
    ("bare-tuple", typing.Tuple, [(), (1,)], [[1]]),
    ("deque", collections.deque[int], [collections.deque([1])], [collections.deque(["a"]), [1]]),
    ("deque-deep", collections.deque[list[int]], [collections.deque([[1]])], [collections.deque([["a"]])]),
    ("sequence", collections.abc.Sequence[int], [[1], (1,), range(3), "text"], [["a"], {1}, 1, None]),
    ("sequence-of-deque", collections.abc.Sequence[int], [collections.deque([1])], [collections.deque(["a"])]),
    ("mapping", collections.abc.Mapping[str, int], [{"a": 1}, types.MappingProxyType({"a": 1})], [{"a": "b"}, [], 1]),
    ("mapping-of-users", collections.abc.Mapping[str, int], [Table()], [Node()]),
    ("iterable", collections.abc.Iterable[int], [[1], iter([1]), numbers(), "text", {1: 2}], [1, None]),
    ("iterator", collections.abc.Iterator[int], [iter([1]), numbers()], [[1], 1]),
    ("generator", collections.abc.Generator[int, None, None], [numbers()], [iter([1])]),
    ("collection", collections.abc.Collection[int], [[1], {1}, {1: 2}], [["a"], 1]),
    ("hashable", collections.abc.Hashable, [1, "a"], [[]]),
    ("callable", Callable[[int], str], [len, Node, lambda: 1, Mock()], [1, "len", None]),
    ("callable-bare", typing.Callable, [len], [1]),
    ("callable-by-mistake", callable, [len], [1]),
    ("type", type[Node], [Node, Leaf], [int, Node(), "Node", None]),
    ("type-of-float", type[float], [float, int], [str]),
    ("type-bare", type, [int], [1]),
    ("typing-type-bare", typing.Type, [int, list[int]], [1]),
    ("type-of-any", type[Any], [int, list[int]], [1]),
    ("type-of-union", type[int | str], [int], [1]),
    (
        "typed-dict",
        Movie,
        [{"title": "a"}, {"title": "a", "year": 1}],
        [{}, {"title": 1}, {"title": "a", "year": "b"}, 1],
    ),
    ("typed-dict-with-unknown-key", Remote, [{}, {"key": 1}], [1]),
    ("named-tuple", Point, [Point(1, 2)], [(1, 2)]),
    ("dataclass", Order, [Order("a")], ["a", {"sku": "a"}]),
    ("protocol", Closes, [io.StringIO(), Mock(spec=Closes)], [1]),
    ("protocol-of-typing", SupportsInt, [1, 1.5], ["1"]),
    ("new-type", UserId, [1], ["a"]),
    ("type-variable-bound", Number, [1.0, 1], ["a"]),
    ("type-variable-constraints", AnyStr, ["a", b"a"], [1]),
    ("annotated", Annotated[int, "positive"], [1], ["a"]),
    ("annotated-deep", Annotated[list[int], "few"], [[1]], [["a"]]),
    ("final", Final[int], [1], ["a"]),
    ("class-variable", ClassVar[int], [1], ["a"]),
    ("type-guard", TypeGuard[int], [True, False], [1, None]),
    ("literal-string", LiteralString, ["a"], [1]),
    ("never", Never, [], [1, None]),
    ("text", "Node | None", [Node(), None], [1]),
    ("text-inside", list["Node"], [[Node()]], [[1]]),
    ("forward-reference", ForwardRef("list[int]"), [[1]], [["a"]]),
    ("forward-reference-inside", typing.List["Node"], [[Leaf()]], [[1]]),
    ("recursive", Json, ["a", [1, ["b"]], {"a": [None]}], [1.5, [1.5], {"a": 1.5}, {1: 1}]),
    ("text-io", TextIO, [io.StringIO(), sys.stdout], [1, "path", None, []]),
    ("binary-io", BinaryIO, [io.BytesIO(), SPOOLED], [b"data"]),
    ("io", typing.IO[str], [io.StringIO()], ["path"]),
    ("generic-of-users", Box[int], [Box()], [1, Node()]),
    ("bare-generic-of-users", Box, [Box()], [1]),
    ("mapping-generic-of-users", Table[int], [Table()], [{}, 1]),
    ("class-that-raises-when-asked", Moody, [], []),
]
UNDECIDABLE: list[tuple[str, object, str]] = [
    ("unknown-name", "Missing", "'Missing' cannot be evaluated: NameError"),
    ("unknown-attribute", "Node.missing.more", "cannot be evaluated: AttributeError"),
    ("no-expression", "not an expression at all", "cannot be evaluated: SyntaxError"),
    ("unknown-arm", Union[int, "Missing"], "'Missing' cannot be evaluated"),  # noqa: F821  (that is the point)
    ("self", Self, "Self alone names no type"),
    ("bare-union", Union, "Union alone names no type"),
    ("bare-final", Final, "is no type"),
    ("type-variable", T, "~T may be any type"),
    ("parameters", P, "stands for several types"),
    ("protocol", Opens, "the protocol Opens is not runtime-checkable"),
    ("generic-protocol", typing.Union[Opens, int], "not runtime-checkable"),
    ("unpacked", typing.Unpack[Movie], "tells nothing about one value"),
    ("number", 3, "3 is no type"),
    ("class-without-instances", Unasked, "no instances"),
    ("class-that-raises", Broken, "it cannot be evaluated: RuntimeError"),
]


def accepts(hint: object, value: object) -> bool:
    return predicate(hint, globals())(value)


ACCEPTED = [pytest.param(hint, value, id=f"{name}-{i}") for name, hint, good, _ in ROWS for i, value in enumerate(good)]
REFUSED = [pytest.param(hint, value, id=f"{name}-{i}") for name, hint, _, bad in ROWS for i, value in enumerate(bad)]


TEXTS = ("text-inside", "forward", "recursive", "text-")  # what they name is not known in another module
EVALUATED = [[row for row in rows if not str(row.id).startswith(TEXTS)] for rows in (ACCEPTED, REFUSED)]


@pytest.mark.parametrize(("hint", "value"), ACCEPTED)
def test_right_value_is_accepted(hint: object, value: object) -> None:
    assert accepts(hint, value)


@pytest.mark.parametrize(("hint", "value"), REFUSED)
def test_wrong_value_is_refused(hint: object, value: object) -> None:
    assert not accepts(hint, value)


@pytest.mark.parametrize(
    ("hint", "reason"), [pytest.param(hint, reason, id=name) for name, hint, reason in UNDECIDABLE]
)
def test_hint_that_cannot_be_decided_says_why(hint: object, reason: str) -> None:
    with pytest.raises(Undecidable) as caught:
        predicate(hint, globals())

    assert reason in str(caught.value)


CHECKED = """
from poet_import import poet

def checked(hint):
    @poet
    def check(value: hint):
        return value
    return check

def collecting(hint):
    @poet
    def check(*args: hint, **kwargs: hint):
        return args, kwargs
    return check

def returning(hint):
    @poet
    def check(value) -> hint:
        return value
    return check

def taking_literally(text):
    @poet
    def check(value: text) -> None: ...
    return check
"""


@pytest.mark.parametrize(("hint", "value"), EVALUATED[0][::7])
def test_right_argument_reaches_the_body_unchanged(hint: object, value: object, load: Load) -> None:
    assert load(CHECKED).checked(hint)(value) is value


@pytest.mark.parametrize(("hint", "value"), EVALUATED[1][::7])
def test_wrong_argument_and_result_are_violations(hint: object, value: object, load: Load) -> None:
    from poet_import import EnforceError, PerceiveError

    module = load(CHECKED)
    with pytest.raises(PerceiveError):
        module.checked(hint)(value)
    with pytest.raises(EnforceError):
        module.returning(hint)(value)


@pytest.mark.parametrize("collected", [{"args": (1, [2]), "kwargs": {}}, {"args": (), "kwargs": {"a": [1], "b": 2}}])
def test_each_collected_argument_is_checked(collected: dict[str, Any], load: Load) -> None:
    from poet_import import PerceiveError

    check = load(CHECKED).collecting(list[int])

    assert check([1], a=[2]) == (([1],), {"a": [2]})
    with pytest.raises(PerceiveError):
        check(*collected["args"], **collected["kwargs"])


def test_not_implemented_is_a_result_of_any_operator(load: Load) -> None:
    assert load(CHECKED).returning(Node)(NotImplemented) is NotImplemented


@pytest.mark.parametrize("hint", [Moody, Broken, "Missing", T], ids=["raises-late", "raises", "unknown", "variable"])
def test_hint_that_cannot_be_decided_lets_everything_through(hint: object, load: Load) -> None:
    assert load(CHECKED).checked(hint)(1) == 1


def test_skipped_hint_is_named(load: Load) -> None:
    from poet_import import describe

    (skipped,) = describe(load(CHECKED).checked("Missing")).skipped_hints

    assert skipped.startswith("value: 'Missing' cannot be evaluated")


@pytest.mark.parametrize("hint", [collections.abc.Iterator[str], collections.abc.Iterable[str], Any, Closes])
def test_iterator_is_not_consumed(hint: object) -> None:
    values = numbers()
    accepts(hint, values)

    assert list(values) == [1]


@pytest.mark.parametrize("size", [1, 8, 9, 100, 10_000])
@pytest.mark.parametrize("kind", [list, tuple, set, frozenset, collections.deque, dict.fromkeys])
def test_at_most_eight_items_are_looked_at(kind: Callable[[object], Any], size: int) -> None:
    class Counting(type):
        asked = 0

        def __instancecheck__(cls, instance: object) -> bool:
            Counting.asked += 1
            return True

    class Item(metaclass=Counting): ...

    values = kind(range(size))
    hint = (
        dict[Item, None]
        if isinstance(values, dict)
        else type(values)[Item, ...]
        if type(values) is tuple
        else type(values)[Item]
    )
    test = predicate(hint, {})
    Counting.asked = 0

    assert test(values)
    assert min(size, 4) <= Counting.asked <= 8


def test_container_that_changes_meanwhile_is_let_through() -> None:
    growing: dict[str, object] = {"a": 1, "b": 2}

    class Growing(type):
        def __instancecheck__(cls, instance: object) -> bool:
            growing[f"key {len(growing)}"] = 1
            return True

    class Item(metaclass=Growing): ...

    from poet_import.runtime import all_are, pairs_are

    values = {1, 2}

    class Adding(type):
        def __instancecheck__(cls, instance: object) -> bool:
            values.add(len(values) + 10)
            return True

    class Added(metaclass=Adding): ...

    assert pairs_are(growing, str, Item)
    assert all_are(values, Added)


@pytest.mark.parametrize("value", [Mock(spec=list), MagicMock(spec=list), Mock(spec=dict), Mock(spec=set), 1])
def test_flat_container_test_passes_what_it_cannot_look_into(value: object) -> None:
    from poet_import.runtime import all_are, pairs_are

    assert all_are(value, int)
    assert pairs_are(value, str, int)


@pytest.mark.skipif(sys.version_info < (3, 12), reason="PEP 695 is new in 3.12")
def test_type_statements_are_followed(load: Load) -> None:
    from poet_import import PerceiveError

    module = load(
        """
from poet_import import poet
type Tree = int | list[Tree]
type Pair[T] = tuple[T, T]
type Unknown = Missing

@poet
def grow(tree: Tree, pair: Pair[int] = (1, 2), unknown: Unknown = None) -> Tree:
    return tree

@poet
def first[N: int](items: "list[N]") -> "N":
    return items[0]

class Stack[T]:
    @poet
    def push(self, item: T, other: "Stack[int]") -> "Stack[int]":
        return other
"""
    )
    stack = module.Stack()

    assert module.grow([1, [2]], unknown=3) == [1, [2]]
    assert module.first([1]) == 1
    assert stack.push(1, stack) is stack
    for call in (
        lambda: module.grow("a"),
        lambda: module.grow(1, "ab"),
        lambda: module.first(1),
        lambda: stack.push(1, 2),
    ):
        with pytest.raises(PerceiveError):
            call()


SCALARS = st.one_of(st.integers(), st.floats(), st.text(max_size=3), st.binary(max_size=3), st.booleans(), st.none())
VALUES = st.recursive(
    SCALARS,
    lambda inner: st.one_of(
        st.lists(inner, max_size=12),
        st.lists(inner, max_size=4).map(tuple),
        st.dictionaries(st.text(max_size=2) | st.integers(), inner, max_size=12),
        st.frozensets(st.integers() | st.text(max_size=2), max_size=12),
    ),
    max_leaves=30,
)
ATOMS: list[object] = [int, float, complex, str, bytes, bool, None, Any, object, Literal["a", 1], "int", UserId]
HINTS: st.SearchStrategy[Any] = st.recursive(  # a hint may be anything
    st.sampled_from(ATOMS),
    lambda inner: st.one_of(
        inner.map(lambda item: list[item]),
        inner.map(lambda item: tuple[item, ...]),
        inner.map(lambda item: frozenset[item]),
        inner.map(lambda item: collections.abc.Sequence[item]),
        inner.map(lambda item: Optional[item]),
        inner.map(lambda item: Annotated[item, "note"]),
        st.tuples(inner, inner).map(lambda pair: dict[pair[0], pair[1]]),
        st.tuples(inner, inner).map(lambda pair: tuple[pair[0], pair[1]]),
        st.tuples(inner, inner).map(lambda pair: Union[pair[0], pair[1]]),
    ),
    max_leaves=4,
)
PLAIN: dict[object, tuple[type, ...]] = {
    int: (int,),
    float: (float, int),
    complex: (complex, float, int),
    str: (str,),
    bytes: (bytes,),
    bool: (bool,),
    "int": (int,),
    UserId: (int,),
    None: (type(None),),
    type(None): (type(None),),
    Any: (object,),
    object: (object,),
}


def is_right(hint: Any, value: object) -> bool:
    """Check every item of a value, slowly: what the fast test is compared with."""
    if isinstance(hint, ForwardRef):
        return is_right(hint.__forward_arg__, value)
    if typing.get_origin(hint) is None:
        return isinstance(value, PLAIN[hint])
    origin, arguments = typing.get_origin(hint), typing.get_args(hint)
    if origin is Literal:
        return any(type(value) is type(known) and value == known for known in arguments)
    if origin is Union:
        return any(is_right(argument, value) for argument in arguments)
    if origin is Annotated:
        return is_right(arguments[0], value)
    return isinstance(value, origin) and items_are_right(origin, arguments, value)


def items_are_right(origin: object, arguments: tuple[Any, ...], value: Any) -> bool:
    if origin is dict:
        return all(is_right(arguments[0], key) and is_right(arguments[1], item) for key, item in value.items())
    if origin is tuple and arguments[1] is not ...:
        return len(value) == 2 and all(map(is_right, arguments, value))
    return isinstance(value, str | bytes) or all(is_right(arguments[0], item) for item in value)


@given(HINTS, VALUES)
def test_value_that_is_right_throughout_is_never_refused(hint: object, value: object) -> None:
    assert accepts(hint, value) or not is_right(hint, value)


@given(HINTS, SCALARS)
def test_wrong_scalar_is_always_refused(hint: object, value: object) -> None:
    assert accepts(hint, value) == is_right(hint, value)
