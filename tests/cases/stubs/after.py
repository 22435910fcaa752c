import poet_import.runtime as __poet__
from abc import ABC, abstractmethod
from typing import Protocol

from poet_import import poet


@poet(retries=3, timeout=1)
def ellipsis(x: int) -> int:
    # perceive
    if not isinstance(x, int):
        raise __poet__.perceive("x", x, "int")
    # operate
    ...
    # enforce
    raise __poet__.enforce("return", None, "int", stub=True)


@poet
def docstring(x: int) -> int:
    """Doc."""
    # perceive
    if not isinstance(x, int):
        raise __poet__.perceive("x", x, "int")
    # operate
    # enforce
    raise __poet__.enforce("return", None, "int", stub=True)


@poet
def passing() -> int:
    # operate
    pass
    # enforce
    raise __poet__.enforce("return", None, "int", stub=True)


@poet
def may_be_nothing() -> int | None:
    """Doc."""


@poet
@__poet__.hints
def deep() -> "Later":
    # operate
    ...
    # enforce
    _poet_result = None
    if not __poet__.fits("return", _poet_result):
        raise __poet__.enforce("return", _poet_result, stub=True)


class A(ABC):
    @abstractmethod
    @poet
    def f(self) -> int: ...


class P(Protocol):
    @poet
    def f(self) -> int: ...
