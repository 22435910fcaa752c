"""Requests about templates: reading is the library's; what is stored is tried first, in a worker."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from poet_import.service.configuration import ServiceSettings
from poet_import.service.library import StoredVersion, TemplateLibrary, VersionExistsError
from poet_import.service.pool import QueueFull, WorkerLost, WorkerPool
from poet_import.service.problems import Problem, ProblemError
from poet_import.service.schemas import DomainRow, Domains, Versions, VersionText
from poet_import.service.working import TOO_COSTLY, check_template

_TRIAL_SECONDS = 5.0


class TemplateService:
    """Answers requests about templates; those that change something come one after another."""

    def __init__(
        self,
        library: TemplateLibrary,
        pool: WorkerPool,
        *,
        configuration: ServiceSettings,
        on_change: Callable[[], None],
    ) -> None:
        self._library = library
        self._pool = pool
        self._memory = configuration.worker_memory
        self._on_change = on_change
        self._writing = asyncio.Lock()

    async def domains(self) -> Domains:
        """Return all domains."""
        return await asyncio.to_thread(self._domains)

    def _domains(self) -> Domains:
        rows = []
        for domain in self._library.domains():
            current = self._library.current(domain)
            stored = self._library.read(domain, current) if current else None
            description = str(stored.metadata.get("description", "")) if stored else ""
            language = str(stored.metadata.get("language", "python")) if stored else None
            rows.append(DomainRow(domain=domain, language=language, current=current, description=description))
        return Domains(templates=rows)

    async def versions(self, domain: str) -> Versions:
        """Return the versions of a domain.

        Raises:
            ProblemError: There is no such domain.
        """
        return await asyncio.to_thread(self._versions, domain)

    def _versions(self, domain: str) -> Versions:
        if self._library.folder(domain) is None:
            raise _unknown("domain")
        versions = self._library.versions(domain)
        return Versions(domain=domain, current=self._library.current(domain), versions=versions)

    async def read(self, domain: str, version: str | None) -> VersionText:
        """Return a version of a domain, the one in use if None is named.

        Raises:
            ProblemError: There is no such domain or version.
        """
        return await asyncio.to_thread(self._read, domain, version)

    def _read(self, domain: str, version: str | None) -> VersionText:
        if self._library.folder(domain) is None:
            raise _unknown("domain")
        chosen = version or self._library.current(domain) or ""
        stored = self._library.read(domain, chosen)
        if stored is None:
            raise _unknown("version")
        return VersionText(
            domain=domain,
            version=chosen,
            template=stored.template,
            train_addon=stored.train_addon,
            metadata=dict(stored.metadata),
        )

    async def store(self, domain: str, version: str | None, stored: StoredVersion) -> VersionText:
        """Store a version of a domain, the next one if no name is given.

        Raises:
            ProblemError: It is broken, or there already, or cannot be written.
        """
        async with self._writing:
            versions = await asyncio.to_thread(self._library.versions, domain)
            name = version or f"v{max((int(one[1:]) for one in versions), default=0) + 1}"
            if name in versions:
                raise _there_already()
            try:
                with self._library.draft(domain, name, stored) as draft:
                    await self._try((str(draft), *self._library.roots), domain)
                    await asyncio.to_thread(self._library.take_over, draft, domain, name)
            except VersionExistsError as error:
                raise _there_already() from error
            except OSError as error:
                raise _unwritable() from error
            self._on_change()
        return await self.read(domain, name)

    async def _try(self, roots: tuple[str, ...], domain: str) -> None:
        try:
            fault = await self._pool.run(check_template, roots, domain, self._memory, seconds=_TRIAL_SECONDS)
        except QueueFull as error:
            raise ProblemError(Problem(503, "all workers are busy; try again", headers={"retry-after": "1"})) from error
        except (TimeoutError, WorkerLost):
            fault = TOO_COSTLY
        if fault is not None:
            raise ProblemError(Problem(422, "the template cannot be used", (fault,)))

    async def use(self, domain: str, version: str) -> Versions:
        """Let a version of a domain be the one in use.

        Raises:
            ProblemError: There is no such domain or version, or it cannot be written down.
        """
        async with self._writing:
            found = await self.versions(domain)
            if version not in found.versions:
                raise _unknown("version")
            try:
                await asyncio.to_thread(self._library.use, domain, version)
            except OSError as error:
                raise _unwritable() from error
            self._on_change()
            return await self.versions(domain)


def _unknown(what: str) -> ProblemError:
    return ProblemError(Problem(404, f"there is no such {what}"))


def _there_already() -> ProblemError:
    return ProblemError(Problem(409, "there is such a version already, and a stored one never changes"))


def _unwritable() -> ProblemError:
    return ProblemError(Problem(503, "the folder of templates cannot be written to; the log says why"))
