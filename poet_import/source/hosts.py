"""Dana's names for the marker and its further keywords: a module that Dana hosts may have been written for them."""

from __future__ import annotations

import warnings
from collections.abc import Mapping

from poet_import.errors import PoetWarning

OURS = "poet_import.poet"
HOST_NAMES = (
    "perceive",
    "operate",
    "enforce",
    "train",
    "enable_training",
    "enable_monitoring",
    "debug",
    "trace_phases",
    "performance_tracking",
)
"""What Dana's ``@poet`` takes beyond our own options."""

_HOMES = ("dana.frameworks.poet", "opendxa.dana.poet")  # packages; their modules hand the name on
_ALWAYS = {"perceive": "input_validation", "enforce": "output_validation"}  # what these ask for happens anyway


def is_marker(name: str | None) -> bool:
    """Tell whether a dotted name is our marker's, or Dana's."""
    return name == OURS or (name is not None and name.endswith(".poet") and is_home(name.removesuffix(".poet")))


def is_home(module: str | None) -> bool:
    """Tell whether a module of Dana's has its marker."""
    return module is not None and any(f"{module}.".startswith(f"{home}.") for home in _HOMES)


def translated(given: Mapping[str, object], *, where: str) -> dict[str, object]:
    """Return options with Dana's keywords put into ours, and warn once of those that mean nothing here.

    Args:
        given: Keyword and value of each option; what is neither Dana's nor ours is left as it is.
        where: File and line of the decorator.
    """
    ours = {name: value for name, value in given.items() if name not in HOST_NAMES}
    idle: list[str] = []
    for name in HOST_NAMES:
        value = given.get(name)
        if isinstance(value, dict):
            idle += [f"{name}[{key!r}]" for key in value if not _takes(name, key, value=value[key], options=ours)]
        elif value and not (name == "enable_training" and ours.get("optimize_for")):
            idle.append(name)
    if given.get("enable_training") is False:
        ours.pop("optimize_for", None)
    if idle:
        message = f"{where}: @poet takes {', '.join(idle)} from code written for Dana's, and does nothing with it"
        warnings.warn(message, PoetWarning, stacklevel=2)
    return ours


def _takes(name: str, key: object, *, value: object, options: dict[str, object]) -> bool:
    """Tell whether an entry of a phase's dict means something here; it goes into the options."""
    if name == "operate" and key in ("retries", "timeout"):
        options[str(key)] = value  # as in Dana, over the keyword of that name
        return True
    if name == "train" and key == "optimize_for":
        options["optimize_for"] = value
        return True
    if key == _ALWAYS.get(name):
        return value is not False
    return value is False or value is None
