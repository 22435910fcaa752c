"""The acceptance record: what is kept beside an implementation, for people and for the next process."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from datetime import UTC, datetime
from hashlib import blake2b

from poet_import._version import __version__
from poet_import.model import Evidence, Original, TranspileRequest, Usage, Verdict


def record_of(
    request: TranspileRequest, verdict: Verdict, usages: Sequence[Usage], *, rendering: float
) -> dict[str, object]:
    """Return the record of an implementation that was just accepted, in types that JSON has.

    Args:
        request: What was asked for.
        verdict: That accepted it.
        usages: What each answer has cost.
        rendering: Seconds that the prompt took.
    """
    template = request.template
    return {
        "function": request.original.qualname,
        "language": request.original.language,
        "options": {name: value for name, value in asdict(request.options).items() if value is not None},
        "model": usages[-1].model,
        "template": f"{template.domain}/{template.version}",
        "template_digest": template.digest,
        "prompt_digest": blake2b(request.prompt.encode(), digest_size=16).hexdigest(),
        "gates": [asdict(row) | {"seconds": round(row.seconds, 4)} for row in verdict.evidence],
        "refused": [
            {"answer": number, **asdict(violation)}
            for number, refusal in enumerate(request.refusals, 1)
            for violation in refusal.violations
        ],
        "recorded_calls": digest_of_calls(request.original),
        "answers": len(usages),
        "input_tokens": sum(usage.input_tokens for usage in usages),
        "output_tokens": sum(usage.output_tokens for usage in usages),
        "render_seconds": round(rendering, 4),
        "seconds": round(sum(usage.seconds for usage in usages), 3),
        "poet_import": __version__,
        "date": datetime.now(UTC).isoformat(timespec="seconds"),
    }


def digest_of_calls(original: Original) -> str:
    """Return the digest of the recorded calls that an implementation was tried with; nothing where there were none."""
    calls = "\n".join(original.calls)
    return blake2b(calls.encode(), digest_size=8).hexdigest() if calls else ""


def evidence_of(record: Mapping[str, object]) -> tuple[Evidence, ...]:
    """Return the evidence that a record holds; none where it is not as `record_of` writes it."""
    rows = record.get("gates")
    if not isinstance(rows, list):
        return ()
    try:
        return tuple(Evidence(**row) for row in rows)
    except TypeError:
        return ()
