"""What tools that look at modules, packages and distributions find where the hook has been."""

import importlib
import subprocess
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from importlib import import_module, metadata
from pathlib import Path
from types import ModuleType

import pytest

from poet_import import PerceiveError

Load = Callable[..., ModuleType]
Run = Callable[..., "subprocess.CompletedProcess[str]"]
Write = Callable[..., Path]

SHOP = "from poet_import import poet\n@poet\ndef price(quantity: int) -> int:\n    return quantity + 1\n"


def assert_hardened(module: ModuleType) -> None:
    with pytest.raises(PerceiveError):
        module.price("1")
    assert module.price(1) == 2


def test_the_spec_of_a_package_is_what_it_is_without_the_hook(run_python: Run, write: Write) -> None:
    write(SHOP, "goods/__init__")
    write(SHOP, "goods/part")
    code = """
import {activation}importlib.machinery
from goods import part
import goods
for module in (goods, part):
    spec, loader = module.__spec__, module.__loader__
    print(spec.origin, spec.cached, spec.has_location, spec.parent, spec.submodule_search_locations, spec.name)
    print(loader.is_package(spec.name), loader.name, loader.path, loader.get_source(spec.name))
    print(module.__file__, module.__cached__, module.__package__, getattr(module, "__path__", None))
    print(isinstance(loader, importlib.machinery.SourceFileLoader), loader == spec.loader)
"""
    with_hook = run_python(code.format(activation="poet_import, ")).stdout

    assert with_hook == run_python(code.format(activation=""), POET_ACTIVATE="0").stdout


def test_an_entry_point_of_a_distribution_is_woven(load: Load, write: Write, tmp_path: Path) -> None:
    (tmp_path / "goods-4.2.dist-info").mkdir()
    (tmp_path / "goods-4.2.dist-info" / "METADATA").write_text("Metadata-Version: 2.1\nName: goods\nVersion: 4.2\n")
    (tmp_path / "goods-4.2.dist-info" / "entry_points.txt").write_text("[tellers]\nprice = shop:price\n")
    load("", "store")
    write(SHOP)

    (point,) = metadata.entry_points(group="tellers")

    assert metadata.version("goods") == "4.2"
    with pytest.raises(PerceiveError):
        point.load()("1")


def test_the_resources_that_pkg_resources_finds_are_the_packages(run_python: Run, write: Write) -> None:
    pytest.importorskip("pkg_resources", reason="setuptools 82 has none")
    write("text", "goods/list.txt")
    write(SHOP, "goods/__init__")
    code = "import poet_import, goods, pkg_resources as p; print(p.resource_string('goods', 'list.txt'), p.resource_listdir('goods', ''))"

    text, names = run_python(code).stdout.split(" ", 1)

    assert text == "b'text'"
    assert "list.txt" in names


def test_a_module_written_after_a_failed_import_is_found_once_caches_are_invalidated(load: Load, write: Write) -> None:
    load("")
    with pytest.raises(ModuleNotFoundError):
        import_module("late")

    write(SHOP, "late")
    importlib.invalidate_caches()

    assert_hardened(import_module("late"))


def test_an_import_works_in_a_worker_of_a_pool(load: Load, write: Write) -> None:
    load("")
    write(SHOP, "store")

    with ThreadPoolExecutor(1) as pool:
        module = pool.submit(import_module, "store").result()

    assert_hardened(module)


def test_a_linked_file_is_woven_under_the_name_of_the_link(load: Load, write: Write, tmp_path: Path) -> None:
    (tmp_path / "store.py").symlink_to(write(SHOP, "real/other"))
    module = load("import store").store

    assert_hardened(module)
    assert module.price.__code__.co_filename == str(tmp_path / "store.py")


@pytest.mark.usefixtures("untraced")  # coverage's own end keeps the last objects alive
@pytest.mark.parametrize("options", ["", "(retries=1)", "(timeout=5)"])
def test_a_function_acts_while_the_interpreter_shuts_down(run_python: Run, write: Write, options: str) -> None:
    write(SHOP.replace("@poet", f"@poet{options}"))
    code = """
import poet_import, shop
class Last:
    price = staticmethod(shop.price)
    refused = poet_import.PerceiveError
    def __del__(self):
        print(self.price(1))
        try: self.price('1')
        except self.refused as error: print(error)
keep = Last()
"""
    result = run_python(code)

    assert (result.stdout, result.stderr) == ("2\nshop.price(): quantity: expected int, got str '1'\n", "")


def test_every_kind_of_import_error_is_worded_as_without_the_hook(run_python: Run, write: Write) -> None:
    write(SHOP)
    write("", "goods/__init__")
    write("from goods import mutual", "goods/own")
    code = """
import {activation}importlib
for name in ("missing", "shop.part", "goods.missing", "goods.own", ".relative", ""):
    try: importlib.import_module(name)
    except Exception as error: print(type(error), error, getattr(error, "name", None), getattr(error, "path", None))
"""
    with_hook = run_python(code.format(activation="poet_import, "))

    assert with_hook.stdout == run_python(code.format(activation=""), POET_ACTIVATE="0").stdout
    assert with_hook.stdout.count("Error") >= 6
