"""The figures of checks as a table for people."""

import polars as pl

from wg_dagster.quality.gate import verdict
from wg_dagster.quality.history import figure_of, history
from wg_dagster.schemas.tables import TABLES


def checks(*figures, name="zero_volume", failed=()):
    rows = [
        verdict(
            "clean.prices", f"2025-{k + 1:02d}", "prices_clean", name, passed=k not in failed, details={"figure": figure, "threshold": 0.1}
        )
        for k, figure in enumerate(figures)
    ]
    return pl.DataFrame(rows, schema=TABLES["checks"].schema)


def test_a_check_is_a_line_with_a_bar_a_month():
    text = history(checks(0.0, 0.07, 0.2, 0.035, failed=(2,)))
    assert text.splitlines()[2:] == ["| prices_clean | zero_volume | 0.035 | 0.1 | 0 to 0.2 | `▁▃✗▂` 2025-01 to 2025-04 | 2025-03 |"]


def test_each_check_has_its_line():
    text = history(pl.concat([checks(0.1, 0.2), checks(0.3, name="stale_names")]))
    assert [line.split(" | ")[1] for line in text.splitlines()[2:]] == ["stale_names", "zero_volume"]


def test_the_gate_shows_the_rows_that_failed():
    rows = [verdict("clean.prices", "2025-01", "prices_clean", "gate", passed=False, failed_rows=7)]
    text = history(pl.DataFrame(rows, schema=TABLES["checks"].schema))
    assert "| gate | 7 | · | 7 to 7 | `✗` 2025-01 to 2025-01 | 2025-01 |" in text


def test_figures_that_do_not_move_are_low_bars():
    assert "`▁▁▁`" in history(checks(0.05, 0.05, 0.05))


def test_three_years_are_shown():
    months = [f"{year}-{month:02d}" for year in range(2020, 2026) for month in range(1, 13)]
    rows = [verdict("s", month, "t", "c", passed=True, details={"figure": k, "threshold": 99}) for k, month in enumerate(months)]
    assert "2023-01 to 2025-12" in history(pl.DataFrame(rows, schema=TABLES["checks"].schema))


def test_no_verdicts_are_no_table():
    assert history(TABLES["checks"].empty()) == ""


def test_figures_are_read_from_the_details():
    assert figure_of(checks(0.25)).select("figure", "threshold").row(0) == (0.25, 0.1)
