"""Where the cache is: a directory that only this user can write to, since loading bytecode is running it."""

import os
import stat
import sys

TYPE_CHECKING = False  # typing's is the same to a type checker, and costs an import
if TYPE_CHECKING:
    from poet_import.settings import Settings

_OTHERS = stat.S_IWGRP | stat.S_IWOTH


def cache_directory(settings: "Settings", *, generates: bool = False) -> "str | None":
    """Return the directory for cached modules, or None where no safe one is to be had.

    It is made if it can be, unless Python writes no bytecode and nothing is generated that would be kept there, or the
    mode is ``frozen``. With ``generates`` something is, whatever the settings say.
    """
    path = settings.cache_dir or _default_directory()
    if path is None:
        return None
    try:
        if generates or settings.generates or not (sys.dont_write_bytecode or settings.mode == "frozen"):
            os.makedirs(path, mode=0o700, exist_ok=True)
        status = os.stat(path)
    except (OSError, ValueError):
        return None
    if not stat.S_ISDIR(status.st_mode) or not os.access(path, os.R_OK | os.X_OK):
        return None
    if not _is_private(status):
        _warn(path)
        return None
    return path


def data_directory(settings: "Settings") -> str:
    """Return the directory for what is recorded, and for what a service keeps."""
    if settings.data_dir:
        return settings.data_dir
    import appdirs  # for those who record something

    path: str = appdirs.user_data_dir("poet_import", appauthor=False)
    return path


def shadow_directory(settings: "Settings") -> str:
    """Return the directory for what shadows have shown."""
    return os.path.join(data_directory(settings), "shadows")


def _default_directory() -> "str | None":
    """Return the directory that nobody has named: beside Python's own redirected cache, else the user's."""
    if sys.pycache_prefix:
        return os.path.join(sys.pycache_prefix, "poet_import")
    if sys.platform in ("win32", "darwin"):
        import appdirs  # 0.8 ms, most of what activation may cost; elsewhere the XDG rules say as much in one line

        path: str = appdirs.user_cache_dir("poet_import", appauthor=False)
    else:
        path = os.path.join(os.environ.get("XDG_CACHE_HOME") or os.path.expanduser("~/.cache"), "poet_import")
    return path if os.path.isabs(path) else None  # without a home directory it is no path at all


def _is_private(status: os.stat_result) -> bool:
    """Tell whether nobody else can write to the directory; Windows has no such bits, and its folders are the user's."""
    if not hasattr(os, "getuid"):
        return True
    return status.st_uid == os.getuid() and not status.st_mode & _OTHERS


def _warn(path: str) -> None:
    import warnings  # not loaded in every interpreter, and nearly never needed here

    from poet_import.errors import PoetWarning

    mend = f"chmod 700 {path}, or name another directory in POET_CACHE_DIR"
    warnings.warn(f"{path}: others can write to this cache, so it is not used; {mend}", PoetWarning, stacklevel=2)
