"""Freeze implementations for the functions of a project: what is missing is generated, several at once."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Literal

from poet_import.cache.frozen import CURRENT, SHADOW
from poet_import.model import Usage
from poet_import.source.normal import source_digest
from poet_import.transpiler.history import FROZEN, SHADOWED, announce
from poet_import.transpiler.improving import Improver
from poet_import.transpiler.project import Site
from poet_import.transpiler.woven import Body, Outcome

Stage = Literal["waiting", "asking", "judging", "frozen", "failed", "left"]


@dataclass(frozen=True, slots=True)
class Step:
    """How far one function is."""

    site: Site
    stage: Stage
    tokens: int = 0  # in and out, so far
    note: str = ""  # the version that was frozen, or why none was


class Builder:
    """Builds the implementations of some functions, one question for each at a time."""

    def __init__(
        self,
        improver: Improver,
        tell: Callable[[Step], None],
        *,
        jobs: int,
        budget: int | None = None,
        pointer: str = CURRENT,
    ) -> None:
        """Take how it is done.

        Args:
            improver: What asks, judges and keeps.
            tell: Takes each step.
            jobs: How many functions are worked on at once.
            budget: Tokens, in and out; past that nothing more is asked for. None for no limit.
            pointer: What is to point to what is frozen.
        """
        self._improver = improver
        self._tell = tell
        self._jobs = jobs
        self._budget = budget
        self._pointer = pointer
        self._spent: Counter[str] = Counter()  # tokens of whole answers, by the function

    async def build(self, sites: Sequence[Site]) -> list[Step]:
        """Freeze what can be had for each function, and return the last step of each, in the order given."""
        slots = asyncio.Semaphore(self._jobs)

        async def one(site: Site) -> Step:
            async with slots:
                step = await self._build(site)
            self._tell(step)
            return step

        return list(await asyncio.gather(*map(one, sites)))

    async def _build(self, site: Site) -> Step:
        known = self._improver.known(site.wanted)
        if isinstance(known, Body) and not await self._improver.still_holds(known, site.wanted):
            known = None
        if known is None:
            if self._budget is not None and self._spent.total() >= self._budget:
                return Step(site, "left", note=f"the budget of {self._budget:,} tokens is used up")
            (known,) = await self._improver.improve([site.wanted], lambda _, *seen: self._observe(site, *seen))
        return self._settled(site, known)

    def _observe(self, site: Site, usage: Usage, stage: Literal["asking", "judging"]) -> None:
        tokens = usage.input_tokens + usage.output_tokens
        before = self._spent[site.target]
        if stage == "judging":
            self._spent[site.target] += tokens
        self._tell(Step(site, stage, before + tokens))

    def _settled(self, site: Site, outcome: Outcome) -> Step:
        if not isinstance(outcome, Body):
            note = getattr(outcome, "reason", "it is still being generated")
            return Step(site, "failed", self._spent[site.target], note)
        if self._pointer == SHADOW and not site.may_be_shadowed(outcome.record):
            note = "it cannot have a shadow: its calls may have effects, or need what is around it"
            return Step(site, "failed", self._spent[site.target], note)
        try:
            return Step(site, "frozen", self._spent[site.target], freeze(site, outcome, pointer=self._pointer))
        except OSError as error:
            return Step(site, "failed", note=f"{site.store.folder} cannot be written to ({error.strerror or error})")


def freeze(site: Site, body: Body, *, pointer: str = CURRENT) -> str:
    """Freeze a body for a function, and return its version; one that is there already is pointed to.

    Raises:
        OSError: It cannot be written.
    """
    digest = source_digest(site.wanted.original)
    store, place, text = site.store, site.place, body.implementation.operate
    store.sweep(place)
    known = (one for one in reversed(store.versions(place)) if store.holds(place, one, text=text, source_digest=digest))
    version = next(known, None)
    if version is None:
        version = store.add(place, text, {**body.record, "source_digest": digest}, pointer=pointer)
    else:
        store.point(place, version, pointer)
    announce(site, version, FROZEN if pointer == CURRENT else SHADOWED, reason=f"written by {body.model}")
    return version
