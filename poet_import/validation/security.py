"""The third gate: what a text can do beyond what its original does. An allow-list; what it does not know, it refuses.

It compares *capabilities*: names that lead out of the function (imports, built-ins, names of the module) and the
attributes of objects that nothing is known of. Each must be of `poet_import.validation.pure`, or the original must use
the same one in the same role. It is a gate, not a sandbox: ``docs/threat-model.md`` says what it does not promise.
"""

from __future__ import annotations

import ast
from collections.abc import Callable, Iterable, Iterator, Mapping
from string import Formatter
from typing import Final

from poet_import.model import Violation
from poet_import.source.scopes import ScopeTree, read_scopes
from poet_import.validation.declared import is_declared
from poet_import.validation.originals import Facts
from poet_import.validation.pure import BUILTINS, METHODS, MUTATORS, is_exception, is_listed, is_pure_module
from poet_import.validation.references import Reference, References
from poet_import.validation.sizes import check_sizes
from poet_import.validation.uses import Use, uses_in

_NODES: Final = frozenset(
    """Module FunctionDef AsyncFunctionDef Return Delete Assign AugAssign AnnAssign For AsyncFor While If With
    AsyncWith Match Raise Try TryStar Assert Import ImportFrom Nonlocal Expr Pass Break Continue BoolOp NamedExpr
    BinOp UnaryOp Lambda IfExp Dict Set ListComp SetComp DictComp GeneratorExp Await Yield YieldFrom Compare Call
    FormattedValue JoinedStr Constant Attribute Subscript Starred Name List Tuple Slice comprehension ExceptHandler
    arguments arg keyword alias withitem match_case MatchValue MatchSingleton MatchSequence MatchMapping MatchClass
    MatchStar MatchAs MatchOr And Or Add Sub Mult MatMult Div Mod Pow LShift RShift BitOr BitXor BitAnd FloorDiv
    Invert Not UAdd USub Eq NotEq Lt LtE Gt GtE Is IsNot In NotIn Load Store Del""".split()
)
_AS_IN_ORIGINAL: Final = (ast.ClassDef, ast.Global)
_BY_NAME: Final = frozenset({"getattr", "hasattr"})  # take the name of an attribute as a text
# Run texts, or reach names by texts: only the very calls that the original makes.
_IDENTICAL: Final = frozenset(
    "eval exec compile __import__ globals locals vars setattr delattr breakpoint input".split()
)
_FORMATS: Final = frozenset({"format", "format_map"})  # judged by the text that is formatted
_LEVELS: Final = frozenset({"debug", "info", "warning", "error", "exception", "critical"})
_CALLED_ONLY: Final = _BY_NAME | {"type"}


def check_security(tree: ast.Module, facts: Facts) -> list[Violation]:
    """Return what a text may not do that its original does not do; nothing of it is run."""
    scopes = read_scopes(tree)
    judge = _Judge(facts, References(scopes, facts), scopes)
    found = [*judge.nodes(tree), *judge.uses(tree), *check_sizes(tree)]
    return sorted(dict.fromkeys(found), key=lambda violation: (violation.line, violation.rule, violation.message))


def _violation(rule: str, node: ast.AST, message: str) -> Violation:
    return Violation("security", rule, getattr(node, "lineno", 1), message)


def is_hidden(name: str) -> bool:
    """Tell whether an attribute belongs to the language's own machinery, or to a class's private parts."""
    return name.startswith(("__", "gi_", "cr_", "ag_", "tb_", "f_", "co_", "func_", "im_"))


class _Judge:
    """Judges one text against one original."""

    def __init__(self, facts: Facts, references: References, scopes: ScopeTree) -> None:
        self._facts = facts
        self._references = references
        self._scopes = scopes
        self._by_kind: Mapping[type, Callable[..., Iterator[Violation]]] = {
            ast.Call: self._call,
            ast.ClassDef: self._class,
            ast.Import: self._import,
            ast.ImportFrom: self._import,
            ast.ExceptHandler: self._handler,
            ast.MatchClass: self._pattern,
            ast.Attribute: self._attribute,
            ast.Subscript: self._subscript,
        }

    def nodes(self, tree: ast.AST) -> Iterator[Violation]:
        """Yield what is wrong with single nodes, whatever they lead to."""
        stack = [tree]
        while stack:
            node = stack.pop()
            kind = type(node)
            yield from self._by_kind.get(kind, _nothing)(node)
            if kind.__name__ not in _NODES and not (kind in _AS_IN_ORIGINAL and self._is_of_original(node)):
                yield _violation("unknown-syntax", node, f"{kind.__name__} is not among what a function may be made of")
            elif kind is not ast.ClassDef:
                stack += ast.iter_child_nodes(node)

    def uses(self, tree: ast.Module) -> Iterator[Violation]:
        """Yield what is wrong with what is named, and where it leads."""
        for use in uses_in(tree, self._scopes.module, self._scopes):
            reference = self._references.of(use)
            if use.role == "base" and isinstance(use.node, ast.Name):
                yield from self._base(use, reference)
            elif reference.path is not None:
                yield from self._path(use, reference.path)
            elif isinstance(use.node, ast.Attribute) and not (use.role == "call" and use.node.attr in _FORMATS):
                yield from self._attribute_name(use.node, use.node.attr)
            elif isinstance(use.node, ast.Name) and reference.is_unknown and not self._facts_name(use.node.id):
                yield self._unknown(use.node, use.node.id)

    def _is_of_original(self, node: ast.AST) -> bool:
        return ast.dump(node) in self._facts.chains

    def _facts_name(self, name: str) -> bool:
        if name in self._facts.loggers:
            return True
        return name in self._facts.names and (name == "__name__" or not name.startswith("__"))

    def _unknown(self, node: ast.AST, name: str) -> Violation:
        message = f"the name {name!r} is neither bound here nor used by the original"
        return _violation("unknown-name", node, message)

    def _base(self, use: Use, reference: Reference) -> Iterator[Violation]:
        """Judge a name that is only asked for attributes: where it leads somewhere, the whole chain is judged."""
        name = use.node.id if isinstance(use.node, ast.Name) else ""
        if reference.path is None and reference.is_unknown and not self._facts_name(name):
            yield self._unknown(use.node, name)
        if reference.is_mixed:
            message = f"{name!r} is bound by an import and by something else; give them names of their own"
            yield _violation("rebound-import", use.node, message)

    def _path(self, use: Use, path: str) -> Iterator[Violation]:
        """Judge what leads to an import or a built-in."""
        if use.role == "base":
            return  # the attribute above it is judged
        known = self._facts.called if use.role == "call" else self._facts.values
        if path in known or (use.role == "call" and path.removeprefix("builtins.") in _CALLED_ONLY):
            return
        head, rest = self._open_part(path, use.role)
        if head is None:
            kind = "built-in" if path.startswith("builtins.") else "name"
            what = path.removeprefix("builtins.")
            done = "call" if use.role == "call" else "use"
            message = f"the {kind} {what!r} is out of reach: the original does not {done} it, and it is not pure"
            yield _violation("capability", use.node, message)
        for name in rest:
            yield from self._attribute_name(use.node, name)

    def _open_part(self, path: str, role: str) -> tuple[str | None, tuple[str, ...]]:
        """Return the part of a path that is open to the text, and the attributes that it takes of that."""
        parts = path.split(".")
        for count in range(len(parts), 0, -1):
            head, rest = ".".join(parts[:count]), tuple(parts[count:])
            if rest and rest[0] in MUTATORS and role == "call" and head in self._facts.values:
                return None, ()  # what is outside of the function stays as it is
            if self._is_open(head) or (rest and head in self._facts.values):
                return head, rest
        return None, ()

    def _is_open(self, path: str) -> bool:
        module, _, name = path.rpartition(".")
        if module == "builtins":
            return name in BUILTINS or is_exception(name)
        if not module:
            return False
        return is_listed(module, name) or is_declared(module, name, self._facts.original.imports)

    def _attribute_name(self, node: ast.AST, name: str) -> Iterator[Violation]:
        """Judge the name of an attribute of an object that nothing is known of."""
        if self._is_of_original(node) or (name == "__name__" and _asks_type(node)) or self._logs(node):
            return
        if is_hidden(name):
            message = f"the attribute {name!r} leads into the machinery of the language"
            yield _violation("dunder-access", node, message)
        elif name not in METHODS and name not in self._facts.attributes:
            message = f"the attribute {name!r} is used neither by the original nor of built-in values"
            yield _violation("attribute", node, message)

    def _logs(self, node: ast.AST) -> bool:
        asked = node.value if isinstance(node, ast.Attribute) and node.attr in _LEVELS else None
        return isinstance(asked, ast.Name) and asked.id in self._facts.loggers

    def _attribute(self, node: ast.Attribute) -> Iterator[Violation]:
        if isinstance(node.ctx, ast.Load):
            yield from self._constant_stays(node)
        elif ast.dump(node) not in self._facts.stores:
            message = f"the attribute {node.attr!r} is changed here, which the original does not do"
            yield _violation("attribute-store", node, message)

    def _constant_stays(self, node: ast.Attribute) -> Iterator[Violation]:
        """Refuse methods that would change what outlives the call."""
        if node.attr in MUTATORS and not self._is_of_original(node) and (name := self._outliving(node.value)):
            yield _violation("shared-state", node, f"{node.attr!r} would change {name!r}, which outlives the call")

    def _subscript(self, node: ast.Subscript) -> Iterator[Violation]:
        if isinstance(node.ctx, ast.Load) or ast.dump(node) in self._facts.stores:
            return
        if name := self._outliving(node.value):
            yield _violation("shared-state", node, f"an item of {name!r} is changed here, which outlives the call")

    def _outliving(self, node: ast.expr) -> str | None:
        """Return the name at the root of an expression that is bound outside of every function of the text."""
        while isinstance(node, ast.Subscript | ast.Attribute):
            node = node.value
        if isinstance(node, ast.Name) and self._references.outlives(node):
            return node.id
        return None

    def _call(self, node: ast.Call) -> Iterator[Violation]:
        if self._is_of_original(node):
            return
        if isinstance(node.func, ast.Name):
            yield from self._call_by_name(node, node.func.id)
        elif isinstance(node.func, ast.Attribute) and node.func.attr in _FORMATS:
            yield from self._format(node, node.func.value)

    def _call_by_name(self, node: ast.Call, name: str) -> Iterator[Violation]:
        if name in _BY_NAME:
            text = node.args[1].value if len(node.args) > 1 and isinstance(node.args[1], ast.Constant) else None
            if isinstance(text, str) and text.isidentifier():
                yield from self._attribute_name(node, text)
            else:
                yield _violation("computed-name", node, f"{name} is given a name that is not written here")
        elif name in _IDENTICAL and f"builtins.{name}" in self._facts.called:
            yield _violation("capability", node, f"{name} is called otherwise than the original calls it")
        elif name == "type" and (len(node.args) != 1 or node.keywords):
            yield _violation("capability", node, "type makes a class here; ask it for the type of one object only")

    def _format(self, node: ast.Call, template: ast.expr) -> Iterator[Violation]:
        text = template.value if isinstance(template, ast.Constant) else None
        if not isinstance(text, str):
            message = "the text that is formatted is not written here, so it may reach attributes; use an f-string"
            yield _violation("format-walk", node, message)
        elif any("." in field or "[" in field for field in _fields(text)):
            yield _violation("format-walk", node, "the text reaches attributes or items; use an f-string")

    def _class(self, node: ast.ClassDef) -> Iterator[Violation]:
        if not self._is_of_original(node):
            yield _violation("class", node, f"the class {node.name!r} is not the original's; write functions")

    def _import(self, node: ast.Import | ast.ImportFrom) -> Iterator[Violation]:
        for alias in node.names:
            module = alias.name if isinstance(node, ast.Import) else "." * node.level + (node.module or "")
            if alias.name == "*":
                yield _violation("star-import", node, f"everything of {module} is imported; name what is needed")
            elif not self._may_import(module, None if isinstance(node, ast.Import) else alias.name):
                message = f"{module} is imported by neither the original's module nor its domain, and is not pure"
                yield _violation("import", node, message)

    def _may_import(self, module: str, name: str | None) -> bool:
        declared = self._facts.original.imports
        if is_pure_module(module) or module in declared or module in self._facts.imported:
            return True
        if name is not None and f"{module}.{name}" in self._facts.imported:
            return True
        return any(known.startswith(f"{module}.") for known in (*declared, *self._facts.imported) if name is not None)

    def _handler(self, node: ast.ExceptHandler) -> Iterator[Violation]:
        if node.type is None and not self._facts.has_bare_except:
            message = "every exception is caught here, those that end the call too; name Exception or a narrower one"
            yield _violation("bare-except", node, message)

    def _pattern(self, node: ast.MatchClass) -> Iterator[Violation]:
        for name in node.kwd_attrs:
            yield from self._attribute_name(node, name)


def _nothing(_node: ast.AST) -> Iterator[Violation]:
    return iter(())


def _asks_type(node: ast.AST) -> bool:
    """Tell whether a node is ``type(x).__name__``, as messages have it."""
    asked = node.value if isinstance(node, ast.Attribute) else None
    return isinstance(asked, ast.Call) and isinstance(asked.func, ast.Name) and asked.func.id == "type"


def _fields(text: str) -> Iterable[str]:
    """Return the names of a format string's fields, nested ones too; a broken one has none."""
    try:
        parsed = [(field or "", spec or "") for _, field, spec, _ in Formatter().parse(text)]
    except ValueError:
        return ()
    return [field for field, _ in parsed] + [inner for _, spec in parsed for inner in _fields(spec)]
