"""The figures of checks over the months, as a table for people: Markdown with a line of bars."""

import polars as pl

_BARS = "▁▂▃▄▅▆▇█"
_SHOWN_MONTHS = 36
_NO_FIGURE = "·"


def figure_of(checks: pl.DataFrame) -> pl.DataFrame:
    """Add `figure` and `threshold` to rows of `checks`; null where a check has none (the gate)."""
    read = (
        pl.col("details").str.json_path_match(f"$.{name}").cast(pl.Float64, strict=False).alias(name) for name in ("figure", "threshold")
    )
    return checks.with_columns(read)


def history(checks: pl.DataFrame) -> str:
    """Markdown: one line a station, table and check, with its last figure, its threshold, its range and the last 36 months as bars.

    Bars reach from the lowest figure to the highest of the months shown; ✗ marks each month that failed. Checks without a figure (the
    gate) show their failing rows. '' where there are no verdicts.
    """
    if checks.is_empty():
        return ""
    measured = figure_of(checks).with_columns(pl.coalesce("figure", pl.col("failed_rows").cast(pl.Float64)).alias("figure"))
    groups = measured.sort("station", "table", "check_name", "month").group_by("station", "table", "check_name", maintain_order=True)
    lines = [
        "| table | check | last | threshold | lowest to highest | months | failed |",
        "|---|---|---|---|---|---|---|",
    ]
    lines += [_line(str(table), str(check), rows.tail(_SHOWN_MONTHS)) for (_, table, check), rows in groups]
    return "\n".join(lines) + "\n"


def _line(table: str, check: str, rows: pl.DataFrame) -> str:
    values = rows["figure"].to_list()
    failed = [month for month, passed in rows.select("month", "passed").iter_rows() if not passed]
    low, high = min(values), max(values)
    bars = "".join(_bar(value, low, high) if passed else "✗" for value, passed in zip(values, rows["passed"], strict=True))
    span = f"{rows['month'][0]} to {rows['month'][-1]}"
    limit = rows["threshold"][-1]
    cells = [table, check, _short(values[-1]), _NO_FIGURE if limit is None else _short(limit), f"{_short(low)} to {_short(high)}"]
    return f"| {' | '.join(cells)} | `{bars}` {span} | {', '.join(failed) or 'none'} |"


def _bar(value: float, low: float, high: float) -> str:
    return _BARS[0] if high == low else _BARS[round((value - low) / (high - low) * (len(_BARS) - 1))]


def _short(value: float) -> str:
    return f"{value:.3g}"
