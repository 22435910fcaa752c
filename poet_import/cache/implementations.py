"""Accepted implementations, one folder each, under a digest of everything that decides what is asked and accepted.

The place of the user's file has no part in it, so another project with the same function finds what this one paid for.
Unlike bytecode they are kept under ``PYTHONDONTWRITEBYTECODE`` too: a model was asked for them.
"""

from __future__ import annotations

import json
import os
import tempfile
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass
from hashlib import blake2b
from time import time
from typing import Final

from poet_import.cache.shared import SharedStore
from poet_import.model import Language, Original, PoetOptions, Template, Usage
from poet_import.source.normal import interfaces, normalized

GATE_VERSION: Final = 1  # raised when the gates change what they accept
_FORMAT: Final = 1
_FOLDER: Final = "implementations"
_CODE: Final[Mapping[str, str]] = {"python": "code.py", "dana": "code.na"}
_RECORD: Final = "record.json"
_FAILED: Final = ".failed"
_ANSWERED: Final = ".answers"
_SHARED_SECONDS: Final = 30 * 86_400.0
_LONGEST_FAILURE: Final = 3600.0  # seconds; a later end comes from a clock that was wrong


@dataclass(frozen=True, slots=True)
class Stored:
    """What is kept of an accepted implementation."""

    text: str
    record: Mapping[str, object]


class ImplementationCache:
    """Implementations below a directory, or nowhere if there is none. Any error of any step is a miss.

    With a shared store, what is kept is kept there too, for other machines to `fetch`.
    """

    def __init__(self, directory: str | None, shared: SharedStore | None = None) -> None:
        self._shared = shared
        self._directory = None if directory is None else os.path.join(directory, _FOLDER)

    def key(
        self,
        original: Original,
        options: PoetOptions,
        *,
        template: Template,
        generator: str,
        further: Sequence[str] = (),
    ) -> str:
        """Return the name of the entry for a function: a digest of all that decides what is asked and accepted."""
        chosen = {name: value for name, value in asdict(options).items() if value is not None}
        facts: dict[str, object] = {
            "format": _FORMAT,
            "gates": GATE_VERSION,
            "language": original.language,
            "qualname": original.qualname,
            "function": normalized(original),
            "interfaces": interfaces(original),
            "options": chosen,
            "template": [template.domain, template.version, template.digest, template.prompt_digest],
            "generator": generator,
            **({"further": list(further)} if further else {}),
        }
        if original.surroundings:
            facts["surroundings"] = original.surroundings
        text = json.dumps(facts, sort_keys=True, default=repr)
        return blake2b(text.encode("utf-8", "surrogatepass"), digest_size=16).hexdigest()

    def path_of(self, key: str, language: Language = "python") -> str | None:
        """Return where the text of an entry is or would be."""
        return None if self._directory is None else os.path.join(self._directory, key, _CODE[language])

    def load(self, key: str) -> Stored | None:
        """Return an entry, or None if it is absent or damaged.

        A damaged entry is left in place: another process may be about to replace it.
        """
        record = self._read_json(os.path.join(key, _RECORD))
        text = None if record is None else self._read(os.path.join(key, _CODE[_language_of(record)]))
        if record is None or text is None or record.get("code_digest") != _digest(text):
            return None
        return Stored(text, record)

    def fetch(self, key: str) -> Stored | None:
        """Return an entry of the shared store. Others can write there: it is to be judged like an answer."""
        found = _parsed(self._shared.get(_shared_name(key))) if self._shared else None
        text, record = (found or {}).get("code"), (found or {}).get("record")
        return Stored(text, record) if isinstance(text, str) and isinstance(record, dict) else None

    def store(self, key: str, text: str, record: Mapping[str, object]) -> str | None:
        """Keep an accepted text and return its path, or None where it cannot be kept here."""
        if self._shared:
            entry = json.dumps({"code": text, "record": record})
            self._shared.put(_shared_name(key), entry, seconds=_SHARED_SECONDS)
            self._shared.remove(_shared_name(f"{key}{_FAILED}"))
        return self.keep(key, text, record)

    def keep(self, key: str, text: str, record: Mapping[str, object]) -> str | None:
        """Keep an accepted text on this machine alone, and return its path, or None where it cannot be kept.

        The record is written last: an entry without it is none.
        """
        complete = {**record, "code_digest": _digest(text)}
        language = _language_of(record)
        is_kept = self._write(os.path.join(key, _CODE[language]), text) and self._write(
            os.path.join(key, _RECORD), json.dumps(complete, indent=2, sort_keys=True) + "\n"
        )
        if not is_kept:
            return None
        self._remove(f"{key}{_FAILED}")
        self.forget_answers(key)
        return self.path_of(key, language)

    def keys(self) -> list[str]:
        """Return the names of all entries, sorted."""
        if self._directory is None:
            return []
        with suppress(OSError), os.scandir(self._directory) as found:
            return sorted(entry.name for entry in found if entry.is_dir(follow_symlinks=False))
        return []

    def size(self) -> int:
        """Return how many bytes the entries take."""
        names = (*_CODE.values(), _RECORD)
        paths = [os.path.join(self._directory or "", key, name) for key in self.keys() for name in names]
        return sum(os.path.getsize(path) for path in paths if os.path.isfile(path))

    def clear(self) -> int:
        """Remove all entries and what is remembered of failures, and return how many entries there were."""
        keys = self.keys()
        for key in keys:
            for name in (_RECORD, *_CODE.values()):  # the record first: an entry without it is none
                self._remove(os.path.join(key, name))
            with suppress(OSError):  # not empty: something there is not ours
                os.rmdir(os.path.join(self._directory or "", key))
        if self._directory is not None:
            with suppress(OSError), os.scandir(self._directory) as found:
                for entry in found:
                    if entry.name.endswith((_FAILED, _ANSWERED)):
                        self._remove(entry.name)
        return len(keys)

    def _remove(self, name: str) -> None:
        if self._directory is not None:
            with suppress(OSError):
                os.unlink(os.path.join(self._directory, name))

    def remember_failure(self, key: str, reason: str, seconds: float) -> None:
        """Note why a function got no implementation, for some seconds."""
        note = json.dumps({"reason": reason, "until": time() + seconds})
        self._write(f"{key}{_FAILED}", note)
        if self._shared:
            self._shared.put(_shared_name(f"{key}{_FAILED}"), note, seconds=seconds)

    def failure(self, key: str) -> str | None:
        """Return why a function lately got no implementation, or None where it may be asked for."""
        reason = _reason(self._read_json(f"{key}{_FAILED}"))
        if reason is None and self._shared:
            return _reason(_parsed(self._shared.get(_shared_name(f"{key}{_FAILED}"))))
        return reason

    def remember_answer(self, key: str, text: str, usage: Usage) -> None:
        """Keep an answer until its verdict: whoever is stopped before that need not ask again."""
        answers = [*self.answers(key), (text, usage)]
        rows = [{"text": one, "usage": asdict(cost)} for one, cost in answers]
        self._write(f"{key}{_ANSWERED}", json.dumps({"answers": rows}))

    def answers(self, key: str) -> list[tuple[str, Usage]]:
        """Return the answers that are kept for a function, oldest first; a damaged note holds none."""
        rows = (self._read_json(f"{key}{_ANSWERED}") or {}).get("answers")
        try:
            return [(str(row["text"]), Usage(**row["usage"])) for row in rows] if isinstance(rows, list) else []
        except (TypeError, KeyError):
            return []

    def forget_answers(self, key: str) -> None:
        """Drop the answers that are kept for a function."""
        self._remove(f"{key}{_ANSWERED}")

    def _read_json(self, name: str) -> dict[str, object] | None:
        return _parsed(self._read(name))

    def _read(self, name: str) -> str | None:
        if self._directory is None:
            return None
        try:
            with open(os.path.join(self._directory, name), encoding="utf-8", newline="") as file:
                return file.read()
        except (OSError, ValueError):
            return None

    def _write(self, name: str, text: str) -> bool:
        """Write a file whole or not at all."""
        if self._directory is None:
            return False
        path = os.path.join(self._directory, name)
        try:
            os.makedirs(os.path.dirname(path), mode=0o700, exist_ok=True)
            descriptor, temporary = tempfile.mkstemp(prefix=".", suffix=".tmp", dir=os.path.dirname(path))
            try:
                with open(descriptor, "w", encoding="utf-8", newline="") as file:
                    file.write(text)
                os.replace(temporary, path)
            except (OSError, ValueError):
                os.unlink(temporary)
                return False
        except OSError:  # the directory is gone, full or not ours to write to
            return False
        return True


def _parsed(text: str | None) -> dict[str, object] | None:
    try:
        found = json.loads(text) if text else None
    except (ValueError, RecursionError):
        return None
    return found if isinstance(found, dict) else None


def _language_of(record: Mapping[str, object]) -> Language:
    return "dana" if record.get("language") == "dana" else "python"


def _reason(note: Mapping[str, object] | None) -> str | None:
    """Return the reason that a note of a failure gives, while it holds."""
    reason, until = (note or {}).get("reason"), (note or {}).get("until")
    if not isinstance(reason, str) or not isinstance(until, int | float):
        return None
    return reason if 0 < until - time() <= _LONGEST_FAILURE else None


def _shared_name(name: str) -> str:
    return f"{_FOLDER}:{name}"


def _digest(text: str) -> str:
    return blake2b(text.encode("utf-8", "surrogatepass"), digest_size=16).hexdigest()
