"""Where the names of a text lead: to its own, to the original's module, to an import, or to a built-in."""

from __future__ import annotations

import ast
import builtins
from dataclasses import dataclass
from typing import Final

from poet_import.source.scopes import Scope, ScopeTree
from poet_import.validation.originals import Facts
from poet_import.validation.uses import Use, dotted, import_targets, imported_path, uses_in

_BUILTINS: Final = frozenset(dir(builtins))


@dataclass(frozen=True, slots=True)
class Reference:
    """What a name or attribute leads to."""

    path: str | None = None  # of what is imported or built in
    is_unknown: bool = False  # the text does not bind it: only the original's module may
    is_mixed: bool = False  # bound by an import and by something else


class References:
    """The references of one text that stands in place of an original."""

    def __init__(self, scopes: ScopeTree, facts: Facts) -> None:
        self._scopes = scopes
        self._around = facts.inner.parent
        everything = uses_in(scopes.module.node, scopes.module, scopes)
        self._scope_of = {id(use.node): use.scope for use in everything if isinstance(use.node, ast.Name)}

    def of(self, use: Use) -> Reference:
        """Return what a use leads to; an attribute only where its root leads to an import or a built-in."""
        found = dotted(use.node)
        if found is None:
            return Reference()
        root, attributes = found
        reference = self._of_name(root.id, use.scope)
        if not attributes:
            return reference
        return Reference(".".join((reference.path, *attributes))) if reference.path else Reference()

    def outlives(self, node: ast.Name) -> bool:
        """Tell whether what a name is bound to stays when the call has ended."""
        owner = self._scope_of.get(id(node), self._scopes.module).owner(node.id)
        return owner is None or owner is self._scopes.module

    def _of_name(self, name: str, scope: Scope) -> Reference:
        owner = scope.owner(name)
        if owner is not None:
            targets = {import_targets(binding, name) for binding in owner.bindings[name]}
            mixed = len(targets) > 1 and targets != {None}
            return Reference(targets.pop() if len(targets) == 1 else None, is_mixed=mixed)
        outer = self._around.owner(name) if self._around else None
        if outer is not None:
            return Reference(imported_path(outer, name), is_unknown=True)
        return Reference(f"builtins.{name}") if name in _BUILTINS else Reference(is_unknown=True)
