"""What outlives a call: constants of the text, names of the module, and imports must stay as they are."""

from __future__ import annotations

import ast
import builtins
from typing import Final

from poet_import.validation.bindings import Bindings, Source

_DEEPEST: Final = 4  # items of items of items of items
# Depths are counted in items: 0 is the object itself. Each of these hands out what it was given, so many items deeper.
_SAME: Final = frozenset(
    """list tuple set frozenset sorted reversed iter filter map copy dict values keys islice deque Counter OrderedDict
    defaultdict cycle repeat tee takewhile dropwhile""".split()
)
_PASSES: Final = frozenset("reduce cast nullcontext chain from_iterable ChainMap product groupby starmap".split())
_ITEM: Final = frozenset("get pop popitem setdefault next min max".split())
_PAIRS: Final = frozenset("items enumerate zip".split())
_MAKERS: Final = frozenset("list dict set bytearray str.maketrans".split())
_BUILT: Final[dict[type, tuple[str, ...]]] = {
    **dict.fromkeys((ast.Tuple, ast.List, ast.Set), ("elts",)),
    **dict.fromkeys((ast.ListComp, ast.SetComp, ast.GeneratorExp), ("elt",)),
    ast.Dict: ("values",),
    ast.DictComp: ("value",),
}
_NEW: Final = (ast.BinOp, ast.Subscript)  # the latter is a slice
_FOLLOWED: Final[dict[type, tuple[str, ...]]] = {
    **_BUILT,
    **dict.fromkeys((ast.Attribute, ast.Starred, ast.NamedExpr, ast.Await, ast.Subscript), ("value",)),
    ast.IfExp: ("body", "orelse"),
    ast.BoolOp: ("values",),
    ast.BinOp: ("left", "right"),
}
_DISPLAYS: Final = (ast.List, ast.Set, ast.Dict)


def changes(bindings: Bindings, node: ast.expr, *, surely: bool = False) -> str | None:
    """Return the name of what outlives the call and would be changed by changing the value of an expression.

    Args:
        bindings: The names of the text.
        node: The expression.
        surely: Whether only constants of the text are meant: what is bound outside of it may be a number.
    """
    stack: list[tuple[ast.AST, int]] = [(node, 0)]
    seen: set[tuple[int, int]] = set()
    while stack:
        bindings.step()
        part, depth = stack.pop()
        if (id(part), depth) in seen or depth > _DEEPEST:
            continue
        seen.add((id(part), depth))
        if isinstance(part, ast.Name):
            sources = bindings.of(part)
            if not surely and _is_of_others(bindings, part) and (part is node or not hasattr(builtins, part.id)):
                return part.id
            if bindings.is_global(part) and not bindings.is_outside(part):
                if any(_is_mutable(one.node, depth) for one in sources if one.kind == "value"):
                    return part.id
                stack += _of_sources(sources, depth)
        stack += _leads_to(bindings, part, depth)
    return None


def _is_of_others(bindings: Bindings, node: ast.Name) -> bool:
    """Tell whether a name is bound outside of the text, or by an import."""
    return bindings.is_outside(node) or any(one.kind == "import" for one in bindings.of(node))


def _leads_to(bindings: Bindings, node: ast.AST, depth: int) -> list[tuple[ast.AST, int]]:
    if isinstance(node, ast.Name):
        return [] if bindings.is_global(node) else _of_sources(bindings.given(node), depth)
    if isinstance(node, ast.Call):
        return _of_call(bindings, node, depth)
    if isinstance(node, ast.Subscript) and not isinstance(node.slice, ast.Slice):
        return [(node.value, depth + 1)]
    deeper = depth - (type(node) in _BUILT)
    if (type(node) in _BUILT or isinstance(node, _NEW)) and not depth:
        return []  # a new object
    found = [getattr(node, field) for field in _FOLLOWED.get(type(node), ())]
    return [(one, deeper) for value in found for one in (value if isinstance(value, list) else [value])]


def _of_sources(sources: list[Source], depth: int) -> list[tuple[ast.AST, int]]:
    found = [one for one in sources if isinstance(one.node, ast.expr) and one.kind != "changed"]
    return [(one.node, depth + one.depth) for one in found if depth + one.depth >= 0]


def _of_call(bindings: Bindings, node: ast.Call, depth: int) -> list[tuple[ast.AST, int]]:
    given: list[ast.AST] = [*node.args, *(keyword.value for keyword in node.keywords)]
    if isinstance(node.func, ast.Attribute):
        name = node.func.attr
        given.append(node.func.value)
    else:
        name = node.func.id if isinstance(node.func, ast.Name) else ""
        own = [one.node for one in bindings.of(node.func)] if isinstance(node.func, ast.Name) else [node.func]
        if found := [value for one in own for value in bindings.returned(one)]:
            return [(value, depth) for value in found]
    if name in _ITEM:
        receiver = isinstance(node.func, ast.Attribute)
        others = given[:-1] if receiver else given  # what is given in place of an item, or is one
        return [*((one, depth + 1) for one in (given[-1:] if receiver else given)), *((one, depth) for one in others)]
    if name in _PASSES:
        return [(one, deeper) for one in given for deeper in (depth, depth + 1)]
    if name in _PAIRS:
        return [(one, depth - 1) for one in given] if depth > 1 else []
    return [(one, depth) for one in given] if name in _SAME and depth else []


def _is_mutable(node: ast.AST, depth: int) -> bool:
    """Tell whether the items of a constant, so deep, can be changed."""
    if depth < 0:
        return False
    if isinstance(node, ast.Call):
        mutable = ast.unparse(node.func) in _MAKERS
        return (mutable and not depth) or any(_is_mutable(one, depth) for one in node.args if depth)
    if not depth:
        return isinstance(node, _DISPLAYS) or (isinstance(node, ast.BinOp) and _is_mutable(node.left, 0))
    if isinstance(node, ast.BinOp):
        return any(_is_mutable(one, depth) for one in (node.left, node.right))
    if isinstance(node, ast.Name | ast.Attribute):
        return True
    parts = node.values if isinstance(node, ast.Dict) else getattr(node, "elts", [])
    return any(_is_mutable(one, depth - 1) for one in parts)
