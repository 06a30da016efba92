"""Which security a vendor's symbol meant, decided only from what had been seen by then.

A security begins where its symbol is first seen. A symbol that returns after more than 90 silent sessions is a new security; a symbol
that takes over issuer and share class of another one, which fell silent at most 5 sessions before, is the same security renamed. Every
such decision is made once, with what is visible at the cut-off of the month in which the symbol first appears, and never changes.
"""

import hashlib
from dataclasses import dataclass, field
from functools import lru_cache

import polars as pl

from wg_dagster.clean.renames import SYMBOL, renames_of, told_issuers
from wg_dagster.clean.spans import PRICED
from wg_dagster.clean.views import MARKET_OF_EXCHANGE, local_date, market_sessions, session_index_on, with_visible_month

SILENCE = 90  # sessions without a price after which a symbol has been given to another line


@dataclass(frozen=True)
class Identity:
    """What `identify` decided.

    `holders`: one row a source, symbol and holder, | source | vendor_symbol | market | valid_from | valid_to | security_id | holder |
    with holder = 0 for the first one. `seen`: | security_id | market | table | currency | vendor_symbol | valid_from | valid_to |
    known_at | visible_month |, the spans with their security. `issuers`: | security_id | issuer | issuer_known_at |, where known.
    """

    holders: pl.DataFrame
    seen: pl.DataFrame
    issuers: pl.DataFrame

    def assign(self, rows: pl.DataFrame, *, date: str = "known_at") -> pl.DataFrame:
        """Add `security_id` and `market` (null where the symbol is not known) by source, symbol and the date of the row."""
        holders = self.holders.select("source", "vendor_symbol", "market", "valid_from", "security_id", "holder")
        shared = holders.filter(pl.col("holder") > 0).select("source", "vendor_symbol").unique()
        first = holders.filter(pl.col("holder") == 0).select("source", "vendor_symbol", "market", "security_id")
        placed = rows.join(first, on=["source", "vendor_symbol"], how="left", validate="m:1", maintain_order="left")
        if shared.is_empty() or rows.is_empty():
            return placed
        numbered = placed.with_row_index("_row")
        moved = _later_holder(numbered.join(shared, on=["source", "vendor_symbol"], how="semi"), holders, date)
        return (
            numbered.join(moved, on="_row", how="left", validate="1:1", maintain_order="left")
            .with_columns(pl.coalesce("_holder_id", "security_id").alias("security_id"))
            .drop("_row", "_holder_id")
        )

    def with_issuer(self, rows: pl.DataFrame, *, as_of: str) -> pl.DataFrame:
        """Add `issuer_id` as known at the instant in column `as_of`; needs `security_id` and `market`."""
        joined = rows.join(self.issuers, on="security_id", how="left", validate="m:1", maintain_order="left")
        known = pl.col("issuer_known_at") <= pl.col(as_of)
        keyed = joined.with_columns(
            pl.when(known).then(pl.concat_str("market", pl.lit("|"), "issuer")).otherwise(pl.col("security_id")).alias("_issuer")
        )
        ids = _hashes(keyed["_issuer"].unique().drop_nulls(), "i")
        return (
            keyed.join(ids, left_on="_issuer", right_on="key", how="left", validate="m:1", maintain_order="left")
            .rename({"id": "issuer_id"})
            .drop("_issuer", "issuer", "issuer_known_at")
        )


@dataclass(frozen=True)
class _Sightings:
    """Frames that compare by content, so that every station of a run shares one decision."""

    digest: bytes
    spans: pl.DataFrame = field(compare=False)
    securities: pl.DataFrame = field(compare=False)


def identify(spans: pl.DataFrame, securities: pl.DataFrame) -> Identity:
    """Decide the security behind each symbol from `symbol_spans` and raw `securities`."""
    digest = b"".join(hashlib.sha256(rows.hash_rows().to_numpy().tobytes()).digest() for rows in (spans, securities))
    return _decided(_Sightings(digest, spans, securities))


@lru_cache(maxsize=32)
def _decided(sightings: _Sightings) -> Identity:
    told = _told(sightings.securities)
    placed = with_visible_month(_with_markets(sightings.spans, told)).with_columns(_symbol_number())
    placed = session_index_on(session_index_on(placed, "valid_from", "first_index"), "valid_to", "last_index")
    holders = _held(placed, None)
    renames = renames_of(holders, with_visible_month(told_issuers(told, placed)))
    back = placed.join(_given_up(placed, renames), on="symbol", how="inner").filter(pl.col("visible_month") > pl.col("_lost_month"))
    if back.height:
        holders = _held(placed, renames)
    return _identity(holders, renames, told)


def _symbol_number() -> pl.Expr:
    """A number for each market and symbol: only to group by, its order means nothing."""
    return pl.concat_str("market", "vendor_symbol", separator="|").cast(pl.Categorical).to_physical().alias("symbol")


def _told(securities: pl.DataFrame) -> pl.DataFrame:
    return securities.filter(pl.col("vendor_symbol").is_not_null()).sort("known_at", "source", "source_file", "source_line")


def _with_markets(spans: pl.DataFrame, told: pl.DataFrame) -> pl.DataFrame:
    """Add `market`: by exchange, else by the currency of the prices, else by the spelling (Tokyo's codes begin with a digit)."""
    exchanges = _listed_on(told).rename({"market": "_told"})
    priced = (
        spans.filter(pl.col("table").is_in(PRICED) & pl.col("currency").is_in(["USD", "JPY"]))
        .sort("known_at", "table", "valid_from")
        .unique(["source", "vendor_symbol"], keep="first", maintain_order=True)
        .select(
            "source",
            "vendor_symbol",
            pl.col("currency").replace_strict({"USD": "US", "JPY": "JP"}, default=None, return_dtype=pl.String).alias("_priced"),
        )
    )
    symbols = ["source", "vendor_symbol"]
    return (
        spans.join(exchanges, on=symbols, how="left", validate="m:1")
        .join(priced, on=symbols, how="left", validate="m:1")
        .with_columns(pl.coalesce("_told", "_priced", _spelled()).alias("market"))
        .drop("_told", "_priced")
    )


def _listed_on(told: pl.DataFrame) -> pl.DataFrame:
    """| source | vendor_symbol | market | by the first exchange that was told; null for an exchange without a calendar here."""
    first = told.drop_nulls("exchange").unique(["source", "vendor_symbol"], keep="first", maintain_order=True)
    market = pl.col("exchange").replace_strict(MARKET_OF_EXCHANGE, default=None, return_dtype=pl.String)
    return first.select("source", "vendor_symbol", market.alias("market"))


def _spelled() -> pl.Expr:
    return pl.when(pl.col("vendor_symbol").str.contains(r"^\d")).then(pl.lit("JP")).otherwise(pl.lit("US"))


def _sources(holders: pl.DataFrame, told: pl.DataFrame) -> pl.DataFrame:
    """| source | market | vendor_symbol |: of every source, also of those that only describe securities."""
    symbols = ["source", "vendor_symbol"]
    seen = holders.select("source", *SYMBOL).unique()
    described = (
        told.select(symbols).unique().join(seen, on=symbols, how="anti").join(_listed_on(told), on=symbols, how="left", validate="1:1")
    )
    return pl.concat([seen, described.with_columns(pl.coalesce("market", _spelled()).alias("market")).select(seen.columns)])


def _held(placed: pl.DataFrame, renames: pl.DataFrame | None) -> pl.DataFrame:
    """Spans with `holder` (0, 1, ... of the symbol), `start` (date of its first sighting) and `start_month`.

    Prices under an old symbol after its holder was renamed belong to a new holder.
    """
    priced = placed.filter(pl.col("table").is_in(PRICED)).sort("symbol", "visible_month", "first_index", "source", "table")
    priced = priced.join(_given_up(placed, renames), on="symbol", how="left", validate="m:1", maintain_order="left")
    last_before = pl.col("last_index").cum_max().shift().over("symbol")
    again = ((pl.col("visible_month") > pl.col("_lost_month")) & (pl.col("last_index") >= pl.col("_lost_index"))).fill_null(value=False)
    first_again = again & ~again.cum_max().shift(fill_value=False).over("symbol")
    fresh = ((pl.col("first_index") - last_before) > SILENCE).fill_null(value=False) | first_again
    priced = priced.with_columns(fresh.cum_sum().over("symbol").cast(pl.Int64).alias("holder"))
    starts = priced.group_by(["symbol", "holder"], maintain_order=True).agg(
        pl.col("valid_from").first().alias("start"),
        pl.col("first_index").first().alias("start_index"),
        pl.col("visible_month").first().alias("start_month"),
    )
    latest = _by_holder(placed, starts)
    first_seen = (
        placed.sort("visible_month", "valid_from")
        .group_by("symbol", maintain_order=True)
        .agg(
            pl.col("valid_from").filter(pl.col("visible_month") == pl.col("visible_month").first()).min().alias("_seen"),
            pl.col("visible_month").first().alias("_seen_month"),
        )
    )
    is_first = pl.col("holder") == 0
    return (
        latest.join(first_seen, on="symbol", how="left", validate="m:1")
        .with_columns(
            pl.when(is_first).then("_seen").otherwise("start").alias("start"),
            pl.when(is_first & (pl.col("_seen_month") < pl.col("start_month")))
            .then(None)
            .otherwise(pl.col("start_index"))
            .alias("start_index"),
            pl.when(is_first).then("_seen_month").otherwise("start_month").alias("start_month"),
        )
        .drop("_seen", "_seen_month")
    )


def _given_up(placed: pl.DataFrame, renames: pl.DataFrame | None) -> pl.DataFrame:
    """Symbols that were left for another one, and when."""
    if renames is None:
        return pl.DataFrame(schema={"symbol": pl.UInt32, "_lost_month": pl.String, "_lost_index": pl.Int32})
    numbers = placed.select("symbol", "market", pl.col("vendor_symbol").alias("old_symbol")).unique()
    left = renames.unique(["market", "old_symbol"], keep="first", maintain_order=True).join(
        numbers, on=["market", "old_symbol"], how="inner"
    )
    return left.select("symbol", pl.col("visible_month").alias("_lost_month"), pl.col("first_index").alias("_lost_index"))


def _by_holder(placed: pl.DataFrame, starts: pl.DataFrame) -> pl.DataFrame:
    """Each span with the newest holder that had begun by its end; a late capture of an old session stays with the old holder."""
    first = starts.filter(pl.col("holder") == 0)
    latest = placed.join(first, on="symbol", how="left", validate="m:1").with_columns(pl.col("holder").fill_null(0))
    later = starts.filter(pl.col("holder") > 0)
    if later.is_empty():
        return latest
    numbered = latest.with_row_index("_row")
    moved = (
        numbered.select("_row", "symbol", "valid_to")
        .join(later, on="symbol", how="inner")
        .filter(pl.col("start") <= pl.col("valid_to"))
        .sort("_row", "holder")
        .unique("_row", keep="last", maintain_order=True)
    )
    kept = numbered.join(moved, on="_row", how="anti")
    changed = numbered.drop("holder", "start", "start_index", "start_month").join(
        moved.drop("symbol", "valid_to"), on="_row", how="inner", validate="1:1"
    )
    return pl.concat([kept, changed.select(kept.columns)]).drop("_row")


def _identity(holders: pl.DataFrame, renames: pl.DataFrame, told: pl.DataFrame) -> Identity:
    starts = holders.select(*SYMBOL, "holder", "start").unique().sort(*SYMBOL, "holder")
    starts = starts.with_columns(pl.concat_str("market", "vendor_symbol", pl.col("start").dt.to_string(), separator="|").alias("key"))
    starts = starts.join(_hashes(starts["key"], "s"), on="key", how="left", validate="1:1", maintain_order="left")
    own = {(market, symbol, holder): value for market, symbol, holder, value in starts.select(*SYMBOL, "holder", "id").iter_rows()}
    ends = {}
    for change in renames.iter_rows(named=True):
        old = (change["market"], change["old_symbol"], change["old_holder"])
        own[change["market"], change["new_symbol"], change["new_holder"]] = own[old]
        ends[old] = change["first_index"]
    keys = list(starts.select(*SYMBOL, "holder").iter_rows())
    starts = starts.with_columns(
        pl.Series("security_id", [own[key] for key in keys], dtype=pl.String),
        pl.Series("_end", [ends.get(key) for key in keys], dtype=pl.Int32),
    )
    calendar = market_sessions().select("market", pl.col("session_index").alias("_end"), pl.col("session_date").alias("_end_date"))
    starts = (
        starts.join(calendar, on=["market", "_end"], how="left", validate="m:1", maintain_order="left")
        .with_columns(pl.min_horizontal("_end_date", pl.col("start").shift(-1).over(SYMBOL)).dt.offset_by("-1d").alias("_until"))
        .select(*SYMBOL, "holder", "security_id", pl.col("_until"))
    )
    known = holders.join(starts, on=[*SYMBOL, "holder"], how="left", validate="m:1")
    mapped = (
        _sources(holders, told)
        .join(starts, on=SYMBOL, how="inner")
        .join(holders.select(*SYMBOL, "holder", "start").unique(), on=[*SYMBOL, "holder"], how="left", validate="m:1")
        .select(
            "source",
            "vendor_symbol",
            "market",
            pl.col("start").alias("valid_from"),
            pl.col("_until").alias("valid_to"),
            "security_id",
            "holder",
        )
        .sort("source", "vendor_symbol", "valid_from")
    )
    seen = known.select(
        "security_id", "market", "table", "currency", "vendor_symbol", "valid_from", "valid_to", "known_at", "visible_month"
    )
    bare = Identity(mapped, seen, pl.DataFrame())
    return Identity(mapped, seen, _issuers(bare, told))


def _issuers(identity: Identity, told: pl.DataFrame) -> pl.DataFrame:
    """First issuer that was told of each security: later spellings change nothing."""
    rows = identity.assign(told.drop_nulls("issuer").with_columns(listing_date().alias("_date")), date="_date")
    first = (
        rows.drop_nulls("security_id")
        .sort("known_at", "source", "source_file", "source_line")
        .unique("security_id", keep="first", maintain_order=True)
    )
    return first.select("security_id", "issuer", pl.col("known_at").alias("issuer_known_at"))


def listing_date() -> pl.Expr:
    """Date by which a row of `securities` finds its holder: a listing told in advance belongs to the one that comes."""
    return pl.max_horizontal(pl.col("known_at").dt.offset_by("-5h").dt.date(), "listed_from")


def _later_holder(rows: pl.DataFrame, holders: pl.DataFrame, date: str) -> pl.DataFrame:
    """`_row` and `_holder_id` of the newest holder that had begun on the date of the row."""
    on = pl.col(date) if rows.schema[date] == pl.Date else local_date(pl.col(date), pl.col("market"))
    later = holders.filter(pl.col("holder") > 0).select(
        "source", "vendor_symbol", pl.col("valid_from").alias("_from"), pl.col("security_id").alias("_holder_id")
    )
    return (
        rows.select("_row", "source", "vendor_symbol", on.alias("_on"))
        .join(later, on=["source", "vendor_symbol"], how="inner")
        .filter(pl.col("_from") <= pl.col("_on"))
        .sort("_row", "_from")
        .unique("_row", keep="last", maintain_order=True)
        .select("_row", "_holder_id")
    )


def _hashes(keys: pl.Series, prefix: str) -> pl.DataFrame:
    """Short stable ids: | key | id |."""
    ids = [prefix + hashlib.sha256(key.encode()).hexdigest()[:15] for key in keys]
    return pl.DataFrame({"key": keys, "id": ids}, schema={"key": pl.String, "id": pl.String})
