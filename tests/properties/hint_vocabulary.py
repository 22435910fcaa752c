"""What generated annotations name: one of each kind of type that people write. Modules under test import all of it."""
# ruff: noqa: F401, UP035  (modules under test import from here; users write the older spellings too)

import sys
from collections import OrderedDict, defaultdict, deque
from collections.abc import (
    Callable,
    Collection,
    Iterable,
    Iterator,
    Mapping,
    MutableMapping,
    MutableSequence,
    Sequence,
)
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from enum import Enum, IntEnum
from pathlib import PurePosixPath
from typing import (
    Annotated,
    Any,
    Dict,
    Final,
    FrozenSet,
    Generic,
    List,
    Literal,
    NamedTuple,
    NewType,
    NotRequired,
    Optional,
    Protocol,
    Required,
    Self,
    Set,
    Tuple,
    Type,
    TypedDict,
    TypeVar,
    Union,
    runtime_checkable,
)

T = TypeVar("T")
Free = TypeVar("Free")
Bound = TypeVar("Bound", bound=float)
BoundByText = TypeVar("BoundByText", bound="Animal")
Choice = TypeVar("Choice", int, str)


class Animal: ...


class Dog(Animal): ...


class Colour(Enum):
    RED = "red"
    BLUE = "blue"


class Level(IntEnum):
    LOW = 1


class Point(NamedTuple):
    x: int
    y: str


@dataclass(frozen=True)
class Order:
    sku: str
    count: int = 0


class Movie(TypedDict):
    title: str
    year: NotRequired[int]


class Partial(TypedDict, total=False):
    title: Required[str]
    cast: list[str]
    sequel: Movie


class Box(Generic[T]): ...


@runtime_checkable
class HasName(Protocol):
    name: str


@runtime_checkable
class Closes(Protocol):
    def close(self) -> None: ...


class Opens(Protocol):
    def open(self) -> None: ...


class Named:
    name = "named"

    def close(self) -> None: ...


UserId = NewType("UserId", int)
Names = NewType("Names", list[str])  # type: ignore[valid-newtype]  # at run time any type will do
Json = Union[int, str, None, list["Json"], dict[str, "Json"]]  # noqa: UP007  (a union with a text in it)

if sys.version_info >= (3, 12):
    exec("type Number = int | float\ntype Pair[P] = tuple[P, P]")
else:
    Number = int | float
    Pair = Tuple[T, T]  # noqa: UP006  (takes an argument, as the alias does)
