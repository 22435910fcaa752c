"""The import system's loader for modules that may hold ``@poet``: overrides ``get_code`` only.

On the warm path: nothing is imported that an interpreter has not loaded by then, but the runtime for a marked module.
"""

import os
import sys
from _frozen_importlib_external import SourceFileLoader

from poet_import.cache.bytecode import BytecodeCache, read_file
from poet_import.cache.directory import cache_directory, shadow_directory

TYPE_CHECKING = False  # typing's is the same to a type checker, and costs an import
if TYPE_CHECKING:
    from types import CodeType
    from typing import Any

    from poet_import.cache.bytecode import CachedModule
    from poet_import.settings import Settings

_NOT_OURS = ("poet_import.", "dana.")  # ourselves, and the host's own modules, which its users cannot have marked
# Of opcode's table, which costs an import; None for a Python that was not known yet.
_LOAD_BUILD_CLASS = {(3, 11): 71, (3, 12): 71, (3, 13): 24}.get(sys.version_info[:2])
_OPTIMIZED = 1  # CO_OPTIMIZED: set for functions, not for the bodies of modules and classes


class Hook:
    """What the loaders share while the hook is active."""

    def __init__(self, settings: "Settings", seen: "dict[str, tuple[str, str, str]]") -> None:
        self.settings = settings
        self.is_active = True
        self.seen = seen  # module -> state, path, reason
        # Opened here, before the finder is in place: what this imports would come back to us for the cache.
        directory = cache_directory(settings)
        roots = (*settings.templates, _shipped_templates())
        self.cache = BytecodeCache(
            directory,
            roots=roots,
            settings=settings.fingerprint(),
            prompts=settings.generates,
            writes=settings.mode != "frozen",
        )


hook: Hook | None = None


def _shipped_templates() -> str:
    """Return the folder of the shipped templates: the package's own once installed, else the checkout's."""
    package = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
    installed = os.path.join(package, "_templates")
    return installed if os.path.isdir(installed) else os.path.join(os.path.dirname(package), "templates")


class PoetMixin:
    """What `PoetLoader` adds to a loader of source files."""

    made_from: "Any" = SourceFileLoader  # or a subclass of it

    def get_code(self, fullname: str) -> "CodeType | None":  # pragma: no cover  (its lines go under another file)
        """Return the module's code, woven if the module is marked."""
        if hook is not None:
            hook.seen.pop(fullname, None)
            lineage = hook.cache.known.get(self.path)  # type: ignore[attr-defined]  # of SourceFileLoader
            known = None if lineage is None else self._known(hook.cache, fullname, lineage)
            if known is not None:
                register(fullname, self.path, known)  # type: ignore[attr-defined]  # as above
                return known.code
        stock: CodeType | None = self.made_from.get_code(self, fullname)  # as super().get_code, and cheaper
        if stock is None or not _mentions_poet(stock):
            return stock
        return self._woven(fullname, stock)

    # What it raises then has a traceback without importlib's frames and ours, as Python's own SyntaxError.
    get_code.__code__ = get_code.__code__.replace(co_filename=SourceFileLoader.get_code.__code__.co_filename)

    def _known(self, cache: BytecodeCache, fullname: str, lineage: "tuple[str, ...]") -> "CachedModule | None":
        """Return what the cache holds of a module that was marked once, or None."""
        if self.made_from is not SourceFileLoader or fullname != self.name or not _is_ours_to_weave(fullname):  # type: ignore[attr-defined]  # of SourceFileLoader
            return None
        path: str = self.path  # type: ignore[attr-defined]  # of SourceFileLoader
        from poet_import.cache.stamps import folder_beside  # the first marked module of a process pays for it

        try:
            source = read_file(path)
        except OSError:  # the stock loader has the words for that
            return None
        beside = folder_beside(path)
        return cache.load(cache.key(source, lineage, place=path if beside else ""), path, beside=beside)

    def _woven(self, fullname: str, stock: "CodeType") -> "CodeType":
        """Return the woven code of a module that mentions us if it is marked, else the stock code."""
        if hook is None or not _is_ours_to_weave(fullname):
            return stock
        path: str = self.get_filename(fullname)  # type: ignore[attr-defined]  # of SourceFileLoader
        if self._is_plain(hook, path):
            return stock
        from poet_import.hook.rewriting import rewrite  # parses and weaves: not on the warm path

        return rewrite(hook, self, fullname, stock=stock)

    def _is_plain(self, hook: Hook, path: str) -> bool:
        """Tell whether the module is known only to look marked."""
        source = self._read(path) if path in hook.cache.plain else None
        return source is not None and hook.cache.is_plain(path, source)

    def _read(self, path: str) -> bytes | None:
        """Return the module's source, or None if it cannot be read; the stock loader has the words for that."""
        try:
            return self.get_data(path)  # type: ignore[attr-defined, no-any-return]  # as SourceFileLoader's
        except OSError:
            return None


class PoetLoader(PoetMixin, SourceFileLoader):  # type: ignore[misc]  # typeshed: its bases disagree on source_to_code
    """Loads a source file; one with marked functions comes out woven."""


_variants: dict[type, type] = {}


def variant_of(kind: type) -> type:
    """Return the loader class that does for a subclass of ``SourceFileLoader`` what `PoetLoader` does for it.

    Such a class may compile in its own way, so its modules are woven anew each time.
    """
    if kind not in _variants:
        names = {
            "__module__": kind.__module__,
            "__qualname__": kind.__qualname__,
            "__reduce__": _reduce,
            "made_from": kind,
        }
        _variants[kind] = type(kind.__name__, (PoetMixin, kind), names)
    return _variants[kind]


def _reduce(loader: PoetMixin) -> "tuple[object, ...]":
    """Pickle a loader of a variant, which has no importable name, by the class that it was made from."""
    return _revive, (loader.made_from, loader.__dict__)


def _revive(kind: type, attributes: "dict[str, object]") -> object:
    loader: object = object.__new__(variant_of(kind))
    loader.__dict__.update(attributes)
    return loader


def _is_ours_to_weave(fullname: str) -> bool:
    return hook is not None and hook.is_active and fullname != "poet_import" and not fullname.startswith(_NOT_OURS)


def register(fullname: str, path: str, module: "CachedModule", *, state: str = "cached", reason: str = "") -> None:
    """Make the marker, the runtime and the status ready for a woven module that is about to run."""
    from poet_import import runtime  # the first marked module of a process pays for it

    for name in module.needs:
        getattr(runtime, name)
    runtime.woven_rows[path] = module.rows
    for generated in module.generated:
        runtime.woven_rows[generated] = module.rows
    if module.shadows and hook is not None:
        runtime.shadow_rows.update(module.shadows)
        runtime.shadow_folder = shadow_directory(hook.settings)
    if hook is not None:
        hook.seen[fullname] = (state, path, reason)


def _mentions_poet(code: "CodeType") -> bool:
    """Tell whether the body of a module, or of a class in it, uses our name. Functions are left to the marker."""
    if "poet" in code.co_names or "poet_import" in code.co_names:
        return True
    if _LOAD_BUILD_CLASS is not None and _LOAD_BUILD_CLASS not in code.co_code:
        return False  # no class in it, as most often
    kind = type(code)
    for constant in code.co_consts:
        if type(constant) is kind and not constant.co_flags & _OPTIMIZED and _mentions_poet(constant):
            return True
    return False


def adopt(spec: object) -> None:
    """Let the loader of a spec weave."""
    loader = getattr(spec, "loader", None)
    if type(loader) is SourceFileLoader:
        loader.__class__ = PoetLoader
    elif isinstance(loader, SourceFileLoader) and not isinstance(loader, PoetMixin):
        try:
            loader.__class__ = variant_of(type(loader))
        except Exception:  # noqa: BLE001  (a class may refuse to be subclassed in any way; its loader stays what it is)
            return
