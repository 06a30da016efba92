"""Sharadar's bulk tables: the `drop` adapter with the shipped map `data/sharadar.toml` and the figures that need two rows or two files.

The vendor adjusts prices, and share counts with them, for splits that came later. What was traded and reported is brought back here.
"""

from collections.abc import Sequence
from datetime import timedelta
from importlib.resources import as_file, files
from pathlib import Path

import polars as pl

from wg_dagster.ingest.drop import Drop, days_of, refuse_missing
from wg_dagster.ingest.drop_map import DropMap, FileMap, load_map
from wg_dagster.ingest.drop_rules import NO_NUMBER
from wg_dagster.ingest.files import data_files, refuse_copies, scan_vendor
from wg_dagster.ingest.raw_rows import CURRENCIES

LOOK_BACK = timedelta(days=120)  # the row before a session, also after a long halt
_PRICES = ("ticker", "date", "open", "high", "low", "close", "volume", "closeadj", "closeunadj")
_STATEMENTS = ("ticker", "dimension", "datekey", "marketcap", "sharesbas", "sharefactor")
_SPLIT_BLUR = 0.002  # prices are printed in cents: a smaller change of the factor is rounding


def open_sharadar(folder: Path) -> "Sharadar":
    """The adapter of a folder of bulk CSV files; BadInput if two of them are the same."""
    refuse_copies(data_files(folder))
    with as_file(files("wg_dagster").joinpath("data/sharadar.toml")) as path:
        return Sharadar(load_map(path), folder)


class Sharadar(Drop):
    """A drop folder whose prices and statements get a few computed columns."""

    name = "sharadar"

    def __init__(self, drop_map: DropMap, folder: Path) -> None:
        super().__init__(drop_map, folder)
        self._window: tuple[str, str] | None = None

    def _vendor_rows(self, file_map: FileMap, path: Path, months: Sequence[str]) -> pl.DataFrame:
        start, end = days_of(months)
        self._window = (f"{start - LOOK_BACK}", f"{end + timedelta(days=2)}")
        try:
            return super()._vendor_rows(file_map, path, months)
        finally:
            self._window = None

    def _scan(self, file_map: FileMap, path: Path) -> pl.LazyFrame:
        if file_map.table == "prices":
            return self._prices(_scanned(path, _PRICES, file_map))
        if file_map.table == "fundamentals":
            return self._statements(_scanned(path, _STATEMENTS, file_map).filter(pl.col("dimension").str.strip_chars() == "ARQ"))
        return super()._scan(file_map, path)

    def _prices(self, scanned: pl.LazyFrame) -> pl.LazyFrame:
        """Add `wg_factor` (adjusted over traded price), and the split and the dividend of each session."""
        if self._window:
            first, last = map(pl.lit, self._window)
            scanned = scanned.filter(pl.col("date").str.strip_chars().is_between(first, last).fill_null(value=True))
        factor = _number("close") / _number("closeunadj")
        with_cash = _number("closeadj") / _number("close")
        rows = scanned.sort("ticker", "date").with_columns(factor.alias("wg_factor"), with_cash.alias("_paid"))
        before = [
            pl.col(name).shift().over("ticker").alias(alias) for name, alias in (("wg_factor", "_factor_before"), ("_paid", "_paid_before"))
        ]
        rows = rows.with_columns(*before, _number("close").shift().over("ticker").alias("_close_before"))
        ratio = pl.col("wg_factor") / pl.col("_factor_before")
        still = (ratio - 1).abs() < _SPLIT_BLUR
        rows = rows.with_columns(pl.when(ratio.is_null() | still).then(1.0).otherwise(ratio.round_sig_figs(4)).alias("wg_split_ratio"))
        implied = (1 - pl.col("_paid_before") / pl.col("_paid")) * pl.col("_close_before") / pl.col("wg_factor")
        return self._with_dividends(rows.with_columns(implied.alias("_implied"))).drop(
            "_paid", "_factor_before", "_paid_before", "_close_before", "_implied"
        )

    def _with_dividends(self, rows: pl.LazyFrame) -> pl.LazyFrame:
        """Dividends of the table of actions; whether they are adjusted for later splits is told by the vendor's adjusted close."""
        found = sorted(self.folder.glob("*ACTIONS*.csv"))
        if not found:
            return rows.with_columns(pl.lit(None, pl.Float64).alias("wg_cash_dividend"))
        paid = (
            _scanned(found[0], ("date", "action", "ticker", "value"))
            .filter(pl.col("action").is_in(["dividend", "spinoffdividend"]))
            .group_by("ticker", "date")
            .agg(_number("value").sum().alias("_told"))
        )
        joined = rows.join(paid, on=["ticker", "date"], how="left", maintain_order="left")
        brought_back = pl.col("_told") / pl.col("wg_factor")
        nearer = (brought_back - pl.col("_implied")).abs() < (pl.col("_told") - pl.col("_implied")).abs()
        return joined.with_columns(
            pl.when(nearer.fill_null(value=False)).then(brought_back).otherwise("_told").fill_null(0.0).alias("wg_cash_dividend")
        ).drop("_told")

    def _statements(self, scanned: pl.LazyFrame) -> pl.LazyFrame:
        """Add `wg_currency`, `wg_shares` (as the vendor gives them) and `wg_share_scale` (1, or the split factor of the filing's day).

        The vendor's own market value of that day tells which of the two holds.
        """
        listed = sorted(self.folder.glob("*TICKERS*.csv"))
        told = pl.col("currency").str.strip_chars()
        known = pl.when(told.is_in(CURRENCIES)).then(told).alias("wg_currency")
        rows = scanned.with_columns((_number("sharesbas") * _number("sharefactor").fill_null(1.0)).alias("wg_shares"))
        if listed:
            lines = _scanned(listed[0], ("ticker", "currency")).select("ticker", known).unique("ticker", keep="first", maintain_order=True)
            rows = rows.join(lines, on="ticker", how="left", maintain_order="left")
        else:
            rows = rows.with_columns(pl.lit("USD").alias("wg_currency"))
        prices = sorted(self.folder.glob("*SEP*.csv"))
        if not prices:
            return rows.with_columns(pl.lit(None, pl.Float64).alias("wg_share_factor"), pl.lit(1.0).alias("wg_share_scale"))
        day = _scanned(prices[0], ("ticker", "date", "close", "closeunadj")).select(
            "ticker",
            pl.col("date").alias("datekey"),
            _number("closeunadj").alias("_traded"),
            (_number("close") / _number("closeunadj")).alias("wg_share_factor"),
        )
        joined = rows.join(day.unique(["ticker", "datekey"], keep="any"), on=["ticker", "datekey"], how="left", maintain_order="left")
        as_given = (_number("marketcap") / (pl.col("_traded") * pl.col("wg_shares"))).log().abs()
        brought_back = (_number("marketcap") / (pl.col("_traded") * pl.col("wg_shares") * pl.col("wg_share_factor"))).log().abs()
        return joined.with_columns(
            pl.when((brought_back < as_given).fill_null(value=False)).then("wg_share_factor").otherwise(1.0).alias("wg_share_scale")
        ).drop("_traded")


def _scanned(path: Path, needed: Sequence[str], file_map: FileMap | None = None) -> pl.LazyFrame:
    """A bulk table that has the columns of its map and those from which others are computed."""
    scanned = scan_vendor(path)
    mapped = {name for name in file_map.own_columns() if not name.startswith("wg_")} if file_map else set()
    refuse_missing(mapped | set(needed), list(scanned.collect_schema()), path, "sharadar")
    return scanned


def _number(column: str) -> pl.Expr:
    came = pl.col(column).str.strip_chars()
    return pl.when(came.is_in(NO_NUMBER).not_()).then(came).cast(pl.Float64, strict=False)
