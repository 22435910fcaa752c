"""The events as those see them who subscribe or read; ``docs/events.schema.json`` says the same of their JSON."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from poet_import.runtime.training import execution_id

if TYPE_CHECKING:
    from poet_import.runtime.training import Call, Failure

SCHEMA = 1
Fact = str | int | float | bool | None


def topic_of(function: str, kind: str) -> str:
    """Return the topic that events of a kind about a function go to."""
    return f"poet/functions/{function}/{kind}"


@dataclass(frozen=True, slots=True)
class Failed:
    """How a call failed.

    Attributes:
        type: Of the exception, with its module unless that is ``builtins``.
        parameter: The parameter whose check failed, or ``return``; empty where no check did.
        expected: What it should have been.
        message: What the exception says; only where values are recorded.
    """

    type: str
    parameter: str = ""
    expected: str = ""
    message: str | None = None

    def to_dict(self) -> dict[str, object]:
        """Return the event's JSON of it."""
        check = {"parameter": self.parameter, "expected": self.expected} if self.parameter else {}
        return {"type": self.type, **check, **({} if self.message is None else {"message": self.message})}


@dataclass(frozen=True, slots=True)
class Execution:
    """One call of a function with ``optimize_for``, or one pass through its generator.

    Attributes:
        function: Module and qualified name.
        version: What tells the body that ran from others: ``own-`` or ``model-`` and a digest.
        execution_id: Names the call, in every process.
        start: When it began, in seconds since 1970.
        end: When it ended.
        status: ``success``, ``operate_error``, ``perceive_error``, ``enforce_error``, ``timeout``, ``cancelled`` (an
            exception that is no ``Exception``) or ``closed`` (a generator that was left before its end).
        duration_ms: How long it took, by a clock that is never set.
        retries: How many attempts came after the first.
        error: How it failed; None where it did not.
        arguments: The arguments as texts, where values are recorded.
        result: The result as text, where values are recorded.
    """

    function: str
    version: str
    execution_id: str
    start: float
    end: float
    status: str
    duration_ms: float
    retries: int
    error: Failed | None = None
    arguments: Mapping[str, str] | None = None
    result: str | None = None

    @property
    def topic(self) -> str:
        """Return where the event is published."""
        return topic_of(self.function, "execution")

    def to_dict(self) -> dict[str, object]:
        """Return the event as it is written in JSON."""
        values = {"arguments": self.arguments, "result": self.result}
        return {
            "topic": self.topic,
            "event": "function.execution",
            "schema": SCHEMA,
            "function": self.function,
            "version": self.version,
            "execution_id": self.execution_id,
            "start": self.start,
            "end": self.end,
            "status": self.status,
            "duration_ms": self.duration_ms,
            "retries": self.retries,
            "error": self.error.to_dict() if self.error else None,
            **{name: value for name, value in values.items() if value is not None},
        }


@dataclass(frozen=True, slots=True)
class Feedback:
    """What somebody says of one execution.

    Attributes:
        function: The function that was called.
        execution_id: The call.
        feedback_id: The same for the same feedback: who reads it twice counts it once.
        value: The verdict.
        time: When it was given, in seconds since 1970.
        facts: What else is known of it.
    """

    function: str
    execution_id: str
    feedback_id: str
    value: Fact
    time: float
    facts: Mapping[str, Fact] = field(default_factory=dict)

    @property
    def topic(self) -> str:
        """Return where the event is published."""
        return topic_of(self.function, "feedback")

    def to_dict(self) -> dict[str, object]:
        """Return the event as it is written in JSON."""
        return {
            "topic": self.topic,
            "event": "function.feedback",
            "schema": SCHEMA,
            "function": self.function,
            "execution_id": self.execution_id,
            "feedback_id": self.feedback_id,
            "value": self.value,
            "time": self.time,
            "facts": dict(self.facts),
        }


@dataclass(frozen=True, slots=True)
class Update:
    """Another body begins or ceases to answer for a function, or to run beside it.

    Attributes:
        function: The function, under the shortest module name that its file may be imported by.
        version: What executions of that body are told by; ``own`` alone where the function itself is meant.
        name: What commands call it: ``v2``, or ``own``.
        change: ``frozen``, ``frozen as a shadow``, ``promoted`` or ``current again``.
        reason: Why, in words.
        time: When, in seconds since 1970.
    """

    function: str
    version: str
    name: str
    change: str
    reason: str
    time: float

    @property
    def topic(self) -> str:
        """Return where the event is published."""
        return topic_of(self.function, "updates")

    def to_dict(self) -> dict[str, object]:
        """Return the event as it is written in JSON."""
        return {
            "topic": self.topic,
            "event": "function.update",
            "schema": SCHEMA,
            "function": self.function,
            "version": self.version,
            "name": self.name,
            "change": self.change,
            "reason": self.reason,
            "time": self.time,
        }


Event = Execution | Feedback | Update


def execution_of(call: Call, since: int) -> Execution:
    """Return the event of a call; ``since`` is what the time of day (ns) is ahead of the clock of calls."""
    begun, ended, _, _, module, site, retries, failure, values, result = call
    qualname, _, version = site.rpartition("@")
    return Execution(
        function=f"{module}.{qualname}",
        version=version,
        execution_id=execution_id(call),
        start=(since + begun) // 1000 / 1e6,  # exactly what the decimals in a line say
        end=(since + ended) // 1000 / 1e6,
        status=failure[0] if failure else "success",
        duration_ms=(ended - begun) // 100 / 1e4,
        retries=retries,
        error=failed_of(failure) if failure else None,
        arguments=None if values is False else values,
        result=result,
    )


def failed_of(failure: Failure) -> Failed:
    """Return how a call failed, without the status."""
    return Failed(*failure[1:])
