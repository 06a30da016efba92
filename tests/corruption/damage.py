"""What goes wrong with vendor files: each function damages a delivery in one way, at a place drawn by the seed."""

import io
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from zlib import crc32

import numpy as np
import polars as pl
from delivery import Files, frame_of, with_frame

Draw = np.random.Generator


@dataclass(frozen=True)
class Target:
    """Whom to hit: symbols with prices, those in portfolios first."""

    symbols: Sequence[str]
    held: Sequence[str]

    def name(self, draw: Draw) -> str:
        """A symbol; every other time one that is held."""
        return str(draw.choice(self.held if draw.random() < 0.5 else self.symbols))


Damage = Callable[[Files, Draw, Target], Files]
DAMAGES: dict[str, Damage] = {}
_DAILY = ("prices.csv", "index_levels.csv", "rates.csv")
_FILES = ("prices.csv", "statements.csv", "announcements.csv", "index_levels.csv", "rates.csv")


def damage(function: Damage) -> Damage:
    """Register a way to damage files."""
    DAMAGES[function.__name__] = function
    return function


def drawn(name: str, seed: int) -> Draw:
    """The random numbers of a damage and a seed."""
    return np.random.default_rng([seed, crc32(name.encode())])


def damaged(name: str, seed: int, files: Files, target: Target) -> Files:
    """The delivery with one damage, drawn by the seed."""
    return DAMAGES[name](files, drawn(name, seed), target)


# -- the file as a whole ------------------------------------------------------------------------------------------------------------


@damage
def cut_at_any_byte(files: Files, draw: Draw, _: Target) -> Files:
    name = str(draw.choice(_FILES))
    return {**files, name: files[name][: int(draw.uniform(0.02, 0.98) * len(files[name]))]}


@damage
def cut_after_a_line(files: Files, draw: Draw, _: Target) -> Files:
    name = str(draw.choice(_FILES))
    lines = files[name].splitlines(keepends=True)
    return {**files, name: b"".join(lines[: max(int(draw.uniform(0.1, 0.95) * len(lines)), 2)])}


@damage
def first_half_missing(files: Files, draw: Draw, _: Target) -> Files:
    name = str(draw.choice(("prices.csv", "statements.csv", "rates.csv")))
    lines = files[name].splitlines(keepends=True)
    return {**files, name: b"".join([lines[0], *lines[int(draw.uniform(0.3, 0.9) * len(lines)) :]])}


@damage
def empty_file(files: Files, draw: Draw, _: Target) -> Files:
    return {**files, str(draw.choice(_FILES)): b""}


@damage
def only_a_header(files: Files, draw: Draw, _: Target) -> Files:
    name = str(draw.choice(_FILES))
    return {**files, name: files[name].splitlines(keepends=True)[0]}


@damage
def missing_file(files: Files, draw: Draw, _: Target) -> Files:
    name = str(draw.choice(_FILES))
    return {each: content for each, content in files.items() if each != name}


@damage
def utf16(files: Files, draw: Draw, _: Target) -> Files:
    name = str(draw.choice(_FILES))
    return {**files, name: files[name].decode().encode("utf-16")}


@damage
def garbled_bytes(files: Files, draw: Draw, _: Target) -> Files:
    name = str(draw.choice(_FILES))
    content = bytearray(files[name])
    for place in draw.integers(len(files[name]) // 10, len(content), int(draw.integers(1, 30))):
        content[place] = int(draw.integers(128, 256))
    return {**files, name: bytes(content)}


@damage
def zero_bytes(files: Files, draw: Draw, _: Target) -> Files:
    name = str(draw.choice(_FILES))
    place = int(draw.uniform(0.2, 0.9) * len(files[name]))
    return {**files, name: files[name][:place] + b"\0" * 200 + files[name][place + 200 :]}


@damage
def byte_order_mark(files: Files, draw: Draw, _: Target) -> Files:
    name = str(draw.choice(_FILES))
    return {**files, name: b"\xef\xbb\xbf" + files[name]}


@damage
def mixed_line_ends(files: Files, draw: Draw, _: Target) -> Files:
    name = str(draw.choice(_FILES))
    lines = files[name].split(b"\n")
    return {**files, name: b"\n".join(line + b"\r" if line and draw.random() < 0.5 else line for line in lines)}


@damage
def old_mac_line_ends(files: Files, draw: Draw, _: Target) -> Files:
    name = str(draw.choice(_FILES))
    return {**files, name: files[name].replace(b"\n", b"\r")}


@damage
def semicolons(files: Files, draw: Draw, _: Target) -> Files:
    name = str(draw.choice(_FILES))
    return {**files, name: files[name].replace(b",", b";")}


@damage
def an_error_page(files: Files, draw: Draw, _: Target) -> Files:
    return {**files, str(draw.choice(_FILES)): b"<html><body><h1>503 Service Unavailable</h1></body></html>\n"}


@damage
def a_total_at_the_end(files: Files, draw: Draw, _: Target) -> Files:
    name = str(draw.choice(_FILES))
    return {**files, name: files[name] + f"# {int(draw.integers(1000, 9999))} rows\n".encode()}


@damage
def header_repeated_in_the_middle(files: Files, draw: Draw, _: Target) -> Files:
    name = str(draw.choice(_FILES))
    lines = files[name].splitlines(keepends=True)
    place = int(draw.integers(2, len(lines)))
    return {**files, name: b"".join([*lines[:place], lines[0], *lines[place:]])}


@damage
def a_field_too_many(files: Files, draw: Draw, _: Target) -> Files:
    name = str(draw.choice(_FILES))
    lines = files[name].splitlines()
    lines[int(draw.integers(1, len(lines)))] += b",7"
    return {**files, name: b"\n".join(lines) + b"\n"}


@damage
def quoted_line_break(files: Files, draw: Draw, target: Target) -> Files:
    rows, symbol = frame_of(files, "prices.csv"), target.name(draw)
    hit = pl.col("vendor_symbol") == symbol
    return with_frame(
        files, "prices.csv", rows.with_columns(pl.when(hit).then(pl.lit(f"{symbol}\n")).otherwise("vendor_symbol").alias("vendor_symbol"))
    )


@damage
def an_open_quote(files: Files, draw: Draw, _: Target) -> Files:
    name = str(draw.choice(_FILES))
    lines = files[name].splitlines(keepends=True)
    place = int(draw.integers(1, len(lines)))
    lines[place] = b'"' + lines[place]
    return {**files, name: b"".join(lines)}


# -- rows -----------------------------------------------------------------------------------------------------------------------------


@damage
def rows_twice(files: Files, draw: Draw, _: Target) -> Files:
    name = str(draw.choice(_FILES))
    lines = files[name].splitlines(keepends=True)
    again = [lines[place] for place in draw.integers(1, len(lines), max(len(lines) // 3, 1))]
    return {**files, name: b"".join([*lines, *again])}


@damage
def rows_twice_with_another_value(files: Files, draw: Draw, target: Target) -> Files:
    rows = frame_of(files, "prices.csv")
    again = rows.filter(pl.col("vendor_symbol") == target.name(draw)).with_columns(_times("close", 1.5))
    return with_frame(files, "prices.csv", pl.concat([rows, again]))


@damage
def statements_twice_with_another_value(files: Files, draw: Draw, target: Target) -> Files:
    rows = frame_of(files, "statements.csv")
    again = rows.filter(pl.col("vendor_symbol") == filer(rows, draw, target)).with_columns(
        _times("net_income", 3.0), _times("revenue", 3.0)
    )
    return with_frame(files, "statements.csv", pl.concat([rows, again]))


@damage
def file_twice(files: Files, draw: Draw, _: Target) -> Files:
    name = str(draw.choice(_FILES))
    return {**files, name.replace(".csv", "_copy.csv"): files[name]}


@damage
def rows_in_another_order(files: Files, draw: Draw, _: Target) -> Files:
    name = str(draw.choice(_FILES))
    rows = frame_of(files, name)
    return with_frame(files, name, rows[draw.permutation(rows.height).tolist()])


@damage
def some_names_missing(files: Files, draw: Draw, target: Target) -> Files:
    rows = frame_of(files, "prices.csv")
    gone = draw.choice(target.symbols, int(draw.integers(8, 60)), replace=False).tolist()
    return with_frame(files, "prices.csv", rows.filter(~pl.col("vendor_symbol").is_in(gone)))


@damage
def one_name_missing(files: Files, draw: Draw, target: Target) -> Files:
    rows = frame_of(files, "prices.csv")
    return with_frame(files, "prices.csv", rows.filter(pl.col("vendor_symbol") != target.name(draw)))


@damage
def a_session_missing(files: Files, draw: Draw, _: Target) -> Files:
    name = str(draw.choice(("prices.csv", "index_levels.csv")))
    rows = frame_of(files, name)
    return with_frame(files, name, rows.filter(pl.col("session_date") != session_of(rows, draw)))


@damage
def last_session_missing(files: Files, _: Draw, __: Target) -> Files:
    rows = frame_of(files, "prices.csv")
    return with_frame(files, "prices.csv", rows.filter(pl.col("session_date") != rows["session_date"].max()))


@damage
def no_new_statements(files: Files, draw: Draw, _: Target) -> Files:
    rows = frame_of(files, "statements.csv")
    return with_frame(files, "statements.csv", rows.head(int(draw.integers(1, 15))))


@damage
def late_rows(files: Files, draw: Draw, _: Target) -> Files:
    rows = frame_of(files, "prices.csv")
    last = pl.col("session_date") >= rows["session_date"].unique().sort()[-int(draw.integers(1, 4))]
    return with_frame(
        files, "prices.csv", rows.with_columns(pl.when(last).then(pl.lit("2025-06-01T12:00:00Z")).otherwise("known_at").alias("known_at"))
    )


@damage
def restated_statement(files: Files, draw: Draw, target: Target) -> Files:
    rows = frame_of(files, "statements.csv")
    again = rows.filter(pl.col("vendor_symbol") == filer(rows, draw, target)).head(1)
    factor = float(draw.uniform(1.5, 3.0))
    again = again.with_columns(
        pl.lit("2025-05-29T12:00:00Z").alias("known_at"), *(_times(name, factor) for name in ("net_income", "revenue", "equity"))
    )
    return with_frame(files, "statements.csv", pl.concat([rows, again]))


# -- columns --------------------------------------------------------------------------------------------------------------------------


@damage
def column_added(files: Files, draw: Draw, _: Target) -> Files:
    name = str(draw.choice(_FILES))
    rows = frame_of(files, name)
    return with_frame(files, name, rows.insert_column(int(draw.integers(0, rows.width)), pl.lit("new").alias("rating")))


@damage
def column_renamed(files: Files, draw: Draw, _: Target) -> Files:
    name = str(draw.choice(_FILES))
    rows = frame_of(files, name)
    column = str(draw.choice(rows.columns))
    return with_frame(files, name, rows.rename({column: f"{column}_v2"}))


@damage
def column_twice(files: Files, draw: Draw, _: Target) -> Files:
    name = str(draw.choice(_FILES))
    lines = files[name].splitlines()
    first = lines[0].split(b",")[-1]
    return {**files, name: b"\n".join([lines[0] + b"," + first, *(line + b",1" for line in lines[1:])]) + b"\n"}


@damage
def columns_reordered(files: Files, draw: Draw, _: Target) -> Files:
    name = str(draw.choice(_FILES))
    rows = frame_of(files, name)
    return with_frame(files, name, rows.select(draw.permutation(rows.columns).tolist()))


@damage
def header_in_capitals(files: Files, draw: Draw, _: Target) -> Files:
    name = str(draw.choice(_FILES))
    first, rest = files[name].split(b"\n", 1)
    return {**files, name: first.upper() + b"\n" + rest}


@damage
def header_lost(files: Files, draw: Draw, _: Target) -> Files:
    name = str(draw.choice(_FILES))
    return {**files, name: files[name].split(b"\n", 1)[1]}


@damage
def header_shifted(files: Files, draw: Draw, _: Target) -> Files:
    """The names of two columns of figures are exchanged: the values stand under the wrong names."""
    pairs = (("open", "close"), ("high", "low"), ("close", "volume"), ("close", "cash_dividend"), ("close", "split_ratio"))
    one, other = pairs[int(draw.integers(len(pairs)))]
    rows = frame_of(files, "prices.csv")
    return with_frame(files, "prices.csv", rows.rename({one: other, other: one}))


@damage
def numbers_as_words(files: Files, draw: Draw, _: Target) -> Files:
    rows = frame_of(files, "prices.csv")
    unit = str(draw.choice(["$", "USD ", "~", "'"]))
    return with_frame(files, "prices.csv", rows.with_columns((pl.lit(unit) + pl.col("close")).alias("close")))


@damage
def volume_in_thousands(files: Files, draw: Draw, target: Target) -> Files:
    rows = frame_of(files, "prices.csv")
    whole = draw.random() < 0.5
    hit = pl.lit(value=True) if whole else pl.col("vendor_symbol") == target.name(draw)
    return with_frame(files, "prices.csv", rows.with_columns(_times("volume", 0.001, hit)))


# -- spelling of numbers and dates ----------------------------------------------------------------------------------------------------


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
    return _some_prices(files, draw, target, "close", str(draw.choice(["NaN", "nan", "", "null", "#N/A"])))


@damage
def infinite(files: Files, draw: Draw, target: Target) -> Files:
    return _some_prices(
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


# -- wrong values ---------------------------------------------------------------------------------------------------------------------


@damage
def negative_prices(files: Files, draw: Draw, target: Target) -> Files:
    return _scaled(files, draw, target, -1.0, days=int(draw.integers(1, 10)))


@damage
def zero_prices(files: Files, draw: Draw, target: Target) -> Files:
    return _scaled(files, draw, target, 0.0, days=int(draw.integers(1, 5)))


@damage
def cents_for_dollars_one_day(files: Files, draw: Draw, target: Target) -> Files:
    return _scaled(files, draw, target, float(draw.choice([100.0, 0.01])), days=1)


@damage
def cents_for_dollars_to_the_end(files: Files, draw: Draw, target: Target) -> Files:
    return _scaled(files, draw, target, float(draw.choice([100.0, 0.01])), days=30)


@damage
def cents_for_dollars_all_names(files: Files, draw: Draw, _: Target) -> Files:
    rows = frame_of(files, "prices.csv")
    late = pl.col("session_date") >= session_of(rows, draw)
    return with_frame(files, "prices.csv", rows.with_columns(_times(name, 100.0, late) for name in ("open", "high", "low", "close")))


@damage
def typing_error(files: Files, draw: Draw, target: Target) -> Files:
    """Two digits of one close are exchanged, or the decimal point moves by one place."""
    return _scaled(files, draw, target, float(draw.choice([10.0, 0.1])), days=1, columns=("close",))


@damage
def split_that_nobody_told(files: Files, draw: Draw, target: Target) -> Files:
    terms = float(draw.choice([2.0, 3.0, 4.0, 10.0]))
    return _scaled(files, draw, target, 1 / terms, days=30, volume=terms)


@damage
def split_told_twice(files: Files, draw: Draw, target: Target) -> Files:
    return _some_prices(files, draw, target, "split_ratio", str(draw.choice(["2.0", "4.0", "0.1"])))


@damage
def huge_dividend(files: Files, draw: Draw, target: Target) -> Files:
    return _some_prices(files, draw, target, "cash_dividend", str(draw.choice(["1000.0", "-3.0", "250.0"])))


@damage
def wrong_currency_of_prices(files: Files, draw: Draw, target: Target) -> Files:
    rows = frame_of(files, "prices.csv")
    hit = pl.col("vendor_symbol") == target.name(draw)
    other = str(draw.choice(["EUR", "JPY", "XXX", "usd", ""]))
    return with_frame(files, "prices.csv", rows.with_columns(pl.when(hit).then(pl.lit(other)).otherwise("currency").alias("currency")))


@damage
def wrong_currency_of_statements(files: Files, draw: Draw, target: Target) -> Files:
    rows = frame_of(files, "statements.csv")
    hit = pl.col("vendor_symbol") == filer(rows, draw, target)
    other = str(draw.choice(["EUR", "JPY", "XXX"]))
    return with_frame(files, "statements.csv", rows.with_columns(pl.when(hit).then(pl.lit(other)).otherwise("currency").alias("currency")))


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
def swapped_statements(files: Files, draw: Draw, target: Target) -> Files:
    rows = frame_of(files, "statements.csv")
    one = filer(rows, draw, target)
    other = str(draw.choice([symbol for symbol in rows["vendor_symbol"].unique().sort() if symbol != one]))
    return with_frame(files, "statements.csv", rows.with_columns(pl.col("vendor_symbol").replace({one: other, other: one})))


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


@damage
def statements_in_thousands(files: Files, draw: Draw, target: Target) -> Files:
    rows = frame_of(files, "statements.csv")
    hit = pl.lit(value=True) if draw.random() < 0.3 else pl.col("vendor_symbol") == filer(rows, draw, target)
    factor = float(draw.choice([1e3, 1e-3, 1e6, 1e-6]))
    money = [
        name
        for name in (
            "revenue",
            "operating_profit",
            "net_income",
            "assets",
            "equity",
            "debt",
            "cash",
            "current_assets",
            "total_liabilities",
            "pretax_income",
            "operating_cash_flow",
        )
        if name in rows.columns
    ]
    return with_frame(files, "statements.csv", rows.with_columns(_times(name, factor, hit) for name in money))


@damage
def one_item_in_thousands(files: Files, draw: Draw, target: Target) -> Files:
    column = str(
        draw.choice(
            [
                "revenue",
                "net_income",
                "assets",
                "equity",
                "shares_outstanding",
                "operating_profit",
                "eps_diluted",
                "debt",
                "operating_cash_flow",
                "current_assets",
            ]
        )
    )
    return statement_of(files, draw, target, _factor(draw), column)


@damage
def earnings_per_share_in_cents(files: Files, draw: Draw, target: Target) -> Files:
    rows = frame_of(files, "statements.csv")
    hit = pl.col("vendor_symbol") == filer(rows, draw, target)
    return with_frame(files, "statements.csv", rows.with_columns(_times(name, 100.0, hit) for name in ("eps_basic", "eps_diluted")))


@damage
def sign_lost(files: Files, draw: Draw, target: Target) -> Files:
    return statement_of(
        files, draw, target, -1.0, str(draw.choice(["net_income", "revenue", "assets", "eps_diluted", "shares_outstanding"]))
    )


@damage
def period_ends_after_publication(files: Files, draw: Draw, target: Target) -> Files:
    rows = frame_of(files, "statements.csv")
    hit = pl.col("vendor_symbol") == filer(rows, draw, target)
    later = str(draw.choice(["2025-12-31", "2026-03-31", "2099-12-31"]))
    return with_frame(
        files, "statements.csv", rows.with_columns(pl.when(hit).then(pl.lit(later)).otherwise("period_end_date").alias("period_end_date"))
    )


@damage
def period_of_another_century(files: Files, draw: Draw, target: Target) -> Files:
    rows = frame_of(files, "statements.csv")
    hit = pl.col("vendor_symbol") == filer(rows, draw, target)
    return with_frame(
        files,
        "statements.csv",
        rows.with_columns(pl.when(hit).then(pl.lit("1925-03-31")).otherwise("period_end_date").alias("period_end_date")),
    )


@damage
def wrong_quarter(files: Files, draw: Draw, target: Target) -> Files:
    rows = frame_of(files, "statements.csv")
    hit = pl.col("vendor_symbol") == filer(rows, draw, target)
    other = pl.col("fiscal_period").replace({"Q1": "Q3", "Q2": "Q1", "Q3": "Q2", "FY": "Q1"})
    return with_frame(
        files, "statements.csv", rows.with_columns(pl.when(hit).then(other).otherwise("fiscal_period").alias("fiscal_period"))
    )


@damage
def announced_in_cents(files: Files, draw: Draw, target: Target) -> Files:
    rows = frame_of(files, "announcements.csv")
    hit = pl.lit(value=True) if draw.random() < 0.5 else pl.col("vendor_symbol") == filer(rows, draw, target)
    return with_frame(files, "announcements.csv", rows.with_columns(_times("actual_eps", 100.0, hit)))


@damage
def index_in_another_unit(files: Files, draw: Draw, _: Target) -> Files:
    rows = frame_of(files, "index_levels.csv")
    late = pl.col("session_date") >= session_of(rows, draw)
    factor = float(draw.choice([0.1, 10.0, 100.0]))
    return with_frame(files, "index_levels.csv", rows.with_columns(_times("level", factor, late)))


@damage
def rates_in_percent(files: Files, draw: Draw, _: Target) -> Files:
    rows = frame_of(files, "rates.csv")
    which = str(draw.choice(["us_bill", "usdjpy"]))
    return with_frame(files, "rates.csv", rows.with_columns(_times("value", 100.0, pl.col("rate_id") == which)))


# -- hostile text ---------------------------------------------------------------------------------------------------------------------


@damage
def path_as_symbol(files: Files, draw: Draw, target: Target) -> Files:
    return _renamed(files, draw, target, str(draw.choice(["../../../etc/passwd", "..\\..\\boot", "/dev/null", "a/b\x00c"])))


@damage
def script_as_symbol(files: Files, draw: Draw, target: Target) -> Files:
    return _renamed(files, draw, target, "<script>alert(1)</script>")


@damage
def script_as_name(files: Files, draw: Draw, target: Target) -> Files:
    return _told(files, draw, target, "<script>alert('x')</script>")


@damage
def formula_as_name(files: Files, draw: Draw, target: Target) -> Files:
    return _told(files, draw, target, '=HYPERLINK("x")')


@damage
def statement_as_symbol(files: Files, draw: Draw, target: Target) -> Files:
    return _renamed(files, draw, target, "'; drop table prices; --")


@damage
def long_symbol(files: Files, draw: Draw, target: Target) -> Files:
    return _renamed(files, draw, target, "X" * 300)


@damage
def long_name(files: Files, draw: Draw, target: Target) -> Files:
    return _told(files, draw, target, "Long " * 20_000)


@damage
def blanks_around(files: Files, draw: Draw, _: Target) -> Files:
    rows = frame_of(files, "prices.csv")
    return with_frame(
        files,
        "prices.csv",
        rows.with_columns(pl.format(" {}\t", "vendor_symbol").alias("vendor_symbol"), pl.format(" {} ", "close").alias("close")),
    )


@damage
def lower_case_symbols(files: Files, draw: Draw, _: Target) -> Files:
    rows = frame_of(files, "prices.csv")
    return with_frame(files, "prices.csv", rows.with_columns(pl.col("vendor_symbol").str.to_lowercase()))


# -- helpers --------------------------------------------------------------------------------------------------------------------------


def _times(column: str, factor: float, hit: pl.Expr | None = None) -> pl.Expr:
    """Text of a figure times a factor, where `hit`."""
    made = (pl.col(column).cast(pl.Float64) * factor).round_sig_figs(12).cast(pl.String)
    return (made if hit is None else pl.when(hit).then(made).otherwise(column)).alias(column)


def session_of(rows: pl.DataFrame, draw: Draw) -> str:
    sessions = rows["session_date"].unique().sort().to_list()
    return sessions[int(draw.integers(1, len(sessions)))]


def filer(rows: pl.DataFrame, draw: Draw, target: Target) -> str:
    """A symbol with a row; every other time one that is held, where there is one."""
    there = rows["vendor_symbol"].unique().sort().to_list()
    held = [symbol for symbol in there if symbol in set(target.held)]
    return str(draw.choice(held if held and draw.random() < 0.5 else there))


def _factor(draw: Draw) -> float:
    return float(draw.choice([1e3, 1e-3, 1e6]))


def _scaled(
    files: Files,
    draw: Draw,
    target: Target,
    factor: float,
    *,
    days: int,
    volume: float = 1.0,
    columns: Sequence[str] = ("open", "high", "low", "close"),
) -> Files:
    """Prices of a name times a factor, for some sessions from one on."""
    rows = frame_of(files, "prices.csv")
    sessions = rows["session_date"].unique().sort().to_list()
    first = int(draw.integers(1, len(sessions)))
    hit = (pl.col("vendor_symbol") == target.name(draw)) & pl.col("session_date").is_in(sessions[first : first + days])
    changed = [_times(name, factor, hit) for name in columns]
    return with_frame(files, "prices.csv", rows.with_columns(*changed, _times("volume", volume, hit)))


def _some_prices(files: Files, draw: Draw, target: Target, column: str, value: str) -> Files:
    """A column of one name in one session."""
    rows = frame_of(files, "prices.csv")
    hit = (pl.col("vendor_symbol") == target.name(draw)) & (pl.col("session_date") == session_of(rows, draw))
    return with_frame(files, "prices.csv", rows.with_columns(pl.when(hit).then(pl.lit(value)).otherwise(column).alias(column)))


def statement_of(files: Files, draw: Draw, target: Target, factor: float, column: str) -> Files:
    rows = frame_of(files, "statements.csv")
    hit = pl.col("vendor_symbol") == filer(rows, draw, target)
    return with_frame(files, "statements.csv", rows.with_columns(_times(column, factor, hit)))


def _renamed(files: Files, draw: Draw, target: Target, symbol: str) -> Files:
    """The rows of a name, from a session on, under another symbol."""
    rows = frame_of(files, "prices.csv")
    hit = (pl.col("vendor_symbol") == target.name(draw)) & (pl.col("session_date") >= session_of(rows, draw))
    return with_frame(
        files, "prices.csv", rows.with_columns(pl.when(hit).then(pl.lit(symbol)).otherwise("vendor_symbol").alias("vendor_symbol"))
    )


def _told(files: Files, draw: Draw, target: Target, name: str) -> Files:
    """A new line about a listed name, which only changes its name."""
    content = pl.read_csv(io.BytesIO(files["securities.csv"]), infer_schema=False)
    line = dict.fromkeys(content.columns) | {
        "known_at": "2025-05-12T20:00:00Z",
        "vendor_symbol": target.name(draw),
        "name": name,
        "exchange": "XNYS",
        "currency": "USD",
        "security_type": "common",
    }
    return with_frame(files, "securities.csv", pl.concat([content, pl.DataFrame([line], schema=content.schema)]))
