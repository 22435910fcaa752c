"""What stands in for Dana where its runtime is not needed: the promises, and how a hosted function is called."""

from collections.abc import Callable
from types import FunctionType, ModuleType


class Promise:
    """Stands for a value, as an argument that is a call does; no ``isinstance`` knows of what class that is."""

    __module__ = "dana.core.concurrency.eager_promise"

    def __init__(self, value: object) -> None:
        self.value = value


def resolve_if_promise(value: object) -> object:
    if not isinstance(value, Promise):
        return value
    if isinstance(value.value, Exception):
        raise value.value
    return value.value


def modules() -> dict[str, ModuleType]:
    """Return the modules that a process with Dana in it has loaded, as far as we look at them."""
    concurrency = ModuleType("dana.core.concurrency")
    vars(concurrency)["resolve_if_promise"] = resolve_if_promise
    return {"dana": ModuleType("dana"), "dana.core.concurrency": concurrency}


def call_twice(function: Callable[..., object], *arguments: object) -> object:
    """Call once more, at once, where certain errors come."""
    try:
        return function(*arguments)
    except (ValueError, TypeError, AttributeError):
        return function(*arguments)


def call_one_after_the_other(first: Callable[[], object], second: Callable[[int], object]) -> object:
    """Call the second function where the first one fails."""
    try:
        return first()
    except ValueError:
        return second(1)


def in_dana(function: FunctionType) -> Callable[..., object]:
    """Return a function as if a module of Dana's had defined it."""
    return FunctionType(function.__code__, {**globals(), "__name__": "dana.registry.function_registry"})


call = in_dana(call_twice)


class DanaFunction:
    """Has what Dana's own has; two positional arguments go where it expects its contexts."""

    def __init__(self, name: str, body: Callable[..., object], **facts: object) -> None:
        self.__name__ = name
        self.parameters = list(body.__code__.co_varnames[: body.__code__.co_argcount])
        self.defaults = facts.get("defaults", {})
        self.return_type = facts.get("return_type")
        self.is_sync = False
        self._body = body

    def __call__(self, context: object = None, local_context: object = None, *args: object, **kwargs: object) -> object:
        assert context is None
        assert local_context is None
        return self._body(*args, **kwargs)
