"""The one path from a module's source to what is woven, with or without a generator."""

from __future__ import annotations

import os
import warnings
from collections.abc import Mapping
from typing import TYPE_CHECKING

from poet_import.errors import PoetFallbackWarning
from poet_import.model import PoetOptions
from poet_import.source.discovery import PoetFunction
from poet_import.templates import TemplateStore
from poet_import.transpiler.requests import Wanted, is_improvable, wanted_of
from poet_import.transpiler.weaving import Reading, depth_checked, read_source, weave_reading
from poet_import.transpiler.woven import Fallback, Outcome, Woven

if TYPE_CHECKING:  # it loads asyncio and the gates, which nobody needs offline
    from poet_import.transpiler.improving import Improver


class Transpiler:
    """Weaves modules over one template store, with bodies from a generator if there is one."""

    def __init__(self, store: TemplateStore, improver: Improver | None = None, *, unavailable: str = "") -> None:
        """Take where bodies come from, or why what was configured for that cannot be had."""
        self._store = store
        self._improver = improver
        self._unavailable = unavailable

    def transpile(
        self,
        source: bytes | str,
        filename: str,
        *,
        options: Mapping[int, PoetOptions] | None = None,
        asks: bool = True,
    ) -> Woven:
        """Weave every marked function of a module; the arguments and errors are those of `weave_source`.

        One `PoetFallbackWarning`, at its place in the user's file, for each function that should have got another body.
        Where it is not to ask, only bodies that are known already are used.
        """
        reading = read_source(source, filename, options=options)
        with depth_checked(filename):
            outcomes, wanted = self._known(reading)
        if wanted and asks and self._improver is not None:
            outcomes |= self._improver.ask(wanted, os.path.basename(filename))
        return self._weave(reading, outcomes)

    async def atranspile(self, source: bytes | str, filename: str) -> Woven:
        """Do the same without holding up the running event loop."""
        import asyncio  # loaded where this is called

        reading = await asyncio.to_thread(read_source, source, filename)
        with depth_checked(filename):
            outcomes, wanted = await asyncio.to_thread(self._known, reading)
        if wanted and self._improver is not None:
            outcomes |= await self._improver.aask(wanted)
        return await asyncio.to_thread(self._weave, reading, outcomes)

    def _known(self, reading: Reading) -> tuple[dict[PoetFunction, Outcome], dict[PoetFunction, Wanted]]:
        """Return what is known of the functions that may get another body, and what is wanted for the rest."""
        outcomes: dict[PoetFunction, Outcome] = {}
        wanted: dict[PoetFunction, Wanted] = {}
        if self._improver is None and not self._unavailable:
            return outcomes, wanted
        plans = {function: plan for function, plan in reading.plans(self._store).items() if is_improvable(plan)}
        if self._improver is None:
            return dict.fromkeys(plans, Fallback(self._unavailable)), wanted
        for function, plan in plans.items():
            one = wanted_of(plan, reading.source)
            outcome = self._improver.known(one)
            if outcome is None:
                wanted[function] = one
            else:
                outcomes[function] = outcome
        return outcomes, wanted

    def _weave(self, reading: Reading, outcomes: dict[PoetFunction, Outcome]) -> Woven:
        woven = weave_reading(reading, self._store, outcomes)
        for function in woven.functions:
            if isinstance(function.outcome, Fallback):
                message = f"{function.qualname} runs as it is written: {function.outcome.reason}"
                warnings.warn_explicit(message, PoetFallbackWarning, reading.filename, function.first_line)
        return woven
