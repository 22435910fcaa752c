"""The first gate: a text that the parser can be given, and that is what it looks like."""

from __future__ import annotations

import ast
import io
import re
import tokenize
import unicodedata

from poet_import.model import Violation
from poet_import.source.compiling import compile_tree, parse
from poet_import.source.nodes import children, walk

_MOST_BYTES = 100_000
_MOST_LINE = 400  # columns: code far to the right of what is seen is meant not to be seen
_DEEPEST = 60  # brackets, or levels of indentation
_DEEPEST_TREE = 90
_MOST_LOOPS = 8  # one in another
_CANDIDATE = "<candidate>"
_BIDIRECTIONAL = re.compile("[\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069]")
_INVISIBLE = re.compile(
    "[\u00ad\u034f\u115f\u1160\u17b4\u17b5\u180e\u200b-\u200d\u2060-\u2064\u3164\ufeff\uffa0\U000e0000-\U000e007f]"
)
# Of those that end a line, only the newline does so for Python and for every reader.
_CONTROLS = re.compile("[\x00-\x08\x0b\x0e-\x1f\x7f-\x9f\u2028\u2029]|\r(?!$)|(?<!^)\f(?!$)|\\S[ \t]{60,}\\S")
_COOKIE = re.compile(r"^[ \t\f]*#.*?coding[:=][ \t]*([-\w.]+)")
_LOOPS = (ast.For, ast.AsyncFor, ast.While)
_SCOPES = (ast.Lambda, ast.FunctionDef, ast.AsyncFunctionDef)


def check_syntax(code: str) -> tuple[ast.Module | None, list[Violation]]:
    """Return the tree of a text and what is wrong with the text; no tree where it cannot be had.

    Nothing is run, and no text makes this crash, hang or recurse.
    """
    violations = [*check_size(code), *check_characters(code)]
    if violations:
        return None, violations
    tree, problem = _parsed(code)
    if tree is None:
        return None, [problem] if problem else []
    violations = [*_check_depth(tree), *_check_identifiers(tree), *_check_spelling(code)]
    return (None, violations) if violations else (tree, [])


def _violation(rule: str, line: int, message: str) -> Violation:
    return Violation("syntax", rule, line, message)


def check_size(code: str) -> list[Violation]:
    """Return what is too large in a text to be read or reviewed."""
    if len(code) > _MOST_BYTES:
        return [_violation("too-long", 1, f"the text has {len(code):,} characters; at most {_MOST_BYTES:,} are read")]
    found: list[Violation] = []
    depth = deepest = 0
    for number, line in enumerate(code.split("\n"), 1):
        if len(line) > _MOST_LINE:
            message = f"the line has {len(line)} columns; at most {_MOST_LINE} can be reviewed"
            found.append(_violation("line-too-long", number, message))
        depth = max(0, depth + sum(map(line.count, "([{")) - sum(map(line.count, ")]}")))
        deepest = max(deepest, depth, max(map(line.count, "([{"), default=0) if len(line) <= _MOST_LINE else 0)
    if deepest > _DEEPEST:
        found.append(
            _violation("too-deep", 1, f"brackets are nested up to {deepest} deep; at most {_DEEPEST} are read")
        )
    return found


def check_characters(code: str) -> list[Violation]:
    """Return what stands in a text and looks other than it is."""
    found: list[Violation] = []
    for number, line in enumerate(code.split("\n"), 1):
        if _BIDIRECTIONAL.search(line):
            message = "a bidirectional control makes the line look other than it is; write the escape instead"
            found.append(_violation("bidirectional-control", number, message))
        elif _INVISIBLE.search(line) or _CONTROLS.search(line):
            message = "a control or invisible character, or a long gap, stands in the line; write what is meant plainly"
            found.append(_violation("invisible-character", number, message))
        elif number <= 2 and (cookie := _COOKIE.match(line)) and cookie[1].lower() not in ("utf-8", "utf8"):
            message = f"the text says that it is to be read as {cookie[1]!a}; texts are UTF-8"
            found.append(_violation("coding", number, message))
    try:
        code.encode()
    except UnicodeEncodeError:
        found.append(_violation("surrogate", 1, "the text holds a lone surrogate; write the escape instead"))
    return found


def _parsed(code: str) -> tuple[ast.Module | None, Violation | None]:
    """Return the tree of a text that also compiles, or why there is none."""
    try:
        tree = parse(code, _CANDIDATE)
        compile_tree(parse(code, _CANDIDATE), _CANDIDATE)  # what only the compiler finds, as a return outside
    except SyntaxError as error:
        return None, _violation("invalid-syntax", error.lineno or 1, f"{error.msg}; the text must be Python 3.11")
    except (RecursionError, MemoryError):
        return None, _violation("too-deep", 1, "the text is nested too deeply for the parser; write it flatter")
    except (ValueError, OverflowError) as error:
        return None, _violation("invalid-syntax", 1, f"the parser refuses the text: {error}")
    return tree, None


def _check_depth(tree: ast.Module) -> list[Violation]:
    """Measure how deeply statements, functions and loops are nested, without recursion."""
    stack: list[tuple[ast.AST, int, int, int]] = [(tree, 0, 0, 0)]
    deepest = (0, 1)
    most = {"loops": (0, 1), "functions": (0, 1)}
    while stack:
        node, depth, loops, functions = stack.pop()
        line = getattr(node, "lineno", 1)
        loops += isinstance(node, _LOOPS)
        functions += isinstance(node, _SCOPES)
        deepest = max(deepest, (depth, line))
        most["loops"] = max(most["loops"], (loops, line))
        most["functions"] = max(most["functions"], (functions, line))
        stack += [(child, depth + 1, loops, functions) for child in children(node)]
    found: list[Violation] = []
    if deepest[0] > _DEEPEST_TREE:
        found.append(_violation("too-deep", deepest[1], f"expressions are nested {deepest[0]} deep; write it flatter"))
    for what, (count, line) in most.items():
        if count > _MOST_LOOPS:
            message = f"{count} {what} stand one in another; at most {_MOST_LOOPS} may"
            found.append(_violation(f"nested-{what}", line, message))
    return found


def _check_identifiers(tree: ast.Module) -> list[Violation]:
    """Refuse names that are not what they look like: Python reads them in their compatibility form."""
    found: list[Violation] = []
    for node in walk(tree):
        for name in _names_in(node):
            if not name.isascii() and (unicodedata.normalize("NFKC", name) != name or _mixes_scripts(name)):
                message = f"the name {name!a} may be taken for another; write names in ASCII"
                found.append(_violation("confusable-name", getattr(node, "lineno", 1), message))
    return found


def _check_spelling(code: str) -> list[Violation]:
    """Refuse names that are written in other characters than Python reads: its parser has already replaced them."""
    if code.isascii():
        return []
    try:
        tokens = [
            token for token in tokenize.generate_tokens(io.StringIO(code).readline) if token.type == tokenize.NAME
        ]
    except (tokenize.TokenError, SyntaxError):
        return [_violation("invalid-syntax", 1, "the text cannot be split into words; write it in ASCII")]
    odd = [token for token in tokens if unicodedata.normalize("NFKC", token.string) != token.string]
    message = "the name {!a} is read as {!a}; write what is meant"
    return [
        _violation(
            "confusable-name", one.start[0], message.format(one.string, unicodedata.normalize("NFKC", one.string))
        )
        for one in odd
    ]


def _names_in(node: ast.AST) -> list[str]:
    values = [getattr(node, field, None) for field in ("id", "name", "attr", "arg", "asname", "module")]
    return [value for value in values if isinstance(value, str)]


def _mixes_scripts(name: str) -> bool:
    scripts = {unicodedata.name(character, "?").partition(" ")[0] for character in name if character.isalpha()}
    return len(scripts) > 1
