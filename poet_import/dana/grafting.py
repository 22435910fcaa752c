"""Put generated functions into a source in the place of the user's own."""

from __future__ import annotations

from collections.abc import Mapping

from poet_import.dana.discovery import DanaFunction, DanaSource, read_dana, span_of
from poet_import.dana.parsing import parse, token, trees
from poet_import.model import Implementation


def is_improvable(found: DanaFunction, source: DanaSource) -> bool:
    """Tell whether another text may take the place of a function: one inside a block cannot bring helpers."""
    return source.text[: source.top_of(found)].rpartition("\n")[2] == ""


def graft(source: DanaSource, bodies: Mapping[DanaFunction, Implementation]) -> DanaSource:
    """Return a source with other texts in the place of some of its functions."""
    text = source.text
    for found in reversed(source.functions):
        if found in bodies:
            top, (first, end) = source.top_of(found), span_of(found.node, source.text)
            helpers, own = _apart(bodies[found])
            text = f"{text[:top]}{helpers}{text[top:first]}{own}{text[end:]}"
    return read_dana(text, source.filename)


def _apart(body: Implementation) -> tuple[str, str]:
    """Return the helpers of a generated text, an empty line below them, and its function."""
    functions = (node for node in trees(parse(body.operate)) if node.data == "function")
    own = next(node for node in functions if token(node, "NAME") == body.name)
    start, end = span_of(own, body.operate)
    parts = (body.operate[:start].strip("\n"), body.operate[end:].strip("\n"))
    return "".join(f"{part}\n\n" for part in parts if part), body.operate[start:end]
