"""What a generator and the gates are told of a function."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace

from poet_import.model import Original, PoetOptions, Template, Verdict
from poet_import.source.anatomy import dissect
from poet_import.source.layout import untouchable_lines
from poet_import.source.linemap import Source
from poet_import.source.nodes import walk
from poet_import.source.plan import Plan, is_abstract
from poet_import.source.scopes import FunctionNode

_BLANKS = b" \t\f"


@dataclass(frozen=True, slots=True)
class Wanted:
    """One function for which another body is wanted."""

    original: Original
    options: PoetOptions
    template: Template
    evidence: tuple[str, ...] = ()  # what calls have shown
    present: str = ""  # the text that answers now, and that another has to be no worse than; "" where none has to
    judge: Callable[[str], Verdict] | None = field(default=None, compare=False)  # Dana's gates; None for Python's


def wanted_of(plan: Plan, source: Source, surroundings: tuple[tuple[str, str], ...] = ()) -> Wanted:
    """Return what is told of a function, with names and types of the values around its calls where they are known."""
    original = replace(_original(plan, source), surroundings=surroundings)
    return Wanted(original, plan.found.options, plan.template)


def is_improvable(plan: Plan) -> bool:
    """Tell whether another body may take the place of a function's own.

    One that is there to be overridden has none, and one that defines marked functions would take them along.
    """
    inside = (node for statement in plan.found.node.body for node in walk(statement))
    holds_marked = any(isinstance(node, FunctionNode) and node.decorator_list for node in inside)
    return not is_abstract(plan.found) and not holds_marked


def _original(plan: Plan, source: Source) -> Original:
    """Return a function as the gates judge it."""
    found, template = plan.found, plan.template
    return Original(
        source=function_text(found.node, source),
        name=found.node.name,
        qualname=found.qualname,
        module=source.data.decode(),
        imports=template.imports,
        checks=template.checks,
        semantics=found.options.semantics,
    )


def function_text(node: FunctionNode, source: Source) -> str:
    """Return the text of a function without its decorators, its first line at the left edge."""
    keep = untouchable_lines(dissect(node), source)
    lines: list[bytes] = []
    for number in range(node.lineno, (node.end_lineno or node.lineno) + 1):
        text = source.line(number)
        depth = node.col_offset if number == node.lineno else len(text) - len(text.lstrip(_BLANKS))
        lines.append(text[0 if number in keep else min(depth, node.col_offset) :])
    return b"".join(lines).decode().rstrip("\n") + "\n"
