"""The gates: what text may become code. Only `validate` and `readmit` make an `Implementation`."""

from __future__ import annotations

import ast
import time
from collections.abc import Sequence

from poet_import.model import Evidence, Implementation, Original, Semantics, Verdict, Violation
from poet_import.validation.originals import Facts, original_from, read_original
from poet_import.validation.security import check_security
from poet_import.validation.structure import check_structure
from poet_import.validation.syntax import check_syntax


def validate(code: str, original: Original | str, *, semantics: Semantics = "preserve") -> Verdict:
    """Judge a text that is to take the place of a function. Nothing of it runs in this process.

    Args:
        code: Imports, private helpers, and one function.
        original: The function, or the text of its module: the function under ``@poet``, else the last one, is meant.
        semantics: ``preserve``, or ``intent`` where the original is a stub.

    Returns:
        The verdict, with every violation of the first gate that finds one, and of the two gates that need no trial
        together.

    Raises:
        TranspileError: The original is not Python or holds no function.

    .. versionadded:: 0.2.0
    """
    facts = read_original(original_from(original, semantics=semantics) if isinstance(original, str) else original)
    tree, violations, evidence = _check_text(code, facts)
    if tree is None or violations:
        return Verdict(tuple(violations), tuple(evidence))
    return _accepted(code, facts, evidence)


def readmit(code: str, original: Original, evidence: Sequence[Evidence]) -> Verdict:
    """Judge a text that was accepted before and kept where others can write: by all gates that need no trial.

    Raises:
        TranspileError: The original is not Python or holds no function.
    """
    facts = read_original(original)
    tree, violations, _ = _check_text(code, facts)
    if tree is None or violations:
        return Verdict(tuple(violations), tuple(evidence))
    return _accepted(code, facts, evidence)


def _accepted(code: str, facts: Facts, evidence: Sequence[Evidence]) -> Verdict:
    implementation = Implementation(code, facts.original.name, tuple(evidence))
    return Verdict((), tuple(evidence), implementation)


def _check_text(code: str, facts: Facts) -> tuple[ast.Module | None, list[Violation], list[Evidence]]:
    """Judge a text by the gates that only read it."""
    started = time.perf_counter()
    tree, violations = check_syntax(code)
    evidence = [Evidence("syntax", "parse", seconds=time.perf_counter() - started)]
    if tree is None:
        return None, violations, evidence
    started = time.perf_counter()
    _, wrong = check_structure(tree, facts)
    evidence.append(Evidence("structure", "shape", seconds=time.perf_counter() - started))
    started = time.perf_counter()
    wrong += check_security(tree, facts)
    evidence.append(Evidence("security", "allow-list", seconds=time.perf_counter() - started))
    return tree, [*violations, *wrong], evidence
