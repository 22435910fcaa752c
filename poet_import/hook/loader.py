"""The import system's loader for modules that may hold ``@poet``: overrides ``get_code`` only.

On the warm path: nothing is imported that an interpreter has not loaded by then, but the runtime for a marked module.
"""

import os
from _frozen_importlib_external import SourceFileLoader
from types import CodeType

from poet_import.cache.bytecode import BytecodeCache, CachedModule
from poet_import.cache.directory import cache_directory

TYPE_CHECKING = False  # typing's is the same to a type checker, and costs an import
if TYPE_CHECKING:
    from poet_import.settings import Settings

_NOT_OURS = ("poet_import.", "dana.")  # ourselves, and the host's own modules, which its users cannot have marked
_OPTIMIZED = 1  # CO_OPTIMIZED: set for functions, not for the bodies of modules and classes


class Hook:
    """What the loaders share while the hook is active."""

    def __init__(self, settings: "Settings") -> None:
        self.settings = settings
        self.is_active = True
        self.seen: dict[str, tuple[str, int, str]] = {}  # module -> state, functions, reason
        # Opened here, before the finder is in place: what this imports would come back to us for the cache.
        directory = cache_directory(settings)
        roots = (*settings.templates, _shipped_templates())
        self.cache = BytecodeCache(directory, roots=roots, settings=settings.fingerprint())


hook: Hook | None = None


def _shipped_templates() -> str:
    """Return the folder of the shipped templates: the package's own once installed, else the checkout's."""
    package = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
    installed = os.path.join(package, "_templates")
    return installed if os.path.isdir(installed) else os.path.join(os.path.dirname(package), "templates")


class _PoetMixin:
    """What `PoetLoader` adds to a loader of source files."""

    caches = False

    def get_code(self, fullname: str) -> CodeType | None:
        """Return the module's code, woven if the module is marked."""
        stock = super().get_code  # type: ignore[misc]  # SourceFileLoader's, or that of a subclass of it
        if hook is None or not hook.is_active or fullname.startswith(_NOT_OURS) or fullname == "poet_import":
            return stock(fullname)  # type: ignore[no-any-return]  # as its base says
        path: str = self.get_filename(fullname)  # type: ignore[attr-defined]  # of SourceFileLoader
        if self.caches and path in hook.cache.known:
            code = self._cached(hook, fullname, path)
            if code is not None:
                return code
        code = stock(fullname)
        if code is None or not _mentions_poet(code):
            return code  # type: ignore[no-any-return]  # as its base says
        from poet_import.hook.rewriting import rewrite  # parses and weaves: not on the warm path

        return rewrite(hook, self, fullname, code)

    def _cached(self, hook: Hook, fullname: str, path: str) -> CodeType | None:
        """Return the woven code of a module that the cache knows, or None."""
        try:
            source = self.get_data(path)  # type: ignore[attr-defined]  # of SourceFileLoader
        except OSError:
            return None
        module = hook.cache.load(hook.cache.key(source, hook.cache.known[path]), path)
        if module is None:
            return None
        register(path, module)
        hook.seen[fullname] = ("cached", len(module.rows), "")
        return module.code


class PoetLoader(_PoetMixin, SourceFileLoader):
    """Loads a source file; one with marked functions comes out woven."""

    caches = True


_variants: dict[type, type] = {}


def variant_of(kind: type) -> type:
    """Return the loader class that does for a subclass of ``SourceFileLoader`` what `PoetLoader` does for it.

    Such a class may compile in its own way, so its modules are woven anew each time.
    """
    if kind is SourceFileLoader:
        return PoetLoader
    if kind not in _variants:
        names = {"__module__": kind.__module__, "__qualname__": kind.__qualname__, "__reduce__": _reduce}
        _variants[kind] = type(kind.__name__, (_PoetMixin, kind), names)
    return _variants[kind]


def _reduce(loader: object) -> "tuple[object, ...]":
    """Pickle a loader as one of the class that it was made from."""
    kind = type(loader).__mro__[2]
    return kind, (loader.name, loader.path)  # type: ignore[attr-defined]  # of SourceFileLoader


def register(path: str, module: CachedModule) -> None:
    """Make the marker and the runtime ready for a woven module that is about to run."""
    from poet_import import runtime  # the first marked module of a process pays for it

    for name in module.needs:
        getattr(runtime, name)
    runtime.woven_rows[path] = module.rows


def _mentions_poet(code: CodeType) -> bool:
    """Tell whether the body of a module, or of a class in it, uses our name. Functions are left to the marker."""
    if "poet" in code.co_names or "poet_import" in code.co_names:
        return True
    for constant in code.co_consts:
        if type(constant) is CodeType and not constant.co_flags & _OPTIMIZED and _mentions_poet(constant):
            return True
    return False


def adopt(spec: object) -> None:
    """Let the loader of a spec weave."""
    loader = getattr(spec, "loader", None)
    if isinstance(loader, SourceFileLoader) and not isinstance(loader, _PoetMixin):
        loader.__class__ = variant_of(type(loader))

