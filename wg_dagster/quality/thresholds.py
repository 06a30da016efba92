"""Every limit of the quality checks in one table, each with its reason. Figures behind them: docs/data-quality.md."""

from dataclasses import dataclass

FEWEST_NAMES = 30  # of a market, before a share or a correlation of its names says anything
STALE_SESSIONS = 10  # two weeks without a new close: nobody trades, or nobody delivers
REPEATED_SESSIONS = 5  # identical bars with volume: one or two happen to a sleepy name, five are a copy
LARGE_RETURN = 0.5  # of one session: nearly always news, a split or an error
STATEMENT_MONTHS = 15  # a yearly report and the three months in which it may be filed
OVERDUE_MONTHS = 18  # the year before, the days that companies differ by, and a quarter before those
RESTATEMENT_MONTHS = 24  # whose median is the normal volume of restatements
FEWEST_RESTATEMENT_MONTHS = 6  # before there is a normal volume
SURVIVOR_MONTHS = 24  # 100 names lose two to eight in two years, in any market and decade
SURVIVOR_NAMES = 100
UNIT_FACTOR = 100.0  # total assets from one statement to the next: thousands for units make 1,000


@dataclass(frozen=True)
class Threshold:
    """When a figure is suspicious (`limit`: WARN), and when its month must not be used (`error`: ERROR).

    A figure above the limit fails; below it where `is_floor`. Fewer than `at_least` failing rows or names never fail, so that one name
    of a small market is no alarm.
    """

    check: str
    limit: float
    reason: str
    error: float | None = None
    is_floor: bool = False
    at_least: int = 1


_TABLE = (
    # prices_clean, securities_clean, benchmark_nav
    Threshold(
        "priced_names",
        0.97,
        "share of last month's closing names that close again: under 1 % leave in a normal month; under half, ranks mean nothing",
        error=0.5,
        is_floor=True,
        at_least=6,
    ),
    Threshold("stale_names", 0.03, "names that left during the month and sleepy ones: 1 % together in a market of 5,000", at_least=6),
    Threshold(
        "zero_volume", 0.10, "sessions without a trade: 3 % in a market of 5,000 names, nearly all of them in the smallest", at_least=20
    ),
    Threshold(
        "jumps", 0.02, "names that moved over 50 % in a session without an action: up to 0.9 % a month among 5,000 names", at_least=3
    ),
    Threshold("suspected_splits", 0.0, "a split that nobody told falsifies shares and market cap: each one is worth a look"),
    Threshold("repeated_bars", 0.0, "identical bars with volume do not happen by chance"),
    Threshold("month_end_priced", 0.0, "months are decided on their last session: data that end before it are incomplete"),
    Threshold("survivorship", 0.0, "a universe that nobody ever leaves was chosen with hindsight, and every result on it is too good"),
    Threshold(
        "untold_departures", 0.0, "names that closed last month and not on this one's last session, of which nobody told that they left"
    ),
    Threshold(
        "level_breaks", 0.0, "a close five times the one before, or a fifth, without an action: another unit, another line, or a collapse"
    ),
    Threshold("repeated_sessions", 0.3, "share of a session's bars that are those of the session before: a feed that was sent twice"),
    Threshold(
        "thin_sessions", 0.9, "rows of the month's emptiest session over those of its median one: part of a file is missing", is_floor=True
    ),
    Threshold("exchanged_names", 0.0, "two names whose closes and volumes continue each other's: their symbols were exchanged"),
    Threshold(
        "volume_breaks", 0.0, "names that trade a hundredth, or a hundred times, of what they traded last month: another unit", at_least=1
    ),
    Threshold(
        "rate_jumps", 0.0, "a bill rate that moves by two points in a day, a currency by a tenth: per cent for fractions, or another pair"
    ),
    Threshold("index_gap", 0.15, "sum of the sessions' median returns against the index: small and large names differ by less in a month"),
    Threshold("index_correlation", 0.2, "median return and index move together; a shift by one session makes it zero", is_floor=True),
    Threshold("index_sessions", 0.0, "sessions of the month before its last level that have no level"),
    # fundamentals_clean
    Threshold(
        "restatements", 0.10, "versions that change a value, in a normal month's versions, above the median of 24 months", at_least=5
    ),
    Threshold(
        "filing_coverage",
        0.75,
        "new listings and foreign companies lack one: 79 % have one among 4,900 US names of 2015",
        is_floor=True,
        at_least=3,
    ),
    Threshold("assumed_lag", 0.5, "an assumed date of publication may be too early: results rest on the assumption", at_least=5),
    Threshold("unit_jumps", 0.0, "total assets a hundred times larger or smaller than in the statement before: a wrong unit"),
    Threshold("item_jumps", 0.0, "an item a hundred times the firm's last one, or a thousandth: thousands for units, cents for dollars"),
    Threshold(
        "large_restatements", 0.0, "a known figure of a known period that changes by 30 % of the larger one: news, or another firm's"
    ),
    Threshold("overdue_statements", 0.08, "companies that had filed by now a year ago: part of a file is missing", at_least=3),
    Threshold("overdue_announcements", 0.08, "companies that had announced by now a year ago: part of a file is missing", at_least=3),
    Threshold("statement_breaks", 0.0, "a statement that continues another firm's, or none: it stands under the wrong symbol"),
    Threshold("announced_units", 0.0, "announced earnings thirty times the estimate: cents for dollars, or another firm's"),
    Threshold("share_units", 0.0, "a share count in another unit is not used, and an inferred one stands in: close, but not the same"),
    Threshold("label_breaks", 0.0, "a quarter that does not follow from the firm's last one: year-to-date figures are differenced by it"),
    Threshold(
        "eps_contradicts", 0.0, "net income over earnings per share is not the share count by a factor of five: one of them is wrong"
    ),
    # risk_returns
    Threshold(
        "sources_disagree", 0.005, "sessions whose return another source tells by a point otherwise: one of them is wrong", at_least=5
    ),
    # factor tables
    Threshold("component_coverage", 0.6, "members with at least half of the factor's components", is_floor=True, at_least=3),
    Threshold("rank_drift", 0.5, "rank correlation with last month's values: rows of other names, or of another month", is_floor=True),
    Threshold("level_drift", 0.5, "shift of the median since last month, in interquartile ranges of last month"),
    Threshold("constant_component", 0.95, "share of the most frequent value: a component that is the same for all ranks nobody"),
    # strategies
    Threshold("universe_size", 0.15, "change of the number of members: ranks and floors move it by a few per cent a month"),
    Threshold(
        "universe_kept",
        0.85,
        "share of last month's members that stay: monthly turnover at the ranks' borders is a few per cent",
        error=0.5,
        is_floor=True,
        at_least=3,
    ),
    Threshold("sector_unknown", 0.10, "members without a sector: sector bands do not bind them", at_least=3),
    Threshold(
        "benchmark_weights", 1e-9, "weights of the benchmark, or its proxy, sum to one: bands and attribution rest on them", error=1e-9
    ),
    Threshold(
        "scored_members", 0.7, "members with enough of the strategy's factors; the portfolio stops at 40 %", is_floor=True, at_least=3
    ),
    Threshold("candidate_count", 100.0, "the ranked 100", is_floor=True),
    Threshold("portfolio_decided", 0.0, "months without a portfolio of their own: kept from the month before, not runnable, or none"),
    Threshold(
        "search_overfitted", 0.50, "above one half the best set of the past does worse than a set taken blindly: the incumbent stays"
    ),
    Threshold("search_luck", 0.10, "p-value that no set of factors beats the benchmark: above it the search has shown nothing"),
    Threshold(
        "risk_came_true", 0.25, "realised over forecast risk of a year or more, away from one: the goal is a tenth, noise of a year is more"
    ),
    Threshold("portfolio_names", 0.0, "names beyond the mandate's range", error=0.0),
    Threshold("portfolio_weights", 1e-9, "weights sum to one less the mandate's cash", error=1e-9),
    Threshold("issuer_weight", 0.0, "issuers at or above 10 %, share classes added up", error=0.0),
    Threshold("decided_before_trading", 0.0, "trades on or before the session of their decision know the future", error=0.0),
    Threshold("nav_sessions", 0.0, "sessions without a nav since the last one: returns over them are nobody's", error=0.0),
    Threshold(
        "nav_jump", 0.15, "return of a session: the US market itself moved by more on two days since 1926 (15 March 1933, 19 October 1987)"
    ),
    Threshold("holdings_add_up", 1e-6, "weights and cash sum to one on each session", error=1e-6),
    Threshold(
        "lines_add_up",
        1e-9,
        "lines of the attribution against the booked active return; half a point is a figure of the letter",
        error=0.5e-4,
    ),
)
THRESHOLDS = {threshold.check: threshold for threshold in _TABLE}

# What a source shows in its ordinary months, rounded up: a share of the names or statements. WARN only beyond; the names are told anyway.
USUAL_OF_SOURCES: dict[str, dict[str, float]] = {
    # Yahoo by way of a crawler, 2015-03 to 2015-12: symbols change hands, names leave without a word.
    "pystock": {
        "untold_departures": 0.005,  # 27 of 6,100
        "exchanged_names": 0.003,  # 17 of 6,150: thin names of foreign listings that jump to and fro
        "level_breaks": 0.0015,  # 8 of 6,150
        "volume_breaks": 0.0005,  # 2 of 6,150
        "suspected_splits": 0.0005,  # 3 of 6,150
        "statement_breaks": 0.025,  # 62 of 2,860: the first statements after another source's
        "item_jumps": 0.01,  # 24 of 2,950
    },
    # A consensus of nil, shares consolidated since: 31 of 30,541 announcements, up to 5 of 1,160 in a month.
    "surprises": {"announced_units": 0.005},
    # Adjusted with later splits and dividends: 0.35 to 0.54 % a month differ from pystock.
    "stooq": {"sources_disagree": 0.0075},
}

# Limits of a factor where the general one does not fit.
LIMITS_OF_FACTORS: dict[str, dict[str, float]] = {
    # Returns of 60 sessions share 40 with last month's: ranks follow loosely, and one wild month may undo them.
    "momentum": {"rank_drift": 0.0, "level_drift": 2.0},
    "us_beta": {"rank_drift": 0.1},
    "volatility": {"rank_drift": 0.3, "level_drift": 2.0},
    # An announcement replaces the value of the quarter before; most names announce in the same weeks.
    "surprise": {"rank_drift": 0.1, "level_drift": 1.0},
}
# Betas are shrunk towards their mean, so that their spread is no measure of how far the mean may move.
NOT_JUDGED = {("us_beta", "level_drift")}
