"""Implementations beside the user's code, under their own version control: ``.poet`` in the folder of a module.

::

    .poet/shop.Basket.price/v1/{code.py, metadata.json}
    .poet/shop.Basket.price/current     holds v1
    .poet/shop.Basket.price=v1          empty: its mark

One folder a function, and no file that two functions share: branches that freeze different functions merge. A mark says
in its name what the pointers hold, so whatever moves a pointer changes the folder of all: one look at that tells a warm
import that nothing has changed. The pointers are what counts; a mark that is missing only costs the import more looks.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import tempfile
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from hashlib import blake2b
from typing import Final

from poet_import.errors import TranspileError

FOLDER: Final = ".poet"
CODE: Final = "code.py"
METADATA: Final = "metadata.json"
CURRENT: Final = "current"
SHADOW: Final = "shadow"
MARK: Final = "="
"""Ends the place in the name of its mark."""
_VERSION: Final = re.compile(r"v[1-9][0-9]{0,8}")
_TEMPORARY: Final = ".new-"  # begins the folder of a version that is being written


@dataclass(frozen=True, slots=True)
class Frozen:
    """One version of a frozen implementation, as it was read."""

    version: str
    text: str
    record: Mapping[str, object]
    path: str  # of its text

    @property
    def source_digest(self) -> str:
        """Return the digest of the function that it was written for."""
        return str(self.record.get("source_digest", ""))

    @property
    def is_edited(self) -> bool:
        """Tell whether its text is another than the one that was accepted."""
        return self.record.get("code_digest") != digest_of(self.text)


class FrozenStore:
    """The frozen implementations of the functions of one module.

    Functions go by their *place*: the file's name without its ending, a dot, and the qualified name without
    ``<locals>``; of several with one qualified name (a property's accessors), the second has ``@2`` behind it.
    """

    def __init__(self, module_path: str) -> None:
        self.folder = os.path.join(os.path.dirname(os.path.abspath(module_path)), FOLDER)
        self._prefix = os.path.splitext(os.path.basename(module_path))[0] + "."

    def place(self, qualname: str) -> str:
        """Return the name of a function's folder."""
        return self._prefix + qualname.replace("<locals>.", "")

    def name(self, place: str) -> str:
        """Return the name of the function that a place belongs to."""
        return place.removeprefix(self._prefix)

    def places(self, qualnames: Iterable[str]) -> list[str]:
        """Return the names of the folders of a module's functions, given in the order of the source."""
        seen: Counter[str] = Counter()
        found = []
        for name in map(self.place, qualnames):
            seen[name] += 1
            found.append(name if seen[name] == 1 else f"{name}@{seen[name]}")
        return found

    def known(self) -> list[str]:
        """Return the places of this module that hold anything, sorted, those of functions that are gone included."""
        with suppress(OSError), os.scandir(self.folder) as found:
            return sorted(entry.name for entry in found if entry.name.startswith(self._prefix) and entry.is_dir())
        return []

    def versions(self, place: str) -> list[str]:
        """Return the versions of a place, oldest first."""
        with suppress(OSError), os.scandir(os.path.join(self.folder, place)) as found:
            names = [entry.name for entry in found if _VERSION.fullmatch(entry.name)]
            return sorted(names, key=lambda name: int(name[1:]))
        return []

    def pointed(self, place: str, pointer: str = CURRENT) -> str | None:
        """Return the version that a pointer of a place names, or None where it has no such pointer.

        Raises:
            TranspileError: It names no version.
        """
        path = os.path.join(self.folder, place, pointer)
        try:
            with open(path, encoding="utf-8") as file:
                version = file.read().strip()
        except FileNotFoundError:
            return None
        except (OSError, ValueError) as error:
            raise TranspileError(f"cannot be read ({_reason(error)})", filename=path) from error
        if not _VERSION.fullmatch(version):
            raise TranspileError(f"names {version[:40]!r}, which is no version, as v1", filename=path)
        return version

    def find(self, place: str, pointer: str = CURRENT) -> Frozen | None:
        """Return the version that a pointer names, or None where nothing is frozen.

        Raises:
            TranspileError: Something is frozen that cannot be read.
        """
        version = self.pointed(place, pointer)
        return None if version is None else self.read(place, version)

    def read(self, place: str, version: str) -> Frozen:
        """Return one version.

        Raises:
            TranspileError: It is not there, or cannot be read.
        """
        folder = os.path.join(self.folder, place, version)
        path = os.path.join(folder, CODE)
        text, record = _text(path), _record(os.path.join(folder, METADATA))
        return Frozen(version, text, record, path)

    def holds(self, place: str, version: str, *, text: str, source_digest: str) -> bool:
        """Tell whether a version is this text, for this function."""
        try:
            found = self.read(place, version)
        except TranspileError:
            return False
        return (found.text, found.source_digest) == (text, source_digest)

    def add(self, place: str, text: str, record: Mapping[str, object], *, pointer: str = CURRENT) -> str:
        """Write the next version of a place, point to it, and return its name.

        A version is there whole or not at all, and no version is ever written over.

        Raises:
            OSError: It cannot be written.
        """
        folder = os.path.join(self.folder, place)
        os.makedirs(folder, exist_ok=True)
        temporary = tempfile.mkdtemp(prefix=_TEMPORARY, dir=folder)
        try:
            os.chmod(temporary, 0o755)  # noqa: S103  # mkdtemp's is for its user alone, and this is source code
            _write(os.path.join(temporary, CODE), text)
            complete = {**record, "code_digest": digest_of(text)}
            _write(os.path.join(temporary, METADATA), json.dumps(complete, indent=2, sort_keys=True) + "\n")
            version = self._settle(place, temporary)
        except BaseException:  # whatever stops it, nothing half-written stays
            shutil.rmtree(temporary, ignore_errors=True)
            raise
        self.point(place, version, pointer)
        return version

    def note(self, place: str, version: str, step: Mapping[str, object]) -> None:
        """Add to the record of a version what became of it.

        Raises:
            OSError: It cannot be written.
            TranspileError: The record cannot be read.
        """
        path = os.path.join(self.folder, place, version, METADATA)
        record = _record(path)
        noted = {**record, "steps": [*steps_of(record), step]}
        temporary = f"{path}.{os.getpid()}.tmp"
        _write(temporary, json.dumps(noted, indent=2, sort_keys=True) + "\n")
        os.replace(temporary, path)

    def _settle(self, place: str, temporary: str) -> str:
        """Give a version that is written its name, the next one that is free."""
        while True:
            versions = self.versions(place)
            version = f"v{int(versions[-1][1:]) + 1 if versions else 1}"
            try:
                os.rename(temporary, os.path.join(self.folder, place, version))
            except OSError:
                if version not in self.versions(place):
                    raise
                continue  # another process was faster
            return version

    def point(self, place: str, version: str, pointer: str = CURRENT) -> None:
        """Let a pointer of a place name a version.

        Raises:
            OSError: It cannot be written.
        """
        path = os.path.join(self.folder, place, pointer)
        temporary = f"{path}.{os.getpid()}.tmp"
        with self._marked_anew(place):
            _write(temporary, f"{version}\n")
            os.replace(temporary, path)

    def unpoint(self, place: str, pointer: str) -> None:
        """Remove a pointer of a place, if it has it.

        Raises:
            OSError: It cannot be removed.
        """
        with self._marked_anew(place), suppress(FileNotFoundError):
            os.unlink(os.path.join(self.folder, place, pointer))

    def remove(self, place: str, version: str | None = None) -> None:
        """Remove a version, or a whole place.

        Raises:
            OSError: It cannot be removed.
        """
        if version is not None:
            shutil.rmtree(os.path.join(self.folder, place, version))
            return
        with self._marked_anew(place), suppress(FileNotFoundError):  # its mark may be all that is left
            shutil.rmtree(os.path.join(self.folder, place))

    def mark(self, place: str) -> str | None:
        """Return the name of the mark that tells what the pointers of a place name; None where they name nothing."""
        told = []
        for pointer in (CURRENT, SHADOW):
            try:
                told.append(self.pointed(place, pointer))
            except TranspileError:  # a broken pointer is no pointer
                told.append(None)
        current, shadow = told
        return f"{place}={current or ''}{f'~{shadow}' if shadow else ''}" if current or shadow else None

    def marks(self) -> dict[str, list[str]]:
        """Return the marks of each place of this module that has any."""
        found: dict[str, list[str]] = {}
        with suppress(OSError):
            for name in os.listdir(self.folder):  # names are what is asked for
                place, is_mark, _ = name.partition(MARK)
                if is_mark and place.startswith(self._prefix):
                    found.setdefault(place, []).append(name)
        return found

    @property
    def is_marked(self) -> bool:
        """Tell whether every place of this module has the one mark that its pointers ask for."""
        found = self.marks()
        return all(found.get(place, [None]) == [self.mark(place)] for place in self.known())

    def names(self) -> list[str]:
        """Return what in the folder tells whether what is frozen of this module has changed."""
        found = []
        for place in self.known():
            found += [place, os.path.join(place, CURRENT)]
            with suppress(TranspileError):  # a broken pointer is no pointer; mending it shows
                version = self.pointed(place) or ""
                found += [os.path.join(place, version, name) for name in (CODE, METADATA)]
        return found

    @contextmanager
    def _marked_anew(self, place: str) -> Iterator[None]:
        """Take the mark of a place away while its pointers change: whenever that is cut short, no mark is wrong."""
        for name in self.marks().get(place, ()):
            with suppress(FileNotFoundError):
                os.unlink(os.path.join(self.folder, name))
        yield
        if mark := self.mark(place):
            _write(os.path.join(self.folder, mark), "")

    def sweep(self, place: str) -> None:
        """Remove what a killed writer has left."""
        with suppress(OSError), os.scandir(os.path.join(self.folder, place)) as found:
            for entry in found:
                if entry.name.startswith(_TEMPORARY):
                    shutil.rmtree(entry.path, ignore_errors=True)
                elif entry.name.endswith(".tmp"):
                    os.unlink(entry.path)


def steps_of(record: Mapping[str, object]) -> list[Mapping[str, object]]:
    """Return what became of a version, oldest first, as `FrozenStore.note` has written it down."""
    steps = record.get("steps")
    return [step for step in steps if isinstance(step, dict)] if isinstance(steps, list) else []


def digest_of(text: str) -> str:
    """Return the digest of a text, whatever line ends a checkout has given it."""
    return blake2b(text.replace("\r\n", "\n").encode("utf-8", "surrogatepass"), digest_size=16).hexdigest()


def _text(path: str) -> str:
    try:
        with open(path, encoding="utf-8", newline="") as file:
            return file.read().replace("\r\n", "\n")
    except (OSError, ValueError) as error:
        raise TranspileError(f"cannot be read ({_reason(error)})", filename=path) from error


def _record(path: str) -> dict[str, object]:
    try:
        found = json.loads(_text(path))
    except (ValueError, RecursionError) as error:
        raise TranspileError(f"is no JSON ({error})", filename=path) from error
    if not isinstance(found, dict):
        raise TranspileError(f"expected an object, found {type(found).__name__}", filename=path)
    return found


def _reason(error: Exception) -> str:
    return getattr(error, "strerror", None) or str(error)


def _write(path: str, text: str) -> None:
    with open(path, "w", encoding="utf-8", newline="") as file:
        file.write(text)
