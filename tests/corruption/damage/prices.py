"""Prices and actions that are wrong: other units, other currencies, other names, stale bars."""

import polars as pl
from delivery import Files, frame_of, with_frame

from damage.hits import scaled, session_of, some_prices, times
from damage.registry import Draw, Target, damage


@damage
def negative_prices(files: Files, draw: Draw, target: Target) -> Files:
    return scaled(files, draw, target, -1.0, days=int(draw.integers(1, 10)))


@damage
def zero_prices(files: Files, draw: Draw, target: Target) -> Files:
    return scaled(files, draw, target, 0.0, days=int(draw.integers(1, 5)))


@damage
def cents_for_dollars_one_day(files: Files, draw: Draw, target: Target) -> Files:
    return scaled(files, draw, target, float(draw.choice([100.0, 0.01])), days=1)


@damage
def cents_for_dollars_to_the_end(files: Files, draw: Draw, target: Target) -> Files:
    return scaled(files, draw, target, float(draw.choice([100.0, 0.01])), days=30)


@damage
def cents_for_dollars_all_names(files: Files, draw: Draw, _: Target) -> Files:
    rows = frame_of(files, "prices.csv")
    late = pl.col("session_date") >= session_of(rows, draw)
    return with_frame(files, "prices.csv", rows.with_columns(times(name, 100.0, late) for name in ("open", "high", "low", "close")))


@damage
def typing_error(files: Files, draw: Draw, target: Target) -> Files:
    """Two digits of one close are exchanged, or the decimal point moves by one place."""
    return scaled(files, draw, target, float(draw.choice([10.0, 0.1])), days=1, columns=("close",))


@damage
def split_that_nobody_told(files: Files, draw: Draw, target: Target) -> Files:
    terms = float(draw.choice([2.0, 3.0, 4.0, 10.0]))
    return scaled(files, draw, target, 1 / terms, days=30, volume=terms)


@damage
def split_told_twice(files: Files, draw: Draw, target: Target) -> Files:
    return some_prices(files, draw, target, "split_ratio", str(draw.choice(["2.0", "4.0", "0.1"])))


@damage
def huge_dividend(files: Files, draw: Draw, target: Target) -> Files:
    return some_prices(files, draw, target, "cash_dividend", str(draw.choice(["1000.0", "-3.0", "250.0"])))


@damage
def wrong_currency_of_prices(files: Files, draw: Draw, target: Target) -> Files:
    rows = frame_of(files, "prices.csv")
    hit = pl.col("vendor_symbol") == target.name(draw)
    other = str(draw.choice(["EUR", "JPY", "XXX", "usd", ""]))
    return with_frame(files, "prices.csv", rows.with_columns(pl.when(hit).then(pl.lit(other)).otherwise("currency").alias("currency")))


@damage
def swapped_symbols(files: Files, draw: Draw, target: Target) -> Files:
    """Two names exchange their rows from a session on; of nearly the same price they would look like each other (docs/data-quality.md)."""
    rows = frame_of(files, "prices.csv")
    closes = rows.group_by("vendor_symbol").agg(pl.col("close").cast(pl.Float64).mean())
    price = dict(closes.sort("vendor_symbol").iter_rows())
    one = target.name(draw)
    far = [symbol for symbol in price if not 0.8 < price[symbol] / price[one] < 1.25]
    other = str(draw.choice(far))
    since = pl.col("session_date") >= session_of(rows, draw)
    swapped = pl.col("vendor_symbol").replace({one: other, other: one})
    return with_frame(
        files, "prices.csv", rows.with_columns(pl.when(since).then(swapped).otherwise("vendor_symbol").alias("vendor_symbol"))
    )


@damage
def stale_session(files: Files, draw: Draw, _: Target) -> Files:
    """The whole feed repeats the session before."""
    rows = frame_of(files, "prices.csv")
    sessions = rows["session_date"].unique().sort().to_list()
    place = int(draw.integers(1, len(sessions)))
    bars = ["open", "high", "low", "close", "volume"]
    before = rows.filter(pl.col("session_date") == sessions[place - 1]).select(
        "vendor_symbol", *(pl.col(bar).alias(f"_{bar}") for bar in bars)
    )
    joined = rows.join(before, on="vendor_symbol", how="left", maintain_order="left")
    hit = (pl.col("session_date") == sessions[place]) & pl.col("_close").is_not_null()
    return with_frame(
        files,
        "prices.csv",
        joined.with_columns(pl.when(hit).then(f"_{bar}").otherwise(bar).alias(bar) for bar in bars).select(rows.columns),
    )


@damage
def stale_name(files: Files, draw: Draw, target: Target) -> Files:
    rows, symbol = frame_of(files, "prices.csv"), target.name(draw)
    own = rows.filter(pl.col("vendor_symbol") == symbol).sort("session_date")
    place = int(draw.integers(0, max(own.height - 6, 1)))
    bars = ["open", "high", "low", "close", "volume"]
    late = pl.int_range(pl.len()) > place
    frozen = own.with_columns(pl.when(late).then(pl.lit(own[bar][place])).otherwise(bar).alias(bar) for bar in bars)
    return with_frame(files, "prices.csv", pl.concat([rows.filter(pl.col("vendor_symbol") != symbol), frozen]))
