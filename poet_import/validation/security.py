"""The third gate: what a text can do beyond what its original does. An allow-list; what it does not know, it refuses.

It compares *capabilities*: names that lead out of the function (imports, built-ins, names of the module) and the
attributes of objects that nothing is known of. Each must be of `poet_import.validation.pure`, or the original must use
the same one in the same role. It is a gate, not a sandbox: ``docs/threat-model.md`` says what it does not promise.
"""

from __future__ import annotations

import ast
from collections.abc import Callable, Iterator, Mapping
from typing import Final

from poet_import.model import Violation
from poet_import.source.nodes import walk
from poet_import.source.scopes import FunctionNode, ScopeTree, names_bound_by, read_scopes
from poet_import.validation.bindings import Bindings, TangledError
from poet_import.validation.calls import FORMATS, IDENTICAL, Calls
from poet_import.validation.declared import is_declared
from poet_import.validation.flow import Flow
from poet_import.validation.originals import Facts, is_foreign_raise, leaves
from poet_import.validation.pure import BUILTINS, CHANGERS, METHODS, MUTATORS, is_exception, is_listed, is_pure_module
from poet_import.validation.sharing import changes
from poet_import.validation.sizes import check_sizes
from poet_import.validation.uses import BY_NAME, Role, Use, asked_by_text, attribute_of, is_hidden, is_named, uses_in

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
_NEVER_SHADOWED: Final = BY_NAME | {"isinstance", "issubclass"}  # what they are given is judged by their names
_IN_PLACE: Final = frozenset(f"builtins.{name}" for name in IDENTICAL | BY_NAME)
_HANDED: Final = frozenset({"call", "value"})
_ROLES: Final = ("call", "test", "base", "value")
_CONTAINERS: Final = (ast.List, ast.Set, ast.Dict, ast.ListComp, ast.SetComp, ast.DictComp)
# These change their first argument.
_CHANGING: Final = frozenset(
    """heapq.heapify heapq.heappop heapq.heappush heapq.heappushpop heapq.heapreplace bisect.insort bisect.insort_left
    bisect.insort_right""".split()
)
_LEVELS: Final = frozenset({"debug", "info", "warning", "error", "exception", "critical"})
_CALLED_ONLY: Final = BY_NAME | {"type"}
_TYPE_PARAMETERS: Final = frozenset({"TypeVar", "ParamSpec", "TypeVarTuple"})
_AWAITS: Final = frozenset({ast.Await, ast.AsyncFor, ast.AsyncWith})
_ENTERS: Final = frozenset({ast.With, ast.AsyncWith})
_MACHINERY: Final = frozenset({"__builtins__", "__loader__", "__spec__"})  # of every module
_LEFT: Final = frozenset({"close", "release"})  # the original does itself what the end of a context does
# Contexts that do nothing to what they are given.
_CONTEXTS: Final = frozenset({"contextlib.nullcontext", "contextlib.suppress"})


def check_security(tree: ast.Module, facts: Facts) -> list[Violation]:
    """Return what a text may not do that its original does not do; nothing of it is run."""
    scopes = read_scopes(tree)
    try:
        judge = _Judge(facts, tree, scopes)
        found = [*judge.nodes(tree), *judge.uses(tree), *check_sizes(tree)]
    except (TangledError, RecursionError):
        found = [_violation("tangled", tree, "values go more ways than can be followed; write it in simpler steps")]
    return sorted(dict.fromkeys(found), key=lambda violation: (violation.line, violation.rule, violation.message))


def _violation(rule: str, node: ast.AST, message: str) -> Violation:
    return Violation("security", rule, getattr(node, "lineno", 1), message)


class _Judge:
    """Judges one text against one original."""

    def __init__(self, facts: Facts, tree: ast.Module, scopes: ScopeTree) -> None:
        self._facts = facts
        named = (node for node in tree.body if isinstance(node, FunctionNode) and node.name == facts.original.name)
        self._main = next(named, None)
        self._bindings = Bindings(tree, scopes.module, scopes=scopes, main=self._main)
        self._flow = Flow(self._bindings, facts.outside)
        self._calls = Calls(facts, self._flow)
        self._own_returns = frozenset(node for node in walk(self._main or tree) if isinstance(node, ast.Return))
        self._by_kind: Mapping[type, Callable[..., Iterator[Violation]]] = {
            ast.Call: self._call,
            ast.ClassDef: self._class,
            ast.Import: self._import,
            ast.ImportFrom: self._import,
            ast.ExceptHandler: self._handler,
            ast.MatchClass: self._pattern,
            ast.Attribute: self._attribute,
            ast.Subscript: self._subscript,
            ast.AugAssign: self._changed,
            ast.With: self._context,
            ast.AsyncWith: self._context,
            ast.Raise: self._raise,
            ast.Return: self._returned,
            ast.Try: self._finally,
            ast.TryStar: self._finally,
        }

    def nodes(self, tree: ast.AST) -> Iterator[Violation]:
        """Yield what is wrong with single nodes, whatever they lead to."""
        yield from self._calls.foreign(tree)
        for node in walk(tree):
            kind = type(node)
            yield from self._by_kind.get(kind, _nothing)(node)
            yield from self._names(node)
            if kind.__name__ not in _NODES and not self._is_as_in_original(node):
                yield _violation("unknown-syntax", node, f"{kind.__name__} is not among what a function may be made of")
            elif kind in _AWAITS and not _AWAITS & self._facts.kinds:
                yield _violation("capability", node, "it waits for something, which the original does not do")

    def uses(self, tree: ast.Module) -> Iterator[Violation]:
        """Yield what is wrong with what is named, and where it leads."""
        for use in uses_in(tree):
            paths = self._flow.paths(use.node)
            for path in sorted(paths):
                yield from self._path(use, path)
            asked = attribute_of(use.node)
            if isinstance(use.node, ast.Name):
                yield from self._name(use.node, use.role, paths)
            elif asked is not None and not paths and not _is_formatting(use):
                yield from self._attribute_name(use.node, asked[1], use)

    def _is_as_in_original(self, node: ast.AST) -> bool:
        kind = type(node)
        if kind.__name__ in _TYPE_PARAMETERS:
            return node in getattr(self._main, "type_params", ())  # compared by the gate before
        return kind in _AS_IN_ORIGINAL and ast.dump(node) in self._facts.verbatim

    def _facts_name(self, name: str) -> bool:
        if name in self._facts.loggers:
            return True
        return name in self._facts.outside_names and name not in _MACHINERY

    def _names(self, node: ast.AST) -> Iterator[Violation]:
        """Refuse names that only look like others, and those that stand for what is judged by its name."""
        for name in names_bound_by(node):
            if not name.isascii() and name not in self._facts.identifiers:
                yield _violation("confusable-name", node, f"the name {name!a} is not the original's; write it in ASCII")
            elif name in _NEVER_SHADOWED and name not in self._facts.identifiers:
                yield _violation("shadowed", node, f"{name!r} is bound to something else; name that otherwise")

    def _name(self, node: ast.Name, role: Role, paths: frozenset[str]) -> Iterator[Violation]:
        if self._bindings.is_outside(node) and node.id != self._facts.original.name:
            if not paths and not self._facts_name(node.id):
                message = f"the name {node.id!r} is neither bound here nor used by the original"
                yield _violation("unknown-name", node, message)
            elif not paths and role in _HANDED and node.id not in self._facts.handed:
                message = f"{node.id!r} is called or handed on here, and only looked at by the original"
                yield _violation("capability", node, message)
        elif paths and self._is_mixed(node) and self._flow.form(node) not in self._facts.names_by_form:
            message = f"{node.id!r} is bound by an import and by something else; give them names of their own"
            yield _violation("rebound-import", node, message)

    def _is_mixed(self, node: ast.Name) -> bool:
        others = [one.node for one in self._bindings.of(node) if one.kind != "import"]
        return not all(isinstance(one, ast.Constant) for one in others)

    def _path(self, use: Use, path: str) -> Iterator[Violation]:
        """Judge what leads to an import or a built-in."""
        if use.role == "base":
            return  # the attribute above it is judged
        if self._is_known(use, path) or (use.role == "call" and path.removeprefix("builtins.") in _CALLED_ONLY):
            return
        head, rest = self._open_part(path)
        if head is None:
            kind = "built-in" if path.startswith("builtins.") else "name"
            what = path.removeprefix("builtins.")
            done = "call" if use.role == "call" else "use"
            message = f"the {kind} {what!r} is out of reach: the original does not {done} it, and it is not pure"
            yield _violation("capability", use.node, message)
        for name in rest:
            yield from self._attribute_name(use.node, name, use)

    def _is_known(self, use: Use, path: str) -> bool:
        """Tell whether the original uses the same in the same role; a module only in the same place."""
        facts = self._facts
        if use.role == "test":
            return path in facts.tested | facts.called | facts.values
        if use.role == "value" and path in facts.values and (path in facts.modules or path in _IN_PLACE):
            return self._flow.form(use.parent) in facts.contexts
        return path in (facts.called if use.role == "call" else facts.values)

    def _open_part(self, path: str) -> tuple[str | None, tuple[str, ...]]:
        """Return the part of a path that is open to the text, and the attributes that it takes of that."""
        held = (self._facts.values | self._facts.tested) - self._facts.modules
        parts = path.split(".")
        for count in range(len(parts), 0, -1):
            head, rest = ".".join(parts[:count]), tuple(parts[count:])
            if rest and rest[0] in CHANGERS and head in held:
                return None, ()  # what is outside of the function stays as it is
            if self._is_open(head) or (rest and head in held):
                return head, rest
        return None, ()

    def _is_open(self, path: str) -> bool:
        module, _, name = path.rpartition(".")
        if module == "builtins":
            return name in BUILTINS or is_exception(name)
        if not module:
            return False
        return is_listed(module, name) or is_declared(module, name, self._facts.original.imports)

    def _attribute_name(self, node: ast.AST, name: str, use: Use | None = None) -> Iterator[Violation]:
        """Judge the name of an attribute of an object that nothing is known of."""
        if self._is_chain(use) or (name == "__name__" and self._asks_type(node)) or self._logs(node):
            return
        if is_hidden(name):
            message = f"the attribute {name!r} leads into the machinery of the language"
            yield _violation("dunder-access", node, message)
        elif name in FORMATS or (name not in METHODS and name not in self._facts.attributes):
            message = f"the attribute {name!r} is used neither by the original nor of built-in values"
            yield _violation("attribute", node, message)
        elif name in CHANGERS and name not in self._facts.attributes:
            yield from self._changer(node, name)

    def _changer(self, node: ast.AST, name: str) -> Iterator[Violation]:
        """Judge a method that changes its object, where the original has none of that name."""
        if self._is_foreign(node):
            message = f"{name!r} may do more to what the original's call returns than to a built-in value"
            yield _violation("attribute", node, message)
        elif name in MUTATORS and self._is_part(node):
            message = f"{name!r} changes a part of what the function was given, which the original does not do"
            yield _violation("attribute-store", node, message)

    def _is_part(self, node: ast.AST) -> bool:
        """Tell whether what is asked for an attribute is an attribute itself, of an object."""
        asked = attribute_of(node)
        values = self._flow.values(asked[0]) if asked else ()
        return any(attribute_of(one) is not None and not self._flow.paths(one) for one in values)

    def _is_chain(self, use: Use | None) -> bool:
        """Tell whether the original has the same chain of attributes, and does the same with it."""
        if use is None:
            return False
        form = self._flow.form(use.node)
        if (form, use.role) in self._facts.chains:
            return True
        named = isinstance(use.parent, ast.Assign | ast.NamedExpr)  # what is done with the name is judged
        return (named or use.role in ("base", "test")) and any((form, role) in self._facts.chains for role in _ROLES)

    def _is_foreign(self, node: ast.AST) -> bool:
        """Tell whether an attribute is one of what a call returns that is not open to any function."""
        asked = attribute_of(node)
        values = self._flow.values(asked[0]) if asked else ()
        calls = [one for one in values if isinstance(one, ast.Call) and attribute_of(one) is None]
        return any(not self._is_open(path) for one in calls for path in self._flow.paths(one.func))

    def _asks_type(self, node: ast.AST) -> bool:
        """Tell whether a node is ``type(x).__name__``, as messages have it."""
        asked = node.value if isinstance(node, ast.Attribute) else None
        values = self._flow.values(asked) if asked is not None else ()
        return all(isinstance(one, ast.Call) and is_named(one.func, {"type"}) for one in values)

    def _logs(self, node: ast.AST) -> bool:
        asked = node.value if isinstance(node, ast.Attribute) and node.attr in _LEVELS else None
        return isinstance(asked, ast.Name) and asked.id in self._facts.loggers and self._bindings.is_outside(asked)

    def _attribute(self, node: ast.Attribute) -> Iterator[Violation]:
        if isinstance(node.ctx, ast.Load):
            yield from self._constant_stays(node)
        elif self._flow.form(node) not in self._facts.stores:
            message = f"the attribute {node.attr!r} is changed here, which the original does not do"
            yield _violation("attribute-store", node, message)

    def _constant_stays(self, node: ast.expr) -> Iterator[Violation]:
        """Refuse methods that would change what outlives the call."""
        asked = attribute_of(node)
        if asked is None or asked[1] not in MUTATORS or self._is_of_original(node):
            return
        paths = self._flow.paths(node)
        if paths and all(self._is_open(path) for path in paths):
            return  # a function of that name
        if name := changes(self._bindings, asked[0]):
            yield _violation("shared-state", node, f"{asked[1]!r} would change {name!r}, which outlives the call")

    def _is_of_original(self, node: ast.AST) -> bool:
        form = self._flow.form(node)
        return any((form, role) in self._facts.chains for role in _ROLES)

    def _subscript(self, node: ast.Subscript) -> Iterator[Violation]:
        if isinstance(node.ctx, ast.Load) or self._flow.form(node) in self._facts.stores:
            return
        if name := changes(self._bindings, node.value):
            yield _violation("shared-state", node, f"an item of {name!r} is changed here, which outlives the call")
        elif self._flow.form(node.value) not in self._facts.filled and self._holds_part(node.value):
            message = "an item of a part of what the function was given is changed, which the original does not do"
            yield _violation("attribute-store", node, message)

    def _holds_part(self, node: ast.expr) -> bool:
        return any(attribute_of(one) is not None for one in self._flow.values(node))

    def _changed(self, node: ast.AugAssign) -> Iterator[Violation]:
        """Refuse ``+=`` and the like on a list, set or dictionary that outlives the call."""
        if isinstance(node.target, ast.Name):
            kept = [one.node for one in self._bindings.of(node.target) if one.kind == "value"]
            surely = not isinstance(node.value, _CONTAINERS)
            for value in kept:
                if isinstance(value, ast.expr) and (name := changes(self._bindings, value, surely=surely)):
                    yield _violation("shared-state", node, f"{name!r} is changed here, which outlives the call")

    def _call(self, node: ast.Call) -> Iterator[Violation]:
        yield from self._calls.one(node)
        if asked_by_text(node) is not None:
            yield from self._constant_stays(node)
        changed = node.args[:1] if self._flow.paths(node.func) & _CHANGING else []
        for argument in changed:
            if name := changes(self._bindings, argument):
                yield _violation("shared-state", node, f"{name!r} would be changed, which outlives the call")

    def _class(self, node: ast.ClassDef) -> Iterator[Violation]:
        if ast.dump(node) not in self._facts.verbatim:
            yield _violation("class", node, f"the class {node.name!r} is not the original's; write functions")

    def _import(self, node: ast.Import | ast.ImportFrom) -> Iterator[Violation]:
        for alias in node.names:
            module = alias.name if isinstance(node, ast.Import) else "." * node.level + (node.module or "")
            if alias.name == "*":
                yield _violation("star-import", node, f"everything of {module} is imported; name what is needed")
            elif not self._may_import(module, None if isinstance(node, ast.Import) else alias.name):
                what = module if isinstance(node, ast.Import) else f"{module}.{alias.name}"
                message = f"{what} is imported by neither the original's module nor its domain, and is not pure"
                yield _violation("import", node, message)

    def _may_import(self, module: str, name: str | None) -> bool:
        facts = self._facts
        path = module if name is None else f"{module}.{name}"
        if path in facts.imported or is_pure_module(path) or path in facts.original.imports or self._is_open(path):
            return True
        used = facts.imported if name is None else facts.called | facts.values | facts.tested
        return any(one == path or one.startswith(f"{path}.") for one in used)

    def _handler(self, node: ast.ExceptHandler) -> Iterator[Violation]:
        if node.type is None:
            if not self._facts.has_bare_except:
                message = (
                    "every exception is caught here, those that end the call too; name Exception or a narrower one"
                )
                yield _violation("bare-except", node, message)
        elif self._flow.origins(node.type) and not self._facts.catches_values:
            yield _violation("bare-except", node, "what is caught here comes from outside; name the exceptions")

    def _raise(self, node: ast.Raise) -> Iterator[Violation]:
        if is_foreign_raise(node, self._flow) and not self._facts.raises_values:
            yield _violation("foreign-call", node, "what is raised here comes from outside; raise an exception")

    def _returned(self, node: ast.Return) -> Iterator[Violation]:
        """Refuse to hand out what the caller could change for all later calls."""
        if node in self._own_returns and node.value and (name := changes(self._bindings, node.value, surely=True)):
            yield _violation("shared-state", node, f"{name!r} is returned, and outlives the call; return a copy")

    def _finally(self, node: ast.Try | ast.TryStar) -> Iterator[Violation]:
        if self._facts.leaves_finally:
            return
        for leaving in leaves(node.finalbody):
            message = "leaving a finally drops every exception, those that end the call too; leave after it"
            yield _violation("bare-except", leaving, message)

    def _context(self, node: ast.With | ast.AsyncWith) -> Iterator[Violation]:
        if _ENTERS & self._facts.kinds or _LEFT & self._facts.attributes:
            return
        for item in node.items:
            made = (one for one in self._flow.values(item.context_expr) if isinstance(one, ast.Call))
            paths = {path for one in made for path in self._flow.callee_paths(one)}
            if not paths or not paths <= _CONTEXTS | self._facts.called:
                yield _violation(
                    "capability", item.context_expr, "a context is entered, which the original does not do"
                )

    def _pattern(self, node: ast.MatchClass) -> Iterator[Violation]:
        for name in node.kwd_attrs:
            yield from self._attribute_name(node, name)


def _is_formatting(use: Use) -> bool:
    """Tell whether a use is the call of a method that formats: it is judged by the text."""
    return use.role == "call" and isinstance(use.node, ast.Attribute) and use.node.attr in FORMATS


def _nothing(_node: ast.AST) -> Iterator[Violation]:
    return iter(())
