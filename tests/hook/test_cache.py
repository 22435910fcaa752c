"""The cache of woven modules, as a second process sees it."""

import compileall
import json
import marshal
import os
import py_compile
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from poet_import.cache.bytecode import BytecodeCache, CachedModule
from poet_import.cache.directory import cache_directory
from poet_import.errors import PoetWarning
from poet_import.settings import Settings

Run = Callable[..., "subprocess.CompletedProcess[str]"]
Write = Callable[..., Path]

SHOP = """\
from poet_import import poet

@poet(domain="api_operations")
def price(quantity: int) -> int:
    '''Return the price.'''
    return quantity + 1
"""
PLAIN = "def price(quantity: int) -> int:\n    return quantity + 1\n"
REPORT = """\
import sys, poet_import, shop
try:
    shop.price("2")
except (poet_import.PerceiveError, TypeError) as error:
    refused = type(error).__name__
rows = poet_import.status().modules
print(rows["shop"].state if "shop" in rows else "plain", refused, shop.price(1))
"""


@pytest.fixture
def report(run_python: Run) -> Callable[..., str]:
    """Import shop in a fresh process: its state, what refuses a wrong argument, and a price."""

    def call(*options: str, **variables: str) -> str:
        result = run_python(*options, "-c", REPORT, **variables)
        assert not result.stderr, result.stderr
        return result.stdout.strip()

    return call


def entries(directory: Path) -> list[Path]:
    return sorted(directory.glob("*.poetc"))


@pytest.fixture(autouse=True)
def written_bytecode(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "dont_write_bytecode", False)


def cached(directory: Path) -> BytecodeCache:
    return BytecodeCache(str(directory), roots=(), settings="")


def test_a_second_process_takes_the_module_from_the_cache(report: Callable[..., str], write: Write) -> None:
    write(SHOP)

    assert report() == "rewritten PerceiveError 2"
    assert report() == "cached PerceiveError 2"


def test_a_lost_index_costs_a_look_but_no_weaving(report: Callable[..., str], write: Write, tmp_path: Path) -> None:
    write(SHOP.replace('(domain="api_operations")', ""))
    report()
    (tmp_path / "cache" / "index").unlink()

    assert report() == "cached PerceiveError 2"
    assert report() == "cached PerceiveError 2"


def test_without_the_hook_the_plain_bytecode_is_valid_and_plain(
    run_python: Run, report: Callable[..., str], write: Write
) -> None:
    write(SHOP)
    report()
    report()

    code = "import importlib.util as u, marshal, sys; path = u.cache_from_source('shop.py'); print(open(path, 'rb').read().count(b'__poet__'))"
    assert run_python(code).stdout == "0\n"
    assert run_python("import shop; print(shop.price(1))", POET_ACTIVATE="0").stdout == "2\n"


def test_an_edit_of_the_same_size_and_second_is_seen(report: Callable[..., str], write: Write) -> None:
    path = write(SHOP)
    os.utime(path, (1e9, 1e9))
    report()
    write(SHOP.replace("+ 1", "+ 2"))
    os.utime(path, (1e9, 1e9))

    assert report() == "rewritten PerceiveError 3"


def test_a_marker_taken_away_and_given_is_seen(report: Callable[..., str], write: Write) -> None:
    write(SHOP)
    report()

    write(PLAIN)
    assert report() == "plain TypeError 2"
    write(SHOP)
    assert report() == "cached PerceiveError 2"


def test_a_module_that_only_looks_marked_stays_plain_and_is_remembered(run_python: Run, write: Write) -> None:
    write("class poet: ...\nwriter = poet()\n")
    code = "import sys, poet_import, shop; print('poet_import.hook.rewriting' in sys.modules, len(poet_import.status().modules))"

    assert run_python(code).stdout == "True 0\n"
    assert run_python(code).stdout == "False 0\n"


def test_a_module_known_as_plain_is_woven_once_it_is_marked(
    run_python: Run, report: Callable[..., str], write: Write
) -> None:
    write("class poet: ...\nwriter = poet()\n")
    run_python("import poet_import, shop")
    write(SHOP)

    assert report() == "rewritten PerceiveError 2"


@pytest.mark.parametrize("folder", ["other", "moved"])
def test_the_same_source_at_two_paths_keeps_its_own_file_name(
    run_python: Run, write: Write, tmp_path: Path, folder: str
) -> None:
    write(SHOP, "first/shop")
    code = (
        "import poet_import, shop; print(shop.price.__code__.co_filename, poet_import.status().modules['shop'].state)"
    )
    run_python(code, PYTHONPATH=os.pathsep.join([str(tmp_path / "first"), *sys.path]))
    if folder == "moved":
        (tmp_path / "first").rename(tmp_path / "moved")
    else:
        write(SHOP, "other/shop")

    result = run_python(code, PYTHONPATH=os.pathsep.join([str(tmp_path / folder), *sys.path]))

    assert result.stdout.split()[0] == str(tmp_path / folder / "shop.py")


def test_each_level_of_optimization_has_an_entry_of_its_own(run_python: Run, write: Write, tmp_path: Path) -> None:
    write(SHOP.replace("    return", "    assert quantity != 7\n    return"))
    code = "import poet_import, shop\ntry: print(shop.price(7), shop.price.__doc__)\nexcept AssertionError: print('asserts')"
    seen = {}
    for option in ("-B", "-O", "-OO"):
        for _ in range(2):
            seen[option] = run_python(*([option] if option != "-B" else []), "-c", code).stdout.strip()

    assert seen == {"-B": "asserts", "-O": "8 Return the price.", "-OO": "8 None"}
    assert len(entries(tmp_path / "cache")) == 3


def test_dont_write_bytecode_writes_nothing(report: Callable[..., str], write: Write, tmp_path: Path) -> None:
    write(SHOP)

    assert report(PYTHONDONTWRITEBYTECODE="1") == "rewritten PerceiveError 2"
    assert sorted(path.name for path in tmp_path.iterdir()) == ["shop.py"]


def test_pycache_prefix_holds_the_cache(report: Callable[..., str], write: Write, tmp_path: Path) -> None:
    write(SHOP)

    report(POET_CACHE_DIR="", PYTHONPYCACHEPREFIX=str(tmp_path / "prefix"))

    assert len(entries(tmp_path / "prefix" / "poet_import")) == 1
    assert report(POET_CACHE_DIR="", PYTHONPYCACHEPREFIX=str(tmp_path / "prefix")) == "cached PerceiveError 2"


def test_the_directory_and_its_entries_are_the_users_alone(
    report: Callable[..., str], write: Write, tmp_path: Path
) -> None:
    write(SHOP)
    report()

    modes = {path.stat().st_mode & 0o777 for path in (tmp_path / "cache").iterdir()}
    assert ((tmp_path / "cache").stat().st_mode & 0o777, modes) == (0o700, {0o600})


@pytest.mark.parametrize("place", ["file", "missing/under/file", "no home", "full"])
def test_an_unusable_cache_directory_does_not_break_an_import(
    report: Callable[..., str], write: Write, tmp_path: Path, place: str
) -> None:
    write(SHOP)
    (tmp_path / "file").touch()
    variables = {
        "file": {"POET_CACHE_DIR": str(tmp_path / "file")},
        "missing/under/file": {"POET_CACHE_DIR": str(tmp_path / "file" / "cache")},
        "no home": {"POET_CACHE_DIR": "", "HOME": "", "XDG_CACHE_HOME": "relative"},
        "full": {"POET_CACHE_DIR": "/dev/full/cache"},
    }[place]

    assert report(**variables) == "rewritten PerceiveError 2"


@pytest.mark.skipif(not hasattr(os, "fork"), reason="file sizes are limited on POSIX only")
def test_a_full_disk_does_not_break_an_import_and_leaves_no_file(run_python: Run, write: Write, tmp_path: Path) -> None:
    write(SHOP)
    limit = """
import resource, signal
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
resource.setrlimit(resource.RLIMIT_FSIZE, (50, 50))
"""

    # Without site there is no measuring of coverage, whose own file would be cut.
    result = run_python("-S", "-c", limit + REPORT, PYTHONPYCACHEPREFIX=str(tmp_path / "elsewhere"))

    assert result.stdout.strip() == "rewritten PerceiveError 2"
    assert list((tmp_path / "cache").iterdir()) == []


@pytest.mark.parametrize("mode", [0o777, 0o770, 0o702], ids=oct)
def test_a_directory_that_others_can_write_to_is_refused_with_one_warning(tmp_path: Path, mode: int) -> None:
    tmp_path.chmod(mode)

    with pytest.warns(PoetWarning, match="chmod 700") as caught:
        directory = cache_directory(Settings(cache_dir=str(tmp_path)))

    assert (directory, len(caught)) == (None, 1)


@pytest.mark.skipif(not hasattr(os, "getuid") or os.getuid() != 0, reason="only root can give a directory away")
def test_a_directory_of_somebody_else_is_refused(tmp_path: Path) -> None:
    os.chown(tmp_path, 12345, 12345)

    with pytest.warns(PoetWarning, match="others can write"):
        assert cache_directory(Settings(cache_dir=str(tmp_path))) is None


def test_an_entry_cut_at_any_byte_is_a_miss(tmp_path: Path) -> None:
    cache = cached(tmp_path)
    cache.store("key", CachedModule(compile("x = 1", "shop.py", "exec"), {1: ("x",)}, ()))
    (entry,) = entries(tmp_path)
    whole = entry.read_bytes()

    for size in range(len(whole)):
        entry.write_bytes(whole[:size])
        assert cache.load("key", "shop.py") is None
    entry.write_bytes(whole)
    assert cache.load("key", "shop.py") is not None


def test_an_entry_with_any_byte_changed_is_a_miss(tmp_path: Path) -> None:
    cache = cached(tmp_path)
    cache.store("key", CachedModule(compile("x = 1", "shop.py", "exec"), {}, ()))
    (entry,) = entries(tmp_path)
    whole = entry.read_bytes()

    for place in range(len(whole)):
        entry.write_bytes(whole[:place] + bytes([whole[place] ^ 0x55]) + whole[place + 1 :])
        assert cache.load("key", "shop.py") is None


def test_an_entry_of_another_python_is_never_looked_at(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    ours = cached(tmp_path).key(b"source", ("base",))
    monkeypatch.setattr("poet_import.cache.bytecode.MAGIC_NUMBER", b"\0\0\r\n")

    assert cached(tmp_path).key(b"source", ("base",)) != ours


@pytest.mark.parametrize("content", [b"", b"garbled", b"poet-1" + b"\0" * 40], ids=["empty", "text", "no digest"])
def test_a_garbled_index_is_an_empty_one(
    report: Callable[..., str], write: Write, tmp_path: Path, content: bytes
) -> None:
    write(SHOP)
    report()
    (tmp_path / "cache" / "index").write_bytes(content)

    assert report().endswith("PerceiveError 2")
    assert report() == "cached PerceiveError 2"


def test_twelve_processes_that_start_cold_leave_one_whole_entry(
    run_python: Run, report: Callable[..., str], write: Write, tmp_path: Path
) -> None:
    write(SHOP)
    starter = (
        "import subprocess, sys\n"
        f"started = [subprocess.Popen([sys.executable, '-c', {REPORT!r}], stdout=-1, text=True) for _ in range(12)]\n"
        "print({process.communicate()[0].split(' ', 1)[1] for process in started})"
    )

    assert run_python(starter).stdout == "{'PerceiveError 2\\n'}\n"
    assert [path.name for path in (tmp_path / "cache").iterdir() if path.name.endswith(".tmp")] == []
    assert len(entries(tmp_path / "cache")) == 1
    assert report() == "cached PerceiveError 2"


@pytest.mark.skipif(os.name != "posix", reason="elsewhere a process cannot be asked whether it lives")
def test_what_a_killed_process_left_is_removed_by_the_next_write(tmp_path: Path) -> None:
    with subprocess.Popen([sys.executable, "-c", ""]) as ended:
        pass
    mine = os.getpid()
    left = [f".a.poetc.{ended.pid}.0a.tmp", f".index.{ended.pid}.0b.tmp", f".a.poetc.{mine}.0c.tmp"]  # that one is old
    kept = [f".index.{mine}.0d.tmp", ".b.poetc.unknown.0e.tmp", "mine.tmp"]
    for name in (*left, *kept):
        (tmp_path / name).touch()
    for name in (left[-1], kept[-1]):
        os.utime(tmp_path / name, (time.time() - 3600,) * 2)

    cached(tmp_path).remember("shop.py", ("base",))

    assert sorted(path.name for path in tmp_path.iterdir()) == sorted([*kept, "index"])


def test_a_temporary_file_that_cannot_be_removed_does_not_keep_the_others(tmp_path: Path) -> None:
    names = [f".{number}.poetc.{os.getpid()}.0a.tmp" for number in range(3)]
    for name in names:
        (tmp_path / name).touch()
    (tmp_path / names[1]).unlink()
    (tmp_path / names[1]).mkdir()
    for name in names:
        os.utime(tmp_path / name, (1, 1))

    cached(tmp_path).remember("shop.py", ("base",))

    assert sorted(path.name for path in tmp_path.iterdir()) == [names[1], "index"]


def test_a_change_of_settings_or_package_version_misses(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    keys = {cached(tmp_path).key(b"", ("base",))}
    keys.add(BytecodeCache(str(tmp_path), roots=(), settings="else").key(b"", ("base",)))
    keys.add(BytecodeCache(str(tmp_path), roots=("/templates",), settings="").key(b"", ("base",)))
    monkeypatch.setattr("poet_import._version.__version__", "999")
    keys.add(cached(tmp_path).key(b"", ("base",)))

    assert len(keys) == 4


def test_a_changed_template_misses_and_its_return_hits(
    report: Callable[..., str], write: Write, tmp_path: Path
) -> None:
    write(SHOP.replace("api_operations", "mine"))
    write("v1\n", "templates/mine/current")
    write("Text.", "templates/mine/v1/template.txt")
    metadata = {
        "schema": 1,
        "description": "Mine.",
        "language": "python",
        "extends": "base",
        "imports": [],
        "enhancements": [],
    }
    metadata |= {"defaults": {"retries": 1}, "checks": []}
    write(json.dumps(metadata), "templates/mine/v1/metadata.json")
    templates = {"POET_TEMPLATES": str(tmp_path / "templates")}

    assert report(**templates).startswith("rewritten")
    write(json.dumps(metadata | {"defaults": {"retries": 2}}), "templates/mine/v1/metadata.json")
    assert report(**templates).startswith("rewritten")
    write(json.dumps(metadata), "templates/mine/v1/metadata.json")
    assert report(**templates).startswith("cached")


def test_precompiled_bytecode_of_a_marked_module_is_not_trusted(
    report: Callable[..., str], write: Write, tmp_path: Path
) -> None:
    write(SHOP)
    mode = py_compile.PycInvalidationMode.UNCHECKED_HASH
    compileall.compile_dir(str(tmp_path), quiet=2, invalidation_mode=mode)

    assert report() == "rewritten PerceiveError 2"
    assert report() == "cached PerceiveError 2"


def test_a_crowded_index_starts_anew(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr("poet_import.cache.bytecode._MOST_KNOWN", 2)
    cache = cached(tmp_path)

    for name in ("a", "b", "c"):
        cache.remember(name, ("base",))

    assert not cached(tmp_path).known


def test_an_index_of_another_shape_is_an_empty_one(tmp_path: Path) -> None:
    cache = cached(tmp_path)
    cache._write("index", marshal.dumps([1, 2]))

    assert cached(tmp_path).known == {}


def test_an_entry_that_cannot_be_put_in_place_leaves_no_file(tmp_path: Path) -> None:
    (tmp_path / "key.poetc").mkdir()
    cache = cached(tmp_path)
    module = CachedModule(compile("x = 1", "shop.py", "exec"), {}, ())

    assert cache.store("key", module) is False
    assert [path.name for path in tmp_path.iterdir()] == ["key.poetc"]
    assert cache.load("key", "shop.py") is None


def test_a_directory_that_is_gone_is_a_miss(tmp_path: Path) -> None:
    cache = cached(tmp_path / "gone")

    assert cache.store("key", CachedModule(compile("x = 1", "shop.py", "exec"), {}, ())) is False
    assert cache.load("key", "shop.py") is None


def test_a_file_in_the_place_of_the_directory_is_refused(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(sys, "dont_write_bytecode", True)
    (tmp_path / "cache").touch()

    assert cache_directory(Settings(cache_dir=str(tmp_path / "cache"))) is None


def test_a_system_without_users_has_private_folders(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.delattr(os, "getuid")
    tmp_path.chmod(0o777)

    assert cache_directory(Settings(cache_dir=str(tmp_path))) == str(tmp_path)


@pytest.mark.parametrize("platform", ["linux", "darwin"])
def test_the_default_directory_is_the_users_own(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, platform: str) -> None:
    monkeypatch.setattr(sys, "platform", platform)
    monkeypatch.setattr(sys, "pycache_prefix", None)
    for variable in ("HOME", "XDG_CACHE_HOME"):
        monkeypatch.setenv(variable, str(tmp_path))

    directory = cache_directory(Settings())

    assert directory is not None
    assert Path(directory).is_relative_to(tmp_path)
    assert Path(directory).name == "poet_import"
