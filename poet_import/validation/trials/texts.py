"""Texts to try functions with: those that the source mentions, and those that programs stumble over."""

from __future__ import annotations

import re
import re._constants as parts  # type: ignore[import-not-found]  # what ``re`` itself parses patterns with
import re._parser as parser  # type: ignore[import-not-found]  # as above
import string
import unicodedata
from collections.abc import Callable, Sequence
from datetime import date, datetime
from random import Random
from typing import Any, Final, NamedTuple

_AWKWARD: Final = (
    *("", " ", "\t", "\n", "a", "A", "0", "1", "-1", "1.5", "1e3", "007", "+7", "½", "٣", "²", "①", "Ⅷ", "ß", "ẞ", "İ", "ı", "ﬁ", "é", "e\u0301"),
    *("Σς", "日本", "\u00a0", "\u200b", "\u2028", "\x1c", "\x00", "🙂", "a b", " a ", "a,b", "a, b", ",", "a-b", "a_b", "a.b", "a:b"),
    *("a=b", "a/b", "a\nb", "a\r\nb", "a\tb", "a;b", "A1", "aB", "Ab", "AB", "HTTPServer", "camelCase", "some_name", "x1y2", "None"),
    *("Maße", "MASSE", "ſ", "ǅ", "i̇", "Ω", "ΑΣ", "привет", "٤٢", "\ud800", "a\x0bb", "a\x0cb", "a\x85b", "a\u2028b", "a\rb"),
    *("null", "true", "nan", "inf", "2024-02-29", "2023-02-29", "12:30", "#ff8000", "#FFF", "a@b.de", "http://a.de/b?c=d", "%20"),
)  # fmt: skip
_LETTERS: Final = "abcxyzABCXYZ0129 _-.,:;/#@äßÉ\n"
_REPEATS: Final = (parts.MAX_REPEAT, parts.MIN_REPEAT, getattr(parts, "POSSESSIVE_REPEAT", parts.MAX_REPEAT))


_BREAKS: Final = ("\n", "\n", "\r\n", "\r", "\x0b", "\x0c", "\x1c", "\x85", "\u2028", "\n\n")
_ENDS: Final = (" ", "\n", "\t", "-", "+", "0", "a", "\u00a0", ".")
_CASES: Final = ("ß", "ẞ", "SS", "ss", "İ", "ı", "i̇", "ς", "Σ", "σ", "ſ", "s", "ﬁ", "fi", "ǆ", "ǅ", "K", "k")


class Known(NamedTuple):
    """What a source tells of the texts that it takes; no dataclass, whose import is a third of a child's start."""

    texts: Sequence[str] = ()
    patterns: Sequence[str] = ()
    numbers: Sequence[int] = ()
    sizes: Sequence[int] = ()
    separators: Sequence[str] = ()  # what it splits and joins by, and other short constants
    alphabet: str = ""  # the characters of its short constants


def draw_text(random: Random, source: Known) -> str:
    """Return a text: one that is known, one made of known ones, an awkward one, or any."""
    known, patterns = source.texts, source.patterns
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
    if source.separators:
        ways += [lambda: _fields(random, source)] * 4
        ways += [lambda: random.choice(_BREAKS).join(_fields(random, source) for _ in range(random.randrange(2, 5)))]
    if source.alphabet:
        ways += [lambda: _spelled(random, source)] * 4
    if source.sizes:
        ways += [lambda: _sized(random, source)]
    if random.random() < 0.02:
        return random.choice(ways)() * random.choice((30, 300))
    return random.choice(ways)()


def _fields(random: Random, source: Known) -> str:
    """Return some fields between separators of the source, as many as one of its numbers now and then."""
    counts = [near for size in source.sizes if size < 20 for near in (size - 1, size, size, size, size + 1)]
    count = random.choice((*counts, 1, 2, 2, 3, 3, 4))
    separators = random.choices(source.separators, k=2) if random.random() < 0.2 else [random.choice(source.separators)]
    earlier: list[str] = []
    text = ""
    alike = random.choice(_FIELDS) if random.random() < 0.6 else None
    for place in range(count):
        field = (
            random.choice(earlier)
            if earlier and random.random() < 0.1
            else (alike or random.choice(_FIELDS))(random, source)
        )
        earlier.append(field)
        text += (random.choice(separators) if place else "") + field
    return text


def _number(random: Random, source: Known) -> str:
    near = [number + step for number in source.numbers for step in (0, 0, 1, -1)]
    number = random.choice(
        (*near, random.randrange(10), random.randrange(10), random.randrange(60), random.randrange(300))
    )
    return random.choice((str(number), str(number), str(number), str(number), f"{number:02d}", f"0{number}"))


def _spelled(random: Random, source: Known) -> str:
    """Return a word over the characters of the source, with few different ones now and then."""
    letters = source.alphabet if random.random() < 0.5 else random.choices(source.alphabet, k=3)
    size = random.choice((*(size for size in source.sizes if size < 40), *range(1, 12)))
    return "".join(random.choices(letters, k=size))


def _sized(random: Random, source: Known) -> str:
    """Return a text as long as one of the source's numbers, or nearly."""
    size = random.choice(source.sizes) + random.choice((0, 0, 0, -1, 1))
    digits, letters = "0123456789", random.choice(("abcXYZ", source.alphabet or "a", "a1", "é"))
    text = "".join(random.choices(random.choice((digits, digits, letters)), k=min(size, 64))) or "a"
    text = (text * (size // len(text) + 1))[:size]
    if source.alphabet and random.random() < 0.3:
        place = random.choice((0, size - 1, random.randrange(size + 1)))
        text = text[:place] + random.choice(source.alphabet) + text[place + 1 :]
    return text


_FIELDS: Final[Sequence[Callable[[Random, Known], str]]] = (
    _number,
    _number,
    lambda random, source: random.choice(source.texts or _AWKWARD),
    lambda random, _: random.choice(("a", "b", "key", "Ab", "x1", "")),
    lambda random, _: random.choice(("", " ", " a", "b ", " 1 ")),
    lambda random, _: random.choice(_AWKWARD),
    lambda random, source: (_spelled if source.alphabet else _number)(random, source),
)


def changed(random: Random, text: str, source: Known) -> str:
    """Return a text near to another: a piece more, less, twice or other, a number or a case of it."""
    first, last = sorted((random.randrange(len(text) + 1), random.randrange(len(text) + 1)))
    pieces = (
        *source.texts,
        *source.separators,
        *source.alphabet,
        "0",
        "1",
        " ",
        random.choice(_AWKWARD),
        random.choice(_BREAKS),
        random.choice(_CASES),
    )
    piece = random.choice(pieces)
    ways: list[Callable[[], str]] = [
        lambda: _varied(random, text),
        lambda: random.choice(_ENDS) + text,
        lambda: text + random.choice(_ENDS),
        lambda: text[:first] + piece + text[first:],
        lambda: text[:first] + piece + text[first + 1 :],
        lambda: text[:first] + text[last:],
        lambda: text[:last] + text[first:last] + text[last:],
        lambda: text[:last] + piece + text[first:],
        lambda: text.replace(text[first : first + 1], piece, 1),
        lambda: text + random.choice(source.separators or (" ",)) + random.choice(("0", "a", _number(random, source))),
        lambda: _renumbered(random, text, source),
        lambda: _renumbered(random, text, source),
        lambda: _of_the_same_kind(random, text, first),
        lambda: _of_the_same_kind(random, text, first),
    ]
    return random.choice(ways)()[:6000]


def _of_the_same_kind(random: Random, text: str, place: int) -> str:
    """Return a text with another digit in the place of a digit, or another letter in that of a letter."""
    sign = text[place : place + 1]
    kinds = (string.digits, string.ascii_lowercase, string.ascii_uppercase)
    others = next((kind for kind in kinds if sign and sign in kind), "")
    if random.random() < 0.1:
        others = "٣²" if others == string.digits else "éßÉ"
    return text[:place] + random.choice(others) + text[place + 1 :] if others else text


def _renumbered(random: Random, text: str, source: Known) -> str:
    """Return a text with another number in the place of one of its numbers."""
    found = [match.span() for match in re.finditer(r"\d+", text)]
    if not found:
        return text + _number(random, source)
    first, last = random.choice(found)
    number = int(text[first:last][:18])
    others = (
        str(number + 1),
        str(max(0, number - 1)),
        f"0{number}",
        f"-{number}",
        "٣",
        "²",
        f"{number}0",
        "",
        _number(random, source),
    )
    return text[:first] + random.choice(others) + text[last:]


def related(random: Random, text: str) -> str:
    """Return a text that some would take for the same as another."""
    turned = text.swapcase(), text.casefold(), text.upper(), text.lower(), f"{text} ", text.strip(), text.title()
    return random.choice((*turned, unicodedata.normalize("NFD", text), unicodedata.normalize("NFKC", text)))


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
