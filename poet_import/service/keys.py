"""API keys: who may do what, and how often. Only digests are kept, and compared in constant time.

A key is ``poet_<id>_<secret>``. The secret has 256 random bits, so one round of SHA-256 is digest enough: there is
nothing to guess that salting or stretching would slow down.
"""

from __future__ import annotations

import hashlib
import hmac
import json
import os
import re
import secrets
import stat
import tempfile
from collections.abc import Iterable, Mapping
from contextlib import suppress
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime

from poet_import.errors import PoetError

SCOPES = ("transpile", "templates:read", "templates:write", "metrics")
_KEY = re.compile(r"poet_([0-9a-f]{8})_([A-Za-z0-9_-]{43})")
_OTHERS = stat.S_IRWXO | stat.S_IWGRP


class KeysError(PoetError):
    """The file or variable of keys cannot be used; the message says why, and how to mend it."""


@dataclass(frozen=True, slots=True)
class Key:
    """What is kept of an API key."""

    id: str
    name: str
    digest: str  # SHA-256 of the whole key, hexadecimal
    scopes: tuple[str, ...]
    created: str  # ISO 8601, UTC
    rate: int | None = None  # requests a minute
    expires: str | None = None  # ISO 8601, UTC
    revoked: bool = False

    def is_valid(self, now: datetime) -> bool:
        """Tell whether it may be used at a time."""
        return not self.revoked and (self.expires is None or now < datetime.fromisoformat(self.expires))


def new_key(
    name: str, scopes: Iterable[str], *, rate: int | None = None, expires: datetime | None = None
) -> tuple[Key, str]:
    """Return what is to be kept of a new key, and the key itself, which nobody can tell later."""
    number = secrets.token_hex(4)
    text = f"poet_{number}_{secrets.token_urlsafe(32)}"
    created = datetime.now(UTC).isoformat(timespec="seconds")
    until = expires.astimezone(UTC).isoformat(timespec="seconds") if expires else None
    return Key(number, name, _digest(text), tuple(scopes), created, rate=rate, expires=until), text


class KeyRing:
    """The keys of a file, read anew whenever it changes, and those of a text."""

    def __init__(self, path: str | None, text: str | None = None) -> None:
        """Take where keys are.

        Args:
            path: Their file; it may be a mounted secret, which is replaced as a whole.
            text: Further ones, in the form of that file.

        Raises:
            KeysError: Something of it cannot be used.
        """
        self._path = path
        self._fixed = _parsed(text, "the variable of keys") if text else {}
        self._stamp: tuple[int, int, int] | None = None
        self._keys: Mapping[str, Key] = dict(self._fixed)
        self.refresh()

    def refresh(self) -> bool:
        """Read the file anew if it has changed, and tell whether it had.

        Raises:
            KeysError: It cannot be used; the keys that were read before still hold.
        """
        if self._path is None:
            return False
        stamp = _stamp(self._path)
        if stamp == self._stamp:
            return False
        self._keys = {**self._fixed, **read_keys(self._path)}
        self._stamp = stamp
        return True

    def find(self, text: str) -> Key | None:
        """Return the key that a text is, if it is one that may be used now."""
        match = _KEY.fullmatch(text)
        key = self._keys.get(match[1]) if match else None
        expected = key.digest if key else _NO_DIGEST  # compared all the same: how long it takes tells nothing
        is_same = hmac.compare_digest(_digest(text), expected)
        return key if key and is_same and key.is_valid(datetime.now(UTC)) else None


def read_keys(path: str) -> dict[str, Key]:
    """Return the keys of a file by their id.

    Raises:
        KeysError: It cannot be read, others may read or change it, or it is no file of keys.
    """
    try:
        with open(path, encoding="utf-8") as file:
            mode = os.fstat(file.fileno()).st_mode
            text = file.read()
    except (OSError, ValueError) as error:
        raise KeysError(f"{path}: cannot be read ({getattr(error, 'strerror', None) or error})") from error
    if os.name == "posix" and mode & _OTHERS:
        raise KeysError(f"{path}: others may read or change it; chmod 600 {path}")
    return _parsed(text, path)


def write_keys(path: str, keys: Iterable[Key]) -> None:
    """Write a file of keys, whole or not at all, that only its owner may read.

    Raises:
        KeysError: It cannot be written.
    """
    rows = [{name: value for name, value in asdict(key).items() if value not in (None, False)} for key in keys]
    folder = os.path.dirname(os.path.abspath(path))
    try:
        os.makedirs(folder, mode=0o700, exist_ok=True)
        descriptor, temporary = tempfile.mkstemp(prefix=".keys.", dir=folder)  # 0600
    except OSError as error:
        raise KeysError(f"{path}: cannot be written ({error.strerror})") from error
    try:
        with open(descriptor, "w", encoding="utf-8") as file:
            file.write(json.dumps({"keys": rows}, indent=2) + "\n")
            file.flush()
            os.fsync(file.fileno())
        os.replace(temporary, path)
    except OSError as error:
        with suppress(OSError):
            os.unlink(temporary)
        raise KeysError(f"{path}: cannot be written ({error.strerror})") from error


def revoked(keys: Mapping[str, Key], name: str) -> dict[str, Key]:
    """Return keys with those revoked that have a name or an id."""
    return {number: replace(key, revoked=True) if name in (number, key.name) else key for number, key in keys.items()}


def _parsed(text: str, place: str) -> dict[str, Key]:
    try:
        rows = json.loads(text)["keys"]
        keys = [Key(**{**row, "scopes": tuple(row["scopes"])}) for row in rows]
    except (ValueError, TypeError, KeyError, RecursionError) as error:
        raise KeysError(
            f"{place}: is no file of keys; make one with: poet keys create NAME --scope transpile"
        ) from error
    for key in keys:
        unknown = [scope for scope in key.scopes if scope not in SCOPES]
        if unknown or not _is_sound(key):
            reason = f"has the unknown scope {unknown[0]!r}; there are {', '.join(SCOPES)}" if unknown else "is damaged"
            raise KeysError(f"{place}: the key {key.name!r} {reason}")
    return {key.id: key for key in keys}


def _is_sound(key: Key) -> bool:
    try:
        is_dated = key.expires is None or datetime.fromisoformat(key.expires).tzinfo is not None
        return is_dated and len(key.digest) == len(_NO_DIGEST) and (key.rate is None or key.rate > 0)
    except (TypeError, ValueError):
        return False


def _stamp(path: str) -> tuple[int, int, int]:
    try:
        found = os.stat(path)
    except OSError as error:
        raise KeysError(f"{path}: cannot be read ({error.strerror})") from error
    return found.st_ino, found.st_mtime_ns, found.st_size


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()


_NO_DIGEST = "0" * 64
