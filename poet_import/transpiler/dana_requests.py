"""What a generator and the gates are told of the marked functions of a Dana source."""

from __future__ import annotations

from functools import partial

from poet_import.dana.discovery import DanaFunction, DanaSource, span_of
from poet_import.dana.grafting import is_improvable
from poet_import.dana.judging import judge
from poet_import.dana.parsing import trees
from poet_import.model import Original
from poet_import.templates import TemplateStore
from poet_import.transpiler.requests import Wanted

_BESIDE = ("record", "import_", "from_import")  # what is told of the source around a function


def all_wanted(source: DanaSource, store: TemplateStore) -> dict[DanaFunction, Wanted]:
    """Return what is told of each function that may get another body, in the order of the source."""
    return {
        found: Wanted(
            _original(found, source),
            found.options,
            store.find(found.options.domain),
            judge=partial(judge, original=found, source=source),
        )
        for found in source.functions
        if is_improvable(found, source)
    }


def _original(found: DanaFunction, source: DanaSource) -> Original:
    name = str(found.name)
    start, end = span_of(found.node, source.text)
    return Original(
        f"{source.text[start:end]}\n",
        name,
        name,
        module=source.text,
        semantics=found.options.semantics,
        surroundings=source.surroundings,
        language="dana",
        beside=tuple(source.span(node).rstrip() for node in trees(source.tree) if node.data in _BESIDE),
    )
