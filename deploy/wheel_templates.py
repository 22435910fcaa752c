"""Build hook: ship ``templates/`` inside the wheel, with each ``current`` as a plain file that names a version.

In the repository ``templates/<domain>/current`` is a link to a version folder. A wheel holds no links, and an archiver
that follows one would ship that folder twice.
"""

from __future__ import annotations

import re
import tempfile
from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface

VERSION = re.compile(r"v[1-9][0-9]*")


class TemplatesHook(BuildHookInterface[Any]):  # Any: whatever configuration the builder of the target has
    """Adds the template folders to the wheel, and the plain ``current`` files to wheel and sdist."""

    PLUGIN_NAME = "custom"

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:  # Any: the shape is hatchling's
        """Add the files of this build; an editable wheel needs none, it reads the repository's own."""
        if version == "editable":
            return
        self.scratch = tempfile.TemporaryDirectory(prefix="poet-import-templates-")
        is_wheel = self.target_name == "wheel"
        destination = "poet_import/_templates" if is_wheel else "templates"
        for domain in sorted(path for path in (Path(self.root) / "templates").iterdir() if path.is_dir()):
            pointer = Path(self.scratch.name) / domain.name
            pointer.write_text(current_version(domain) + "\n", encoding="utf-8")
            build_data["force_include"][str(pointer)] = f"{destination}/{domain.name}/current"
            for folder in version_folders(domain) if is_wheel else ():
                build_data["force_include"][str(folder)] = f"{destination}/{domain.name}/{folder.name}"

    def finalize(self, version: str, build_data: dict[str, Any], artifact_path: str) -> None:  # noqa: ARG002
        """Remove the plain files again."""
        if version != "editable":
            self.scratch.cleanup()


def version_folders(domain: Path) -> list[Path]:
    return sorted(path for path in domain.iterdir() if VERSION.fullmatch(path.name) and path.is_dir())


def current_version(domain: Path) -> str:
    """Return the version that ``current`` names: a link's target, or the text of a file where links did not survive."""
    pointer = domain / "current"
    if pointer.is_dir() and not pointer.is_symlink():
        raise ValueError(
            f"{pointer} is a copy of a folder; write the name of the version, such as v1, into a file there"
        )
    name = pointer.readlink().name if pointer.is_symlink() else pointer.read_text(encoding="utf-8").strip()
    if name not in {folder.name for folder in version_folders(domain)}:
        raise ValueError(f"{pointer} names {name!r}, which is no version folder of {domain.name}")
    return name
