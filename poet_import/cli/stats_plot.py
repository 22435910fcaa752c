"""The objective of a function as an SVG: by time on the left, by version with its interval on the right."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from html import escape

from poet_import.cli.stats_view import digits
from poet_import.events.tallies import Stats, Tally

_WIDTH = 800
_LEFT, _MIDDLE, _BEGIN, _RIGHT = 60, 530, 570, 780  # of the two panels, in columns
_TOP, _BOTTOM = 50, 300
_COLOURS = ("#0b6e4f", "#c8553d", "#3d5a98", "#8a6d1b", "#7a3e8e", "#4a4a4a")
_STYLE = 'font-family="sans-serif" font-size="12" fill="#222222"'


@dataclass(frozen=True, slots=True)
class _Scale:
    """How values become rows, and times columns."""

    low: float
    high: float
    begin: float
    end: float

    def y(self, value: float) -> float:
        return _BOTTOM - (value - self.low) / (self.high - self.low) * (_BOTTOM - _TOP)

    def x(self, time: float) -> float:
        return _LEFT + 10 + (time - self.begin) / (self.end - self.begin) * (_MIDDLE - _LEFT - 20)


def plot(stats: Stats) -> str:
    """Return the picture; the same events give the same bytes.

    There is a verdict that is a number.
    """
    scale = _scale(stats)
    height = _BOTTOM + 40 + 14 * len(_judged(stats))
    head = f'<svg xmlns="http://www.w3.org/2000/svg" width="{_WIDTH}" height="{height}"'
    return "\n".join(
        [
            f'{head} viewBox="0 0 {_WIDTH} {height}" {_STYLE}>',
            '<rect width="100%" height="100%" fill="#ffffff"/>',
            _text(_LEFT, 20, f"{stats.function}: objective by feedback", weight="bold"),
            _text(_BEGIN, 40, "by version, mean and 95 % interval"),
            *_axes(scale),
            *_series(stats, scale),
            *_whiskers(stats, scale),
            "</svg>\n",
        ]
    )


def _scale(stats: Stats) -> _Scale:
    points = stats.timeline.points()
    ends = [end for tally in _judged(stats) for end in _ends(tally)]
    values = [*(point.mean for point in points), *ends]
    low, high = min(values), max(values)
    margin = (high - low) * 0.05 or abs(high) * 0.05 or 0.5
    low, high = low - margin, high + margin
    if stats.whole.verdicts.is_rate:
        low, high = max(0.0, low), min(1.0, high)
    return _Scale(low, high, points[0].begin, points[-1].end)


def _judged(stats: Stats) -> list[Tally]:
    """Return the newest versions that have verdicts, as many as there are colours."""
    return [tally for tally in stats.versions if tally.verdicts.count][-len(_COLOURS) :]


def _ends(tally: Tally) -> tuple[float, float]:
    interval = tally.verdicts.interval
    return (interval.low, interval.high) if interval else (tally.verdicts.mean, tally.verdicts.mean)


def _axes(scale: _Scale) -> Iterator[str]:
    for step in range(6):
        value = scale.low + (scale.high - scale.low) * step / 5
        row = scale.y(value)
        yield _line((_LEFT, row), (_MIDDLE, row), colour="#dddddd")
        yield _line((_BEGIN, row), (_RIGHT, row), colour="#dddddd")
        yield _text(_LEFT - 6, row + 4, digits(value), anchor="end")
    yield _text(_LEFT, _BOTTOM + 18, _time(scale.begin))
    yield _text(_MIDDLE, _BOTTOM + 18, _time(scale.end), anchor="end")


def _time(seconds: float) -> str:
    return f"{datetime.fromtimestamp(seconds, UTC):%Y-%m-%d %H:%M:%S} UTC"


def _series(stats: Stats, scale: _Scale) -> Iterator[str]:
    """Draw each version's mean over time, in grey what is of an old version or of none that is known."""
    colours = {tally.version: colour for tally, colour in zip(_judged(stats), _COLOURS, strict=False)}
    for version in ("", *(tally.version for tally in stats.versions)):
        colour = colours.get(version, "#999999")
        places = [
            (scale.x((point.begin + point.end) / 2), scale.y(point.mean)) for point in stats.timeline.points(version)
        ]
        if len(places) > 1:
            path = " ".join(f"{x:.1f},{y:.1f}" for x, y in places)
            yield f'<polyline points="{path}" fill="none" stroke="{colour}" stroke-width="1.5"/>'
        yield from (_dot(place, colour) for place in places)


def _whiskers(stats: Stats, scale: _Scale) -> Iterator[str]:
    judged = _judged(stats)
    step = (_RIGHT - _BEGIN) / max(1, len(judged))
    for number, (tally, colour) in enumerate(zip(judged, _COLOURS, strict=False)):
        column = _BEGIN + step * (number + 0.5)
        low, high = (scale.y(end) for end in _ends(tally))
        yield _line((column, low), (column, high), colour=colour)
        yield from (_line((column - 6, row), (column + 6, row), colour=colour) for row in (low, high))
        yield _dot((column, scale.y(tally.verdicts.mean)), colour)
        row = _BOTTOM + 36 + 14 * number
        yield _dot((_LEFT + 5, row - 4), colour)
        verdicts = f"{digits(tally.verdicts.mean)} of {tally.verdicts.count:,} verdicts"
        yield _text(_LEFT + 16, row, f"{tally.version}: {verdicts}")


def _dot(place: tuple[float, float], colour: str) -> str:
    return f'<circle cx="{place[0]:.1f}" cy="{place[1]:.1f}" r="3.5" fill="{colour}"/>'


def _line(begin: tuple[float, float], end: tuple[float, float], *, colour: str) -> str:
    ends = f'x1="{begin[0]:.1f}" y1="{begin[1]:.1f}" x2="{end[0]:.1f}" y2="{end[1]:.1f}"'
    return f'<line {ends} stroke="{colour}"/>'


def _text(x: float, y: float, text: str, *, anchor: str = "start", weight: str = "normal") -> str:
    place = f'x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}" font-weight="{weight}"'
    return f"<text {place}>{escape(text)}</text>"
