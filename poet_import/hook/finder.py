"""The finder at the head of ``sys.meta_path``: finds nothing itself, and lets the loaders of source files weave."""

import sys
from _thread import get_ident

from poet_import.hook import loader
from poet_import.settings import put_in_force

TYPE_CHECKING = False  # typing's is the same to a type checker, and costs an import
if TYPE_CHECKING:
    from collections.abc import Sequence
    from importlib.machinery import ModuleSpec
    from types import ModuleType

    from poet_import.settings import Settings


class PoetFinder:
    """Asks every finder after itself, in order, so that all of them keep working as without it."""

    def __init__(self) -> None:
        self._asking: set[tuple[int, str]] = set()

    def find_spec(
        self, fullname: str, path: "Sequence[str] | None" = None, target: "ModuleType | None" = None
    ) -> "ModuleSpec | None":
        """Return what a later finder finds; None while that finder asks the whole ``meta_path`` in its turn."""
        me = (get_ident(), fullname)
        if me in self._asking:
            return None
        self._asking.add(me)
        try:
            return self._ask_others(fullname, path, target)
        finally:
            self._asking.discard(me)

    def _ask_others(
        self, fullname: str, path: "Sequence[str] | None", target: "ModuleType | None"
    ) -> "ModuleSpec | None":
        finders = sys.meta_path[:]
        mine = finders.index(self) if self in finders else len(finders)
        for finder in finders[mine + 1 :]:
            find_spec = getattr(finder, "find_spec", None)
            if find_spec is None:  # 3.11 still asks those with find_module alone, in their turn
                return None
            spec = find_spec(fullname, path, target)
            if spec is not None:
                loader.adopt(spec)
                return spec  # type: ignore[no-any-return]  # as the protocol of finders says
        return None


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
