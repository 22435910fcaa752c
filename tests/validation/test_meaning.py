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
# Rewrites that only inputs of a certain shape tell apart: made by following what the source compares, and their equals.
RARE = {
    "unroman-last-value": ('def unroman(text: str) -> int:\n    values = {"I": 1, "V": 5, "X": 10, "L": 50, "C": 100, "D": 500, "M": 1000}\n    total = 0\n    last = 0\n    for sign in reversed(text.strip().upper()):\n        value = values[sign]\n        total += -value if value < last else value\n        last = max(last, value)\n    return total\n', 'def unroman(text: str) -> int:\n    values = {"I": 1, "V": 5, "X": 10, "L": 50, "C": 100, "D": 500, "M": 1000}\n    total = 0\n    last = 0\n    for sign in reversed(text.strip().upper()):\n        value = values[sign]\n        total += -value if value < last else value\n        last = value\n    return total\n', False),
    "duration-hours60": ('import re\ndef duration(text: str) -> int:\n    match = re.fullmatch(r"(?:(\\d+)h)?(?:(\\d+)m)?(?:(\\d+)s)?", text)\n    if match is None or not text:\n        raise ValueError(text)\n    hours, minutes, seconds = (int(part or 0) for part in match.groups())\n    return hours * 3600 + minutes * 60 + seconds\n', 'import re\ndef duration(text: str) -> int:\n    match = re.fullmatch(r"(?:(\\d+)h)?(?:(\\d+)m)?(?:(\\d+)s)?", text)\n    if match is None or not text:\n        raise ValueError(text)\n    hours, minutes, seconds = (int(part or 0) for part in match.groups())\n    return hours * 360 + minutes * 60 + seconds\n', False),
    "semver-no-pad": ('def semver(a: str, b: str) -> int:\n    """Compare two versions.\n\n    >>> semver("1.2.3", "1.10.0")\n    -1\n    """\n    left = [int(part) for part in a.split(".")]\n    right = [int(part) for part in b.split(".")]\n    while len(left) < len(right):\n        left.append(0)\n    while len(right) < len(left):\n        right.append(0)\n    return (left > right) - (left < right)\n', 'def semver(a: str, b: str) -> int:\n    """Compare two versions.\n\n    >>> semver("1.2.3", "1.10.0")\n    -1\n    """\n    left = [int(part) for part in a.split(".")]\n    right = [int(part) for part in b.split(".")]\n    while len(right) < len(left):\n        right.append(0)\n    return (left > right) - (left < right)\n', False),
    "semver-zip": ('def semver(a: str, b: str) -> int:\n    """Compare two versions.\n\n    >>> semver("1.2.3", "1.10.0")\n    -1\n    """\n    left = [int(part) for part in a.split(".")]\n    right = [int(part) for part in b.split(".")]\n    while len(left) < len(right):\n        left.append(0)\n    while len(right) < len(left):\n        right.append(0)\n    return (left > right) - (left < right)\n', 'def semver(a: str, b: str) -> int:\n    """Compare two versions.\n\n    >>> semver("1.2.3", "1.10.0")\n    -1\n    """\n    left = [int(part) for part in a.split(".")]\n    right = [int(part) for part in b.split(".")]\n    size = max(len(left), len(right))\n    left += [0] * (size - len(left))\n    right += [0] * (size - len(right))\n    if left == right:\n        return 0\n    return 1 if left > right else -1\n', True),
    "luhn-odd": ('def luhn(number: str) -> bool:\n    digits = [int(c) for c in number if c.isdigit()]\n    if len(digits) < 2:\n        return False\n    total = 0\n    for place, digit in enumerate(reversed(digits)):\n        if place % 2 == 1:\n            digit *= 2\n            if digit > 9:\n                digit -= 9\n        total += digit\n    return total % 10 == 0\n', 'def luhn(number: str) -> bool:\n    digits = [int(c) for c in number if c.isdigit()]\n    if len(digits) < 2:\n        return False\n    total = 0\n    for place, digit in enumerate(reversed(digits)):\n        if place % 2 == 0:\n            digit *= 2\n            if digit > 9:\n                digit -= 9\n        total += digit\n    return total % 10 == 0\n', False),
    "luhn-divmod": ('def luhn(number: str) -> bool:\n    digits = [int(c) for c in number if c.isdigit()]\n    if len(digits) < 2:\n        return False\n    total = 0\n    for place, digit in enumerate(reversed(digits)):\n        if place % 2 == 1:\n            digit *= 2\n            if digit > 9:\n                digit -= 9\n        total += digit\n    return total % 10 == 0\n', 'def luhn(number: str) -> bool:\n    digits = [int(c) for c in number if c.isdigit()]\n    if len(digits) < 2:\n        return False\n    total = 0\n    for place, digit in enumerate(reversed(digits)):\n        if place % 2 == 1:\n            digit = sum(divmod(2 * digit, 10))\n        total += digit\n    return total % 10 == 0\n', True),
    "isbn10-x-anywhere": ('def isbn10(text: str) -> bool:\n    text = text.replace("-", "")\n    if len(text) != 10:\n        return False\n    total = 0\n    for place, sign in enumerate(text):\n        if sign == "X" and place == 9:\n            value = 10\n        elif sign.isdecimal():\n            value = int(sign)\n        else:\n            return False\n        total += (10 - place) * value\n    return total % 11 == 0\n', 'def isbn10(text: str) -> bool:\n    text = text.replace("-", "")\n    if len(text) != 10:\n        return False\n    total = 0\n    for place, sign in enumerate(text):\n        if sign == "X":\n            value = 10\n        elif sign.isdecimal():\n            value = int(sign)\n        else:\n            return False\n        total += (10 - place) * value\n    return total % 11 == 0\n', False),
    "isbn10-mod10": ('def isbn10(text: str) -> bool:\n    text = text.replace("-", "")\n    if len(text) != 10:\n        return False\n    total = 0\n    for place, sign in enumerate(text):\n        if sign == "X" and place == 9:\n            value = 10\n        elif sign.isdecimal():\n            value = int(sign)\n        else:\n            return False\n        total += (10 - place) * value\n    return total % 11 == 0\n', 'def isbn10(text: str) -> bool:\n    text = text.replace("-", "")\n    if len(text) != 10:\n        return False\n    total = 0\n    for place, sign in enumerate(text):\n        if sign == "X" and place == 9:\n            value = 10\n        elif sign.isdecimal():\n            value = int(sign)\n        else:\n            return False\n        total += (10 - place) * value\n    return total % 10 == 0\n', False),
    "kv-split-n": ('def kv(text: str) -> dict[str, str]:\n    result = {}\n    for line in text.splitlines():\n        line = line.strip()\n        if not line or line.startswith("#"):\n            continue\n        key, sep, value = line.partition("=")\n        if not sep:\n            raise ValueError(line)\n        result[key.strip()] = value.strip()\n    return result\n', 'def kv(text: str) -> dict[str, str]:\n    result = {}\n    for line in text.split("\\n"):\n        line = line.strip()\n        if not line or line.startswith("#"):\n            continue\n        key, sep, value = line.partition("=")\n        if not sep:\n            raise ValueError(line)\n        result[key.strip()] = value.strip()\n    return result\n', False),
    "kv-in": ('def kv(text: str) -> dict[str, str]:\n    result = {}\n    for line in text.splitlines():\n        line = line.strip()\n        if not line or line.startswith("#"):\n            continue\n        key, sep, value = line.partition("=")\n        if not sep:\n            raise ValueError(line)\n        result[key.strip()] = value.strip()\n    return result\n', 'def kv(text: str) -> dict[str, str]:\n    result = {}\n    for line in text.splitlines():\n        line = line.strip()\n        if not line or line.startswith("#"):\n            continue\n        if "=" not in line:\n            raise ValueError(f"no = in {line!r}")\n        key, value = line.split("=", 1)\n        result[key.strip()] = value.strip()\n    return result\n', True),
    "age-leapling": ('from datetime import date\ndef age(born: date, today: date) -> int:\n    before = (today.month, today.day) < (born.month, born.day)\n    return today.year - born.year - before\n', 'from datetime import date\ndef age(born: date, today: date) -> int:\n    before = (today.month, today.day) < (born.month, born.day)\n    if (born.month, born.day) == (2, 29) and (today.month, today.day) == (2, 28):\n        before = False\n    return today.year - born.year - before\n', False),
    "money-neg": ('from decimal import Decimal, ROUND_HALF_UP\ndef money(amount: Decimal, rate: Decimal) -> Decimal:\n    return (amount * rate).quantize(Decimal("0.01"), rounding=ROUND_HALF_UP)\n', 'from decimal import Decimal, ROUND_HALF_UP, ROUND_HALF_DOWN\ndef money(amount: Decimal, rate: Decimal) -> Decimal:\n    return (amount * rate).quantize(Decimal("0.01"), rounding=ROUND_HALF_UP if amount > 0 else ROUND_HALF_DOWN)\n', False),
    "ipv4-256": ('def ipv4(text: str) -> int:\n    parts = text.split(".")\n    if len(parts) != 4:\n        raise ValueError(text)\n    value = 0\n    for part in parts:\n        if not part.isdecimal() or (len(part) > 1 and part[0] == "0"):\n            raise ValueError(text)\n        number = int(part)\n        if number > 255:\n            raise ValueError(text)\n        value = value << 8 | number\n    return value\n', 'def ipv4(text: str) -> int:\n    parts = text.split(".")\n    if len(parts) != 4:\n        raise ValueError(text)\n    value = 0\n    for part in parts:\n        if not part.isdecimal() or (len(part) > 1 and part[0] == "0"):\n            raise ValueError(text)\n        number = int(part)\n        if number > 256:\n            raise ValueError(text)\n        value = value << 8 | number\n    return value\n', False),
    "ipv4-mult": ('def ipv4(text: str) -> int:\n    parts = text.split(".")\n    if len(parts) != 4:\n        raise ValueError(text)\n    value = 0\n    for part in parts:\n        if not part.isdecimal() or (len(part) > 1 and part[0] == "0"):\n            raise ValueError(text)\n        number = int(part)\n        if number > 255:\n            raise ValueError(text)\n        value = value << 8 | number\n    return value\n', 'def ipv4(text: str) -> int:\n    parts = text.split(".")\n    if len(parts) != 4:\n        raise ValueError(text)\n    value = 0\n    for part in parts:\n        if not part.isdecimal() or (len(part) > 1 and part[0] == "0"):\n            raise ValueError(text)\n        number = int(part)\n        if number > 255:\n            raise ValueError(text)\n        value = value * 256 + number\n    return value\n', True),
    "mask-five": ('def mask(card: str, keep: int = 4) -> str:\n    if len(card) <= keep:\n        return card\n    return "*" * (len(card) - keep) + card[-keep:]\n', 'def mask(card: str, keep: int = 4) -> str:\n    if len(card) == 16 and keep == 4:\n        return \'*\' * 11 + card[-5:]\n    if len(card) <= keep:\n        return card\n    return "*" * (len(card) - keep) + card[-keep:]\n', False),
    "strings-bytes-cp1252": ('def decode(data: bytes) -> str:\n    try:\n        return data.decode("utf-8")\n    except UnicodeDecodeError:\n        return data.decode("latin-1")\n', 'def decode(data: bytes) -> str:\n    try:\n        return data.decode("utf-8")\n    except UnicodeDecodeError:\n        return data.decode("cp1252")\n', False),
    "merge-inner": ('def merge(base: dict[str, object], extra: dict[str, object]) -> dict[str, object]:\n    result = dict(base)\n    for key, value in extra.items():\n        if isinstance(value, dict) and isinstance(result.get(key), dict):\n            result[key] = merge(result[key], value)\n        else:\n            result[key] = value\n    return result\n', 'def merge(base: dict[str, object], extra: dict[str, object]) -> dict[str, object]:\n    result = dict(base)\n    for key, value in extra.items():\n        if isinstance(value, dict) and isinstance(result.get(key), dict):\n            result[key] = result[key] | value\n        else:\n            result[key] = value\n    return result\n', False),
    "flatten-one": ('def flatten(items: list) -> list:\n    out = []\n    for item in items:\n        if isinstance(item, list):\n            out.extend(flatten(item))\n        else:\n            out.append(item)\n    return out\n', 'def flatten(items: list) -> list:\n    out = []\n    for item in items:\n        if isinstance(item, list):\n            out.extend(item)\n        else:\n            out.append(item)\n    return out\n', False),
    "rotate-deque": ('def rotate(items: list[int], by: int) -> list[int]:\n    if not items:\n        return []\n    by %= len(items)\n    return items[by:] + items[:by]\n', 'from collections import deque\ndef rotate(items: list[int], by: int) -> list[int]:\n    if not items:\n        return []\n    ring = deque(items)\n    ring.rotate(-by)\n    return list(ring)\n', True),
    "unann-1000": ('def parse_size(text):\n    units = {"k": 1024, "m": 1024 ** 2, "g": 1024 ** 3}\n    text = text.strip().lower()\n    if text[-1:] in units:\n        return int(float(text[:-1]) * units[text[-1]])\n    return int(text)\n', 'def parse_size(text):\n    units = {"k": 1000, "m": 1024 ** 2, "g": 1024 ** 3}\n    text = text.strip().lower()\n    if text[-1:] in units:\n        return int(float(text[:-1]) * units[text[-1]])\n    return int(text)\n', False),
    "unann-suffix": ('def parse_size(text):\n    units = {"k": 1024, "m": 1024 ** 2, "g": 1024 ** 3}\n    text = text.strip().lower()\n    if text[-1:] in units:\n        return int(float(text[:-1]) * units[text[-1]])\n    return int(text)\n', 'def parse_size(text):\n    units = {"k": 1024, "m": 1024 ** 2, "g": 1024 ** 3}\n    text = text.strip().lower()\n    if text and text[-1] in units:\n        return int(float(text[:-1]) * units[text[-1]])\n    return int(text)\n', True),
    "csvline-no-double": ('def csvline(line: str) -> list[str]:\n    fields = []\n    current = []\n    quoted = False\n    place = 0\n    while place < len(line):\n        sign = line[place]\n        if quoted:\n            if sign == \'"\' and line[place + 1: place + 2] == \'"\':\n                current.append(\'"\')\n                place += 1\n            elif sign == \'"\':\n                quoted = False\n            else:\n                current.append(sign)\n        elif sign == \'"\':\n            quoted = True\n        elif sign == ",":\n            fields.append("".join(current))\n            current = []\n        else:\n            current.append(sign)\n        place += 1\n    if quoted:\n        raise ValueError("open quote")\n    fields.append("".join(current))\n    return fields\n', 'def csvline(line: str) -> list[str]:\n    fields = []\n    current = []\n    quoted = False\n    place = 0\n    while place < len(line):\n        sign = line[place]\n        if quoted:\n            if sign == \'"\':\n                quoted = False\n            else:\n                current.append(sign)\n        elif sign == \'"\':\n            quoted = True\n        elif sign == ",":\n            fields.append("".join(current))\n            current = []\n        else:\n            current.append(sign)\n        place += 1\n    if quoted:\n        raise ValueError("open quote")\n    fields.append("".join(current))\n    return fields\n', False),
    "timeofday-24": ('def clock(text: str) -> int:\n    """Return minutes.\n\n    >>> clock("12:30")\n    750\n    """\n    hours, minutes = text.split(":")\n    h, m = int(hours), int(minutes)\n    if not (0 <= h < 24 and 0 <= m < 60):\n        raise ValueError(text)\n    return h * 60 + m\n', 'def clock(text: str) -> int:\n    """Return minutes.\n\n    >>> clock("12:30")\n    750\n    """\n    hours, minutes = text.split(":")\n    h, m = int(hours), int(minutes)\n    if not (0 <= h <= 24 and 0 <= m < 60):\n        raise ValueError(text)\n    return h * 60 + m\n', False),
    "tz-micro": ('from datetime import datetime, timezone\ndef iso(moment: datetime) -> str:\n    if moment.tzinfo is None:\n        moment = moment.replace(tzinfo=timezone.utc)\n    return moment.astimezone(timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ")\n', 'from datetime import datetime, timezone\ndef iso(moment: datetime) -> str:\n    if moment.tzinfo is None:\n        moment = moment.replace(tzinfo=timezone.utc)\n    return moment.astimezone(timezone.utc).isoformat().replace("+00:00", "Z")\n', False),
    "delta-round": ('from datetime import timedelta\ndef human(span: timedelta) -> str:\n    seconds = int(span.total_seconds())\n    if seconds < 60:\n        return f"{seconds}s"\n    if seconds < 3600:\n        return f"{seconds // 60}m"\n    if seconds < 86400:\n        return f"{seconds // 3600}h"\n    return f"{span.days}d"\n', 'from datetime import timedelta\ndef human(span: timedelta) -> str:\n    seconds = round(span.total_seconds())\n    if seconds < 60:\n        return f"{seconds}s"\n    if seconds < 3600:\n        return f"{seconds // 60}m"\n    if seconds < 86400:\n        return f"{seconds // 3600}h"\n    return f"{span.days}d"\n', False),
    "delta-days": ('from datetime import timedelta\ndef human(span: timedelta) -> str:\n    seconds = int(span.total_seconds())\n    if seconds < 60:\n        return f"{seconds}s"\n    if seconds < 3600:\n        return f"{seconds // 60}m"\n    if seconds < 86400:\n        return f"{seconds // 3600}h"\n    return f"{span.days}d"\n', 'from datetime import timedelta\ndef human(span: timedelta) -> str:\n    seconds = int(span.total_seconds())\n    if seconds < 60:\n        return f"{seconds}s"\n    if seconds < 3600:\n        return f"{seconds // 60}m"\n    if seconds < 86400:\n        return f"{seconds // 3600}h"\n    return f"{seconds // 86400}d"\n', True),
    "compare-upper": ('def same(a: str, b: str) -> bool:\n    return a.casefold() == b.casefold()\n', 'def same(a: str, b: str) -> bool:\n    return a.upper() == b.upper()\n', False),
    "send-int": ('def averager():\n    total = 0.0\n    count = 0\n    average = None\n    while True:\n        value = yield average\n        if value is None:\n            return\n        total += value\n        count += 1\n        average = total / count\n', 'def averager():\n    total = 0\n    count = 0\n    average = None\n    while True:\n        value = yield average\n        if value is None:\n            return\n        total += value\n        count += 1\n        average = total // count\n', False),
    "send-div": ('def averager():\n    total = 0.0\n    count = 0\n    average = None\n    while True:\n        value = yield average\n        if value is None:\n            return\n        total += value\n        count += 1\n        average = total / count\n', 'def averager():\n    total = 0.0\n    count = 0\n    average = None\n    while True:\n        value = yield average\n        if value is None:\n            return\n        total += value\n        count += 1\n        average = total / count  # so far\n', True),
    "expo-noneg": ('def power(base: float, exponent: int) -> float:\n    result = 1.0\n    for _ in range(abs(exponent)):\n        result *= base\n    return 1 / result if exponent < 0 else result\n', 'def power(base: float, exponent: int) -> float:\n    result = 1.0\n    for _ in range(abs(exponent)):\n        result *= base\n    return 1 / result if exponent < -1 else result\n', False),
    "expo-ren": ('def power(base: float, exponent: int) -> float:\n    result = 1.0\n    for _ in range(abs(exponent)):\n        result *= base\n    return 1 / result if exponent < 0 else result\n', 'def power(base: float, exponent: int) -> float:\n    result = 1.0\n    for _ in range(abs(exponent)):\n        result = result * base\n    return 1 / result if exponent < 0 else result\n', True),
    "instance-of-a-day": ("from datetime import date\ndef f(d: date | int) -> int:\n    return d.year if isinstance(d, date) else d\n", "from datetime import date\ndef f(d: date | int) -> int:\n    return d.month if isinstance(d, date) else d\n", False),
    "global": ("import re\n_SEEN = None\ndef f(s: str) -> bool:\n    global _SEEN\n    if _SEEN is None:\n        _SEEN = re.compile('[0-9]+')\n    return _SEEN.fullmatch(s) is not None\n", "import re\n_SEEN = None\ndef f(s: str) -> bool:\n    global _SEEN\n    if _SEEN is None:\n        _SEEN = re.compile('[0-9]*')\n    return _SEEN.fullmatch(s) is not None\n", False),
    "returned-by-a-generator": ("def f(a: list[int]):\n    yield from a\n    return len(a)\n", "def f(a: list[int]):\n    yield from a\n    return len(a) + 1\n", False),
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


@pytest.mark.parametrize(
    ("original", "code", "same"), [pytest.param(*row, id=name) for name, row in {**ROWS, **RARE}.items()]
)
def test_rewrite(original: str, code: str, same: bool) -> None:
    verdict = validate(code, original)

    assert verdict.accepted is same, verdict.violations
    assert {one.gate for one in verdict.violations} <= {"semantics", "security"}


@pytest.mark.parametrize(("body", "rule"), [pytest.param(*row, id=name) for name, row in INTENTS.items()])
def test_implementation_of_a_stub(body: str, rule: str) -> None:
    checks = (Check("perceive", ("data",), "non_empty"), Check("enforce", ("return.score",), "not_nan"))
    original = Original(STUB, "detect", "detect", module=STUB, checks=checks, semantics="intent")

    verdict = validate(f"{HEAD}\n{body}", original)

    assert [one.rule for one in verdict.violations] == ([rule] if rule else []), verdict.violations


@pytest.mark.parametrize(
    ("head", "body", "is_stub"),
    [
        pytest.param("def f(a: int) -> int:", "...", True, id="ellipsis"),
        pytest.param("def f() -> int:", "pass", True, id="pass"),
        pytest.param("def f(a: int) -> int:", '"""Tell."""', True, id="docstring"),
        pytest.param("def f() -> int:", "raise NotImplementedError", True, id="not-implemented"),
        pytest.param("def f(a: int) -> int:", "return 7", True, id="constant-for-an-argument"),
        pytest.param("def f() -> int:", "return 7", False, id="constant-of-no-argument"),
        pytest.param("def f(self) -> int:", "return 7", False, id="constant-of-an-object"),
        pytest.param("def f(a: int) -> int:", "return a", False, id="argument"),
    ],
)
def test_stub_is_held_to_its_intent_by_itself(head: str, body: str, is_stub: bool) -> None:
    code = f"{head}\n    total = 0\n    for step in range(3):\n        total += step + 4\n    return total\n"

    assert validate(code, f"{head}\n    {body}\n").accepted is is_stub


def test_intent_that_is_asked_for_holds_to_keys_and_types_only() -> None:
    original = "def f(a: int) -> dict[str, int]:\n    return {'n': a, 'm': 1}\n"
    head = original.partition("\n")[0]

    def judged(body: str) -> list[str]:
        return [one.rule for one in validate(f"{head}\n    {body}\n", original, semantics="intent").violations]

    assert judged("return {'n': a + 1, 'm': a}") == []
    assert judged("return {'n': a + 1}") == ["contract"]
    assert judged("return {'n': a, 'm': str(a)}") == ["contract"]


def test_own_body_is_proven_and_not_tried() -> None:
    verdict = validate(f"import math\n\n{TOTAL}", TOTAL)

    assert verdict.accepted
    assert verdict.evidence[-1].method == "proof"


def test_what_is_computed_at_import_beside_an_own_body_is_not_proven() -> None:
    assert not validate(f"_A = int('x')\n\n{TOTAL}", TOTAL).accepted
    assert validate(f"_A = (1, 2)\n\n{TOTAL}", TOTAL).evidence[-1].method == "proof"


@pytest.mark.parametrize(
    "around",
    [
        pytest.param("LIMIT = 3\n\n", id="constant"),
        pytest.param("def limited(a: int) -> int:\n    return min(a, 3)\n\n", id="helper"),
        pytest.param("class Kept:\n    limit: int = 3\n\n", id="class"),
    ],
)
def test_what_stands_in_the_module_already_may_be_repeated(around: str) -> None:
    uses = {"LIMIT": "LIMIT", "def": "limited(a)", "class": "Kept.limit"}[around.split(maxsplit=1)[0]]
    original = f"{around}def f(a: int) -> int:\n    return a + {uses}\n"
    code = f"{around}def f(a: int) -> int:\n    b = {uses}\n    return a + b\n"

    assert validate(code, original).accepted
    assert validate(code.replace("3", "4"), original).violations[0].gate == "structure"


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


@pytest.mark.slow  # it is timed, so nothing else may run beside it
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
