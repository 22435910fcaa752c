"""The finder at the head of ``sys.meta_path``: finds nothing itself, and lets the loaders of source files weave."""

import sys
from _frozen_importlib import BuiltinImporter, FrozenImporter
from _frozen_importlib_external import PathFinder
from _thread import get_ident

from poet_import.hook import loader
from poet_import.settings import put_in_force

TYPE_CHECKING = False  # typing's is the same to a type checker, and costs an import
if TYPE_CHECKING:
    from collections.abc import Sequence
    from importlib.machinery import ModuleSpec
    from types import ModuleType
    from typing import Any

    from _typeshed.importlib import MetaPathFinderProtocol

    from poet_import.settings import Settings


_STOCK = {BuiltinImporter, FrozenImporter, PathFinder}  # these ask no other finder


class PoetFinder:
    """Asks every finder after itself, in order, so that all of them keep working as without it."""

    def __init__(self) -> None:
        self._asking: set[tuple[int, str]] = set()

    def find_spec(
        self, fullname: str, path: "Sequence[str] | None" = None, target: "ModuleType | None" = None
    ) -> "ModuleSpec | None":
        """Return what a later finder finds; None while that finder asks the whole ``meta_path`` in its turn."""
        if self._asking and (get_ident(), fullname) in self._asking:
            return None
        finders: list[Any] = sys.meta_path  # what is in it is anybody's
        mine = finders.index(self) if self in finders else len(finders)
        for finder in finders[mine + 1 :]:
            kind: object = type(finder)
            if kind is type and finder in _STOCK:  # a class, so it can be hashed
                spec: ModuleSpec | None = finder.find_spec(fullname, path, target)
            elif hasattr(finder, "find_spec"):
                spec = self._ask(finder, fullname, path=path, target=target)
            else:  # 3.11 still asks those with find_module alone, in their turn
                return None
            if spec is not None:
                loader.adopt(spec)
                return spec
        return None

    def _ask(
        self,
        finder: "MetaPathFinderProtocol",
        fullname: str,
        *,
        path: "Sequence[str] | None",
        target: "ModuleType | None",
    ) -> "ModuleSpec | None":
        """Ask a finder that may ask all of them, us too, for the same module."""
        me = (get_ident(), fullname)
        self._asking.add(me)
        try:
            return finder.find_spec(fullname, path, target)
        finally:
            self._asking.discard(me)


_finder = PoetFinder()


def activate(settings: "Settings") -> None:
    """Put the finder at the head of ``sys.meta_path``; settings given later hold from then on."""
    put_in_force(settings)
    known = loader.hook
    if known is None or known.settings != settings:
        known = loader.Hook(settings, seen={} if known is None else known.seen)
    known.is_active = True
    loader.hook = known
    if _finder not in sys.meta_path:
        sys.meta_path.insert(0, _finder)


def deactivate() -> None:
    """Take the finder away; modules that are loaded from now on are what they would be without it."""
    if loader.hook is not None:
        loader.hook.is_active = False
    if _finder in sys.meta_path:
        sys.meta_path.remove(_finder)
