"""The table and the page of a search's evidence: every figure is that of its row, and the words follow the verdict."""

import re
import xml.etree.ElementTree as ET

import polars as pl
import pytest

from wg_dagster.schemas.columns import FACTORS
from wg_dagster.schemas.tables import TABLES
from wg_dagster.search_charts import Row, bar_rows, growth_chart, histogram
from wg_dagster.search_page import page, write_page
from wg_dagster.search_report import Report
from wg_dagster.strategies import NEXT_MAJOR_100

MONTHS = ["2020-01", "2020-02", "2020-03"]


def evidence(**changed):
    """Evidence of three factors with easy numbers; `changed` statistics as (value, note)."""
    rows = {
        "trials": (7.0, ""),
        "months": (80.0, ""),
        "effective_trials": (2.5, ""),
        "first_month": (None, "2013-08"),
        "last_month": (None, "2020-03"),
        "best_subset": (5.0, "growth+value"),
        "sortino_best": (1.25, ""),
        "sortino_median": (0.5, ""),
        "matrix_sha256": (None, "ab" * 32),
        "incumbent": (1.0, "growth"),
        "pbo": (0.42, ""),
        "pbo_splits": (12870.0, ""),
        "spa_p": (0.3, ""),
        "deflated_sharpe_best": (0.77, ""),
        "walk_forward_months": (20.0, ""),
        "construction_months": (19.0, ""),
        "walk_forward_premia": (1.1, ""),
        "walk_forward_premia_low": (-0.2, ""),
        "walk_forward_premia_high": (2.4, ""),
        "construction_sortino_premia": (0.9, ""),
        "p_construction_premia_beats_incumbent": (0.64, ""),
        "may_replace_premia": (0.0, "superior ability: p = 0.30 is above 0.1"),
        "recommend_premia": (0.0, "the evidence of the grid objects (may_replace); it is not ahead <of> the incumbent"),
        "regime_months | trend up": (50.0, ""),
        "regime_sortino_own_best | trend up": (1.5, ""),
        "regime_sortino_own_median | trend up": (0.7, ""),
        "regime_sortino_active_best | trend up": (-0.4, ""),
        "regime_months | trend down": (12.0, "too few months to be scored"),
        "left_out_surprise": (None, "known for 3 months in a row, 60 are needed"),
        **{f"overfitting_rank | {k + 1:02d}": (0.05, "") for k in range(20)},
    }
    for factor, share in zip(("growth", "value", "size"), (0.8, 0.6, 0.1), strict=True):
        rows |= {f"inclusion_{factor}": (share, ""), f"premium_q_{factor}": (0.04, ""), f"effect_q_{factor}": (0.05, "")}
        rows[f"is_found_{factor}"] = (float(factor == "value"), "")
    for rule, growth in (("premia", 1.1), ("benchmark", 1.02)):
        rows |= {f"walk_forward_growth_{rule} | {month}": (growth**k, "") for k, month in enumerate(MONTHS)}
    rows |= changed
    values = [(NEXT_MAJOR_100.strategy_id, "2020-03", name, value, note) for name, (value, note) in sorted(rows.items())]
    return pl.DataFrame(values, schema=TABLES["search_evidence"].schema, orient="row")


def report(**changed):
    return Report.of(NEXT_MAJOR_100, evidence(**changed))


def said(**changed):
    return "\n".join(report(**changed).lines())


def test_the_table_says_what_was_searched_and_what_it_is_worth():
    table = said()
    assert "7 sets of 3 factors, about 2.50 independent trials" in table
    assert "80 months, 2013-08 to 2020-03" in table
    assert re.search(r"factors weighed by their premia +1\.10 \(-0\.2 to 2\.4\) +0\.90\n", table)
    assert re.search(r"overfitted +0\.42 +at most 0\.50  passed\n", table)
    assert re.search(r"beats the benchmark +0\.300 +at most 0\.10  NOT PASSED\n", table)
    assert "factors that pass both tests: value\n" in table
    assert "not searched: surprise, known for 3 months in a row, 60 are needed" in table


def test_each_objection_is_said_once_with_its_challenger():
    table = said()
    assert "The incumbent stays: no challenger is recommended." in table
    assert "factors weighed by their premia: superior ability: p = 0.30 is above 0.1;\n      it is not ahead <of> the incumbent" in table


def test_a_recommendation_leaves_the_decision_to_the_manager():
    table = said(recommend_premia=(1.0, ""), may_replace_premia=(1.0, ""))
    assert "The evidence recommends: factors weighed by their premia. Nothing changes until the manager sets factor_rule" in table


def test_a_figure_that_is_not_known_is_no_number_and_no_pass():
    table = said(spa_p=(None, ""), walk_forward_premia=(None, ""))
    assert re.search(r"beats the benchmark +not known +at most 0\.10  NOT PASSED\n", table)
    assert re.search(r"factors weighed by their premia +- +0\.90\n", table)


def test_the_page_needs_nothing_from_outside_and_hides_no_text():
    html = page(report())
    assert not re.search(r"(src|href)\s*=|@import|url\(|<script", html)
    assert "&lt;of&gt;" in html
    assert "<of>" not in html
    assert "ab" * 32 in html
    charts = re.findall(r"<svg.*?</svg>", html, flags=re.DOTALL)
    assert len(charts) == 4  # the trials have not run
    for chart in charts:
        ET.fromstring(chart)


def test_the_page_is_the_same_bytes_for_the_same_rows(tmp_path):
    first = write_page(tmp_path, NEXT_MAJOR_100, evidence()).read_bytes()
    again = write_page(tmp_path, NEXT_MAJOR_100, evidence().sample(fraction=1.0, shuffle=True, seed=1))
    assert again.relative_to(tmp_path).as_posix() == "site/search/next_major_100/2020-03.html"
    assert again.read_bytes() == first


def test_factors_stand_in_their_usual_order_and_thin_regimes_are_faint():
    html = page(report())
    html = html[html.index('id="inclusion"') :]
    places = [html.index(f">{factor}<") for factor in FACTORS if factor in {"growth", "value", "size"}]
    assert places == sorted(places)
    assert re.search(r'faint"[^>]*>12 months, not scored', html)


def test_a_line_ends_where_its_last_value_is():
    """Marks go from 1 to 1.25 over 276 pixels: 1.21 lies 0.84 of the way up from the lower edge at 290."""
    chart = str(growth_chart("t", {"premia": [("2020-01", 1.0), ("2020-02", 1.21)]}, {"premia": "by premia"}, name="g"))
    end = re.search(r'class="line premia" d="M52\.0,290\.0L682\.0,([\d.]+)"', chart)
    assert float(end[1]) == pytest.approx(290 - 276 * 0.84, abs=0.06)
    assert "1.21  by premia" in chart


def test_a_chart_of_one_month_is_no_chart():
    assert growth_chart("t", {"premia": [("2020-01", 1.0)]}, {}, name="g") == ""


def test_the_lower_half_of_the_ranks_is_marked_as_a_loss():
    chart = str(histogram("t", [0.1, 0.2, 0.3, 0.4], middle="m", left="l", right="r", name="h"))
    assert re.findall(r'class="bar (\w+)"', chart) == ["loss", "loss", "gain", "gain"]


def test_bars_grow_from_zero_to_both_sides():
    rows = [Row("a", (0.5,), ("0.50",)), Row("b", (-0.25,), ("-0.25",)), Row("c", (None,), ("-",))]
    bars = re.findall(r'<rect class="bar own" x="([\d.]+)" y="\d+" width="([\d.]+)"', str(bar_rows("t", rows, ("own",), name="b")))
    (right, long), (left, short) = [(float(x), float(width)) for x, width in bars]
    assert long == pytest.approx(2 * short, abs=0.2)
    assert left + short == pytest.approx(right, abs=0.2)
