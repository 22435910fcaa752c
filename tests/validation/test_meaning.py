"""The fourth gate on functions without effects: what is proven, what is tried, and what a stub promises."""

import json
import statistics
import time
from pathlib import Path

import pytest

from poet_import.model import Check, Original
from poet_import.validation import jail, validate

pytestmark = pytest.mark.skipif(not jail.is_available(), reason="no jail on this system")

PAIRS = Path(__file__).parents[3] / "shared" / "semantics" / "pairs.jsonl"
TOTAL = "def total(prices: list[int]) -> int:\n    result = 0\n    for price in prices:\n        result += price\n    return result\n"
ROWS = {
    # id: original, candidate, whether it means the same
    "sum": (TOTAL, "def total(prices: list[int]) -> int:\n    return sum(prices)\n", True),
    "start-at-one": (TOTAL, "def total(prices: list[int]) -> int:\n    return sum(prices, 1)\n", False),
    "of-a-set": (TOTAL, "def total(prices: list[int]) -> int:\n    return sum(set(prices))\n", False),
    "float": (TOTAL, "def total(prices: list[int]) -> int:\n    return sum(prices, 0.0)\n", False),
    "emptied": (TOTAL, "def total(prices: list[int]) -> int:\n    r = 0\n    while prices:\n        r += prices.pop()\n    return r\n", False),
    "long-lists": (TOTAL, "def total(prices: list[int]) -> int:\n    return sum(prices[:5000])\n", False),
    "recursion": (TOTAL, "def total(prices: list[int]) -> int:\n    return prices[0] + total(prices[1:]) if prices else 0\n", False),
    "kept": ("def f(a: int) -> list[int]:\n    return [a]\n", "_C = {}\ndef f(a: int) -> list[int]:\n    c = _C\n    return c.setdefault(a, [a])\n", False),
    "own-object": ("def f(a: list[int]) -> list[int]:\n    return list(a)\n", "def f(a: list[int]) -> list[int]:\n    return a\n", False),
    "generator": ("def f(a: list[int]):\n    for b in a:\n        yield b * 2\n", "def f(a: list[int]):\n    yield from (b * 2 for b in a)\n", True),
    "generator-short": ("def f(a: list[int]):\n    for b in a:\n        yield b * 2\n", "def f(a: list[int]):\n    yield from (b * 2 for b in a[:-1])\n", False),
    "leap-day": ("from datetime import date\ndef f(d: date) -> bool:\n    return d.month == 2 and d.day == 29\n", "from datetime import date\ndef f(d: date) -> bool:\n    return False\n", False),
    "letters": ("def f(s: str) -> str:\n    return s.upper().lower()\n", "def f(s: str) -> str:\n    return s.lower()\n", False),
    "digits": ("def f(s: str) -> bool:\n    return s.isdigit()\n", "def f(s: str) -> bool:\n    return s.isdecimal()\n", False),
    "pattern": ("import re\ndef f(s: str) -> bool:\n    return re.fullmatch(r'[A-Z]{2}-\\d{4}', s) is not None\n", "import re\ndef f(s: str) -> bool:\n    return re.fullmatch(r'[A-Z]{2}-\\d{3,4}', s) is not None\n", False),
    "dataclass": ("from dataclasses import dataclass\n@dataclass\nclass P:\n    x: int\n    y: int = 0\ndef f(p: P) -> int:\n    return p.x + p.y\n", "def f(p: P) -> int:\n    return p.y + p.x\n", True),
    "dataclass-wrong": ("from dataclasses import dataclass\n@dataclass\nclass P:\n    x: int\n    y: int = 0\ndef f(p: P) -> int:\n    return p.x + p.y\n", "def f(p: P) -> int:\n    return p.x - p.y\n", False),
    "enum": ("from enum import Enum\nclass C(Enum):\n    A = 1\n    B = 2\ndef f(c: C) -> bool:\n    return c is C.A\n", "def f(c: C) -> bool:\n    return c == C.A\n", True),
    "helper-of-the-module": ("def _d(n):\n    return n * 2\ndef f(n: int) -> int:\n    return _d(n) + 1\n", "def f(n: int) -> int:\n    return 1 + _d(n)\n", True),
    "helper-shadowed": ("def _d(n):\n    return n * 2\ndef f(n: int) -> int:\n    return _d(n) + 1\n", "def _d(n):\n    return n * 3\ndef f(n: int) -> int:\n    return _d(n) + 1\n", False),
    "async": ("async def f(n: int) -> int:\n    return n * 2\n", "async def f(n: int) -> int:\n    return n + n\n", True),
    "unannotated": ("def f(words):\n    return ' '.join(w.strip() for w in words)\n", "def f(words):\n    return ' '.join([w.strip() for w in words])\n", True),
    "unannotated-wrong": ("def f(words):\n    return ' '.join(w.strip() for w in words)\n", "def f(words):\n    return ' '.join(w.strip() for w in words if w)\n", False),
    "defaults": ("def f(a: int, b: int = 5, *, c: bool = False) -> int:\n    return a * b if c else a\n", "def f(a: int, b: int = 5, *, c: bool = False) -> int:\n    if not c:\n        return a\n    return b * a\n", True),
    "endless": ("def f(n: int) -> int:\n    return max(0, n)\n", "def f(n: int) -> int:\n    while n < 0:\n        pass\n    return n\n", False),
    "memory": ("def f(n: int) -> int:\n    return n * 2\n", "def f(n: int) -> int:\n    a = [n] * 9\n    while n == 7:\n        a += a\n    return n * 2\n", False),
    "nan": ("def f(a: float) -> bool:\n    return not a > 0\n", "def f(a: float) -> bool:\n    return a <= 0\n", False),
}  # fmt: skip
STUB = 'def detect(data: list[float], limit: float = 0.5) -> dict[str, bool | float]:\n    """Tell."""\n    return {"drift": False, "score": 0.0}\n'
HEAD = STUB.partition("\n")[0]
INTENTS = {
    "logic": ('    score = min(1.0, len(data) / 10)\n    return {"drift": score > limit, "score": score}\n', ""),
    "stub": ('    return {"drift": True, "score": 1.0}\n', "stub"),
    "missing-key": ('    return {"drift": len(data) > limit}\n', "contract"),
    "further-key": ('    return {"drift": len(data) > limit, "score": 0.0, "n": len(data)}\n', "contract"),
    "other-type": ('    return {"drift": "yes" if len(data) > limit else "no", "score": 0.0}\n', "contract"),
    "no-dict": ("    return [len(data) > limit]\n", "contract"),
    "domain-check": ('    return {"drift": len(data) > limit, "score": float("nan")}\n', "contract"),
    "mistake": ('    return {"drift": data[0] > limit, "score": data[5]}\n', "exception"),
    "changes-its-data": ('    data.sort()\n    return {"drift": len(data) > limit, "score": 0.0}\n', "contract"),
    "refuses-all": ('    if len(data) >= 0:\n        raise ValueError("no")\n    return {"drift": False, "score": 0.0}\n', "untried"),
    "endless": ('    while data:\n        pass\n    return {"drift": False, "score": 0.0}\n', "ends"),
}  # fmt: skip


@pytest.mark.parametrize(("original", "code", "same"), [pytest.param(*row, id=name) for name, row in ROWS.items()])
def test_rewrite(original: str, code: str, same: bool) -> None:
    verdict = validate(code, original)

    assert verdict.accepted is same, verdict.violations
    assert {one.gate for one in verdict.violations} <= {"semantics"}


@pytest.mark.parametrize(("body", "rule"), [pytest.param(*row, id=name) for name, row in INTENTS.items()])
def test_implementation_of_a_stub(body: str, rule: str) -> None:
    checks = (Check("perceive", ("data",), "non_empty"), Check("enforce", ("return.score",), "not_nan"))
    original = Original(STUB, "detect", "detect", module=STUB, checks=checks, semantics="intent")

    verdict = validate(f"{HEAD}\n{body}", original)

    assert [one.rule for one in verdict.violations] == ([rule] if rule else []), verdict.violations


def test_stub_is_kept_as_it_is_where_meaning_is_preserved() -> None:
    body = '    score = max(data, default=0.0)\n    return {"drift": score > limit, "score": float(score)}\n'

    assert not validate(f"{HEAD}\n{body}", STUB).accepted


def test_own_body_is_proven_and_not_tried() -> None:
    verdict = validate(f"import math\n\n{TOTAL}", TOTAL)

    assert verdict.accepted
    assert verdict.evidence[-1].method == "proof"


def test_own_body_over_other_helpers_is_not_proven() -> None:
    original = "import math\ndef f(a: float) -> float:\n    return math.floor(a)\n"

    assert not validate(
        "import cmath as math\ndef f(a: float) -> float:\n    return math.floor(a)\n", original
    ).accepted


def test_evidence_tells_the_number_of_inputs() -> None:
    verdict = validate(ROWS["sum"][1], TOTAL)

    assert verdict.evidence[-1].method == "trial"
    assert verdict.evidence[-1].inputs >= 300


def test_recorded_calls_and_examples_are_tried_first() -> None:
    source = "def f(a: int) -> int:\n    return a\n"
    wrong = "def f(a: int) -> int:\n    return 0 if hash(a) == 918273645 else a\n".replace(
        "918273645", "int('918273645')"
    )
    call = Original(source, "f", "f", module=source, calls=("(918273645,)",))
    shown = source.replace("\n", '\n    """Return it.\n\n    >>> f(918273645)\n    918273645\n    """\n', 1)

    assert not validate(wrong, call).accepted
    assert not validate(wrong, shown).accepted


def test_message_of_a_difference_shows_the_arguments() -> None:
    (violation,) = validate(
        "def f(n: int) -> int:\n    return abs(n)\n", "def f(n: int) -> int:\n    return n\n"
    ).violations

    assert "instead of" in violation.message
    assert "for the arguments ([-" in violation.message


@pytest.mark.skipif(not PAIRS.is_file(), reason="the shared pairs are not beside this checkout")
def test_shared_pairs_are_told_apart_in_time() -> None:
    pairs = [json.loads(line) for line in PAIRS.read_text(encoding="utf-8").splitlines()]
    wrong, times = [], []
    for pair in pairs:
        started = time.perf_counter()
        verdict = validate(pair["candidate"], pair["original"])
        times.append(time.perf_counter() - started)
        if verdict.accepted != (pair["kind"] == "equal"):
            wrong.append((pair["id"], pair["kind"]))

    assert [pair for pair in wrong if pair[1] == "different"] == []
    assert len(wrong) <= 0.1 * sum(pair["kind"] == "equal" for pair in pairs)
    assert statistics.median(times) <= 1.5
