"""The versions of one domain: which there are, the next one, and which is current."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Final

from poet_import.cache.template_digest import current_version
from poet_import.model import Language

_VERSION: Final = re.compile(r"v[1-9][0-9]*")
_FRAMES: Final[Mapping[Language, str]] = {"python": "base", "dana": "dana"}
_METADATA: Final = {
    "schema": 1,
    "description": "Functions of a kind that this line should name.",
    "defaults": {},
    "checks": [],
    "imports": [],
    "enhancements": [],
}
_PROMPT: Final = """\
{{% extends "{frame}/template.txt" %}}
{{% block role %}}
You maintain one {language} function of a kind that this line should name.
{{% endblock %}}
{{% block guidance %}}
# What a good one does

Say here what an expert would look for.
{{% endblock %}}
"""


def versions_of(folder: Path) -> list[str]:
    """Return the names of a domain's versions, oldest first."""
    with suppress(OSError):
        names = [entry.name for entry in folder.iterdir() if _VERSION.fullmatch(entry.name)]
        return sorted(names, key=lambda name: int(name[1:]))
    return []


def current_of(folder: Path) -> str | None:
    """Return the version that a domain's ``current`` names, or None where it names none."""
    with suppress(OSError, ValueError):
        return current_version(str(folder))
    return None


def language_of(folder: Path) -> str | None:
    """Return the language that a domain's current version is written for, or None where that cannot be read."""
    with suppress(OSError, ValueError):
        metadata = json.loads((folder / (current_of(folder) or "") / "metadata.json").read_text(encoding="utf-8"))
        return str(metadata.get("language", "python")) if isinstance(metadata, dict) else None
    return None


def begin_version(folder: Path, language: Language = "python") -> str:
    """Write the next version of a domain, a copy of its newest one, and return its name; a first one becomes current.

    The language is that of a first one.

    Raises:
        OSError: It cannot be written.
    """
    versions = versions_of(folder)
    version = f"v{int(versions[-1][1:]) + 1}" if versions else "v1"
    if not versions:
        texts = _first_texts(language)
    else:
        texts = {path.name: path.read_text(encoding="utf-8") for path in sorted((folder / versions[-1]).iterdir())}
    (folder / version).mkdir(parents=True)
    for name, text in texts.items():
        (folder / version / name).write_text(text, encoding="utf-8")
    if not versions:
        use_version(folder, version)
    return version


def _first_texts(language: Language) -> dict[str, str]:
    frame = _FRAMES[language]
    prompt = _PROMPT.format(frame=frame, language=language.capitalize())
    metadata = {**_METADATA, "language": language, "extends": frame}
    return {"metadata.json": json.dumps(metadata, indent=2) + "\n", "template.txt": prompt}


def use_version(folder: Path, version: str) -> None:
    """Let a domain's ``current`` name a version, as a link where it was one, else as a file.

    Raises:
        OSError: It cannot be written.
    """
    pointer, temporary = folder / "current", folder / ".current.tmp"
    if pointer.is_symlink():
        temporary.unlink(missing_ok=True)
        temporary.symlink_to(version)
    else:
        temporary.write_text(f"{version}\n", encoding="utf-8")
    temporary.replace(pointer)
