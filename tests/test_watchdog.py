from __future__ import annotations

import asyncio
import bdb
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from types import ModuleType

import pytest

from poet_import import PoetTimeout

Load = Callable[..., ModuleType]
RunPython = Callable[..., "subprocess.CompletedProcess[str]"]
Function = Callable[[], object]
InThread = Callable[[Function], object]

MODULE = """
import time
from poet_import import poet

@poet(timeout=0.05)
def sleep():
    time.sleep(5)

@poet(timeout=0.05)
def spin():
    while True:
        pass

@poet(timeout=0.05)
def short(function):
    return function()

@poet(timeout=0.05)
def short_too(function):
    return function()

@poet(timeout=60)
def long(function):
    return function()

@poet(timeout=1e9)
def longest(function):
    return function()

@poet(timeout=0.05)
def guarded():
    try:
        spin_on()
    except Exception:
        return "swallowed"

@poet(timeout=0.05)
def cleans_up(log):
    try:
        spin_on()
    finally:
        log.append("cleaned")

@poet(timeout=0.05)
def interrupted_while_cleaning(log):
    try:
        log.append("ran")
    finally:
        spin_on()

@poet(timeout=0.05)
def swallows_all():
    try:
        spin_on()
    except BaseException:
        return "swallowed"

@poet(timeout=0.05)
def late(error):
    try:
        spin_on()
    except BaseException:
        raise error

@poet(timeout=0.05)
def pressed_before_it_cleans():
    try:
        raise KeyboardInterrupt
    finally:
        spin_on()

def spin_on():
    while True:
        pass
"""


def here(function: Function) -> object:
    return function()


def in_thread(function: Function) -> object:
    """Run a function in a worker thread and return what it returned or raise what it raised."""
    results: list[object] = []
    errors: list[BaseException] = []

    def work() -> None:
        try:
            results.append(function())
        except BaseException as error:  # noqa: BLE001  (a stray interruption is what some tests look for)
            errors.append(error)

    thread = threading.Thread(target=work)
    thread.start()
    thread.join()
    if errors:
        raise errors[0]
    return results[0]


THREADS = [pytest.param(here, id="main-thread"), pytest.param(in_thread, id="worker-thread")]


@pytest.fixture
def shop(load: Load) -> ModuleType:
    return load(MODULE)


def test_limit_ends_a_blocking_call_in_the_main_thread(shop: ModuleType) -> None:
    begun = time.monotonic()
    with pytest.raises(PoetTimeout, match=r"^shop\.sleep\(\): timed out after 0\.05 s$"):
        shop.sleep()

    assert time.monotonic() - begun < 1


@pytest.mark.parametrize("run", THREADS)
def test_limit_ends_a_loop(run: InThread, shop: ModuleType) -> None:
    with pytest.raises(PoetTimeout, match=r"shop\.spin"):
        run(shop.spin)


def nested(shop: ModuleType) -> dict[str, tuple[Function, str]]:
    return {
        "inner-first": (lambda: shop.long(shop.spin), "shop.spin"),
        "outer-first": (lambda: shop.short(lambda: shop.long(shop.spin_on)), "shop.short"),
        "both-at-once": (lambda: shop.short(shop.spin), "shop.short"),
        "three-at-once": (lambda: shop.short(lambda: shop.short_too(shop.spin)), "shop.short"),
        "same-function": (lambda: shop.short(lambda: shop.short(shop.spin_on)), "shop.short"),
    }


@pytest.mark.parametrize("run", THREADS)
@pytest.mark.parametrize("case", ["inner-first", "outer-first", "both-at-once", "three-at-once", "same-function"])
def test_nested_limit_ends_the_outermost_call_that_is_late(run: InThread, case: str, shop: ModuleType) -> None:
    function, name = nested(shop)[case]
    with pytest.raises(PoetTimeout) as caught:
        run(function)

    assert caught.value.function == name


@pytest.mark.parametrize("run", THREADS)
def test_inner_timeout_that_is_caught_does_not_end_the_outer_call(run: InThread, shop: ModuleType) -> None:
    def call() -> object:
        try:
            return shop.spin()
        except PoetTimeout:
            return "answered"

    assert run(lambda: shop.long(call)) == "answered"


@pytest.mark.parametrize("run", THREADS)
def test_outer_limit_cannot_be_swallowed_with_an_inner_timeout(run: InThread, shop: ModuleType) -> None:
    def call() -> object:
        while True:
            try:
                shop.short_too(shop.spin_on)
            except Exception:  # noqa: BLE001  (as users write)
                continue

    with pytest.raises(PoetTimeout, match=r"shop\.short\(\)"):
        run(lambda: shop.short(call))


@pytest.mark.parametrize("run", THREADS)
def test_limit_is_not_swallowed_by_except_exception(run: InThread, shop: ModuleType) -> None:
    with pytest.raises(PoetTimeout, match=r"shop\.guarded"):
        run(shop.guarded)


@pytest.mark.parametrize("run", THREADS)
@pytest.mark.parametrize(("name", "expected"), [("cleans_up", "cleaned"), ("interrupted_while_cleaning", "ran")])
def test_limit_meets_finally(run: InThread, name: str, expected: str, shop: ModuleType) -> None:
    log: list[str] = []
    with pytest.raises(PoetTimeout):
        run(lambda: getattr(shop, name)(log))

    assert log == [expected]


@pytest.mark.parametrize("run", THREADS)
def test_keyboard_interrupt_that_is_on_its_way_outlives_the_limit(run: InThread, shop: ModuleType) -> None:
    with pytest.raises(KeyboardInterrupt):
        run(shop.pressed_before_it_cleans)


@pytest.mark.parametrize("run", THREADS)
def test_body_that_swallows_everything_keeps_its_result(run: InThread, shop: ModuleType) -> None:
    assert run(shop.swallows_all) == "swallowed"


@pytest.mark.parametrize("run", THREADS)
def test_error_that_a_body_raises_instead_passes(run: InThread, shop: ModuleType) -> None:
    with pytest.raises(ConnectionError, match="instead"):
        run(lambda: shop.late(ConnectionError("instead")))


@pytest.mark.parametrize("run", THREADS)
def test_limit_of_thirty_years_is_a_limit(run: InThread, shop: ModuleType) -> None:
    with pytest.raises(PoetTimeout, match=r"shop\.spin"):
        run(lambda: shop.longest(shop.spin))


def test_shorter_limit_wakes_a_watchdog_that_waits_for_a_longer_one(shop: ModuleType) -> None:
    begun = time.monotonic()
    with pytest.raises(PoetTimeout):
        shop.long(lambda: time.sleep(0.01) or shop.sleep())

    assert time.monotonic() - begun < 1


def test_handlers_and_timers_of_the_user_stay(shop: ModuleType) -> None:
    def handler(number: int, _frame: object) -> None:
        seen.append(number)

    seen: list[int] = []
    before = signal.signal(signal.SIGALRM, handler)
    try:
        signal.setitimer(signal.ITIMER_REAL, 0.02)
        with pytest.raises(PoetTimeout):
            shop.sleep()
        found = signal.getsignal(signal.SIGALRM)
    finally:
        signal.signal(signal.SIGALRM, before)

    assert seen == [signal.SIGALRM]
    assert found is handler


def test_keyboard_interrupt_passes_at_once_and_leaves_no_limit_behind(shop: ModuleType) -> None:
    def press() -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        shop.short(press)

    time.sleep(0.1)


def test_limit_of_a_thread_that_is_traced_ends_its_call(shop: ModuleType) -> None:
    def trace(_frame: object, _event: str, _argument: object) -> Callable[..., object]:
        return trace

    before = threading.gettrace()
    threading.settrace(trace)
    try:
        for _ in range(3):
            with pytest.raises(PoetTimeout, match=r"shop\.spin"):
                in_thread(shop.spin)
    finally:
        threading.settrace(before)  # type: ignore[arg-type]  # None is what it mostly was


@pytest.mark.parametrize("run", [here, *([in_thread] if sys.version_info < (3, 13) else [])])  # docs/limits.md
def test_limit_waits_until_a_debugger_has_done_its_work(run: InThread, shop: ModuleType) -> None:
    class Debugger(bdb.Bdb):
        has_worked = False

        def user_line(self, _frame: object) -> None:
            end = time.monotonic() + 0.15  # past the limit
            while not self.has_worked and time.monotonic() < end:
                pass
            self.has_worked = True

    def call() -> tuple[bool, object]:
        before = sys.gettrace()
        try:
            with pytest.raises(PoetTimeout, match=r"shop\.short\(\)"):
                shop.short(step)
            return debugger.has_worked, sys.gettrace()
        finally:
            sys.settrace(before)

    def step() -> None:
        debugger.set_trace()
        shop.spin_on()

    debugger = Debugger()
    assert run(call) == (True, debugger.trace_dispatch)


def test_signal_that_somebody_else_takes_over_is_left_to_them(run_python: RunPython, load: Load) -> None:
    load(MODULE)
    done = run_python(
        """
import signal, shop
for number in signal.valid_signals():
    try:
        signal.signal(number, signal.SIG_IGN)
    except (OSError, ValueError):
        pass
try:
    shop.spin()
except TimeoutError as error:
    print(error)
"""
    )

    assert done.stdout == "shop.spin(): timed out after 0.05 s\n"
    assert done.stderr == ""


def test_module_first_imported_in_a_worker_thread_interrupts_the_main_thread(run_python: RunPython, load: Load) -> None:
    load(MODULE)
    done = run_python(
        """
import threading, time

def work():
    import shop
    shop.long(lambda: 1)

thread = threading.Thread(target=work)
thread.start()
thread.join()
import shop
begun = time.monotonic()
try:
    shop.sleep()
except TimeoutError as error:
    print(error, time.monotonic() - begun < 2)
"""
    )

    assert done.stdout == "shop.sleep(): timed out after 0.05 s True\n"
    assert done.stderr == ""


@pytest.mark.parametrize("where", ["main", "worker"])
def test_forked_child_has_limits_of_its_own(where: str, run_python: RunPython, load: Load) -> None:
    load(MODULE)
    done = run_python(
        f"""
import os, sys, threading, time, warnings, shop

warnings.simplefilter("ignore", DeprecationWarning)

def call():
    try:
        shop.spin()
    except TimeoutError:
        pass
    child = os.fork()
    if child == 0:
        status = 1
        try:
            shop.spin()
        except TimeoutError:
            status = 7
        os._exit(status)
    print(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))

if {where!r} == "main":
    call()
else:
    thread = threading.Thread(target=call)
    thread.start()
    thread.join()
"""
    )

    assert done.stdout == "7\n"
    assert done.stderr == ""


def test_limit_that_runs_while_its_call_forks_holds_in_the_child(run_python: RunPython, load: Load) -> None:
    load(MODULE)
    done = run_python(
        """
import os, warnings, shop

warnings.simplefilter("ignore", DeprecationWarning)
child = None

def fork():
    global child
    child = os.fork()
    while child == 0:
        pass
    return "parent"

try:
    print(shop.short(fork))
except TimeoutError:
    os._exit(7)
print(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))
"""
    )

    assert done.stdout == "parent\n7\n"
    assert done.stderr == ""


@pytest.mark.parametrize(
    "ending",
    [
        pytest.param("", id="end-of-the-script"),
        pytest.param("import sys; sys.exit(0)", id="exit"),
        pytest.param("import atexit; atexit.register(lambda: shop.long(lambda: 1))", id="limit-at-exit"),
    ],
)
def test_interpreter_exits_with_a_pending_limit(ending: str, run_python: RunPython, load: Load) -> None:
    load(MODULE)
    done = run_python(
        f"""
import threading, time, shop
threading.Thread(target=shop.long, args=(lambda: time.sleep(60),), daemon=True).start()
threading.Thread(target=shop.spin, daemon=True).start()
threading.excepthook = lambda arguments: None
{ending}
"""
    )

    assert (done.returncode, done.stderr) == (0, "")


def test_limit_holds_inside_an_event_loop(shop: ModuleType) -> None:
    async def main() -> str:
        try:
            shop.sleep()
        except PoetTimeout as error:
            await asyncio.sleep(0)
            return error.function
        return ""

    assert asyncio.run(main()) == "shop.sleep"


def test_limit_around_an_event_loop_ends_it(shop: ModuleType) -> None:
    with pytest.raises(PoetTimeout, match=r"shop\.short"):
        shop.short(lambda: asyncio.run(asyncio.sleep(5)))


def test_call_that_ends_in_time_leaves_nothing_behind(shop: ModuleType) -> None:
    from poet_import.runtime import watchdog

    shop.long(lambda: 1)
    with pytest.raises(PoetTimeout):
        shop.spin()

    assert not watchdog.running


def test_limits_need_no_import_at_the_call(run_python: RunPython, load: Load) -> None:
    load(MODULE)
    done = run_python(
        "import sys, shop; before = set(sys.modules); shop.long(lambda: 1); print(set(sys.modules) - before)"
    )

    assert done.stdout == "set()\n", sys.version
