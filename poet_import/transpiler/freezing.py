"""Bodies that are frozen beside a module: in which state they are, and which of them its functions get."""

from __future__ import annotations

import ast
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from poet_import.cache.frozen import CURRENT, SHADOW, Frozen, FrozenStore
from poet_import.errors import StaleError, TranspileError
from poet_import.model import Implementation, Original
from poet_import.source.anatomy import dissect
from poet_import.source.discovery import PoetFunction
from poet_import.source.nodes import walk
from poet_import.source.normal import source_digest
from poet_import.transpiler.records import evidence_of
from poet_import.transpiler.requests import Wanted
from poet_import.transpiler.woven import Body, Fallback, Outcome, Shadow
from poet_import.validation import readmit

Kind = Literal["fresh", "edited", "shadow", "stale", "missing", "unreadable", "invalid"]
SOUND = ("fresh", "edited", "shadow")


@dataclass(frozen=True, slots=True)
class State:
    """In which state the frozen implementation of a function is."""

    kind: Kind
    reason: str = ""  # what is wrong with it
    frozen: Frozen | None = None
    implementation: Implementation | None = None  # what may run: of a fresh or an edited one

    @property
    def version(self) -> str:
        """Return the version that is current, or nothing."""
        return self.frozen.version if self.frozen else ""


def state_of(store: FrozenStore, place: str, original: Original, *, pointer: str = CURRENT) -> State:
    """Return the state of what is frozen for a function, as far as it can be told without a trial."""
    try:
        found = store.find(place, pointer)
    except TranspileError as error:
        return State("unreadable", f"what is frozen for it cannot be read: {error}")
    if found is None:
        beside = state_of(store, place, original, pointer=SHADOW) if pointer == CURRENT else None
        is_shadow = beside is not None and beside.implementation is not None
        return State("shadow" if is_shadow else "missing", "" if is_shadow else "nothing is frozen for it")
    if found.source_digest != source_digest(original):
        return State("stale", f"{found.version} is stale: the function has changed since", found)
    verdict = readmit(found.text, original, evidence_of(found.record))
    if verdict.implementation is None:
        first = verdict.violations[0]
        where = f"{first.gate}, rule {first.rule}, line {first.line}: {first.message}"
        return State("invalid", f"{found.version} is refused by {where}", found)
    return State("edited" if found.is_edited else "fresh", "", found, verdict.implementation)


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
        state = state_of(store, places[function], one.original)
        if state.implementation is not None and state.frozen is not None:
            record = state.frozen.record
            model = str(record.get("model", ""))
            body = Body(state.implementation, state.frozen.path, model, is_frozen=True, record=record)
            outcomes[function] = body
        elif not has_others and state.kind != "shadow" and not (state.kind == "missing" and frozen == "preferred"):
            reason = f"{state.reason}; run poet build {target_of(filename, function.qualname)}"
            if frozen == "required":
                raise StaleError(f"{function.qualname}: {reason}", filename=filename, line=function.first_line)
            outcomes[function] = Fallback(reason)
    return outcomes


def frozen_shadows(
    filename: str,
    functions: Sequence[PoetFunction],
    wanted: Mapping[PoetFunction, Wanted],
    *,
    outcomes: Mapping[PoetFunction, Outcome],
) -> dict[PoetFunction, Shadow]:
    """Return what is to run beside the functions of a module; a shadow that does not fit is none."""
    store = FrozenStore(filename)
    places = dict(zip(functions, store.places(function.qualname for function in functions), strict=True))
    shadows: dict[PoetFunction, Shadow] = {}
    for function, one in wanted.items():
        if not os.path.exists(os.path.join(store.folder, places[function], SHADOW)) or not stands_alone(function):
            continue
        state = state_of(store, places[function], one.original, pointer=SHADOW)
        if state.implementation is None or state.frozen is None or not is_pure(state.frozen.record):
            continue
        outcome = outcomes.get(function)
        answering = outcome.implementation.operate if isinstance(outcome, Body) else one.original.source
        text, path = state.frozen.text, state.frozen.path
        shadows[function] = Shadow(places[function], state.version, path, answering, text)
    return shadows


def is_pure(record: Mapping[str, object]) -> bool:
    """Tell whether an implementation was tried without a double: then nothing outside has a part in its calls."""
    gates = record.get("gates")
    last = gates[-1] if isinstance(gates, list) and gates and isinstance(gates[-1], dict) else {}
    return last.get("method") == "trial"


def stands_alone(function: PoetFunction) -> bool:
    """Tell whether a function can be called again outside of its place: a plain one, without a closure."""
    is_plain = isinstance(function.node, ast.FunctionDef) and not dissect(function.node).is_generator
    names = {node.id for node in walk(function.node) if isinstance(node, ast.Name)}
    return is_plain and not function.outer.is_function and names.isdisjoint(("super", "__class__"))


def target_of(path: str, qualname: str) -> str:
    """Return how a command is told of a function."""
    return f"{os.path.relpath(path)}::{qualname.replace('<locals>.', '')}"
