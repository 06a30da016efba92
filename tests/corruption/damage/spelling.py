"""Numbers and dates written otherwise, and dates of another day."""

import polars as pl
from delivery import Files, frame_of, with_frame

from damage.hits import filer, session_of, some_prices
from damage.registry import Draw, Target, damage


@damage
def decimal_comma(files: Files, draw: Draw, target: Target) -> Files:
    rows = frame_of(files, "prices.csv")
    hit = pl.lit(value=True) if draw.random() < 0.5 else pl.col("vendor_symbol") == target.name(draw)
    columns = ["open", "high", "low", "close"]
    return with_frame(
        files,
        "prices.csv",
        rows.with_columns(
            pl.when(hit).then(pl.col(name).str.replace(".", ",", literal=True)).otherwise(name).alias(name) for name in columns
        ),
    )


@damage
def thousands_separators(files: Files, draw: Draw, _: Target) -> Files:
    rows = frame_of(files, "prices.csv")
    grouped = [f"{float(value):,.4f}" for value in rows["close"]]
    return with_frame(files, "prices.csv", rows.with_columns(pl.Series("close", grouped)))


@damage
def exponents(files: Files, draw: Draw, _: Target) -> Files:
    rows = frame_of(files, "prices.csv")
    return with_frame(files, "prices.csv", rows.with_columns(pl.Series("close", [f"{float(value):.10e}" for value in rows["close"]])))


@damage
def not_a_number(files: Files, draw: Draw, target: Target) -> Files:
    return some_prices(files, draw, target, "close", str(draw.choice(["NaN", "nan", "", "null", "#N/A"])))


@damage
def infinite(files: Files, draw: Draw, target: Target) -> Files:
    return some_prices(
        files,
        draw,
        target,
        str(draw.choice(["close", "volume", "split_ratio", "cash_dividend"])),
        str(draw.choice(["inf", "-inf", "Infinity", "1e999"])),
    )


@damage
def infinite_statement(files: Files, draw: Draw, target: Target) -> Files:
    rows = frame_of(files, "statements.csv")
    column = str(draw.choice(["revenue", "net_income", "assets", "equity", "eps_diluted", "shares_outstanding"]))
    hit = pl.col("vendor_symbol") == filer(rows, draw, target)
    return with_frame(files, "statements.csv", rows.with_columns(pl.when(hit).then(pl.lit("inf")).otherwise(column).alias(column)))


@damage
def american_dates(files: Files, draw: Draw, _: Target) -> Files:
    rows = frame_of(files, "prices.csv")
    return with_frame(files, "prices.csv", rows.with_columns(pl.col("session_date").str.to_date().dt.strftime("%m/%d/%Y")))


@damage
def dates_of_another_time_zone(files: Files, draw: Draw, _: Target) -> Files:
    rows = frame_of(files, "prices.csv")
    days = str(draw.choice(["1d", "-1d"]))
    return with_frame(files, "prices.csv", rows.with_columns(pl.col("session_date").str.to_date().dt.offset_by(days).cast(pl.String)))


@damage
def dates_of_one_name_shifted(files: Files, draw: Draw, target: Target) -> Files:
    rows = frame_of(files, "prices.csv")
    hit = pl.col("vendor_symbol") == target.name(draw)
    moved = pl.col("session_date").str.to_date().dt.offset_by("-1d").cast(pl.String)
    return with_frame(files, "prices.csv", rows.with_columns(pl.when(hit).then(moved).otherwise("session_date").alias("session_date")))


@damage
def future_dates(files: Files, draw: Draw, target: Target) -> Files:
    rows = frame_of(files, "prices.csv")
    hit = (pl.col("vendor_symbol") == target.name(draw)) & (pl.col("session_date") == session_of(rows, draw))
    later = str(draw.choice(["2025-07-01", "2052-05-12", "9999-12-31"]))
    return with_frame(
        files, "prices.csv", rows.with_columns(pl.when(hit).then(pl.lit(later)).otherwise("session_date").alias("session_date"))
    )


@damage
def known_in_the_future(files: Files, draw: Draw, target: Target) -> Files:
    rows = frame_of(files, "statements.csv")
    hit = pl.col("vendor_symbol") == filer(rows, draw, target)
    return with_frame(
        files,
        "statements.csv",
        rows.with_columns(pl.when(hit).then(pl.lit("2031-05-09T20:00:00Z")).otherwise("known_at").alias("known_at")),
    )


@damage
def known_at_lost(files: Files, draw: Draw, target: Target) -> Files:
    rows = frame_of(files, "statements.csv")
    hit = pl.col("vendor_symbol") == filer(rows, draw, target)
    return with_frame(files, "statements.csv", rows.with_columns(pl.when(hit).then(pl.lit("soon")).otherwise("known_at").alias("known_at")))
