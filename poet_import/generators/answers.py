"""From what a model says to the text of one function."""

from __future__ import annotations

import json
import re
from typing import Final

from poet_import.errors import GeneratorError
from poet_import.source.compiling import parse

_FENCED: Final = re.compile(
    r"^(?P<fence>`{3,}|~{3,})[^\n`]*\n(?P<code>.*?)^(?P=fence)`*~*[ \t]*$", re.MULTILINE | re.DOTALL
)
_SHOWN: Final = 120  # characters


def code_of(text: str, name: str) -> str:
    """Return the Python text in an answer: a JSON object's ``code``, the fenced block that defines it, or all of it.

    What a model thinks aloud, up to ``</think>``, counts only where nothing follows it.

    Raises:
        GeneratorError: There is none.
    """
    found = _code_in(text.rpartition("</think>")[2], name) or _code_in(text, name)
    if not found:
        shown = " ".join(text.split())[:_SHOWN]
        raise GeneratorError(f"the answer holds no code: {shown or 'it is empty'}")
    return f"{found}\n"


def _code_in(text: str, name: str) -> str:
    found = _in_json(text)
    if found is None:
        blocks = [match["code"] for match in _FENCED.finditer(text)]
        named = [block for block in blocks if f"def {name}" in block]
        found = (named or blocks or [_unfenced(text, name)])[-1]
    return _in_fence(found).strip("\n").rstrip()


def _in_json(text: str) -> str | None:
    """Return the code of a JSON object, which may itself stand in a fence or among prose."""
    candidates = [text, *(match["code"] for match in _FENCED.finditer(text))]
    start, end = text.find("{"), text.rfind("}")
    if 0 <= start < end:
        candidates.append(text[start : end + 1])
    for candidate in candidates:
        try:
            value = json.loads(candidate)
        except (ValueError, RecursionError):
            continue
        if isinstance(value, dict) and isinstance(value.get("code"), str):
            return str(value["code"])
    return None


def _in_fence(code: str) -> str:
    match = _FENCED.search(code)
    return match["code"] if match else code


def _unfenced(text: str, name: str) -> str:
    """Return a text without a fence, where it is the function alone."""
    try:
        tree = parse(text)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return ""
    return text if any(getattr(node, "name", "") == name for node in tree.body) else ""
