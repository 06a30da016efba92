"""The page of a search's evidence: one self-contained HTML file, drawn from rows of `search_evidence` alone."""

from pathlib import Path

import polars as pl
from jinja2 import Environment, PackageLoader, StrictUndefined

from wg_dagster.letters.index import write_file
from wg_dagster.letters.render import stylesheet
from wg_dagster.schemas.columns import FACTORS
from wg_dagster.search_charts import Row, bar_rows, growth_chart, histogram
from wg_dagster.search_report import Report, RuleRow, count, ratio, with_interval
from wg_dagster.strategies import Strategy

_SHORT = {
    "best": "single best set",
    "top_1_percent": "best 1 % of sets",
    "premia": "by premia",
    "all": "all alike",
    "incumbent": "incumbent",
    "benchmark": "benchmark",
}


def write_page(home: Path, strategy: Strategy, evidence: pl.DataFrame) -> Path:
    """Write `site/search/<strategy>/<month>.html` from the evidence of one month; the path."""
    report = Report.of(strategy, evidence)
    path = home / "site" / "search" / strategy.strategy_id / f"{report.month}.html"
    write_file(path, page(report))
    return path


def page(report: Report) -> str:
    """The HTML of a report."""
    environment = Environment(loader=PackageLoader("wg_dagster.letters"), autoescape=True, undefined=StrictUndefined)
    return environment.get_template("search.html.j2").render(
        report=report,
        style=stylesheet(),
        trials=count(report.value("trials")),
        effective=f"about {ratio(report.value('effective_trials'))}",
        objections=report.objections(),
        rules=[_rule(row) for row in report.rules()],
        walk_months=count(report.value("walk_forward_months")),
        real_months=count(report.value("construction_months")),
        hindsight=ratio(report.value("sortino_best")),
        walk_chart=growth_chart("Growth in unseen months", report.series("walk_forward_growth_"), _SHORT, name="walk"),
        real_chart=growth_chart("Growth in the real construction", report.series("construction_curve_"), _SHORT, name="real"),
        gates=report.gates(),
        splits=count(report.value("pbo_splits")),
        ranks_chart=_ranks(report),
        found=", ".join(report.found()) or "none",
        inclusion_chart=_inclusion(report),
        left_out=report.left_out(),
        regime_chart=_regimes(report),
    )


def _rule(row: RuleRow) -> dict[str, str]:
    walk, real = with_interval(row.walk_forward, row.interval), with_interval(row.construction, row.construction_interval)
    against = "" if row.against_incumbent is None else f"{row.against_incumbent:.2f}"
    return {"rule": row.rule, "name": row.name, "walk_forward": walk, "construction": real, "against": against}


def _ranks(report: Report) -> str:
    shares = [value or 0.0 for name, value in sorted(report.values.items()) if name.startswith("overfitting_rank | ")]
    probability = ratio(report.value("pbo"))
    return histogram(
        "Rank out of sample of the winner in sample",
        shares,
        middle="median set",
        left=f"worse than the median set: {probability} of the splits",
        right="better",
        name="ranks",
    )


def _inclusion(report: Report) -> str:
    rows = []
    for factor in (factor for factor in FACTORS if f"inclusion_{factor}" in report.values):
        share, premium, effect = (report.value(f"{name}_{factor}") for name in ("inclusion", "premium_q", "effect_q"))
        tested = f"q {ratio(premium)} and {ratio(effect)}"
        is_found = report.value(f"is_found_{factor}") == 1.0
        rows.append(Row(factor, (share,), (f"{(share or 0.0) * 100:.0f} %",), f"{tested}{', found' if is_found else ''}"))
    return bar_rows("Inclusion in the best 1 % of sets", rows, ("own",), name="inclusion", mark=0.5, mark_name="chance")


def _regimes(report: Report) -> str:
    rows = [
        Row(
            regime,
            (best, median, active),
            tuple(ratio(value) for value in (best, median, active)),
            f"{months} months" + ("" if is_scored else ", not scored"),
            is_faint=not is_scored,
        )
        for regime, months, is_scored, best, median, active in report.regimes()
    ]
    return bar_rows("Sortino ratio by regime", rows, ("own", "middle-set", "active"), name="regimes")
