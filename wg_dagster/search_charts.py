"""Charts of the search's page as SVG text: growth over months, classes of a distribution, bars with a mark, pairs of bars."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from markupsafe import Markup, escape

from wg_dagster.letters.charts import ticks

WIDTH = 860
_LEFT, _RIGHT, _TOP, _BOTTOM = 52, 178, 14, 30
_FEWEST_APART = 17.0
_MOST_LABELS = 9


@dataclass(frozen=True)
class Row:
    """One row of horizontal bars: name, values from 0 (None = not scored) and the printed figure of each."""

    name: str
    values: tuple[float | None, ...]
    shown: tuple[str, ...]
    note: str = ""
    is_faint: bool = False


def growth_chart(title: str, series: Mapping[str, Sequence[tuple[str, float]]], names: Mapping[str, str], *, name: str) -> Markup:
    """Lines of growth over the same months; names and last values stand at their right ends."""
    height = 320
    months = sorted({month for points in series.values() for month, _ in points})
    if len(months) < 2:
        return Markup()
    values = [value for points in series.values() for _, value in points]
    marks = ticks(min([*values, 1.0]), max([*values, 1.0]))
    across = {month: _LEFT + (WIDTH - _LEFT - _RIGHT) * place / (len(months) - 1) for place, month in enumerate(months)}

    def up(value: float) -> float:
        return height - _BOTTOM - (height - _BOTTOM - _TOP) * (value - marks[0]) / (marks[-1] - marks[0])

    parts = [_line(_LEFT, up(mark), WIDTH - _RIGHT, up(mark), "zero" if mark == 1.0 else "grid") for mark in marks]
    parts += [_text(_LEFT - 8, up(mark) + 4, f"{mark:g}", "tick end") for mark in marks]
    step = max(1, -(-len(months) // _MOST_LABELS))
    parts += [_text(across[month], height - _BOTTOM + 19, month, "tick middle") for month in months[::step]]
    order = sorted(series, key=lambda rule: series[rule][-1][1], reverse=True)
    wanted = [up(series[rule][-1][1]) for rule in order]
    for rule, y in zip(order, _apart(wanted, low=_TOP + 8, high=height - _BOTTOM - 4), strict=True):
        points = series[rule]
        path = "M" + "L".join(f"{across[month]:.1f},{up(value):.1f}" for month, value in points)
        end_x, end_y = across[points[-1][0]], up(points[-1][1])
        parts.append(f'<path class="line {rule}" d="{path}"/>')
        parts.append(f'<path class="leader" d="M{end_x + 3:.1f},{end_y:.1f}L{end_x + 12:.1f},{y:.1f}"/>')
        parts.append(_text(end_x + 15, y + 4, f"{points[-1][1]:.2f}  {names.get(rule, rule)}", f"end-label {rule}"))
    return _svg(title, parts, name=name, height=height)


def histogram(title: str, shares: Sequence[float], *, middle: str, left: str, right: str, name: str) -> Markup:
    """Shares of equal classes from 0 to 1; the lower half is marked as a loss, with words below both halves."""
    height, top, bottom = 250, 26, 44
    marks = ticks(0.0, max([*shares, 0.05]), count=4)
    width = (WIDTH - _LEFT - 20) / len(shares)

    def up(value: float) -> float:
        return height - bottom - (height - bottom - top) * value / marks[-1]

    parts = [_line(_LEFT, up(mark), WIDTH - 20, up(mark), "zero" if mark == 0 else "grid") for mark in marks]
    parts += [_text(_LEFT - 8, up(mark) + 4, f"{mark * 100:g}%", "tick end") for mark in marks]
    for place, share in enumerate(shares):
        kind = "loss" if place < len(shares) / 2 else "gain"
        x = _LEFT + place * width + 2
        parts.append(
            f'<rect class="bar {kind}" x="{x:.1f}" y="{up(share):.1f}" width="{width - 4:.1f}" height="{up(0.0) - up(share):.1f}"/>'
        )
    centre = _LEFT + width * len(shares) / 2
    parts.append(_line(centre, top - 8, centre, height - bottom, "rule"))
    parts.append(_text(centre, top - 12, middle, "tick middle"))
    parts.append(_text((_LEFT + centre) / 2, height - bottom + 22, left, "name middle loss"))
    parts.append(_text((WIDTH - 20 + centre) / 2, height - bottom + 22, right, "name middle gain"))
    return _svg(title, parts, name=name, height=height)


def bar_rows(title: str, rows: Sequence[Row], kinds: Sequence[str], *, name: str, mark: float | None = None, mark_name: str = "") -> Markup:
    """Horizontal bars, one or more a row, on a common scale; `mark` is drawn through all rows."""
    if not rows:
        return Markup()
    thick, gap, left, right = 13, 9, 214, 190
    row_height = thick * len(kinds) + gap
    top = 28
    height = top + row_height * len(rows) + 6
    known = [value for row in rows for value in row.values if value is not None]
    marks = ticks(min([*known, 0.0]), max([*known, mark or 0.0, 0.1]), count=6)

    def across(value: float) -> float:
        return left + (WIDTH - left - right) * (value - marks[0]) / (marks[-1] - marks[0])

    parts = [_line(across(value), top - 4, across(value), height - 4, "zero" if value == 0 else "grid") for value in marks]
    # A tick near the mark would be printed over its name.
    shown = [value for value in marks if mark is None or not 0.0 <= value - mark < (marks[1] - marks[0]) * 0.75]
    parts += [_text(across(value), top - 10, f"{value:g}", "tick middle") for value in shown]
    for place, row in enumerate(rows):
        y = top + place * row_height
        faint = " faint" if row.is_faint else ""
        parts.append(_text(left - 12, y + row_height / 2 + 1, row.name, f"name end{faint}"))
        for part, (value, printed, kind) in enumerate(zip(row.values, row.shown, kinds, strict=True)):
            bar_y = y + part * thick + 1
            if value is not None:
                x, width = across(min(value, 0.0)), max(abs(across(value) - across(0.0)), 1.0)
                parts.append(f'<rect class="bar {kind}{faint}" x="{x:.1f}" y="{bar_y}" width="{width:.1f}" height="{thick - 3}"/>')
            at = across(max(value or 0.0, 0.0)) + 6
            parts.append(_text(at, bar_y + thick - 3.5, printed, f"small-figure{faint}"))
        if row.note:
            parts.append(_text(WIDTH - 6, y + row_height / 2 + 1, row.note, f"tick end{faint}"))
    if mark is not None:
        parts.append(_line(across(mark), top - 4, across(mark), height - 4, "rule"))
        parts.append(_text(across(mark) + 5, top - 10, mark_name, "name"))
    return _svg(title, parts, name=name, height=height)


def _svg(title: str, parts: Sequence[str], *, name: str, height: float) -> Markup:
    head = (
        f'<svg class="chart" viewBox="0 0 {WIDTH} {height}" role="img" aria-labelledby="{name}"><title id="{name}">{escape(title)}</title>'
    )
    return Markup(head + "".join(parts) + "</svg>")  # noqa: S704 - every text in the parts was escaped


def _line(x1: float, y1: float, x2: float, y2: float, kind: str) -> str:
    return f'<path class="{kind}" d="M{x1:.1f},{y1:.1f}L{x2:.1f},{y2:.1f}"/>'


def _text(x: float, y: float, words: str, kind: str) -> str:
    return f'<text class="{kind}" x="{x:.1f}" y="{y:.1f}">{escape(words)}</text>'


def _apart(wanted: Sequence[float], *, low: float, high: float) -> list[float]:
    """Heights near the wanted ones (ascending), far enough from each other to be read, inside low..high."""
    placed: list[float] = []
    for y in wanted:
        placed.append(max(y, low, *(before + _FEWEST_APART for before in placed[-1:])))
    ceiling = high
    for place in reversed(range(len(placed))):
        placed[place] = min(placed[place], ceiling)
        ceiling = placed[place] - _FEWEST_APART
    return placed
