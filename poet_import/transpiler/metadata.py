"""What `transpile` tells of a function, in the form of the service's response."""

from __future__ import annotations

import ast

from poet_import.errors import TranspileError
from poet_import.model import PoetOptions, Transpiled
from poet_import.source.options import NAMES
from poet_import.source.scopes import FunctionNode
from poet_import.transpiler.standalone import without_markers
from poet_import.transpiler.woven import Body, Fallback, Outcome, Woven, WovenFunction

_PARAMETERS = ("domain", "optimize_for", "retries", "timeout")


def transpiled_of(woven: Woven, filename: str) -> Transpiled:
    """Return a woven source with the metadata of its first marked function.

    Raises:
        TranspileError: No function is marked; the message tells what was found instead.
    """
    if not woven.functions:
        raise TranspileError(f"no function is marked with @poet; found {_contents(woven)}", filename=filename)
    rows = [_metadata(function) for function in woven.functions]
    outcome = woven.functions[0].outcome
    operate = outcome.implementation.operate if isinstance(outcome, Body) else None
    return Transpiled(
        code=without_markers(woven.text, filename), operate=operate, metadata=rows[0] | {"functions": rows}
    )


def _contents(woven: Woven) -> str:
    names = [node.name for node in woven.tree.body if isinstance(node, FunctionNode | ast.ClassDef)]
    return ", ".join(names) if names else "no function or class at all"


def _metadata(function: WovenFunction) -> dict[str, object]:
    return {
        **options_of(function.options),
        "phases_included": list(function.plan.phases if function.plan else ()),
        "original_function_name": function.qualname.rpartition(".")[2],
        "enhancements": list(function.plan.template.enhancements if function.plan else ()),
        **source_of(function.outcome),
    }


def options_of(options: PoetOptions) -> dict[str, object]:
    """Return what was written in ``@poet(...)``: four options by themselves, and the rest."""
    values = {name: getattr(options, name) for name in NAMES}
    written = {name: value for name, value in values.items() if value is not None}
    return {
        "decorator_params": {name: written[name] for name in _PARAMETERS if name in written},
        "options": {name: value for name, value in written.items() if name not in _PARAMETERS},
    }


def source_of(outcome: Outcome | None) -> dict[str, object]:
    """Return where a function's body comes from."""
    match outcome:
        case Body(model=model):
            return {"source": "model", "model": model}
        case Fallback(reason=reason):
            return {"source": "fallback", "reason": reason}
    return {"source": "none"}
