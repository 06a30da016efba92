"""Tables of a strategy: what is decided, traded, earned and told each month."""

from wg_dagster.schemas.columns import FACTORS
from wg_dagster.schemas.contract import table

STRATEGY = [
    table(
        "universe_members",
        "Who may be bought, with the weight in the benchmark (or its proxy)",
        "as_of_date security_id issuer_id sector industry is_financial market_cap traded_value_20d benchmark_weight",
        key="strategy month security_id",
        partition_by="strategy month",
    ),
    table(
        "factor_scores",
        "Fourteen scores a member: winsorised, inverse-normal rank; null where unknown",
        f"as_of_date security_id {' '.join(FACTORS)} coverage",
        key="strategy month security_id",
        partition_by="strategy month",
    ),
    table(
        "factor_diagnostics",
        "What each factor has been worth by the month's end, one row a factor and statistic: scores of earlier months meet its returns",
        "factor statistic value",
        key="strategy month factor statistic",
        partition_by="strategy month",
    ),
    table(
        "factor_weights",
        "The factor weights that the month's portfolio uses, and why these",
        "as_of_date factor sign weight factor_rule reason evidence_month matrix_sha256",
        key="strategy month factor",
        partition_by="strategy month",
    ),
    table(
        "candidates",
        "The ranked 100",
        "as_of_date rank security_id sector composite composite_raw expected_return coverage",
        key="strategy month rank",
        partition_by="strategy month",
    ),
    table(
        "model_portfolios",
        "Target weights decided on the night of as_of_date",
        "as_of_date security_id weight",
        key="strategy month security_id",
        partition_by="strategy month",
    ),
    table(
        "portfolio_solutions",
        "How each portfolio was found and how far from the best it can be",
        "as_of_date status objective ratio bound gap bound_kind names risk_ratio risk_ratio_sp500 beta max_weight "
        "turnover message fingerprint certificate",
        key="strategy month",
        partition_by="strategy month",
    ),
    table(
        "decisions",
        "Why each candidate is in the portfolio or is not; one row a candidate of a portfolio that was solved",
        "as_of_date security_id sector weight rank composite expected_return marginal_risk binding_rules reduced_cost reduced_cost_least "
        "rival_id rival_margin",
        key="strategy month security_id",
        partition_by="strategy month",
    ),
    table(
        "risk_forecasts",
        "Forecast volatility of the portfolio, its benchmark, the difference, each sector, and ten portfolios drawn at random",
        "as_of_date item forecast_volatility",
        key="strategy month item",
        partition_by="strategy month",
    ),
    table(
        "risk_bias",
        "What became of last month's forecasts, and of those of the last 24 months",
        "item forecast_volatility realised_volatility z bias_24m realised_over_forecast_24m months",
        key="strategy month item",
        partition_by="strategy month",
    ),
    table(
        "trades",
        "Fills of last month's decision at this month's first session, and sales of names that were delisted later in it",
        "trade_date security_id currency units_before units_after weight_before weight_after price cost",
        key="strategy month trade_date security_id",
        partition_by="strategy month",
    ),
    table(
        "holdings",
        "Units and weights at the end of each session",
        "session_date security_id units price weight",
        key="strategy month session_date security_id",
        partition_by="strategy month",
    ),
    table(
        "nav",
        "Daily value of one unit invested at inception, net of trading costs, gross of fees and withholding",
        "session_date currency nav cash_weight",
        key="strategy month session_date",
        partition_by="strategy month",
    ),
    table(
        "performance",
        "Measures per window against each benchmark",
        "benchmark_id metric window basis value",
        key="strategy month benchmark_id metric window basis",
        partition_by="strategy month",
    ),
    table(
        "factor_returns",
        "Monthly returns of market, sectors and styles in the strategy's universe",
        "factor value t_stat",
        key="strategy month factor",
        partition_by="strategy month",
    ),
    table(
        "attribution",
        "Lines that add up to the booked active return of the month",
        "scheme effect item value",
        key="strategy month scheme effect item",
        partition_by="strategy month",
    ),
    table(
        "exposures",
        "Scores of the portfolio and of the benchmark (or its proxy)",
        "as_of_date factor portfolio benchmark active",
        key="strategy month factor",
        partition_by="strategy month",
    ),
    table(
        "report_facts",
        "Every figure that a letter may print",
        "letter_id fact_id metric value unit display_ja display_en source_table source_key",
        key="strategy month letter_id fact_id",
        partition_by="strategy month",
    ),
    table(
        "letters",
        "The letters that were rendered",
        "letter_id language path content_hash",
        key="strategy month letter_id language",
        partition_by="strategy month",
    ),
]
