from __future__ import annotations

import gc
import subprocess
import weakref
from collections.abc import Callable
from types import FunctionType, ModuleType

import pytest

from poet_import import PerceiveError
from poet_import.runtime.bindings import binding_of

Load = Callable[..., ModuleType]
RunPython = Callable[..., "subprocess.CompletedProcess[str]"]

MODULE = """
import collections
from poet_import import poet

class Item: ...

def checked(hint):
    @poet
    def check(value: hint):
        return value
    return check

def same():
    @poet
    def check(value: "collections.deque[Item]"):
        return value
    return check

def with_default(default):
    @poet
    def check(value: "collections.deque[Item]" = default, *, key: "set[Item]" = default):
        return value, key
    return check

def retrying(kind, log):
    @poet(retries=1, retry_on=kind)
    def call():
        log.append(1)
        raise KeyError("k")
    return call

def local_class():
    class Node:
        @poet
        def join(self, other: "dict[str, Node]"):
            return other
    return Node

@poet
def forward(value: "list[Later]"):
    return value

@poet
def defaults(a: list[set[int]] = "text", /, b: "dict[str, Item]" = 0, *, c: "dict[str, Item]" = None):
    return a, b, c

def closed_over():
    class Inner: ...
    @poet
    def check(value: "list[Inner]"):
        return Inner, value
    return check, Inner

class Later: ...
"""


@pytest.fixture
def shop(load: Load) -> ModuleType:
    return load(MODULE)


def test_default_that_breaks_its_own_hint_passes(shop: ModuleType) -> None:
    assert shop.defaults() == ("text", 0, None)
    assert shop.defaults("text", c=None) == ("text", 0, None)


def test_equal_value_that_is_not_the_default_is_checked(shop: ModuleType) -> None:
    with pytest.raises(PerceiveError, match=r"a: expected list\[set\[int\]\]"):
        shop.defaults(str(b"text", "ascii"))


def test_each_closure_is_checked_against_its_own_annotation(shop: ModuleType) -> None:
    numbers, texts = shop.checked(int), shop.checked(str)

    assert (numbers(1), texts("a")) == (1, "a")
    with pytest.raises(PerceiveError, match="expected int"):
        numbers("a")
    with pytest.raises(PerceiveError, match="expected str"):
        texts(1)


def test_each_closure_has_its_own_default(shop: ModuleType) -> None:
    first, second = shop.with_default(1), shop.with_default("two")

    assert first() == (1, 1)
    assert second() == ("two", "two")


def test_each_closure_has_its_own_retry_on(shop: ModuleType) -> None:
    retried: list[int] = []
    failed: list[int] = []
    for kind, log in ((KeyError, retried), (OSError, failed)):
        with pytest.raises(KeyError):
            shop.retrying(kind, log)()

    assert (len(retried), len(failed)) == (2, 1)


def test_closures_that_cannot_differ_share_their_code(shop: ModuleType) -> None:
    first, second = shop.same(), shop.same()

    assert first.__code__ is second.__code__
    with pytest.raises(PerceiveError, match="value"):
        second(1)


def test_closure_outlives_the_first_of_those_that_share_its_code(shop: ModuleType) -> None:
    first, second = shop.with_default(1), shop.same()
    shop.same()
    del first
    gc.collect()

    with pytest.raises(PerceiveError):
        second(1)


def test_forward_reference_is_resolved_at_the_first_call(shop: ModuleType) -> None:
    assert len(shop.forward([shop.Later()])) == 1
    with pytest.raises(PerceiveError, match=r"expected list\[Later\]"):
        shop.forward([1])


def test_text_may_name_what_the_function_closes_over(shop: ModuleType) -> None:
    check, inner = shop.closed_over()

    assert check([inner()])[0] is inner
    with pytest.raises(PerceiveError):
        check([1])


def test_binding_dies_with_its_function(shop: ModuleType) -> None:
    class Kind: ...

    function = shop.checked(Kind)
    function(Kind())
    code, kind, alive = function.__code__, weakref.ref(Kind), weakref.ref(function)
    before = binding_of(code)
    del function, Kind
    gc.collect()
    after = alive() and binding_of(code)

    assert before is not None
    assert after is None
    del before
    gc.collect()
    assert kind() is None
    assert binding_of(code) is None


def test_class_that_is_named_in_its_own_method_dies(shop: ModuleType) -> None:
    node = shop.local_class()
    node().join({})
    alive = weakref.ref(node)
    del node
    gc.collect()

    assert alive() is None


@pytest.mark.parametrize("name", ["defaults", "own"])
def test_code_that_a_debugger_replaces_is_checked_on(name: str, shop: ModuleType) -> None:
    function: FunctionType = shop.defaults if name == "defaults" else shop.checked(int)
    function.__code__ = function.__code__.replace(co_stacksize=function.__code__.co_stacksize + 1)

    for _ in range(2):
        with pytest.raises(PerceiveError):
            function("wrong")


def test_replaced_code_keeps_its_default_and_its_retry_on(shop: ModuleType) -> None:
    log: list[int] = []
    functions: list[FunctionType] = [shop.with_default("d"), shop.retrying(KeyError, log)]
    for function in functions:
        function.__code__ = function.__code__.replace(co_stacksize=function.__code__.co_stacksize + 1)

    assert functions[0]() == ("d", "d")
    with pytest.raises(KeyError):
        functions[1]()
    assert len(log) == 2


HEAVY = (
    "typing re inspect dataclasses hashlib enum asyncio contextlib functools collections ctypes __future__ threading"
)


@pytest.mark.parametrize("part", ["bindings", "attempts", "watchdog", "tasks", "rules"])
def test_part_of_the_runtime_loads_nothing_heavy(part: str, run_python: RunPython) -> None:
    script = f"""
import sys
sys.path[:0] = {{path!r}}
before = set(sys.modules)
import poet_import.runtime.{part}
print(sorted(({{names!r}} & set(sys.modules)) - before))
"""
    done = run_python("-S", "-c", script.format(path=["."], names=set(HEAVY.split())), POET_ACTIVATE="0")

    assert done.stdout == "[]\n", done.stderr
