"""A module that cannot be woven: what its user is told, and what the module is then."""

import re
import subprocess
import sys
from collections.abc import Callable
from importlib import import_module
from importlib.machinery import ModuleSpec, SourceFileLoader
from importlib.util import spec_from_file_location
from pathlib import Path
from types import ModuleType

import pytest

import poet_import
from poet_import import PerceiveError, PoetFallbackWarning
from poet_import.transpiler.reading import WOVEN_NAMES

Load = Callable[..., ModuleType]
Run = Callable[..., "subprocess.CompletedProcess[str]"]
Write = Callable[..., Path]

CASES = Path(__file__).parent.parent / "cases"
PRICE = "def price(quantity: int) -> int:\n    return quantity\n"


def assert_hardened(module: ModuleType) -> None:
    with pytest.raises(PerceiveError):
        module.price("1")


def test_the_names_that_are_refused_are_those_that_the_weaver_writes() -> None:
    texts = [path.read_text(encoding="utf-8") for path in CASES.glob("*/after.py")]

    written = {name for text in texts for name in re.findall(r"\b(?:_poet_\w+|__poet__)", text)}

    assert written == WOVEN_NAMES


@pytest.mark.parametrize("name", sorted(WOVEN_NAMES))
@pytest.mark.parametrize("place", ["{name} = 1\n", "def other({name}):\n    return {name}\n"], ids=["global", "local"])
def test_a_module_that_binds_a_name_of_woven_code_is_not_woven(load: Load, name: str, place: str) -> None:
    with pytest.warns(PoetFallbackWarning, match=f"the name {name} belongs to woven code"):
        module = load(f"from poet_import import poet\n{place.format(name=name)}@poet\n{PRICE}")

    assert_hardened(module)


def test_a_name_that_only_begins_like_those_of_woven_code_harms_nobody(load: Load) -> None:
    module = load(f"from poet_import import poet\n_poet_x = 1\n@poet\n{PRICE}")

    assert poet_import.status().modules["shop"].state == "rewritten"
    assert_hardened(module)


@pytest.mark.parametrize("is_hooked", [True, False], ids=["hook", "marker"])
def test_the_warning_stands_at_the_users_file_and_names_it_once(load: Load, *, is_hooked: bool) -> None:
    if not is_hooked:
        poet_import.uninstall()

    with pytest.warns(PoetFallbackWarning) as caught:
        module = load(f"from poet_import import poet\n_poet_result = 1\n@poet\n{PRICE}")

    (warning,) = caught
    assert warning.filename == module.__file__
    assert f"{warning.message}".count("shop") == 1


def test_a_module_that_names_the_package_gains_no_name(load: Load) -> None:
    with pytest.warns(PoetFallbackWarning):
        module = load(f"import poet_import\n_poet_result = 1\n@poet_import.poet\n{PRICE}")

    assert "poet" not in vars(module)
    assert_hardened(module)


@pytest.mark.parametrize(
    "text",
    [
        "@poet\ndef price(quantity: int): return quantity\n",
        "class Shop:\n    @poet\n    def price(quantity: int): return quantity\nprice = Shop.price\n",
        "class Own:\n    poet = 1\n    word = poet\n@poet\ndef price(quantity: int): return quantity\n",
    ],
    ids=["module", "class", "beside a class with a name of its own"],
)
def test_the_bare_name_is_supplied_where_it_is_used(load: Load, text: str) -> None:
    with pytest.warns(PoetFallbackWarning):
        module = load(f"_poet_result = 1\n{text}")

    assert_hardened(module)


@pytest.mark.parametrize(
    "binding", ["poet = lambda f: f", "def bind():\n    global poet\n    poet = lambda f: f\nbind()"]
)
def test_a_name_of_the_users_is_never_replaced(load: Load, binding: str) -> None:
    text = f"import poet_import\n_poet_result = 1\n{binding}\n@poet\ndef sell(n: int): return n\n"
    with pytest.warns(PoetFallbackWarning):
        module = load(f"{text}@poet_import.poet\n{PRICE}")

    assert_hardened(module)
    assert module.sell("1") == "1"


def test_a_warning_of_pythons_about_the_source_is_shown_once(run_python: Run, write: Write) -> None:
    write("_poet_result = '\\d'\n@poet\n" + PRICE)

    shown = run_python("-W", "always", "-c", "import poet_import, shop").stderr

    assert (shown.count("PoetFallbackWarning"), shown.count("invalid escape")) == (1, 1)


class CipherLoader(SourceFileLoader):
    """Reads files that are no Python before it has deciphered them."""

    key = 0

    def get_code(self, fullname: str) -> object:  # type: ignore[override]
        path = self.get_filename(fullname)
        return compile(bytes(byte ^ self.key for byte in self.get_data(path)), path, "exec")


@pytest.mark.parametrize("key", [1, 0x80], ids=["no Python", "no text"])
def test_a_file_that_only_its_own_loader_can_read_is_left_to_the_marker(load: Load, write: Write, key: int) -> None:
    load("")
    text = f"from poet_import import poet\n@poet\n{PRICE}"
    path = str(write(bytes(byte ^ key for byte in text.encode()), "store"))

    class CipherFinder:
        @classmethod
        def find_spec(cls, name: str, _path: object = None, _target: object = None) -> ModuleSpec | None:
            loader = CipherLoader(name, path)
            loader.key = key
            return spec_from_file_location(name, path, loader=loader) if name == "store" else None

    sys.meta_path.insert(1, CipherFinder)
    with pytest.warns(PoetFallbackWarning, match="store is not rewritten") as caught:
        module = import_module("store")

    assert len(caught) == 1
    assert_hardened(module)
