"""What happens to a module that mentions ``poet`` and that no cache knows: confirm, weave, compile, keep."""

from __future__ import annotations

import warnings
from importlib.machinery import SourceFileLoader
from types import CodeType
from typing import Any

from poet_import.cache.bytecode import CachedModule
from poet_import.errors import PoetFallbackWarning
from poet_import.hook.loader import Hook, register
from poet_import.templates import TemplateStore, template_roots
from poet_import.transpiler import Woven, row_of, weave_source

_stores: dict[tuple[str, ...], TemplateStore] = {}


def rewrite(hook: Hook, loader: Any, fullname: str, stock: CodeType) -> CodeType:
    """Return the woven code of a module, or the stock code where nothing is marked or weaving fails.

    Args:
        hook: The active hook.
        loader: The module's loader, a ``SourceFileLoader`` of ours.
        fullname: The module's name.
        stock: What Python compiled the module to.
    """
    path = loader.get_filename(fullname)
    try:
        return _rewrite(hook, loader, fullname, path) or stock
    except Exception as error:  # the last line of defence: an import never breaks because of us
        if hook.settings.strict:
            raise
        hook.seen[fullname] = ("fallback", 0, str(error))
        message = f"{path}: not rewritten, so @poet acts when its functions are defined ({type(error).__name__}: {error})"
        warnings.warn(message, PoetFallbackWarning, stacklevel=2)
        return stock


def _rewrite(hook: Hook, loader: Any, fullname: str, path: str) -> CodeType | None:
    """Return the woven code, or None where no function is marked."""
    source: bytes = loader.get_data(path)
    cache = hook.cache
    if cache.is_plain(path, source):
        return None
    key = cache.key(source, cache.known.get(path, ("base",)))
    module = cache.load(key, path) if loader.caches else None
    if module is None:
        woven = weave_source(source, path, store=_store(hook.settings.templates))
        if not woven.functions:
            cache.remember_plain(path, source)
            return None
        module = CachedModule(_compile(loader, woven, path), _rows(woven), woven.needs)
        if loader.caches and cache.store(cache.key(source, woven.lineage), module):
            cache.remember(path, woven.lineage)
        hook.seen[fullname] = ("rewritten", len(module.rows), _left_alone(woven))
    else:
        cache.remember(path, cache.known.get(path, ("base",)))
        hook.seen[fullname] = ("cached", len(module.rows), "")
    register(path, module)
    return module.code


def _compile(loader: Any, woven: Woven, path: str) -> CodeType:
    """Compile a woven module; a loader that compiles in its own way gets the woven text."""
    if type(loader).source_to_code is SourceFileLoader.source_to_code:
        return woven.compile(path)
    code: CodeType = loader.source_to_code(woven.text.encode(), path)
    return code


def _rows(woven: Woven) -> dict[int, tuple[object, ...]]:
    return {function.first_line: row_of(function) for function in woven.functions}


def _left_alone(woven: Woven) -> str:
    reasons = {function.qualname: function.left_alone for function in woven.functions if function.left_alone}
    return "; ".join(f"{name}: {reason}" for name, reason in reasons.items() if reason != "dynamic")


def _store(templates: tuple[str, ...]) -> TemplateStore:
    """Return the templates of some roots, read once."""
    return _stores.setdefault(templates, TemplateStore(template_roots(templates)))
