"""Real Dana runs real programs with modules of ours; each sentence of ``docs/dana-host.md`` has its case."""

import pytest
from host_process import Host

pytestmark = pytest.mark.slow

SHOP = """
import threading
import time

runs = []


@poet
def total(prices: list[int], first: int = 0) -> int:
    runs.append("total")
    return sum(prices) + first


@poet(retries=2)
def fail(kind: str) -> int:
    runs.append(kind)
    raise {"value": ValueError, "type": TypeError, "attribute": AttributeError, "os": OSError}[kind](f"bad {kind}")


@poet
def wrong() -> int:
    runs.append("wrong")
    return "a"


@poet
def last(x: int, context: int = None) -> str:
    return f"{type(context).__name__} {x}"


@poet
def first(context: int, x: int) -> str:
    return f"{type(context).__name__} {x}"


@poet(retries=1)
async def fetch(x: int) -> int:
    runs.append("fetch")
    if runs.count("fetch") < 2:
        raise OSError("busy")
    return x


@poet
def hidden(context, x: int) -> int:
    raise ValueError("bad")


@poet
def apply(function, x: int) -> int:
    return function(x)


@poet(timeout=0.2)
def busy(seconds: float) -> str:
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        pass
    return "late"


def thread() -> str:
    return "main" if threading.current_thread() is threading.main_thread() else "pool"


def count(kind: str) -> int:
    return runs.count(kind)


def clear() -> None:
    runs.clear()
"""
HEADS = {
    "ours": "from poet_import import poet\n@poet",
    "none": "@poet",
    "dana": "from dana.frameworks.poet import poet\n@poet(domain='base')",
    "dana-with-more": "from dana.frameworks.poet import POETResult, poet\n@poet()",
    "dana-decorator": "from dana.frameworks.poet.core.decorator import poet\n@poet",
    "dana-star": "from dana.frameworks.poet import *\n@poet",
    "dana-attribute": "import dana.frameworks.poet as dp\n@dp.poet(domain='base')",
    "older": "from opendxa.dana.poet import poet\n@poet(domain='base')",
}
PRICE = "{head}\ndef price(sku: str) -> float:\n    return 1.5\n"
ASK = """
import shop.py as m
from shop.py import price
print(m.price("a"))
print(price("a"))
print(type(m.price("a")))
try:
    m.price(1)
except as e:
    print(f"{e.type}: {e.message}")
"""
REFUSED = "PerceiveError: shop.price(): sku: expected str, got int 1"


@pytest.mark.parametrize("head", HEADS.values(), ids=HEADS)
def test_a_module_is_rewritten_whatever_it_calls_the_marker(host: Host, head: str) -> None:
    assert host.run(ASK, shop=PRICE.format(head=head)) == ["1.5", "1.5", "float", REFUSED]


def test_danas_keywords_are_mapped_or_told_of_once(host: Host) -> None:
    head = "from dana.frameworks.poet import poet\n@poet('base', operate={'retries': 2}, debug=True, trace_phases=True)"
    printed = host.run("import shop.py as m\nprint(m.price('a'))\nprint(m.price('b'))\n", shop=PRICE.format(head=head))

    (warning,) = [line for line in printed if line.startswith("warning: ")]
    assert printed[:2] == ["1.5", "1.5"]
    assert "shop.py:2: @poet takes debug, trace_phases from code written for Dana's" in warning


def test_a_keyword_of_neither_is_refused(host: Host) -> None:
    printed = host.run("import shop.py as m\n", shop=PRICE.format(head="@poet(retry=2)"))

    assert "@poet has no option 'retry' (did you mean 'retries'?)" in "".join(printed)


def test_promises_are_resolved_before_anything_is_checked(host: Host) -> None:
    program = """
import shop.py as m
from shop.py import total
def three():
    return 3
def text():
    return "a"
def prices():
    return [three(), 4]
print(m.total([three(), 4], first=three()))
print(total([three(), 4], three()))
print(total(prices()))
print(m.total([], three()))
try:
    m.total([1, text()])
except as e:
    print(e.message)
"""
    refused = "shop.total(): prices: expected list[int], got list of 2 items"

    assert host.run(program, shop=SHOP) == ["10", "10", "7", "3", refused]


def test_a_result_that_a_dana_function_gave_is_checked_as_a_value(host: Host) -> None:
    program = """
import shop.py as m
def one_more(x):
    return x + 1
def text(x):
    return "a"
print(m.apply(one_more, 3))
try:
    m.apply(text, 3)
except as e:
    print(e.message)
"""

    assert host.run(program, shop=SHOP) == ["4", "shop.apply(): its result: expected int, got str 'a'"]


def test_the_live_context_is_passed_and_not_checked(host: Host) -> None:
    program = """
import shop.py as m
from shop.py import first, last
print(m.last(1))
print(last(2))
print(m.first(3))
print(first(4))
"""

    assert host.run(program, shop=SHOP) == [
        "SandboxContext 1",
        "NoneType 2",
        "SandboxContext 3",
        "SandboxContext 4",
    ]


@pytest.mark.parametrize(
    ("call", "error", "kind", "runs"),
    [
        ("m.total('a')", "PerceiveError: shop.total(): prices: expected list[int], got str 'a'", "total", 0),
        ("total('a')", "SandboxError: Function 'total' execution failed: shop.total(): prices: ", "total", 0),
        ("m.wrong()", "EnforceError: shop.wrong(): its result: expected int, got str 'a'", "wrong", 1),
        ("wrong()", "SandboxError: Function 'wrong' execution failed: shop.wrong(): its result: ", "wrong", 1),
        ("m.fail('value')", "ValueError: bad value", "value", 3),
        ("fail('value')", "SandboxError: Function 'fail' execution failed: bad value", "value", 3),
        ("m.fail('type')", "TypeError: bad type", "type", 1),
        ("fail('type')", "SandboxError: Function 'fail' execution failed: bad type", "type", 1),
        ("m.fail('attribute')", "AttributeError: bad attribute", "attribute", 1),
        ("m.fail('os')", "OSError: bad os", "os", 3),
    ],
)
def test_a_call_that_fails_arrives_as_one_error_after_as_many_runs_as_retries_say(
    host: Host, call: str, error: str, kind: str, runs: int
) -> None:
    program = f"""
import shop.py as m
from shop.py import total, wrong, fail
try:
    {call}
except as e:
    print(f"{{e.type}}: {{e.message}}")
print(m.count("{kind}"))
"""
    printed = host.run(program, shop=SHOP)

    assert printed[0].startswith(error)
    assert printed[1:] == [str(runs)]


def test_imports_and_calls_in_pool_threads_work_with_timeouts(host: Host) -> None:
    program = """
def work(n):
    import shop.py as m
    print(m.thread())
    print(m.total([n]))
    try:
        m.busy(20.0)
    except as e:
        print(f"{e.type}: {e.message}")
    return m.busy(0.001)
x = work(3)
print(x)
import shop.py as m
try:
    m.busy(20.0)
except as e:
    print(f"{e.type}: {e.message}")
"""
    late = "PoetTimeout: shop.busy(): timed out after 0.2 s"

    assert host.run(program, shop=SHOP) == ["pool", "3", late, "late", late]


def test_a_coroutine_function_is_checked_and_retried(host: Host) -> None:
    program = """
import shop.py as m
def three():
    return 3
print(m.fetch(three()))
print(m.count("fetch"))
try:
    m.fetch("a")
except as e:
    print(e.message)
"""

    assert host.run(program, shop=SHOP) == ["3", "2", "shop.fetch(): x: expected int, got str 'a'"]


def test_danas_second_call_hides_an_error_where_the_context_comes_first(host: Host) -> None:
    program = """
import shop.py as m
try:
    m.hidden(1)
except as e:
    print(f"{e.type}: {e.message}")
"""

    assert "missing 1 required positional argument: 'x'" in host.run(program, shop=SHOP)[0]


MARKED = """
import lib.py as lib
import time.py as clock
from poet_import.py import poet
@poet
def minus(x: int, y: int = 1) -> int:
    return x - y
@poet("base", retries=2)
def flaky(needed: int) -> int:
    return lib.attempt(needed)
@poet(domain="base", retries=1, on_violation="raise")
sync def text(n: int) -> str:
    return n
@poet(timeout=0.2)
def busy(seconds):
    end = clock.monotonic() + seconds
    while clock.monotonic() < end:
        n = 1
    return "late"
@poet
def factorial(n: int) -> int:
    if n < 2:
        return 1
    return n * factorial(n - 1)
def three():
    return 3
"""
LIB = """
runs = []


def attempt(needed):
    runs.append(needed)
    if runs.count(needed) < needed:
        raise OSError("not yet")
    return runs.count(needed)
"""


@pytest.mark.parametrize(
    ("call", "printed"),
    [
        ("minus(9, 4)", "5"),
        ("minus(9)", "8"),
        ("minus(y=2, x=three())", "1"),
        ("minus('a')", "SandboxError: Function 'minus' execution failed: dana.minus(): x: expected int, got str 'a'"),
        ("text(1)", "SandboxError: Function 'text' execution failed: dana.text(): its result: expected str, got int 1"),
        ("flaky(3)", "3"),
        ("busy(20)", "SandboxError: Function 'busy' execution failed: dana.busy(): timed out after 0.2 s"),
        ("factorial(5)", "120"),
    ],
)
@pytest.mark.parametrize("thread", ["main", "pool"])
def test_a_dana_function_under_our_marker_keeps_the_same_promises(
    host: Host, call: str, printed: str, thread: str
) -> None:
    definition = "sync def" if thread == "main" else "def"
    program = f"""{MARKED}
{definition} ask():
    try:
        print({call})
    except as e:
        print(f"{{e.type}}: {{e.message}}")
    return 1
done = ask()
print(done)
"""

    assert host.run(program, lib=LIB) == [printed, "1"]


def test_a_dana_function_that_fails_for_good_ran_as_often_as_retries_say(host: Host) -> None:
    program = f"""{MARKED}
try:
    flaky(100)
except as e:
    print(e.message)
print(len(lib.runs))
"""
    printed = host.run(program, lib=LIB)

    assert "not yet" in printed[0]
    assert printed[-1] == "3"
