"""What expressions of PromQL ask for, and whether a service has it."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import promql_parser as promql
from prometheus_client.parser import text_string_to_metric_families

TARGET = frozenset({"job", "instance", "namespace", "pod"})  # labels that Prometheus gives to every sample of a target
_GRAFANA = {"$__rate_interval": "5m", "$namespace": "x", "$pod": "x"}


@dataclass(frozen=True, slots=True)
class Metric:
    """A metric as a service shows it."""

    kind: str
    labels: Mapping[str, frozenset[str]]  # the values that each has


@dataclass(frozen=True, slots=True)
class Asked:
    """One selector of an expression, with the labels that are asked of what it selects."""

    name: str
    matchers: tuple[tuple[str, str, bool], ...]  # label, value, whether the value is a pattern
    grouped: frozenset[str]
    is_counted: bool  # whether a rate or an increase of it is taken


def metrics_of(text: str) -> dict[str, Metric]:
    """Return the metrics of a service by the names of their samples."""
    found: dict[str, Metric] = {}
    for family in text_string_to_metric_families(text):
        endings = {"counter": ("_total",), "histogram": ("_bucket", "_sum", "_count")}.get(family.type, ("",))
        for ending in endings:
            samples = [sample.labels for sample in family.samples if sample.name == family.name + ending]
            names = {name for labels in samples for name in labels}
            values = {name: frozenset(labels[name] for labels in samples if name in labels) for name in names}
            found[family.name + ending] = Metric(family.type, values)
    return found


def asked_in(expression: str) -> list[Asked]:
    """Return what an expression asks for; Grafana's variables stand for something.

    Raises:
        ValueError: It is no PromQL.
    """
    for variable, value in _GRAFANA.items():
        expression = expression.replace(variable, value)
    return list(_asked(promql.parse(expression), frozenset(), is_counted=False))


def _asked(node: Any, grouped: frozenset[str], *, is_counted: bool) -> Iterator[Asked]:  # Any: the parser has no types
    if isinstance(node, promql.VectorSelector):
        matchers = node.matchers.matchers
        patterns = (promql.MatchOp.Re, promql.MatchOp.NotRe)
        rows = tuple((one.name, one.value, one.op in patterns) for one in matchers)
        yield Asked(node.name, rows, grouped, is_counted)
        return
    if isinstance(node, promql.AggregateExpr) and node.modifier:
        grouped = grouped | set(node.modifier.labels)
    if isinstance(node, promql.Call):
        is_counted = node.func.name in ("rate", "irate", "increase")
    for inner in _inner(node):
        yield from _asked(inner, grouped, is_counted=is_counted)


def _inner(node: Any) -> list[Any]:  # Any: as above
    if isinstance(node, promql.BinaryExpr):
        return [node.lhs, node.rhs]
    if isinstance(node, promql.Call):
        return list(node.args)
    if isinstance(node, promql.MatrixSelector):
        return [node.vector_selector]
    if isinstance(node, promql.AggregateExpr | promql.ParenExpr | promql.UnaryExpr | promql.SubqueryExpr):
        return [node.expr]
    return []


def missing(
    expressions: Iterable[str], metrics: Mapping[str, Metric], values: Mapping[str, frozenset[str]]
) -> list[str]:
    """Return what expressions ask for that a service has not.

    Args:
        expressions: What is asked.
        metrics: What it has.
        values: All values that some labels may have, whether they have been seen or not.
    """
    found = []
    for expression in expressions:
        try:
            rows = asked_in(expression)
        except ValueError as error:
            found.append(f"{expression}: {error}")
            continue
        found += [f"{expression}: {fault}" for asked in rows for fault in _faults(asked, metrics, values)]
    return found


def _faults(asked: Asked, metrics: Mapping[str, Metric], values: Mapping[str, frozenset[str]]) -> Iterator[str]:
    metric = Metric("gauge", {}) if asked.name == "up" else metrics.get(asked.name)
    if metric is None:
        yield f"there is no metric {asked.name}"
        return
    if asked.is_counted != (metric.kind in ("counter", "histogram")):
        yield f"{asked.name} is a {metric.kind}"
    matched = {label for label, _, _ in asked.matchers}
    for label in sorted((matched | asked.grouped) - metric.labels.keys() - TARGET):
        yield f"{asked.name} has no label {label}"
    for label, value, is_pattern in asked.matchers:
        known = values.get(label, frozenset())
        alternatives = value.split("|") if is_pattern else [value]
        if known and label in metric.labels:
            yield from (
                f"{label} is never {one}" for one in alternatives if not any(re.fullmatch(one, item) for item in known)
            )
