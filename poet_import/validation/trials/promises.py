"""Whether a result is what a stub has promised: keys and types of its sample, its annotation, its domain's checks."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from fnmatch import fnmatchcase
from typing import Any, Final

from poet_import.runtime.rules import JOINT, RULES
from poet_import.validation.trials.doubles import Double

_KINDS: Final[dict[str, Any]] = {  # Any: what isinstance takes
    "int": int, "float": (int, float), "str": str, "bool": bool, "bytes": bytes, "none": type(None), "list": list,
    "set": set, "frozenset": frozenset, "dict": dict, "record": dict, "tuple": tuple, "row": tuple,
}  # fmt: skip


def broken_promise(result: Any, promise: Mapping[str, Any]) -> str:  # Any: whatever was returned
    """Return what is wrong with a result, or nothing."""
    if isinstance(result, Double):
        return ""
    if promise["spec"] is not None and not _fits(result, promise["spec"]):
        return f"the result {result!r:.80} does not fit its annotation"
    if promise["sample"] is not None and (wrong := _unlike(result, eval(promise["sample"], {}), "the result")):  # noqa: S307  # constants
        return wrong
    return next(
        (wrong for check in promise["checks"] if check["phase"] == "enforce" and (wrong := _checked(result, check))), ""
    )


def _unlike(value: Any, sample: Any, what: str) -> str:
    if sample is None or sample is Ellipsis:
        return ""
    if isinstance(sample, dict):
        if not isinstance(value, dict):
            return f"{what} is {type(value).__name__}, and the original returns dict"
        if set(value) != set(sample) and sample:
            return f"{what} has the keys {sorted(map(str, value))}, and the original's {sorted(map(str, sample))}"
        return next((wrong for key in sample if (wrong := _unlike(value[key], sample[key], f"{what}[{key!r}]"))), "")
    if type(sample) is float and type(value) in (int, float):
        return ""
    if value is not None and type(value) is not type(sample):
        return f"{what} is {type(value).__name__}, and the original returns {type(sample).__name__}"
    return ""


def _fits(value: Any, spec: Sequence[Any]) -> bool:
    kind = spec[0]
    if kind == "union":
        return any(_fits(value, part) for part in spec[1])
    if kind == "literal":
        return value in spec[1]
    if kind not in _KINDS or isinstance(value, Double):
        return True
    if not isinstance(value, _KINDS[kind]) or (isinstance(value, bool) and kind in ("int", "float")):
        return False
    if kind in ("list", "set", "frozenset", "row"):
        return all(_fits(item, spec[1]) for item in value)
    if kind == "dict":
        return all(_fits(key, spec[1]) and _fits(item, spec[2]) for key, item in value.items())
    if kind == "tuple":
        return len(value) == len(spec[1]) and all(map(_fits, value, spec[1]))
    return kind != "record" or all(name not in value or _fits(value[name], part) for name, part in spec[1].items())


def _checked(result: Any, check: Mapping[str, Any]) -> str:
    for pattern in check["match"]:
        key = pattern.removeprefix("return").removeprefix(".")
        value = result.get(key, None) if key and isinstance(result, dict) else result if not key else None
        if value is not None and not RULES[check["rule"]](value, **dict(check["arguments"])):
            return f"{pattern} is {value!r:.60}, which breaks the domain's rule {check['rule']}"
    return ""


def is_allowed(values: Mapping[str, Any], checks: Sequence[Mapping[str, Any]]) -> bool:
    """Tell whether the domain's checks let a call with these arguments through."""
    for check in checks:
        if check["phase"] != "perceive":
            continue
        named = [name for name in values if any(fnmatchcase(name, pattern) for pattern in check["match"])]
        rule, extra = RULES[check["rule"]], dict(check["arguments"])
        if check["rule"] in JOINT:
            if len(named) == len(check["match"]) and not rule(*(values[name] for name in named), **extra):
                return False
        elif not all(rule(values[name], **extra) for name in named):
            return False
    return True
