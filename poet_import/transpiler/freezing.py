"""Bodies that were frozen beside a module, for the functions that they were written for."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from typing import Literal

from poet_import.cache.frozen import Frozen, FrozenStore
from poet_import.errors import StaleError, TranspileError
from poet_import.model import Original
from poet_import.source.discovery import PoetFunction
from poet_import.source.normal import source_digest
from poet_import.transpiler.records import evidence_of
from poet_import.transpiler.requests import Wanted
from poet_import.transpiler.woven import Body, Fallback, Outcome
from poet_import.validation import readmit


def frozen_outcomes(
    filename: str,
    functions: Sequence[PoetFunction],
    wanted: Mapping[PoetFunction, Wanted],
    *,
    frozen: Literal["preferred", "wanted", "required"],
    has_others: bool,
) -> dict[PoetFunction, Outcome]:
    """Return what is frozen for the functions of a module.

    Args:
        filename: The module's path; a text from anywhere else has nothing beside it.
        functions: All of its marked functions, in the order of the source.
        wanted: Those that may have another body.
        frozen: What holds where nothing fitting is frozen, as `Transpiler` takes it.
        has_others: Whether a generator may still give a body.

    Raises:
        StaleError: Something is required that is missing, or does not fit.
    """
    if not os.path.isfile(filename):
        return {}
    store = FrozenStore(filename)
    places = dict(zip(functions, store.places(function.qualname for function in functions), strict=True))
    outcomes: dict[PoetFunction, Outcome] = {}
    for function, one in wanted.items():
        outcome = frozen_body(store, places[function], one.original)
        if outcome is None and frozen != "preferred":
            outcome = Fallback("nothing is frozen for it")
        if isinstance(outcome, Fallback) and not has_others:
            outcome = Fallback(f"{outcome.reason}; run poet build {_target(filename, function)}")
            if frozen == "required":
                raise StaleError(f"{function.qualname}: {outcome.reason}", filename=filename, line=function.first_line)
        if isinstance(outcome, Body) or (outcome is not None and not has_others):
            outcomes[function] = outcome
    return outcomes


def frozen_body(store: FrozenStore, place: str, original: Original) -> Body | Fallback | None:
    """Return the body that is frozen for a function, why it cannot be used, or None where none is."""
    try:
        found = store.find(place)
    except TranspileError as error:
        return Fallback(f"what is frozen for it cannot be used: {error}")
    return None if found is None else _fitting(found, original)


def _fitting(found: Frozen, original: Original) -> Body | Fallback:
    if found.source_digest != source_digest(original):
        reason = f"its frozen implementation {found.version} is stale: the function has changed since"
        return Fallback(reason)
    verdict = readmit(found.text, original, evidence_of(found.record))
    if verdict.implementation is None:
        first = verdict.violations[0]
        where = f"{first.gate}, rule {first.rule}, line {first.line}: {first.message}"
        return Fallback(f"its frozen implementation {found.version} is refused by {where}")
    return Body(verdict.implementation, found.path, str(found.record.get("model", "")), is_frozen=True)


def _target(filename: str, function: PoetFunction) -> str:
    return f"{os.path.relpath(filename)}::{function.qualname.replace('<locals>.', '')}"
