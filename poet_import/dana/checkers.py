"""The functions that the woven functions of a source share, each written once, above the first that calls it.

Dana keeps the functions of all files of a process by name, and the last one read counts: so their text is always the
same, and takes hints of every kind.
"""

from __future__ import annotations

from collections.abc import Iterator

from poet_import.dana.plan import RESULT, DanaPlan

FITS = "__poet_fits"
CHECKED, WARNED, WARN_UNLESS = "__poet_checked", "__poet_warned", "__poet_warn_unless"
_TEST = f'type({RESULT}) in {FITS} if type({FITS}) == "list" else {FITS}({RESULT})'
_MESSAGE = f'f"{{__poet_message}}, got {{type({RESULT})}}"'
_BODIES = {
    CHECKED: (
        f"sync def {CHECKED}({RESULT}, {FITS}, __poet_message):",
        "    assert (",
        f"        {_TEST}",
        f"    ), {_MESSAGE}",
        f"    return {RESULT}",
    ),
    WARN_UNLESS: (
        f"sync def {WARN_UNLESS}(__poet_kept, __poet_message):",
        "    import warnings.py as __poet_warnings",
        "    if not __poet_kept:",
        "        __poet_warnings.warn(__poet_message)",
    ),
    WARNED: (
        f"sync def {WARNED}({RESULT}, {FITS}, __poet_message):",
        f"    {WARN_UNLESS}(",
        f"        {_TEST},",
        f"        {_MESSAGE}",
        "    )",
        f"    return {RESULT}",
    ),
}


def checkers(plans: tuple[DanaPlan, ...]) -> Iterator[tuple[DanaPlan, str]]:
    """Yield the text of each function that several may share, with the first plan that needs it."""
    written: set[str] = set()
    for plan in plans:
        for name in _needed(plan):
            if name not in written:
                yield plan, "\n".join(_BODIES[name])
            written.add(name)


def checker(plan: DanaPlan) -> str:
    """Return the name of the function that checks a value and hands it on."""
    return WARNED if plan.warns else CHECKED


def _needed(plan: DanaPlan) -> Iterator[str]:
    if plan.warns and (plan.perceive or plan.checks_result):
        yield WARN_UNLESS
    if plan.calls_checker:
        yield checker(plan)
