"""The record of one call of a wrapped callable: what the woven train phase is to a function with source."""

from __future__ import annotations

import inspect
from collections.abc import Mapping
from dataclasses import dataclass, field
from types import TracebackType

from poet_import import runtime
from poet_import.runtime import training
from poet_import.runtime.hosting import CONTEXT
from poet_import.runtime.snapshots import message_of, shown

_OWNERS = ("self", "cls")  # without its source nobody can say which function is a method


@dataclass(slots=True)
class Execution:
    """A call under way.

    Attributes:
        place: Module and site of the callable; None where nothing is recorded.
        retries: How many attempts came after the first.
        result: What is returned; absent for a generator.
    """

    place: tuple[str, str] | None
    retries: int = 0
    result: tuple[object, ...] = ()
    _begun: int = 0
    _values: dict[str, str] | bool = False
    _arguments: dict[str, object] = field(default_factory=dict)

    def begin(self, signature: inspect.Signature, args: tuple[object, ...], kwargs: Mapping[str, object]) -> Execution:
        """Take the time, and the arguments where they are recorded."""
        if self.place is not None and runtime.records:
            try:
                self._arguments = signature.bind(*args, **kwargs).arguments
            except TypeError:  # the call itself will say so, in Python's words
                self._arguments = {}
            told = {name: value for name, value in self._arguments.items() if name not in (*CONTEXT, *_OWNERS)}
            self._values = runtime.given(**told)
        self._begun = runtime.clock() if self.place is not None else 0
        return self

    def __enter__(self) -> Execution:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        if self.place is None:
            return
        ended: training.Failure | str | None = None
        if error is not None:
            module, site = self.place
            message = None if self._values is False else message_of(error, self._arguments)
            ended = training.failure_of(error, f"{module}.{site.rpartition('@')[0]}", message)
        elif self._values is not False and self.result:
            ended = shown(self.result[0])
        training.record(self._begun, self.place, self.retries, values=self._values, ended=ended)  # type: ignore[arg-type]  # a bool is False
