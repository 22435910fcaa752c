"""From annotations and usage to specifications of inputs."""

from __future__ import annotations

import ast
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from poet_import.source.compiling import parse_expression
from poet_import.source.scopes import FunctionNode, parameters
from poet_import.validation.pure import METHODS
from poet_import.validation.trials.literals import AMBIGUOUS, Spec, Usage, used_attributes

_ATOMS: Final = {
    **{name: [name] for name in ("int", "float", "str", "bool", "bytes", "bytearray", "complex", "date", "datetime", "time", "timedelta")},
    "Decimal": ["decimal"], "Fraction": ["fraction"], "None": ["none"], "Any": ["any"], "object": ["any"],
    "Hashable": ["str"], "AnyStr": ["str"], "Number": ["int"], "Real": ["float"], "SupportsFloat": ["float"],
    "LiteralString": ["str"], "SupportsInt": ["int"], "Integral": ["int"],
}  # fmt: skip
_LISTS: Final = frozenset("list List Sequence MutableSequence Collection UserList deque".split())
_SETS: Final = frozenset("set Set AbstractSet MutableSet".split())
_DICTS: Final = frozenset("dict Dict Mapping MutableMapping OrderedDict defaultdict Counter".split())
_ITERATORS: Final = frozenset("Iterable Iterator Generator Reversible".split())
_TRANSPARENT: Final = frozenset("Annotated Final Required NotRequired ReadOnly ClassVar".split())


@dataclass(frozen=True, slots=True)
class Parameter:
    """A parameter as the driver fills it."""

    name: str
    kind: str  # first, either, named, rest, named rest
    spec: Spec
    optional: bool


class Specs:
    """The specifications of the parameters of one function."""

    def __init__(self, function: FunctionNode, module: ast.Module, usage: Usage) -> None:
        self._function = function
        self._usage = usage
        self._classes = {node.name: node for node in ast.walk(module) if isinstance(node, ast.ClassDef)}
        self._aliases = dict(_aliases(module))
        self._objects = False
        self.classes: set[str] = set()  # those of the module that inputs are made of

    def parameters(self, *, bound: bool, objects: bool = False) -> list[Parameter]:
        """Return all parameters.

        Args:
            bound: Whether the first one is the object that the function belongs to.
            objects: Whether those without an annotation that are asked for attributes are objects, whatever these say.
        """
        self._objects = objects
        spec = self._function.args
        first = [(argument, "first") for argument in spec.posonlyargs] + [
            (argument, "either") for argument in spec.args
        ]
        without = len(first) - len(spec.defaults)
        rows = [
            self._parameter(argument, kind, optional=place >= without, bound=bound and place == 0)
            for place, (argument, kind) in enumerate(first)
        ]
        if spec.vararg:
            rows.append(self._parameter(spec.vararg, "rest", optional=True))
        for argument, default in zip(spec.kwonlyargs, spec.kw_defaults, strict=True):
            rows.append(self._parameter(argument, "named", optional=default is not None))
        if spec.kwarg:
            rows.append(self._parameter(spec.kwarg, "named rest", optional=True))
        return rows

    def _parameter(self, argument: ast.arg, kind: str, *, optional: bool, bound: bool = False) -> Parameter:
        if bound:
            return Parameter(argument.arg, kind, ["object", argument.arg], optional=False)
        known = self.of(argument.annotation) if argument.annotation else None
        return Parameter(argument.arg, kind, known or self._guessed(argument.arg), optional)

    def _guessed(self, name: str) -> Spec:
        """Return what the use of a parameter tells of it."""
        asked = used_attributes(self._function, name)
        called = any(
            isinstance(node, ast.Call) and getattr(node.func, "id", "") == name for node in ast.walk(self._function)
        )
        if called or asked - METHODS or (asked and self._objects) or _answers_are_objects(self._function, name):
            return ["object", name]
        return self._usage.spec(f"${name}") or (["object", name] if asked else ["any"])

    def of(self, annotation: ast.expr, depth: int = 0) -> Spec | None:
        """Return the specification of an annotation, or None where it does not tell."""
        if depth > 8:
            return ["any"]
        match annotation:
            case ast.Constant(value=None):
                return ["none"]
            case ast.Constant(value=str(text)):
                return self._of_text(text, depth)
            case ast.BinOp(left=left, op=ast.BitOr(), right=right):
                return ["union", [self._or_any(part, depth) for part in (left, right)]]
            case ast.Subscript(value=value, slice=arguments):
                return self._of_generic(_last(value), arguments, depth)
            case ast.Name() | ast.Attribute():
                return self._of_name(_last(annotation), depth)
        return None

    def _or_any(self, annotation: ast.expr, depth: int) -> Spec:
        return self.of(annotation, depth + 1) or ["any"]

    def _of_text(self, text: str, depth: int) -> Spec | None:
        try:
            return self.of(parse_expression(text), depth + 1)
        except (SyntaxError, ValueError, RecursionError):
            return None

    def _of_name(self, name: str, depth: int) -> Spec | None:
        if name in self._classes:
            return self._of_class(self._classes[name], depth)
        if name in self._aliases:
            return self.of(self._aliases[name], depth + 1)
        if name in _ATOMS:
            return list(_ATOMS[name])
        bare = ast.Name("Any")
        if name in {"tuple", "Tuple"}:
            return ["row", ["any"]]
        if name in _DICTS:
            return self._of_generic(name, ast.Tuple([ast.Name("str"), bare]), depth)
        if name in _LISTS | _SETS | _ITERATORS | {"frozenset", "FrozenSet"}:
            return self._of_generic(name, bare, depth)
        return ["object", name]

    def _of_generic(self, name: str, arguments: ast.expr, depth: int) -> Spec | None:
        parts = arguments.elts if isinstance(arguments, ast.Tuple) else [arguments]
        first = parts[0] if parts else ast.Name("Any")
        if name == "Optional":
            return ["union", [self._or_any(first, depth), ["none"]]]
        if name == "Union":
            return ["union", [self._or_any(part, depth) for part in parts]]
        if name == "Literal":
            return ["literal", [part.value for part in parts if isinstance(part, ast.Constant)]]
        if name in _TRANSPARENT:
            return self.of(first, depth + 1)
        if name in ("tuple", "Tuple"):
            return self._of_tuple(parts, depth)
        if name in _DICTS:
            pair = [self._or_any(part, depth) for part in parts] + [["any"]]
            return ["dict", pair[0], ["int"] if name == "Counter" else pair[1]]
        kind = _container(name)
        return [kind, self._or_any(first, depth)] if kind else ["object", name]

    def _of_tuple(self, parts: list[ast.expr], depth: int) -> Spec:
        if len(parts) == 2 and isinstance(parts[1], ast.Constant) and parts[1].value is Ellipsis:
            return ["row", self._or_any(parts[0], depth)]
        return ["tuple", [self._or_any(part, depth) for part in parts]]

    def _of_class(self, node: ast.ClassDef, depth: int) -> Spec:
        bases = {_last(base) for base in node.bases}
        fields = {
            item.target.id: self._or_any(item.annotation, depth)
            for item in node.body
            if isinstance(item, ast.AnnAssign) and isinstance(item.target, ast.Name)
        }
        if "TypedDict" in bases:
            return ["record", fields]
        if bases & {"Enum", "IntEnum", "StrEnum", "Flag"}:
            self.classes.add(node.name)
            return ["enum", node.name]
        if "NamedTuple" in bases or any("dataclass" in ast.unparse(item) for item in node.decorator_list):
            self.classes.add(node.name)
            return ["class", node.name, fields]
        return ["object", node.name]


def ambiguous(function: FunctionNode) -> bool:
    """Tell whether a parameter or an attribute may be a client or a built-in value: only its methods' names tell."""
    for argument in parameters(function):
        asked = used_attributes(function, argument.arg) if argument.annotation is None else set()
        if asked and asked <= AMBIGUOUS and not _has_constant_keys(function, argument.arg):
            return True
    calls = (node for node in ast.walk(function) if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute))
    return any(call.func.attr in AMBIGUOUS and isinstance(call.func.value, ast.Attribute) for call in calls)  # type: ignore[attr-defined]  # filtered


def _has_constant_keys(function: FunctionNode, name: str) -> bool:
    calls = [node for node in ast.walk(function) if isinstance(node, ast.Call) and _is_method_of(node, name)]
    keys = [call.args[0] for call in calls if call.args and getattr(call.func, "attr", "") == "get"]
    return bool(keys) and all(isinstance(key, ast.Constant) for key in keys)


def _answers_are_objects(function: FunctionNode, name: str) -> bool:
    """Tell whether a parameter's methods answer with what no built-in value's do, as ``client.get(url).status_code``."""
    for node in ast.walk(function):
        if isinstance(node, ast.Call) and _is_method_of(node, name) and node.keywords:
            return True
        if isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Name):
            value = node.value.value if isinstance(node.value, ast.Await) else node.value
            if _is_method_of(value, name) and used_attributes(function, node.targets[0].id) - METHODS:
                return True
    return False


def _is_method_of(node: ast.expr, name: str) -> bool:
    asked = node.func if isinstance(node, ast.Call) else None
    return isinstance(asked, ast.Attribute) and isinstance(asked.value, ast.Name) and asked.value.id == name


def _container(name: str) -> str | None:
    kinds = ((_LISTS, "list"), (_SETS, "set"), (_ITERATORS, "iterator"), ({"frozenset", "FrozenSet"}, "frozenset"))
    return next((kind for names, kind in kinds if name in names), None)


def _last(node: ast.expr) -> str:
    return node.attr if isinstance(node, ast.Attribute) else getattr(node, "id", "")


def _aliases(module: ast.Module) -> Mapping[str, ast.expr]:
    """Return what a module gives another name: ``Row = dict[str, int]``."""
    found: dict[str, ast.expr] = {}
    for node in module.body:
        match node:
            case ast.Assign(targets=[ast.Name(id=name)], value=ast.Subscript() | ast.BinOp() as value):
                found[name] = value
            case ast.AnnAssign(target=ast.Name(id=name), value=ast.expr() as value) if "TypeAlias" in ast.unparse(
                node.annotation
            ):
                found[name] = value
    return found


def holds_doubles(spec: Any) -> bool:  # Any: a specification or a part of one
    """Tell whether an input of this specification is or holds a double."""
    if isinstance(spec, dict):
        return any(map(holds_doubles, spec.values()))
    if not isinstance(spec, list):
        return False
    return spec[:1] == ["object"] or any(map(holds_doubles, spec))
