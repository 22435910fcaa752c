"""Whether what is frozen beside a module is still what it was when the module was woven.

On the warm path: nothing is imported that an interpreter has not loaded by then. A stamp is the second of a file's last
change and its size, as in Python's own bytecode: images and archives keep no finer times. So what is only seconds old
is not stamped: it may change again within its second.
"""

import os
from marshal import dumps, loads
from os import stat
from stat import S_ISDIR
from time import time

TYPE_CHECKING = False  # typing's is the same to a type checker, and costs an import
if TYPE_CHECKING:
    from collections.abc import Iterable

    Stamps = tuple[tuple[tuple[str, int], ...], bytes]

_FOLDER = ".poet"  # `cache.frozen` has it too; that loads more than the warm path may
_SETTLED = 2  # seconds
_MISSING = (-1, -1)
_OF_A_FOLDER = -2  # in the place of a size


def folder_beside(path: str) -> str:
    """Return the folder of what is frozen beside a module, or nothing where there is none."""
    folder = os.path.join(os.path.dirname(path), _FOLDER)
    return folder if os.path.isdir(folder) else ""


def stamps_of(paths: "Iterable[str]") -> "Stamps | None":
    """Return the stamps of folders and, packed, of files; None where one of them may still be changing."""
    found = [(path, *_stamp(path)) for path in paths]
    if max((changed for _, changed, _ in found), default=0) >= time() - _SETTLED:
        return None
    folders = tuple((path, changed) for path, changed, size in found if size == _OF_A_FOLDER)
    return folders, dumps([one for one in found if one[2] != _OF_A_FOLDER])


def all_hold(stamps: "Stamps", *, folders_only: bool = False) -> bool:
    """Tell whether nothing has changed since.

    A folder tells of files that were added, removed or replaced: all that versions and pointers do, and a checkout.
    Only a file that was edited in its place is told by itself.
    """
    folders, files = stamps
    try:
        for path, changed in folders:
            if int(stat(path).st_mtime) != changed:
                return False
    except OSError:
        return False
    return folders_only or all(_stamp(path) == (changed, size) for path, changed, size in loads(files))


def _stamp(path: str) -> tuple[int, int]:
    try:
        found = stat(path)
    except (OSError, ValueError):
        return _MISSING
    return int(found.st_mtime), _OF_A_FOLDER if S_ISDIR(found.st_mode) else found.st_size
