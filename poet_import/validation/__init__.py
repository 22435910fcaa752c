"""The gates: what text may become code. Only `validate` and `readmit` make an `Implementation`."""

from __future__ import annotations

import ast
import time
from collections.abc import Mapping, Sequence
from textwrap import dedent

from poet_import.model import Evidence, Implementation, Original, Semantics, Verdict, Violation
from poet_import.source.context import with_imports
from poet_import.source.scopes import FunctionNode
from poet_import.validation.originals import Facts, original_from, read_original
from poet_import.validation.security import check_security
from poet_import.validation.semantics import judge_recorded, judge_semantics
from poet_import.validation.structure import check_structure
from poet_import.validation.syntax import check_syntax

_Read = tuple[ast.Module | None, FunctionNode | None, list[Violation], list[Evidence]]


def validate(
    code: str,
    original: Original | str,
    *,
    semantics: Semantics = "preserve",
    context: Mapping[str, object] | None = None,
) -> Verdict:
    """Judge a text that is to take the place of a function. Nothing of it runs in this process.

    Args:
        code: Imports, private helpers, and one function.
        original: The function, or the text of its module: the function under ``@poet``, else the last one, is meant.
        semantics: ``preserve``, or ``intent`` where the original is a stub.
        context: What else is known of an original that is a text: ``imports``, a list of import statements to stand
            above it.

    Returns:
        The verdict, with every violation of the first gate that finds one, and of the two gates that need no trial
        together.

    Raises:
        TranspileError: The original is not Python or holds no function, or the context holds no import statements.

    .. versionadded:: 0.2.0
    """
    if isinstance(original, str):
        original = original_from(with_imports(dedent(original), context), semantics=semantics)
    facts = read_original(original)
    tree, function, violations, evidence = _check_text(code, facts)
    if tree is None or function is None or violations:
        return Verdict(tuple(violations), tuple(evidence))
    violations, tried = judge_semantics(tree, function, facts)
    evidence += tried
    return Verdict(tuple(violations), tuple(evidence)) if violations else _accepted(code, facts, evidence)


def validate_over(code: str, original: Original, present: str) -> Verdict:
    """Judge a text by all gates, and by the recorded calls: on none may it be worse than the text that answers now.

    Raises:
        TranspileError: The original is not Python or holds no function.
    """
    verdict = validate(code, original, semantics=original.semantics)
    if verdict.implementation is None or not original.calls:
        return verdict
    facts = read_original(original)
    texts = [(tree, function) for tree, function, *_ in (_check_text(text, facts) for text in (present, code))]
    found, tried = judge_recorded(texts[0], texts[1], facts)
    evidence = [*verdict.evidence[:-1], tried, verdict.evidence[-1]]  # the last one tells of the gate as a whole
    return Verdict(tuple(found), tuple(evidence)) if found else _accepted(code, facts, evidence)


def readmit(code: str, original: Original, evidence: Sequence[Evidence]) -> Verdict:
    """Judge a text that was accepted before and kept where others can write: by all gates that need no trial.

    Raises:
        TranspileError: The original is not Python or holds no function.
    """
    facts = read_original(original)
    _, function, violations, _ = _check_text(code, facts)
    if function is None or violations:
        return Verdict(tuple(violations), tuple(evidence))
    return _accepted(code, facts, evidence)


def _accepted(code: str, facts: Facts, evidence: Sequence[Evidence]) -> Verdict:
    implementation = Implementation(code, facts.original.name, tuple(evidence))
    return Verdict((), tuple(evidence), implementation)


def _check_text(code: str, facts: Facts) -> _Read:
    """Judge a text by the gates that only read it."""
    started = time.perf_counter()
    tree, violations = check_syntax(code)
    evidence = [Evidence("syntax", "parse", seconds=time.perf_counter() - started)]
    if tree is None:
        return None, None, violations, evidence
    # What stands in the original's module already is the module's own, and is not put into it again.
    tree.body = [statement for statement in tree.body if not facts.repeats(statement)]
    started = time.perf_counter()
    function, wrong = check_structure(tree, facts)
    evidence.append(Evidence("structure", "shape", seconds=time.perf_counter() - started))
    started = time.perf_counter()
    wrong += check_security(tree, facts)
    evidence.append(Evidence("security", "allow-list", seconds=time.perf_counter() - started))
    return tree, function, [*violations, *wrong], evidence
