"""Turn evaluated annotations into predicates: exact where that is possible, silent where nothing can be decided.

A check never converts, never iterates an iterator, and looks at most at `MOST_ITEMS` items of a built-in container.
What the typing module defines is compared only if somebody has imported it: this module does not.
"""

import collections.abc
import sys
import types
from sys import _getframe  # bound now: somebody may take it away later

from poet_import.runtime import MAPPINGS, MOST_ITEMS, SEQUENCES, all_are, pairs_are, spread
from poet_import.runtime.bindings import Binding, binding_of_running
from poet_import.runtime.kinds import (
    SPECIAL,
    TOWER,
    Predicate,
    Undecidable,
    anything,
    classes_of,
    instance_of,
    one_of,
    subclass_of,
)

__all__ = ["Predicate", "Undecidable", "fits", "predicate", "resolve_all"]

_WRAPPERS = ("Final", "ClassVar", "Required", "NotRequired", "ReadOnly")
_GUARDS = ("TypeGuard", "TypeIs")
_NAMELESS = frozenset(
    ("Self", "Optional", "Union", "Literal", "Generic", "Protocol", "TypeAlias", "Concatenate", "Unpack")
)
_MOST_DEPTH = 6  # of nested hints; a recursive alias has no end


def fits(parameter: str, value: object) -> bool:
    """Tell whether a value may be what the calling function's annotation says; a parameter's default always may."""
    code = _getframe(1).f_code
    binding = binding_of_running(code)
    if binding is None:
        return True
    try:
        check = binding.checks[parameter]
    except KeyError:
        check = binding.checks[parameter] = _resolve(binding, parameter)
    try:
        if check is None or check(value):  # type: ignore[operator]  # a predicate or None
            return True
    except Exception:  # noqa: BLE001  (a class of the user's may raise anything when it is asked; it then says nothing)
        return True
    return value is NotImplemented or value is binding.default(parameter, code)


def _resolve(binding: Binding, parameter: str) -> Predicate | None:
    try:
        item = predicate(binding.annotation(parameter), binding.namespace)
    except Undecidable as reason:
        binding.skipped[parameter] = str(reason)
        return None
    if parameter.startswith("**"):
        return lambda values: all(map(item, list(values.values())[:MOST_ITEMS]))  # type: ignore[attr-defined]  # a dict
    if parameter.startswith("*"):
        return lambda values: all(map(item, spread(values)))  # type: ignore[arg-type]  # a tuple
    return item


def resolve_all(binding: Binding, function: types.FunctionType) -> None:
    """Decide every hint of a function now, so that what cannot be decided can be told."""
    for parameter in function.__annotations__:
        if parameter not in binding.checks:
            binding.checks[parameter] = _resolve(binding, parameter)


def predicate(hint: object, names: dict[str, object]) -> Predicate:
    """Return a test for a hint.

    Args:
        hint: The annotation as Python evaluated it; a string is evaluated here.
        names: The namespace for strings and forward references.

    Raises:
        Undecidable: The hint tells nothing about a single value, or cannot be evaluated.
    """
    try:
        return _read(hint, names, 0)
    except Undecidable:
        raise
    except Exception as error:  # noqa: BLE001  (metaclasses and lazily evaluated aliases run code of the user's)
        raise Undecidable(f"it cannot be evaluated: {error!r}") from None


def _read(hint: object, names: dict[str, object], depth: int) -> Predicate:
    if depth > _MOST_DEPTH:
        return anything
    if hint is None or hint is type(None):
        return lambda value: value is None
    if isinstance(hint, str):
        return _read(_evaluate(hint, names), names, depth + 1)
    for read in (_special, _wrapped, _generic, _class):
        found = read(hint, names, depth)
        if found is not None:
            return found
    raise Undecidable(f"{hint!r} is no type")


def _evaluate(text: str, names: dict[str, object]) -> object:
    try:
        return eval(text, dict(names))  # noqa: S307  (the user's own annotation, as typing.get_type_hints does)
    except Exception as error:  # noqa: BLE001  (an annotation may raise anything; it is then undecidable)
        raise Undecidable(f"{text!r} cannot be evaluated: {error!r}") from None


def _special(hint: object, _names: dict[str, object], _depth: int) -> Predicate | None:
    """Return the test for a bare special form of the typing module, and for ``object``."""
    if hint is object:
        return anything
    name = getattr(hint, "_name", None) or getattr(hint, "__name__", "")
    if getattr(hint, "__module__", "") not in ("typing", "typing_extensions") or hasattr(hint, "__args__"):
        return None
    if name in _NAMELESS:
        raise Undecidable(f"{name} alone names no type")
    return SPECIAL.get(str(name))


def _wrapped(hint: object, names: dict[str, object], depth: int) -> Predicate | None:
    """Return the test for a hint that stands for another one."""
    kind = type(hint).__name__
    if kind == "ForwardRef":
        return _read(getattr(hint, "__forward_arg__", ""), names, depth + 1)
    if kind == "TypeAliasType":
        return _read(getattr(hint, "__value__", None), names, depth + 1)
    if hasattr(hint, "__supertype__"):
        return _read(hint.__supertype__, names, depth + 1)
    if hasattr(hint, "__metadata__"):
        return _read(getattr(hint, "__origin__", None), names, depth + 1)
    if kind in ("ParamSpec", "TypeVarTuple", "ParamSpecArgs", "ParamSpecKwargs"):
        raise Undecidable(f"{hint!r} stands for several types")
    if kind == "TypeVar":
        options = getattr(hint, "__constraints__", ()) or (getattr(hint, "__bound__", None),)
        if options == (None,):
            raise Undecidable(f"{hint!r} may be any type")
        return _any_of(options, names, depth)
    return None


def _generic(hint: object, names: dict[str, object], depth: int) -> Predicate | None:
    """Return the test for a hint with arguments."""
    arguments = getattr(hint, "__args__", None)
    origin = getattr(hint, "__origin__", None)
    if isinstance(hint, types.UnionType):
        return _any_of(hint.__args__, names, depth)
    if origin is None:
        return None
    if origin is tuple and arguments == ():
        return lambda value: isinstance(value, tuple) and not value
    if isinstance(origin, type):
        return _container(origin, tuple(arguments or ()), names, depth=depth)
    return _form(hint, names, depth)


def _form(hint: object, names: dict[str, object], depth: int) -> Predicate:
    """Return the test for a special form of the typing module with arguments."""
    arguments: tuple[object, ...] = getattr(hint, "__args__", ())
    origin = getattr(hint, "__origin__", None)
    name = getattr(origin, "_name", "") or getattr(origin, "__name__", "")
    if name == "Union":
        return _any_of(arguments, names, depth)
    if name == "Literal":
        return one_of(arguments)
    if name in _WRAPPERS:
        return _read(arguments[0], names, depth + 1)
    if name in _GUARDS:
        return lambda value: isinstance(value, bool)
    if type(origin).__name__ == "TypeAliasType":
        return _read(origin, names, depth + 1)
    raise Undecidable(f"{hint!r} tells nothing about one value")


def _any_of(hints: tuple[object, ...], names: dict[str, object], depth: int) -> Predicate:
    tests = [_read(hint, names, depth + 1) for hint in hints]
    return lambda value: any(test(value) for test in tests)


def _class(hint: object, names: dict[str, object], depth: int) -> Predicate | None:
    """Return the test for a plain class."""
    if not isinstance(hint, type):
        return _container(collections.abc.Callable, (), names, depth=depth) if hint is callable else None  # type: ignore[arg-type]
    if hint in TOWER:
        kinds = TOWER[hint]
        return lambda value: isinstance(value, kinds)
    if type(hint).__name__ == "_TypedDictMeta":
        return _typed_dict(hint, depth)
    if getattr(hint, "_is_protocol", False) and not getattr(hint, "_is_runtime_protocol", False):
        raise Undecidable(f"the protocol {hint.__qualname__} is not runtime-checkable")
    return instance_of(hint)


def _typed_dict(hint: type, depth: int) -> Predicate:
    module = sys.modules.get(hint.__module__)
    names = dict(vars(module)) if module else {}
    required = {key for key in getattr(hint, "__required_keys__", ()) if _is_required(hint.__annotations__[key], names)}
    tests = {key: _part(value, names, depth) for key, value in list(hint.__annotations__.items())[:MOST_ITEMS]}
    return lambda value: (
        isinstance(value, dict)
        and required <= value.keys()
        and all(test(value[key]) for key, test in tests.items() if key in value)
    )


def _is_required(hint: object, names: dict[str, object]) -> bool:
    """Tell whether a key is required that its class calls so: it has not seen a ``NotRequired`` in a text."""
    text = getattr(hint, "__forward_arg__", hint)
    if not isinstance(text, str):
        return True
    try:
        found = _evaluate(text, names)
    except Undecidable:
        return False
    return _is_required(found, names) and getattr(getattr(found, "__origin__", None), "_name", "") != "NotRequired"


def _container(origin: type, arguments: tuple[object, ...], names: dict[str, object], *, depth: int) -> Predicate:
    """Return the test for a class with type arguments; of user classes only the class is looked at."""
    if origin is type:
        return subclass_of(arguments[0] if arguments else object)
    is_kind = instance_of(origin) if origin is tuple else _read(origin, names, depth)
    if origin is collections.abc.Callable or not arguments:  # type: ignore[comparison-overlap]  # a class at run time
        return is_kind
    if origin is tuple and not (len(arguments) == 2 and arguments[1] is ...):
        return _fixed_tuple(arguments, names, depth)
    if len(arguments) == 2 and issubclass(origin, collections.abc.Mapping):
        return _mapping(is_kind, arguments, names, depth=depth)
    if _is_collection_hint(origin):
        return _collection(is_kind, arguments[0], names, depth=depth)
    return is_kind


def _mapping(is_kind: Predicate, arguments: tuple[object, ...], names: dict[str, object], *, depth: int) -> Predicate:
    key_kinds, value_kinds = map(classes_of, arguments)
    if key_kinds and value_kinds:
        return lambda value: is_kind(value) and pairs_are(value, key_kinds, value_kinds)
    keys, values = (_part(argument, names, depth) for argument in arguments)
    return lambda value: is_kind(value) and (type(value) not in MAPPINGS or _pairs_fit(value, keys, values))


def _collection(is_kind: Predicate, argument: object, names: dict[str, object], *, depth: int) -> Predicate:
    kinds = classes_of(argument)
    if kinds:
        return lambda value: is_kind(value) and all_are(value, kinds)
    item = _part(argument, names, depth)
    return lambda value: is_kind(value) and (type(value) not in SEQUENCES or all(map(item, spread(value))))  # type: ignore[arg-type]  # one of them


def _is_collection_hint(origin: type) -> bool:
    """Tell whether a generic promises a collection of its first argument.

    ``Iterable`` does not: its values may be used up by looking, so not even those that would not be are looked into.
    """
    return origin in SEQUENCES or (
        origin.__module__ == "collections.abc" and issubclass(origin, collections.abc.Collection)
    )


def _part(argument: object, names: dict[str, object], depth: int) -> Predicate:
    """Return the test for a type argument; one that cannot be decided leaves the container decidable."""
    try:
        return _read(argument, names, depth + 1)
    except Undecidable:
        return anything


def _pairs_fit(value: object, keys: Predicate, values: Predicate) -> bool:
    pairs = zip(range(MOST_ITEMS), value.items(), strict=False)  # type: ignore[attr-defined]  # a built-in dict
    return all(keys(key) and values(item) for _, (key, item) in pairs)


def _fixed_tuple(arguments: tuple[object, ...], names: dict[str, object], depth: int) -> Predicate:
    if any(map(_is_unpacked, arguments)):
        return lambda value: isinstance(value, tuple)
    tests = [_part(argument, names, depth) for argument in arguments]
    return lambda value: (
        isinstance(value, tuple)
        and len(value) == len(tests)
        and all(test(item) for test, item in zip(tests[:MOST_ITEMS], value, strict=False))
    )


def _is_unpacked(argument: object) -> bool:
    """Tell whether a type argument stands for any number of them: ``*Ts`` and ``*tuple[int, ...]``."""
    return type(argument).__name__ == "_UnpackGenericAlias" or bool(getattr(argument, "__unpacked__", False))
