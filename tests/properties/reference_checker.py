"""Two plain, slow judges of a value and a hint, which look at everything and are written to be read.

They are no mirror of the checks under test: between what is surely right and what is surely wrong lies what a check may
decide as it likes.
"""

from __future__ import annotations

import collections
import types
import typing
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any, Literal, NewType, TypeVar, Union

Names = Mapping[str, object]
TOWER = {float: (float, int), complex: (complex, float, int)}
LOOKED_INTO = (list, tuple, set, frozenset, collections.deque)
LOOKED_INTO_BY_KEY = (dict, collections.defaultdict, collections.OrderedDict)
MOST_ITEMS = 8  # of a container that a check promises to look at
WRAPPERS = (typing.Final, typing.Required, typing.NotRequired)


def meaning(hint: object, names: Names) -> object:  # noqa: C901  (one line for each kind of hint)
    """Return the hint that a text, a reference, an alias or a wrapper stands for; Any where that is not known."""
    while True:
        if isinstance(hint, typing.ForwardRef):
            hint = hint.__forward_arg__
        elif isinstance(hint, str):
            try:
                hint = eval(hint, dict(names))
            except NameError:
                return Any
        elif isinstance(hint, NewType):
            hint = hint.__supertype__
        elif isinstance(hint, TypeVar):
            hint = Union[hint.__constraints__] if hint.__constraints__ else hint.__bound__ or Any  # noqa: UP007
        elif type(hint).__name__ == "TypeAliasType":
            hint = hint.__value__
        elif typing.get_origin(hint) in WRAPPERS or hasattr(hint, "__metadata__"):
            hint = typing.get_args(hint)[0]
        else:
            return hint


def is_plain_protocol(hint: object) -> bool:
    """Tell whether nothing can be asked of a value: the protocol is for type checkers only."""
    return getattr(hint, "_is_protocol", False) and not getattr(hint, "_is_runtime_protocol", False)


def is_unpacked(argument: object) -> bool:
    return bool(getattr(argument, "__unpacked__", False))


def is_instance(value: object, kind: Any) -> bool:
    return isinstance(value, TOWER.get(kind, kind))


def is_right(value: Any, hint: object, names: Names) -> bool:  # noqa: C901, PLR0911, PLR0912  (as above)
    """Tell whether a value, and every item in it, surely is what the hint says."""

    def fit(values: Iterable[object], item: object) -> bool:
        return all(is_right(each, item, names) for each in values)

    hint = meaning(hint, names)
    origin, arguments = typing.get_origin(hint), typing.get_args(hint)
    if hint in (Any, object) or is_plain_protocol(hint):
        return True
    if hint is None or hint is types.NoneType:
        return value is None
    if hint is typing.Self:
        return isinstance(value, names["Host"])  # type: ignore[arg-type]  # a class
    if origin in (Union, types.UnionType):
        return any(is_right(value, arm, names) for arm in arguments)
    if origin is Literal:
        return any(type(value) is type(constant) and value == constant for constant in arguments)
    if origin is type:
        return isinstance(value, type) and is_subclass(value, arguments[0], names)
    if type(origin).__name__ == "TypeAliasType":
        return is_right(value, origin.__value__[arguments], names)
    if typing.is_typeddict(hint):
        return isinstance(value, dict) and fits_keys(value, hint, names)
    if origin is None:
        return is_instance(value, hint)
    if not isinstance(value, origin):
        return False
    if origin is tuple and any(map(is_unpacked, arguments)):  # the last one, as in tuple[int, *tuple[str, ...]]
        *fixed, rest = arguments
        head, tail = value[: len(fixed)], value[len(fixed) :]
        return is_right(head, tuple[*fixed], names) and is_right(tail, tuple[typing.get_args(rest)], names)
    if origin is tuple and arguments[-1:] != (...,):
        return len(value) == len(arguments) and all(map(is_right, value, arguments, [names] * len(arguments)))
    if issubclass(origin, Mapping):
        return fit(value.keys(), arguments[0]) and fit(value.values(), arguments[1])
    if origin is Callable or not isinstance(value, Iterable) or isinstance(value, Iterator):
        return True
    return fit(value, arguments[0])


def is_subclass(value: type, hint: object, names: Names) -> bool:
    hint = meaning(hint, names)
    arms = typing.get_args(hint) or (hint,)
    return any(arm is Any or issubclass(value, TOWER.get(arm, arm)) for arm in arms)


def fits_keys(value: dict[object, object], hint: Any, names: Names) -> bool:
    """Tell whether a dict has what a TypedDict asks for, and nothing else."""
    kinds = typing.get_type_hints(hint)
    if not hint.__required_keys__ <= value.keys() <= kinds.keys():
        return False
    return all(is_right(each, kinds[key], names) for key, each in value.items())


def is_same(value: object, constant: object) -> bool:
    """Compare with a member of a Literal: a member of an IntEnum may be a number, True is none."""
    return value == constant and isinstance(value, type(constant)) and type(value) not in {bool} - {type(constant)}


def is_wrong(value: Any, hint: object, names: Names) -> bool:  # noqa: C901, PLR0911  (as above)
    """Tell whether a value surely is not what the hint says: it, or an item that a check promises to look at."""

    def some_is_wrong(values: Iterable[object], item: object) -> bool:
        looked_at = list(values)
        return len(looked_at) <= MOST_ITEMS and any(is_wrong(each, item, names) for each in looked_at)

    hint = meaning(hint, names)
    origin, arguments = typing.get_origin(hint), typing.get_args(hint)
    if hint in (Any, object, typing.Self) or is_plain_protocol(hint) or type(origin).__name__ == "TypeAliasType":
        return False
    if origin in (Union, types.UnionType):
        return all(is_wrong(value, arm, names) for arm in arguments)
    if origin is Literal:
        return not any(is_same(value, constant) for constant in arguments)
    if origin is type:
        return not isinstance(value, type)
    if typing.is_typeddict(hint):
        return not isinstance(value, dict) or not hint.__required_keys__ <= value.keys()
    if origin in (None, Callable) or not isinstance(value, origin):
        return not is_right(value, hint, names)
    if origin is tuple and any(map(is_unpacked, arguments)):
        return False
    if origin is tuple and arguments[-1:] != (...,):
        return len(value) != len(arguments) or any(map(is_wrong, value[:8], arguments, [names] * len(arguments)))
    if type(value) in LOOKED_INTO_BY_KEY and issubclass(origin, Mapping):
        return some_is_wrong(value.keys(), arguments[0]) or some_is_wrong(value.values(), arguments[1])
    is_collection = origin in LOOKED_INTO or issubclass(origin, collections.abc.Collection)
    return type(value) in LOOKED_INTO and is_collection and some_is_wrong(value, arguments[0])
