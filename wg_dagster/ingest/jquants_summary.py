"""Summaries of results (決算短信) and revisions as J-Quants gives them: statements on one side, company forecasts on the other."""

import polars as pl

from wg_dagster.ingest.jquants_maps import FORECAST_ITEMS, PARENT_FORECAST_ITEMS, STANDARDS
from wg_dagster.ingest.raw_rows import INSTANT
from wg_dagster.ingest.repeats import DAY

_FACTS = ("DiscDate", "DiscTime", "Code", "DiscNo", "DocType", "CurPerType", "CurPerEn", "CurFYEn", "NxtFYEn")
_RESULTS = ("Sales", "OP", "OdP", "NP", "EPS", "DEPS", "TA", "Eq", "CFO", "CFI", "CFF", "CashEq", "ShOutFY", "TrShFY")
_DIVIDENDS = ("Div1Q", "Div2Q", "Div3Q", "DivFY", "DivAnn")
_PARENT = ("NCSales", "NCOP", "NCOdP", "NCNP", "NCEPS", "NCTA", "NCEq")
_FORECAST_COLUMNS = tuple(name for items in (FORECAST_ITEMS, PARENT_FORECAST_ITEMS) for pair in items.values() for name in pair)
SUMMARY_COLUMNS = (*_FACTS, *_RESULTS, *_DIVIDENDS, *_PARENT, *_FORECAST_COLUMNS)
_DOCUMENT = r"FinancialStatements_(Consolidated|NonConsolidated)_(JP|IFRS|US|JMIS|Foreign)$"
_PERIODS = ("1Q", "2Q", "3Q", "FY")  # a changed fiscal year may have a fourth and fifth quarter: set aside
_NOT_ORDINARY = ("ifrs", "usgaap")  # these standards know no ordinary profit; the vendor leaves it blank


def statements(told: pl.DataFrame) -> pl.DataFrame:
    """Vendor rows of `fundamentals`: documents with results, as filed from the start of the fiscal year.

    `ordinary_profit` is null under IFRS and US-GAAP whatever the vendor writes: not a zero. The first document of a period is the
    original, later ones are amendments.
    """
    kept = timed(told.filter(pl.col("DocType").str.contains(_DOCUMENT)))
    standard = pl.col("DocType").str.extract(_DOCUMENT, 2).replace_strict(STANDARDS, default=None, return_dtype=pl.String)
    consolidated = pl.col("DocType").str.extract(_DOCUMENT, 1)
    period = ["symbol", "CurPerEn", "CurPerType", "_scope"]
    rows = kept.with_columns(standard.alias("standard"), consolidated.alias("_scope")).sort(*period, INSTANT, "DiscNo")
    without = pl.col("standard").is_in(_NOT_ORDINARY).fill_null(value=False)
    issued, treasury = _number("ShOutFY"), _number("TrShFY")
    return rows.with_columns(
        pl.when(pl.col("CurPerType").is_in(_PERIODS)).then("CurPerType").alias("CurPerType"),
        (pl.col("_scope") == "Consolidated").alias("is_consolidated"),
        pl.when(pl.int_range(pl.len()).over(period) == 0).then(pl.lit("original")).otherwise(pl.lit("amendment")).alias("filing_type"),
        pl.when(~without).then("OdP").alias("ordinary_profit"),
        pl.when(without).then(pl.lit("true")).otherwise(pl.lit("false")).alias("no_ordinary_profit"),
        (issued - treasury.fill_null(0.0)).alias("shares"),
        _dividend().alias("dividend"),
    ).drop("_scope")


def forecasts(told: pl.DataFrame) -> pl.DataFrame:
    """Vendor rows of `forecasts`: one row a document, fiscal year and item that is given.

    The main columns are the firm's main accounts (of the group, of the parent where there is no group) and carry the scope
    `consolidated`, so that a revision meets the forecast before it; documents of revisions do not say their scope.
    """
    dated = timed(told)
    parts = [
        dated.select(
            "symbol",
            "Code",
            "DiscNo",
            DAY,
            INSTANT,
            pl.col("^_(line|file)$"),
            pl.col(year).alias("year_end"),
            pl.lit(item).alias("item"),
            pl.col(column).alias("value"),
            pl.lit(scope).alias("scope"),
        ).filter(pl.col("value").str.strip_chars().is_in(["", "-", "\uff0d"]).not_())
        for scope, items in (("consolidated", FORECAST_ITEMS), ("parent", PARENT_FORECAST_ITEMS))
        for item, columns in items.items()
        for year, column in zip(("CurFYEn", "NxtFYEn"), columns, strict=True)
    ]
    return pl.concat(parts)


def timed(told: pl.DataFrame, date_column: str = "DiscDate", time_column: str = "DiscTime") -> pl.DataFrame:
    """Add day and instant of the disclosure in Tokyo; without a time, the end of the day."""
    day = pl.col(date_column).str.strptime(pl.Date, "%Y-%m-%d", strict=False)
    clock = pl.col(time_column).str.strip_chars()
    given = pl.concat_str(
        pl.col(date_column), pl.lit(" "), pl.when(clock.str.len_chars() == len("HH:MM")).then(clock + ":00").otherwise(clock)
    )
    local = given.str.strptime(pl.Datetime("us"), "%Y-%m-%d %H:%M:%S", strict=False)
    end = day.cast(pl.Datetime("us")).dt.offset_by("1d") - pl.duration(microseconds=1)
    instant = pl.coalesce(local, end).dt.replace_time_zone("Asia/Tokyo").dt.convert_time_zone("UTC")
    return told.with_columns(day.alias(DAY), instant.alias(INSTANT))


def _number(column: str) -> pl.Expr:
    return pl.col(column).str.strip_chars().cast(pl.Float64, strict=False)


def _dividend() -> pl.Expr:
    """Dividends per share from the start of the fiscal year; null where nothing is said."""
    parts = [_number(name) for name in _DIVIDENDS[:3]]
    so_far = {"1Q": 1, "2Q": 2, "3Q": 3}
    made = pl.when(pl.col("CurPerType") == "FY").then(_number("DivAnn"))
    for period, count in so_far.items():
        said = pl.any_horizontal(part.is_not_null() for part in parts[:count])
        made = made.when((pl.col("CurPerType") == period) & said).then(pl.sum_horizontal(parts[:count]))
    return made
