"""One process serves, another imports marked modules by it: transpiled, cached, and never worse than the original."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from answering_service import answering
from running import RunningService, create_key

sys.path.insert(0, str(Path(__file__).parents[1] / "generators"))
from scripted_model import ScriptedModel, answer  # found there only

Start = Callable[..., RunningService]
RunPython = Callable[..., "subprocess.CompletedProcess[str]"]
Write = Callable[..., Path]

SHOP = """
import math
from poet_import import poet

RATE = 2

class Basket:
    @poet(retries=1)
    def total(self, prices: list[int]) -> int:
        result = 0
        for price in prices:
            result += price
        return math.floor(result)
"""
BETTER = "def total(self, prices: list[int]) -> int:\n    return math.floor(sum(prices))\n"
SHOW = """
import warnings
with warnings.catch_warnings(record=True) as caught:
    warnings.simplefilter("always")
    import poet_import, shop
about = poet_import.describe(shop.Basket.total)
print(about.origin, about.model, shop.Basket().total([1, 2]), *(one.message for one in caught), sep="; ")
"""


@pytest.fixture
def model() -> Iterator[ScriptedModel]:
    with ScriptedModel(answer(BETTER)) as running:
        yield running


def by_model(model: ScriptedModel) -> dict[str, str]:
    return {"POET_MODEL": "openai/tiny", "POET_LLM_BASE_URL": model.url, "POET_LLM_API_KEY": "none"}


def test_module_is_transpiled_by_the_service_and_cached_here(
    start: Start, model: ScriptedModel, run_python: RunPython, write: Write
) -> None:
    write(SHOP)
    service = start(**by_model(model))
    ours = {"POET_SERVICE_URL": service.url}

    first = run_python(SHOW, **ours)
    service.stop()
    second = run_python(SHOW, **ours)

    expected = f"generated; {service.url.removeprefix('http://')}, openai/tiny; 3\n"
    assert (first.stdout, second.stdout) == (expected, expected)
    assert len(model.requests) == 1


@pytest.mark.slow
def test_service_that_is_gone_costs_a_warning(start: Start, run_python: RunPython, write: Write) -> None:
    write(SHOP)
    service = start()
    service.stop()
    begun = time.monotonic()

    ran = run_python(SHOW, POET_SERVICE_URL=service.url, POET_GENERATION_TIMEOUT="2")

    assert ran.stdout.startswith("fallback; None; 3; Basket.total runs as it is written: ")
    assert "cannot be reached" in ran.stdout
    assert time.monotonic() - begun < 10


def test_service_without_a_model_says_so(open_service: RunningService, run_python: RunPython, write: Write) -> None:
    write(SHOP)

    ran = run_python(SHOW, POET_SERVICE_URL=open_service.url)

    assert "the service has no model, so it has no better body than your own" in ran.stdout


def test_key_is_sent_and_its_lack_is_told(
    start: Start, model: ScriptedModel, run_python: RunPython, write: Write, tmp_path: Path
) -> None:
    write(SHOP)
    key = create_key(tmp_path / "keys.json", "a", "transpile")
    service = start("--keys", str(tmp_path / "keys.json"), **by_model(model))

    without = run_python(SHOW, POET_SERVICE_URL=service.url, POET_CACHE_DIR=str(tmp_path / "other"))
    with_it = run_python(SHOW, POET_API_URL=service.url, POET_SERVICE_KEY=key)

    assert "401 Unauthorized: send an API key" in without.stdout
    assert with_it.stdout.startswith("generated; ")


PLAIN = {
    "function": (BETTER, "generated; "),
    "with-retries-of-its-own": (
        """def total(self, prices: list[int]) -> int:
    for attempt in range(3):
        try:
            return math.floor(sum(prices))
        except ConnectionError:
            if attempt == 2:
                raise
    raise AssertionError
""",
        "generated; ",
    ),
    "harmful": (
        "import os\ndef total(self, prices: list[int]) -> int:\n    os.system('true')\n    return sum(prices)\n",
        "fallback; ",
    ),
    "nothing": (None, "fallback; None; 3; Basket.total runs as it is written: the service answered without a function"),
}


@pytest.mark.parametrize(("code", "begins"), PLAIN.values(), ids=PLAIN)
def test_service_of_the_plain_contract_is_accepted(
    run_python: RunPython, write: Write, code: str | None, begins: str
) -> None:
    write(SHOP)
    implementation = {"code": code, "language": "python"} if code else {}
    metadata = {"decorator_params": {}, "phases_included": ["operate"], "original_function_name": "total"}
    with answering({"poet_implementation": implementation, "metadata": metadata}) as (url, asked):
        ran = run_python(SHOW, POET_SERVICE_URL=url)

    assert ran.stdout.startswith(begins), ran.stdout
    assert asked[0].keys() == {"function_code", "language", "context"}
    assert str(asked[0]["function_code"]).startswith("@poet(retries=1, semantics='preserve')\ndef total(self, prices")
    assert asked[0]["context"] == {"imports": ["import math"]}
    assert "RATE" not in json.dumps(asked)


def test_doctor_asks_the_service(open_service: RunningService, tmp_path: Path) -> None:
    def doctor(url: str) -> subprocess.CompletedProcess[str]:
        command = [sys.executable, "-m", "poet_import", "doctor"]
        ours = {"POET_CACHE_DIR": str(tmp_path), "POET_SERVICE_URL": url}
        return subprocess.run(command, env={**os.environ, **ours}, capture_output=True, text=True, check=False)

    well, ill = doctor(open_service.url), doctor("http://127.0.0.1:9")

    assert f"-     service      {open_service.url}/api/v1/transpile (from POET_SERVICE_URL)\n" in well.stdout
    assert "ok    answer       after" in well.stdout
    assert "FAIL  answer       127.0.0.1:9 cannot be reached" in ill.stdout
    assert (well.returncode, ill.returncode) == (0, 1)
