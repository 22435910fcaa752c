"""The bytecode of woven modules, one file each, under a digest of everything that can change it.

On the warm path: nothing is imported that an interpreter has not loaded by then. Any error of any step is a miss.
"""

import marshal
import os
import sys
from _frozen_importlib_external import MAGIC_NUMBER  # importlib.util's; that imports contextlib, typing and more
from _imp import _fix_co_filename, source_hash  # type: ignore[attr-defined]  # importlib's own means for cached code
from time import time

TYPE_CHECKING = False  # typing's is the same to a type checker, and costs an import
if TYPE_CHECKING:
    from collections.abc import Iterable
    from hashlib import blake2b
    from types import CodeType

    from poet_import.cache.stamps import Beside, Stamps

_FORMAT = b"poet-7"
_SUFFIX = ".poetc"
_INDEX = "index"
_DIGEST_SIZE = 16
_SEAL_KEY = 0x706F6574  # any number: the seal tells damage, not malice
_SEAL_SIZE = 8
_FIRST_READ = 1 << 16  # bytes: most files in one call
_LONGEST_WRITE = 60  # seconds
_READ = os.O_RDONLY | getattr(os, "O_BINARY", 0) | getattr(os, "O_CLOEXEC", 0)
_MOST_KNOWN = 20_000  # paths in the index; past that it starts anew


class CachedModule:
    """What the cache holds of one module."""

    __slots__ = ("code", "generated", "needs", "rows", "shadows", "stamps")

    def __init__(
        self,
        code: "CodeType",
        rows: bytes,
        needs: "tuple[str, ...]",
        *,
        generated: "tuple[str, ...]" = (),
        stamps: "Stamps | None" = None,
        shadows: "tuple[tuple[str, bytes], ...]" = (),
    ) -> None:
        self.code = code
        self.rows = rows  # packed, and by file: the marker rarely looks at them
        self.needs = needs  # names of the runtime to load before the module runs
        self.generated = generated  # the files of bodies from elsewhere
        self.stamps = stamps  # of what was frozen beside the module
        self.shadows = shadows  # the files of functions that have one, with what runs beside them


class BytecodeCache:
    """Woven modules in a directory, or nowhere if there is none.

    Attributes:
        known: For each path that held a marked module once, the domains that had a part in it. A hint, never a truth.
        plain: For each path that only looked marked, the digest of its source.
    """

    def __init__(
        self,
        directory: "str | None",
        *,
        roots: "Iterable[str]",
        settings: str,
        prompts: bool = False,
        writes: bool = True,
    ) -> None:
        """Open the cache.

        Args:
            directory: Where it is, or None for nowhere.
            roots: The folders that hold domains.
            settings: A text that tells the settings from others that weave other code.
            prompts: Whether what templates tell a model has a part in the code.
            writes: Whether anything may be written there; in mode ``frozen`` nothing is.
        """
        self.directory = directory
        self._writes = writes and not sys.dont_write_bytecode
        self._is_fixed = not writes  # so nobody edits what is frozen, either
        self._prompts = prompts
        self._roots = tuple(roots)
        self._settings = settings
        self._begun: dict[tuple[str, ...], blake2b] = {}
        self.known: dict[str, tuple[str, ...]] = {}
        self.plain: dict[str, str] = {}
        self._has_swept = False
        self._read_index()

    def key(self, source: bytes, lineage: "tuple[str, ...]", *, place: str = "") -> str:
        """Return the name of an entry: a digest of the source, keyed with all else that decides what is woven.

        Args:
            source: The module's bytes.
            lineage: The domains that have a part in it.
            place: The module's path, if anything is frozen in its folder: the same source has other bodies elsewhere.

        Where Dana is loaded, other lines are woven in.
        """
        begun = self._begun.get(lineage)
        if begun is None:
            begun = self._begun[lineage] = self._begin(lineage)
        digest = begun.copy()
        digest.update(source)
        if "dana" in sys.modules:
            digest.update(b"\0dana")
        if place:
            digest.update(b"\0" + place.encode("utf-8", "surrogatepass"))
        return digest.hexdigest()

    def _begin(self, lineage: "tuple[str, ...]") -> "blake2b":
        """Return a digest that has taken in its key."""
        from _blake2 import blake2b  # hashlib loads OpenSSL; and neither is needed before the first marked module

        from poet_import._version import __version__
        from poet_import.cache.template_digest import template_digest

        templates = template_digest(self._roots, lineage, prompts=self._prompts)
        facts = (__version__, self._settings, MAGIC_NUMBER.hex(), str(sys.flags.optimize), *self._roots, templates)
        salt = blake2b("\0".join(facts).encode("utf-8", "surrogatepass"), digest_size=_DIGEST_SIZE).digest()
        return blake2b(digest_size=_DIGEST_SIZE, key=salt)

    def load(self, key: str, path: str, *, beside: "Beside | None" = None) -> "CachedModule | None":
        """Return a module, or None if it is absent, stale or damaged.

        A damaged entry is left in place: another process may be about to replace it.
        """
        if self.directory is None:
            return None
        try:
            content = read_file(os.path.join(self.directory, key + _SUFFIX))
            code, rows, needs, generated, stamps, shadows = marshal.loads(_unsealed(content))
        except (OSError, ValueError, EOFError, TypeError):
            return None
        if beside and not beside.holds(stamps, folders_only=self._is_fixed):
            return None
        _fix_co_filename(code, path)
        return CachedModule(code, rows, needs, generated=generated, stamps=stamps, shadows=shadows)

    def store(self, key: str, module: CachedModule) -> bool:
        """Keep a module and return whether it could be kept; nothing is written where Python writes no bytecode."""
        parts = (module.code, module.rows, module.needs, module.generated, module.stamps, module.shadows)
        return self._write(key + _SUFFIX, marshal.dumps(parts))

    def remember(self, path: str, lineage: "tuple[str, ...]") -> None:
        """Note that a path holds a marked module."""
        if self.known.get(path) != lineage:
            self._read_index()
            self.plain.pop(path, None)
            self.known[path] = lineage
            self._write_index()

    def remember_plain(self, path: str, source: bytes) -> None:
        """Note that a source only looks marked."""
        self._read_index()
        self.known.pop(path, None)
        self.plain[path] = _plain_digest(source)
        self._write_index()

    def is_plain(self, path: str, source: bytes) -> bool:
        """Tell whether a source is known only to look marked."""
        return self.plain.get(path) == _plain_digest(source)

    def _read_index(self) -> None:
        """Add what other processes have noted."""
        if self.directory is None:
            return
        try:
            known, plain = marshal.loads(_unsealed(read_file(os.path.join(self.directory, _INDEX))))
            self.known |= known
            self.plain |= plain
        except (OSError, ValueError, EOFError, TypeError):
            return

    def _write_index(self) -> None:
        if len(self.known) + len(self.plain) > _MOST_KNOWN:
            self.known.clear()
            self.plain.clear()
        self._write(_INDEX, marshal.dumps((self.known, self.plain)))

    def _write(self, name: str, payload: bytes) -> bool:
        """Write a file whole or not at all."""
        if self.directory is None or not self._writes:
            return False
        if not self._has_swept:
            self._has_swept = True
            _sweep(self.directory)
        temporary = os.path.join(self.directory, f".{name}.{os.getpid()}.{os.urandom(4).hex()}.tmp")
        try:
            descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
            try:
                with open(descriptor, "wb") as file:
                    file.write(_sealed(payload))
                os.replace(temporary, os.path.join(self.directory, name))
            except OSError:
                os.unlink(temporary)
                return False
        except OSError:  # the directory is gone, full or not ours to write to
            return False
        return True


def read_file(path: str) -> bytes:
    """Return what a file holds; a file object for it would cost five times as much.

    Raises:
        OSError: It cannot be read.
    """
    descriptor = os.open(path, _READ)
    try:
        content = os.read(descriptor, _FIRST_READ)
        if len(content) == _FIRST_READ:
            parts = [content]
            while parts[-1]:
                parts.append(os.read(descriptor, _FIRST_READ))
            content = b"".join(parts)
    finally:
        os.close(descriptor)
    return content


def _sweep(directory: str) -> None:
    """Remove temporary files that killed processes have left."""
    try:
        with os.scandir(directory) as found:
            left = [entry for entry in found if _is_temporary(entry.name)]
    except OSError:
        return
    for entry in left:
        try:
            if not _is_alive(entry.name.split(".")[-3]) or time() - entry.stat().st_mtime > _LONGEST_WRITE:
                os.unlink(entry)
        except OSError:  # another process sweeps too
            continue


def _is_temporary(name: str) -> bool:
    """Tell whether a file is one that was being written: the folder may hold others, too."""
    parts = name.split(".")
    return parts[-1] == "tmp" and parts[0] == "" and parts[-4:-3] in ([_INDEX], [_SUFFIX[1:]])


def _is_alive(process: str) -> bool:
    """Tell whether the process of an id may still be writing.

    One in another container is taken for dead; it then finds its file gone, and keeps nothing this time.
    """
    if os.name != "posix":  # there the question would end it
        return True
    try:
        os.kill(int(process), 0)
    except ProcessLookupError:
        return False
    except (OSError, ValueError, OverflowError):  # somebody else's, or no id at all
        return True
    return True


def _plain_digest(source: bytes) -> str:
    from _blake2 import blake2b  # as for keys

    return blake2b(source, digest_size=_DIGEST_SIZE).hexdigest()


def _sealed(payload: bytes) -> bytes:
    return _FORMAT + source_hash(_SEAL_KEY, payload) + payload


def _unsealed(content: bytes) -> bytes:
    """Return what was written.

    Raises:
        ValueError: The file is cut, garbled or of another version.
    """
    start = len(_FORMAT) + _SEAL_SIZE
    payload = content[start:]
    if content[:start] != _FORMAT + source_hash(_SEAL_KEY, payload):
        raise ValueError("not a whole entry")
    return payload
