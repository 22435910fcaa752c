"""What an expression of names refers to, as far as the imports of the module tell."""

from __future__ import annotations

import ast

from poet_import.source.scopes import Scope


def resolve(expression: ast.expr, scope: Scope) -> str | None:
    """Return the dotted name that a name or attribute refers to, or None where the module alone does not tell.

    A built-in comes back as ``builtins.int``. A name that is bound several times is told only if every binding is an
    import of the same thing, as in ``try: from typing import Self``, ``except ImportError: from typing_extensions …``.
    """
    match expression:
        case ast.Name(id=name) if scope.is_builtin(name):
            return f"builtins.{name}"
        case ast.Name(id=name):
            owner = scope.owner(name)
            targets = {imported(binding, name) for binding in owner.bindings[name]} if owner else set()
            return targets.pop() if len(targets) == 1 else None
        case ast.Attribute(value=value, attr=attr):
            base = resolve(value, scope)
            return f"{base}.{attr}" if base else None
    return None


def imported(binding: ast.AST, name: str) -> str | None:
    """Return what an import statement binds ``name`` to, or None if it is no absolute import."""
    match binding:
        case ast.Import(names=aliases):
            bound = {alias.asname or alias.name.partition(".")[0]: alias for alias in aliases}
            return bound[name].name if bound[name].asname else name
        case ast.ImportFrom(module=str(module), names=aliases, level=0):
            originals = {alias.asname or alias.name: alias.name for alias in aliases}
            return f"{_canonical(module)}.{originals.get(name, name)}"  # by name, or by a star
    return None


def _canonical(module: str) -> str:
    return "typing" if module == "typing_extensions" else module
