"""What `poet_import.status` tells."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from poet_import import runtime
from poet_import.cache.directory import cache_directory
from poet_import.hook import loader
from poet_import.model import ModuleStatus
from poet_import.settings import Settings, in_force


@dataclass(frozen=True, slots=True)
class Status:
    """Whether the hook is active, what is in force, and what became of each module; prints as a table.

    .. versionadded:: 0.1.0
    """

    active: bool
    cache_dir: str | None
    settings: Settings
    modules: Mapping[str, ModuleStatus]

    def __str__(self) -> str:
        head = f"hook {'active' if self.active else 'inactive'}, cache {self.cache_dir or 'off'}"
        if not self.modules:
            return f"{head}\nno module with @poet has been imported"
        rows = [("module", "state", "functions", "reason")]
        rows += [(row.name, row.state, str(row.functions), row.reason) for row in self.modules.values()]
        widths = [max(len(row[column]) for row in rows) for column in range(3)]
        return "\n".join([head, *(_line(row, widths) for row in rows)])


def _line(row: tuple[str, ...], widths: list[int]) -> str:
    cells = [cell.ljust(width) for cell, width in zip(row, widths, strict=False)]
    return "  ".join([*cells, row[-1]]).rstrip()


def status() -> Status:
    """Return the state of the hook in this process.

    .. versionadded:: 0.1.0
    """
    hook = loader.hook
    directory = hook.cache.directory if hook else cache_directory(in_force())
    seen = hook.seen if hook else {}
    modules = {name: _module(name, facts) for name, facts in sorted(seen.items())}
    return Status(bool(hook and hook.is_active), directory, in_force(), modules)


def _module(name: str, facts: tuple[str, str, str]) -> ModuleStatus:
    """Return the row of a module; its reason tells of functions that were left alone, too."""
    state, path, reason = facts
    rows = runtime.rows_of(path)
    left_alone = {str(row[0]): str(row[1]) for row in rows.values() if row[1] not in ("woven", "untouched", "dynamic")}
    if rows and len(left_alone) == len(rows):
        state = "bypassed"
    reasons = [reason] if reason else [f"{qualname}: {why}" for qualname, why in left_alone.items()]
    return ModuleStatus(name, state, len(rows), "; ".join(reasons))  # type: ignore[arg-type]  # the hook's own states
