"""The import hooks of type checkers, activated before ours and after: what each promises holds in one module."""

import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

InOrder = Callable[[str], str]
Run = Callable[..., "subprocess.CompletedProcess[str]"]
Write = Callable[..., Path]

SHOP = '''\
from poet_import import poet

tries = []


@poet(retries=1, retry_on=OSError)
def price(quantity: int) -> int:
    """Tell the price."""
    tries.append(quantity)
    if len(tries) == 1:
        raise OSError
    return quantity + 1


@poet(domain="ml_monitoring")
def drift(current_data: list) -> float:
    return 1.0


@poet
def fails(quantity: int) -> int:
    return quantity // 0


def plain(quantity: int) -> int:
    return quantity + 1


class Shop:
    @poet(domain="ml_monitoring")
    def drift(self, current_data: list) -> float:
        return 2.0

    def plain(self, quantity: int) -> int:
        return quantity + 2
'''

USE = """
import traceback
import poet_import
from pkg import shop

def told(function, *arguments):
    try:
        return function(*arguments)
    except Exception as error:
        return type(error).__name__

print("retried", told(shop.price, 1), len(shop.tries))
print("ours", told(shop.drift, [1]), told(shop.drift, []))
print("ours", told(shop.Shop().drift, [1]), told(shop.Shop().drift, []))
print("theirs", told(shop.plain, 1), told(shop.plain, "1"))
print("theirs", told(shop.Shop().plain, 1), told(shop.Shop().plain, "1"))
print("either", told(shop.price, "1"))
print(shop.price.__name__, shop.price.__doc__, poet_import.describe(shop.price).options.retries)
"""

FAIL = """
import traceback
from pkg import shop
try:
    shop.fails(1)
except ZeroDivisionError as error:
    last = traceback.extract_tb(error.__traceback__)[-1]
    print(last.filename.endswith("shop.py"), last.name, last.line)
"""

ACTIVATION = {
    "beartype": "from beartype.claw import beartype_this_package; beartype_this_package()",
    "typeguard": "from typeguard import install_import_hook; install_import_hook('pkg')",
    "jaxtyping": "from jaxtyping import install_import_hook; install_import_hook('pkg', 'beartype.beartype')",
}
REFUSAL = {"beartype": "BeartypeCallHintParamViolation", "typeguard": "TypeCheckError", "jaxtyping": "TypeCheckError"}


@pytest.fixture(params=ACTIVATION)
def checker(request: pytest.FixtureRequest, write: Write, in_order: InOrder) -> str:
    """Write a package that activates a type checker for itself."""
    name = str(request.param)
    pytest.importorskip(name, reason=f"{name} comes with the extra 'peers'")
    pytest.importorskip("beartype", reason="beartype comes with the extra 'peers'")
    write(in_order(ACTIVATION[name]), "pkg/__init__")
    write(SHOP, "pkg/shop")
    return name


def test_both_act_on_one_module_on_a_cold_start_and_on_a_warm_one(run_python: Run, checker: str) -> None:
    cold, warm = (run_python("-W", "error", "-c", USE) for _ in range(2))

    assert cold.stderr == ""
    *lines, either, kept = cold.stdout.splitlines()
    assert lines == [
        "retried 2 2",
        "ours 1.0 PerceiveError",
        "ours 2.0 PerceiveError",
        f"theirs 2 {REFUSAL[checker]}",
        f"theirs 3 {REFUSAL[checker]}",
    ]
    assert either in {"either PerceiveError", f"either {REFUSAL[checker]}"}  # whose check is the outer one
    assert kept == "price Tell the price. 1"
    assert (warm.stdout, warm.stderr) == (cold.stdout, cold.stderr)


def test_a_traceback_ends_in_the_line_that_failed(
    run_python: Run, checker: str, request: pytest.FixtureRequest
) -> None:
    if checker == "beartype" or (checker == "jaxtyping" and "ours-last" in request.node.callspec.id):
        pytest.skip("docs/limits.md: its source_to_code takes text only, so the lines are the woven text's")

    done = run_python("-W", "error", "-c", FAIL)

    assert (done.stdout, done.stderr) == ("True fails return quantity // 0\n", "")
