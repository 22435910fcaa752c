"""Tests of a value against classes and constants: those that need no other test inside."""

from collections.abc import Callable
from types import UnionType

Predicate = Callable[[object], bool]

TOWER: dict[object, tuple[type, ...]] = {float: (float, int), complex: (complex, float, int)}  # PEP 484
_ATOMS = (str, bytes, int, float, complex, bool, type(None), list, tuple, dict, set, frozenset)
_PLAIN = (int, str, float, bool, bytes, complex, object, type(None))


class Undecidable(Exception):  # noqa: N818  (a verdict, which never reaches a user)
    """A hint that cannot be decided; the text says why."""


def anything(_value: object) -> bool:
    return True


def _is_no_scalar(value: object) -> bool:
    """Tell whether a value may be a file: wrappers such as tempfile's forward to one without being one."""
    return type(value) not in _ATOMS


SPECIAL: dict[str, Predicate] = {
    "Any": anything,
    "BinaryIO": _is_no_scalar,
    "IO": _is_no_scalar,
    "LiteralString": lambda value: isinstance(value, str),
    "Never": lambda _: False,
    "NoReturn": lambda _: False,
    "TextIO": _is_no_scalar,
}
"""Tests for the bare special forms of the typing module, by name."""


def classes_of(hint: object) -> tuple[type, ...]:
    """Return the built-in classes that a hint allows where that is all it says, else nothing."""
    if hint is None:
        return (type(None),)
    if type(hint) is UnionType:
        parts = [classes_of(part) for part in hint.__args__]
        return tuple(kind for part in parts for kind in part) if all(parts) else ()
    return TOWER.get(hint, (hint,)) if isinstance(hint, type) and hint in _PLAIN else ()


def instance_of(kind: type) -> Predicate:
    """Return the test for a class.

    Raises:
        Undecidable: The class cannot be asked.
    """
    try:
        isinstance(None, kind)
    except TypeError as error:
        raise Undecidable(str(error)) from None
    return lambda value: isinstance(value, kind)


def one_of(constants: tuple[object, ...]) -> Predicate:
    """Return the test for ``Literal``."""
    return lambda value: any(_is_same_kind(value, constant) and value == constant for constant in constants)


def _is_same_kind(value: object, constant: object) -> bool:
    """Tell a bool from the integer that it equals; a string or integer of a subclass is one all the same."""
    return isinstance(value, type(constant)) and isinstance(value, bool) is isinstance(constant, bool)


def subclass_of(bound: object) -> Predicate:
    """Return the test for ``type[bound]``; a generic alias such as ``list[int]`` passes for a class."""
    plain = isinstance(bound, type) and not getattr(bound, "_is_protocol", False) and not hasattr(bound, "__origin__")
    plain = plain and bound.__module__ != "typing"  # since 3.11 Any is a class, and no class is a subclass of it
    kinds = TOWER.get(bound, (bound,)) if plain else (object,)

    def test(value: object) -> bool:
        if not isinstance(value, type):
            return hasattr(value, "__origin__")
        return issubclass(value, kinds)  # type: ignore[arg-type]  # plain says that it is a class

    return test
