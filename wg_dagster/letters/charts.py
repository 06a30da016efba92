"""Charts of the letter as SVG text: lines, drawdown, waterfall and small bars in tables.

Pure functions of series and printed labels; colours are classes of letter.css. Every figure in a chart is a printed fact or a tick of
an axis (class `tick`). Text is escaped here.
"""

import math
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal

from markupsafe import Markup, escape

from wg_dagster.letters.book import Points, plain
from wg_dagster.letters.display import MINUS, Language, is_zero

_WIDTH = 860
_LEFT, _RIGHT, _TOP, _BOTTOM = 58, 156, 16, 30
_LONGEST_LABEL = 26  # of half a Japanese letter
_MONTH_STEPS = (1, 2, 3, 6, 12, 24, 36, 60, 120)
_MOST_DATES = 9
_NAMES = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")


@dataclass(frozen=True)
class Line:
    """One line of a chart: its name, its printed last value, its colour class and its points, oldest first."""

    name: str
    last: str
    colour: str
    points: Points


@dataclass(frozen=True)
class Bar:
    """One bar of a waterfall: its name, its value and the printed value."""

    name: str
    value: float
    shown: str
    is_total: bool = False


@dataclass(frozen=True)
class _Scale:
    """Where values lie on a stretch of pixels."""

    low: float
    high: float
    start: float
    end: float

    def __call__(self, value: float) -> float:
        share = 0.5 if self.high == self.low else (value - self.low) / (self.high - self.low)
        return self.start + share * (self.end - self.start)


def ticks(low: float, high: float, *, count: int = 5) -> list[float]:
    """Round values (1, 2 or 5 times a power of ten apart) that enclose a range and contain zero if it does.

    >>> ticks(-0.03, 0.17)
    [-0.05, 0.0, 0.05, 0.1, 0.15, 0.2]
    """
    low, high = min(low, high), max(low, high)
    if high - low < 1e-9:
        low, high = low - 0.01, high + 0.01
    rough = (high - low) / count
    power = 10.0 ** math.floor(math.log10(rough))
    step = next(factor * power for factor in (1, 2, 5, 10) if factor * power >= rough * 0.999)
    first, last = math.floor(low / step + 1e-9), math.ceil(high / step - 1e-9)
    return [round(number * step, 10) for number in range(first, last + 1)]


def tick_label(value: float, language: Language, *, unit: str = "%") -> str:
    """A tick in percent or points, with no more decimals than it needs."""
    figure = (Decimal(repr(value)) * 100).normalize()
    sign = MINUS[language] if figure < 0 else ""
    return f"{sign}{abs(figure):,f}{unit}"


def line_chart(title: str, description: str, lines: Sequence[Line], language: Language, *, name: str, height: int = 300) -> Markup:
    """Lines over time with their names and last values at the right end, kept apart."""
    lines = [line for line in lines if line.points]
    if not lines:
        return Markup()
    values = [value for line in lines for _, value in line.points]
    days = [day for line in lines for day, _ in line.points]
    marks = ticks(min([*values, 0.0]), max([*values, 0.0]))
    across = _Scale(min(days).toordinal(), max(days).toordinal(), _LEFT, _WIDTH - _RIGHT)
    up = _Scale(marks[0], marks[-1], height - _BOTTOM, _TOP)
    parts = [*_grid(marks, up, language), *_dates(min(days), max(days), across, height, language)]
    parts += [f'<path class="line {line.colour}" d="{_path(line.points, across, up)}"/>' for line in reversed(lines)]
    wanted = [up(line.points[-1][1]) for line in lines]
    for line, y, end in zip(lines, _apart(wanted, gap=34.0, low=_TOP + 10, high=height - _BOTTOM - 10), wanted, strict=True):
        x = across(line.points[-1][0].toordinal())
        parts.append(f'<circle class="dot {line.colour}" cx="{x:.1f}" cy="{end:.1f}" r="3.5"/>')
        parts.append(f'<path class="leader" d="M{x + 5:.1f},{end:.1f}L{x + 12:.1f},{y:.1f}"/>')
        parts.append(_text(x + 16, y - 3, _short(line.name, 20), f"name {line.colour}"))
        parts.append(_text(x + 16, y + 14, line.last, f"figure {line.colour}"))
    return _svg(title, description, parts, name=name, height=height)


def drawdown_chart(title: str, description: str, points: Points, last: str, language: Language, *, name: str, height: int = 190) -> Markup:
    """Distance from the high as an area below zero, with the printed present distance at the right end."""
    if not points:
        return Markup()
    marks = ticks(min(-0.01, *(value for _, value in points)), 0.0, count=4)
    across = _Scale(points[0][0].toordinal(), points[-1][0].toordinal(), _LEFT, _WIDTH - _RIGHT)
    up = _Scale(marks[0], marks[-1], height - _BOTTOM, _TOP)
    start, end, zero = across(points[0][0].toordinal()), across(points[-1][0].toordinal()), up(0.0)
    line = _path(points, across, up)
    low_day, low = min(points, key=lambda point: (point[1], point[0]))
    y = up(points[-1][1])
    parts = [
        *_grid(marks, up, language),
        *_dates(points[0][0], points[-1][0], across, height, language),
        f'<path class="area" d="M{start:.1f},{zero:.1f}L{line[1:]}L{end:.1f},{zero:.1f}Z"/>',
        f'<path class="line fall" d="{line}"/>',
        f'<circle class="dot fall" cx="{across(low_day.toordinal()):.1f}" cy="{up(low):.1f}" r="3.5"/>',
        f'<circle class="dot fall" cx="{end:.1f}" cy="{y:.1f}" r="3.5"/>',
        _text(end + 12, min(max(y + 5, _TOP + 12), height - _BOTTOM - 4), last, "figure fall"),
    ]
    return _svg(title, description, parts, name=name, height=height)


def waterfall(title: str, description: str, bars: Sequence[Bar], language: Language, *, name: str) -> Markup:
    """Bars that start where the one before ended; totals start at zero. Names to the left, printed values to the right."""
    if not bars:
        return Markup()
    row, left, right = 27, 196, 92
    ends, running = [], 0.0
    for bar in bars:
        start = 0.0 if bar.is_total else running
        running = bar.value if bar.is_total else running + bar.value
        ends.append((start, running))
    marks = ticks(min(min(pair) for pair in ends), max(max(pair) for pair in ends), count=6)
    across = _Scale(marks[0], marks[-1], left, _WIDTH - right)
    top, height = 26, 26 + row * len(bars) + 8
    parts = []
    for mark in marks:
        kind = "zero" if mark == 0 else "grid"
        parts.append(f'<path class="{kind}" d="M{across(mark):.1f},{top}V{height - 6}"/>')
        parts.append(_text(across(mark), top - 9, tick_label(mark, language, unit=""), "tick middle"))
    for number, (bar, (start, end)) in enumerate(zip(bars, ends, strict=True)):
        y = top + row * number
        kind = "total" if bar.is_total else "flat" if is_zero(bar.shown) else "gain" if bar.value > 0 else "loss"
        if bar.is_total:
            parts.append(f'<path class="rule" d="M14,{y + 0.5}H{_WIDTH - 14}"/>')
        x, width = across(min(start, end)), max(abs(across(end) - across(start)), 1.2)
        parts.append(f'<rect class="bar {kind}" x="{x:.1f}" y="{y + 6}" width="{width:.1f}" height="{row - 11}"/>')
        if number + 1 < len(bars) and not bars[number + 1].is_total:
            parts.append(f'<path class="leader" d="M{across(end):.1f},{y + row - 5}V{y + row + 6}"/>')
        parts.append(_text(left - 12, y + row / 2 + 5, _short(bar.name, _LONGEST_LABEL), "name end strong" if bar.is_total else "name end"))
        parts.append(_text(_WIDTH - 16, y + row / 2 + 5, bar.shown, f"figure end {kind}"))
    return _svg(title, description, parts, name=name, height=height)


def small_bar(value: float, largest: float, *, band: float | None = None, width: int = 150) -> Markup:
    """A bar from the middle for a table cell; `band` marks an allowed distance to both sides. Said in the cell beside it, so hidden here."""
    limit = max(largest, band or 0.0, 1e-12) * 1.05
    across = _Scale(-limit, limit, 2, width - 2)
    parts = []
    if band is not None:
        parts.append(f'<rect class="band" x="{across(-band):.1f}" y="0" width="{across(band) - across(-band):.1f}" height="16"/>')
    kind = "gain" if value >= 0 else "loss"
    x, length = across(min(value, 0.0)), abs(across(value) - across(0.0))
    parts.append(f'<rect class="bar {kind}" x="{x:.1f}" y="4" width="{max(length, 0.8):.1f}" height="8"/>')
    parts.append(f'<path class="zero" d="M{across(0.0):.1f},0V16"/>')
    body = "".join(parts)
    return Markup(f'<svg class="small" viewBox="0 0 {width} 16" width="{width}" height="16" aria-hidden="true">{body}</svg>')  # noqa: S704 - numbers only


def _svg(title: str, description: str, parts: Sequence[str], *, name: str, height: float) -> Markup:
    head = (
        f'<svg class="chart" viewBox="0 0 {_WIDTH} {height}" role="img" aria-labelledby="{name}-title {name}-desc">'
        f'<title id="{name}-title">{_safe(title)}</title><desc id="{name}-desc">{_safe(description)}</desc>'
    )
    return Markup(head + "".join(parts) + "</svg>")  # noqa: S704 - every text in the parts went through _safe


def _grid(marks: Sequence[float], up: _Scale, language: Language) -> list[str]:
    parts = []
    for mark in marks:
        kind = "zero" if mark == 0 else "grid"
        parts.append(f'<path class="{kind}" d="M{_LEFT},{up(mark):.1f}H{_WIDTH - _RIGHT}"/>')
        parts.append(_text(_LEFT - 8, up(mark) + 4, tick_label(mark, language), "tick end"))
    return parts


def _dates(first: date, last: date, across: _Scale, height: float, language: Language) -> list[str]:
    """Month starts at the foot, as many as fit; the first and the last day where there are fewer than two."""
    inside = range(first.year * 12 + first.month, last.year * 12 + last.month)  # months after the first one, counted from year 0
    step = next((step for step in _MONTH_STEPS if len(inside) / step <= _MOST_DATES), _MONTH_STEPS[-1])
    starts = [date(number // 12, number % 12 + 1, 1) for number in inside if number % step == 0]
    if len(starts) > 1:
        marks = {day: f"{day.year}/{day.month}" if language == "ja" else f"{_NAMES[day.month - 1]} {day.year}" for day in starts}
    else:
        days = sorted({first, last})
        marks = {
            day: f"{day.year}/{day.month}/{day.day}" if language == "ja" else f"{day.day} {_NAMES[day.month - 1]} {day.year}"
            for day in days
        }
    parts = []
    for day, label in marks.items():
        x = across(day.toordinal())
        parts.append(f'<path class="grid" d="M{x:.1f},{height - _BOTTOM}v5"/>')
        parts.append(_text(x, height - _BOTTOM + 19, label, "tick middle"))
    return parts


def _path(points: Points, across: _Scale, up: _Scale) -> str:
    return "M" + "L".join(f"{across(day.toordinal()):.1f},{up(value):.1f}" for day, value in points)


def _apart(wanted: Sequence[float], *, gap: float, low: float, high: float) -> list[float]:
    """Positions near the wanted ones, `gap` apart, inside low..high where that is possible."""
    order = sorted(range(len(wanted)), key=lambda k: wanted[k])
    placed = [0.0] * len(wanted)
    floor = low
    for k in order:
        placed[k] = max(wanted[k], floor)
        floor = placed[k] + gap
    ceiling = high
    for k in reversed(order):
        placed[k] = min(placed[k], ceiling)
        ceiling = placed[k] - gap
    return placed


def _text(x: float, y: float, words: str, kind: str) -> str:
    return f'<text class="{kind}" x="{x:.1f}" y="{y:.1f}">{_safe(words)}</text>'


def _short(words: str, longest: int) -> str:
    """Cut to a width: letters of Japanese count two, others one."""
    widths = [2 if unicodedata.east_asian_width(letter) in "WF" else 1 for letter in words]
    if sum(widths) <= longest:
        return words
    kept = next(k for k in range(len(words)) if sum(widths[: k + 1]) > longest - 1)
    return words[:kept] + "…"


def _safe(words: str) -> str:
    return str(escape(plain(words)))
