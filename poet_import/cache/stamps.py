"""Whether what is frozen beside a module is still what it was when the module was woven.

On the warm path: nothing is imported that an interpreter has not loaded by then. A stamp is the second of a file's last
change and its size, as in Python's own bytecode: images and archives keep no finer times. So what is only seconds old
is not stamped: it may change again within its second.
"""

import os
import stat
from time import time

TYPE_CHECKING = False  # typing's is the same to a type checker, and costs an import
if TYPE_CHECKING:
    from collections.abc import Iterable

    Stamps = tuple[tuple[str, str], ...]

_FOLDER = ".poet"  # `cache.frozen` has it too; that loads more than the warm path may
_SETTLED = 2  # seconds


def folder_beside(path: str) -> str:
    """Return the folder of what is frozen beside a module, or nothing where there is none."""
    folder = os.path.join(os.path.dirname(path), _FOLDER)
    return folder if stamp(folder) else ""


def stamp(path: str) -> str:
    """Return the stamp of a file or folder, empty where there is none."""
    try:
        found = os.stat(path)
    except (OSError, ValueError):
        return ""
    size = 0 if stat.S_ISDIR(found.st_mode) else found.st_size
    return f"{int(found.st_mtime)}:{size}"


def stamps_of(paths: "Iterable[str]") -> "Stamps | None":
    """Return the stamps of files, or None where one of them may still be changing."""
    found = tuple((path, stamp(path)) for path in paths)
    newest = max((int(one.partition(":")[0]) for _, one in found if one), default=0)
    return found if newest < time() - _SETTLED else None


def all_hold(stamps: "Stamps") -> bool:
    """Tell whether nothing has changed since."""
    return all(stamp(path) == known for path, known in stamps)
