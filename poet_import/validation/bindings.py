"""What the names of a text are bound to: for each name in each scope, the expressions that its value may come from.

Lambdas and comprehensions are scopes of their own here, as they are in Python: a name that is bound in one says nothing
of the same name beside it.
"""

from __future__ import annotations

import ast
from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Final, Literal

from poet_import.source.nodes import children, walk
from poet_import.source.scopes import FunctionNode, Scope, ScopeTree, names_bound_by, parameters
from poet_import.validation.uses import import_targets

# The value itself; of what a context gives; caught; added to; put into it; a parameter; a definition or class; an
# import.
Kind = Literal["value", "entered", "caught", "changed", "filled", "parameter", "defined", "import"]
Key = tuple[int, str]  # the node of a scope, and a name in it
OUTSIDE: Final = 0  # the scope of what the text does not bind itself

_COMPREHENSIONS: Final = (ast.ListComp, ast.SetComp, ast.DictComp, ast.GeneratorExp)
_MOST_SOURCES: Final = 400  # of one name
_MOST_STEPS: Final = 300_000
_FILLS: Final = frozenset("append appendleft add insert extend extendleft update setdefault".split())
_Binder = ast.Lambda | ast.ListComp | ast.SetComp | ast.DictComp | ast.GeneratorExp
_Binders = tuple[tuple[_Binder, frozenset[str]], ...]


class TangledError(Exception):
    """Names of a text are bound to each other in more ways than can be followed."""


@dataclass(frozen=True, slots=True)
class Source:
    """Where the value of a name may come from."""

    node: ast.AST
    kind: Kind
    depth: int = 0  # 1 for an item of it, 2 for an item of an item; -1 for what it is an item of
    path: str = ""  # of an import


@dataclass(frozen=True, slots=True)
class _Place:
    scope: Scope
    binders: _Binders


class Bindings:
    """The names of one text.

    Args:
        root: The text, or one function of it.
        scope: The scope around the root, or the text's own.
        scopes: The scopes of the text.
        main: The function whose parameters come from outside.

    Raises:
        TangledError: A name is bound too often.
    """

    def __init__(self, root: ast.AST, scope: Scope, *, scopes: ScopeTree, main: FunctionNode | None) -> None:
        self.main = main
        self.keys: dict[int, Key] = {}  # of every name that is read, bound or deleted, by the id of its node
        self.sources: dict[Key, list[Source]] = defaultdict(list)
        self._scopes = scopes
        self._steps = 0
        self._returned: dict[int, list[ast.expr]] = {}
        self._resolved: dict[Key, Key] = {}
        self._functions_by_key: dict[Key, list[FunctionNode | ast.Lambda]] = {}
        nodes = walk(root)
        self._own = set(map(id, nodes))
        self.handed: dict[Key, list[Source]] = defaultdict(list)  # what a callback's parameters may be given besides
        self._bound_inside = {id(part) for node in nodes for part in _bound_by_binder(node)}
        self._calls: list[ast.Call] = []
        self._walk(root, scope)
        self._pass_arguments()
        if any(len(sources) > _MOST_SOURCES for sources in self.sources.values()):
            raise TangledError

    def of(self, node: ast.Name) -> list[Source]:
        """Return where a name's value may come from; nothing for what the text does not bind."""
        return self.sources.get(self.keys.get(id(node), (OUTSIDE, node.id)), [])

    def given(self, node: ast.Name) -> list[Source]:
        """Return where a name's value may come from, and what it may be given as a callback's parameter."""
        return [*self.of(node), *self.handed.get(self.keys.get(id(node), (OUTSIDE, node.id)), [])]

    def is_outside(self, node: ast.Name) -> bool:
        """Tell whether a name is bound outside of the text."""
        return self.keys.get(id(node), (OUTSIDE, ""))[0] == OUTSIDE

    def is_global(self, node: ast.Name) -> bool:
        """Tell whether a name is bound by no function of the text."""
        return self.is_outside(node) or self.keys[id(node)][0] == id(self._scopes.module.node)

    def _walk(self, root: ast.AST, scope: Scope) -> None:
        stack = [(root, _Place(scope, ()))]
        while stack:
            node, place = stack.pop()
            if isinstance(node, ast.Name):
                self.keys[id(node)] = self._key(node.id, place)
            elif isinstance(node, ast.Call):
                self._calls.append(node)
            self._note(node, place)
            stack += self._below(node, place)

    def returned(self, node: ast.AST) -> list[ast.expr]:
        """Return the expressions that a function returns, those of functions in it too; none for anything else."""
        if id(node) not in self._returned:
            parts = walk(node) if isinstance(node, FunctionNode) else ()
            found = [part.value for part in parts if isinstance(part, ast.Return) and part.value is not None]
            self._returned[id(node)] = [node.body] if isinstance(node, ast.Lambda) else found
        return self._returned[id(node)]

    def step(self) -> None:
        """Count one step of whoever follows the values.

        Raises:
            TangledError: There were too many: the text is made to keep its reader busy.
        """
        self._steps += 1
        if self._steps > _MOST_STEPS:
            raise TangledError

    def _key(self, name: str, place: _Place) -> Key:
        for binder, names in reversed(place.binders):
            if name in names:
                return id(binder), name
        asked = id(place.scope), name
        if asked not in self._resolved:
            self._resolved[asked] = self._key_in_scopes(name, place)
        return self._resolved[asked]

    def _key_in_scopes(self, name: str, place: _Place) -> Key:
        for scope in place.scope.enclosing():
            own = [one for one in scope.bindings.get(name, ()) if id(one) not in self._bound_inside]
            if not own or (scope.is_class and scope is not place.scope):
                continue
            if any(one is self.main or isinstance(one, ast.Global) for one in own):
                break
            if not any(isinstance(one, ast.Nonlocal) for one in own):
                return (id(scope.node) if id(scope.node) in self._own else OUTSIDE), name
        return OUTSIDE, name

    def _below(self, node: ast.AST, place: _Place) -> list[tuple[ast.AST, _Place]]:
        if isinstance(node, FunctionNode | ast.ClassDef):
            return self._below_definition(node, place)
        below = children(node)
        if not isinstance(node, _Binder):
            return [(child, place) for child in below]
        names = frozenset(name for part in _bound_by_binder(node) for name in names_bound_by(part))
        inner = _Place(place.scope, (*place.binders, (node, names)))
        if isinstance(node, ast.Lambda):
            defaults = [one for one in (*node.args.defaults, *node.args.kw_defaults) if one]
            return [(node.body, inner), *((one, place) for one in defaults)]
        first, *others = node.generators
        outside: list[ast.AST] = [first.iter]
        inside: list[ast.AST] = [
            *others,
            first.target,
            *first.ifs,
            *(one for one in below if one not in node.generators),
        ]
        return [*((one, place) for one in outside), *((one, inner) for one in inside)]

    def _below_definition(self, node: FunctionNode | ast.ClassDef, place: _Place) -> list[tuple[ast.AST, _Place]]:
        if isinstance(node, ast.ClassDef):
            inner = Scope(node, place.scope, bindings=_class_bindings(node))
            outside: list[ast.AST] = [*node.decorator_list, *node.bases, *node.keywords]
        else:
            inner = self._scopes.inside[node]
            annotations = [one.annotation for one in parameters(node)]
            found = (*node.args.defaults, *node.args.kw_defaults, *annotations, node.returns)
            outside = [*node.decorator_list, *(one for one in found if one)]
        body = [(one, _Place(inner, ())) for one in node.body] if inner.is_class else self._body(node, inner)
        return [*((one, place) for one in outside), *body]

    def _body(self, node: FunctionNode | ast.ClassDef, inner: Scope) -> list[tuple[ast.AST, _Place]]:
        return [(one, _Place(inner, ())) for one in (*node.body, *getattr(node, "type_params", ()))]

    def _note(self, node: ast.AST, place: _Place) -> None:
        """Note what a node binds, and to what."""
        for target, source in _assigned(node):
            self._bind(target, source, place)
        match node:
            case ast.For(target=target, iter=value) | ast.AsyncFor(target=target, iter=value):
                for part, source in self._iterated(target, value, place):
                    self._bind(part, source, place)
            case ast.ListComp() | ast.SetComp() | ast.DictComp() | ast.GeneratorExp():
                for one in node.generators:
                    for part, source in self._iterated(one.target, one.iter, place):
                        self._bind_in(node, part, source)
            case ast.Match():
                self._bind_captures(node, place)
            case _:
                self._note_definition(node, place)

    def _iterated(self, target: ast.expr, value: ast.expr, place: _Place) -> Iterator[tuple[ast.expr, Source]]:
        """Yield what each part of a loop's target is given; ``enumerate`` and ``zip`` only pass items on."""
        name = value.func.id if isinstance(value, ast.Call) and isinstance(value.func, ast.Name) else ""
        if not isinstance(value, ast.Call) or not isinstance(target, ast.Tuple) or not _is_plain(value):
            yield target, Source(value, "value", 1)
        elif name == "enumerate" and len(target.elts) == 2 and value.args and self._is_builtin(name, place):
            yield target.elts[0], Source(value, "value", 1)
            yield target.elts[1], Source(value.args[0], "value", 1)
        elif name == "zip" and len(target.elts) == len(value.args) and self._is_builtin(name, place):
            yield from ((part, Source(one, "value", 1)) for part, one in zip(target.elts, value.args, strict=True))
        else:
            yield target, Source(value, "value", 1)

    def _is_builtin(self, name: str, place: _Place) -> bool:
        return self._key(name, place)[0] == OUTSIDE

    def _note_definition(self, node: ast.AST, place: _Place) -> None:
        match node:
            case ast.ExceptHandler(name=str(name)):
                self.sources[self._key(name, place)].append(Source(node, "caught"))
            case ast.Import() | ast.ImportFrom():
                for name in names_bound_by(node):
                    path = import_targets(node, name) or name
                    self.sources[self._key(name, place)].append(Source(node, "import", path=path))
            case ast.ClassDef(name=name):
                self.sources[self._key(name, place)].append(Source(node, "defined"))
            case ast.FunctionDef() | ast.AsyncFunctionDef():
                self.sources[self._key(node.name, place)].append(Source(node, "defined"))
                self._bind_parameters(node, node.args)
            case ast.Lambda(args=spec):
                self._bind_parameters(node, spec)

    def _bind_parameters(self, node: ast.AST, spec: ast.arguments) -> None:
        positional = [*spec.posonlyargs, *spec.args]
        for argument in _arguments(spec):
            several = argument in (spec.vararg, spec.kwarg)
            self.sources[id(node), argument.arg].append(Source(argument, "parameter", int(several)))
        defaults = [
            *zip(reversed(positional), reversed(spec.defaults), strict=False),
            *((one, value) for one, value in zip(spec.kwonlyargs, spec.kw_defaults, strict=True) if value),
        ]
        for argument, value in defaults:
            self.sources[id(node), argument.arg].append(Source(value, "value"))

    def _bind(self, target: ast.expr, source: Source, place: _Place) -> None:
        for name, one in _taken_apart(target, source):
            self.sources[self._key(name, place)].append(one)

    def _bind_in(self, binder: ast.AST, target: ast.expr, source: Source) -> None:
        for name, one in _taken_apart(target, source):
            self.sources[id(binder), name].append(one)

    def _bind_captures(self, node: ast.Match, place: _Place) -> None:
        for case in node.cases:
            for part in walk(case.pattern):
                for name in names_bound_by(part) if isinstance(part, ast.pattern) else ():
                    found = [Source(node.subject, "value", depth) for depth in (0, 1, 2)]
                    self.sources[self._key(name, place)] += found

    def _pass_arguments(self) -> None:
        """Let the parameters of helpers have the values that the text itself gives them."""
        called: set[int] = set()
        unknown: set[int] = set()  # handed on, decorated, or called with arguments that cannot be told apart
        functions = {id(call.func): call for call in self._calls}
        for node, key in self.keys.items():
            found = self.sources.get(key, [])
            if len(found) != 1 or not isinstance(function := found[0].node, FunctionNode) or function is self.main:
                continue
            if (call := functions.get(node)) is None or function.decorator_list or not _is_plain(call):
                unknown.add(id(function))
            else:
                self._pass(call, function)
                called.add(id(function))
        for call in self._calls:
            called |= self._pass_to_lambdas(call)
        for node, name in list(self.sources):
            if node in called - unknown:
                kept = [one for one in self.sources[node, name] if one.kind != "parameter" or one.depth]
                self.sources[node, name] = kept

    def _pass_to_lambdas(self, call: ast.Call) -> set[int]:
        """Note what a lambda is given that is called where it stands, and what one may be that is handed on."""
        if isinstance(call.func, ast.Lambda) and _is_plain(call):
            self._pass(call, call.func)
            return {id(call.func)}
        given = [*call.args, *(keyword.value for keyword in call.keywords)]
        for callback in given:
            for function in self._functions(callback):
                items = [Source(one, "value", 1) for one in given if one is not callback]
                for argument in _arguments(function.args):
                    self.handed[id(function), argument.arg] += items
        return set()

    def _functions(self, node: ast.expr) -> list[FunctionNode | ast.Lambda]:
        """Return the text's own functions that an argument may be."""
        if isinstance(node, ast.Lambda):
            return [node]
        if not isinstance(node, ast.Name):
            return []
        key = self.keys.get(id(node), (OUTSIDE, node.id))
        if key not in self._functions_by_key:
            found = (one.node for one in self.sources.get(key, ()))
            self._functions_by_key[key] = [one for one in found if isinstance(one, FunctionNode | ast.Lambda)]
        return self._functions_by_key[key]

    def _pass(self, call: ast.Call, function: FunctionNode | ast.Lambda) -> None:
        spec = function.args
        positional = [one.arg for one in (*spec.posonlyargs, *spec.args)]
        for name, value in zip(positional, call.args, strict=False):
            self.sources[id(function), name].append(Source(value, "value"))
        if spec.vararg:
            extra = [Source(one, "filled", -1) for one in call.args[len(positional) :]]
            self.sources[id(function), spec.vararg.arg] += extra
        for keyword in call.keywords:
            if keyword.arg in (*positional, *(one.arg for one in spec.kwonlyargs)):
                self.sources[id(function), str(keyword.arg)].append(Source(keyword.value, "value"))
            elif spec.kwarg:
                self.sources[id(function), spec.kwarg.arg].append(Source(keyword.value, "filled", -1))


def _is_plain(call: ast.Call) -> bool:
    starred = any(isinstance(one, ast.Starred) for one in call.args)
    return not starred and all(keyword.arg for keyword in call.keywords)


def _arguments(spec: ast.arguments) -> list[ast.arg]:
    several = [spec.vararg] if spec.vararg else []
    return [*spec.posonlyargs, *spec.args, *several, *spec.kwonlyargs, *([spec.kwarg] if spec.kwarg else [])]


def _bound_by_binder(node: ast.AST) -> Iterable[ast.AST]:
    """Return the nodes that bind the names of a lambda or comprehension."""
    if isinstance(node, ast.Lambda):
        return _arguments(node.args)
    if isinstance(node, _COMPREHENSIONS):
        parts = [part for one in node.generators for part in walk(one.target)]
        return [part for part in parts if isinstance(part, ast.Name) and isinstance(part.ctx, ast.Store)]
    return ()


def _class_bindings(node: ast.ClassDef) -> dict[str, list[ast.AST]]:
    found: dict[str, list[ast.AST]] = {}
    for statement in node.body:
        for part in [statement] if isinstance(statement, FunctionNode | ast.ClassDef) else walk(statement):
            for name in names_bound_by(part):
                found.setdefault(name, []).append(part)
    return found


def _assigned(node: ast.AST) -> list[tuple[ast.expr, Source]]:
    """Return what a node assigns to what, or puts into it."""
    match node:
        case ast.Assign(targets=targets, value=value):
            return [(target, Source(value, "value")) for target in targets]
        case ast.AnnAssign(target=target, value=ast.expr() as value) | ast.NamedExpr(target=target, value=value):
            return [(target, Source(value, "value"))]
        case ast.AugAssign(target=target, value=value):
            return [(target, Source(value, "changed"))]
        case ast.withitem(context_expr=value, optional_vars=ast.expr() as target):
            return [(target, Source(value, "entered"))]
        case ast.Call(func=ast.Attribute(value=target, attr=name)) if name in _FILLS:
            given = (*node.args, *(keyword.value for keyword in node.keywords))
            return [(target, Source(value, "filled", -1)) for value in given]
    return []


def _taken_apart(target: ast.expr, source: Source) -> Iterator[tuple[str, Source]]:
    """Yield each name of a target with what it is given of a value."""
    stack = [(target, source)]
    while stack:
        node, one = stack.pop()
        if isinstance(node, ast.Name):
            yield node.id, one
        elif isinstance(node, ast.Starred):
            stack.append((node.value, one))
        elif isinstance(node, ast.Subscript | ast.Attribute):
            stack.append((node.value, Source(one.node, "filled", one.depth - (one.kind != "filled"))))
        elif isinstance(node, ast.Tuple | ast.List):
            stack += zip(node.elts, _items(one, node.elts), strict=True)


def _items(source: Source, targets: list[ast.expr]) -> list[Source]:
    value = source.node
    starred = any(isinstance(one, ast.Starred) for one in (*getattr(value, "elts", ()), *targets))
    parts = value.elts if isinstance(value, ast.Tuple | ast.List) and not source.depth and not starred else []
    if len(parts) == len(targets):
        return [Source(one, source.kind) for one in parts]
    return [Source(value, source.kind, source.depth + 1) for _ in targets]
