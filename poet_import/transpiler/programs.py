"""Dana: from a source to woven text and what is told of it, in the form that Python's have."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from poet_import.errors import TranspileError
from poet_import.model import Transpiled
from poet_import.templates import TemplateStore
from poet_import.transpiler.metadata import options_of

if TYPE_CHECKING:  # it loads lark, which only those have who asked for the extra
    from poet_import.dana.discovery import DanaSource
    from poet_import.dana.plan import DanaPlan

NOT_GENERATED = "bodies of Dana functions are not generated: the function's own is woven"
_MISSING = "language 'dana' needs the extra dana: pip install 'poet-import[dana]'"


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


def transpile_program(source: DanaSource, store: TemplateStore, *, generates: bool) -> Transpiled:
    """Weave a Dana source.

    Args:
        source: What was read.
        store: Where domains come from.
        generates: Whether a generator is configured: the metadata then says that it is not asked.

    Raises:
        TranspileError: No function is marked; the message tells what was found instead.
    """
    from poet_import.dana.weaving import weave  # as above

    if not source.functions:
        message = f"no function is marked with @poet; found {', '.join(source.names) or 'no function at all'}"
        raise TranspileError(message, filename=source.filename)
    woven = weave(source, store)
    rows = [_metadata(plan, generates=generates) for plan in woven.plans]
    return Transpiled(woven.text, None, rows[0] | {"functions": rows}, language="dana")


def _metadata(plan: DanaPlan, *, generates: bool) -> dict[str, object]:
    found: dict[str, object] = {
        **options_of(plan.found.options),
        "phases_included": list(plan.phases),
        "original_function_name": str(plan.found.name),
        "enhancements": list(plan.template.enhancements),
        "source": "none",
    }
    warnings = list(_warnings(plan, generates=generates))
    return found | ({"warnings": warnings} if warnings else {})


def _warnings(plan: DanaPlan, *, generates: bool) -> Iterator[str]:
    yield from plan.notes
    if generates:
        yield NOT_GENERATED
