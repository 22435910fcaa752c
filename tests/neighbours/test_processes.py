"""Marked functions in other processes and threads: as targets, in pools, as what an executor runs."""

import multiprocessing
import subprocess
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from types import ModuleType

import pytest

from poet_import import PerceiveError, PoetTimeout

Load = Callable[..., ModuleType]
Run = Callable[..., "subprocess.CompletedProcess[str]"]
Write = Callable[..., Path]

SHOP = """\
import os
import time

from poet_import import poet


@poet(retries=1, retry_on=OSError)
def price(quantity: int) -> int:
    return quantity + 1


@poet
def tell(folder: str, quantity: int) -> None:
    with open(f"{folder}/{quantity}.txt", "w") as file:
        file.write(str(os.getpid()))


@poet(timeout=0.05)
def slow() -> None:
    time.sleep(60)


class Shop:
    @poet
    def price(self, quantity: int) -> int:
        return quantity + 2
"""

START = """
import multiprocessing, os
from concurrent.futures import ProcessPoolExecutor
import poet_import, shop

def told(call):
    try:
        return call()
    except Exception as error:
        return f"{type(error).__name__}: {error}"

if __name__ == "__main__":
    context = multiprocessing.get_context("METHOD")
    child = context.Process(target=shop.tell, args=(os.getcwd(), 7))
    child.start()
    child.join()
    print(child.exitcode, int(open("7.txt").read()) == child.pid)
    with context.Pool(1) as pool:
        print(pool.map(shop.price, [1, 2]), pool.apply(shop.Shop().price, [1]))
        print(told(lambda: pool.apply(shop.price, ["1"])))
        print(told(lambda: pool.apply(shop.slow)))
    with ProcessPoolExecutor(1, mp_context=context) as executor:
        print(list(executor.map(shop.price, [3, 4])))
        print(told(executor.submit(shop.price, "3").result))
        print(told(executor.submit(shop.slow).result))
"""

METHODS = [method for method in ("spawn", "forkserver", "fork") if method in multiprocessing.get_all_start_methods()]


@pytest.mark.parametrize("method", METHODS)
def test_marked_functions_are_targets_and_run_in_pools(run_python: Run, write: Write, method: str) -> None:
    write(SHOP)
    write(START.replace("METHOD", method), "main")

    done = run_python("main.py")

    refused = "PerceiveError: shop.price(): quantity: expected int, got str"
    assert done.stderr == ""
    assert done.stdout.splitlines() == [
        "0 True",
        "[2, 3] 3",
        f"{refused} '1'",
        "PoetTimeout: shop.slow(): timed out after 0.05 s",
        "[4, 5]",
        f"{refused} '3'",
        "PoetTimeout: shop.slow(): timed out after 0.05 s",
    ]


def test_an_executor_of_threads_runs_marked_functions_with_all_their_phases(load: Load) -> None:
    module = load(SHOP.replace("time.sleep(60)", "while True: pass"))

    with ThreadPoolExecutor(4) as executor:
        prices = list(executor.map(module.price, range(100)))
        refused, late = executor.submit(module.price, "1"), executor.submit(module.slow)

    assert prices == list(range(1, 101))
    assert isinstance(refused.exception(), PerceiveError)
    assert isinstance(late.exception(), PoetTimeout)


def test_a_thread_has_a_marked_function_as_its_target(load: Load, tmp_path: Path) -> None:
    module = load(SHOP)

    thread = threading.Thread(target=module.tell, args=(str(tmp_path), 1))
    thread.start()
    thread.join()

    assert (tmp_path / "1.txt").exists()
