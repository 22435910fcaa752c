"""The woven lines of each phase, as text with the place that they will seem to lie at."""

from __future__ import annotations

import ast
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import NamedTuple

from poet_import.model import Check, OnViolation
from poet_import.runtime import rules
from poet_import.source.annotations import Hint, quoted
from poet_import.source.linemap import NOWHERE, Place

_LONGEST = 100  # columns of a woven line that can be broken


class Line(NamedTuple):
    """One woven line."""

    depth: int  # levels of indentation below the body's
    text: str
    place: Place
    inside: str = ""  # follows the text, on a line of its own where the whole is long
    end: str = ""  # follows what is inside

    def render(self, indent: str, unit: str) -> str:
        """Return the line, or the three that it is broken into, each below the body's own indentation."""
        start = indent + unit * self.depth
        whole = f"{start}{self.text}{self.inside}{self.end}"
        if not self.inside or len(whole.expandtabs(4)) <= _LONGEST:
            return whole
        return f"{start}{self.text}\n{start}{unit}{self.inside}\n{start}{self.end}"


@dataclass(frozen=True, slots=True)
class Subject:
    """A parameter, or the result, with what is asked of it."""

    name: str  # as the runtime knows it: the mangled parameter name, or "return"
    variable: str  # as the woven line reads it
    hint: Hint
    passes_default: bool = False  # a default that the hint may not allow passes all the same
    default: ast.expr | None = None
    kind: str = ""  # "*" and "**" for the parameters that collect others
    passes_not_implemented: bool = False  # an operator says so that it leaves the answer to its other operand


@dataclass(frozen=True, slots=True)
class Tests:
    """How the checks of one function are phrased."""

    on_violation: OnViolation
    place: Place  # where a raised violation seems to come from: the decorator

    def lines(self, phase: str, tests: Iterable[tuple[str, str]], place: Place, *, wrap: str = "") -> Iterator[Line]:
        """Yield an ``if`` for each pair of a condition and the arguments of its violation."""
        for condition, arguments in tests:
            yield Line(0, f"if {condition}:", place)
            yield self.violation(phase, arguments, place, wrap=wrap)._replace(depth=1)

    def violation(self, phase: str, arguments: str, place: Place, *, wrap: str = "") -> Line:
        """Return the line that tells of a violation."""
        call = f"__poet__.{phase}({arguments})"
        if self.on_violation == "warn":
            return Line(0, "__poet__.warn(", place, call, ")")
        if wrap:
            return Line(0, f"raise __poet__.{wrap}(", self.place, call, ")")
        return Line(0, f"raise __poet__.{phase}(", self.place, arguments, ")")


def received(names: Sequence[str], place: Place) -> Line:
    """Return the line that takes the arguments from a host, whose promises it resolves."""
    targets = f"({names[0]},)" if len(names) == 1 else ", ".join(names)
    several = ", ".join(names)
    return Line(0, f"{targets} = __poet__.received(" if names else "__poet__.received(", place, several, ")")


def type_test(subject: Subject) -> tuple[str, str] | None:
    """Return the condition under which a value breaks its annotation, and the arguments of the violation."""
    hint, variable = subject.hint, subject.variable
    if hint.accepts_all:
        return None
    if subject.kind:
        return (
            f"not __poet__.fits({quoted(subject.kind + subject.name)}, {variable})",
            f"{quoted(subject.name)}, {variable}",
        )
    condition = hint.rejects(variable, name=subject.name)
    if subject.passes_default:
        condition += _unless_default(subject)
    if subject.passes_not_implemented and not hint.deep:
        condition += f" and {variable} is not NotImplemented"
    expected = "" if hint.deep else f", {quoted(hint.text)}"
    return condition, f"{quoted(subject.name)}, {variable}{expected}"


def rule_tests(checks: Sequence[Check], subjects: Sequence[Subject]) -> Iterator[tuple[str, str]]:
    """Yield the conditions under which values break the rules that a domain declares for them."""
    for check in checks:
        options = "".join(f", {name}={value!r}" for name, value in check.arguments)
        expected = rules.describe(check.rule, dict(check.arguments))
        for group in _matches(check, subjects):
            variables = ", ".join(subject.variable for subject in group)
            arguments = f"{quoted(group[0].name)}, {group[0].variable}, {quoted(expected)}"
            passing = "".join(_unless_default(subject) for subject in group if _may_break(check, subject.default))
            yield f"not __poet__.rules.{check.rule}({variables}{options}){passing}", arguments


def _may_break(check: Check, default: ast.expr | None) -> bool:
    """Tell whether a default may break a rule: it passes all the same, as what the function's author has chosen."""
    if not isinstance(default, ast.Constant) or check.rule in rules.JOINT:
        return default is not None
    return not rules.RULES[check.rule](default.value, **dict(check.arguments))


def _unless_default(subject: Subject) -> str:
    return f" and not __poet__.is_default({quoted(subject.name)}, {subject.variable})"


def _matches(check: Check, subjects: Sequence[Subject]) -> Iterator[tuple[Subject, ...]]:
    plain = [subject for subject in subjects if not subject.kind]
    if check.rule in rules.JOINT:
        found = [[subject for subject in plain if fnmatchcase(subject.name, pattern)] for pattern in check.match]
        if all(len(several) == 1 for several in found):
            yield tuple(several[0] for several in found)
        return
    for subject in plain:
        if any(fnmatchcase(subject.name, pattern) for pattern in check.match):
            yield (subject,)


def item_tests(checks: Sequence[Check], variable: str) -> Iterator[tuple[str, str]]:
    """Yield the conditions for rules about ``return.<key>``: the value under a key of a returned dict."""
    for check in checks:
        options = "".join(f", {name}={value!r}" for name, value in check.arguments)
        expected = rules.describe(check.rule, dict(check.arguments))
        for pattern in check.match:
            key = pattern.removeprefix("return.")
            if key != pattern:
                condition = f"not __poet__.item_keeps({variable}, {quoted(key)}, {quoted(check.rule)}{options})"
                yield condition, f"{quoted(pattern)}, {variable}, {quoted(expected)}"


@dataclass(frozen=True, slots=True)
class Loop:
    """The retry loop of one function."""

    retries: int
    retry_on: str  # an expression of built-in exceptions, or nothing where the runtime knows better
    timed: bool
    is_async: bool
    kept: tuple[str, ...]  # parameters to restore before each further attempt
    noted: str = ""  # what the train phase keeps of a further attempt, as a statement

    def opening(self, place: Place) -> Iterator[Line]:
        """Yield the lines above the body, which stands two levels deeper."""
        if self.kept:
            yield Line(0, f"_poet_kept = {', '.join(self.kept)}", place)
        yield Line(0, "_poet_attempt = None", place)
        yield Line(0, "while True:", place)
        yield Line(1, "try:", place)

    def closing(self, place: Place) -> Iterator[Line]:
        """Yield the lines below the body; ``place`` is where a wait seems to happen."""
        options = f", retry_on={self.retry_on}" if self.retry_on else ""
        options += ", timer=_poet_timer" if self.timed else ""
        arguments = f"_poet_error, _poet_attempt, retries={self.retries}{options}"
        yield Line(1, "except Exception as _poet_error:", NOWHERE)
        yield Line(2, "_poet_attempt = __poet__.next_attempt(", NOWHERE, arguments, ")")
        yield Line(2, "if _poet_attempt is None:", NOWHERE)
        yield Line(3, "raise", NOWHERE)
        if self.noted:
            yield Line(2, self.noted, NOWHERE)
        yield Line(2, "await _poet_attempt.pause()" if self.is_async else "_poet_attempt.wait()", place)
        if self.kept:
            yield Line(2, f"{', '.join(self.kept)} = _poet_kept", NOWHERE)


@dataclass(frozen=True, slots=True)
class Deadline:
    """The time limit around one function."""

    seconds: float
    is_async: bool

    def opening(self, place: Place) -> Iterator[Line]:
        """Yield the lines above the body, which stands two levels deeper."""
        start = "start_in_task" if self.is_async else "start"
        yield Line(0, "_poet_timer = __poet__.Timer()", place)
        yield Line(0, "try:", place)
        yield Line(1, f"__poet__.{start}(_poet_timer, {self.seconds!r})", place)
        yield Line(1, "try:", place)

    def closing(self, place: Place) -> Iterator[Line]:
        """Yield the lines below the body; ``place`` is where `PoetTimeout` seems to be raised."""
        suffix = "_in_task" if self.is_async else ""
        interruption = "__poet__.interruptions()" if self.is_async else "__poet__.Expired"
        yield Line(1, "finally:", NOWHERE)
        yield Line(2, f"__poet__.stop{suffix}(_poet_timer)", NOWHERE)
        yield Line(0, f"except {interruption} as _poet_expired:", NOWHERE)
        yield Line(1, f"raise __poet__.timed_out{suffix}(_poet_expired, _poet_timer)", place)


class Edge:
    """The function's own edge, where a violation raised inside the user's ``try`` comes out as itself."""

    def opening(self, place: Place) -> Iterator[Line]:
        """Yield the line above the body, which stands one level deeper."""
        yield Line(0, "try:", place)

    def closing(self, place: Place) -> Iterator[Line]:
        """Yield the lines below the body."""
        yield Line(0, "except __poet__.Escape as _poet_escape:", NOWHERE)
        yield Line(1, "raise _poet_escape.error from None", place)


@dataclass(frozen=True, slots=True)
class Train:
    """The record of each call, around everything else; only with ``optimize_for``."""

    module: str  # an expression
    qualname: str
    parameters: tuple[str, ...]  # whose values may be recorded
    has_result: bool  # a generator has none
    retried: bool
    version: str = ""  # what tells the body that runs from others

    def opening(self, place: Place) -> Iterator[Line]:
        """Yield the lines above all other phases, which stand one level deeper."""
        yield Line(0, "_poet_begun = __poet__.clock()", place)
        values = ", ".join(f"{name}={name}" for name in self.parameters)
        yield Line(0, "_poet_values = __poet__.records and __poet__.given(", place, values, ")")
        if self.retried or self.has_result:
            yield Line(0, self.noting("0"), place)
        yield Line(0, "try:", place)

    def closing(self, _place: Place) -> Iterator[Line]:
        """Yield the lines below the body."""
        retries = "_poet_retries" if self.retried else "0"
        call = f'{self.module}, "{self.qualname}@{self.version}", {retries}, _poet_values'
        result = ", _poet_result" if self.has_result else ""
        yield Line(0, "# train", NOWHERE)
        yield Line(0, "except BaseException as _poet_failure:", NOWHERE)
        yield Line(1, "_poet_failed, _poet_begun = _poet_begun, None", NOWHERE)
        yield Line(1, "__poet__.failed(", NOWHERE, f"_poet_failed, {call}, _poet_failure", ")")
        yield Line(1, "raise", NOWHERE)
        yield Line(0, "finally:", NOWHERE)
        # Without an ``if``: tracers would see what the compiler puts where its ways meet.
        yield Line(1, "__poet__.succeeded(", NOWHERE, f"_poet_begun, {call}{result}", ")")

    def noting(self, retries: str) -> str:
        """Return the statement that begins an attempt."""
        names = ["_poet_retries"] * self.retried + ["_poet_result"] * self.has_result
        values = [retries] * self.retried + ["None"] * self.has_result
        return f"{', '.join(names)} = {', '.join(values)}"


Block = Train | Loop | Deadline | Edge


def depth_of(block: Block) -> int:
    """Return how many levels deeper a block's body stands."""
    return 1 if isinstance(block, Edge | Train) else 2
