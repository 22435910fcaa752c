"""Whether what is frozen beside a module is still what it was when the module was woven.

On the warm path: nothing is imported that an interpreter has not loaded by then. A stamp is the second of a file's last
change and its size, as in Python's own bytecode: images and archives keep no finer times. So what is only seconds old
is not stamped: it may change again within its second.
"""

import os
from stat import S_ISDIR
from time import time

TYPE_CHECKING = False  # typing's is the same to a type checker, and costs an import
if TYPE_CHECKING:
    from collections.abc import Iterable

    Stamps = tuple[tuple[str, int, int], ...]

_FOLDER = ".poet"  # `cache.frozen` has it too; that loads more than the warm path may
_SETTLED = 2  # seconds
_MISSING = (-1, -1)
_OF_A_FOLDER = -2  # in the place of a size


def folder_beside(path: str) -> str:
    """Return the folder of what is frozen beside a module, or nothing where there is none."""
    folder = os.path.join(os.path.dirname(path), _FOLDER)
    return folder if os.path.isdir(folder) else ""


def stamps_of(paths: "Iterable[str]") -> "Stamps | None":
    """Return the stamps of files and folders, or None where one of them may still be changing."""
    found = tuple((path, *_stamp(path)) for path in paths)
    newest = max((changed for _, changed, _ in found), default=0)
    return found if newest < time() - _SETTLED else None


def all_hold(stamps: "Stamps", *, folders_only: bool = False) -> bool:
    """Tell whether nothing has changed since.

    A folder tells of files that were added, removed or replaced: all that versions and pointers do, and a checkout.
    Only a file that was edited in its place is told by itself.
    """
    for path, changed, size in stamps:
        if folders_only and size != _OF_A_FOLDER:
            continue
        try:
            found = os.stat(path)
        except OSError:
            if changed != -1:
                return False
            continue
        if int(found.st_mtime) != changed or size not in (_OF_A_FOLDER, found.st_size):
            return False
    return True


def _stamp(path: str) -> tuple[int, int]:
    try:
        found = os.stat(path)
    except (OSError, ValueError):
        return _MISSING
    return int(found.st_mtime), _OF_A_FOLDER if S_ISDIR(found.st_mode) else found.st_size
