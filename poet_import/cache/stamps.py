"""Whether what is frozen beside a module is still what it was when the module was woven.

On the warm path: nothing is imported that an interpreter has not loaded by then. A stamp is the second of a file's last
change and its size, as in Python's own bytecode: images and archives keep no finer times. So what is only seconds old
is not stamped: it may change again within its second.
"""

import os
from marshal import dumps, loads
from os import stat
from stat import S_ISDIR, ST_MTIME
from time import time

TYPE_CHECKING = False  # typing's is the same to a type checker, and costs an import
if TYPE_CHECKING:
    from collections.abc import Iterable

    Stamps = tuple[int, tuple[str, ...], tuple[int, ...], bytes]
    """Of that folder, of the folders in it, each with its second, and, packed, of all else in it."""

_FOLDER = ".poet"  # `cache.frozen` has it too; that loads more than the warm path may
_SETTLED = 2  # seconds
_MISSING = (-1, -1)
_OF_A_FOLDER = -2  # in the place of a size


class Beside:
    """The folder of what is frozen beside a module, as it was when it was looked at."""

    __slots__ = ("_changed", "_folder")

    def __init__(self, folder: str, changed: int) -> None:
        self._folder = folder  # up to its separator
        self._changed = changed  # the second

    def stamps(self, names: "Iterable[str]", *, is_marked: bool) -> "Stamps | None":
        """Return the stamps of what is in the folder; None where any of it may still be changing.

        Args:
            names: What in it tells of a change.
            is_marked: Whether the folder itself tells which versions are current, so that those in it are looked at
                only where their files are.
        """
        found = [(name, *_stamp(self._folder + name)) for name in names]
        if max([self._changed, *(second for _, second, _ in found)]) >= time() - _SETTLED:
            return None
        folders = {name: second for name, second, size in found if size == _OF_A_FOLDER and not is_marked}
        others = dumps([one for one in found if one[0] not in folders])
        return self._changed, tuple(folders), tuple(folders.values()), others

    def holds(self, stamps: "Stamps", *, folders_only: bool = False) -> bool:
        """Tell whether nothing has changed since.

        A folder tells of files that were added, removed or replaced: all that versions and pointers do, and a checkout.
        Only a file that was edited in its place is told by itself.
        """
        before, names, seconds, others = stamps
        if self._changed != before:
            return False
        folder = self._folder
        try:
            for name, second in zip(names, seconds):  # noqa: B905  (to ask for it costs as much as a turn)
                if stat(folder + name)[ST_MTIME] != second:
                    return False
        except OSError:
            return False
        return folders_only or all(_stamp(folder + name) == (second, size) for name, second, size in loads(others))


def folder_beside(path: str) -> Beside | None:
    """Return the folder of what is frozen beside a module, or None where there is none."""
    folder = os.path.join(os.path.dirname(path), _FOLDER)
    changed, size = _stamp(folder)
    return Beside(folder + os.sep, changed) if size == _OF_A_FOLDER else None


def _stamp(path: str) -> tuple[int, int]:
    try:
        found = stat(path)
    except (OSError, ValueError):
        return _MISSING
    second: int = found[ST_MTIME]  # type: ignore[assignment]  # typeshed: one of all items, so a float too
    return second, _OF_A_FOLDER if S_ISDIR(found.st_mode) else found.st_size
