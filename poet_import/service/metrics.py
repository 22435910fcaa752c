"""What Prometheus sees. Labels are route templates, stages, gates and kinds: never anything of a caller's."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Final

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, PlatformCollector, ProcessCollector
from prometheus_client.exposition import generate_latest

CONTENT_TYPE: Final = "text/plain; version=0.0.4; charset=utf-8"
_SECONDS: Final = (0.001, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)
_KINDS: Final = {  # words of a fallback's reason, and what it is counted as
    "refused": "refused",
    "no time": "deadline",
    "not done within": "deadline",
    "did not answer lately": "breaker",
    "cannot be reached": "unreachable",
    "connection": "unreachable",
}


class Metrics:
    """The metrics of one service."""

    def __init__(self) -> None:
        registry = self._registry = CollectorRegistry()
        self._answers: dict[tuple[str, str, int], tuple[Counter, Histogram]] = {}
        ProcessCollector(registry=registry)
        PlatformCollector(registry=registry)
        self.requests = Counter(
            "poet_requests", "Requests by outcome.", ("route", "method", "status"), registry=registry
        )
        self.seconds = Histogram(
            "poet_request_seconds", "Seconds from arrival to answer.", ("route",), registry=registry, buckets=_SECONDS
        )
        self.stages = Histogram(
            "poet_stage_seconds", "Seconds of one transformation.", ("stage",), registry=registry, buckets=_SECONDS
        )
        self.cache = Counter("poet_cache", "Look-ups by tier.", ("tier", "result"), registry=registry)
        self.sources = Counter("poet_bodies", "Where the bodies of answers came from.", ("source",), registry=registry)
        self.fallbacks = Counter("poet_fallbacks", "Bodies that stayed as written.", ("reason",), registry=registry)
        self.refusals = Counter("poet_gate_refusals", "What gates refused.", ("gate", "rule"), registry=registry)
        self.tokens = Counter("poet_tokens", "Tokens of a model.", ("direction",), registry=registry)
        self.redis_errors = Counter("poet_redis_errors", "Questions without an answer.", registry=registry)
        self.lost = Counter("poet_workers_lost", "Worker processes that ended over a task.", registry=registry)

    def count(self, route: str, method: str, status: int, *, seconds: float) -> None:
        """Count an answer."""
        key = route, method, status
        found = self._answers.get(key)
        if found is None:  # to look up a child by its labels costs more than to count in it
            requests = self.requests.labels(route, method, str(status))
            found = self._answers[key] = requests, self.seconds.labels(route)
        found[0].inc()
        found[1].observe(seconds)

    def watch(self, readings: Mapping[str, Callable[[], float]]) -> None:
        """Show what functions return whenever somebody looks."""
        for name, reading in readings.items():
            gauge = Gauge(f"poet_{name}", f"The {name.replace('_', ' ')} now.", registry=self._registry)
            gauge.set_function(reading)

    def text(self) -> bytes:
        """Return all metrics in Prometheus's text format."""
        return generate_latest(self._registry)


def kind_of(reason: str) -> str:
    """Return what a fallback is counted as."""
    return next((kind for words, kind in _KINDS.items() if words in reason), "other")
