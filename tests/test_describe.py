"""What `describe` tells of a function, whoever has woven it."""

from collections.abc import Callable
from types import ModuleType
from typing import Any

import pytest

import poet_import
from poet_import import Description, poet
from poet_import.model import PoetOptions

Load = Callable[..., ModuleType]

SHOP = """\
import functools
from poet_import import poet

@poet(domain="api_operations", retries=3, timeout=2, retry_on=OSError, on_violation="warn")
def fetch(user: "int", *, other: "no.such.name" = None): ...

@poet
def nothing(): pass

class Shop:
    @poet
    @property
    def size(self) -> int: return 1
    @functools.cache
    @poet
    def total(self, prices: list[float]) -> float: return 0.0

def plain(): pass
"""


@pytest.fixture(params=["hook", "marker"])
def shop(request: pytest.FixtureRequest, load: Load) -> ModuleType:
    if request.param == "marker":
        poet_import.uninstall()
    return load(SHOP)


def test_a_description_tells_what_was_asked_for_and_what_holds(shop: ModuleType) -> None:
    told = poet_import.describe(shop.fetch)

    assert (told.function, told.domain, told.origin) == ("shop.fetch", "api_operations", "woven")
    assert told.options.retry_on in ("OSError", "retry_on")
    assert (told.options.retries, told.options.timeout, told.options.on_violation) == (3, 2, "warn")
    assert told.phases == ("perceive", "operate", "enforce")
    assert told.template == "api_operations/v1"
    assert told.template_digest
    assert told.enhancements


def test_a_hint_that_cannot_be_decided_is_named_with_its_reason(shop: ModuleType) -> None:
    (hint,) = poet_import.describe(shop.fetch).skipped_hints

    assert hint.startswith("other: ")


def test_a_function_that_nothing_is_woven_into_is_described(shop: ModuleType) -> None:
    told = poet_import.describe(shop.nothing)

    assert (told.function, told.options, told.template) == ("shop.nothing", PoetOptions(), "base/v1")


@pytest.mark.parametrize("name", ["size", "total"])
def test_a_function_is_found_below_what_decorators_made_of_it(shop: ModuleType, name: str) -> None:
    assert poet_import.describe(vars(shop.Shop)[name]).function == f"shop.Shop.{name}"


def test_a_bound_method_is_described(shop: ModuleType) -> None:
    assert poet_import.describe(shop.Shop().total).function == "shop.Shop.total"


def test_what_is_not_marked_has_no_description(shop: ModuleType) -> None:
    for unmarked in (shop.plain, shop.Shop, len, 3):
        with pytest.raises(TypeError, match="is not marked with @poet"):
            poet_import.describe(unmarked)


def test_a_wrapped_function_is_described() -> None:
    namespace: dict[str, Any] = {"poet": poet, "__name__": "made"}
    exec("@poet(retries=2)\ndef price(quantity: int): return quantity", namespace)

    told = poet_import.describe(namespace["price"])

    assert (told.function, told.options.retries, told.origin) == ("made.price", 2, "woven")


def test_a_function_left_to_its_compiler_is_bypassed(load: Load) -> None:
    load("def jit(function): return function", "numba")

    told = poet_import.describe(load("import numba\n@poet\n@numba.jit\ndef price(): pass").price)

    assert isinstance(told, Description)
    assert told.origin == "bypassed"
