"""What ``poet stats`` tells people."""

import math
import sys
from collections.abc import Iterator
from datetime import UTC, datetime

from poet_import.cli.terminal import aligned
from poet_import.events.samples import Interval, Sample, difference
from poet_import.events.tallies import Stats, Tally

PERCENTILES = (50, 95, 99)
_USUAL_WIDTH = 80
_INDENT = 11
_MOST_COLUMNS = 64
_MOST_ROWS = 10  # of failures, of verdicts that are texts, and of versions: each edit of a function makes one
_BLOCKS = "▁▂▃▄▅▆▇█"
_LETTERS = "_.-=+*#@"  # for a terminal whose encoding has no blocks


def lines_of(stats: Stats, width: int | None) -> Iterator[str]:
    """Yield the lines, for a terminal of that width, or for a file."""
    whole = stats.whole
    yield f"{stats.function}, {_time(whole.begin)} to {_time(whole.end)}"
    yield _row("calls", f"{whole.calls:,}, {_failed(whole)}{_left(whole)}")
    for number, ((status, kind), count) in enumerate(whole.failures.most_common(_MOST_ROWS)):
        yield _row("" if number else "failures", f"{count:,} {status} {kind}")
    yield _row("retries", f"{whole.retries:,} in {_plural(whole.retried, 'call')}" if whole.retries else "none")
    yield _row("latency", ", ".join(f"p{percent} {_took(whole, percent)}" for percent in PERCENTILES))
    yield from _objective_lines(stats, width or _USUAL_WIDTH)
    yield ""
    yield from _table(stats, width)
    yield from _comparison(stats)


def _objective_lines(stats: Stats, width: int) -> Iterator[str]:
    verdicts, texts = stats.whole.verdicts, stats.whole.texts
    if not verdicts.count and not texts:
        yield _row("objective", "no feedback yet; give it with poet_import.feedback() or poet feedback")
    if verdicts.count:
        rest = "of {} true" if verdicts.is_rate else "on average, in {}"
        yield _row("objective", f"{digits(verdicts.mean)} {rest.format(_plural(verdicts.count, 'verdict'))}")
        most = max(8, min(_MOST_COLUMNS, width - _INDENT))
        yield _row("", _sparkline(stats, most))
        means = [point.mean for point in stats.timeline.points(most=most)]
        when = f"{_time(stats.timeline.begin)} to {_time(stats.timeline.end)}"
        yield _row("", f"from {digits(min(means))} to {digits(max(means))}, {when}")
    for number, (text, count) in enumerate(texts.most_common(_MOST_ROWS)):
        yield _row("" if number else "verdicts", f"{count:,} {_cut(text)}")
    if stats.stray:
        yield _row("", f"{_plural(stats.stray, 'verdict')} on calls that are not stored, or are earlier")


def _sparkline(stats: Stats, most: int) -> str:
    columns = stats.timeline.columns(most)
    means = [point.mean for point in columns if point]
    low, spread = min(means), max(means) - min(means)
    signs = _BLOCKS if _can_show(_BLOCKS) else _LETTERS
    highest = len(signs) - 1
    return "".join(
        signs[round((point.mean - low) / spread * highest) if spread else highest // 2] if point else " "
        for point in columns
    )


def _can_show(text: str) -> bool:
    try:
        text.encode(sys.stdout.encoding or "ascii")
    except UnicodeEncodeError:
        return False
    return True


def _table(stats: Stats, width: int | None) -> Iterator[str]:
    """Yield a row for each version; where they are too wide, each version has a line of its own, and its row below."""
    shown = stats.versions[-_MOST_ROWS:]
    cells = [("version", "since", "calls", "failures", "p95", "objective"), *map(_cells, shown)]
    lines = aligned(cells)
    if len(shown) < len(stats.versions):
        yield f"{_plural(len(stats.versions) - len(shown), 'earlier version')}: --json tells of all"
    if width is None or max(map(len, lines)) <= width:
        yield from lines
        return
    for row in cells[1:]:
        yield row[0]
        yield from (f"  {heading:9}  {cell}" for heading, cell in zip(cells[0][1:], row[1:], strict=True) if cell)


def _cells(tally: Tally) -> tuple[str, ...]:
    verdicts = tally.verdicts
    between = verdicts.interval
    objective = f"{digits(verdicts.mean)} ({_ends(between)})" if between else digits(verdicts.mean)
    shown = objective if verdicts.count else ""
    since, failures = _time(tally.begin).partition(" ")[0], f"{tally.failure_rate.mean:.1%}"
    return (tally.version, since, f"{tally.calls:,}", failures, _took(tally, 95), shown)


def _comparison(stats: Stats) -> Iterator[str]:
    """Compare the newest version with the one before it."""
    if len(stats.versions) < 2:
        return
    earlier, later = stats.versions[-2:]
    yield ""
    yield f"{later.version} against {earlier.version}"
    yield f"  failures   {_compared(earlier.failure_rate, later.failure_rate)}"
    if earlier.verdicts.count and later.verdicts.count:
        yield f"  objective  {_compared(earlier.verdicts, later.verdicts)}"


def _compared(earlier: Sample, later: Sample) -> str:
    found = later.mean - earlier.mean
    interval = difference(earlier, later)
    if interval is None:
        return f"{digits(found, is_signed=True)}, of too few verdicts to tell more"
    word = "higher" if interval.low > 0 else "lower" if interval.high < 0 else "no difference shown"
    return f"{digits(found, is_signed=True)}, at 95 % {_ends(interval, is_signed=True)} ({interval.method}): {word}"


def _ends(interval: Interval, *, is_signed: bool = False) -> str:
    return f"{digits(interval.low, is_signed=is_signed)} to {digits(interval.high, is_signed=is_signed)}"


def digits(value: float, *, is_signed: bool = False) -> str:
    """Return a number to three digits, and never with an exponent."""
    places = 2 - math.floor(math.log10(abs(value))) if value else 2
    return f"{value:{'+' if is_signed else ''},.{min(max(places, 0), 6)}f}"


def _failed(tally: Tally) -> str:
    return f"{tally.failed:,} failed ({tally.failed / tally.calls:.1%})" if tally.failed else "none failed"


def _left(tally: Tally) -> str:
    return "".join(f", {count:,} {status}" for status, count in sorted(tally.left.items()))


def _took(tally: Tally, percent: int) -> str:
    found = tally.latencies.percentile(percent) or 0.0
    return f"{digits(found)} ms" if found < 1000 else f"{digits(found / 1000)} s"


def _time(seconds: float) -> str:
    return f"{datetime.fromtimestamp(seconds, UTC):%Y-%m-%d %H:%M}"


def _cut(text: str) -> str:
    shown = "".join(sign if sign.isprintable() else "?" for sign in " ".join(text.split()))
    return shown if len(shown) <= 60 else f"{shown[:57]}..."


def _row(heading: str, text: str) -> str:
    return f"{heading:{_INDENT}}{text}".rstrip()


def _plural(count: int, noun: str) -> str:
    return f"{count:,} {noun}" if count == 1 else f"{count:,} {noun}s"
