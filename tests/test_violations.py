from __future__ import annotations

import copy
import pickle
import warnings
from collections.abc import Callable
from types import ModuleType

import pytest

from poet_import import (
    EnforceError,
    PerceiveError,
    PoetError,
    PoetTimeout,
    PoetWarning,
    TemplateError,
    TranspileError,
)

Load = Callable[..., ModuleType]

MODULE = """
from typing import Annotated, Literal
from poet_import import poet

class HostileMeta:
    def __repr__(self):
        raise RuntimeError

@poet
def price(sku: str, quantity: int = 1) -> float:
    return sku

@poet
def ship(parcels: list[dict[str, int]]) -> None:
    pass

@poet
def exotic(value: Annotated[list[set[int]], HostileMeta()]) -> None:
    pass

@poet
def long(value: Literal["%s"]) -> None:
    pass

@poet
def stub() -> int: ...

@poet
def take(value: None) -> None:
    pass

@poet(on_violation="warn")
def lenient(value: int) -> str:
    return value

@poet(on_violation="warn")
async def lenient_too(value: int) -> int:
    return 1
""" % ("x" * 100_000)
ERRORS = [
    PerceiveError("shop.price", "sku", "str", "int 1"),
    EnforceError("shop.price", "return", "float", "str 'a'"),
    PoetTimeout("shop.price", 2.5),
    PoetError("something"),
    TranspileError("bad", filename="shop.py", line=3, column=4),
    TemplateError("broken", filename="metadata.json"),
]


class Hostile:
    def __repr__(self) -> str:
        raise RuntimeError

    __str__ = __repr__


@pytest.fixture
def shop(load: Load) -> ModuleType:
    return load(MODULE)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        pytest.param("price(1)", "shop.price(): sku: expected str, got int 1", id="argument"),
        pytest.param("price('a', '2')", "shop.price(): quantity: expected int, got str '2'", id="text"),
        pytest.param("price('a')", "shop.price(): its result: expected float, got str 'a'", id="result"),
        pytest.param("price(None)", "shop.price(): sku: expected str, got None", id="none"),
        pytest.param(
            "ship([{}, 1])", "shop.ship(): parcels: expected list[dict[str, int]], got list of 2 items", id="deep"
        ),
        pytest.param("ship(())", "shop.ship(): parcels: expected list[dict[str, int]], got empty tuple", id="empty"),
        pytest.param("stub()", "shop.stub(): its result: expected int, got None: the body is a stub", id="stub"),
        pytest.param(
            "exotic(1)", "shop.exotic(): value: expected what its annotation says, got int 1", id="hostile-hint"
        ),
    ],
)
def test_message_says_where_what_was_expected_and_what_came(call: str, message: str, shop: ModuleType) -> None:
    with pytest.raises((PerceiveError, EnforceError)) as caught:
        eval(call, vars(shop))

    assert str(caught.value) == message


def test_parts_of_the_message_are_attributes(shop: ModuleType) -> None:
    with pytest.raises(PerceiveError) as caught:
        shop.price(1)

    error = caught.value
    assert (error.function, error.parameter, error.expected, error.actual) == ("shop.price", "sku", "str", "int 1")


@pytest.mark.parametrize(
    "value",
    [
        pytest.param("x" * 10_000_000, id="huge-text"),
        pytest.param(b"x" * 10_000_000, id="huge-bytes"),
        pytest.param(10**10_000, id="integer-that-python-refuses-to-write"),
        pytest.param(list(range(1_000_000)), id="huge-list"),
        pytest.param(Hostile(), id="repr-raises"),
        pytest.param([Hostile()], id="item-whose-repr-raises"),
        pytest.param("\ud800", id="lone-surrogate"),
    ],
)
def test_message_about_a_huge_or_hostile_value_is_short(value: object, shop: ModuleType) -> None:
    with pytest.raises(PerceiveError) as caught:
        shop.take(value)

    assert len(str(caught.value)) < 300
    str(caught.value).encode()


def test_message_about_a_huge_annotation_is_short(shop: ModuleType) -> None:
    with pytest.raises(PerceiveError) as caught:
        shop.long("y")

    assert len(str(caught.value)) < 300


@pytest.mark.parametrize("kind", [PerceiveError, EnforceError])
def test_violation_is_neither_a_type_error_nor_a_value_error(kind: type[Exception]) -> None:
    assert not issubclass(kind, TypeError | ValueError | AttributeError)


def test_timeout_is_a_timeout_error_without_an_errno() -> None:
    error = PoetTimeout("shop.price", 2.0)

    assert isinstance(error, TimeoutError)
    assert (error.errno, error.strerror, error.filename) == (None, None, None)
    assert str(error) == "shop.price(): timed out after 2 s"
    assert (error.function, error.seconds) == ("shop.price", 2.0)


@pytest.mark.parametrize("error", ERRORS, ids=lambda error: type(error).__name__)
@pytest.mark.parametrize(
    "duplicate",
    [
        pytest.param(lambda error: pickle.loads(pickle.dumps(error)), id="pickled"),
        pytest.param(copy.copy, id="copied"),
        pytest.param(copy.deepcopy, id="deep-copied"),
    ],
)
def test_error_survives_duplication(duplicate: Callable[[Exception], Exception], error: Exception) -> None:
    error.__notes__ = ["a note"]
    found = duplicate(error)

    assert type(found) is type(error)
    assert str(found) == str(error)
    assert found.args == error.args
    assert vars(found) == vars(error)


def test_warning_names_the_line_of_the_caller(shop: ModuleType) -> None:
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        result = shop.lenient("a")
        line = test_warning_names_the_line_of_the_caller.__code__.co_firstlineno + 3

    assert result == "a"
    assert [(item.category, item.filename, item.lineno) for item in caught] == [(PoetWarning, __file__, line)]
    assert str(caught[0].message) == "shop.lenient(): value: expected int, got str 'a'"


def test_warning_of_a_bad_result_names_the_line_of_the_caller(shop: ModuleType) -> None:
    with pytest.warns(PoetWarning, match=r"its result: expected str, got int 1") as caught:
        assert shop.lenient(1) == 1

    assert caught[0].filename == __file__


async def test_warning_of_a_coroutine_names_the_line_that_awaits(shop: ModuleType) -> None:
    with pytest.warns(PoetWarning, match=r"value: expected int") as caught:
        await shop.lenient_too("a")

    assert caught[0].filename == __file__


def test_warning_of_a_wrapped_callable_names_the_line_of_the_caller() -> None:
    from poet_import import poet

    namespace: dict[str, Callable[..., object]] = {}
    exec("def f(value: int): return value", namespace)
    wrapped = poet(on_violation="warn")(namespace["f"])
    with pytest.warns(PoetWarning, match=r"value: expected int") as caught:
        wrapped("a")

    assert {item.filename for item in caught} == {__file__}


def test_rule_for_a_key_shows_the_value_there(load: Load) -> None:
    head = "from poet_import import poet\n\n@poet(domain='ml_monitoring')\n"
    module = load(f"{head}def drift(values):\n    return {{'psi': values}}\n")

    with pytest.raises(EnforceError, match=r"return\.psi: expected a number of at least 0, got int -1$") as caught:
        module.drift(-1)
    assert (caught.value.parameter, caught.value.actual) == ("return.psi", "int -1")
