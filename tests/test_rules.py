from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from decimal import Decimal
from itertools import pairwise
from unittest.mock import MagicMock, Mock

import pytest

from poet_import.runtime.rules import JOINT, RULES, describe

NAN = float("nan")
INFINITY = float("inf")


class Measureless:
    """Has a length that cannot be told, as an array without dimensions has."""

    def __init__(self, error: type[Exception]) -> None:
        self.error = error

    def __len__(self) -> int:
        raise self.error


class Counting(list[float]):
    """Fails the test if it is looked into: only built-in sequences are sampled."""

    def __iter__(self) -> Iterator[float]:
        raise AssertionError


KEPT: list[tuple[str, object]] = [
    ("not_none", 0),
    ("not_none", ""),
    ("non_empty", [0]),
    ("non_empty", " "),
    ("non_empty", None),
    ("non_empty", 0),
    ("non_empty", iter([])),
    ("non_empty", range(10**30)),
    ("non_empty", Measureless(TypeError)),
    ("non_empty", Measureless(ValueError)),
    ("non_empty", Measureless(NotImplementedError)),
    ("non_empty", MagicMock()),
    ("non_empty", Mock(spec=list)),
    ("non_empty", list),
    ("not_nan", 1.5),
    ("not_nan", INFINITY),
    ("not_nan", 10**400),
    ("not_nan", [1.0, None, "nan"]),
    ("not_nan", Counting([NAN])),
    ("finite", 0),
    ("finite", -1e308),
    ("finite", 10**400),
    ("finite", []),
    ("finite", (1.0, None, "nan")),
    ("finite", Decimal("NaN")),
    ("finite", Counting([INFINITY])),
    ("positive", 1e-300),
    ("positive", INFINITY),
    ("positive", False),
    ("positive", "0"),
    ("positive", None),
    ("positive", Mock(spec=int)),
    ("non_negative", 0),
    ("non_negative", -0.0),
    ("non_negative", [-1]),
    ("probability", 0),
    ("probability", 1),
    ("probability", 1.0000001),
    ("probability", -1e-9),
    ("probability", None),
    ("http_url", "http://localhost"),
    ("http_url", "HTTPS://example.com:8443/a?b=c#d"),
    ("http_url", "https://user:secret@example.com"),
    ("http_url", "http://[::1]:80/"),
    ("http_url", " http://example.com"),
    ("http_url", "https://{region}.example.com"),
    ("http_url", b"ftp://example.com"),
    ("http_url", None),
    ("http_url", Mock(spec=str)),
]

BROKEN: list[tuple[str, object]] = [
    ("not_none", None),
    ("non_empty", []),
    ("non_empty", ""),
    ("non_empty", {}),
    ("non_empty", deque()),
    ("non_empty", range(0)),
    ("not_nan", NAN),
    ("not_nan", [1.0, NAN]),
    ("finite", NAN),
    ("finite", INFINITY),
    ("finite", -INFINITY),
    ("finite", (0, INFINITY)),
    ("positive", 0),
    ("positive", -1),
    ("positive", NAN),
    ("non_negative", -1e-300),
    ("non_negative", NAN),
    ("probability", 1.001),
    ("probability", -0.1),
    ("probability", 95),
    ("probability", NAN),
    ("http_url", ""),
    ("http_url", "/users/1"),
    ("http_url", "example.com"),
    ("http_url", "http:example.com"),
    ("http_url", "http://"),
    ("http_url", "http:///path"),
    ("http_url", "http://:80"),
    ("http_url", "http://user@/"),
    ("http_url", "https://?q=a.com"),
    ("http_url", "https://#top"),
    ("http_url", "ftp://example.com"),
    ("http_url", "unix:///run/docker.sock"),
]


@pytest.mark.parametrize(("rule", "value"), KEPT, ids=[f"{rule}-{index}" for index, (rule, _) in enumerate(KEPT)])
def test_correct_or_undecidable_value_keeps_the_rule(rule: str, value: object) -> None:
    assert RULES[rule](value)


@pytest.mark.parametrize(("rule", "value"), BROKEN, ids=[f"{rule}-{index}" for index, (rule, _) in enumerate(BROKEN)])
def test_wrong_value_breaks_the_rule(rule: str, value: object) -> None:
    assert not RULES[rule](value)


@pytest.mark.parametrize(
    ("value", "bounds", "kept"),
    [
        pytest.param(0, {"minimum": 0}, True, id="at-minimum"),
        pytest.param(1.5, {"maximum": 1.5}, True, id="at-maximum"),
        pytest.param(-1, {"minimum": 0}, False, id="below"),
        pytest.param(2, {"minimum": 0, "maximum": 1}, False, id="above"),
        pytest.param(NAN, {"minimum": 0}, False, id="nan"),
        pytest.param("2", {"maximum": 1}, True, id="text-is-not-judged"),
        pytest.param(True, {"minimum": 2}, True, id="bool-is-not-judged"),
    ],
)
def test_within_includes_its_bounds(value: object, bounds: dict[str, float], kept: bool) -> None:
    assert RULES["within"](value, **bounds) is kept


@pytest.mark.parametrize(
    ("values", "kept"),
    [
        pytest.param(([1, 2], (3, 4)), True, id="equal"),
        pytest.param(([1, 2], (3,)), False, id="different"),
        pytest.param(([1], [2], range(3)), False, id="third-differs"),
        pytest.param(([], [1]), False, id="one-empty"),
        pytest.param(([1, 2], None), True, id="none"),
        pytest.param(([1, 2], iter([1])), True, id="iterator"),
        pytest.param(([1, 2], "label"), True, id="name-of-a-column"),
        pytest.param(([1, 2], {"label": [1, 2]}), True, id="dict-of-columns"),
        pytest.param(([1, 2], Measureless(TypeError)), True, id="without-dimensions"),
        pytest.param(([1, 2], MagicMock()), True, id="mock"),
    ],
)
def test_same_length_compares_what_has_rows(values: tuple[object, ...], kept: bool) -> None:
    assert RULES["same_length"](*values) is kept


def test_iterator_is_not_consumed() -> None:
    numbers = iter([NAN, INFINITY])
    for name, rule in RULES.items():
        rule(numbers, **({"minimum": 0} if name == "within" else {}))

    assert len(list(numbers)) == 2


@pytest.mark.parametrize("count", [1, 7, 8, 9, 15, 16, 17, 1000])
def test_at_most_eight_evenly_spread_items_are_looked_at(count: int) -> None:
    seen = [index for index in range(count) if not RULES["finite"]([NAN if index == at else 0 for at in range(count)])]
    gaps = {later - earlier for earlier, later in pairwise(seen)}

    assert seen[0] == 0
    assert min(count, 4) <= len(seen) <= 8
    assert len(gaps) <= 1


def test_joint_rules_are_rules() -> None:
    assert JOINT.issubset(RULES)


@pytest.mark.parametrize(
    ("rule", "arguments", "words"),
    [
        ("non_empty", {}, "a non-empty value"),
        ("finite", {}, "a finite number"),
        ("same_length", {}, "values of the same length"),
        ("within", {"minimum": 0, "maximum": 1}, "a value within 0 and 1"),
        ("within", {"minimum": 0}, "a value of at least 0"),
        ("within", {"maximum": 1.5}, "a value of at most 1.5"),
    ],
)
def test_description_says_what_is_expected(rule: str, arguments: dict[str, float], words: str) -> None:
    assert describe(rule, arguments) == words


@pytest.mark.parametrize("rule", sorted(RULES))
def test_every_rule_has_a_description(rule: str) -> None:
    assert describe(rule, {"minimum": 0}).startswith(("a ", "an ", "values "))


def test_description_of_an_unknown_rule_is_a_key_error() -> None:
    with pytest.raises(KeyError, match="finit"):
        describe("finit", {})
