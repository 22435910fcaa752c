"""Rules by which a shadow may be promoted, as ``p95<5 and compared>=200``."""

import operator
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from statistics import fmean

from poet_import.cli.shadow_reports import Report

LEAST = 20
"""Calls on which both must have been compared before any rule may hold."""
_SIGNS: Mapping[str, Callable[[float, float], bool]] = {
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
}
METRICS = ("p50", "p95", "p99", "mean", "failed", "compared", "feedback")
"""Milliseconds of the shadow's runs, the share of them that raise, calls compared, and feedback on what answers now."""
_CONDITION = re.compile(r"\s*(?P<metric>\w+)\s*(?P<sign><=|>=|<|>)\s*(?P<bound>-?\d+(\.\d+)?)\s*")


@dataclass(frozen=True, slots=True)
class Condition:
    """A metric, a comparison and a number."""

    metric: str
    sign: str
    bound: float


@dataclass(frozen=True, slots=True)
class Rule:
    """Conditions that must all hold."""

    text: str
    conditions: tuple[Condition, ...]


@dataclass(frozen=True, slots=True)
class Judgement:
    """Whether a rule holds, and the figures behind it."""

    holds: bool
    words: str


def rule_of(text: str) -> Rule:
    """Return the rule that a text states.

    Raises:
        ValueError: It states none; the message tells what is understood.
    """
    conditions = []
    for part in re.split(r"\band\b", text):
        found = _CONDITION.fullmatch(part)
        if found is None:
            raise ValueError(f"{part.strip()!r} is no condition; give a metric, < <= > or >=, and a number, as p95<5")
        if found["metric"] not in METRICS:
            raise ValueError(f"{found['metric']!r} is no metric; there are {', '.join(METRICS)}")
        conditions.append(Condition(found["metric"], found["sign"], float(found["bound"])))
    return Rule(" and ".join(f"{one.metric}{one.sign}{one.bound:g}" for one in conditions), tuple(conditions))


def judge(rule: Rule, reports: Sequence[Report], *, feedback: float | None) -> Judgement:
    """Tell whether a rule holds for a shadow; it never does for one that has differed, or was hardly compared."""
    compared = sum(report.compared for report in reports)
    differences = sum(report.differences for report in reports)
    if differences:
        return Judgement(False, f"{differences} of {compared} compared calls differed, so a person has to decide")
    if compared < LEAST:
        return Judgement(False, f"{compared} calls were compared, and {LEAST} are needed")
    figures = _figures(reports, compared, feedback)
    parts, holds = [], True
    for one in rule.conditions:
        value = figures[one.metric]
        if value is None:
            return Judgement(False, f"{one.metric} is not known yet")
        holds = holds and _SIGNS[one.sign](value, one.bound)
        parts.append(f"{one.metric} is {value:.3g}")
    return Judgement(holds, f"{', '.join(parts)}, over {compared} compared calls")


def _figures(reports: Sequence[Report], compared: int, feedback: float | None) -> Mapping[str, float | None]:
    times = sorted(time for report in reports for time in report.milliseconds)
    known: dict[str, float | None] = {"compared": compared, "feedback": feedback}
    known["failed"] = sum(report.failed for report in reports) / compared
    known["mean"] = fmean(times) if times else None
    for percent in (50, 95, 99):
        known[f"p{percent}"] = times[-(-len(times) * percent // 100) - 1] if times else None
    return known
