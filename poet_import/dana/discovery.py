"""Find the ``@poet`` functions of a Dana source, whatever name the marker goes by, and read their options."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from lark import Token, Tree

from poet_import.dana.literals import NotLiteralError, exception_names, literal
from poet_import.dana.parsing import Node, child, normalized, parse, token, trees, walk
from poet_import.dana.refusals import DanaError, refused
from poet_import.model import PoetOptions
from poet_import.source.options import read_options

_MARKERS = ("poet_import", "dana.frameworks.poet", "opendxa.dana.poet")  # modules that the name comes from
_RECORDS = {"struct": "Struct[{}]", "workflow": "Struct[{}]", "resource": "Resource[{}]"}  # what ``type`` says of one
_DECLARING = ("function", "declared", "record", "interface", "agent", "new_agent")
_RESERVED = "__poet_"


@dataclass(frozen=True, slots=True, eq=False)
class Parameter:
    """One parameter, a receiver included."""

    name: str
    hint: Node | None
    default: Node | None


@dataclass(frozen=True, slots=True, eq=False)
class DanaFunction:
    """One function under ``@poet``."""

    node: Node
    decorator: Node
    options: PoetOptions
    retry_on: tuple[str, ...]  # names of exceptions, none where nothing was written

    @property
    def name(self) -> Token:
        """Return its name, with its place."""
        found = token(self.node, "NAME")
        assert found is not None  # as the grammar has it
        return found

    @property
    def decorators(self) -> list[Node]:
        """Return its decorators, outermost first."""
        return [tree for tree in trees(self.node) if tree.data == "decorator"]

    @property
    def first(self) -> Token:
        """Return the word that its definition begins with, below its decorators."""
        found = token(self.node, "SYNC") or token(self.node, "DEF")
        assert found is not None  # as the grammar has it
        return found

    @property
    def receiver(self) -> Parameter | None:
        """Return what it is a method of, None for a function."""
        found = child(self.node, "receiver")
        return None if found is None else _parameter(next(trees(found)))

    @property
    def parameters(self) -> list[Parameter]:
        """Return its parameters in order, without its receiver."""
        found = child(self.node, "parameters")
        return [] if found is None else [_parameter(tree) for tree in trees(found)]

    @property
    def result(self) -> Node | None:
        """Return the hint of its result."""
        return child(self.node, "type")

    @property
    def block(self) -> Node:
        """Return its body, with the tokens around it."""
        found = child(self.node, "block")
        assert found is not None  # as the grammar has it
        return found


@dataclass(frozen=True, slots=True, eq=False)
class DanaSource:
    """A source and what was found in it."""

    text: str  # normalized
    filename: str
    tree: Node
    functions: tuple[DanaFunction, ...]  # in the order of the source
    records: Mapping[str, str]  # what ``type`` says of its structs and their like, by name
    idle_imports: tuple[Node, ...]  # statements that import nothing but the marker, which nothing else reads
    surroundings: tuple[tuple[str, str], ...] = ()  # names and types of the values around calls

    def top_of(self, found: DanaFunction) -> int:
        """Return where a function begins, its decorators included."""
        return min(start_of(part) for part in (found.first, *(one.children[0] for one in found.decorators)))

    @property
    def names(self) -> tuple[str, ...]:
        """Return the names of its functions and of what else it declares at its left edge."""
        found = (token(node, "NAME") for node in trees(self.tree) if node.data in _DECLARING)
        return tuple(str(name) for name in found if name is not None)

    @property
    def further_lines(self) -> list[int]:
        """Return the lines of what stands beside its marked functions and is no import, type, text or helper."""
        marked = {id(found.node) for found in self.functions}
        return [node.meta.line for node in trees(self.tree) if id(node) not in marked and not _may_stand_beside(node)]

    def span(self, node: Node) -> str:
        """Return the text of an expression or a hint."""
        return self.text[node.meta.start_pos : node.meta.end_pos]


def start_of(part: Node | Token) -> int:
    """Return where a token or a tree begins."""
    position = part.start_pos if isinstance(part, Token) else part.meta.start_pos
    assert position is not None  # each has a place
    return position


def span_of(function: Node, text: str) -> tuple[int, int]:
    """Return where the definition of a function begins below its decorators, and where its last line ends."""
    first, block = token(function, "SYNC") or token(function, "DEF"), child(function, "block")
    assert first is not None  # as the grammar has it
    assert block is not None  # as above
    return start_of(first), text.index("\n", start_of(block.children[-1]))


def read_dana(source: str, filename: str) -> DanaSource:
    """Read a source.

    Raises:
        DanaError: It is no Dana, an option is wrong, or a function is marked where Dana has none.
    """
    text = normalized(source)
    try:
        tree = parse(text)
        check_names(tree)
        markers = _markers(tree)
        functions = tuple(_functions(tree, markers, filename))
    except DanaError as error:
        error.filename = filename
        raise
    return DanaSource(text, filename, tree, functions, _records(tree), _idle_imports(tree, markers))


def _may_stand_beside(node: Node) -> bool:
    if node.data == "statement":
        return next(trees(node)).data == "string"
    if node.data in ("function", "declared"):
        name = token(node, "NAME")
        return name is not None and name.startswith("_")
    return node.data in ("import_", "from_import", "record", "interface")


def imports_only(text: str) -> bool:
    """Tell whether a text is import statements and nothing else."""
    try:
        tree = parse(normalized(text))
    except DanaError:
        return False
    return all(isinstance(part, Tree) and part.data in ("import_", "from_import") for part in tree.children)


def _parameter(node: Node) -> Parameter:
    hint = child(node, "type")
    default = next((tree for tree in trees(node) if tree is not hint), None)
    return Parameter(str(node.children[0]), hint, default)


def check_names(tree: Node) -> None:
    """Refuse names that woven code keeps for itself.

    Raises:
        DanaError: There is one.
    """
    for name in tree.scan_values(lambda value: isinstance(value, Token) and value.type == "NAME"):
        if name.startswith(_RESERVED):
            message = f"names that begin with {_RESERVED} belong to woven code: rename {name}"
            raise refused(name, message, "reserved-name")


def _markers(tree: Node) -> frozenset[str]:
    """Return the names that the marker goes by."""
    ours: set[str] = set()
    others: set[str] = set()
    for node in walk(tree):
        if node.data == "from_import":
            for name, bound in _imported(node):
                (ours if name == "poet" and _is_marker_module(node) else others).add(bound)
        elif node.data in ("function", "declared", "import_", "record"):
            others |= {str(word) for word in node.children if isinstance(word, Token) and word.type == "NAME"}
    return frozenset(ours - others | ({"poet"} - others))


def _imported(node: Node) -> Iterator[tuple[str, str]]:
    """Yield each name that a from-import takes, with the one that it binds."""
    for tree in trees(node):
        if tree.data == "imported":
            yield str(tree.children[0]), str(tree.children[-1])


def _is_marker_module(node: Node) -> bool:
    dotted = child(node, "dotted")
    module = "" if dotted is None else ".".join(map(str, dotted.children))
    return any(module == name or module.startswith(f"{name}.") for name in _MARKERS)


def _idle_imports(tree: Node, markers: frozenset[str]) -> tuple[Node, ...]:
    found = [node for node in walk(tree) if node.data == "from_import" and _is_marker_module(node)]
    read = {str(node.children[0]) for node in walk(tree) if node.data == "name"}
    idle = markers - read
    return tuple(node for node in found if [name for name, _ in _imported(node)] == ["poet"] and _binds(node) <= idle)


def _binds(node: Node) -> set[str]:
    return {bound for _, bound in _imported(node)}


def _records(tree: Node) -> dict[str, str]:
    found: dict[str, str] = {}
    for node in walk(tree):
        if node.data == "record":
            word, name = str(node.children[0]), str(node.children[1])
            if word in _RECORDS:
                found[name] = _RECORDS[word].format(name)
    return found


def _functions(tree: Node, markers: frozenset[str], filename: str) -> Iterator[DanaFunction]:
    """Yield the marked functions in the order of the source.

    Raises:
        DanaError: One stands where Dana makes no function of it, or its options are wrong.
    """
    waiting: list[tuple[Node, Node | None]] = [(tree, None)]
    found: list[DanaFunction] = []
    while waiting:
        node, around = waiting.pop()
        if node.data == "function" and (marker := _marker(node, markers)):
            if around is not None:
                raise refused(marker, _misplaced(around), "misplaced-function")
            found.append(_read(node, marker, filename))
        inside = node if node.data in ("function", "record", "interface") else around
        waiting += [(tree, inside) for tree in trees(node)]
    yield from sorted(found, key=lambda one: one.first.start_pos or 0)


def _misplaced(around: Node) -> str:
    if around.data == "function":
        return "Dana drops a function inside another one without a word: move it out"
    return "Dana makes no method of a function in such a block: move it out, as def (self: Name) …"


def _marker(node: Node, markers: frozenset[str]) -> Node | None:
    found = [tree for tree in trees(node) if tree.data == "decorator" and str(tree.children[1]) in markers]
    if len(found) > 1:
        raise refused(found[1], "a function takes one @poet", "options")
    return found[0] if found else None


def _read(node: Node, decorator: Node, filename: str) -> DanaFunction:
    """Return a function with its options.

    Raises:
        DanaError: An option is unknown, no literal, or out of range.
    """
    given: dict[str, object] = {}
    retry_on: tuple[str, ...] = ()
    arguments = child(decorator, "arguments")
    for argument in trees(arguments) if arguments else ():
        if argument.data != "keyword":
            raise refused(argument, "@poet takes keywords only, as @poet(retries=3)", "options")
        name, value = str(argument.children[0]), argument.children[1]
        assert isinstance(value, Tree)  # as the grammar has it
        if name in given:
            raise refused(argument, f"@poet is given {name} twice", "options")
        try:
            retry_on = exception_names(value) if name == "retry_on" else retry_on
            given[name] = None if name == "retry_on" else literal(value)
        except NotLiteralError as error:
            raise refused(value, f"{name}: {error}", "options") from error
    try:
        options = read_options(given, where=f"{filename}:{decorator.meta.line}", retry_on=_text(retry_on))
    except (TypeError, ValueError) as error:
        message = str(error).removeprefix(f"{filename}:{decorator.meta.line}: ")
        raise refused(decorator, message, "options") from error
    return DanaFunction(node, decorator, options, retry_on)


def _text(names: tuple[str, ...]) -> str | None:
    if not names:
        return None
    return names[0] if len(names) == 1 else f"({', '.join(names)})"
