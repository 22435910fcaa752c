"""The finder at the head of ``sys.meta_path``: finds nothing itself, and lets the loaders of source files weave."""

import sys
from _thread import get_ident

from poet_import.hook import loader

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
        is_later = False
        for finder in sys.meta_path[:]:
            if is_later:
                find_spec = getattr(finder, "find_spec", None)
                spec = find_spec(fullname, path, target) if find_spec is not None else None
                if spec is not None:
                    loader.adopt(spec)
                    return spec  # type: ignore[no-any-return]  # as the protocol of finders says
            is_later = is_later or finder is self
        return None


_finder = PoetFinder()


def activate(settings: "Settings") -> None:
    """Put the finder at the head of ``sys.meta_path``; settings given later hold from then on."""
    seen = loader.hook.seen if loader.hook is not None else {}
    loader.hook = loader.Hook(settings)
    loader.hook.seen = seen
    if _finder not in sys.meta_path:
        sys.meta_path.insert(0, _finder)  # type: ignore[arg-type]  # typeshed wants a class method


def deactivate() -> None:
    """Take the finder away; modules that are loaded from now on are what they would be without it."""
    if loader.hook is not None:
        loader.hook.is_active = False
    if _finder in sys.meta_path:
        sys.meta_path.remove(_finder)  # type: ignore[arg-type]  # as above
