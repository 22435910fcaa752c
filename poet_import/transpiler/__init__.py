"""The one core: from a user's source to woven source and its code. Hook, marker and commands all come here."""

from __future__ import annotations

import ast

from poet_import.errors import TranspileError
from poet_import.model import Transpiled
from poet_import.source.options import NAMES
from poet_import.source.scopes import FunctionNode
from poet_import.templates import TemplateStore, template_roots
from poet_import.transpiler.weaving import weave_source
from poet_import.transpiler.woven import Woven, WovenFunction


def transpile(source: str, *, filename: str = "<source>", store: TemplateStore | None = None) -> Transpiled:
    """Transpile the marked functions of a source, offline.

    Args:
        source: Python source with at least one function under ``@poet``.
        filename: What messages call the source.
        store: Where domains come from; the shipped templates if None.

    Returns:
        The whole woven source, and the metadata of the first marked function; ``functions`` lists all of them.

    Raises:
        TranspileError: The source is not Python or marks no function; the message tells what was found instead.

    .. versionadded:: 0.1.0
    """
    try:
        woven = weave_source(source, filename, store=store or TemplateStore(template_roots()))
        woven.compile(filename)
    except SyntaxError as error:
        raise TranspileError(error.msg, filename=filename, line=error.lineno, column=error.offset) from error
    except ValueError as error:  # a null byte, a lone surrogate
        raise TranspileError(str(error), filename=filename) from error
    if not woven.functions:
        raise TranspileError(f"no function is marked with @poet; found {_contents(woven)}", filename=filename)
    rows = [_metadata(function) for function in woven.functions]
    return Transpiled(code=woven.text, operate=None, metadata=rows[0] | {"functions": rows})


def _contents(woven: Woven) -> str:
    names = [node.name for node in woven.tree.body if isinstance(node, FunctionNode | ast.ClassDef)]
    return ", ".join(names) if names else "no function or class at all"


def _metadata(function: WovenFunction) -> dict[str, object]:
    """Return the metadata of one function in the form of the service's response."""
    options = {name: getattr(function.options, name) for name in NAMES}
    written = {name: value for name, value in options.items() if value is not None}
    params = {name: written[name] for name in ("domain", "optimize_for", "retries", "timeout") if name in written}
    others = {name: written[name] for name in ("retry_on", "on_violation", "semantics") if name in written}
    return {
        "decorator_params": params,
        "options": others,
        "phases_included": list(function.plan.phases if function.plan else ()),
        "original_function_name": function.qualname.rpartition(".")[2],
        "enhancements": list(function.plan.template.enhancements if function.plan else ()),
        "source": "none",
    }
