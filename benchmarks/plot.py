"""Charts as SVG: bars on a logarithmic scale, and a curve."""

from collections.abc import Sequence
from dataclasses import dataclass
from html import escape
from math import ceil, floor, log10

_WIDTH, _LEFT, _RIGHT = 860, 330, 90
_LINE = 20  # height of a bar with its gap
_CURVE_HEIGHT = 260
_OURS, _OTHERS, _INK, _GRID = "#0b6e4f", "#a9b4c0", "#222222", "#dddddd"


@dataclass(frozen=True, slots=True)
class Bar:
    """A value with its name; without a value it is a heading."""

    label: str
    value: float | None = None
    is_ours: bool = False


@dataclass(frozen=True, slots=True)
class Bars:
    """Bars on one logarithmic scale."""

    title: str
    bars: Sequence[Bar]

    @property
    def height(self) -> int:
        """Return the height of the drawing."""
        return _LINE * (len(self.bars) + 4)

    def draw(self) -> list[str]:
        """Return the elements, in a drawing that begins at 0."""
        values = [max(bar.value, 1.0) for bar in self.bars if bar.value is not None]
        low, high = floor(log10(min(values))), max(ceil(log10(max(values))), floor(log10(min(values))) + 1)
        span = (_WIDTH - _LEFT - _RIGHT) / (high - low)
        bottom = _LINE * (len(self.bars) + 2)
        elements = [_text(10, _LINE, self.title, weight="bold")]
        for power in range(low, high + 1):
            x = _LEFT + span * (power - low)
            elements += [
                _line((x, 1.5 * _LINE), (x, bottom), _GRID),
                _text(x, bottom + 16, f"{10**power:,}", anchor="middle"),
            ]
        for number, bar in enumerate(self.bars):
            width = 0.0 if bar.value is None else span * (log10(max(bar.value, 1.0)) - low)
            elements += _draw_bar(bar, _LINE * (number + 2), width=width)
        return elements


def _draw_bar(bar: Bar, top: float, *, width: float) -> list[str]:
    middle = top + 14
    if bar.value is None:
        return [_text(10, middle, bar.label, weight="bold")]
    color = _OURS if bar.is_ours else _OTHERS
    return [
        _text(_LEFT - 8, middle, bar.label, anchor="end"),
        f'<rect x="{_LEFT}" y="{top + 3:.1f}" width="{width:.1f}" height="{_LINE - 6}" fill="{color}"/>',
        _text(_LEFT + width + 6, middle, f"{bar.value:,.0f}"),
    ]


@dataclass(frozen=True, slots=True)
class Curve:
    """A curve through points, from the origin."""

    title: str
    points: Sequence[tuple[float, float]]

    @property
    def height(self) -> int:
        """Return the height of the drawing."""
        return _CURVE_HEIGHT + 4 * _LINE

    def draw(self) -> list[str]:
        """Return the elements, in a drawing that begins at 0."""
        most_x, most_y = (max(axis) for axis in zip(*self.points, strict=True))
        left, bottom = 90, _CURVE_HEIGHT + 2 * _LINE

        def place(x: float, y: float) -> tuple[float, float]:
            return left + (_WIDTH - left - _RIGHT) * x / most_x, bottom - _CURVE_HEIGHT * y / most_y

        elements = [_text(10, _LINE, self.title, weight="bold")]
        for y in (most_y * quarter / 4 for quarter in range(5)):
            elements += [
                _line(place(0, y), place(most_x, y), _GRID),
                _text(left - 8, place(0, y)[1] + 4, f"{y:,.1f}", anchor="end"),
            ]
        places = [place(*point) for point in self.points]
        path = " ".join(f"{x:.1f},{y:.1f}" for x, y in places)
        elements.append(f'<polyline points="{path}" fill="none" stroke="{_OURS}" stroke-width="2"/>')
        for (x, y), (amount, _) in zip(places, self.points, strict=True):
            elements.append(f'<circle cx="{x:.1f}" cy="{y:.1f}" r="3.5" fill="{_OURS}"/>')
            if amount >= most_x / 10:  # below that the labels would overlap
                elements.append(_text(x, bottom + 16, f"{amount:,.0f}", anchor="middle"))
        return elements


Chart = Bars | Curve


def svg(charts: Sequence[Chart]) -> str:
    """Return one picture of the charts, one below the other."""
    elements, top = [], 0
    for chart in charts:
        elements += [f'<g transform="translate(0 {top})">', *chart.draw(), "</g>"]
        top += chart.height
    head = f'<svg xmlns="http://www.w3.org/2000/svg" width="{_WIDTH}" height="{top}" viewBox="0 0 {_WIDTH} {top}"'
    style = f'font-family="sans-serif" font-size="12" fill="{_INK}">'
    background = '<rect width="100%" height="100%" fill="#ffffff"/>'
    return "\n".join([f"{head} {style}", background, *elements, "</svg>\n"])


def _text(x: float, y: float, words: str, *, anchor: str = "start", weight: str = "normal") -> str:
    return f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}" font-weight="{weight}">{escape(words)}</text>'


def _line(begin: tuple[float, float], end: tuple[float, float], color: str) -> str:
    places = f'x1="{begin[0]:.1f}" y1="{begin[1]:.1f}" x2="{end[0]:.1f}" y2="{end[1]:.1f}"'
    return f'<line {places} stroke="{color}"/>'
