"""Read an annotation without running anything, and write the test that a wrong value fails.

Built-in classes, unions of them and their flat containers are decided here and woven as plain ``isinstance`` tests.
Any other annotation is *deep*: woven code asks the runtime, which has the evaluated object.
"""

from __future__ import annotations

import ast
from dataclasses import dataclass, replace

from poet_import.source.compiling import parse_expression
from poet_import.source.names import resolve
from poet_import.source.scopes import FunctionNode, Scope

_ALIASES = {
    "typing.List": "list",
    "typing.Dict": "dict",
    "typing.Set": "set",
    "typing.FrozenSet": "frozenset",
    "typing.Tuple": "tuple",
    "typing.Type": "type",
    "typing.Text": "str",
}
_SCALARS = ("bool", "bytearray", "bytes", "complex", "float", "int", "memoryview", "range", "slice", "str", "type")
_CLASSES = frozenset((*_SCALARS, "dict", "frozenset", "list", "set", "tuple"))
_TOWER = {"float": ("float", "int"), "complex": ("complex", "float", "int")}  # PEP 484, "The numeric tower"
_SEQUENCES = frozenset(("list", "set", "frozenset"))
_NAMED_IN_TESTS = ("isinstance", "type")


def quoted(text: str) -> str:
    """Return a string literal, in double quotes where they need no escape."""
    return f'"{text}"' if text.isprintable() and not set(text) & {'"', "\\"} else repr(text)


@dataclass(frozen=True, slots=True)
class Hint:
    """What is known of an annotation from its text alone."""

    text: str
    classes: tuple[str, ...] = ()  # built-in classes that it allows
    nullable: bool = False
    items: str = ""  # a call of the runtime about the items, with {} for the value
    kinds: tuple[str, ...] = ()  # the built-in classes that ``items`` names
    accepts_all: bool = False
    deep: bool = False
    likely: str = ""  # a class whose direct instances surely fit a deep hint

    def rejects(self, value: str, *, name: str) -> str:
        """Return an expression that is true if the variable ``value`` does not fit the parameter ``name``."""
        tests = [f"{value} is not None"] if self.nullable else []
        if self.items:
            tests.append(f"not (isinstance({value}, {self.classes[0]}) and {self.items.format(value)})")
        elif len(self.classes) > 2:
            tests.append(f"not isinstance({value}, ({', '.join(self.classes)}))")
        else:
            tests += [f"not isinstance({value}, {name})" for name in self.classes]
        if self.likely:
            tests.append(f"type({value}) is not {self.likely}")
        if self.deep:
            tests.append(f"not __poet__.fits({quoted(name)}, {value})")
        return " and ".join(tests) or f"{value} is not None"

    def allows(self, constant: ast.expr | None) -> bool:
        """Tell whether an expression in the source is sure to give a value that fits."""
        match constant:
            case _ if self.accepts_all:
                return True
            case None | ast.Constant(value=None):
                return self.nullable
            case ast.Constant(value=value):
                kind = type(value).__name__
            case ast.JoinedStr():
                kind = "str"
            case ast.List() | ast.Dict() | ast.Set() | ast.Tuple() if not self.items:
                kind = type(constant).__name__.lower()
            case _:
                return False
        return not self.items and (kind in self.classes or (kind == "bool" and "int" in self.classes))


_DEEP = Hint("", deep=True)
_ANYTHING = Hint("", accepts_all=True)
_NOTHING_ELSE = Hint("", nullable=True)


def read_hint(annotation: ast.expr | None, outer: Scope, inner: Scope) -> Hint:
    """Return what an annotation allows.

    Args:
        annotation: The annotation, None where there is none.
        outer: The scope in which Python evaluates it.
        inner: The scope of the function's body, in which the test will stand.
    """
    if annotation is None:
        return _ANYTHING
    hint = replace(_read(annotation, outer), text=_text(annotation))
    names = (*hint.classes, *hint.kinds, *_NAMED_IN_TESTS) if hint.classes else ()
    if not hint.deep and all(inner.is_builtin(name) for name in names):
        return hint
    if resolve(_unquoted(annotation), outer) == "typing.Self" and (own := _own_class(outer, inner)):
        return Hint(hint.text, classes=(own,))
    likely = _likely_class(_unquoted(annotation), outer, inner) if inner.is_builtin("type") else ""
    return Hint(hint.text, deep=True, nullable=hint.nullable, likely=likely)


def names_in(annotation: ast.expr) -> set[str]:
    """Return every name that an annotation reads, in strings too."""
    found: set[str] = set()
    for node in ast.walk(annotation):
        if isinstance(node, ast.Name):
            found.add(node.id)
        elif isinstance(node, ast.Constant) and isinstance(node.value, str):
            parsed = _unquoted(node)
            found |= set() if parsed is node else names_in(parsed)
    return found


def _text(annotation: ast.expr) -> str:
    return ast.unparse(_unquoted(annotation))


def _unquoted(annotation: ast.expr) -> ast.expr:
    """Return the expression inside a string annotation, or the annotation itself."""
    if isinstance(annotation, ast.Constant) and isinstance(annotation.value, str):
        try:
            return parse_expression(annotation.value.strip())
        except (SyntaxError, ValueError):
            return annotation
    return annotation


def _read(annotation: ast.expr, scope: Scope) -> Hint:
    expression = _unquoted(annotation)
    match expression:
        case ast.Constant(value=None):
            return _NOTHING_ELSE
        case ast.BinOp(left=left, op=ast.BitOr(), right=right):
            return _union([left, right], scope)
        case ast.Subscript(value=value, slice=inside):
            return _read_subscript(resolve(value, scope) or "", inside, scope)
        case ast.Name() | ast.Attribute():
            return _read_class(resolve(expression, scope) or "")
    return _DEEP


def _read_class(name: str) -> Hint:
    if name in ("typing.Any", "builtins.object"):
        return _ANYTHING
    plain = _ALIASES.get(name, name.removeprefix("builtins."))
    return Hint("", classes=_TOWER.get(plain, (plain,))) if plain in _CLASSES else _DEEP


def _read_subscript(name: str, inside: ast.expr, scope: Scope) -> Hint:
    arguments = inside.elts if isinstance(inside, ast.Tuple) else [inside]
    if name in ("typing.Optional", "typing.Union"):
        return _union([*arguments, ast.Constant(None)] if name == "typing.Optional" else arguments, scope)
    if name in ("typing.Annotated", "typing.Final", "typing.ClassVar") and arguments:
        return _read(arguments[0], scope)
    plain = _ALIASES.get(name, name.removeprefix("builtins."))
    if plain == "tuple" and len(arguments) == 2 and _is_ellipsis(arguments[1]):
        return _items(plain, arguments[:1], scope)
    if (plain in _SEQUENCES and len(arguments) == 1) or (plain == "dict" and len(arguments) == 2):
        return _items(plain, arguments, scope)
    return _DEEP


def _is_ellipsis(expression: ast.expr) -> bool:
    return isinstance(expression, ast.Constant) and expression.value is ...


def _items(container: str, arguments: list[ast.expr], scope: Scope) -> Hint:
    """Return the hint of a container whose items are of built-in classes."""
    parts = [_read(argument, scope) for argument in arguments]
    if any(part.deep or part.nullable or part.items for part in parts):
        return _DEEP
    if all(part.accepts_all for part in parts):
        return Hint("", classes=(container,))
    kinds = ["object" if part.accepts_all else _kinds(part.classes) for part in parts]
    call = "pairs_are" if container == "dict" else "all_are"
    classes = tuple(name for part in parts for name in part.classes)
    return Hint("", classes=(container,), items=f"__poet__.{call}({{}}, {', '.join(kinds)})", kinds=classes)


def _kinds(classes: tuple[str, ...]) -> str:
    return classes[0] if len(classes) == 1 else f"({', '.join(classes)})"


def _union(arms: list[ast.expr], scope: Scope) -> Hint:
    parts = [_read(arm, scope) for arm in arms]
    if any(part.accepts_all for part in parts):
        return _ANYTHING
    nullable = any(part.nullable for part in parts)
    if any(part.deep for part in parts):
        return replace(_DEEP, nullable=nullable)
    with_items = [part for part in parts if part.items]
    classes = tuple(dict.fromkeys(name for part in parts for name in part.classes))
    if not with_items:
        return Hint("", classes=classes, nullable=nullable)
    if len(classes) == 1:
        return replace(with_items[0], nullable=nullable)
    return replace(_DEEP, nullable=nullable)


def _likely_class(annotation: ast.expr, outer: Scope, inner: Scope) -> str:
    """Return the name of a class that the module binds once, for good, and above the function.

    Its direct instances are let through by identity, before the runtime is asked. A name that somebody replaces later
    only makes this test fail, and then the runtime decides.
    """
    candidates = [arm for arm in _arms(annotation, outer) if isinstance(arm, ast.Name)]
    for name in (candidate.id for candidate in candidates):
        module = outer.module()
        bindings = module.bindings.get(name, []) if outer.owner(name) is module else []
        if inner.owner(name) is not module or len(bindings) != 1 or bindings[0] not in getattr(module.node, "body", ()):
            continue
        (binding,) = bindings
        is_class = isinstance(binding, ast.ClassDef) or (
            isinstance(binding, ast.ImportFrom) and _is_class_like(binding)
        )
        if is_class and getattr(binding, "end_lineno", 0) < getattr(inner.node, "lineno", 0):
            return name
    return ""


def _is_class_like(binding: ast.ImportFrom) -> bool:
    return binding.module not in ("typing", "typing_extensions", "collections.abc", "__future__")


def _arms(annotation: ast.expr, scope: Scope) -> list[ast.expr]:
    """Return the members of a union, or the annotation alone."""
    match annotation:
        case ast.BinOp(left=left, op=ast.BitOr(), right=right):
            return [*_arms(left, scope), *_arms(right, scope)]
        case ast.Subscript(value=value, slice=inside) if resolve(value, scope) in ("typing.Optional", "typing.Union"):
            return inside.elts if isinstance(inside, ast.Tuple) else [inside]
    return [annotation]


def _own_class(outer: Scope, inner: Scope) -> str:
    """Return an expression for the class that ``Self`` stands for in a method, or an empty string."""
    node = inner.node
    if not outer.is_class or not isinstance(node, FunctionNode) or not (node.args.posonlyargs or node.args.args):
        return ""
    first = (node.args.posonlyargs or node.args.args)[0].arg
    decorators = {decorator.id for decorator in node.decorator_list if isinstance(decorator, ast.Name)}
    if "staticmethod" in decorators or len(inner.bindings[first]) > 1 or not inner.is_builtin("type"):
        return ""
    return first if "classmethod" in decorators or node.name == "__new__" else f"type({first})"
