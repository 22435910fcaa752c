"""What tells the body of a function that runs from others, in the events of its calls."""

from __future__ import annotations

from poet_import.model import Original
from poet_import.source.linemap import Source
from poet_import.source.normal import source_digest
from poet_import.source.plan import Plan
from poet_import.transpiler.requests import wanted_of
from poet_import.transpiler.woven import Body, Outcome

_DIGITS = 12


def version_of(plan: Plan, outcome: Outcome | None, source: Source) -> str:
    """Return ``own-`` or ``model-`` and a digest, the same under every Python; comments and blanks do not change it."""
    if isinstance(outcome, Body):
        return model_version(outcome.implementation.operate, plan.found.qualname)
    return own_version(source_digest(wanted_of(plan, source).original))


def own_version(digest: str) -> str:
    """Return the version of a function's own body, by the digest of its source."""
    return f"own-{digest[:_DIGITS]}"


def model_version(operate: str, qualname: str) -> str:
    """Return the version of a body that a model has written, as it is stored or frozen."""
    original = Original(source=operate, name=qualname.rpartition(".")[2], qualname=qualname)
    return f"model-{source_digest(original)[:_DIGITS]}"
