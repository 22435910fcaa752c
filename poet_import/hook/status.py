"""What `poet_import.status` tells."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from poet_import.cache.directory import cache_directory
from poet_import.hook import loader
from poet_import.model import ModuleStatus
from poet_import.settings import Settings


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
    settings = hook.settings if hook else Settings.read()
    directory = hook.cache.directory if hook else cache_directory(settings)
    seen = hook.seen if hook else {}
    modules = {name: ModuleStatus(name, *facts) for name, facts in sorted(seen.items())}  # type: ignore[arg-type]  # a state
    return Status(bool(hook and hook.is_active), directory, settings, modules)
