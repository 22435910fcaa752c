"""The values that pass between the rooms: frozen dataclasses, no behaviour beyond their own shape.

Not imported on the warm path: ``dataclasses`` alone costs more than a cached module.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Literal, Protocol

OnViolation = Literal["raise", "warn", "off"]
Semantics = Literal["preserve", "intent"]
Phase = Literal["perceive", "operate", "enforce", "train"]
Gate = Literal["syntax", "structure", "security", "semantics"]
Language = Literal["python", "dana"]


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
    prompt_digest: str = ""  # of the texts below
    texts: tuple[tuple[str, str], ...] = ()  # of the prompt, by name, as ``base/template.txt``: its own first
    language: Language = "python"  # that its texts ask for


@dataclass(frozen=True, slots=True)
class Original:
    """A function as its user wrote it, O, with what a judgement of another text for it needs to know."""

    source: str  # dedented, its decorators left out, ended by a newline
    name: str
    qualname: str
    module: str = ""  # the text of the module around it, from which its other names come; "" where that is unknown
    imports: tuple[str, ...] = ()  # modules that its domain allows besides its own
    checks: tuple[Check, ...] = ()  # of its domain
    semantics: Semantics = "preserve"
    calls: tuple[str, ...] = ()  # recorded ones, as literals: dicts of arguments by parameter, or tuples by position
    surroundings: tuple[tuple[str, str], ...] = ()  # names and types of the values around its calls, as a host tells
    language: Language = "python"
    beside: tuple[str, ...] = ()  # of a Dana function: the imports and types of its source, as they are written


@dataclass(frozen=True, slots=True)
class Violation:
    """One reason why a text may not become code."""

    gate: Gate
    rule: str  # its name, as ``dunder-access``
    line: int  # of the judged text, from 1
    message: str  # one sentence: what was found, and what is allowed instead


@dataclass(frozen=True, slots=True)
class Evidence:
    """What one gate has tried, and with how much."""

    gate: Gate
    method: str  # as ``allow-list``, ``proof``, ``examples``, ``trial``, ``doubles``, ``contract``
    inputs: int = 0
    seconds: float = 0.0
    note: str = ""  # why something was not tried, or what the figures do not tell


@dataclass(frozen=True, slots=True)
class Implementation:
    """A text that may become code: only `poet_import.validation` makes one, and `poet_import.dana.judging` for Dana."""

    operate: str  # O′, with its imports and private helpers, as it was judged
    name: str
    evidence: tuple[Evidence, ...]


@dataclass(frozen=True, slots=True)
class Verdict:
    """What the gates say of a text."""

    violations: tuple[Violation, ...]
    evidence: tuple[Evidence, ...]
    implementation: Implementation | None = None

    @property
    def accepted(self) -> bool:
        """Tell whether the text may become code."""
        return self.implementation is not None


@dataclass(frozen=True, slots=True)
class Refusal:
    """An answer that failed a gate, as the model is told of it when it is asked again."""

    answer: str
    violations: tuple[Violation, ...]


@dataclass(frozen=True, slots=True)
class TranspileRequest:
    """One function for which a generator is asked for O′."""

    original: Original
    options: PoetOptions
    template: Template
    prompt: str  # the domain's template, rendered for this function
    deadline: float  # of ``time.monotonic()``, in seconds: no answer counts after it
    refusals: tuple[Refusal, ...] = ()  # oldest first


@dataclass(frozen=True, slots=True)
class Usage:
    """What an answer has cost so far: reported while it arrives, and once more when it is whole."""

    model: str
    input_tokens: int = 0
    output_tokens: int = 0
    seconds: float = 0.0


class Generator(Protocol):
    """Turns O into a text that may become O′."""

    @property
    def fingerprint(self) -> str:
        """Return what tells its answers from another generator's, as ``llm openai/gpt-4o``; never a secret."""
        ...

    async def generate(self, request: TranspileRequest, *, observe: Callable[[Usage], None]) -> str:
        """Return one complete function as text, imports and helpers before it.

        Raises:
            GeneratorError: There is no answer, or none in time.
        """
        ...


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
    language: Language = "python"

    def to_dict(self) -> dict[str, object]:
        """Return the service's response for this implementation."""
        implementation: dict[str, object] = {"code": self.code, "language": self.language}
        if self.operate is not None:
            implementation["operate_code"] = self.operate
        return {"poet_implementation": implementation, "metadata": self.metadata}
