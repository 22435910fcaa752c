"""Texts to try functions with: those that the source mentions, and those that programs stumble over."""

from __future__ import annotations

import re._constants as parts  # type: ignore[import-not-found]  # what ``re`` itself parses patterns with
import re._parser as parser  # type: ignore[import-not-found]  # as above
import string
from collections.abc import Callable, Sequence
from datetime import date, datetime
from random import Random
from typing import Any, Final

_AWKWARD: Final = (
    *("", " ", "\t", "\n", "a", "A", "0", "1", "-1", "1.5", "1e3", "007", "+7", "½", "٣", "²", "①", "Ⅷ", "ß", "ẞ", "İ", "ı", "ﬁ", "é", "e\u0301"),
    *("Σς", "日本", "\u00a0", "\u200b", "\u2028", "\x1c", "\x00", "🙂", "a b", " a ", "a,b", "a, b", ",", "a-b", "a_b", "a.b", "a:b"),
    *("a=b", "a/b", "a\nb", "a\r\nb", "a\tb", "a;b", "A1", "aB", "Ab", "AB", "HTTPServer", "camelCase", "some_name", "x1y2", "None"),
    *("null", "true", "nan", "inf", "2024-02-29", "2023-02-29", "12:30", "#ff8000", "#FFF", "a@b.de", "http://a.de/b?c=d", "%20"),
)  # fmt: skip
_LETTERS: Final = "abcxyzABCXYZ0129 _-.,:;/#@äßÉ\n"
_REPEATS: Final = (parts.MAX_REPEAT, parts.MIN_REPEAT, getattr(parts, "POSSESSIVE_REPEAT", parts.MAX_REPEAT))


def draw_text(random: Random, known: Sequence[str], patterns: Sequence[str]) -> str:
    """Return a text: one that is known, one made of known ones, an awkward one, or any."""
    ways: list[Callable[[], str]] = [
        lambda: random.choice(_AWKWARD),
        lambda: "".join(random.choices(_LETTERS, k=random.randrange(1, 9))),
        lambda: "".join(random.choices(string.ascii_lowercase, k=random.randrange(1, 5))),
        lambda: str(random.choice((0, 1, 7, 10, -3, 12, 99, 100, 1234567, 0.5, -2.25))),
        lambda: random.choice(_AWKWARD) + random.choice(_AWKWARD),
    ]
    if known:
        ways += [lambda: random.choice(known)] * 2
        ways += [lambda: _varied(random, random.choice(known))] * 2
        ways += [lambda: _joined(random, known)] * 2
    if patterns:
        ways += [lambda: matching(random, random.choice(patterns))] * 3
        ways += [lambda: _varied(random, matching(random, random.choice(patterns)))] * 2
    if random.random() < 0.02:
        return random.choice(ways)() * random.choice((30, 300))
    return random.choice(ways)()


def _varied(random: Random, text: str) -> str:
    """Return a near text: one character more, less or other, or in another case."""
    place = random.randrange(len(text) + 1)
    ways = (
        lambda: text[:place] + random.choice(_LETTERS) + text[place:],
        lambda: text[:place] + text[place + 1 :],
        lambda: text[:place] + random.choice(_LETTERS) + text[place + 1 :],
        text.upper,
        text.lower,
        text.title,
        text.swapcase,
        lambda: text + text,
        lambda: f" {text}",
        lambda: f"{text}\n",
        lambda: text[::-1],
        lambda: text[:place],
        lambda: text.replace("0", "9"),
    )
    return random.choice(ways)()


def _joined(random: Random, known: Sequence[str]) -> str:
    short = [text for text in known if len(text) < 20] or [""]
    words = [random.choice((*short, "a", "b1", "Zz", "12", "")) for _ in range(random.randrange(2, 6))]
    return random.choice((*(text for text in short if len(text) < 4), "", " ", ",")).join(words)


def dated(random: Random, form: str) -> str:
    """Return some day as a format of ``strftime`` shows it."""
    day = datetime.fromordinal(random.randrange(date(1999, 1, 1).toordinal(), date(2030, 1, 1).toordinal()))
    try:
        return day.replace(hour=random.randrange(24), minute=random.randrange(60)).strftime(form)
    except ValueError:
        return str(day)


def matching(random: Random, pattern: str) -> str:
    """Return a text that a pattern is likely to match."""
    try:
        return _sample(random, parser.parse(pattern), 6)
    except (re_error, RecursionError, OverflowError, ValueError):
        return pattern


re_error = parser.error if hasattr(parser, "error") else ValueError


def _sample(random: Random, items: Any, depth: int) -> str:  # Any: the parser's own kind of list
    return "".join(_one(random, kind, value, depth) for kind, value in items) if depth else ""


def _one(random: Random, kind: object, value: Any, depth: int) -> str:  # Any: what goes with the kind
    if kind is parts.LITERAL:
        return chr(value)
    if kind is parts.IN:
        return _member(random, value)
    if kind is parts.ANY:
        return random.choice(_LETTERS[:-1])
    if kind is parts.BRANCH:
        return _sample(random, random.choice(value[1]), depth - 1)
    if kind is parts.SUBPATTERN:
        return _sample(random, value[3], depth - 1)
    if kind in _REPEATS:
        least, most, inner = value
        count = random.randint(least, min(int(most), least + 3))
        return "".join(_sample(random, inner, depth - 1) for _ in range(count))
    return random.choice(string.ascii_letters) if kind is parts.NOT_LITERAL else ""


def _member(random: Random, members: Any) -> str:  # Any: as above
    if members[0][0] is parts.NEGATE:
        return random.choice("aZ0 _-é")
    kind, value = random.choice(members)
    if kind is parts.LITERAL:
        return chr(value)
    if kind is parts.RANGE:
        return chr(random.randint(*value))
    names = {parts.CATEGORY_DIGIT: "0129٣", parts.CATEGORY_SPACE: " \t\n\u00a0", parts.CATEGORY_WORD: "aZ0_éß"}
    return random.choice(names.get(value, "aZ -é"))
