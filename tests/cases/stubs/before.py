from abc import ABC, abstractmethod
from typing import Protocol

from poet_import import poet


@poet(retries=3, timeout=1)
def ellipsis(x: int) -> int: ...


@poet
def docstring(x: int) -> int:
    """Doc."""


@poet
def passing() -> int:
    pass


@poet
def may_be_nothing() -> int | None:
    """Doc."""


@poet
def deep() -> "Later":
    ...


class A(ABC):
    @abstractmethod
    @poet
    def f(self) -> int: ...


class P(Protocol):
    @poet
    def f(self) -> int: ...
