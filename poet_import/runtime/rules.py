"""The rules that a domain's ``metadata.json`` may name; woven code calls them.

A rule is True when the value keeps it, and True for a value that it cannot judge: a check must never refuse what may be
right. Numbers are ``int`` and ``float`` with their subclasses, without ``bool``, which often says "none". No rule
converts a value, consumes an iterator, or looks at more than eight items.

A rule that takes several values is in `JOINT`.
"""

TYPE_CHECKING = False  # typing is not imported by woven code; type checkers know the name
if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

_INFINITY = float("inf")
_MOST_ITEMS = 8
# A correct sum of 32-bit floats may miss 0 or 1 by about this much.
_ROUNDING = 1e-6


def not_none(value: object) -> bool:
    """Return whether the value is not None."""
    return value is not None


def non_empty(value: object) -> bool:
    """Return whether the value's length is not 0; None and what has no length pass."""
    return _length(value) != 0


def same_length(*values: object) -> bool:
    """Return whether all values that have rows have equally many.

    Texts and dicts are not judged: a text may name a column, and a dict of columns has as many rows as they have.
    """
    lengths = {_length(value) for value in values if not isinstance(value, str | bytes | dict)}
    lengths.discard(None)
    return len(lengths) < 2


def not_nan(value: object) -> bool:
    """Return whether the value, or every sampled item of a list or tuple, is not nan."""
    numbers = [_number(item) for item in _sample(value)]
    return all(number is None or number == number for number in numbers)  # noqa: PLR0124  (only nan differs from itself)


def finite(value: object) -> bool:
    """Return whether the value, or every sampled item of a list or tuple, is neither nan nor infinite."""
    numbers = [_number(item) for item in _sample(value)]
    return all(number is None or -_INFINITY < number < _INFINITY for number in numbers)


def positive(value: object) -> bool:
    """Return whether a number is above 0."""
    number = _number(value)
    return number is None or number > 0


def non_negative(value: object) -> bool:
    """Return whether a number is 0 or above."""
    number = _number(value)
    return number is None or number >= 0


def probability(value: object) -> bool:
    """Return whether a number lies between 0 and 1, give or take the rounding of a 32-bit float."""
    number = _number(value)
    return number is None or -_ROUNDING <= number <= 1 + _ROUNDING


def within(value: object, *, minimum: float | None = None, maximum: float | None = None) -> bool:
    """Return whether a number is neither below the minimum nor above the maximum; nan breaks either."""
    number = _number(value)
    if number is None:
        return True
    return (minimum is None or number >= minimum) and (maximum is None or number <= maximum)


def http_url(value: object) -> bool:
    """Return whether a text begins as an absolute http or https URL, host included; other types pass."""
    if not isinstance(value, str) or _is_mock(value):
        return True
    scheme, _, rest = value.lstrip().partition("://")  # requests drops leading blanks too
    authority = rest.replace("?", "/").replace("#", "/").partition("/")[0]
    host = authority.rpartition("@")[2]
    return scheme.lower() in ("http", "https") and host[:1] not in ("", ":", " ")


JOINT: frozenset[str] = frozenset({"same_length"})

RULES: "dict[str, Callable[..., bool]]" = {
    "finite": finite,
    "http_url": http_url,
    "non_empty": non_empty,
    "non_negative": non_negative,
    "not_nan": not_nan,
    "not_none": not_none,
    "positive": positive,
    "probability": probability,
    "same_length": same_length,
    "within": within,
}

_WORDS = {
    "finite": "a finite number",
    "http_url": "an http:// or https:// URL with a host",
    "non_empty": "a non-empty value",
    "non_negative": "a number of at least 0",
    "not_nan": "a number other than nan",
    "not_none": "a value other than None",
    "positive": "a number above 0",
    "probability": "a probability between 0 and 1",
    "same_length": "values of the same length",
}


def describe(rule: str, arguments: "Mapping[str, object]") -> str:
    """Return what a rule asks for, in the words of an error: ``a non-empty value``.

    Raises:
        KeyError: There is no such rule.
    """
    if rule != "within":
        return _WORDS[rule]
    minimum, maximum = arguments.get("minimum"), arguments.get("maximum")
    if minimum is None:
        return f"a value of at most {maximum}"
    if maximum is None:
        return f"a value of at least {minimum}"
    return f"a value within {minimum} and {maximum}"


def _is_mock(value: object) -> bool:
    """Return whether a mock made the value: it claims any class, and its length is 0."""
    return type(value).__module__ == "unittest.mock"


def _length(value: object) -> int | None:
    if _is_mock(value) or not hasattr(type(value), "__len__"):
        return None
    try:
        return len(value)  # type: ignore[arg-type]  # its type has __len__
    except (TypeError, ValueError, OverflowError, NotImplementedError):  # an array without dimensions, range(10**30)
        return None


def _number(value: object) -> float | None:
    if isinstance(value, bool) or not isinstance(value, int | float) or _is_mock(value):
        return None
    return value


def _sample(value: object) -> list[object] | tuple[object, ...]:
    """Return at most eight items of a built-in list or tuple, evenly spread, or the value itself as the only item."""
    if type(value) is not list and type(value) is not tuple:
        return (value,)
    return value[:: -(-len(value) // _MOST_ITEMS) or 1]
