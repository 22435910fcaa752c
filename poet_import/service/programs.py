"""A request in Dana: one marked function, with its imports, the types that it names and its helpers, and its answer.

Run in a worker process, as `poet_import.service.reading` is.
"""

from __future__ import annotations

from collections.abc import Sequence
from importlib.util import find_spec
from typing import TYPE_CHECKING

from poet_import.service.faults import Fault, without_input
from poet_import.service.reading import FILENAME, Refused

if TYPE_CHECKING:  # it loads lark, which only those have who asked for the extra
    from poet_import.dana.discovery import DanaSource
    from poet_import.dana.refusals import DanaError

_CODE = "/function_code"
_MOST_LINES = 5_000  # as for Python
_EXPECTED = ": expected "
_DETAILS = {
    "reserved-name": "names that begin with __poet_ belong to woven code: rename it",
    "options": (
        "each option of @poet must be written as a literal: domain and optimize_for as texts, retries as a whole "
        "number from 0, timeout as seconds above 0, retry_on as names of exceptions, on_violation as one of raise, "
        "warn, off, semantics as one of preserve, intent"
    ),
}


def is_available() -> bool:
    """Tell whether the extra that Dana needs is installed."""
    return find_spec("lark") is not None


def read_dana_function(code: str, imports: Sequence[str]) -> DanaSource:
    """Return a request's text with its imports above it.

    Raises:
        Refused: It is not one function under ``@poet`` with what may stand beside it, or no Dana.
    """
    from poet_import.dana.discovery import imports_only, read_dana  # loads lark, of the extra dana
    from poet_import.dana.layout import at_the_left_edge  # as above
    from poet_import.dana.refusals import DanaError  # as above

    if code.count("\n") > _MOST_LINES:
        raise Refused(Fault("too-long", f"the text has more than {_MOST_LINES:,} lines", _CODE))
    wrong = [number for number, line in enumerate(imports) if not imports_only(line)]
    if wrong:
        detail = "expected import statements and nothing else"
        raise Refused(*(Fault("import-statements-only", detail, f"/context/imports/{number}") for number in wrong))
    above = "".join(f"{line}\n" for line in imports)
    shift = above.count("\n")
    try:
        source = read_dana(above + at_the_left_edge(code), FILENAME)
    except DanaError as error:
        raise Refused(_fault(error, shift)) from error
    _check(source, shift)
    return source


def _fault(error: DanaError, shift: int) -> Fault:
    """Return what is wrong, without what the caller wrote."""
    found, expected, words = error.message.partition(_EXPECTED)
    detail = _DETAILS.get(error.rule, f"{without_input(found)}{expected}{words}")
    line = error.line - shift if error.line and error.line > shift else None
    return Fault(error.rule, detail, _CODE, line=line, column=error.column)


def _check(source: DanaSource, shift: int) -> None:
    """Refuse what is not one function, with nothing else that runs beside it.

    Raises:
        Refused: There is none or another, or a further statement.
    """
    if not source.functions:
        raise Refused(Fault("no-poet-function", "no function is marked with @poet; mark one", _CODE))
    if len(source.functions) > 1:
        line = (source.functions[1].name.line or 0) - shift
        detail = f"{len(source.functions)} functions are marked with @poet; send one at a time"
        raise Refused(Fault("several-poet-functions", detail, _CODE, line=line))
    detail = "beside the function only imports, the types that it names and private helpers (def _name) may stand"
    further = [Fault("further-statement", detail, _CODE, line=line - shift) for line in source.further_lines]
    if further:
        raise Refused(*further[:20])
