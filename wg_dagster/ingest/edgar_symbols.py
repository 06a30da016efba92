"""Which listed lines a filer has: by the vendor's list of tickers, else by the name of the filing's document, else its number."""

import csv
from collections.abc import Mapping, Sequence
from functools import cache
from importlib.resources import files
from typing import Any

import polars as pl

from wg_dagster.errors import UnreadableFile

EXCHANGES = {"NYSE": "XNYS", "Nasdaq": "XNAS", "NASDAQ": "XNAS", "NYSE American": "XASE", "NYSE Arca": "ARCX"}
LINES = {"cik": pl.Int64, "symbol": pl.String, "exchange": pl.String, "kind": pl.String, "share_class": pl.String}
_PREFERRED = r"^([A-Z]+)-P([A-Z]?)$"


def listed_lines(said: Any, name: str) -> pl.DataFrame:
    """| cik | symbol | exchange | kind | share_class | of a list of tickers (company_tickers.json, with or without exchanges)."""
    if isinstance(said, dict) and isinstance(said.get("fields"), list) and isinstance(said.get("data"), list):
        rows = [dict(zip(said["fields"], row, strict=False)) for row in said["data"]]
    elif isinstance(said, dict) and all(isinstance(row, dict) for row in said.values()):
        rows = [{**row, "cik": row.get("cik_str")} for row in said.values()]
    else:
        raise UnreadableFile(f"{name} is no list of tickers; fetch it again or take it out of the folder")
    return _lines([(row.get("cik"), row.get("ticker"), row.get("exchange")) for row in rows])


def lines_of_company(said: Mapping[str, Any]) -> pl.DataFrame:
    """The same of a company's own list of filings."""
    tickers: Sequence[str] = said.get("tickers") or []
    exchanges: Sequence[str | None] = said.get("exchanges") or [None] * len(tickers)
    return _lines([(int(said["cik"]), ticker, exchange) for ticker, exchange in zip(tickers, exchanges, strict=False)])


def _lines(found: list[tuple[Any, Any, Any]]) -> pl.DataFrame:
    kept = [(int(cik), str(ticker).upper(), exchange) for cik, ticker, exchange in found if cik is not None and ticker]
    rows = pl.DataFrame(kept, schema={"cik": pl.Int64, "ticker": pl.String, "_exchange": pl.String}, orient="row")
    ticker = pl.col("ticker")
    listed = pl.col("_exchange").replace_strict(EXCHANGES, default=None, return_dtype=pl.String)
    kind = (
        pl.when(ticker.str.contains(_PREFERRED))
        .then(pl.lit("preferred"))
        .when(ticker.str.contains(r"-(WT|WS|RI?)[A-Z]?$"))
        .then(pl.lit("other"))
        .when(ticker.str.contains(r"-UN?$"))
        .then(pl.lit("unit"))
        .when(pl.col("_exchange").is_not_null() & listed.is_null())
        .then(pl.lit("other"))  # traded off the exchanges of the calendar
        .otherwise(pl.lit("common"))
    )
    spelled = (
        pl.when(ticker.str.contains(_PREFERRED))
        .then(ticker.str.replace(_PREFERRED, "${1}^${2}"))
        .otherwise(ticker.str.replace("-", ".", literal=True))
    )
    return (
        rows.select("cik", spelled.alias("symbol"), listed.alias("exchange"), kind.alias("kind"))
        .with_columns(pl.when(pl.col("kind") == "common").then(pl.col("symbol").str.extract(r"\.([A-Z])$")).alias("share_class"))
        .unique(["cik", "symbol"], keep="first", maintain_order=True)
    )


def with_lines(filings: pl.DataFrame, lines: pl.DataFrame) -> pl.DataFrame:
    """One row a filing and line of stock: `symbol`, `exchange`, `kind`, `share_class`, `symbol_is` (listed, guessed, number), `lines`."""
    guess = pl.col("instance").str.extract(r"^([a-z]{1,5})-\d{8}").str.to_uppercase()
    number = pl.concat_str(pl.lit("CIK"), pl.col("cik").cast(pl.String).str.zfill(10))
    joined = filings.join(lines.unique(["cik", "symbol"], keep="first", maintain_order=True), on="cik", how="left", maintain_order="left")
    foreign = pl.col("form").str.starts_with("20-F")
    return joined.with_columns(
        pl.when(pl.col("symbol").is_not_null())
        .then(pl.lit("listed"))
        .when(guess.is_not_null())
        .then(pl.lit("guessed"))
        .otherwise(pl.lit("number"))
        .alias("symbol_is"),
        pl.coalesce("symbol", guess, number).alias("symbol"),
        pl.when(foreign & (pl.col("kind").fill_null("common") == "common")).then(pl.lit("adr")).otherwise(pl.col("kind")).alias("kind"),
        (pl.col("kind") == "common").sum().over("accn").alias("lines"),
    )


@cache
def sectors() -> pl.DataFrame:
    """| sic | sector | industry | is_financial |, one row a code."""
    text = files("wg_dagster").joinpath("data/sic_sectors.csv").read_text(encoding="utf-8")
    rows = [
        {"sic": code, "sector": row["sector"], "industry": row["industry"], "is_financial": row["is_financial"] == "true"}
        for row in csv.DictReader(text.splitlines())
        for code in range(int(row["first"]), int(row["last"]) + 1)
    ]
    return pl.DataFrame(rows, schema_overrides={"sic": pl.Int32})
