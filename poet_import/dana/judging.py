"""What a language model wrote in Dana may become code only if four gates let it pass: nothing of it is run for that.

There is no jail for Dana, so under ``preserve`` a text passes only if the original's statements stand in it unchanged.
For a stub, or with ``semantics="intent"``, the contract of its result is what counts.
"""

from __future__ import annotations

from collections.abc import Iterator

from lark import Token, Tree

from poet_import.dana.capabilities import check_capabilities
from poet_import.dana.discovery import DanaFunction, DanaSource, check_names
from poet_import.dana.hints import kind_of
from poet_import.dana.parsing import Node, child, normalized, parse, token, trees, walk
from poet_import.dana.refusals import DanaError
from poet_import.dana.returns import inner_functions, local_targets, returns
from poet_import.model import Evidence, Implementation, Verdict, Violation
from poet_import.validation.syntax import check_characters, check_size

_LAYOUT = ("COMMENT", "INDENT", "DEDENT")
_STUB_STATEMENTS = ("pass_", "statement", "return_")


def judge(text: str, original: DanaFunction, source: DanaSource) -> Verdict:
    """Return whether a text may take the place of a function of a source, with every reason why it may not."""
    try:
        return _judge(text, original, source)
    except RecursionError:
        message = "the text is nested too deeply to be judged; write it flatter"
        return Verdict((Violation("syntax", "too-deep", 1, message),), ())


def _judge(text: str, original: DanaFunction, source: DanaSource) -> Verdict:
    tree, violations = _check_syntax(text)
    if tree is None:
        return Verdict(tuple(violations), ())
    function, violations = _check_structure(tree, original, source)
    violations += check_capabilities(tree, original.node, source.tree)
    evidence = [Evidence("syntax", "grammar"), Evidence("structure", "signature"), Evidence("security", "allow-list")]
    if function is None or violations:
        return Verdict(tuple(violations), tuple(evidence))
    method, violations = _check_semantics(function, original)
    evidence.append(Evidence("semantics", method))
    if violations:
        return Verdict(tuple(violations), tuple(evidence))
    return Verdict((), tuple(evidence), Implementation(normalized(text), str(original.name), tuple(evidence)))


def _check_syntax(text: str) -> tuple[Node | None, list[Violation]]:
    violations = [*check_size(text), *check_characters(text)]
    if violations:
        return None, violations
    try:
        tree = parse(normalized(text))
        check_names(tree)
    except DanaError as error:
        return None, [Violation("syntax", error.rule, error.line or 1, error.message)]
    return tree, []


def _check_structure(tree: Node, original: DanaFunction, source: DanaSource) -> tuple[Node | None, list[Violation]]:
    """Return the function that stands for the original, and what is wrong with how the text is built."""
    name = str(original.name)
    functions = [node for node in trees(tree) if node.data == "function"]
    own = [node for node in functions if token(node, "NAME") == name]
    taken = {str(word) for word in source.tree.scan_values(_is_name)}
    found = [*_check_module(tree, name, taken)]
    for node in functions:
        found += _check_function(node)
        found += _check_defaults(node) if token(node, "NAME") != name else ()
    if len(own) != 1:
        found.append(Violation("structure", "one-function", 1, f"define the function {name!r} once"))
        return None, found
    if _signature(own[0]) != _signature(original.node):
        message = "the signature differs; keep kind, receiver, parameters, defaults and the hint of the result"
        found.append(Violation("structure", "signature", own[0].meta.line, message))
    return own[0], found


def _is_name(part: object) -> bool:
    return isinstance(part, Token) and part.type == "NAME"


def _check_module(tree: Node, name: str, taken: set[str]) -> Iterator[Violation]:
    seen: set[str] = set()
    for node in trees(tree):
        if node.data != "function":
            message = "only the function and private helpers (def _name) may stand here"
            yield Violation("structure", "module-level", node.meta.line, message)
            continue
        called = str(token(node, "NAME"))
        if called != name and (not called.startswith("_") or called.startswith("__")):
            message = "begin the names of helpers with one underscore"
            yield Violation("structure", "public-name", node.meta.line, message)
        elif called != name and called in taken:
            message = f"the source has a {called} already; give the helper another name"
            yield Violation("structure", "taken-name", node.meta.line, message)
        if called in seen:
            yield Violation("structure", "bound-twice", node.meta.line, "a function is defined twice")
        seen.add(called)


def _check_function(node: Node) -> Iterator[Violation]:
    if child(node, "decorator"):
        message = "a function has a decorator; leave it out: those of the original stay"
        yield Violation("structure", "decorator", node.meta.line, message)
    block = child(node, "block")
    assert block is not None  # as the grammar has it
    for inner in inner_functions(block):
        message = "Dana drops a function inside another one; write it beside it, as def _name"
        yield Violation("structure", "inner-function", inner.line or 1, message)
    for target in local_targets(block):
        message = "Dana moves an assignment to local:x out of the function; leave local: out"
        yield Violation("structure", "local", target.meta.line, message)


def _check_defaults(helper: Node) -> Iterator[Violation]:
    """Yield defaults that are more than one value: they are evaluated when the source runs, before any call."""
    parameters = child(helper, "parameters")
    for parameter in trees(parameters) if parameters else ():
        default = next((part for part in trees(parameter) if part.data != "type"), None)
        if default is not None and default.data not in ("number", "string", "constant", "signed"):
            message = "a default of a helper is no constant; give it None or a constant"
            yield Violation("structure", "default", parameter.meta.line, message)


def _signature(function: Node) -> list[object]:
    """Return what must stay of a function's head."""
    parts = [_bare(part) if isinstance(part, Tree) else part for part in function.children]
    return [part for part in parts if part is not None]


def _bare(tree: Node) -> Node | None:
    """Return a part of a head without its comments; None for what is no part of it."""
    if tree.data in ("decorator", "block"):
        return None
    return Tree(tree.data, [part for part in tree.children if not _is_comment(part)])


def _is_comment(part: object) -> bool:
    return isinstance(part, Token) and part.type == "COMMENT"


def _check_semantics(function: Node, original: DanaFunction) -> tuple[str, list[Violation]]:
    """Return how the text was compared with the original, and where it differs."""
    if _statements(function) == _statements(original.node):
        return "proof", []
    if original.options.semantics != "intent" and not is_stub(original.node):
        message = "its statements differ from the original's, and Dana cannot be tried: keep them as they are"
        return "proof", [Violation("semantics", "unproven", function.meta.line, message)]
    if is_stub(function):
        message = "the function is still a stub; write what its name, hints and text ask for"
        return "contract", [Violation("semantics", "stub", function.meta.line, message)]
    return "contract", [*_check_contract(function, original.node)]


def _body(function: Node) -> Node:
    block = child(function, "block")
    assert block is not None  # as the grammar has it
    return block


def _statements(function: Node) -> list[Node]:
    """Return the statements of a body, without comments and without the text that tells what it is for."""
    found = [statement for statement in trees(_body(function)) if not _is_text(statement)]
    return [_without_comments(statement) for statement in found]


def _is_text(statement: Node) -> bool:
    return statement.data == "statement" and next(trees(statement)).data == "string"


def _without_comments(node: Node) -> Node:
    """Return a tree without comments, and without the places of blocks."""
    kept = [part for part in node.children if not isinstance(part, Token) or part.type not in _LAYOUT]
    return Tree(node.data, [_without_comments(part) if isinstance(part, Tree) else part for part in kept])


def is_stub(function: Node) -> bool:
    """Tell whether a body does nothing but to give constants."""
    statements = list(trees(_body(function)))
    if any(statement.data not in _STUB_STATEMENTS for statement in statements):
        return False
    kinds = ("return_", "pass_", "statement", "number", "constant", "string", "list_", "dict_", "set_", "tuple", "pair")
    return all(node.data in (*kinds, "signed", "group") for statement in statements for node in walk(statement))


def _check_contract(function: Node, original: Node) -> Iterator[Violation]:
    """Yield the literals that a function returns and that are of another shape than all of the original's."""
    shapes = {_shape(one.value) for one in returns(_body(original)) if one.value is not None}
    if not shapes or None in shapes:
        return
    for one in returns(_body(function)):
        shape = _shape(one.value) if one.value is not None else ("NoneType",)
        if shape is not None and shape not in shapes:
            message = "it returns something of another type, or with other keys, than the original does"
            yield Violation("semantics", "contract", one.node.meta.line, message)


def _shape(value: Node) -> tuple[str, ...] | None:
    """Return the type of a literal, of a dict with its keys; None where it cannot be told."""
    if value.data != "dict_":
        kind = kind_of(value)
        return None if kind is None else (kind,)
    keys = [next(trees(pair)) for pair in trees(value)]
    return ("dict", *sorted(str(key.children[0]) for key in keys if key.data == "string"))
