"""What sources mention: the values that trials use beside random ones, and what is done with what comes from outside."""

from __future__ import annotations

import ast
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from poet_import.source.scopes import FunctionNode
from poet_import.validation.pure import METHODS

Spec = list[Any]  # Any: JSON; see `poet_import.validation.trials.draw`

_MOST: Final = 40
_LONGEST_SIZE: Final = 20_000
_TEXT_METHODS: Final = frozenset(dir(str)) - frozenset(dir(list)) - frozenset(dir(dict))
_LIST_METHODS: Final = frozenset(("append", "extend", "insert", "sort", "reverse"))
_DICT_METHODS: Final = frozenset(("items", "keys", "values", "get", "setdefault"))
_TEXT_TAKERS: Final = frozenset(
    "fromisoformat strptime escape unescape quote unquote urlparse urlsplit parse_qs b64decode Decimal match search fullmatch findall".split()
)
_CHECKED: Final = {"dict": "dict", "list": "list", "str": "str", "int": "number", "float": "number"}
# What clients have as well as built-in values.
AMBIGUOUS: Final = frozenset(
    "add clear count discard find get index insert items keys pop remove replace update values write".split()
)
_NUMERIC: Final = frozenset(("abs", "round", "int", "float", "divmod", "range", "sum"))
_PATTERN_TAKERS: Final = frozenset(
    ("compile", "match", "search", "fullmatch", "sub", "subn", "split", "findall", "finditer")
)


_SPLITTERS: Final = frozenset(
    "split rsplit partition rpartition join replace startswith endswith find rfind index count strip".split()
)


def pool_of(trees: Sequence[ast.AST]) -> dict[str, list[Any]]:
    """Return the constants of some sources, docstrings left out, as `Draw` takes them."""
    constants = [value for tree in trees for value in _constants(tree)]
    texts = [value for value in constants if isinstance(value, str)]
    texts += [value.decode("latin-1") for value in constants if isinstance(value, bytes)]
    ints = [value for value in constants if type(value) is int and abs(value) < 2**70]
    return {
        "int": _some(ints),
        "float": _some(value for value in constants if isinstance(value, float)),
        "str": _some(text for text in texts if len(text) < 200),
        "sizes": _some(value for value in ints if 3 < value <= _LONGEST_SIZE),
        "patterns": _some(text for tree in trees for text in _patterns(tree)),
        "formats": _some(text for text in texts if "%Y" in text or "%H" in text or "%y" in text),
        "keys": _some(text for tree in trees for text in _keys(tree)),
        "separators": _some(
            [*_separators(trees), *(text for text in texts if 0 < len(text) < 3 and not text.isalnum())]
        ),
    }


def _some(values: Iterable[Any]) -> list[Any]:
    return list(dict.fromkeys(values))[:_MOST]


def _constants(tree: ast.AST) -> Iterator[Any]:
    documentation = {id(node.value) for node in ast.walk(tree) if isinstance(node, ast.Expr)}
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant) and id(node) not in documentation:
            yield node.value


def _patterns(tree: ast.AST) -> Iterator[str]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and node.args and _name_of(node.func) in _PATTERN_TAKERS:
            first = node.args[0]
            if isinstance(first, ast.Constant) and isinstance(first.value, str):
                yield first.value


def _keys(tree: ast.AST) -> Iterator[str]:
    for node in ast.walk(tree):
        key: ast.expr | None = None
        if isinstance(node, ast.Subscript):
            key = node.slice
        elif isinstance(node, ast.Call) and _name_of(node.func) in ("get", "pop", "setdefault") and node.args:
            key = node.args[0]
        elif isinstance(node, ast.Compare) and isinstance(node.ops[0], ast.In | ast.NotIn):
            key = node.left
        if isinstance(key, ast.Constant) and isinstance(key.value, str):
            yield key.value


def _separators(trees: Iterable[ast.AST]) -> Iterator[str]:
    """Yield what texts are split by; a space where only blanks are."""
    calls = (node for tree in trees for node in ast.walk(tree) if isinstance(node, ast.Call))
    for call in calls:
        name = _name_of(call.func)
        if name in ("split", "rsplit") and not call.args:
            yield from (" ", "  ", "\t", "\u00a0")
        elif name == "splitlines":
            yield from ("\n", "\r\n", "\r", "\x0c", "\u2028")
        elif name in _SPLITTERS:
            yield from (
                item.value for item in call.args[:1] if isinstance(item, ast.Constant) and isinstance(item.value, str)
            )


def _name_of(node: ast.expr) -> str:
    return node.attr if isinstance(node, ast.Attribute) else getattr(node, "id", "")


@dataclass
class Evidence:
    """What is done with the values of one name."""

    literals: list[Any] = field(default_factory=list)  # Any: constants
    keys: list[str] = field(default_factory=list)
    kinds: set[str] = field(default_factory=set)
    items: list[str] = field(default_factory=list)  # the names under which its items go
    attributes: set[str] = field(default_factory=set)  # that it is asked for
    is_awaited: bool = False


class Usage:
    """What some functions do with each name, attribute, key and call in them."""

    def __init__(self, functions: Iterable[ast.AST], *, objects: bool = False) -> None:
        """Read functions.

        Args:
            functions: The functions.
            objects: Whether what has methods that built-in values and clients share is a client.
        """
        self._told_nothing = AMBIGUOUS if objects else frozenset()
        self.known: dict[str, Evidence] = {}
        self._aliases: dict[str, str] = {}
        trees = list(functions)
        # What a parameter is bound to later, as by ``text = text.strip()``, is most often of its own type.
        self._parameters = {f"${node.arg}" for tree in trees for node in ast.walk(tree) if isinstance(node, ast.arg)}
        for tree in trees:
            for node in ast.walk(tree):
                self._note_binding(node)
        for tree in trees:
            for node in ast.walk(tree):
                self._note(node)

    def spec(self, name: str, depth: int = 0) -> Spec | None:
        """Return a specification for the values of a name, or None if nothing tells."""
        evidence = self.known.get(name)
        if evidence is None or depth > 4:
            return None
        if "object" in evidence.kinds or (depth and name.startswith("$") and evidence.attributes - METHODS):
            return ["object", name.lstrip("$")] if name.startswith("$") else None
        found: list[Spec] = []
        if evidence.literals:
            found.append(["near", evidence.literals])
        if "str" in evidence.kinds:
            found.append(["str"])
        if "number" in evidence.kinds:
            found += [["int"], ["float"]]
        if evidence.keys or "dict" in evidence.kinds:
            found.append(self._record(evidence, depth))
        elif evidence.items or "list" in evidence.kinds:
            item = next((spec for key in evidence.items if (spec := self.spec(key, depth + 1))), None)
            found.append(["list", item or ["any"]])
        if "checked" in evidence.kinds and found:
            found.append(["any"])
        if "none" in evidence.kinds:
            found.append(["none"] if found else ["maybe"])
        return None if not found else found[0] if len(found) == 1 else ["union", found]

    def _record(self, evidence: Evidence, depth: int) -> Spec:
        if not evidence.keys:
            return ["dict", ["str"], ["any"]]
        fields = {key: self.spec(f"[{key!r}]", depth + 1) or ["any"] for key in dict.fromkeys(evidence.keys)}
        return ["record", fields]

    def hints(self) -> Mapping[str, Spec]:
        """Return the specifications of all names that are no variables."""
        names = [name for name in self.known if not name.startswith("$")]
        hints = {name: spec for name in names if (spec := self.spec(name)) is not None}
        return {name: ["awaited", spec] if self.known[name].is_awaited else spec for name, spec in hints.items()}

    def _key(self, node: ast.expr) -> str | None:
        match node:
            case ast.Await(value=value) | ast.NamedExpr(value=value):
                return self._key(value)
            case ast.Name(id=name):
                return self._aliases.get(f"${name}", f"${name}")
            case ast.Attribute(attr=name):
                return name
            case ast.Call(func=ast.Attribute(attr="get"), args=[ast.Constant(value=str(key)), *_]):
                return f"[{key!r}]"
            case ast.Call(func=function):
                return f"{_name_of(function)}()"
            case ast.Subscript(slice=ast.Constant(value=key)):
                return f"[{key!r}]"
        return None

    def _of(self, node: ast.expr) -> Evidence:
        key = self._key(node)
        return self.known.setdefault(key, Evidence()) if key is not None else Evidence()

    def _note_binding(self, node: ast.AST) -> None:
        match node:
            case (
                ast.Assign(targets=[ast.Name(id=name)], value=value)
                | ast.NamedExpr(target=ast.Name(id=name), value=value)
            ):
                key = self._key(value)
                if key is not None and key != f"${name}" and f"${name}" not in self._parameters:
                    self._aliases.setdefault(f"${name}", key)
            case ast.withitem(context_expr=value, optional_vars=ast.Name(id=name)):
                self._aliases.setdefault(f"${name}", self._key(value) or f"${name}")

    def _note(self, node: ast.AST) -> None:
        match node:
            case ast.Compare(left=left, ops=[*ops], comparators=[*rights]):
                self._note_compare([left, *rights], ops)
            case ast.BinOp(left=left, right=right) if not isinstance(node.op, ast.Mod | ast.Add):
                self._note_numbers(left, right)
            case ast.BinOp(left=left, right=right) | ast.AugAssign(target=left, value=right):
                kind = _kind(right) or _kind(left)
                for side in (left, right):
                    self._of(side).kinds.update({kind} if kind else ())
            case ast.Subscript(value=value, slice=ast.Constant(value=str(key))):
                self._of(value).keys.append(key)
            case ast.Subscript(value=value, slice=ast.Constant(value=int()) | ast.Slice() | ast.UnaryOp()):
                self._of(value).kinds.add("list")
            case ast.For(target=target, iter=source) | ast.comprehension(target=target, iter=source):
                self._note_items(target, source)
            case ast.Attribute(value=value, attr=name):
                self._of(value).attributes.add(name)
            case ast.Await(value=ast.Call(func=function) as call):
                self._of(call).is_awaited = True
                if isinstance(function, ast.Attribute):
                    self._of(function.value).kinds.add("object")  # no method of a built-in value is waited for
            case ast.Call():
                self._note_call(node)

    def _note_numbers(self, *sides: ast.expr) -> None:
        for side in sides:
            self._of(side).kinds.add("number")

    def _note_compare(self, sides: list[ast.expr], ops: list[ast.cmpop]) -> None:
        for left, op, right in zip(sides, ops, sides[1:], strict=False):
            if isinstance(op, ast.In | ast.NotIn):
                self._note_membership(left, right)
                continue
            for side, other in ((left, right), (right, left)):
                for value in _values(other):
                    if value is None:
                        self._of(side).kinds.add("none")
                    else:
                        self._of(side).literals.append(value)

    def _note_membership(self, left: ast.expr, right: ast.expr) -> None:
        if isinstance(right, ast.Tuple | ast.List | ast.Set):
            self._of(left).literals += [value for item in right.elts for value in _values(item) if value is not None]
        elif isinstance(left, ast.Constant) and isinstance(left.value, str):
            self._of(right).keys.append(left.value)

    def _note_items(self, target: ast.expr, source: ast.expr) -> None:
        if isinstance(target, ast.Name) and not isinstance(source, ast.Call):
            self._of(source).items.append(f"${target.id}")
            self._of(source).kinds.add("list")

    def _note_call(self, node: ast.Call) -> None:
        name = _name_of(node.func)
        if isinstance(node.func, ast.Attribute):
            evidence = self._of(node.func.value)
            if name in self._told_nothing:
                return
            if name in _DICT_METHODS:
                evidence.kinds.add("dict")
                keys = [argument.value for argument in node.args[:1] if isinstance(argument, ast.Constant)]
                evidence.keys += [key for key in keys if isinstance(key, str)]
            elif name in _TEXT_METHODS and name != "format":
                evidence.kinds.add("str")
            elif name in _LIST_METHODS:
                evidence.kinds.add("list")
        if name == "isinstance" and len(node.args) == 2:
            kinds = {_CHECKED[part.id] for part in ast.walk(node.args[1]) if getattr(part, "id", "") in _CHECKED}  # type: ignore[attr-defined]  # a name
            self._of(node.args[0]).kinds.update(kinds, ("checked",))
        elif name in _TEXT_TAKERS and node.args:
            self._of(node.args[-1] if name in _PATTERN_TAKERS else node.args[0]).kinds.add("str")
        elif name in _NUMERIC and node.args:
            self._of(node.args[0]).kinds.add("list" if name == "sum" else "number")
        elif name in ("len", "sorted", "min", "max", "enumerate", "list", "set", "tuple") and len(node.args) == 1:
            self._of(node.args[0]).kinds.add("list")


def _kind(node: ast.expr) -> str | None:
    if isinstance(node, ast.JoinedStr):
        return "str"
    value = node.value if isinstance(node, ast.Constant) else None
    return "str" if isinstance(value, str) else "number" if isinstance(value, int | float) else None


def _values(node: ast.expr) -> list[Any]:
    try:
        value = ast.literal_eval(node)
    except (ValueError, TypeError, SyntaxError):
        return []
    return [value] if isinstance(value, int | float | str | None) else []


def used_attributes(function: FunctionNode, name: str) -> set[str]:
    """Return the attributes that a function asks a variable for."""
    nodes = (node for node in ast.walk(function) if isinstance(node, ast.Attribute))
    return {node.attr for node in nodes if isinstance(node.value, ast.Name) and node.value.id == name}
