"""What became of the versions of a function: a step each time one begins or ceases to answer, in its own record."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from time import time_ns
from typing import Final

from poet_import.cache.frozen import CURRENT, SHADOW, steps_of
from poet_import.errors import TranspileError
from poet_import.source.modules import modules_of
from poet_import.source.normal import source_digest
from poet_import.transpiler.project import Site
from poet_import.transpiler.versions import model_version, own_version

OWN: Final = "own"
"""Stands for the function as it is written, where a version is named."""
FROZEN: Final = "frozen"
SHADOWED: Final = "frozen as a shadow"
PROMOTED: Final = "promoted"
ROLLED_BACK: Final = "rolled back"
CURRENT_AGAIN: Final = "current again"


@dataclass(frozen=True, slots=True)
class Step:
    """Something that became of a version."""

    version: str
    date: str
    what: str
    why: str
    facts: Mapping[str, object]


def announce(site: Site, version: str, change: str, *, reason: str) -> None:
    """Publish that another body answers, or runs beside; only for a function whose calls are told, too."""
    if not site.wanted.options.optimize_for:
        return
    from poet_import.events.event import Update  # it starts what writes events: for those alone who have some
    from poet_import.runtime.training import enqueue

    names = {name: told for told, name in names_in_events(site).items()}
    function = f"{modules_of(site.path)[0]}.{site.wanted.original.qualname}"
    enqueue(Update(function, names.get(version, OWN), version, change, reason, time_ns() // 1000 / 1e6))


def note(site: Site, version: str, what: str, *, why: str, **facts: object) -> None:
    """Write down what becomes of a version; the function itself has no record, and one that is broken stays as it is.

    Raises:
        OSError: It cannot be written.
    """
    if version == OWN:
        return
    date = datetime.now(UTC).isoformat(timespec="microseconds")  # steps have an order
    with suppress(TranspileError):
        site.store.note(site.place, version, {"date": date, "what": what, "why": why, **facts})


def history_of(site: Site) -> list[Step]:
    """Return what became of all versions of a function, oldest first."""
    return sorted(_steps(site), key=lambda step: step.date)


def steps_about(site: Site, version: str) -> list[Step]:
    """Return what became of one version, oldest first."""
    return [step for step in _steps(site) if step.version == version]


def promotions_of(site: Site, version: str) -> list[Step]:
    """Return when and why one version was promoted, oldest first."""
    return [step for step in steps_about(site, version) if step.what == PROMOTED]


def _steps(site: Site) -> Iterator[Step]:
    for version in site.store.versions(site.place):
        with suppress(TranspileError):
            for row in steps_of(site.store.read(site.place, version).record):
                date, what, why = (str(row.get(name, "")) for name in ("date", "what", "why"))
                yield Step(version, date, what, why, row)


def pointed(site: Site, pointer: str) -> str | None:
    """Return the version that a pointer names; a broken one names none, as the commands that mend it need it."""
    try:
        return site.store.pointed(site.place, pointer)
    except TranspileError:
        return None


def promote(site: Site, version: str, *, why: str) -> str:
    """Let a shadow answer, and return what answered before: a version, or the function itself.

    Raises:
        OSError: It cannot be written.
    """
    before = pointed(site, CURRENT) or OWN
    site.store.point(site.place, version)
    site.store.unpoint(site.place, SHADOW)
    note(site, version, PROMOTED, why=why, before=before)
    announce(site, version, PROMOTED, reason=why)
    return before


def roll_back(site: Site, version: str) -> str:
    """Let another version, or the function itself, answer again, and return what did.

    Raises:
        OSError: It cannot be written.
    """
    now = pointed(site, CURRENT) or OWN
    if version == OWN:
        site.store.unpoint(site.place, CURRENT)
    else:
        site.store.point(site.place, version)
    note(site, now, ROLLED_BACK, why=f"to {version}", to=version)
    note(site, version, CURRENT_AGAIN, why=f"{now} was", before=now)
    announce(site, version, CURRENT_AGAIN, reason=f"{now} was")
    return now


def names_in_events(site: Site) -> dict[str, str]:
    """Return what versions are called here by what events call them, the function itself first."""
    original = site.wanted.original
    names = {own_version(source_digest(original)): OWN}
    for version in site.store.versions(site.place):
        with suppress(TranspileError, SyntaxError):
            text = site.store.read(site.place, version).text
            names[model_version(text, original.qualname)] = version
    return names
