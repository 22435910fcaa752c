"""The hook among the other parts of the import system: finders, loaders, threads, encodings."""

import asyncio
import importlib
import importlib.util
import opcode
import pickle
import pkgutil
import subprocess
import sys
import threading
import zipfile
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from importlib import resources
from importlib.machinery import ModuleSpec, PathFinder, SourceFileLoader
from pathlib import Path
from types import ModuleType

import pytest

import poet_import
from poet_import import PerceiveError, PoetFallbackWarning
from poet_import.hook import loader
from poet_import.hook.loader import PoetLoader

Load = Callable[..., ModuleType]
Run = Callable[..., "subprocess.CompletedProcess[str]"]
Write = Callable[..., Path]

SHOP = """\
from poet_import import poet

@poet
def price(quantity: int) -> int:
    return quantity + 1
"""


def assert_hardened(module: ModuleType) -> None:
    with pytest.raises(PerceiveError):
        module.price("1")
    assert module.price(1) == 2


def state(name: str) -> str | None:
    row = poet_import.status().modules.get(name)
    return row.state if row else None


def test_modules_of_a_namespace_package_are_woven_also_below_a_path_added_later(
    load: Load, write: Write, tmp_path: Path
) -> None:
    write(SHOP, "space/one")
    assert_hardened(load("from space import one").one)
    write(SHOP, "later/space/two")
    sys.path.append(str(tmp_path / "later"))
    importlib.invalidate_caches()

    assert_hardened(importlib.import_module("space.two"))
    assert state("space.two") == "cached"  # of the same source as the other


def test_relative_and_circular_imports_work(load: Load, write: Write) -> None:
    write("from . import a, b", "ring/__init__")
    write(f"from . import b\n{SHOP}", "ring/a")
    write(f"from . import a\n{SHOP}\ndef both(): return a.price(1) + price(1)", "ring/b")

    assert load("import ring\nfrom ring import b").b.both() == 4
    assert (state("ring.a"), state("ring.b")) == ("rewritten", "rewritten")


def test_a_module_in_an_archive_is_left_to_the_marker(load: Load, tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "archive.zip", "w") as archive:
        archive.writestr("zipped.py", SHOP)
    sys.path.insert(0, str(tmp_path / "archive.zip"))

    module = importlib.import_module("zipped")

    assert_hardened(module)
    assert state("zipped") is None
    del sys.modules["zipped"]


def test_a_module_without_source_is_left_to_the_marker(run_python: Run, write: Write) -> None:
    path = write(SHOP)
    code = "import py_compile, os; py_compile.compile('shop.py', 'shop.pyc'); os.unlink('shop.py')"
    run_python(code)
    check = "import poet_import, shop\ntry: shop.price('1')\nexcept poet_import.PerceiveError: print(shop.price(1), poet_import.status().modules)"

    assert run_python(check).stdout == "2 {}\n"
    assert not path.exists()


def test_a_module_that_a_finder_of_the_users_finds_is_woven(load: Load, write: Write) -> None:
    """As in an editable install: the finder answers for one top-level name from a folder of its own."""
    path = write(SHOP, "elsewhere/edited/__init__")
    write(SHOP, "elsewhere/edited/part")

    class EditableFinder:
        @classmethod
        def find_spec(cls, name: str, _path: object = None, _target: object = None) -> ModuleSpec | None:
            return importlib.util.spec_from_file_location(name, path) if name == "edited" else None

    sys.meta_path.append(EditableFinder)

    assert_hardened(load("import edited.part\nfrom edited import price"))
    assert_hardened(importlib.import_module("edited.part"))
    assert state("edited") == "rewritten"


def test_a_finder_inserted_before_ours_is_asked_first(load: Load, write: Write) -> None:
    path = write("x = 1", "elsewhere/other")

    class FirstFinder:
        @classmethod
        def find_spec(cls, name: str, _path: object = None, _target: object = None) -> ModuleSpec | None:
            return importlib.util.spec_from_file_location(name, path) if name == "shop" else None

    sys.meta_path.insert(0, FirstFinder)

    assert load(SHOP).__file__ == str(path)


def test_what_a_finder_raises_is_raised(load: Load) -> None:
    class RaisingFinder:
        @classmethod
        def find_spec(cls, name: str, _path: object = None, _target: object = None) -> ModuleSpec | None:
            if name == "shop":
                raise LookupError(name)
            return None

    sys.meta_path.insert(1, RaisingFinder)

    with pytest.raises(LookupError, match="shop"):
        load(SHOP)
    sys.meta_path.remove(RaisingFinder)
    assert_hardened(load(SHOP))


def test_a_finder_that_asks_the_whole_meta_path_gets_an_answer(load: Load) -> None:
    class AskingFinder:
        @classmethod
        def find_spec(cls, name: str, path: object = None, target: object = None) -> ModuleSpec | None:
            found = (finder.find_spec(name, path, target) for finder in sys.meta_path if finder is not cls)  # type: ignore[arg-type]
            return next((spec for spec in found if spec is not None), None)

    sys.meta_path.insert(1, AskingFinder)
    assert_hardened(load(SHOP))
    sys.meta_path.insert(0, AskingFinder)
    assert_hardened(load(SHOP, "store"))


@pytest.mark.filterwarnings("ignore::ImportWarning")  # Python's own
def test_a_finder_of_the_old_kind_keeps_its_turn(load: Load) -> None:
    asked = []

    class OldFinder:
        @classmethod
        def find_module(cls, name: str, _path: object = None) -> None:
            asked.append(name)

    sys.meta_path.insert(1, OldFinder)  # type: ignore[arg-type]  # that is the point

    assert_hardened(load(SHOP))
    assert "shop" in asked or sys.version_info >= (3, 12)


def test_a_finder_that_is_not_in_place_finds_nothing(load: Load) -> None:
    finder = next(finder for finder in sys.meta_path if type(finder).__name__ == "PoetFinder")
    load(SHOP)
    sys.meta_path.remove(finder)

    assert finder.find_spec("shop", None) is None


def test_builtin_and_frozen_modules_come_before_a_file_of_their_name(run_python: Run, write: Write) -> None:
    for name in ("time", "zipimport"):
        write("raise SystemExit('shadowed')", name)

    result = run_python("import poet_import, time, zipimport; print(time.__spec__.origin, zipimport.__spec__.origin)")

    assert result.stdout == "built-in frozen\n"


def test_a_missing_module_is_reported_as_ever(load: Load) -> None:
    with pytest.raises(ModuleNotFoundError, match=r"^No module named 'no_such_shop'$") as caught:
        load("import no_such_shop")

    assert caught.value.name == "no_such_shop"
    assert importlib.util.find_spec("no_such_shop") is None


def test_reload_after_an_edit_weaves_the_new_source(load: Load, write: Write) -> None:
    module = load(SHOP)
    write(SHOP.replace("+ 1", "+ 2"))

    importlib.reload(module)

    assert module.price(1) == 3
    with pytest.raises(PerceiveError):
        module.price("1")


def test_reload_after_uninstall_leaves_the_weaving_to_the_marker(load: Load, write: Write) -> None:
    module = load(SHOP)
    poet_import.uninstall()
    write(SHOP.replace("+ 1", "+ 22"))

    importlib.reload(module)

    assert module.price(1) == 23
    with pytest.raises(PerceiveError):
        module.price("1")


def test_a_module_made_by_hand_is_woven(load: Load, write: Write) -> None:
    load("")
    write(SHOP, "store")
    spec = importlib.util.find_spec("store")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)

    spec.loader.exec_module(module)

    assert_hardened(module)


def test_a_lazy_module_is_woven_when_it_is_used(load: Load, write: Write) -> None:
    load("")
    write(SHOP, "store")
    spec = importlib.util.find_spec("store")
    assert spec is not None
    assert spec.loader is not None
    spec.loader = importlib.util.LazyLoader(spec.loader)
    module = importlib.util.module_from_spec(spec)
    sys.modules["store"] = module
    spec.loader.exec_module(module)

    assert state("store") is None
    assert_hardened(module)


def test_a_spec_from_a_file_location_is_left_to_the_marker(load: Load, write: Write) -> None:
    load("")
    spec = importlib.util.spec_from_file_location("store", write(SHOP, "store"))
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)

    spec.loader.exec_module(module)

    assert_hardened(module)


@pytest.mark.parametrize(
    ("name", "arguments"),
    [("pkg/tool", ["-m", "pkg.tool"]), ("pkg/__main__", ["-m", "pkg"]), ("script", ["script.py"])],
    ids=["module", "package", "script"],
)
def test_a_program_is_woven_whichever_way_it_is_started(
    run_python: Run, write: Write, name: str, arguments: list[str]
) -> None:
    write("import poet_import", "pkg/__init__")
    call = "\nimport poet_import\ntry: price('1')\nexcept poet_import.PerceiveError as error: print(error)\n"
    write(SHOP + call, name)

    result = run_python(*arguments)

    assert result.stdout == "__main__.price(): quantity: expected int, got str '1'\n", result.stderr


def test_a_spawned_process_gets_functions_by_reference(run_python: Run, write: Write) -> None:
    write(SHOP)
    write(
        "import multiprocessing, poet_import, shop\n"
        "if __name__ == '__main__':\n"
        "    with multiprocessing.get_context('spawn').Pool(1) as pool:\n"
        "        print(pool.map(shop.price, [1, 2]))\n",
        "main",
    )

    assert run_python(*["-W", "error", "main.py"]).stdout == "[2, 3]\n"


def test_a_function_is_pickled_by_reference(load: Load) -> None:
    module = load(SHOP)

    assert pickle.loads(pickle.dumps(module.price)) is module.price


@pytest.mark.parametrize("protocol", range(pickle.HIGHEST_PROTOCOL + 1))
def test_loader_and_spec_are_pickled(load: Load, protocol: int) -> None:
    spec = load(SHOP).__spec__
    assert spec is not None

    copy = pickle.loads(pickle.dumps(spec, protocol))

    assert (copy, type(copy.loader)) == (spec, PoetLoader)


def test_a_loader_tells_what_the_stock_one_tells(load: Load) -> None:
    module = load(SHOP)
    spec, loader = module.__spec__, module.__loader__

    assert spec is not None
    assert isinstance(loader, SourceFileLoader)
    assert (spec.origin, module.__cached__) == (module.__file__, importlib.util.cache_from_source(str(module.__file__)))
    assert (loader.get_source("shop"), loader.is_package("shop")) == (SHOP, False)


def test_pkgutil_and_resources_see_a_woven_package(load: Load, write: Write) -> None:
    write("text", "goods/list.txt")
    write(SHOP, "goods/part")
    write(SHOP, "goods/__init__")
    package = load("import goods").goods

    assert [module.name for module in pkgutil.iter_modules(package.__path__)] == ["part"]
    assert resources.files("goods").joinpath("list.txt").read_text() == "text"
    assert pkgutil.get_data("goods", "list.txt") == b"text"


def test_threads_import_marked_and_plain_modules_at_once(load: Load, write: Write) -> None:
    names = [f"part{number}" for number in range(20)]
    for number, name in enumerate(names):
        write(SHOP if number % 2 else "def price(quantity): return quantity + 1", name)
    load("")
    barrier = threading.Barrier(len(names))

    def start(name: str) -> int:
        barrier.wait()
        return importlib.import_module(name).price(1)  # type: ignore[no-any-return]

    interval = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    try:
        with ThreadPoolExecutor(len(names)) as pool:
            assert list(pool.map(start, names)) == [2] * len(names)
    finally:
        sys.setswitchinterval(interval)
    assert sum(state(name) is not None for name in names) == 10


def test_a_module_body_may_start_threads_that_import(load: Load, write: Write) -> None:
    write(SHOP, "inner")
    body = "from concurrent.futures import ThreadPoolExecutor\nimport importlib\n"
    body += "with ThreadPoolExecutor(2) as pool:\n    inner = pool.submit(importlib.import_module, 'inner').result()\n"

    assert_hardened(load(SHOP + body).inner)


def test_an_import_works_inside_a_running_event_loop(load: Load) -> None:
    async def main() -> ModuleType:
        return load(SHOP)

    assert_hardened(asyncio.run(main()))


def test_an_import_works_at_exit(run_python: Run, write: Write) -> None:
    write(SHOP)

    result = run_python(
        "import atexit, poet_import\n@atexit.register\ndef last():\n    import shop\n    print(shop.price(1))"
    )

    assert (result.stdout, result.stderr) == ("2\n", "")


@pytest.mark.parametrize(
    ("source", "text"),
    [
        (b"\xef\xbb\xbf" + SHOP.encode() + "WORD = 'é'\n".encode(), "é"),
        (b"# coding: latin-1\n" + SHOP.encode() + b"WORD = '\xe9'\n", "é"),
        (SHOP.replace("\n", "\r\n").encode() + "WORD = '''a\r\né'''".encode(), "a\né"),
        (SHOP.replace("@poet", "\f@poet").encode() + b"WORD = 'x'", "x"),
        (SHOP.replace("    ", "\t").encode() + b"WORD = 'x'", "x"),
        (b"from __future__ import annotations\n" + SHOP.encode() + b"WORD = 'x'\n", "x"),
        (b'"""Say."""; WORD = "x"\n' + SHOP.rstrip().encode(), "x"),
    ],
    ids=["bom", "latin-1", "crlf", "form feed", "tabs", "future annotations", "no final newline"],
)
def test_a_source_is_read_as_python_reads_it(load: Load, source: bytes, text: str) -> None:
    module = load(source)

    assert_hardened(module)
    assert text == module.WORD
    assert state("shop") == "rewritten"


def test_a_link_and_a_relative_entry_of_the_path_lead_to_the_module(
    load: Load, write: Write, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write(SHOP, "real/store")
    (tmp_path / "link").symlink_to(tmp_path / "real")
    monkeypatch.chdir(tmp_path)
    sys.path.insert(0, "link")

    module = load("import store").store

    assert_hardened(module)
    assert state("store") == "rewritten"


def test_a_known_module_whose_source_is_gone_is_missing(run_python: Run, write: Write) -> None:
    path = write(SHOP)
    run_python("import poet_import, shop")
    path.unlink()

    result = run_python("import poet_import, shop")

    assert result.stderr.endswith("ModuleNotFoundError: No module named 'shop'\n")


class UpperLoader(SourceFileLoader):
    """Makes a constant of each module upper case, in the tree that Python compiles."""

    def source_to_code(self, data: object, path: object, *, _optimization: int = -1) -> object:  # type: ignore[override]
        code = super().source_to_code(data, path)  # type: ignore[arg-type]
        return code.replace(co_consts=tuple(item.upper() if item == "word" else item for item in code.co_consts))


class TextLoader(SourceFileLoader):
    """Replaces a word in the text of each module, so that it cannot take a tree."""

    def source_to_code(self, data: bytes, path: str, *, _optimization: int = -1) -> object:  # type: ignore[override]
        return compile(data.replace(b"word", b"WORD"), path, "exec", dont_inherit=True)


class ClosedLoader(SourceFileLoader):
    """Gets its code in a way of its own."""

    def get_code(self, fullname: str) -> object:  # type: ignore[override]
        return compile(Path(self.get_filename(fullname)).read_bytes().replace(b"word", b"WORD"), self.path, "exec")


class FinalLoader(SourceFileLoader):
    """Refuses to be subclassed."""

    def __init_subclass__(cls) -> None:
        raise RuntimeError("final")


@pytest.fixture
def load_with(load: Load, write: Write) -> Callable[[type], ModuleType]:
    """Import shop with a loader of the user's own class."""

    def call(kind: type) -> ModuleType:
        class OwnFinder:
            @classmethod
            def find_spec(cls, name: str, _path: object = None, _target: object = None) -> ModuleSpec | None:
                found = PathFinder.find_spec(name) if name == "shop" else None
                if found is not None and type(found.loader) is SourceFileLoader:
                    found.loader = kind(name, found.origin)
                return found

        sys.meta_path.insert(0, OwnFinder)
        poet_import.uninstall()
        poet_import.install(cache_dir=poet_import.status().cache_dir)
        return load(f"CASE = 'word'\n{SHOP}\n@poet(retries=1)\ndef again(a: str): return a\n")

    return call


@pytest.mark.parametrize("kind", [UpperLoader, TextLoader])
def test_a_loader_that_compiles_in_its_own_way_gets_the_woven_module(
    load_with: Callable[[type], ModuleType], kind: type
) -> None:
    module = load_with(kind)

    assert_hardened(module)
    assert (module.CASE, state("shop")) == ("WORD", "rewritten")
    assert isinstance(module.__loader__, kind)
    assert poet_import.describe(module.again).options.retries == 1


def test_a_loader_that_gets_its_code_elsewhere_is_left_to_the_marker(load_with: Callable[[type], ModuleType]) -> None:
    with pytest.warns(PoetFallbackWarning, match="a way of its own"):
        module = load_with(ClosedLoader)

    assert_hardened(module)
    assert (module.CASE, state("shop")) == ("WORD", "fallback")


def test_a_loader_class_that_cannot_be_subclassed_stays_what_it_is(load_with: Callable[[type], ModuleType]) -> None:
    module = load_with(FinalLoader)

    assert_hardened(module)
    assert (type(module.__loader__), state("shop")) == (FinalLoader, None)


def test_a_loader_of_the_users_own_class_is_pickled(load_with: Callable[[type], ModuleType]) -> None:
    loader = load_with(UpperLoader).__loader__

    copy = pickle.loads(pickle.dumps(loader))

    assert (type(copy), vars(copy)) == (type(loader), vars(loader))


def test_uninstall_leaves_later_imports_to_the_marker(load: Load) -> None:
    poet_import.uninstall()

    assert_hardened(load(SHOP))
    assert state("shop") is None


def test_a_loader_kept_past_uninstall_is_a_stock_one(load: Load, write: Write) -> None:
    load("")
    write(SHOP, "store")
    spec = importlib.util.find_spec("store")
    assert spec is not None
    assert spec.loader is not None
    poet_import.uninstall()
    module = importlib.util.module_from_spec(spec)

    spec.loader.exec_module(module)

    assert state("store") is None
    assert_hardened(module)


def test_a_source_that_vanishes_between_finding_and_loading_is_pythons_error(load: Load, write: Write) -> None:
    load(SHOP)
    spec = importlib.util.find_spec("shop")
    assert spec is not None
    assert isinstance(spec.loader, PoetLoader)
    write("").unlink()

    with pytest.raises(FileNotFoundError):
        spec.loader.get_code("shop")


def test_a_loader_without_a_hook_is_a_stock_one(run_python: Run, write: Write) -> None:
    write(SHOP)
    code = """
from poet_import.hook.loader import PoetLoader
print("__poet__" in PoetLoader("shop", "shop.py").get_code("shop").co_names)
"""

    assert run_python(code, POET_ACTIVATE="0").stdout == "False\n"


def test_poet_activate_0_leaves_the_hook_off(run_python: Run, write: Write) -> None:
    write(SHOP)
    code = """
import sys, poet_import, shop
poet_import.uninstall()
print(poet_import.status().active, any("Poet" in type(finder).__name__ for finder in sys.meta_path))
"""

    assert run_python(code, POET_ACTIVATE="0").stdout == "False False\n"


def test_install_twice_keeps_one_finder(load: Load) -> None:
    poet_import.install(strict=True)
    poet_import.install(strict=False)

    assert sum(type(finder).__name__ == "PoetFinder" for finder in sys.meta_path) == 1
    assert_hardened(load(SHOP))


def test_our_own_modules_are_never_woven(run_python: Run) -> None:
    code = "import poet_import, poet_import.cli, poet_import.transpiler; print(poet_import.status().modules)"

    assert run_python("-c", code).stdout == "{}\n"


def test_the_opcode_that_tells_of_a_class_is_this_pythons() -> None:
    assert opcode.opmap["LOAD_BUILD_CLASS"] == loader._LOAD_BUILD_CLASS
