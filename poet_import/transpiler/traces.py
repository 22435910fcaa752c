"""Recorded calls of functions, for the judgement of what is to take their place."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

from poet_import.cache.frozen import FrozenStore
from poet_import.cache.traces import parameters_of, read_traces
from poet_import.source.discovery import PoetFunction
from poet_import.source.plan import recorded_parameters
from poet_import.transpiler.requests import Wanted


def with_traces(wanted: Wanted, function: PoetFunction, store: FrozenStore, *, place: str) -> Wanted:
    """Return what is told of a function, with the calls that were recorded of it: those that it can still take."""
    allowed = frozenset(recorded_parameters(function))
    calls = tuple(call for call in read_traces(store.folder, place) if parameters_of(call) <= allowed)
    return replace(wanted, original=replace(wanted.original, calls=calls)) if calls else wanted


def all_with_traces(
    filename: str, functions: Sequence[PoetFunction], wanted: Mapping[PoetFunction, Wanted]
) -> dict[PoetFunction, Wanted]:
    """Do the same for some functions of a module, whose marked functions are given in the order of the source."""
    store = FrozenStore(filename)
    places = dict(zip(functions, store.places(function.qualname for function in functions), strict=True))
    return {function: with_traces(one, function, store, place=places[function]) for function, one in wanted.items()}


def traced_functions(
    filename: str, functions: Sequence[PoetFunction]
) -> dict[PoetFunction, tuple[str, tuple[str, ...]]]:
    """Return what functions call themselves while calls are recorded, and the parameters that they tell of."""
    store = FrozenStore(filename)
    places = store.places(function.qualname for function in functions)
    return {
        function: (store.name(place), recorded_parameters(function))
        for function, place in zip(functions, places, strict=True)
    }
