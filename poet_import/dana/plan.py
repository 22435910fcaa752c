"""What is woven into one Dana function: its options over its domain's defaults, its hints, its domain's rules."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import Literal

from poet_import.dana.discovery import DanaFunction, DanaSource, Parameter
from poet_import.dana.hints import Hint, kind_of, read_hint
from poet_import.dana.literals import NotLiteralError, literal
from poet_import.dana.parsing import Node
from poet_import.dana.returns import Return, falls_off, inner_functions, local_targets, returns
from poet_import.dana.rules import condition
from poet_import.model import Check, Phase, Template
from poet_import.runtime import rules
from poet_import.runtime.hosting import CONTEXT

RESULT = "__poet_result"
KEY, VALUE = "__poet_key", "__poet_value"  # of a returned dict
# Of a result: beside its one ``return``; below all of them, at the end of the body; within each of several, by a call;
# around the body, which moves into a function of its own.
Place = Literal["beside", "below", "within", "around"]
_OF_ONE = frozenset(("http_url", "non_negative", "positive", "probability", "within"))


@dataclass(frozen=True, slots=True)
class Test:
    """One condition that a value must keep."""

    condition: str
    subject: str  # as a message names it: a parameter, or "its result"
    expected: str  # a hint or a rule, as text
    shown: str  # an expression that tells what came
    keys: tuple[str, ...] = ()  # of a returned dict: the condition is about what it holds under each, as __poet_value
    of_type: bool = False


@dataclass(frozen=True, slots=True)
class DanaPlan:
    """Everything that the weaver writes into one function."""

    found: DanaFunction
    template: Template
    perceive: tuple[Test, ...]
    enforce: tuple[Test, ...]
    result: Hint
    retries: int
    timeout: float | None  # seconds
    retry_on: tuple[str, ...]  # names of exceptions; none for all that a retry may mend
    notes: tuple[str, ...]  # what Dana cannot express

    @property
    def trains(self) -> bool:
        """Tell whether its calls are told of."""
        return self.found.options.optimize_for is not None

    @property
    def phases(self) -> tuple[Phase, ...]:
        """Return the phases that the woven function has."""
        phases: tuple[Phase, ...] = ("perceive", "operate", "enforce")
        return (*phases, "train") if self.trains else phases

    @property
    def warns(self) -> bool:
        """Tell whether what breaks a condition is warned of, not refused."""
        return self.found.options.on_violation == "warn"

    @property
    def place(self) -> Place:
        """Return where results are checked; the body moves where it is repeated, too, or its calls are told of."""
        if self._is_attempted or self.trains:
            return "around"
        if not self.enforce:
            return "beside"
        unsure = self.unsure_returns
        if falls_off(self.found.block) or any(one.is_guarded for one in unsure):
            return "around"
        if len(unsure) <= 1:
            return "beside"
        if all(one.is_last for one in unsure):
            return "below"
        return "within" if self._has_hint_only else "around"

    @property
    def checks_result(self) -> bool:
        """Tell whether a result is checked at all."""
        return bool(self.enforce) and (self.place == "around" or bool(self.unsure_returns))

    @property
    def calls_checker(self) -> bool:
        """Tell whether a shared function checks the result."""
        if self.place == "within":
            return True
        return self.place == "around" and self._has_hint_only and not (self._is_attempted or self.trains)

    @property
    def _is_attempted(self) -> bool:
        return self.retries > 0 or self.timeout is not None

    @property
    def _has_hint_only(self) -> bool:
        return all(test.of_type for test in self.enforce)

    @property
    def unsure_returns(self) -> tuple[Return, ...]:
        """Return each ``return`` whose value must be checked."""
        if not self.enforce:
            return ()
        found = returns(self.found.block)
        return tuple(one for one in found if not (self._has_hint_only and self.result.surely_fits(one.value)))

    @property
    def kept_returns(self) -> tuple[Return, ...]:
        """Return each whose value is kept for a check below it: an expression that ends a branch gets there, too."""
        unsure = self.unsure_returns
        if self.place != "below":
            return unsure
        starts = {one.node.meta.start_pos for one in unsure}
        ends = (one for one in returns(self.found.block) if one.node.data != "return_")
        return (*unsure, *(one for one in ends if one.node.meta.start_pos not in starts))


def make_plan(found: DanaFunction, source: DanaSource, template: Template) -> DanaPlan:
    """Decide what is woven into a function."""
    options = found.options
    parameters = [*([found.receiver] if found.receiver else []), *found.parameters]
    hints = {one.name: _hint_of(one, source) for one in parameters if one.name not in CONTEXT}
    result = read_hint(found.result, source.text, source.records)
    is_checked = options.on_violation != "off"
    seconds = template.timeout if options.timeout is None else options.timeout
    return DanaPlan(
        found=found,
        template=template,
        perceive=tuple(_perceive(_Subjects(source, parameters, hints), template.checks)) if is_checked else (),
        enforce=tuple(_enforce(result, template.checks)) if is_checked else (),
        result=result,
        retries=(template.retries if options.retries is None else options.retries) or 0,
        timeout=seconds,
        retry_on=found.retry_on or template.retry_on,
        notes=tuple(_notes(found, {**hints, "its result": result} if is_checked else {}, seconds)),
    )


def _hint_of(parameter: Parameter, source: DanaSource) -> Hint:
    """Return a parameter's hint; a default that is None, or no literal, may be None: Dana drops errors of defaults."""
    hint = read_hint(parameter.hint, source.text, source.records)
    if parameter.default is None or hint.accepts_all:
        return hint
    return hint if kind_of(parameter.default) not in (None, "NoneType") else hint.nullable()


class _Subjects:
    """The parameters that may be checked."""

    def __init__(self, source: DanaSource, parameters: list[Parameter], hints: dict[str, Hint]) -> None:
        self._source = source
        self._defaults = {one.name: one.default for one in parameters}
        self.hints = hints

    def unless_default(self, name: str, condition: str, breaks: Callable[[Node], bool]) -> str:
        """Return a condition that a default which breaks it passes all the same, as its author's choice."""
        default = self._defaults[name]
        if default is None or kind_of(default) is None or not breaks(default):
            return condition
        return f"({condition} or {name} == {self._source.span(default)})"


def _perceive(subjects: _Subjects, checks: tuple[Check, ...]) -> Iterator[Test]:
    for name, hint in subjects.hints.items():
        if not hint.accepts_all:
            tested = subjects.unless_default(name, hint.accepts(name), lambda value: not hint.surely_fits(value))  # noqa: B023  (called at once)
            yield Test(tested, name, hint.text, f"type({name})", of_type=True)
    for check in checks:
        if check.phase == "perceive":
            yield from _rule_tests(check, subjects)


def _rule_tests(check: Check, subjects: _Subjects) -> Iterator[Test]:
    arguments = dict(check.arguments)
    for group in _matches(check, list(subjects.hints)):
        hint = subjects.hints[group[0]]
        tested = condition(check.rule, group, arguments, may_be_rows=_may_be_rows(hint))
        if check.rule not in rules.JOINT:
            tested = subjects.unless_default(group[0], tested, lambda value: _breaks(value, check))
        yield Test(tested, group[0], rules.describe(check.rule, arguments), _shown(check, group[0]))


def _shown(check: Check, value: str) -> str:
    """Return what a message shows of a value: the value where it is short, for a rule about single values."""
    return value if check.rule in _OF_ONE else f"type({value})"


def _may_be_rows(hint: Hint) -> bool:
    return hint.accepts_all or bool(hint.containers) or not {"list", "tuple"}.isdisjoint(hint.kinds)


def _breaks(default: Node, check: Check) -> bool:
    try:
        value = literal(default)
    except NotLiteralError:
        return True
    return not rules.RULES[check.rule](value, **dict(check.arguments))


def _matches(check: Check, names: list[str]) -> Iterator[tuple[str, ...]]:
    if check.rule in rules.JOINT:
        found = [[name for name in names if fnmatchcase(name, pattern)] for pattern in check.match]
        if all(len(several) == 1 for several in found):
            yield tuple(several[0] for several in found)
        return
    for name in names:
        if any(fnmatchcase(name, pattern) for pattern in check.match):
            yield (name,)


def _enforce(result: Hint, checks: tuple[Check, ...]) -> Iterator[Test]:
    """Yield the tests of a result: its hint, then rules about all of it, then rules about what it holds under keys."""
    if not result.accepts_all:
        yield Test(result.accepts(RESULT), "its result", result.text, f"type({RESULT})", of_type=True)
    wanted = [check for check in checks if check.phase == "enforce"]
    for check in wanted:
        if "return" in check.match:
            arguments = dict(check.arguments)
            tested = condition(check.rule, (RESULT,), arguments, may_be_rows=_may_be_rows(result))
            yield Test(tested, "its result", rules.describe(check.rule, arguments), _shown(check, RESULT))
    may_be_dict = result.accepts_all or "dict" in (*result.kinds, *(one.kind for one in result.containers))
    for check in wanted if may_be_dict else ():
        keys = tuple(name.removeprefix("return.") for name in check.match if name != "return")
        if keys:
            arguments = dict(check.arguments)
            tested = condition(check.rule, (VALUE,), arguments)
            subject, expected = f"its result at {{{KEY}}}", rules.describe(check.rule, arguments)
            yield Test(tested, subject, expected, _shown(check, VALUE), keys)


def _notes(found: DanaFunction, hints: dict[str, Hint], seconds: float | None) -> Iterator[str]:
    """Yield what was asked for and Dana cannot express, or does otherwise than its reader thinks."""
    name = found.name
    for subject, hint in hints.items():
        for part in dict.fromkeys(hint.undecided):
            yield f"{name}: {subject}: {part} cannot be checked in Dana, so it is not"
    if seconds is not None:
        does = "ends further attempts and refuses a result that comes late"
        yield f"{name}: nothing in Dana stops a running function: its timeout of {seconds:g} s {does}"
    if found.options.optimize_for is not None:
        logger = f"Python's logger poet.functions.{name}.execution as JSON"
        yield f"{name}: its events go to {logger}: poet_import.feedback and poet_import.subscribe know nothing of them"
    for inner in inner_functions(found.block):
        yield f"{name}: Dana drops the function {inner} inside it (line {inner.line}) without a word"
    for target in local_targets(found.block):
        moved = f"local:{target.children[1]} (line {target.meta.line})"
        yield f"{name}: Dana moves the assignment to {moved} out of the function"
