"""``@poet`` on a function of a Dana program: the same promises, kept by a wrapper."""

import itertools
import threading
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import pytest
from stand_in import DanaFunction, Promise

from poet_import import EnforceError, PerceiveError, PoetTimeout, PoetWarning, describe, poet

pytestmark = pytest.mark.usefixtures("hosted")


def define(function: DanaFunction, decorate: Callable[..., Any], **hints: str) -> Callable[..., Any]:
    """Carry out a definition as Dana does: its hints are in a tree that only this frame has."""
    parameters = [SimpleNamespace(name=name, type_hint=SimpleNamespace(name=hint)) for name, hint in hints.items()]
    location = SimpleNamespace(source="shop.na", line=7)
    node = SimpleNamespace(name=SimpleNamespace(name=function.__name__), parameters=parameters, location=location)
    made: Callable[..., Any] = decorate(function)
    assert node.location is location  # it lives until here
    return made


def test_arguments_arrive_in_their_order() -> None:
    minus = define(DanaFunction("minus", lambda x, y=1: x - y, defaults={"y": 1}), poet)

    assert (minus(9, 4), minus(9), minus(y=2, x=9)) == (5, 8, 7)


def test_promises_in_and_out_are_resolved() -> None:
    double = define(DanaFunction("double", lambda x: Promise(x * 2), return_type="int"), poet, x="int")

    assert double(Promise(2)) == 4


@pytest.mark.parametrize(
    ("hint", "good", "bad"),
    [
        ("int", True, "a"),
        ("float", 1, "a"),
        ("list[int]", [1], ["a"]),
        ("dict[str, any]", {"a": None}, {1: 2}),
        ("str | None", None, 1),
        ("NoneType", None, 1),
    ],
)
def test_arguments_and_results_are_checked_against_danas_hints(hint: str, good: object, bad: object) -> None:
    taking = define(DanaFunction("taking", lambda x: x), poet, x=hint)
    giving = define(DanaFunction("giving", lambda x: x, return_type=hint), poet)

    assert taking(good) == giving(good) == good
    with pytest.raises(PerceiveError, match=r"dana\.taking\(\): x: expected"):
        taking(bad)
    with pytest.raises(EnforceError, match=r"dana\.giving\(\): its result: expected"):
        giving(bad)


@pytest.mark.parametrize("hint", ["Point", "property", "any", "list[Point]"])
def test_a_hint_that_is_no_type_of_pythons_checks_nothing(hint: str) -> None:
    f = define(DanaFunction("f", lambda x: x, return_type=hint), poet, x=hint)

    assert f("a") == "a"


def test_a_missing_argument_stays_danas_to_fill() -> None:
    f = define(DanaFunction("f", lambda x, y=None: [x, y]), poet, x="int", y="int")

    assert f(1) == [1, None]
    with pytest.raises(PerceiveError, match="y: expected int, got None"):
        f(1, None)


def test_retries_and_options_in_danas_spelling_hold() -> None:
    runs = itertools.count(1)

    def body() -> int:
        if next(runs) < 3:
            raise OSError("busy")
        return 1

    f = define(DanaFunction("f", body), poet("base", None, retries=2))

    assert f() == 1
    assert next(runs) == 4
    assert describe(f).domain == "base"


def test_a_timeout_ends_it() -> None:
    def body() -> None:
        while True:
            pass

    with pytest.raises(PoetTimeout, match=r"dana\.f\(\): timed out after 0\.05 s"):
        define(DanaFunction("f", body), poet(timeout=0.05))()


def test_what_is_wrong_with_its_options_is_told_with_its_place() -> None:
    with pytest.warns(PoetWarning, match=r"^shop\.na:7: @poet takes debug"):
        define(DanaFunction("f", lambda: 1), poet(debug=True))
    with pytest.raises(TypeError, match=r"^shop\.na:7: @poet has no option 'retry'"):
        define(DanaFunction("f", lambda: 1), poet(retry=1))  # type: ignore[call-overload]  # what is refused


def test_it_may_be_marked_where_nothing_else_runs() -> None:
    made: list[Any] = []
    thread = threading.Thread(target=lambda: made.append(poet(DanaFunction("f", lambda x: x))))
    thread.start()
    thread.join()

    assert made[0]("a") == "a"


def test_without_its_definition_at_hand_its_hints_are_unknown() -> None:
    def deep(depth: int) -> Any:
        return deep(depth - 1) if depth else poet(DanaFunction("f", lambda x: x))

    assert deep(9)("a") == "a"
    with pytest.raises(TypeError, match=r"^<dana>:1: @poet has no option"):
        poet(retry=1)(DanaFunction("f", lambda: 1))  # type: ignore[call-overload]  # what is refused
