"""The second gate: one function in the place of another, and nothing that runs before it is called."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from typing import Final

from poet_import.model import Violation
from poet_import.source.nodes import children, walk
from poet_import.source.scopes import FunctionNode, names_bound_by, parameters
from poet_import.validation.originals import Facts
from poet_import.validation.uses import is_hidden

_CONSTANT: Final = (
    *(
        ast.Constant,
        ast.Tuple,
        ast.List,
        ast.Set,
        ast.Dict,
        ast.UnaryOp,
        ast.BinOp,
        ast.Name,
        ast.Attribute,
        ast.Starred,
    ),
    *(ast.operator, ast.unaryop, ast.expr_context, ast.Subscript, ast.Slice, ast.keyword),
)
# What may be called while the module is loaded: it makes a value of constants.
_MAKERS: Final = frozenset(
    """frozenset tuple set dict list range int float str bytes re.compile Decimal decimal.Decimal Fraction
    fractions.Fraction timedelta datetime.timedelta date datetime.date datetime datetime.datetime timezone
    datetime.timezone str.maketrans MappingProxyType types.MappingProxyType operator.itemgetter itemgetter math.sqrt
    math.log object""".split()
)


def check_structure(tree: ast.Module, facts: Facts) -> tuple[FunctionNode | None, list[Violation]]:
    """Return the function that stands for the original, and what is wrong with how the text is built."""
    name = facts.original.name
    functions = [node for node in tree.body if isinstance(node, FunctionNode)]
    own = [node for node in functions if node.name == name]
    found = [*_check_module(tree, name)]
    if len(own) != 1:
        what = "is not defined" if not own else f"is defined {len(own)} times"
        line = own[-1].lineno if own else 1
        others = ", ".join(node.name for node in functions) or "none"
        message = f"the function {name!r} {what}; define it once (functions found: {others})"
        return None, [*found, _violation("one-function", line, message)]
    found += _check_signature(own[0], facts.function)
    for helper in functions:
        if helper is not own[0]:
            found += _check_helper(helper)
    return own[0], found


def is_generator(node: FunctionNode) -> bool:
    """Tell whether a function has a ``yield`` of its own."""
    stack: list[ast.AST] = [*node.body]
    while stack:
        part = stack.pop()
        if isinstance(part, ast.Yield | ast.YieldFrom):
            return True
        if not isinstance(part, FunctionNode | ast.Lambda | ast.ClassDef):
            stack += children(part)
    return False


def _violation(rule: str, line: int, message: str) -> Violation:
    return Violation("structure", rule, line, message)


def _check_module(tree: ast.Module, name: str) -> Iterator[Violation]:
    bound: set[str] = set()
    for position, node in enumerate(tree.body):
        match node:
            case ast.FunctionDef() | ast.AsyncFunctionDef():
                names = [node.name] if node.name != name else []
            case ast.Import() | ast.ImportFrom():
                names = []
                yield from _check_import(node, name)
            case ast.Assign() | ast.AnnAssign():
                names = list(_targets(node))
                yield from _check_constant(node)
            case ast.Expr(value=ast.Constant(value=str())) if position == 0:
                names = []
            case _:
                names = []
                message = "only imports, constants and functions stand at module level"
                yield _violation("module-level", node.lineno, message)
        for bound_name in names:
            yield from _check_name(bound_name, node.lineno, again=bound_name in bound)
        bound.update(names)


def _check_name(name: str, line: int, *, again: bool) -> Iterator[Violation]:
    if not name.startswith("_") or is_hidden(name):
        message = f"{name!r} is public; begin names of helpers and constants with one underscore"
        yield _violation("public-name", line, message)
    if again:
        yield _violation("bound-twice", line, f"{name!r} is bound twice at module level; bind it once")


def _check_import(node: ast.Import | ast.ImportFrom, name: str) -> Iterator[Violation]:
    if name in names_bound_by(node):
        yield _violation("one-function", node.lineno, f"{name!r} is imported here; it is the function's name")
    modules = [alias.name for alias in node.names] if isinstance(node, ast.Import) else [node.module or ""]
    if any(module.partition(".")[0] == "poet_import" for module in modules):
        message = "what is recorded of calls is woven around the function; write nothing for it"
        yield _violation("own-phases", node.lineno, message)


def _targets(node: ast.Assign | ast.AnnAssign) -> Iterator[str]:
    for target in node.targets if isinstance(node, ast.Assign) else [node.target]:
        yield target.id if isinstance(target, ast.Name) else "<target>"


def _check_constant(node: ast.Assign | ast.AnnAssign) -> Iterator[Violation]:
    value = node.value
    if value is None:
        yield _violation("module-level", node.lineno, "a name without a value stands at module level; give it one")
    elif (wrong := _not_constant(value)) is not None:
        message = "a constant is computed by more than other constants; compute it in the function"
        yield _violation("constant", getattr(wrong, "lineno", node.lineno), message)
    if isinstance(node, ast.AnnAssign):
        yield from _check_annotations([node.annotation])


def _not_constant(value: ast.expr) -> ast.AST | None:
    """Return the first part of an expression that is evaluated to more than a constant."""
    stack: list[ast.AST] = [value]
    while stack:
        node = stack.pop()
        if isinstance(node, ast.Call) and ast.unparse(node.func) in _MAKERS:
            stack += [*node.args, *node.keywords]
        elif isinstance(node, _CONSTANT):
            stack += children(node)
        else:
            return node
    return None


def _check_annotations(annotations: list[ast.expr | None]) -> Iterator[Violation]:
    """Refuse annotations that do something when they are evaluated."""
    for annotation in annotations:
        for node in walk(annotation) if annotation else ():
            if isinstance(node, ast.Call | ast.NamedExpr | ast.Await | ast.Yield | ast.YieldFrom | ast.Lambda):
                yield _violation("annotation", node.lineno, "an annotation only names types")


def _check_signature(node: FunctionNode, original: FunctionNode) -> Iterator[Violation]:
    if node.decorator_list:
        message = "the function has a decorator; leave it out: those of the original stay"
        yield _violation("decorator", node.decorator_list[0].lineno, message)
    if type(node) is not type(original) or is_generator(node) != is_generator(original):
        message = f"it is {_kind(node)}, and the original {_kind(original)}; keep the kind"
        yield _violation("kind", node.lineno, message)
    mine, theirs = ast.unparse(node.args), ast.unparse(original.args)
    if ast.dump(node.args) != ast.dump(original.args):
        yield _violation("parameters", node.lineno, f"the parameters are ({mine}); keep them as they are: ({theirs})")
    if ast.unparse(node.returns or _NONE) != ast.unparse(original.returns or _NONE):
        yield _violation("returns", node.lineno, "the annotation of the result differs; keep it as it is")
    if [ast.dump(part) for part in _type_parameters(node)] != [ast.dump(part) for part in _type_parameters(original)]:
        yield _violation("parameters", node.lineno, "the type parameters differ; keep them as they are")


_NONE: Final = ast.Name("<none>")


def _type_parameters(node: FunctionNode) -> list[ast.AST]:
    return list(getattr(node, "type_params", ()))


def _kind(node: FunctionNode) -> str:
    kind = "an asynchronous" if isinstance(node, ast.AsyncFunctionDef) else "a"
    return f"{kind} {'generator' if is_generator(node) else 'function'}"


def _check_helper(node: FunctionNode) -> Iterator[Violation]:
    if node.decorator_list:
        message = f"the helper {node.name!r} has a decorator; decorators run while the module is loaded"
        yield _violation("decorator", node.decorator_list[0].lineno, message)
    for default in (*node.args.defaults, *node.args.kw_defaults):
        if default is not None and not _is_immutable(default):
            message = f"a default of {node.name!r} is no constant that stays one; give it None or a constant"
            yield _violation("default", default.lineno, message)
    annotations = [argument.annotation for argument in parameters(node)]
    yield from _check_annotations([*annotations, node.returns])


def _is_immutable(node: ast.expr) -> bool:
    kinds = (ast.Constant, ast.UnaryOp, ast.unaryop, ast.Tuple, ast.expr_context, ast.Name, ast.BinOp, ast.operator)
    return all(isinstance(part, kinds) for part in walk(node))
