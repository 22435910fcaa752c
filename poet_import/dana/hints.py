"""Read type hints, and write the Dana expression that tells whether a value fits one.

Dana reads hints and checks none, and its ``isinstance`` knows no bare names: what works is to compare ``type(x)`` with
a text. Its ``and`` and ``or`` evaluate both sides, so what may only be asked of a list stands in a conditional.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace

from poet_import.dana.parsing import Node, trees

_KINDS = {
    "bool": ("bool",),
    "dict": ("dict",),
    "float": ("float", "int", "bool"),
    "int": ("int", "bool"),
    "list": ("list",),
    "set": ("set",),
    "str": ("str",),
    "tuple": ("tuple",),
    "None": ("NoneType", "EagerPromise"),  # the latter of a promise whose value is None: any other is read as its value
}
_DEEPEST = 4  # brackets of a hint that are looked into
_LITERALS = {
    "string": "str",
    "formatted": "str",
    "list_": "list",
    "dict_": "dict",
    "set_": "set",
    "tuple": "tuple",
}


@dataclass(frozen=True, slots=True)
class Container:
    """A container whose items are of some hints: one for them all, or one for keys and one for values."""

    kind: str
    items: tuple[Hint, ...]


@dataclass(frozen=True, slots=True)
class Hint:
    """What is known of a hint."""

    text: str
    kinds: tuple[str, ...] = ()  # what ``type`` may say of a value
    containers: tuple[Container, ...] = ()
    accepts_all: bool = False
    undecided: tuple[str, ...] = ()  # parts that cannot be decided here, as text

    def accepts(self, value: str, *, depth: int = 0) -> str:
        """Return an expression that is true if a value, given as an expression, fits."""
        plain = _is_one_of(value, self.kinds)
        for container in self.containers:
            otherwise = plain or "False"
            plain = (
                f'({_without_misfits(container, value, depth)} if type({value}) == "{container.kind}" else {otherwise})'
            )
        return plain

    def nullable(self) -> Hint:
        """Return the hint with None allowed as well."""
        return self if "NoneType" in self.kinds else replace(self, kinds=(*self.kinds, *_KINDS["None"]))

    def surely_fits(self, value: Node | None) -> bool:
        """Tell whether an expression, None for none at all, is sure to give a value that fits."""
        kind = "NoneType" if value is None else kind_of(value)
        if kind is None and value is not None and value.data == "call":
            called = next(trees(value))
            kind = f"Struct[{called.children[0]}]" if called.data == "name" else None
        return kind in self.kinds


def kind_of(value: Node) -> str | None:
    """Return what ``type`` says of a literal, None for any other expression."""
    if value.data == "number":
        return "int" if str(value.children[0]).isdigit() else "float"
    if value.data == "constant":
        return "NoneType" if str(value.children[0]).lower() in ("none", "null") else "bool"
    if value.data == "signed":
        return kind_of(next(trees(value))) if next(trees(value)).data == "number" else None
    return _LITERALS.get(str(value.data))


def read_hint(node: Node | None, text: str, records: Mapping[str, str]) -> Hint:
    """Return what a hint allows.

    Args:
        node: The hint's tree, None where there is none.
        text: The source.
        records: What ``type`` says of the structs and their like that the source defines, by name.
    """
    if node is None:
        return Hint("", accepts_all=True)
    return _Reader(text, records).read(node, depth=0)


class _Reader:
    """Reads hints of one source."""

    def __init__(self, text: str, records: Mapping[str, str]) -> None:
        self._text = text
        self._records = records

    def read(self, node: Node, *, depth: int) -> Hint:
        """Return the hint of a ``type`` tree: the union of its arms."""
        text = self._written(node)
        arms = [self._arm(arm, depth=depth) for arm in trees(node)]
        if any(arm.accepts_all for arm in arms):
            undecided = tuple(part for arm in arms for part in arm.undecided)
            return Hint(text, accepts_all=True, undecided=undecided)
        kinds = tuple(dict.fromkeys(kind for arm in arms for kind in arm.kinds))
        containers = tuple(container for arm in arms for container in arm.containers if container.kind not in kinds)
        return Hint(text, kinds, containers, undecided=tuple(part for arm in arms for part in arm.undecided))

    def _written(self, node: Node) -> str:
        """Return a hint's text on one line."""
        return " ".join(self._text[node.meta.start_pos : node.meta.end_pos].split())

    def _arm(self, node: Node, *, depth: int) -> Hint:
        """Return one arm of a union."""
        name = str(node.children[0])
        arguments = list(trees(node))
        if name == "any":
            return Hint(name, accepts_all=True)
        if name in self._records and not arguments:
            return Hint(name, (self._records[name],))
        if name not in _KINDS or (arguments and len(_KINDS[name]) > 1):
            return Hint(name, accepts_all=True, undecided=(self._written(node),))
        if len(arguments) != {"list": 1, "set": 1, "dict": 2}.get(name, 0) or not arguments or depth >= _DEEPEST:
            return Hint(name, _KINDS[name])
        items = tuple(self.read(argument, depth=depth + 1) for argument in arguments)
        undecided = tuple(part for item in items for part in item.undecided)
        if all(item.accepts_all for item in items):
            return Hint(name, _KINDS[name], undecided=undecided)
        return Hint(name, (), (Container(name, items),), undecided=undecided)


def _is_one_of(value: str, kinds: tuple[str, ...]) -> str:
    if len(kinds) == 1:
        return f'type({value}) == "{kinds[0]}"'
    return f"type({value}) in [{', '.join(_quoted(kinds))}]" if kinds else ""


def _quoted(kinds: tuple[str, ...]) -> Iterator[str]:
    return (f'"{kind}"' for kind in kinds)


def _without_misfits(container: Container, value: str, depth: int) -> str:
    """Return an expression that is true if no item of a container is of another hint than its own."""
    suffix = str(depth + 1) if depth else ""
    if container.kind != "dict":
        item = f"__poet_item{suffix}"
        return f"[{item} for {item} in {value} if not ({container.items[0].accepts(item, depth=depth + 1)})] == []"
    key, item = f"__poet_key{suffix}", f"__poet_value{suffix}"
    pairs = zip((key, item), container.items, strict=True)
    tests = [f"not ({hint.accepts(name, depth=depth + 1)})" for name, hint in pairs if not hint.accepts_all]
    return f"[{key} for {key}, {item} in {value}.items() if {' or '.join(tests)}] == []"
