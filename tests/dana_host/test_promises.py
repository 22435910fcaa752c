"""A function that Dana hosts gets values where Dana passes promises, and its call is not made twice."""

import marshal
import sys
from collections.abc import Callable
from types import ModuleType

import pytest
from stand_in import Promise, call, call_one_after_the_other, call_twice, in_dana, modules

from poet_import import EnforceError, PerceiveError, poet, runtime
from poet_import.runtime import shadowing
from poet_import.templates import TemplateStore, template_roots
from poet_import.transpiler.weaving import weave_source

Load = Callable[..., ModuleType]

SHOP = """
from poet_import import poet

runs = []

@poet
def seen(x, *more, last=0, **named):
    runs.append((x, more, last, named))
    return x

@poet
def number(x: int) -> int:
    return x

@poet
def numbers(x: list[int], y: tuple[int, ...] = (1, 2)) -> list[int]:
    x.append(1)
    return x

@poet
def made(give) -> int:
    return give()

@poet(retries=2)
def failing(error):
    runs.append(error)
    raise error

class Basket:
    @poet
    def total(self, price: int) -> int:
        return price

@poet
def with_context(x: int, context: int = 3) -> int:
    return 1 if context is None else x
"""


@pytest.fixture
def shop(load: Load, hosted: None) -> ModuleType:  # noqa: ARG001  (first Dana, then the module)
    return load(SHOP)


@pytest.mark.parametrize(
    ("given", "got"),
    [
        pytest.param(Promise(3), 3, id="alone"),
        pytest.param(Promise(None), None, id="none"),
        pytest.param([Promise(1), 2], [1, 2], id="list"),
        pytest.param((Promise(1), 2), (1, 2), id="tuple"),
        pytest.param({"a": Promise(1)}, {"a": 1}, id="dict"),
        pytest.param({Promise(1), 2}, {1, 2}, id="set"),
        pytest.param([{"a": (Promise(1),)}], [{"a": (1,)}], id="nested"),
        pytest.param(Promise([Promise(1)]), [1], id="promise-of-promises"),
        pytest.param([[[[[1]]]]], [[[[[1]]]]], id="deep"),
        pytest.param([], [], id="empty"),
    ],
)
def test_promises_are_resolved_before_the_body_runs(shop: ModuleType, given: object, got: object) -> None:
    shop.seen(given, given, last=given, other=given)

    assert shop.runs == [(got, (got,), got, {"other": got})]


def test_a_promise_is_checked_as_what_it_stands_for(shop: ModuleType) -> None:
    assert shop.number(Promise(3)) == 3
    assert shop.Basket().total(Promise(3)) == 3
    with pytest.raises(PerceiveError, match="x: expected int, got str 'a'"):
        shop.number(Promise("a"))
    with pytest.raises(PerceiveError, match="x: expected list\\[int\\]"):
        shop.numbers([Promise("a")])


def test_a_list_stays_the_object_of_its_caller_and_a_default_is_still_known(shop: ModuleType) -> None:
    prices = [Promise(2)]

    assert shop.numbers(prices) is prices
    assert prices == [2, 1]


def test_a_promise_that_failed_raises_its_own_error_and_the_body_does_not_run(shop: ModuleType) -> None:
    with pytest.raises(OSError, match="busy"):
        shop.seen(Promise(OSError("busy")))

    assert not shop.runs


def test_a_result_that_is_a_promise_is_checked_as_what_it_stands_for(shop: ModuleType) -> None:
    assert shop.made(lambda: Promise(3)) == 3
    with pytest.raises(EnforceError, match="expected int, got str 'a'"):
        shop.made(lambda: Promise("a"))


def test_where_dana_is_not_loaded_nothing_is_woven_for_it(load: Load) -> None:
    module = load(SHOP)
    functions = [module.seen, module.number, module.failing, module.Basket.total]

    assert not any({"received", "resolved"} & set(function.__code__.co_names) for function in functions)


def test_a_module_that_was_cached_without_dana_is_woven_anew_for_it(
    load: Load, monkeypatch: pytest.MonkeyPatch
) -> None:
    load(SHOP)
    del sys.modules["shop"]
    for name, module in modules().items():
        monkeypatch.setitem(sys.modules, name, module)

    assert load(SHOP).number(Promise(3)) == 3


def test_a_promise_that_comes_too_early_says_what_to_do(load: Load) -> None:
    module = load(SHOP)

    with pytest.raises(PerceiveError, match="woven before Dana was loaded: import Dana first"):
        module.number(Promise(3))


def test_arguments_pass_as_they_are_while_dana_has_no_promises(
    shop: ModuleType, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delitem(sys.modules, "dana.core.concurrency")

    assert shop.number(3) == 3


@pytest.mark.parametrize(
    ("error", "runs"), [(ValueError("bad"), 3), (TypeError("bad"), 1), (AttributeError("bad"), 1), (OSError("bad"), 3)]
)
def test_a_function_that_fails_runs_as_often_as_its_retries_say(shop: ModuleType, error: Exception, runs: int) -> None:
    with pytest.raises(type(error), match="bad"):
        call(shop.failing, error)

    assert len(shop.runs) == runs


def test_a_refused_call_is_made_once(shop: ModuleType) -> None:
    with pytest.raises(PerceiveError):
        call(shop.numbers, "a")
    with pytest.raises(EnforceError):
        call(shop.made, lambda: shop.runs.append(1))

    assert shop.runs == [1]


def test_a_call_that_handles_an_error_of_something_else_is_made(shop: ModuleType) -> None:
    def other() -> None:
        raise ValueError

    call_other = in_dana(call_one_after_the_other)

    assert call_other(other, shop.seen) == 1


def test_a_call_by_what_handles_an_error_is_made(shop: ModuleType) -> None:
    def again() -> object:
        return shop.seen(1)

    try:
        shop.failing(TypeError("bad"))
    except TypeError:
        assert again() == 1


def test_a_call_that_handles_an_error_of_the_function_elsewhere_is_made(shop: ModuleType) -> None:
    try:
        call(shop.failing, TypeError("bad"))
    except TypeError:
        with pytest.raises(OSError, match="worse"):
            shop.failing(OSError("worse"))

    assert len(shop.runs) == 4


def test_a_program_that_makes_a_call_again_by_itself_makes_it(shop: ModuleType) -> None:
    with pytest.raises(ValueError, match="bad"):
        call_twice(shop.failing, ValueError("bad"))

    assert len(shop.runs) == 6


def test_the_injected_context_is_neither_resolved_nor_checked(shop: ModuleType) -> None:
    assert shop.with_context(2, Promise(1)) == 2
    assert shop.with_context(2, None) == 1


def test_the_injected_context_is_not_copied_for_a_shadow(monkeypatch: pytest.MonkeyPatch) -> None:
    copied: list[str] = []

    class Live:
        def __deepcopy__(self, _memo: object) -> None:
            copied.append("context")

    def answer(x: int, context: Live) -> None:
        del x, context
        shadowing.sample()

    code = answer.__code__
    rows = {code.co_firstlineno: ("answer", "place", "v1", code, code)}
    monkeypatch.setitem(runtime.shadow_rows, code.co_filename, marshal.dumps(rows))
    answer(1, Live())

    assert not copied


def test_a_wrapped_function_gets_values_and_its_context_is_not_checked(hosted: None) -> None:  # noqa: ARG001
    names: dict[str, object] = {"poet": poet}
    exec("@poet\ndef f(x: int, *, y: int = 1, context: int = 3) -> int:\n    return x + y\n", names)
    f: Callable[..., int] = names["f"]  # type: ignore[assignment]  # the text defines it

    assert f(Promise(1), y=Promise(2), context="live") == 3
    with pytest.raises(PerceiveError, match="y: expected int, got str 'a'"):
        f(1, y=Promise("a"))


def test_long_lists_of_parameters_are_woven_on_several_lines() -> None:
    names = ", ".join(f"parameter_{number}" for number in range(9))
    text = f"@poet\ndef f({names}): return 1\n@poet\ndef g(): return 1\n"
    woven = weave_source(text, "shop.py", store=TemplateStore(template_roots()), is_hosted=True)

    assert f"__poet__.received(\n        {names}\n    )" in woven.text
    assert "\n    __poet__.received()\n" in woven.text
