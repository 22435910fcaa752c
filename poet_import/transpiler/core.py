"""The one path from a module's source to what is woven, with or without a generator."""

from __future__ import annotations

import os
import warnings
from collections.abc import Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Literal, TypeVar

from poet_import.cache.stamps import folder_beside
from poet_import.errors import PoetFallbackWarning
from poet_import.model import PoetOptions
from poet_import.source.discovery import PoetFunction
from poet_import.templates import TemplateStore
from poet_import.transpiler.reading import Reading, depth_checked, read_source
from poet_import.transpiler.requests import Wanted, is_improvable, wanted_of
from poet_import.transpiler.weaving import weave_reading
from poet_import.transpiler.woven import Fallback, Outcome, Shadow, Woven

if TYPE_CHECKING:  # it loads asyncio and the gates, which nobody needs offline
    from poet_import.transpiler.improving import Improver


Frozen = Literal["preferred", "wanted", "required"]
Key = TypeVar("Key")


class Transpiler:
    """Weaves modules over one template store, with bodies from a generator if there is one."""

    def __init__(
        self,
        store: TemplateStore,
        improver: Improver | None = None,
        *,
        unavailable: str = "",
        frozen: Frozen = "preferred",
        traces: bool = False,
    ) -> None:
        """Take where bodies come from.

        Args:
            store: The domains.
            improver: What asks a generator.
            unavailable: Why what was configured for that cannot be had.
            frozen: What holds where nothing fitting is frozen beside a module: ``preferred``, something else may be
                used; ``wanted``, the user's own body with a warning; ``required``, a `StaleError`.
            traces: Whether functions are to tell of each call for ``poet record``.
        """
        self._store = store
        self._improver = improver
        self._unavailable = unavailable
        self._frozen = frozen
        self._traces = traces

    def transpile(
        self,
        source: bytes | str,
        filename: str,
        *,
        options: Mapping[int, PoetOptions] | None = None,
        asks: bool = True,
        surroundings: tuple[tuple[str, str], ...] = (),
        is_hosted: bool = False,
    ) -> Woven:
        """Weave every marked function of a module; the arguments and errors are those of `weave_source`.

        One `PoetFallbackWarning`, at its place in the user's file, for each function that should have got another body.
        Where it is not to ask, only bodies that are known already are used.
        """
        found = read_source(source, filename, options=options, is_hosted=is_hosted)
        reading = replace(found, surroundings=surroundings)
        return self.transpile_reading(reading, asks=asks, shown_as=os.path.basename(filename))

    def transpile_reading(self, reading: Reading, *, asks: bool = True, shown_as: str = "") -> Woven:
        """Do the same with a module that was read already; progress is shown under a name, or not at all."""
        with depth_checked(reading.filename):
            outcomes, wanted = self._known(reading)
        if wanted and asks and self._improver is not None:
            outcomes |= self._improver.ask(wanted, shown_as)
        return self._weave(reading, outcomes)

    @property
    def asks(self) -> bool:
        """Tell whether functions are to get other bodies from a generator, be it that it cannot be had."""
        return self._improver is not None or bool(self._unavailable)

    def bodies(self, wanted: Mapping[Key, Wanted], shown_as: str = "") -> dict[Key, Outcome]:
        """Return what became of asking for each of some functions; progress is shown under a name, or not at all."""
        outcomes, left = self._generated(wanted)
        if left and self._improver is not None:
            outcomes |= self._improver.ask(left, shown_as)
        return outcomes

    def _generated(self, wanted: Mapping[Key, Wanted]) -> tuple[dict[Key, Outcome], dict[Key, Wanted]]:
        """Return what is known of the functions that are wanted without asking anybody, and those to ask for."""
        if self._unavailable:
            return dict.fromkeys(wanted, Fallback(self._unavailable)), {}
        if self._improver is None:
            return {}, {}
        found = {key: self._improver.known(one) for key, one in wanted.items()}
        outcomes = {key: outcome for key, outcome in found.items() if outcome is not None}
        return outcomes, {key: one for key, one in wanted.items() if key not in outcomes}

    async def atranspile(
        self, source: bytes | str, filename: str, *, surroundings: tuple[tuple[str, str], ...] = ()
    ) -> Woven:
        """Do the same without holding up the running event loop."""
        import asyncio  # loaded where this is called

        reading = replace(await asyncio.to_thread(read_source, source, filename), surroundings=surroundings)
        with depth_checked(filename):
            outcomes, wanted = await asyncio.to_thread(self._known, reading)
        if wanted and self._improver is not None:
            outcomes |= await self._improver.aask(wanted)
        return await asyncio.to_thread(self._weave, reading, outcomes)

    def _known(self, reading: Reading) -> tuple[dict[PoetFunction, Outcome], dict[PoetFunction, Wanted]]:
        """Return what is known of the functions that may get another body, and what is wanted for the rest."""
        is_frozen = self._frozen != "preferred" or bool(folder_beside(reading.filename))
        if not self.asks and not is_frozen:
            return {}, {}
        plans = {function: plan for function, plan in reading.plans(self._store).items() if is_improvable(plan)}
        wanted = {function: wanted_of(plan, reading.source, reading.surroundings) for function, plan in plans.items()}
        outcomes = self._frozen_outcomes(reading, wanted) if is_frozen else {}
        known, left = self._generated({key: one for key, one in wanted.items() if key not in outcomes})
        outcomes |= known
        return outcomes, self._with_traces(reading, left) if left and is_frozen else left

    def _with_traces(self, reading: Reading, wanted: dict[PoetFunction, Wanted]) -> dict[PoetFunction, Wanted]:
        from poet_import.transpiler.traces import all_with_traces  # for the few that ask, and have recorded something

        return all_with_traces(reading.filename, reading.functions, wanted)

    def _frozen_outcomes(self, reading: Reading, wanted: dict[PoetFunction, Wanted]) -> dict[PoetFunction, Outcome]:
        # Loads the gates: not for the many that freeze nothing.
        from poet_import.transpiler.freezing import frozen_outcomes

        return frozen_outcomes(reading.filename, reading.functions, wanted, frozen=self._frozen, has_others=self.asks)

    def _shadows(self, reading: Reading, outcomes: dict[PoetFunction, Outcome]) -> dict[PoetFunction, Shadow]:
        """Return what is to run beside the functions of a module."""
        if not folder_beside(reading.filename):
            return {}
        from poet_import.transpiler.freezing import frozen_shadows  # as above

        plans = {function: plan for function, plan in reading.plans(self._store).items() if is_improvable(plan)}
        wanted = {function: wanted_of(plan, reading.source, reading.surroundings) for function, plan in plans.items()}
        return frozen_shadows(reading.filename, reading.functions, wanted, outcomes=outcomes)

    def _weave(self, reading: Reading, outcomes: dict[PoetFunction, Outcome]) -> Woven:
        woven = weave_reading(
            reading, self._store, outcomes, shadows=self._shadows(reading, outcomes), traces=self._traces
        )
        for function in woven.functions:
            if isinstance(function.outcome, Fallback):
                message = f"{function.qualname} runs as it is written: {function.outcome.reason}"
                warnings.warn_explicit(message, PoetFallbackWarning, reading.filename, function.first_line)
        return woven
