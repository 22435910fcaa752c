"""The rules that a domain declares, as Dana expressions: each true where `poet_import.runtime.rules` says True.

Dana's ``and`` and ``or`` evaluate both sides, so what only some types can be asked stands in a conditional.
Every item of a list or tuple is looked at, not eight of them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass

_NUMBERS = '["int", "float"]'
_SEQUENCES = '["list", "tuple"]'
_SIZED = '["str", "list", "dict", "tuple", "set"]'
_ROWS = '["list", "tuple", "set"]'
_URL = r'r"(?i)\s*https?://([^/?#]*@)?[^/?#@: ]"'
_ITEM = "__poet_item"


@dataclass(frozen=True, slots=True)
class _Asked:
    """What one condition is about."""

    values: Sequence[str]  # expressions
    arguments: Mapping[str, object]
    may_be_rows: bool

    @property
    def value(self) -> str:
        """Return the one expression, of those that have one."""
        return self.values[0]


_Make = Callable[[_Asked], str]


def condition(rule: str, values: Sequence[str], arguments: Mapping[str, object], *, may_be_rows: bool = True) -> str:
    """Return an expression that is true where some values keep a rule.

    Args:
        rule: The rule's name.
        values: The values as expressions; several for a joint rule.
        arguments: The rule's own.
        may_be_rows: Whether a value may be a list or a tuple.

    Raises:
        KeyError: There is no such rule.
    """
    return _CONDITIONS[rule](_Asked(values, arguments, may_be_rows))


def modules(conditions: Iterable[str]) -> tuple[str, ...]:
    """Return the Python modules that some conditions need, each under ``__poet_`` and its own name."""
    return ("re",) if any("__poet_re." in one for one in conditions) else ()


def _of_number(test: str, value: str) -> str:
    return f"({test.format(value)} if type({value}) in {_NUMBERS} else True)"


def _number(test: str) -> _Make:
    """Return the maker of a condition that only numbers can break."""
    return lambda asked: _of_number(test, asked.value)


def _numbers(test: str) -> _Make:
    """Return the maker of a condition that only numbers, and lists and tuples of them, can break."""

    def make(asked: _Asked) -> str:
        value, alone = asked.value, _of_number(test, asked.value)
        if not asked.may_be_rows:
            return alone
        misfits = f"[{_ITEM} for {_ITEM} in {value} if not {_of_number(test, _ITEM)}]"
        return f"({misfits} == [] if type({value}) in {_SEQUENCES} else {alone})"

    return make


def _not_none(asked: _Asked) -> str:
    return f"{asked.value} != None"


def _non_empty(asked: _Asked) -> str:
    return f"(len({asked.value}) > 0 if type({asked.value}) in {_SIZED} else True)"


def _same_length(asked: _Asked) -> str:
    first, *others = asked.values
    sized = " and ".join(f"type({value}) in {_ROWS}" for value in asked.values)
    equal = " and ".join(f"len({first}) == len({other})" for other in others)
    return f"({equal} if {sized} else True)"


def _within(asked: _Asked) -> str:
    bounds = ((">=", asked.arguments.get("minimum")), ("<=", asked.arguments.get("maximum")))
    tests = [f"{{0}} {sign} {bound!r}" for sign, bound in bounds if bound is not None]
    return _of_number(" and ".join(tests), asked.value)


def _http_url(asked: _Asked) -> str:
    return f'(__poet_re.match({_URL}, {asked.value}) != None if type({asked.value}) == "str" else True)'


_CONDITIONS: dict[str, _Make] = {
    "finite": _numbers("{0} - {0} == 0"),  # an infinity less itself is nan
    "http_url": _http_url,
    "non_empty": _non_empty,
    "non_negative": _number("{0} >= 0"),
    "not_nan": _numbers("{0} == {0}"),
    "not_none": _not_none,
    "positive": _number("{0} > 0"),
    "probability": _number("{0} >= -0.000001 and {0} <= 1.000001"),
    "same_length": _same_length,
    "within": _within,
}
