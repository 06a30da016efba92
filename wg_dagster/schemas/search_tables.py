"""Tables of the search, built by it alone (`wg search`, job `search`), not by the month's run: many rows, and years of months."""

from wg_dagster.schemas.contract import table

SEARCH = [
    table(
        "search_results",
        "What the best names of each set of factors earned in the month, as sums from which any window follows",
        "subset sessions log_growth total squares downside active_log_growth active_total active_squares active_downside traded",
        key="strategy month subset",
        partition_by="strategy month",
    ),
    table(
        "search_premia",
        "What each factor paid in the month",
        "factor premium information",
        key="strategy month factor",
        partition_by="strategy month",
    ),
    table(
        "trial_weights",
        "Factor weights of the incumbent, its challengers and all factors alike, as they would have been chosen at the month's cut-off",
        "factor_rule factor sign weight",
        key="strategy month factor_rule factor",
        partition_by="strategy month",
    ),
    table(
        "trial_portfolios",
        "Target weights that the real portfolio construction finds for each of them",
        "as_of_date factor_rule security_id weight",
        key="strategy month factor_rule security_id",
        partition_by="strategy month",
    ),
    table(
        "trial_holdings",
        "What each of them holds at the month's end",
        "session_date factor_rule security_id units price weight",
        key="strategy month factor_rule security_id",
        partition_by="strategy month",
    ),
    table(
        "trial_nav",
        "Value of one unit invested in each of them, net of trading costs, at the month's end; status is of the month's decision",
        "session_date factor_rule currency nav cash_weight cost status turnover message",
        key="strategy month factor_rule",
        partition_by="strategy month",
    ),
    table(
        "search_evidence",
        "What may be believed of the search at the month's end, one row a statistic",
        "statistic value note",
        key="strategy month statistic",
        partition_by="strategy month",
    ),
]
