"""What the expressions of a text come to: a form that does not depend on local names, and where values come from."""

from __future__ import annotations

import ast
import builtins
from collections.abc import Callable, Iterator
from typing import Final

from poet_import.source.nodes import children, walk
from poet_import.validation.bindings import Bindings, Key, Source
from poet_import.validation.uses import attribute_of, dotted, is_named

_ROUNDS: Final = 10  # how far the form of an expression follows the names in it
_NO_PART: Final = (ast.expr_context, ast.type_ignore)
_BUILTINS: Final = frozenset(dir(builtins))
PARAMETER: Final = "<parameter>"  # a value that comes from the caller
CALLED: Final = "<called>"  # what a call returns that nothing is known of
TYPE: Final = "<type>"  # what ``type`` returns
_DEEPEST: Final = 4
_VALUES: Final = frozenset({"value", "entered"})

# The parts of an expression whose values it may have, or hand out one by one; of those not here, every part.
_FOLLOWED: Final[dict[type, tuple[str, ...]]] = {
    **dict.fromkeys((ast.Subscript, ast.Starred, ast.NamedExpr, ast.DictComp), ("value",)),
    **dict.fromkeys((ast.ListComp, ast.SetComp, ast.GeneratorExp), ("elt",)),
    **dict.fromkeys((ast.Attribute, ast.Lambda, ast.Call, ast.Compare, ast.JoinedStr, ast.ExceptHandler, ast.arg), ()),
    **dict.fromkeys((ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef), ()),
    ast.IfExp: ("body", "orelse"),
    ast.Dict: ("values",),
}

Outside = Callable[[str], str | None]


class Flow:
    """The values of one text.

    Args:
        bindings: Its names.
        outside: Returns the path of what a name that the text does not bind is imported from, None if from nothing.
    """

    def __init__(self, bindings: Bindings, outside: Outside) -> None:
        self.bindings = bindings
        self._outside = outside
        main = bindings.main
        self._own_parameters = {id(one) for one in walk(main.args)} if main else set()
        self._imports: dict[Key, set[str]] = {}
        self._forms: dict[Key, int] = {}
        self._memory: dict[int, int] = {}  # by the id of a node, in this round
        self._read = False

    def paths(self, node: ast.AST) -> frozenset[str]:
        """Return the imports and built-ins that a chain of attributes may lead to."""
        chain = dotted(node)
        if chain is None:
            return frozenset()
        root, attributes = chain
        return frozenset(".".join((path, *attributes)) for path in self._paths_of(root))

    def callee_paths(self, node: ast.Call) -> frozenset[str]:
        """Return the imports and built-ins that a call may call, under whatever name."""
        return self.paths(node.func).union(*(self.paths(value) for value in self.values(node.func)))

    def form(self, node: ast.AST) -> int:
        """Return a number that two expressions share if they are the same but for the names of what is local."""
        if not self._read:
            self._read = True
            self._follow()
            self._memory = {}
        return self._form(node)

    def _paths_of(self, root: ast.Name) -> set[str]:
        if self.bindings.is_outside(root):
            path = self._outside(root.id)
            return {path} if path else set()
        key = self.bindings.keys[id(root)]
        if key not in self._imports:
            self._imports[key] = {one.path for one in self.bindings.of(root) if one.kind == "import"}
        return self._imports[key]

    def _follow(self) -> None:
        for _ in range(_ROUNDS):
            self._memory = {}
            before = self._forms
            self._forms = {key: self._combined(sources) for key, sources in self.bindings.sources.items()}
            if self._forms == before:
                return

    def _combined(self, sources: list[Source]) -> int:
        forms = {self._form_of_source(one) for one in sources if one.kind != "filled"}
        return forms.pop() if len(forms) == 1 else hash(frozenset(forms))

    def _form_of_source(self, source: Source) -> int:
        node, kind = source.node, source.kind
        if kind == "import":
            return _form_of_path(source.path)
        if kind == "parameter" and isinstance(node, ast.arg):
            return hash((kind, node.arg)) if id(node) in self._own_parameters else hash(("of a helper", source.depth))
        if kind == "caught" and isinstance(node, ast.ExceptHandler):
            return hash((kind, self._form(node.type) if node.type else 0))
        if kind == "defined":
            return hash((kind, frozenset(self._form(value) for value in self.bindings.returned(node))))
        form = self._form(node)
        return form if kind == "value" and not source.depth else hash((kind, source.depth, form))

    def _form(self, node: ast.AST) -> int:
        if id(node) not in self._memory:
            self._memory[id(node)] = self._computed(node)
        return self._memory[id(node)]

    def _computed(self, node: ast.AST) -> int:
        if isinstance(node, ast.Name):
            return self._form_of_name(node)
        if (asked := attribute_of(node)) is not None and not (isinstance(node, ast.Call) and len(node.args) > 2):
            kind = "hasattr" if isinstance(node, ast.Call) and is_named(node.func, {"hasattr"}) else "attribute"
            return hash((kind, self._form(asked[0]), asked[1]))
        if isinstance(node, ast.NamedExpr):
            return self._form(node.value)
        return hash((type(node).__name__, *(self._form_of_field(value) for _, value in ast.iter_fields(node))))

    def _form_of_field(self, value: object) -> int:
        if isinstance(value, list):
            return hash(tuple(self._form_of_field(one) for one in value))
        if isinstance(value, ast.AST):
            return 0 if isinstance(value, _NO_PART) else self._form(value)
        return hash((type(value).__name__, repr(value)))

    def _form_of_name(self, node: ast.Name) -> int:
        if not self.bindings.is_outside(node):
            return self._forms.get(self.bindings.keys[id(node)], 0)
        path = self._outside(node.id)
        return _form_of_path(path) if path else hash(("outside", node.id))

    def texts(self, node: ast.expr) -> frozenset[str] | None:
        """Return the texts that an expression may be, or None if it may be another or anything else."""
        found: set[str] = set()
        for part in self.values(node):
            if not (isinstance(part, ast.Constant) and isinstance(part.value, str)):
                return None
            found.add(part.value)
        return frozenset(found) or None

    def values(self, node: ast.expr) -> Iterator[ast.AST]:
        """Yield the expressions, none of them a name of the text, that an expression is one of."""
        stack: list[tuple[ast.AST, int]] = [(node, 0)]
        seen: set[tuple[int, int]] = set()
        while stack:
            self.bindings.step()
            part, depth = stack.pop()
            if (id(part), depth) in seen:
                continue
            seen.add((id(part), depth))
            if isinstance(part, ast.Name) and (sources := self.bindings.of(part)):
                yield from (one.node for one in sources if one.kind not in _VALUES and one.kind != "filled")
                stack += [(one.node, min(depth + one.depth, _DEEPEST)) for one in sources if one.kind in _VALUES]
            elif isinstance(part, ast.Tuple | ast.List | ast.Set) and depth:
                stack += [(one, depth - 1) for one in part.elts]
            elif isinstance(part, ast.IfExp):
                stack += [(part.body, depth), (part.orelse, depth)]
            else:
                yield ast.Pass() if depth else part

    def origins(self, node: ast.AST) -> frozenset[str]:
        """Return what an expression's value may be besides the text's own: of a caller, of a call, or a type."""
        found: set[str] = set()
        stack = [node]
        seen: set[int] = set()
        while stack:
            self.bindings.step()
            part = stack.pop()
            if id(part) not in seen:
                seen.add(id(part))
                found |= self._origin(part)
                stack += self._leads_to(part)
        return frozenset(found)

    def _origin(self, node: ast.AST) -> set[str]:
        if isinstance(node, ast.arg):
            return {PARAMETER}
        if isinstance(node, ast.Await | ast.Yield | ast.YieldFrom):
            return {CALLED}
        if isinstance(node, ast.Subscript) and attribute_of(node.value) is not None and not self.paths(node.value):
            return {CALLED}
        if isinstance(node, ast.Call) and attribute_of(node) is None:
            paths = self.callee_paths(node)
            if "builtins.type" in paths:
                return {TYPE}
            own = isinstance(node.func, ast.Name) and self.bindings.of(node.func)
            return set() if paths or own or isinstance(node.func, ast.Attribute) else {CALLED}
        return set()

    def _leads_to(self, node: ast.AST) -> list[ast.AST]:
        if isinstance(node, ast.Name):
            return [one.node for one in self.bindings.of(node) if one.kind not in ("import", "defined", "caught")]
        if isinstance(node, ast.Call) and attribute_of(node) is None:
            return self._led_by_call(node)
        if (fields := _FOLLOWED.get(type(node))) is None:
            return [child for child in children(node) if isinstance(child, ast.expr)]
        found = [getattr(node, field) for field in fields]
        return [one for value in found for one in (value if isinstance(value, list) else [value])]

    def _led_by_call(self, node: ast.Call) -> list[ast.AST]:
        receiver: list[ast.AST] = []
        arguments: list[ast.AST] = [*node.args, *(keyword.value for keyword in node.keywords)]
        if isinstance(node.func, ast.Attribute) and not self.paths(node.func):
            receiver = [node.func.value]
            arguments = arguments[1:] if node.func.attr == "get" else arguments
        elif "functools.partial" in self.paths(node.func):
            return arguments[:1]
        elif isinstance(node.func, ast.Name):
            for source in self.bindings.of(node.func):
                receiver += self.bindings.returned(source.node)
        return [*receiver, *arguments]


def _form_of_path(path: str) -> int:
    head, *attributes = path.split(".")
    form = hash(("path", head))
    for attribute in attributes:
        form = hash(("attribute", form, attribute))
    return form
