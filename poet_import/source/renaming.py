"""The names that a text brings to the module that it is put into: what they become, so that none meets another's."""

from __future__ import annotations

import ast
from collections.abc import Collection, Iterator
from dataclasses import dataclass

from poet_import.errors import TranspileError
from poet_import.source.compiling import parse
from poet_import.source.linemap import NOWHERE, LineMap, Patch, Source
from poet_import.source.names import imported
from poet_import.source.scopes import FunctionNode, Scope, read_scopes

_COMPREHENSIONS = (ast.ListComp, ast.SetComp, ast.DictComp, ast.GeneratorExp, ast.Lambda)


@dataclass(frozen=True, slots=True)
class Donor:
    """A text whose names no longer meet those of the module that it goes into."""

    lines: LineMap  # from the renamed text to the text as it was given
    tree: ast.Module  # of the renamed text
    function: FunctionNode  # of that tree
    brought: frozenset[str]  # names that it binds in the module
    spare: frozenset[tuple[int, int]]  # where statements begin, in the text as given, that the module has already

    @property
    def text(self) -> str:
        """Return the renamed text."""
        return self.lines.text


def rename(text: str, function: str, *, module: Scope, taken: Collection[str], prefix: str) -> Donor:
    """Return a text that can be put into a module.

    An import, or any statement, that the module has already is dropped. Any other imported name gets a leading
    underscore, since a star import of the module must not hand it on; a helper or constant is renamed only where its
    name is taken.

    Args:
        text: A function with its imports, private helpers and constants.
        function: The name of the function; it stays.
        module: The scope of the module that the text goes into.
        taken: Every name that the module uses.
        prefix: What a name that is taken gets in front.

    Raises:
        TranspileError: A name that must change is also that of a local variable where the two cannot be told apart.
    """
    tree = parse(text)
    scopes = read_scopes(tree)
    spare = {_start(node) for node in tree.body if _is_spare(node, module)}
    new_names = _new_names(tree, function, module=module, taken=taken, prefix=prefix)
    patch = Patch(Source(text))
    for node in _references(tree, {*new_names}, scopes.inside):
        _rename_at(patch, node, new_names)
    for statement in tree.body:
        if isinstance(statement, ast.Import | ast.ImportFrom) and _start(statement) not in spare:
            _alias(patch, statement, new_names)
    lines = patch.apply()
    renamed = parse(lines.text)
    (node,) = (item for item in renamed.body if isinstance(item, FunctionNode) and item.name == function)
    kept = [node for node in tree.body if _start(node) not in spare and getattr(node, "name", None) != function]
    brought = {new_names.get(name, name) for node in kept for name in _bound(node)}
    return Donor(lines, renamed, node, frozenset(brought), frozenset(spare))


def _start(node: ast.stmt) -> tuple[int, int]:
    return node.lineno, node.col_offset


def _is_spare(node: ast.stmt, module: Scope) -> bool:
    """Tell whether the module has a statement already: the same one, or an import of nothing but what it imports."""
    if not isinstance(node, ast.Import | ast.ImportFrom):
        return not isinstance(node, ast.Expr) and ast.dump(node) in map(ast.dump, module.node.body)
    if isinstance(node, ast.ImportFrom) and node.module == "__future__":  # the module's own is what holds
        return True
    return all(_has(module, name, imported(node, name)) for name in _bound(node))


def _has(module: Scope, name: str, target: str | None) -> bool:
    """Tell whether a module surely binds a name to that import: one under ``if TYPE_CHECKING`` binds nothing."""
    bindings = module.bindings.get(name, [])
    always = any(binding in module.node.body for binding in bindings)
    return always and target is not None and {imported(binding, name) for binding in bindings} == {target}


def _bound(node: ast.stmt) -> list[str]:
    """Return the names that a top-level statement binds."""
    match node:
        case ast.FunctionDef(name=name) | ast.AsyncFunctionDef(name=name):
            return [name]
        case ast.Import(names=aliases) | ast.ImportFrom(names=aliases):
            return [alias.asname or alias.name.partition(".")[0] for alias in aliases]
        case ast.Assign(targets=targets):
            return [part.id for target in targets for part in ast.walk(target) if isinstance(part, ast.Name)]
        case ast.AnnAssign(target=ast.Name(id=name)):
            return [name]
    return []


def _new_names(
    tree: ast.Module, function: str, *, module: Scope, taken: Collection[str], prefix: str
) -> dict[str, str]:
    """Return what each name of the text that cannot stay becomes."""
    new_names: dict[str, str] = {}
    used = {*taken, *(node.id for node in ast.walk(tree) if isinstance(node, ast.Name))}
    for node in tree.body:
        is_import = isinstance(node, ast.Import | ast.ImportFrom)
        if _is_spare(node, module):
            continue
        for name in _bound(node):
            if name == function or name in new_names or not (name in taken or (is_import and name[0] != "_")):
                continue
            wanted = f"_poet_{name}" if is_import else f"{prefix}_{name.strip('_')}"
            new_names[name] = _free(wanted, used)
            used.add(new_names[name])
    return new_names


def _free(wanted: str, used: Collection[str]) -> str:
    name, number = wanted, 2
    while name in used:
        name, number = f"{wanted}_{number}", number + 1
    return name


def _references(
    tree: ast.Module, names: Collection[str], inside: dict[FunctionNode, Scope]
) -> Iterator[ast.Name | FunctionNode]:
    """Yield every place where one of some names of the module stands, imports aside.

    Raises:
        TranspileError: A comprehension or lambda binds such a name: whose it is elsewhere cannot be told.
    """
    stack: list[tuple[ast.AST, frozenset[str]]] = [(tree, frozenset())]
    while stack:
        node, hidden = stack.pop()
        if isinstance(node, ast.Name) and node.id in names and node.id not in hidden:
            yield node
        if isinstance(node, FunctionNode):
            if node.name in names and node.name not in hidden:
                yield node
            local = frozenset(inside[node].bindings)
            body = {id(part) for part in node.body}
            stack += [(part, hidden | local if id(part) in body else hidden) for part in ast.iter_child_nodes(node)]
            continue
        if isinstance(node, _COMPREHENSIONS):
            _refuse_hiding(node, names)
        stack += [(child, hidden) for child in ast.iter_child_nodes(node)]


def _refuse_hiding(node: ast.AST, names: Collection[str]) -> None:
    bound = {part.id for part in ast.walk(node) if isinstance(part, ast.Name) and isinstance(part.ctx, ast.Store)}
    bound |= {part.arg for part in ast.walk(node) if isinstance(part, ast.arg)}
    if clash := sorted(bound & set(names)):
        raise TranspileError(f"{clash[0]} is a name of its module and one of a comprehension's or lambda's, too")


def _rename_at(patch: Patch, node: ast.Name | FunctionNode, new_names: dict[str, str]) -> None:
    source = patch.source
    start = source.offset(node.lineno, node.col_offset)
    if isinstance(node, ast.Name):
        name = node.id
    else:
        name = node.name
        start = source.data.index(name.encode(), start + len("def"))
    patch.replace(start, start + len(name.encode()), new_names[name], place=NOWHERE)


def _alias(patch: Patch, node: ast.Import | ast.ImportFrom, new_names: dict[str, str]) -> None:
    """Write an import anew, each statement on a line of its own, with the names that it now binds."""
    if not any(name in new_names for name in _bound(node)):
        return
    source = patch.source
    start = source.offset(node.lineno, node.col_offset)
    end = source.offset(node.end_lineno or node.lineno, node.end_col_offset or 0)
    if isinstance(node, ast.ImportFrom):
        parts = [_as(alias.name, new_names.get(alias.asname or alias.name, alias.asname)) for alias in node.names]
        text = f"from {'.' * node.level}{node.module or ''} import {', '.join(parts)}"
    else:
        text = "import " + ", ".join(part for alias in node.names for part in _plain(alias, new_names))
    patch.replace(start, end, text, place=NOWHERE)


def _plain(alias: ast.alias, new_names: dict[str, str]) -> list[str]:
    """Return the parts of a plain import; ``import a.b`` binds ``a``, and loads ``a.b`` besides."""
    root, dot, _ = alias.name.partition(".")
    new_name = new_names.get(alias.asname or root)
    if not dot or alias.asname:
        return [_as(alias.name, new_name or alias.asname)]
    if new_name is None:
        return [alias.name]
    loaded = f"_poet_{alias.name.replace('.', '_')}"
    return [_as(alias.name, loaded), _as(root, new_name)]


def _as(name: str, bound: str | None) -> str:
    return f"{name} as {bound}" if bound and bound != name else name
