"""What a trial needs of a module: the function, the pure definitions that it uses, and doubles for all the rest."""

from __future__ import annotations

import ast
import builtins
from collections.abc import Iterable, Iterator, Mapping
from copy import deepcopy
from dataclasses import dataclass, field
from typing import Final

from poet_import.source.scopes import FunctionNode, names_bound_by
from poet_import.validation.pure import BUILTINS, is_exception, is_pure_module
from poet_import.validation.uses import import_targets

_IMPORTABLE: Final = frozenset("abc dataclasses enum typing typing_extensions __future__ decimal datetime".split())
_DECORATORS: Final = frozenset(
    "dataclass dataclasses.dataclass cache lru_cache functools.cache functools.lru_cache property staticmethod "
    "classmethod total_ordering functools.total_ordering unique enum.unique".split()
)
_HARMLESS: Final = BUILTINS | frozenset("getattr hasattr type super property setattr vars".split())
_CLASSES_OF: Final = frozenset("Enum IntEnum StrEnum Flag NamedTuple TypedDict Protocol Generic ABC object".split())


@dataclass
class Extract:
    """A text that defines a function, and what stands outside of it."""

    statements: list[ast.stmt] = field(default_factory=list)
    doubles: dict[str, str] = field(default_factory=dict)  # paths by name
    exceptions: set[str] = field(default_factory=set)  # paths of what is caught or raised and is not built in

    @property
    def code(self) -> str:
        """Return the text."""
        return ast.unparse(ast.fix_missing_locations(ast.Module(self.statements, [])))


def extract(function: FunctionNode, *modules: ast.Module, extra: Iterable[str] = ()) -> Extract:
    """Return what defines a function; names are looked up in the modules in their order.

    Args:
        function: The function.
        modules: The modules that it stands in, the nearest first.
        extra: Further names that the trial needs.
    """
    return _Extractor(modules).around(_stripped(function), extra)


def _stripped(function: FunctionNode) -> FunctionNode:
    """Return a function without decorators and annotations: those are not tried."""
    copy = deepcopy(function)
    copy.decorator_list, copy.returns = [], None
    for argument in ast.walk(copy.args):
        if isinstance(argument, ast.arg):
            argument.annotation = None
    return copy


class _Extractor:
    def __init__(self, modules: tuple[ast.Module, ...]) -> None:
        self._bindings = [dict(_module_bindings(module)) for module in modules]
        self._pure: dict[str, bool] = {}

    def around(self, function: FunctionNode, extra: Iterable[str]) -> Extract:
        result = Extract()
        taken: dict[int, ast.stmt] = {}
        seen: set[str] = {function.name}
        waiting = sorted(self._used(function).union(extra))
        while waiting:
            name = waiting.pop()
            if name in seen:
                continue
            seen.add(name)
            statement = self._binding(name)
            if statement is not None and self._is_pure(name):
                taken[id(statement)] = statement
                waiting += sorted(self._used(statement))
            elif statement is not None or not _is_harmless(name):
                result.doubles[name] = _path(statement, name)
        ordered = [statement for bound in self._bindings[::-1] for statement in dict.fromkeys(bound.values())]
        kept = [statement for statement in ordered if id(statement) in taken]
        result.statements = [*sorted(kept, key=_is_no_import), function]
        result.exceptions = set(_exceptions(result))
        return result

    def _binding(self, name: str) -> ast.stmt | None:
        return next((bound[name] for bound in self._bindings if name in bound), None)

    def _used(self, node: ast.AST) -> set[str]:
        """Return the names that a statement reads and does not bind itself."""
        own = {name for part in ast.walk(node) for name in _bound_inside(part, node)}
        own -= {name for part in ast.walk(node) if isinstance(part, ast.Global) for name in part.names}
        read = {part.id for part in ast.walk(node) if isinstance(part, ast.Name) and isinstance(part.ctx, ast.Load)}
        return read - own

    def _is_pure(self, name: str) -> bool:
        """Tell whether a name of the module can go along: all that it leads to only computes."""
        if name not in self._pure:
            self._pure[name] = True  # of a circle, the rest decides
            self._pure[name] = self._judge(name)
        return self._pure[name]

    def _judge(self, name: str) -> bool:
        match statement := self._binding(name):
            case None:
                return _is_harmless(name)
            case ast.Import() | ast.ImportFrom():
                return _is_importable(statement, name)
            case ast.FunctionDef() | ast.AsyncFunctionDef() | ast.ClassDef():
                decorated = {ast.unparse(getattr(item, "func", item)) for item in statement.decorator_list}
                return decorated <= _DECORATORS and all(map(self._is_pure, self._used(statement)))
            case ast.Assign() | ast.AnnAssign():
                value = statement.value
                return value is not None and all(map(self._is_pure, self._used(value)))
        return False


def _module_bindings(module: ast.Module) -> Iterator[tuple[str, ast.stmt]]:
    for statement in _statements(module.body):
        nodes = [statement] if isinstance(statement, FunctionNode | ast.ClassDef) else ast.walk(statement)
        for node in nodes:
            yield from ((name, statement) for name in names_bound_by(node))


def _statements(body: list[ast.stmt]) -> Iterator[ast.stmt]:
    for node in body:
        if isinstance(node, ast.If | ast.Try | ast.With):
            yield from _statements([child for child in ast.iter_child_nodes(node) if isinstance(child, ast.stmt)])
        else:
            yield node


def _bound_inside(part: ast.AST, statement: ast.AST) -> list[str]:
    """Return the names that a part binds inside of a statement, not in the module."""
    if part is statement and isinstance(part, FunctionNode | ast.ClassDef):
        return [part.name]
    return [] if isinstance(part, ast.Global | ast.Nonlocal) else names_bound_by(part)


def _is_importable(statement: ast.Import | ast.ImportFrom, name: str) -> bool:
    target = import_targets(statement, name) or ""
    module = target if isinstance(statement, ast.Import) else target.rpartition(".")[0]
    return module in _IMPORTABLE or (
        is_pure_module(module) and not (module == "contextlib" and name == "contextmanager")
    )


def _is_harmless(name: str) -> bool:
    return name in _HARMLESS or (hasattr(builtins, name) and is_exception(name)) or name in _ENDS


_ENDS: Final = frozenset(("BaseException", "KeyboardInterrupt", "SystemExit", "GeneratorExit", "__name__"))


def _path(statement: ast.stmt | None, name: str) -> str:
    if isinstance(statement, ast.Import | ast.ImportFrom):
        return import_targets(statement, name) or name
    return name


def _is_no_import(statement: ast.stmt) -> bool:
    return not isinstance(statement, ast.Import | ast.ImportFrom)


def _exceptions(result: Extract) -> Iterator[str]:
    """Yield the paths, below doubles, of what must be a class: it is caught, raised or asked for by isinstance."""
    for statement in result.statements:
        for node in ast.walk(statement):
            for place in _class_places(node):
                path = _dotted(place, result.doubles)
                if path is not None:
                    yield path


def _class_places(node: ast.AST) -> list[ast.expr]:
    match node:
        case ast.ExceptHandler(type=ast.Tuple(elts=elements)):
            return elements
        case ast.ExceptHandler(type=ast.expr() as kind):
            return [kind]
        case ast.Raise(exc=ast.Call(func=kind)) | ast.Raise(exc=ast.Name() | ast.Attribute() as kind):
            return [kind]
        case ast.Call(func=ast.Name(id="isinstance" | "issubclass"), args=[_, ast.Tuple(elts=elements)]):
            return elements
        case ast.Call(func=ast.Name(id="isinstance" | "issubclass"), args=[_, kind]):
            return [kind]
    return []


def _dotted(node: ast.expr, doubles: Mapping[str, str]) -> str | None:
    parts: list[str] = []
    while isinstance(node, ast.Attribute):
        parts.append(node.attr)
        node = node.value
    if isinstance(node, ast.Name) and node.id in doubles:
        return ".".join([doubles[node.id], *reversed(parts)])
    return None
