"""Which version of a function each call ran, without a memory of each call."""

from __future__ import annotations

from bisect import bisect_right, insort

from poet_import.events.scanning import Ended, place_of


class _Turn:
    """The versions that one process has called, by the number of the call at which each began.

    A call's number is the process's own count, and a process calls one version until it loads another.
    """

    def __init__(self) -> None:
        self._begins: list[int] = []
        self._versions: dict[int, str] = {}
        self._highest = -1

    def learn(self, number: int, version: str) -> None:
        """Remember a call; calls may come in any order."""
        before = self.version_at(number)
        if before != version:
            if before is not None and number < self._highest and number + 1 not in self._versions:
                self._begin(number + 1, before)  # this call is late: those after it were of the version before
            self._begin(number, version)
        self._highest = max(self._highest, number)

    def _begin(self, number: int, version: str) -> None:
        if number not in self._versions:
            insort(self._begins, number)
        self._versions[number] = version

    def version_at(self, number: int) -> str | None:
        place = bisect_right(self._begins, number)
        return self._versions[self._begins[place - 1]] if place else None


class Turns:
    """The versions that were called, process by process."""

    def __init__(self) -> None:
        self._processes: dict[str, _Turn] = {}

    def learn(self, call: Ended) -> None:
        """Remember which version a call ran."""
        if (turn := self._processes.get(call.process)) is None:
            turn = self._processes[call.process] = _Turn()
        turn.learn(call.number, call.version)

    def version_of(self, execution_id: str) -> str | None:
        """Return the version that a call ran, or None where no call of its process up to it is known."""
        process, number = place_of(execution_id)
        turn = self._processes.get(process)
        return turn.version_at(number) if turn else None
