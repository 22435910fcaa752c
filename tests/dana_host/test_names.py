"""A module is rewritten whatever names it has for ``@poet``: ours, Dana's, or none."""

import sys
from collections.abc import Callable
from pathlib import Path
from types import ModuleType

import pytest

import poet_import
from poet_import import PerceiveError, describe, transpile

Load = Callable[..., ModuleType]
Write = Callable[..., Path]

PRICE = "def price(sku: str) -> float:\n    return 1.5\n"
IMPORTED = {
    "ours": "from poet_import import poet\n@poet\n",
    "none": "@poet\n",
    "dana": "from dana.frameworks.poet import poet\n@poet(domain='base')\n",
    "dana-core": "from dana.frameworks.poet.core import poet\n@poet()\n",
    "dana-decorator": "from dana.frameworks.poet.core.decorator import poet\n@poet\n",
    "dana-alias": "from dana.frameworks.poet import poet as harden\n@harden\n",
    "older": "from opendxa.dana.poet import poet\n@poet(domain='base')\n",
    "partly-ours": (
        "try:\n    from poet_import import poet\nexcept ImportError:\n    from opendxa.dana.poet import poet\n@poet\n"
    ),
    "guarded": "try:\n    from dana.frameworks.poet import poet\nexcept ImportError:\n    poet = None\n@poet\n",
    "on-several-lines": "from dana.frameworks.poet import (\n    poet,  # hardens\n)\n@poet\n",
    "on-one-line": "import os; from dana.frameworks.poet import poet; import sys\n@poet\n",
    "kept-options": "from dana.frameworks.poet import poet\nbase = poet(domain='base')\n@base\n",
}
LOADED = {
    "several": "from dana.frameworks.poet import POETResult, poet\nPOETResult\n@poet\n",
    "other-names-only": "from dana.frameworks.poet import POETResult\nfrom poet_import import poet\n@poet\n",
    "star": "from dana.frameworks.poet import *\nPOETResult\n@poet\n",
    "module": "import dana.frameworks.poet\n@dana.frameworks.poet.poet\n",
    "module-alias": "import dana.frameworks.poet as dp\n@dp.poet(domain='base')\n",
    "module-from": "from dana.frameworks import poet as dp\n@dp.poet\n",
}


def stub(*_: object, **__: object) -> None:
    """Do what Dana's own marker does to a function, more or less: it is gone."""


@pytest.fixture
def framework(monkeypatch: pytest.MonkeyPatch) -> None:
    """Have a ``dana.frameworks.poet`` in the process."""
    module = ModuleType("dana.frameworks.poet")
    vars(module).update(poet=stub, POETResult=object())
    frameworks = ModuleType("dana.frameworks")
    vars(frameworks)["poet"] = module
    dana = ModuleType("dana")
    vars(dana)["frameworks"] = frameworks
    for name, found in (("dana", dana), ("dana.frameworks", frameworks), ("dana.frameworks.poet", module)):
        monkeypatch.setitem(sys.modules, name, found)


def assert_hardened(module: ModuleType) -> None:
    assert module.price("a") == 1.5
    assert describe(module.price).function == "shop.price"
    with pytest.raises(PerceiveError, match=r"shop\.price\(\): sku: expected str, got int 1"):
        module.price(1)


@pytest.mark.parametrize("head", IMPORTED.values(), ids=IMPORTED)
def test_a_module_is_rewritten_under_any_name_and_without_dana(load: Load, head: str) -> None:
    assert_hardened(load(head + PRICE))


@pytest.mark.usefixtures("framework")
@pytest.mark.parametrize("head", LOADED.values(), ids=LOADED)
def test_a_module_that_uses_more_of_dana_is_rewritten_where_dana_is(load: Load, head: str) -> None:
    assert_hardened(load(head + PRICE))


@pytest.mark.parametrize("head", IMPORTED.values(), ids=IMPORTED)
def test_a_second_start_takes_it_from_the_cache(load: Load, head: str) -> None:
    load(head + PRICE)
    del sys.modules["shop"]

    assert_hardened(load(head + PRICE))
    assert poet_import.status().modules["shop"].state == "cached"


def test_the_lines_of_a_module_stay_where_they_are(load: Load) -> None:
    body = "def broken(sku: str) -> float:\n    return int(sku)\n"
    module = load(f"from dana.frameworks.poet import (\n    poet,\n)\n@poet\n{body}")

    with pytest.raises(ValueError, match="invalid literal") as raised:
        module.broken("a")
    assert [entry.lineno for entry in raised.traceback if entry.path.name == "shop.py"] == [5]


def test_an_import_that_shares_its_line_with_the_body_of_a_function_is_replaced(load: Load) -> None:
    text = "@poet\ndef price(sku: str): from dana.frameworks.poet import poet as inner; return inner.__module__\n"

    assert load(text).price("a") == "poet_import.marker"


def test_another_name_of_that_kind_is_left_alone(load: Load) -> None:
    module = load(f"class frameworks:\n    poet = staticmethod(lambda f: f)\n@frameworks.poet\n{PRICE}")

    assert module.price(1) == 1.5


def test_modules_of_dana_itself_are_not_rewritten(load: Load, write: Write) -> None:
    write("", "dana/__init__.py")
    write(f"from poet_import import poet\n@poet\n{PRICE}", "dana/shop.py")
    load("import dana.shop\n", "program")

    assert "dana.shop" not in poet_import.status().modules


def test_what_is_transpiled_names_dana_no_more() -> None:
    code = transpile(f"from dana.frameworks.poet import poet\n@poet\n{PRICE}").code

    assert "dana" not in code
    assert "@poet" not in code
