"""A module of the package imports from lower rows only, as ``docs/architecture.md`` draws them."""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

from poet_import.source.compiling import parse  # a test before this one may have left a thread that parses

PACKAGE = Path(__file__).parent.parent / "poet_import"
ROWS = {
    "_version": 0,
    "errors": 0,
    "model": 0,
    "runtime": 0,
    "cache": 1,
    "events": 1,
    "settings": 1,
    "source": 1,
    "templates": 1,
    "validation": 1,
    "dana": 2,
    "generators": 2,
    "transpiler": 3,
    "cli": 4,
    "hook": 4,
    "marker": 4,
    "service": 4,
    "__init__": 5,
    "__main__": 5,
}
# Of one row, and never back: no circle can come of them.
NEIGHBOURS = {
    ("cache", "settings"),
    ("cache", "source"),
    ("events", "cache"),
    ("events", "settings"),
    ("templates", "cache"),
    ("templates", "source"),
    ("validation", "source"),
}
FILES = sorted(PACKAGE.rglob("*.py"))


def room_of(path: Path) -> str:
    return path.relative_to(PACKAGE).parts[0].removesuffix(".py")


def imported_rooms(path: Path) -> Iterator[tuple[int, str]]:
    """Yield line and room of each import from the package, those inside functions too."""
    for node in ast.walk(parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.ImportFrom):
            base = (node.module or "").split(".")
            names = [alias.name for alias in node.names] if base == ["poet_import"] else [".".join(base[1:2])]
            yield from ((node.lineno, _room(name)) for name in names if base[0] == "poet_import")
        elif isinstance(node, ast.Import):
            dotted = [alias.name.split(".") for alias in node.names]
            yield from ((node.lineno, _room(".".join(name[1:2]))) for name in dotted if name[0] == "poet_import")


def _room(name: str) -> str:
    """Return a room's name; any other name of the package is its public API's."""
    return name if name in ROWS else "__init__"


def may_import(room: str, other: str) -> bool:
    if room == "cli":
        return other != "__main__"  # a command may start any room
    if room == "runtime":
        return other in ("errors", "runtime")  # woven code pays for what it imports
    return room == other or ROWS[other] < ROWS[room] or (room, other) in NEIGHBOURS


def test_every_room_has_a_row() -> None:
    assert {room_of(path) for path in FILES} == set(ROWS)


@pytest.mark.parametrize("path", [pytest.param(path, id=path.relative_to(PACKAGE).as_posix()) for path in FILES])
def test_module_imports_from_lower_rows_only(path: Path) -> None:
    room = room_of(path)
    imports = imported_rooms(path)

    wrong = [f"line {line}: {room} imports {other}" for line, other in imports if not may_import(room, other)]
    assert wrong == []


def test_cli_aside_nobody_imports_the_commands() -> None:
    importers = {room_of(path) for path in FILES if "cli" in {room for _, room in imported_rooms(path)}}

    assert importers <= {"cli", "__main__"}


def test_the_http_library_is_known_in_one_room_only() -> None:
    importers = {path.parent for path in FILES if "import httpx" in path.read_text(encoding="utf-8")}

    assert importers == {PACKAGE / "generators" / "wire"}


IN_THE_JAIL = "validation/trials/driver.py"  # whose process has one thread


@pytest.mark.parametrize("path", [pytest.param(path, id=path.relative_to(PACKAGE).as_posix()) for path in FILES])
def test_one_module_alone_parses_and_compiles(path: Path) -> None:
    """On Python 3.11 two threads that parse at once may get a false SystemError, so there is one lock, in one place."""
    if path.relative_to(PACKAGE).as_posix() in ("source/compiling.py", IN_THE_JAIL):
        return
    calls = (node.func for node in ast.walk(parse(path.read_text(encoding="utf-8"))) if isinstance(node, ast.Call))

    assert [ast.unparse(call) for call in calls if ast.unparse(call) in ("ast.parse", "compile")] == []
