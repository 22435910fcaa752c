"""The acceptance record: what is kept beside an implementation, for people and for the next process."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from datetime import UTC, datetime
from hashlib import blake2b

from poet_import._version import __version__
from poet_import.model import Evidence, Original, PoetOptions, Template, Usage, Verdict


def record_of(
    original: Original,
    options: PoetOptions,
    template: Template,
    *,
    verdict: Verdict,
    prompt: str,
    usages: Sequence[Usage],
) -> dict[str, object]:
    """Return the record of an implementation that was just accepted, in types that JSON has."""
    return {
        "function": original.qualname,
        "options": {name: value for name, value in asdict(options).items() if value is not None},
        "model": usages[-1].model,
        "template": f"{template.domain}/{template.version}",
        "prompt_digest": blake2b(prompt.encode(), digest_size=16).hexdigest(),
        "gates": [asdict(row) for row in verdict.evidence],
        "answers": len(usages),
        "input_tokens": sum(usage.input_tokens for usage in usages),
        "output_tokens": sum(usage.output_tokens for usage in usages),
        "seconds": round(sum(usage.seconds for usage in usages), 3),
        "poet_import": __version__,
        "date": datetime.now(UTC).isoformat(timespec="seconds"),
    }


def evidence_of(record: Mapping[str, object]) -> tuple[Evidence, ...]:
    """Return the evidence that a record holds; none where it is not as `record_of` writes it."""
    rows = record.get("gates")
    if not isinstance(rows, list):
        return ()
    try:
        return tuple(Evidence(**row) for row in rows)
    except TypeError:
        return ()
