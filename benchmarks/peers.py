"""Compare imports through the hook with imports through the hooks of other libraries."""

import importlib.util
from pathlib import Path
from tempfile import TemporaryDirectory

from benchmarks.imports import MARKED, PLAIN, Cost, Kind, seconds, write_folders
from benchmarks.report import Part, Table
from benchmarks.sample import FUNCTIONS

_MODULES = 30
_SHOPS = f'[f"shop_{{number}}" for number in range({_MODULES + 1})]'
_PYTEST = f"""
from _pytest.assertion import install_importhook
from _pytest.config import get_config
install_importhook(get_config()).mark_rewrite(*{_SHOPS})
"""
_JAXTYPING = f"""
from jaxtyping import install_import_hook
install_import_hook({_SHOPS}, "beartype.beartype")
"""
_SETUPS = {
    "beartype": ("beartype.claw", "from beartype.claw import beartype_all\nbeartype_all()\n"),
    "typeguard": ("typeguard", "from typeguard import install_import_hook\ninstall_import_hook()\n"),
    "jaxtyping": ("jaxtyping with beartype", _JAXTYPING),
    "pytest": ("pytest's rewriter", _PYTEST),
}
NAMES = tuple(_SETUPS)


def _kinds() -> list[Kind]:
    """Return the hooks that are installed, each with modules of its own."""
    return [
        Kind(label, f"under-{name}", before=f"hook_of_{name}", setup=setup)
        for name, (label, setup) in _SETUPS.items()
        if importlib.util.find_spec(name)
    ]


def measure(repeats: int, *, fraction: float = 1.0) -> Part:
    """Compare activation, and cold and warm imports of annotated functions."""
    modules, others = round(_MODULES * fraction), _kinds()
    kinds = [PLAIN, MARKED, *others]
    with TemporaryDirectory() as folder:
        work = Path(folder)
        write_folders(kinds, work, modules=modules)
        cold = seconds(kinds, work, modules=modules, repeats=max(2, repeats // 3), is_cold=True)
        warm = seconds(kinds, work, modules=modules, repeats=repeats)
    rows = [_row(kind, cold=cold, warm=warm) for kind in kinds]
    head = ("", "activation, ms", "first module warm, ms", "warm, ms", "cold, ms", "poet_import is below")
    return Part([Table("Imports through other hooks", _about(modules), head, rows)])


def _row(kind: Kind, *, cold: dict[Kind, Cost], warm: dict[Kind, Cost]) -> list[str]:
    below = "–"
    if kind not in (PLAIN, MARKED):
        ours, theirs = warm[MARKED], warm[kind]
        is_below = ours.activation < theirs.activation and ours.others < theirs.others
        below = "yes" if is_below else "**no**"
    several = [f"{1000 * times[kind].others:.1f} ({_ratio(times, kind):.2f})" for times in (warm, cold)]
    label = "poet_import, every function `@poet`" if kind is MARKED else kind.label
    return [label, f"{1000 * warm[kind].activation:.1f}", f"{1000 * warm[kind].first:.2f}", *several, below]


def _ratio(times: dict[Kind, Cost], kind: Kind) -> float:
    return times[kind].others / times[PLAIN].others


def _about(modules: int) -> str:
    return f"""
Times of the same {modules} modules of {FUNCTIONS} annotated functions.
Warm and cold leave out the first module of a process; in parentheses is the ratio to an import without a hook.
The last column is about activation and about warm imports.
"""
