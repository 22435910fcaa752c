"""What is frozen beside a module runs in its functions while it fits them, and is judged each time it is read."""

import json
import os
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from types import ModuleType

import pytest

import poet_import
from poet_import import PoetFallbackWarning, StaleError
from poet_import.cache.frozen import FrozenStore
from poet_import.templates import store_over
from poet_import.transpiler.building import freeze
from poet_import.transpiler.project import sites_of
from poet_import.transpiler.woven import Body
from poet_import.validation import validate

Load = Callable[..., ModuleType]
Write = Callable[..., Path]

SHOP = """
from poet_import import poet

FEE = 2

@poet
def total(prices: list[int]) -> int:
    result = FEE
    for price in prices:
        result += price
    return result

class Basket:
    @property
    @poet
    def size(self) -> int:
        return 1

    @size.setter
    @poet
    def size(self, value: int) -> None:
        self.kept = value

def outer(by: int):
    @poet
    def inner(a: int) -> int:
        return a * by
    return inner
"""
BETTER = "def total(prices: list[int]) -> int:\n    return FEE + sum(prices)\n"


def settle(folder: Path) -> None:
    """Make what is frozen as old as it is after a checkout: the cache trusts nothing that is seconds old."""
    for path in [folder / ".poet", *(folder / ".poet").rglob("*")]:
        os.utime(path, (1_000_000_000, 1_000_000_000))


@pytest.fixture
def frozen(write: Write, tmp_path: Path) -> FrozenStore:
    """Return the store beside shop.py, with one implementation in it."""
    path = write(SHOP)
    freeze_all(path, {"total": BETTER})
    settle(tmp_path)
    return FrozenStore(str(path))


def freeze_all(path: Path, texts: dict[str, str]) -> None:
    for site in sites_of(str(path), store_over(())):
        if site.name in texts:
            verdict = validate(texts[site.name], site.wanted.original)
            assert verdict.implementation is not None, verdict.violations
            freeze(site, Body(verdict.implementation, "", "tiny", record={"model": "tiny"}))


@pytest.fixture
def again(load: Load, tmp_path: Path) -> Iterator[Callable[..., ModuleType]]:
    """Import shop anew with some settings, as it stands now."""

    def call(**settings: object) -> ModuleType:
        sys.modules.pop("shop", None)
        poet_import.install(cache_dir=tmp_path / "cache", **settings)
        return load((tmp_path / "shop.py").read_text())

    yield call
    poet_import.install(cache_dir=tmp_path / "cache")


def origin(module: ModuleType) -> str:
    return poet_import.describe(module.total).origin


@pytest.mark.usefixtures("frozen")
def test_frozen_body_runs_and_is_told_of(again: Callable[..., ModuleType], tmp_path: Path) -> None:
    module = again()

    description = poet_import.describe(module.total)
    assert (module.total([1, 2]), "sum" in module.total.__code__.co_names) == (5, True)
    assert (description.origin, description.model) == ("frozen", "tiny")
    assert description.path == str(tmp_path / ".poet" / "shop.total" / "v1" / "code.py")
    assert poet_import.status().modules["shop"].state == "frozen"


@pytest.mark.usefixtures("frozen")
def test_second_start_is_cached_until_something_frozen_changes(
    again: Callable[..., ModuleType], frozen: FrozenStore, tmp_path: Path
) -> None:
    again()
    assert (origin(again()), poet_import.status().modules["shop"].state) == ("frozen", "cached")

    path = Path(frozen.read("shop.total", "v1").path)
    path.write_text(BETTER.replace("FEE + sum(prices)", "sum(prices) + FEE"))
    settle(tmp_path)
    os.utime(path, (1_000_000_100, 1_000_000_100))

    assert again().total.__code__.co_consts != ()
    assert poet_import.status().modules["shop"].state == "frozen"


def test_what_is_seconds_old_is_not_cached(again: Callable[..., ModuleType], write: Write) -> None:
    freeze_all(write(SHOP), {"total": BETTER})

    again()
    again()

    assert poet_import.status().modules["shop"].state == "frozen"


@pytest.mark.usefixtures("frozen")
@pytest.mark.parametrize(
    ("change", "is_kept"),
    [
        pytest.param(("    result = FEE\n", "    # so far\n\n    result  = FEE\n"), True, id="comments-and-blanks"),
        pytest.param(("\n@poet\ndef total", "\n@poet(retries=1)\ndef total"), True, id="options"),
        pytest.param(("class Basket", "def more() -> None: ...\n\nclass Basket"), True, id="another-function"),
        pytest.param(("result += price", "result += price + 1"), False, id="logic"),
        pytest.param(("FEE = 2", "FEE = 3"), False, id="constant"),
        pytest.param(("list[int]) -> int:\n    result", "list[float]) -> int:\n    result"), False, id="annotation"),
    ],
)
def test_change_of_the_source(
    again: Callable[..., ModuleType], write: Write, change: tuple[str, str], is_kept: bool
) -> None:
    write(SHOP.replace(*change))

    if is_kept:
        assert origin(again()) == "frozen"
        return
    with pytest.warns(PoetFallbackWarning, match="v1 is stale: the function has changed since; run poet build"):
        assert origin(again()) == "fallback"
    with pytest.raises(StaleError, match=r"shop\.py:6: total: v1 is stale: .*; run poet build .*shop\.py::total"):
        again(mode="frozen")


@pytest.mark.parametrize(
    ("edit", "words"),
    [
        pytest.param(("return FEE", "import os\n    os.system('x')\n    return FEE"), "security, rule", id="security"),
        pytest.param(("def total(", "def totals("), "structure, rule public-name", id="structure"),
        pytest.param(("    return FEE", "    return ("), "syntax, rule invalid-syntax", id="syntax"),
    ],
)
def test_edited_text_is_judged_when_it_is_read(
    again: Callable[..., ModuleType], frozen: FrozenStore, edit: tuple[str, str], words: str
) -> None:
    path = Path(frozen.read("shop.total", "v1").path)
    path.write_text(BETTER.replace(*edit))

    with pytest.warns(PoetFallbackWarning, match=f"v1 is refused by {words}"):
        assert again().total([1]) == 3


@pytest.mark.parametrize(
    ("name", "content", "words"),
    [
        pytest.param("current", "../../v1", "names '../../v1', which is no version", id="pointer-out-of-its-place"),
        pytest.param("current", "v7", "code.py: cannot be read", id="pointer-to-nothing"),
        pytest.param("v1/metadata.json", "{", "metadata.json: is no JSON", id="broken-record"),
        pytest.param("v1/metadata.json", "[]", "expected an object, found list", id="no-object"),
        pytest.param("v1/code.py", b"\xff", "code.py: cannot be read", id="no-text"),
        pytest.param("current", b"\xff", "current: cannot be read", id="no-text-in-the-pointer"),
    ],
)
def test_what_cannot_be_read_is_told_with_its_file(
    again: Callable[..., ModuleType], frozen: FrozenStore, name: str, content: str | bytes, words: str
) -> None:
    path = Path(frozen.folder, "shop.total", name)
    path.write_bytes(content if isinstance(content, bytes) else content.encode())

    with pytest.warns(PoetFallbackWarning, match=words):
        assert again().total([1]) == 3
    with pytest.raises(StaleError, match=words):
        again(mode="frozen")


def test_line_ends_of_a_checkout_are_no_edit(again: Callable[..., ModuleType], frozen: FrozenStore) -> None:
    path = Path(frozen.read("shop.total", "v1").path)
    path.write_bytes(path.read_bytes().replace(b"\n", b"\r\n"))

    assert not frozen.read("shop.total", "v1").is_edited
    assert origin(again()) == "frozen"


def test_mode_frozen_asks_for_every_function(again: Callable[..., ModuleType], write: Write) -> None:
    write(SHOP)

    with pytest.raises(StaleError, match="total: nothing is frozen for it; run poet build"):
        again(mode="frozen")
    with pytest.warns(PoetFallbackWarning, match="nothing is frozen for it") as caught:
        assert again(mode="frozen", on_stale="warn").total([1]) == 3
    assert len(caught) == 4


def test_mode_frozen_writes_nothing(
    again: Callable[..., ModuleType], write: Write, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = write(
        "from poet_import import poet\n\n@poet\ndef total(prices: list[int]) -> int:\n    return sum(prices)\n"
    )
    freeze_all(path, {"total": "def total(prices: list[int]) -> int:\n    return sum(iter(prices))\n"})
    settle(tmp_path)
    monkeypatch.setattr(sys, "dont_write_bytecode", True)  # Python's own
    before = sorted(tmp_path.rglob("*"))

    assert origin(again(mode="frozen")) == "frozen"
    assert sorted(tmp_path.rglob("*")) == before


def moved_by_a_checkout(store: FrozenStore, version: str, *, is_marked: bool) -> None:
    """Let another version be current as version control does it: files are replaced, and folders tell of that."""
    place = Path(store.folder) / "shop.total"
    (place / "new").write_text(f"{version}\n")
    (place / "new").replace(place / "current")
    if is_marked:
        (mark,) = Path(store.folder).glob("shop.total=*")
        mark.rename(mark.with_name(f"shop.total={version}"))
    settle(Path(store.folder).parent)
    os.utime(store.folder if is_marked else place, (1_000_000_100, 1_000_000_100))


@pytest.mark.parametrize("is_marked", [True, False])
def test_mode_frozen_notices_what_a_checkout_has_moved(
    is_marked: bool, again: Callable[..., ModuleType], write: Write, tmp_path: Path
) -> None:
    path = write("from poet_import import poet\n\n@poet\ndef total(a: int) -> int:\n    return a + 0\n")
    store = FrozenStore(str(path))
    for body in ("0 + a", "a - 0"):
        freeze_all(path, {"total": f"def total(a: int) -> int:\n    return {body}\n"})
    if not is_marked:
        (tmp_path / ".poet" / "shop.total=v2").unlink()
    settle(tmp_path)
    again()
    assert poet_import.describe(again(mode="frozen").total).path == store.read("shop.total", "v2").path
    assert poet_import.status().modules["shop"].state == "cached"

    moved_by_a_checkout(store, "v1", is_marked=is_marked)

    assert poet_import.describe(again(mode="frozen").total).path == store.read("shop.total", "v1").path


def test_mark_tells_what_the_pointers_name(frozen: FrozenStore, tmp_path: Path) -> None:
    def marks() -> list[str]:
        assert frozen.is_marked
        return sorted(path.name for path in (tmp_path / ".poet").glob("*=*"))

    assert marks() == ["shop.total=v1"]
    frozen.add("shop.total", "another", {}, pointer="shadow")
    assert marks() == ["shop.total=v1~v2"]
    frozen.unpoint("shop.total", "current")
    assert marks() == ["shop.total=~v2"]
    frozen.point("shop.total", "v2")
    frozen.unpoint("shop.total", "shadow")
    frozen.add("shop.price", "other", {})
    assert marks() == ["shop.price=v1", "shop.total=v2"]
    (tmp_path / ".poet" / "shop.total" / "current").write_text("broken\n")
    assert not frozen.is_marked
    frozen.unpoint("shop.total", "current")
    frozen.remove("shop.price")
    assert marks() == []


def test_move_of_a_pointer_that_is_cut_short_leaves_no_wrong_mark(
    frozen: FrozenStore, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(source: str, target: str) -> None:
        raise OSError(28, f"{source} or {target}")

    with monkeypatch.context() as patch:
        patch.setattr(os, "replace", refuse)
        with pytest.raises(OSError, match="current"):
            frozen.point("shop.total", "v2")

    assert (frozen.pointed("shop.total"), list((tmp_path / ".poet").glob("*=*"))) == ("v1", [])


def test_functions_with_one_name_have_places_of_their_own(write: Write, again: Callable[..., ModuleType]) -> None:
    path = write(SHOP)
    texts = {
        "Basket.size": "def size(self) -> int:\n    size = 1\n    return size\n",
        "Basket.size@2": "def size(self, value: int) -> None:\n    kept = value\n    self.kept = kept\n",
        "outer.inner": "def inner(a: int) -> int:\n    product = a * by\n    return product\n",
    }

    freeze_all(path, texts)

    assert FrozenStore(str(path)).known() == ["shop.Basket.size", "shop.Basket.size@2", "shop.outer.inner"]
    basket = again().Basket()
    basket.size = 7
    assert (basket.size, basket.kept) == (1, 7)


def test_versions_follow_each_other_and_none_is_written_over(frozen: FrozenStore) -> None:
    first = frozen.read("shop.total", "v1")

    assert frozen.add("shop.total", "another\n", {"source_digest": "x"}) == "v2"
    assert (frozen.versions("shop.total"), frozen.pointed("shop.total")) == (["v1", "v2"], "v2")
    assert frozen.read("shop.total", "v1") == first
    assert sorted(path.name for path in Path(frozen.folder, "shop.total").iterdir()) == ["current", "v1", "v2"]


def test_same_record_gives_the_same_bytes(tmp_path: Path) -> None:
    stores = [FrozenStore(str(tmp_path / name / "shop.py")) for name in ("one", "other")]

    for store, record in zip(stores, ({"b": 1, "a": 2}, {"a": 2, "b": 1}), strict=True):
        store.add("shop.total", BETTER, record)

    one, other = (Path(store.folder, "shop.total", "v1", "metadata.json").read_bytes() for store in stores)
    assert one == other
    assert json.loads(one)["a"] == 2
    assert one.endswith(b"}\n")


def test_text_that_cannot_be_written_leaves_no_version(frozen: FrozenStore) -> None:
    with pytest.raises(UnicodeEncodeError):
        frozen.add("shop.total", "x = '\ud800'\n", {})

    assert frozen.versions("shop.total") == ["v1"]
    assert sorted(path.name for path in Path(frozen.folder, "shop.total").iterdir()) == ["current", "v1"]


def test_what_a_killed_writer_left_is_swept(frozen: FrozenStore) -> None:
    place = Path(frozen.folder, "shop.total")
    (place / ".new-abc").mkdir()
    (place / ".new-abc" / "code.py").write_text("")
    (place / "current.123.tmp").write_text("v9")

    frozen.sweep("shop.total")

    assert sorted(path.name for path in place.iterdir()) == ["current", "v1"]


@pytest.mark.parametrize("folder", [".", "elsewhere"])
def test_same_source_in_another_file_has_nothing_frozen(
    folder: str, again: Callable[..., ModuleType], frozen: FrozenStore, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert origin(again()) == "frozen"
    other = tmp_path / folder
    other.mkdir(exist_ok=True)
    (other / "depot.py").write_text(SHOP)
    monkeypatch.syspath_prepend(str(other))

    import depot  # type: ignore[import-not-found]  # as just written

    assert (frozen.known(), poet_import.describe(depot.total).origin) == (["shop.total"], "woven")
    sys.modules.pop("depot")


def test_without_a_hook_the_marker_takes_what_is_frozen(frozen: FrozenStore, load: Load, tmp_path: Path) -> None:
    poet_import.install(cache_dir=tmp_path / "cache")
    poet_import.uninstall()

    module = load(SHOP)

    assert frozen.known() == ["shop.total"]
    assert (origin(module), module.total([1])) == ("frozen", 3)
