"""The values that pass between the rooms: frozen dataclasses, no behaviour beyond their own shape.

Not imported on the warm path: ``dataclasses`` alone costs more than a cached module.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

OnViolation = Literal["raise", "warn", "off"]
Semantics = Literal["preserve", "intent"]
Phase = Literal["perceive", "operate", "enforce", "train"]


@dataclass(frozen=True, slots=True)
class PoetOptions:
    """What a user wrote in ``@poet(...)``; None where nothing was written and the domain's default may stand."""

    domain: str | None = None
    optimize_for: str | None = None
    retries: int | None = None
    timeout: float | None = None  # seconds
    retry_on: str | None = None  # the expression as written; its value is known at run time only
    on_violation: OnViolation = "raise"
    semantics: Semantics = "preserve"


@dataclass(frozen=True, slots=True)
class Check:
    """A rule that a domain declares for some of a function's values."""

    phase: Literal["perceive", "enforce"]
    match: tuple[str, ...]  # patterns of parameter names; "return" or "return.<key>" for results
    rule: str  # a name in poet_import.runtime.rules
    arguments: tuple[tuple[str, float | int | str | bool], ...] = ()  # keyword arguments of the rule, sorted


@dataclass(frozen=True, slots=True)
class Template:
    """One version of a domain's template, with what it extends already folded in."""

    domain: str
    version: str  # "v1"
    description: str
    digest: str  # of every metadata.json that was folded in
    lineage: tuple[str, ...]  # this domain first, then what it extends
    retries: int | None = None
    timeout: float | None = None  # seconds
    retry_on: tuple[str, ...] = ()  # names of built-in exceptions
    checks: tuple[Check, ...] = ()
    imports: tuple[str, ...] = ()
    enhancements: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Description:
    """What `poet_import.describe` tells of a function."""

    function: str  # module and qualified name
    domain: str | None
    options: PoetOptions
    phases: tuple[Phase, ...]
    enhancements: tuple[str, ...]
    origin: Literal["woven", "generated", "frozen", "fallback", "bypassed"]
    skipped_hints: tuple[str, ...] = ()
    template: str | None = None  # "base/v1"
    template_digest: str | None = None
    model: str | None = None
    path: str | None = None  # of the generated file


@dataclass(frozen=True, slots=True)
class ModuleStatus:
    """One row of `poet_import.status`."""

    name: str
    state: Literal["rewritten", "cached", "frozen", "fallback", "bypassed"]
    functions: int
    reason: str = ""


@dataclass(frozen=True, slots=True)
class Transpiled:
    """What `poet_import.transpile` returns."""

    code: str
    operate: str | None
    metadata: dict[str, object] = field(default_factory=dict)

    def to_dict(self) -> dict[str, object]:
        """Return the service's response for this implementation."""
        implementation: dict[str, object] = {"code": self.code, "language": "python"}
        if self.operate is not None:
            implementation["operate_code"] = self.operate
        return {"poet_implementation": implementation, "metadata": self.metadata}
