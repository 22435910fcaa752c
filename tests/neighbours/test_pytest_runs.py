"""Runs of pytest whose own modules are marked: its assertion rewriter and ours work on the same files."""

import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

Run = Callable[..., "subprocess.CompletedProcess[str]"]
Write = Callable[..., Path]

CONFTEST = """
import pytest
import poet_import
from poet_import import poet

@pytest.fixture
@poet
def quantity() -> int:
    return 1

@pytest.fixture
@poet
def broken() -> int:
    return "1"

@pytest.fixture
@poet
def shop(quantity: int):
    yield {"quantity": quantity}

@pytest.fixture(params=[1, 2])
@poet
def each(request, quantity: int) -> int:
    return request.param + quantity
"""

TESTS = """
import pytest
from poet_import import PerceiveError, describe, poet
import stock

calls = []

@poet(retries=1, retry_on=OSError)
def price(quantity: int) -> int:
    calls.append(quantity)
    if len(calls) == 1:
        raise OSError
    return quantity + 1

def test_is_retried():
    assert price(1) == 2
    assert calls == [1, 1]

def test_is_checked():
    with pytest.raises(PerceiveError, match="expected int, got str"):
        price("1")
    assert describe(price).origin == "woven"
    assert describe(stock.count).origin == "woven"

@poet
def test_is_marked_itself(shop: dict, quantity: int) -> None:
    assert shop == {"quantity": quantity}

@pytest.mark.parametrize("number", [1, 2])
@poet
def test_has_parameters(number: int, each: int) -> None:
    assert each > 1

class TestShop:
    @poet
    def test_method(self, quantity: int) -> None:
        assert quantity == 1

def test_compares():
    assert price(1) == price(2)

def test_hands_on(shop):
    assert shop["quantity"] == stock.count(2)

def test_fixture(broken):
    raise SystemExit
"""

STOCK = """
from poet_import import poet

@poet
def count(number: int) -> int:
    return number
"""

PLUGIN = "import poet_import\n"


def shown(text: str) -> list[str]:
    return [line.removeprefix("E").strip() for line in text.splitlines() if line.startswith("E  ")]


@pytest.fixture
def run_pytest(run_python: Run, write: Write, tmp_path: Path) -> Run:
    (tmp_path / "pytest.ini").write_text("[pytest]\n")
    write(CONFTEST, "conftest")
    write(STOCK, "stock")
    write(PLUGIN, "early")
    write(TESTS, "test_shop")

    def call(*arguments: str) -> "subprocess.CompletedProcess[str]":
        return run_python("-m", "pytest", "-q", "-W", "error", "-p", "no:asyncio", *arguments)

    return call


# Of a `-p` plugin the import comes before pytest puts its rewriter in place, of a conftest after.
@pytest.mark.parametrize("arguments", [["-p", "early"], []], ids=["ours-first", "ours-last"])
def test_asserts_are_rewritten_and_functions_are_woven(run_pytest: Run, arguments: list[str]) -> None:
    cold, warm = run_pytest(*arguments), run_pytest(*arguments)

    for done in (cold, warm):
        assert "2 failed, 8 passed, 1 error in" in done.stdout
        assert "assert 2 == 3" in shown(done.stdout)
        assert "+  where 2 = price(1)" in shown(done.stdout)
        assert "assert 1 == 2" in shown(done.stdout)
        assert any("its result: expected int, got str '1'" in line for line in shown(done.stdout))
        assert done.stderr == ""
