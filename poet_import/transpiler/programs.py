"""Dana: from a source to woven text and what is told of it, in the form that Python's have."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from poet_import.errors import TranspileError
from poet_import.model import Transpiled
from poet_import.templates import TemplateStore
from poet_import.transpiler.core import Transpiler
from poet_import.transpiler.metadata import options_of, source_of
from poet_import.transpiler.woven import Body, Fallback, Outcome

if TYPE_CHECKING:  # it loads lark, which only those have who asked for the extra
    from poet_import.dana.discovery import DanaSource
    from poet_import.dana.plan import DanaPlan

_MISSING = "language 'dana' needs the extra dana: pip install 'poet-import[dana]'"
_INSIDE_A_BLOCK = Fallback("a function inside a block keeps its body: there is no place for helpers beside it")


def read_program(source: str, imports: object, filename: str) -> DanaSource:
    """Read a Dana source below the imports that its context names.

    Raises:
        TranspileError: It is no Dana, an option is wrong, the imports are none, or the extra is missing.
    """
    try:
        from poet_import.dana.discovery import read_dana  # loads lark, of the extra dana: for those alone who need it
        from poet_import.dana.refusals import DanaError  # as above
    except ModuleNotFoundError as error:
        if error.name != "lark":
            raise
        raise TranspileError(_MISSING) from error
    try:
        return read_dana(_below(imports, source), filename)
    except DanaError as error:
        raise TranspileError(error.message, filename=filename, line=error.line, column=error.column) from error


def _below(imports: object, source: str) -> str:
    """Return a source below import statements.

    Raises:
        TranspileError: They are no list of texts, or one is anything else than import statements.
    """
    from poet_import.dana.discovery import imports_only  # as above

    if not isinstance(imports, list | tuple) or not all(isinstance(line, str) for line in imports):
        raise TranspileError(f"context.imports: expected a list of import statements, found {imports!r}")
    for number, line in enumerate(imports):
        if not imports_only(line):
            raise TranspileError(f"context.imports[{number}]: expected import statements only, found {line!r}")
    return "".join(f"{line}\n" for line in imports) + source.removeprefix("\ufeff")


@dataclass(frozen=True, slots=True)
class WovenProgram:
    """A Dana source with its marked functions woven."""

    text: str
    plans: tuple[DanaPlan, ...]  # in the order of the source
    outcomes: tuple[Outcome | None, ...]  # of asking for another body for each, None where nobody asked


def weave_program(source: DanaSource, store: TemplateStore, transpiler: Transpiler) -> WovenProgram:
    """Weave a Dana source.

    Args:
        source: What was read.
        store: Where domains come from, for Dana functions.
        transpiler: What has other bodies.

    Raises:
        TranspileError: No function is marked; the message tells what was found instead.
    """
    from poet_import.dana.weaving import weave  # as above

    if not source.functions:
        message = f"no function is marked with @poet; found {', '.join(source.names) or 'no function at all'}"
        raise TranspileError(message, filename=source.filename)
    outcomes = _outcomes(source, store, transpiler)
    woven = weave(_grafted(source, outcomes), store)
    return WovenProgram(woven.text, woven.plans, tuple(outcomes))


def transpiled_program(woven: WovenProgram) -> Transpiled:
    """Return a woven source with the metadata of its first marked function."""
    rows = [_metadata(plan, outcome) for plan, outcome in zip(woven.plans, woven.outcomes, strict=True)]
    first = woven.outcomes[0]
    operate = first.implementation.operate if isinstance(first, Body) else None
    return Transpiled(woven.text, operate, rows[0] | {"functions": rows}, language="dana")


def _outcomes(source: DanaSource, store: TemplateStore, transpiler: Transpiler) -> list[Outcome | None]:
    """Return what became of asking, for each function in the order of the source."""
    if not transpiler.asks:
        return [None] * len(source.functions)
    from poet_import.transpiler.dana_requests import all_wanted  # as above

    found = transpiler.bodies(all_wanted(source, store), source.filename)
    return [found.get(function, _INSIDE_A_BLOCK) for function in source.functions]


def _grafted(source: DanaSource, outcomes: list[Outcome | None]) -> DanaSource:
    from poet_import.dana.grafting import graft  # as above

    rows = zip(source.functions, outcomes, strict=True)
    return graft(source, {found: one.implementation for found, one in rows if isinstance(one, Body)})


def _metadata(plan: DanaPlan, outcome: Outcome | None) -> dict[str, object]:
    found: dict[str, object] = {
        **options_of(plan.found.options),
        "phases_included": list(plan.phases),
        "original_function_name": str(plan.found.name),
        "enhancements": list(plan.template.enhancements),
        **source_of(outcome),
    }
    return found | ({"warnings": list(plan.notes)} if plan.notes else {})
