"""The names that a file may be imported under."""

from __future__ import annotations

import os


def modules_of(path: str) -> list[str]:
    """Return the names that a file may be imported under, the shortest first.

    That is from the folder around its package, and from each folder further up, as far as the current one.
    """
    folder, name = os.path.split(os.path.abspath(path))
    parts = [] if name == "__init__.py" else [name.removesuffix(".py")]
    here, found = os.getcwd(), []
    while True:
        if parts and not os.path.exists(os.path.join(folder, "__init__.py")):
            found.append(".".join(parts))
        above, name = os.path.split(folder)
        if folder in (here, above):
            return found
        folder, parts = above, [name, *parts]
