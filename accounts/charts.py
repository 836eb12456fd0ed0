"""Charts drawn as SVG on the server: accessible, without script or inline style, readable in black and white.

Colours and dashes come from the stylesheet; every series has a marker shape of its own as well.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from decimal import Decimal
from itertools import pairwise
from math import ceil, floor, log10
from typing import Literal

from django.utils.formats import number_format
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString

# Units of the view box. On a phone one is about 0.8 pixels, so that text of 14 stays legible.
WIDTH = 400
LEFT, RIGHT = 46, 380
PLOT_HEIGHT = 250
KEY_ROW = 21
KEY_SAMPLE = 34
ABOVE_PLOT = 32
BELOW_PLOT = 48
BENEATH = 42
MARK = 4.5
MOST_TICKS = 7
BAR_ROW = 40

Drawn = Literal["marks", "linked", "line", "band", "step", "reference"]


@dataclass(frozen=True, slots=True)
class Point:
    """A point, with the ends of its interval if it has one."""

    x: float
    y: float
    lower: float | None = None
    upper: float | None = None


@dataclass(frozen=True, slots=True)
class Series:
    """Points that belong together: marks, a line, both, a line in the band of its interval, steps, or a line
    to compare with.
    """

    label: str
    points: tuple[Point, ...]
    drawn: Drawn


@dataclass(frozen=True, slots=True)
class Axis:
    """An axis from its first tick to its last."""

    label: str
    ticks: tuple[float, ...]

    @classmethod
    def covering(cls, label: str, lowest: float, highest: float) -> "Axis":
        """An axis with round ticks that holds both numbers."""
        return cls._stepping(label, _round_step((highest - lowest) / (MOST_TICKS - 1)), lowest, highest)

    @classmethod
    def counting(cls, label: str, most: int) -> "Axis":
        """An axis from 0 to a number of things, of which there are no halves."""
        return cls._stepping(label, _round_step(max(1, most / (MOST_TICKS - 1))), 0, max(1, most))

    @classmethod
    def _stepping(cls, label: str, step: float, lowest: float, highest: float) -> "Axis":
        first, last = floor(lowest / step), ceil(highest / step)
        return cls(label, tuple(step * number for number in range(first, last + 1)))


@dataclass(frozen=True, slots=True)
class Chart:
    """Series over two axes; `key` is its id on the page, `description` what a screen reader says of it.

    `beneath` is a row of numbers below the x axis: what it counts, and one number for each tick.
    """

    key: str
    title: str
    description: str
    x: Axis
    y: Axis
    series: tuple[Series, ...]
    beneath: tuple[str, tuple[int, ...]] | None = None

    @property
    def svg(self) -> SafeString:
        """The drawing."""
        return _svg(self)


@dataclass(frozen=True, slots=True)
class Bars:
    """One bar for each label, the first at the top; `key` and `description` as those of a chart."""

    key: str
    title: str
    description: str
    rows: tuple[tuple[str, int], ...]

    @property
    def svg(self) -> SafeString:
        """The drawing."""
        most = max(count for _, count in self.rows)
        parts = (_bar(number, label, count, most) for number, (label, count) in enumerate(self.rows))
        return _drawing(self, BAR_ROW * len(self.rows), parts)


def _round_step(least: float) -> float:
    """The smallest of 1, 2, 5, 10 and so on that is not below `least`."""
    power: float = 10 ** floor(log10(least))
    return next(factor * power for factor in (1, 2, 5, 10) if factor * power >= least * (1 - 1e-9))


@dataclass(frozen=True, slots=True)
class _Plot:
    """Where values of a chart lie in its view box."""

    chart: Chart

    @property
    def top(self) -> float:
        return KEY_ROW * len(self.chart.series) + ABOVE_PLOT

    @property
    def bottom(self) -> float:
        return self.top + PLOT_HEIGHT

    def x(self, value: float) -> float:
        ticks = self.chart.x.ticks
        return round(LEFT + (RIGHT - LEFT) * (value - ticks[0]) / (ticks[-1] - ticks[0]), 1)

    def y(self, value: float) -> float:
        ticks = self.chart.y.ticks
        return round(self.bottom - PLOT_HEIGHT * (value - ticks[0]) / (ticks[-1] - ticks[0]), 1)


def _svg(chart: Chart) -> SafeString:
    plot = _Plot(chart)
    parts = (*_key(chart), _titles(plot), *_grid(plot), *_all_series(plot), *_beneath(plot))
    return _drawing(chart, plot.bottom + BELOW_PLOT + (BENEATH if chart.beneath else 0), parts)


def _beneath(plot: _Plot) -> Iterator[SafeString]:
    if plot.chart.beneath is None:
        return
    counted, numbers = plot.chart.beneath
    yield _text("start", 0, plot.bottom + BELOW_PLOT + 15, counted)
    for tick, number in zip(plot.chart.x.ticks, numbers, strict=True):
        yield _text("middle", plot.x(tick), plot.bottom + BELOW_PLOT + 35, str(number))


def _drawing(chart: Chart | Bars, height: float, parts: Iterable[SafeString]) -> SafeString:
    return format_html(
        '<svg class="chart" role="img" aria-labelledby="{0}-title {0}-desc" viewBox="0 0 {1} {2}">'
        '<title id="{0}-title">{3}</title><desc id="{0}-desc">{4}</desc>{5}</svg>',
        chart.key,
        WIDTH,
        height,
        chart.title,
        chart.description,
        _joined(parts),
    )


def _bar(number: int, label: str, count: int, most: int) -> SafeString:
    """The label and the count, and below them the bar."""
    y, length = BAR_ROW * number, round(RIGHT * count / most, 1)
    words = _text("start", 0, y + 15, label) + _text("end", RIGHT, y + 15, str(count))
    return words + _path("bar", f"M0 {y + 21}h{length}v9h{-length}z")


def _key(chart: Chart) -> Iterator[SafeString]:
    for number, series in enumerate(chart.series, 1):
        y = KEY_ROW * (number - 0.5)
        line = "" if series.drawn == "marks" else _path("link", f"M1 {y}H{KEY_SAMPLE - 6}")
        band = _path("band", f"M1 {y - 6}H{KEY_SAMPLE - 6}V{y + 6}H1z") if series.drawn == "band" else ""
        mark = _mark(number, KEY_SAMPLE / 2 - 2.5, y) if series.drawn in {"marks", "linked"} else ""
        yield _group(number, series, band, line, mark)
        yield _text("start", KEY_SAMPLE, y + 5, series.label)


def _titles(plot: _Plot) -> SafeString:
    y_title = _text("start", 0, plot.top - 12, plot.chart.y.label)
    return y_title + _text("end", RIGHT, plot.bottom + 41, plot.chart.x.label)


def _grid(plot: _Plot) -> Iterator[SafeString]:
    for tick in plot.chart.y.ticks:
        y = plot.y(tick)
        yield _path("grid", f"M{LEFT} {y}H{RIGHT}")
        yield _text("end", LEFT - 7, y + 5, _number(tick))
    for tick in plot.chart.x.ticks:
        x = plot.x(tick)
        yield _path("grid", f"M{x} {plot.top}V{plot.bottom}")
        yield _text("middle", x, plot.bottom + 19, _number(tick))
    yield _path("axis", f"M{LEFT} {plot.top}V{plot.bottom}H{RIGHT}")


def _all_series(plot: _Plot) -> Iterator[SafeString]:
    for number, series in enumerate(plot.chart.series, 1):
        line = "" if series.drawn == "marks" else _path("link", _line(plot, series))
        marks = _marks(plot, number, series) if series.drawn in {"marks", "linked"} else ""
        band = _band(plot, series) if series.drawn == "band" else ""
        yield _group(number, series, band, line, marks)


def _line(plot: _Plot, series: Series) -> str:
    points = [(plot.x(point.x), plot.y(point.y)) for point in series.points]
    steps = (f"V{y}H{x}" if series.drawn == "step" else f"L{x} {y}" for _, (x, y) in pairwise(points))
    return f"M{points[0][0]} {points[0][1]}" + "".join(steps)


def _band(plot: _Plot, series: Series) -> SafeString:
    """What lies between the lower and the upper ends; a point without an interval is its own."""
    ends = [(plot.x(point.x), point.y if point.lower is None else point.lower) for point in series.points]
    ends += [
        (plot.x(point.x), point.y if point.upper is None else point.upper)
        for point in reversed(series.points)
    ]
    return _path("band", "M" + "L".join(f"{x} {plot.y(y)}" for x, y in ends) + "z")


def _marks(plot: _Plot, number: int, series: Series) -> SafeString:
    return _joined(
        _interval(plot, point) + _mark(number, plot.x(point.x), plot.y(point.y)) for point in series.points
    )


def _interval(plot: _Plot, point: Point) -> SafeString:
    if point.lower is None or point.upper is None:
        return SafeString("")
    x, low, high = plot.x(point.x), plot.y(point.lower), plot.y(point.upper)
    return _path("interval", f"M{x - 3} {low}h6m-3 0V{high}m-3 0h6")


def _mark(number: int, x: float, y: float) -> SafeString:
    """A circle, a square, a triangle or a diamond."""
    r, d = MARK, 2 * MARK
    shapes = (
        f"M{x - r} {y}a{r} {r} 0 1 0 {d} 0a{r} {r} 0 1 0 {-d} 0z",
        f"M{x - r} {y - r}h{d}v{d}h{-d}z",
        f"M{x} {y - r - 1}l{r + 1} {d}h{-d - 2}z",
        f"M{x} {y - r - 1}l{r + 1} {r + 1}l{-r - 1} {r + 1}l{-r - 1} {-r - 1}z",
    )
    return _path("mark", shapes[(number - 1) % len(shapes)])


def _group(number: int, series: Series, *parts: SafeString | str) -> SafeString:
    style = "reference" if series.drawn == "reference" else f"series-{number}"
    return format_html('<g class="{}">{}</g>', style, _joined(parts))


def _joined(parts: Iterable[SafeString | str]) -> SafeString:
    return format_html_join("", "{}", ((part,) for part in parts))


def _path(style: str, d: str) -> SafeString:
    return format_html('<path class="{}" d="{}"/>', style, d)


def _text(anchor: str, x: float, y: float, words: str) -> SafeString:
    return format_html('<text text-anchor="{}" x="{}" y="{}">{}</text>', anchor, x, y, words)


def _number(value: float) -> str:
    return number_format(Decimal(f"{value:.10g}"), use_l10n=True).replace("-", "\N{MINUS SIGN}")
