"""What is asked of a callable whose source is not at hand, and how each call of it is held to that."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import Any

from poet_import import runtime
from poet_import.errors import EnforceError, PerceiveError, PoetTimeout
from poet_import.marker.executions import Execution
from poet_import.model import Check
from poet_import.runtime import rules
from poet_import.runtime.attempts import Attempt, next_attempt
from poet_import.runtime.hosting import CONTEXT, resolved
from poet_import.runtime.predicates import Predicate
from poet_import.runtime.tasks import start_in_task, stop_in_task, timed_out_in_task
from poet_import.runtime.watchdog import Expired, Timer, start, stop, timed_out

Function = Callable[..., Any]  # whatever the user's callable takes and returns


@dataclass(frozen=True, slots=True)
class Contract:
    """What is asked of one callable, worked out once."""

    function: Function
    name: str
    signature: inspect.Signature
    tests: Mapping[str, tuple[Predicate, str]]  # by parameter, and "return"
    checks: tuple[Check, ...]
    on_violation: str
    retries: int
    retry_on: object
    seconds: float | None
    place: tuple[str, str] | None  # what its calls are recorded under, if they are

    def execution(self, args: tuple[object, ...], kwargs: Mapping[str, object]) -> Execution:
        """Return the record of a call that begins."""
        return Execution(self.place).begin(self.signature, args, kwargs)

    def perceive(self, args: tuple[object, ...], kwargs: dict[str, object]) -> tuple[object, ...]:
        """Return the positional arguments without a host's promises; those in ``kwargs`` are resolved there.

        It raises or warns if an argument breaks its annotation or a rule.
        """
        args = tuple([resolved(value) for value in args])
        kwargs.update({name: resolved(value) for name, value in kwargs.items()})
        try:
            values = self.signature.bind(*args, **kwargs).arguments
        except TypeError:  # the call itself will say so, in Python's words
            return args
        for name, value in values.items():
            parameter = self.signature.parameters[name]
            several = list(value) if parameter.kind is parameter.VAR_POSITIONAL else [value]
            several = list(value.values()) if parameter.kind is parameter.VAR_KEYWORD else several
            if value is not parameter.default and name not in CONTEXT:
                for item in several[: runtime.MOST_ITEMS]:
                    self._check(PerceiveError, name, item)
        return args

    def check_result(self, value: object) -> None:
        """Raise or warn if the result breaks its annotation or a rule."""
        self._check(EnforceError, "return", value)

    def _check(self, kind: type[PerceiveError | EnforceError], name: str, value: object) -> None:
        if name in self.tests and value is not NotImplemented:
            test, expected = self.tests[name]
            if not test(value):
                self._refuse(kind, name, expected=expected, value=value)
        for check in self.checks:
            if check.rule not in rules.JOINT and any(fnmatchcase(name, pattern) for pattern in check.match):
                options = dict(check.arguments)
                if not rules.RULES[check.rule](value, **options):
                    expected = rules.describe(check.rule, options)
                    self._refuse(kind, name, expected=expected, value=value)

    def _refuse(self, kind: type[PerceiveError | EnforceError], name: str, *, expected: str, value: object) -> None:
        error = kind(self.name, name, expected, runtime.describe_value(value))
        if self.on_violation == "raise":
            raise error
        runtime.warn(error, frames=5)  # perceive or check_result, _check and this method stand between, and the wrapper

    def again(
        self, error: Exception, attempt: object, *, call: Execution, timer: Timer | None = None
    ) -> Attempt | None:
        """Return the attempt to make after an error, or None."""
        timed = timer if self.seconds is not None else None
        found = next_attempt(error, attempt, retries=self.retries, retry_on=self.retry_on, timer=timed)
        if found is not None:
            call.retries = found.number
        return found

    @contextmanager
    def limit(self, timer: Timer, *, in_task: bool) -> Iterator[None]:
        """Bound a call in time."""
        if self.seconds is None:
            yield
            return
        begin, end = (start_in_task, stop_in_task) if in_task else (start, stop)
        settle: Any = timed_out_in_task if in_task else timed_out  # both take what they are given here
        awaited: tuple[type[BaseException], ...] = (Expired, *(runtime.interruptions() if in_task else ()))
        try:
            begin(timer, self.seconds)
            try:
                yield
            finally:
                end(timer)
        except awaited as expired:
            raised = settle(expired, timer)
            if isinstance(raised, PoetTimeout):
                raised.function = self.name
            raise raised  # noqa: B904  (what is raised has its cause already)
