"""The templates that the service offers, and the folder that new versions are written into.

A stored version never changes. A domain that is not the service's own yet, a shipped one say, is copied whole before
its first new version, so that its earlier ones stay there to go back to.
"""

from __future__ import annotations

import json
import os
import shutil
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from poet_import.cache.template_digest import current_version, find_root, template_digest
from poet_import.templates import TemplateStore
from poet_import.templates.versions import current_of, use_version, versions_of

METADATA, PROMPT, ADDON = "metadata.json", "template.txt", "train_addon.txt"


class VersionExistsError(Exception):
    """A version is there already, and never changes."""


@dataclass(frozen=True, slots=True)
class StoredVersion:
    """The files of one version."""

    template: str
    metadata: Mapping[str, object]
    train_addon: str | None = None


class TemplateLibrary:
    """Domains under some roots, the first of which is the service's own."""

    def __init__(self, own: Path, roots: tuple[Path, ...]) -> None:
        self._own = own
        self.roots = (str(own), *map(str, roots))

    def domains(self) -> tuple[str, ...]:
        """Return the names of all domains, sorted."""
        return TemplateStore(map(Path, self.roots)).domains()

    def digest(self) -> str:
        """Return a digest of what is current in all domains."""
        return template_digest(self.roots, self.domains(), prompts=True)

    def folder(self, domain: str) -> Path | None:
        """Return the folder of a domain, or None if there is none."""
        root = find_root(self.roots, domain)
        return None if root is None else Path(root, domain)

    def versions(self, domain: str) -> list[str]:
        """Return the names of the versions of a domain, oldest first; none if it is unknown."""
        folder = self.folder(domain)
        return versions_of(folder) if folder else []

    def current(self, domain: str) -> str | None:
        """Return the version of a domain that is in use."""
        folder = self.folder(domain)
        return current_of(folder) if folder else None

    def read(self, domain: str, version: str) -> StoredVersion | None:
        """Return the files of a version; None if there is none, or it is damaged."""
        folder = self.folder(domain)
        if folder is None or version not in versions_of(folder):
            return None
        try:
            metadata = json.loads((folder / version / METADATA).read_text(encoding="utf-8"))
            template = (folder / version / PROMPT).read_text(encoding="utf-8")
            addon = folder / version / ADDON
            text = addon.read_text(encoding="utf-8") if addon.exists() else None
        except (OSError, ValueError):
            return None
        return StoredVersion(template, metadata, text) if isinstance(metadata, dict) else None

    @contextmanager
    def draft(self, domain: str, version: str, stored: StoredVersion) -> Iterator[Path]:
        """Write a version into a root of its own, beside the one that it may be taken over into, and remove that."""
        self._own.mkdir(mode=0o700, parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(prefix=".draft-", dir=self._own) as place:
            folder = Path(place, domain, version)
            folder.mkdir(parents=True)
            texts = {METADATA: json.dumps(dict(stored.metadata), indent=2) + "\n", PROMPT: stored.template}
            for name, text in (texts | ({ADDON: stored.train_addon} if stored.train_addon is not None else {})).items():
                (folder / name).write_text(text, encoding="utf-8", newline="")
            use_version(folder.parent, version)
            yield Path(place)

    def take_over(self, draft: Path, domain: str, version: str) -> None:
        """Make a draft a version of its domain; the first one of a new domain becomes current.

        Raises:
            VersionExistsError: There is such a version already.
            OSError: It cannot be written.
        """
        own = self._own_folder(domain)
        is_first = not versions_of(own)
        try:
            os.rename(draft / domain / version, own / version)
        except OSError as error:
            if (own / version).exists():
                raise VersionExistsError from error
            raise
        if is_first:
            use_version(own, version)

    def use(self, domain: str, version: str) -> None:
        """Let a version be the current one.

        Raises:
            OSError: It cannot be written.
        """
        use_version(self._own_folder(domain), version)

    def _own_folder(self, domain: str) -> Path:
        """Return the service's own folder for a domain, with the versions that the domain has elsewhere."""
        own, known = self._own / domain, self.folder(domain)
        if known is None:
            own.mkdir(mode=0o700, parents=True, exist_ok=True)
        elif known != own:
            self._own.mkdir(mode=0o700, parents=True, exist_ok=True)
            with tempfile.TemporaryDirectory(prefix=".draft-", dir=self._own) as place:
                copy = Path(place, domain)
                copy.mkdir(mode=0o700)
                for version in versions_of(known):
                    shutil.copytree(known / version, copy / version)
                use_version(copy, current_version(str(known)))
                os.rename(copy, own)
        return own
