"""Read by mypy --strict, never run: a marker does not change the type of what it marks."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Iterator
from typing import assert_type

from poet_import import poet


@poet
def plain(a: int, *, b: str = "") -> float:
    return a + len(b)


@poet()
def called(a: int) -> str:
    return str(a)


@poet(domain="api_operations", retries=3, timeout=2.0, retry_on=(ConnectionError,), on_violation="warn")
def with_options(a: int) -> str:
    return str(a)


@poet("api_operations", retries=3)
def with_position(a: int) -> str:
    return str(a)


@poet(optimize_for="speed", semantics="intent", retry_on=lambda error: isinstance(error, OSError))
async def asynchronous(a: int) -> bytes:
    return bytes(a)


@poet
def generator(a: int) -> Iterator[int]:
    yield a


@poet(retries=1)
async def asynchronous_generator(a: int) -> AsyncIterator[int]:
    yield a


class Shop:
    def __init__(self, label: str = "") -> None:
        self.label = label

    @poet
    def price(self, sku: str) -> float:
        return len(sku)

    @poet(retries=1)
    @classmethod
    def open(cls, name: str) -> Shop:
        return cls(name)

    @staticmethod
    @poet
    def closed(day: int) -> bool:
        return day > 5

    @property
    @poet
    def name(self) -> str:
        return self.label


async def awaited() -> None:
    assert_type(await asynchronous(1), bytes)


assert_type(plain(1, b="c"), float)
assert_type(called(1), str)
assert_type(with_position(1), str)
assert_type(with_options(1), str)
assert_type(generator(1), Iterator[int])
assert_type(asynchronous_generator(1), AsyncIterator[int])
assert_type(Shop().price("a"), float)
assert_type(Shop.open("a"), Shop)
assert_type(Shop.closed(1), bool)
assert_type(Shop().name, str)
wants_one_int: Callable[[int], str] = called
plain("1")  # type: ignore[arg-type]  # parameters keep their types
plain(1, "c")  # type: ignore[call-arg]  # and their kinds
