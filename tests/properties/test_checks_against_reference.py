"""The woven checks against a plain reference checker, on generated annotations and values."""

from __future__ import annotations

from collections.abc import Callable
from itertools import count
from types import ModuleType
from typing import Any

import hint_vocabulary
import pytest
from hint_strategies import hints, near_values, scalar_hints, small_hints, values
from hypothesis import HealthCheck, assume, given, note, reject, settings
from hypothesis import strategies as st
from reference_checker import is_right, is_wrong

from poet_import import EnforceError, PerceiveError

Load = Callable[..., ModuleType]
Hinted = Callable[..., ModuleType]

NAMES = ", ".join(sorted(name for name in vars(hint_vocabulary) if not name.startswith("_") and name != "sys"))
MODULE = """{future}
from poet_import import poet
from hint_vocabulary import {names}

@poet
def take(x: {hint}):
    return x

@poet
def give(x) -> {hint}:
    return x

@poet
def take_all(*args: {hint}, **kwargs: {hint}):
    return args, kwargs

class Host:
    @poet
    def take(self, x: {hint}):
        return x

    @poet
    def give(self, x) -> {hint}:
        return x

class Later: ...
"""
FUTURE = st.sampled_from(("", "from __future__ import annotations"))
many = settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck))


@pytest.fixture
def hinted(load: Load) -> Hinted:
    """Import a module with a hint in every place where one may stand, unless Python itself refuses the hint."""
    numbers = count()

    def call(hint: str, future: str = "") -> ModuleType:
        source = MODULE.format(future=future, names=NAMES, hint=hint)
        try:
            module = load(source, f"hinted_{next(numbers)}")
            module.meaning = eval(hint, vars(module))  # type: ignore[attr-defined]  # for the reference
        except TypeError:  # a text in a union: 'Dog' | None
            reject()
        return module

    return call


def calls(module: ModuleType, value: Any) -> list[Any]:
    """Return calls that pass a value through each check of it."""
    host = module.Host()
    return [
        lambda: module.take(value),
        lambda: module.give(value),
        lambda: host.take(value),
        lambda: host.give(value),
        lambda: module.take_all(value, value, a=value)[1]["a"],
    ]


def verdict(call: Any) -> object:
    """Return what a call gave, or the class of the violation that it raised."""
    try:
        return call()
    except (PerceiveError, EnforceError) as error:
        return type(error)


@many
@given(hint=hints, future=FUTURE, data=st.data())
def test_right_value_is_never_refused(hinted: Hinted, hint: str, future: str, data: st.DataObject) -> None:
    module = hinted(hint, future)
    value = data.draw(values(module.meaning, vars(module)))
    assume(is_right(value, module.meaning, vars(module)))

    assert all(verdict(call) is value for call in calls(module, value))


@many
@given(hint=scalar_hints, future=FUTURE, data=st.data())
def test_wrong_scalar_is_always_refused(hinted: Hinted, hint: str, future: str, data: st.DataObject) -> None:
    module = hinted(hint, future)
    value = data.draw(near_values(module.meaning, vars(module)))
    assume(is_wrong(value, module.meaning, vars(module)))

    assert [verdict(call) for call in calls(module, value)] == [PerceiveError, EnforceError] * 2 + [PerceiveError]


@many
@given(hint=small_hints, future=FUTURE, data=st.data())
def test_wrong_item_of_a_small_container_is_always_refused(
    hinted: Hinted, hint: str, future: str, data: st.DataObject
) -> None:
    module = hinted(hint, future)
    value = data.draw(near_values(module.meaning, vars(module)))
    assume(is_wrong(value, module.meaning, vars(module)))
    note(f"{module.meaning!r} {value!r}")

    assert [verdict(call) for call in calls(module, value)] == [PerceiveError, EnforceError] * 2 + [PerceiveError]


@many
@given(hint=hints, data=st.data())
def test_no_value_and_no_hint_make_a_check_fail_otherwise(hinted: Hinted, hint: str, data: st.DataObject) -> None:
    module = hinted(hint)
    value = data.draw(near_values(module.meaning, vars(module)))

    assert all(
        verdict(call) in (PerceiveError, EnforceError) or verdict(call) is value for call in calls(module, value)
    )


@pytest.mark.parametrize("value", [1.5, [1.5], {"a": 1.5}, {1: "a"}], ids=repr)
def test_alias_that_names_itself_is_read_to_its_second_level(hinted: Hinted, value: object) -> None:
    module = hinted("'Json'", "from __future__ import annotations")

    assert verdict(lambda: module.take(value)) is PerceiveError
