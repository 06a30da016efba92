"""What the columns of reference files mean, in which unit, and how long after its day a value is known."""

from dataclasses import dataclass

import polars as pl

from wg_dagster.ingest.drop_map import FileMap, parse_file_map
from wg_dagster.ingest.drop_rules import NO_NUMBER

BILL_DAYS, YEAR_DAYS, DISCOUNT_YEAR = 91, 365, 360
_RATE = {"path": "*", "calendar": "XNYS", "table": "rates"}


@dataclass(frozen=True)
class Series:
    """A series of FRED: its map, its delay (an offset of polars), and the value where it needs arithmetic."""

    file_map: FileMap
    delay: str = ""
    scaled: pl.Expr | None = None


def _rate(source: str, rate_id: str, value: object, *, lagged: bool = False, quality: tuple[str, ...] = ()) -> FileMap:
    content = {
        **_RATE,
        "source": source,
        "known_at": {"column": "_known_day", "rule": "assumed_lag" if lagged else "reported"},
        "quality": list(quality),
        "columns": {"rate_id": {"value": rate_id}, "date": "Date", "value": value},
    }
    return parse_file_map(content, f"reference {rate_id}")


# Both per euro, so the yen per dollar are their ratio. Published in the Frankfurt afternoon of the day.
ECB = _rate("ecb", "usdjpy", {"column": "JPY", "divide_by": "USD"})
# Per cent a day. The rate of a month is the yield of a one-month bill at its start, so it is known on each of its days.
FACTORS = _rate("fama_french", "us_bill", {"column": "RF", "format": "percent", "multiply": 252})
LEVELS = parse_file_map(
    {
        "path": "*",
        "calendar": "XNYS",
        "source": "index_file",
        "table": "index_levels",
        "known_at": {"column": "_known_day"},
        "columns": {
            "index_id": "index_id",
            "session_date": "date",
            "level": "level",
            "currency": "currency",
            "is_total_return": "is_total_return",
            "is_net": "is_net",
            "is_proxy": "is_proxy",
        },
    },
    "reference index levels",
)
_SP500 = parse_file_map(
    {
        "path": "*",
        "calendar": "XNYS",
        "source": "fred",
        "currency": "USD",
        "table": "index_levels",
        "known_at": {"column": "_known_day"},
        "columns": {
            "index_id": {"value": "sp500"},
            "session_date": "Date",
            "level": "value",
            "is_total_return": False,
            "is_net": False,
            "is_proxy": False,
        },
    },
    "reference sp500",
)


def _yield_of_discount() -> pl.Expr:
    """A bill's discount d in per cent as a yield in per cent: 365 d / (360 - 91 d), the rule of the Treasury for bills of three months."""
    came = pl.col("value").str.strip_chars()
    discount = pl.when(came.is_in(NO_NUMBER).not_()).then(came).cast(pl.Float64, strict=False) / 100
    made = 100 * YEAR_DAYS * discount / (DISCOUNT_YEAR - BILL_DAYS * discount)
    return pl.coalesce(made.cast(pl.String), came).alias("value")  # what is no number stays as it came


_PERCENT = {"column": "value", "format": "percent"}
FRED = {
    "DGS3MO": Series(_rate("fred", "us_bill", _PERCENT, lagged=True), "1d"),  # told on the next business day
    "DTB3": Series(_rate("fred", "us_bill", _PERCENT, lagged=True, quality=("from_discount",)), "1d", _yield_of_discount()),
    "DEXJPUS": Series(_rate("fred", "usdjpy", "value", lagged=True), "7d"),  # told once a week
    "IR3TIB01JPM156N": Series(
        _rate("fred", "jp_bill", _PERCENT, lagged=True, quality=("interbank_rate",)), "2mo"
    ),  # monthly, for the month
    "SP500": Series(_SP500),
}
MAPS = (ECB, FACTORS, LEVELS, tuple((name, series.file_map, series.delay) for name, series in FRED.items()))
