"""Statements of EDGAR: quarterly data sets (zip) and company facts (JSON), with lists of tickers and of filings beside them."""

from collections.abc import Iterator, Sequence
from datetime import date
from functools import cached_property
from pathlib import Path

import polars as pl

from wg_dagster.calendars import LAST_DAY
from wg_dagster.errors import BadInput
from wg_dagster.ingest import edgar_fsds
from wg_dagster.ingest.drop import Part
from wg_dagster.ingest.drop_map import parse_file_map
from wg_dagster.ingest.edgar_choice import ANNUAL, PERIODS, QUARTERLY, chosen, tag_table, wanted_tags
from wg_dagster.ingest.edgar_facts import acceptance, company_facts, is_company
from wg_dagster.ingest.edgar_symbols import LINES, lines_of_company, listed_lines, sectors, with_lines
from wg_dagster.ingest.feed import Batch, Feed, read_json
from wg_dagster.ingest.files import LINE
from wg_dagster.ingest.raw_rows import FILE, INSTANT, set_aside
from wg_dagster.ingest.repeats import DAY

TICKERS = ("company_tickers.json", "company_tickers_exchange.json")
_TOLD = [("accn", pl.String), ("told_at", pl.String), ("told_sic", pl.Int32)]  # of a company's list of filings
_STALE = 10  # days between acceptance and filing date beyond which one of them is a typing error
_ITEMS = tuple(tag_table()["item"].unique().sort())
_SHARED = {"source": "edgar", "path": "*", "calendar": "XNYS", "known_at": {"column": "_known_at", "at": "instant"}}


def _flag(name: str, column: str, value: str) -> dict[str, object]:
    return {"flag": name, "when": {"column": column, "equals": value}}


_SYMBOL_FLAGS = [_flag("symbol_assumed", "symbol_is", "guessed"), _flag("no_ticker", "symbol_is", "number")]
STATEMENTS = parse_file_map(
    {
        **_SHARED,
        "table": "fundamentals",
        "flags": [
            *_SYMBOL_FLAGS,
            _flag("period_label_assumed", "label_is", "assumed"),
            _flag("period_end_rounded", "end_is", "rounded"),
            _flag("accepted_unknown", "known_by", "day"),
            _flag("several_lines", "shares_are", "shared"),
        ],
        "columns": {
            "vendor_symbol": "symbol",
            "period_end_date": "period",
            "fiscal_period": "fiscal_period",
            "fiscal_year": {"column": "fy", "at_least": 1990, "at_most": 2100},
            "currency": "currency",
            "accounting_standard": "accounting_standard",
            "is_consolidated": True,
            "income_is_cumulative": "income_is_cumulative",
            "cash_flow_is_cumulative": "cash_flow_is_cumulative",
            "filing_type": "filing_type",
            **{item: item for item in _ITEMS},
        },
    },
    "edgar statements",
)
SECURITIES = parse_file_map(
    {
        **_SHARED,
        "table": "securities",
        "flags": [
            *_SYMBOL_FLAGS,
            _flag("sector_assumed", "sic_of", "today"),
            {"flag": "sector_unknown", "when": {"column": "sector", "missing": True}},
        ],
        "columns": {
            "vendor_symbol": "symbol",
            "name": "name",
            "exchange": "exchange",
            "currency": {"value": "USD"},
            "sector": "sector",
            "industry": "industry",
            "is_financial": "is_financial",
            "issuer": "issuer",
            "share_class": "share_class",
            "security_type": "kind",
            "lot_size": 1,
        },
    },
    "edgar securities",
)


class Edgar(Feed):
    """The adapter of a folder of data sets and company facts; a filing that is in both is read from its company's facts."""

    name = "edgar"
    text = repr((STATEMENTS, SECURITIES, tag_table().rows(), sectors().rows()))

    def __init__(self, folder: Path) -> None:
        if not folder.is_dir():
            raise BadInput(f"input {folder} is not there or not a folder; give an existing folder with --input")
        found = sorted(
            path for path in folder.rglob("*") if path.is_file() and path.suffix in (".zip", ".json") and path.name != "manifest.json"
        )
        super().__init__(folder, found)
        self._zips = [path for path in found if path.suffix == ".zip"]
        odd = next((path for path in self._zips if not edgar_fsds.is_data_set(path)), None)
        if odd is not None:
            raise BadInput(f"{odd.name} holds no sub.txt and num.txt; take it out of {folder.name}/ or fetch the quarterly data set")
        if not self._zips and not any("facts" in kind for _, kind, _ in self._companies):
            there = ", ".join(path.name for path in found) or "nothing"
            raise BadInput(f"{folder.name}/ holds neither data sets (2024q1.zip) nor company facts (CIK0000000000.json); there is {there}")

    def days(self) -> tuple[date, date]:
        """Days of the first and the last filing."""
        known = self._filings.filter(pl.col(DAY) <= LAST_DAY)[DAY]
        first, last = known.min(), known.max()
        if not isinstance(first, date) or not isinstance(last, date):
            raise BadInput(f"{self.folder.name}/ holds no 10-K, 10-Q, 20-F or 40-F with a filing date")
        return first, last

    def batches(self, start: date, end: date) -> Iterator[Batch]:
        """What is said of the lines first, then the statements, file by file."""
        told = _changes(with_lines(self._filings.filter(pl.col(DAY) <= end), self._lines))
        if told.height:
            yield Batch(SECURITIES, told)
        for filings, numbers in self._parts(start, end):
            rows, contradicting = chosen(filings, numbers)
            yield Batch(STATEMENTS, _statements(rows, self._lines))
            self._broken.append(_contradictions(contradicting, filings))

    def load(self, months: Sequence[str]) -> Iterator[Part]:
        """Raw rows and quarantine rows of the months, numbers that contradict each other among the latter."""
        self._broken: list[pl.DataFrame] = []
        yield from super().load(months)
        for broken in self._broken:
            inside = broken.filter(pl.col("month").is_in(list(months)))
            if inside.height:
                yield "quarantine", inside

    def _parts(self, start: date, end: date) -> Iterator[tuple[pl.DataFrame, pl.DataFrame]]:
        """Filings known in the days with their numbers: all companies together, then one data set after the other."""
        inside = self._filings.filter(pl.col(DAY).is_between(start, end))
        facts = [numbers for _, kind, numbers in self._companies if kind == "facts"]
        named = inside.filter(pl.col("from") == "facts")
        if named.height:
            yield named, pl.concat(facts)
        for path in self._zips:
            own = inside.filter(pl.col("from") == path.name)
            if own.height:
                yield own, edgar_fsds.numbers(path, own, sorted({tag for _, tag in wanted_tags()}))

    @cached_property
    def _companies(self) -> list[tuple[pl.DataFrame, str, pl.DataFrame]]:
        """(filings, kind, numbers) of each JSON file of a company; lists of filings have no numbers here."""
        found = []
        for path in self.files:
            if path.suffix == ".json" and path.name not in TICKERS:
                said = read_json(path.read_bytes(), path.name)
                kind = is_company(said)
                if kind == "facts":
                    filings, numbers = company_facts(said, path.name, wanted_tags())
                    found.append((filings, kind, numbers))
                elif kind == "filings":
                    accepted = acceptance(said)
                    given = pl.DataFrame({"accn": list(accepted), "told_at": list(accepted.values())}, schema=_TOLD[:2]).with_columns(
                        pl.lit(str(said.get("sic") or "")).cast(pl.Int32, strict=False).alias("told_sic")
                    )
                    found.append((given, kind, lines_of_company(said)))
                else:
                    raise BadInput(f"{path.name} is neither company facts nor a list of filings; take it out of {self.folder.name}/")
        return found

    @cached_property
    def _lines(self) -> pl.DataFrame:
        lists = [listed_lines(read_json(path.read_bytes(), path.name), path.name) for path in self.files if path.name in TICKERS]
        own = [lines for _, kind, lines in self._companies if kind == "filings"]
        parts = [*own, *sorted(lists, key=lambda lines: lines["exchange"].null_count())]
        return pl.concat([pl.DataFrame(schema=LINES), *parts]).unique(["cik", "symbol"], keep="first", maintain_order=True)

    @cached_property
    def _filings(self) -> pl.DataFrame:
        """Annual and quarterly filings of all files, each once, with the day and instant on which it became known."""
        facts = [filings.with_columns(pl.lit("facts").alias("from")) for filings, kind, _ in self._companies if kind == "facts"]
        sets = [edgar_fsds.filings(path).with_columns(pl.lit(path.name).alias("from")) for path in self._zips]
        every = pl.concat([frame.select(sorted(frame.columns)) for frame in (*facts, *sets)])
        kept = every.filter(pl.col("form").str.contains(ANNUAL) | pl.col("form").str.contains(QUARTERLY))
        shared = [pl.col(name).drop_nulls().first().over("accn") for name in ("sic", "country", "instance", "accepted_at")]
        once = (
            kept.with_columns(shared)
            .sort(pl.col("from") != "facts", ~pl.col("is_exact"), "from", LINE)
            .unique("accn", keep="first", maintain_order=True)
        )
        told = pl.concat([pl.DataFrame(schema=_TOLD), *(given for given, kind, _ in self._companies if kind == "filings")])
        stated = once.join(
            told.unique("accn", keep="first", maintain_order=True), on="accn", how="left", validate="1:1", maintain_order="left"
        )
        at = pl.col("told_at").str.to_datetime("%+", time_unit="us", time_zone="UTC", strict=False)
        described = stated.with_columns(
            pl.coalesce("accepted_at", at).alias("accepted_at"),
            pl.coalesce("sic", "told_sic").alias("sic"),
            pl.when(pl.col("sic").is_null() & pl.col("told_sic").is_not_null())
            .then(pl.lit("today"))
            .otherwise(pl.lit("then"))
            .alias("sic_of"),
        )
        return _known(described).sort("cik", INSTANT, "accn")


def _known(filings: pl.DataFrame) -> pl.DataFrame:
    """Add the instant of publication: acceptance; 6 o'clock of the filing date where it is accepted after hours; else the day's end."""
    local = pl.col("accepted_at").dt.convert_time_zone("America/New_York")
    apart = (pl.col("filed") - local.dt.date()).dt.total_days()
    plausible = apart.is_between(0, _STALE)
    midnight = pl.col("filed").cast(pl.Datetime("us"))
    morning = midnight.dt.offset_by("6h").dt.replace_time_zone("America/New_York").dt.convert_time_zone("UTC")
    end = (midnight.dt.offset_by("1d") - pl.duration(microseconds=1)).dt.replace_time_zone("America/New_York").dt.convert_time_zone("UTC")
    instant = pl.when(plausible & (apart > 0)).then(morning).when(plausible).then("accepted_at").otherwise(end)
    return filings.with_columns(
        instant.alias(INSTANT),
        pl.col("filed").alias(DAY),
        pl.when(plausible.fill_null(value=False)).then(pl.lit("instant")).otherwise(pl.lit("day")).alias("known_by"),
    )


def _statements(rows: pl.DataFrame, lines: pl.DataFrame) -> pl.DataFrame:
    """Vendor rows of `fundamentals`: one a filing and ordinary line; a count of shares is only given where there is one line."""
    listed = with_lines(rows, lines).filter(pl.col("kind").fill_null("common").is_in(["common", "adr"]))
    label = pl.when(pl.col("quarters") == PERIODS["FY"]).then(pl.lit("FY")).otherwise(pl.format("Q{}", "quarters"))
    several = pl.col("lines") > 1
    return listed.with_columns(
        label.alias("fiscal_period"),
        pl.when(pl.col("form").str.ends_with("/A")).then(pl.lit("amendment")).otherwise(pl.lit("original")).alias("filing_type"),
        pl.when(~several).then("shares_outstanding").alias("shares_outstanding"),
        pl.when(several).then(pl.lit("shared")).otherwise(pl.lit("own")).alias("shares_are"),
        pl.when("fp_assumed").then(pl.lit("assumed")).otherwise(pl.lit("told")).alias("label_is"),
        pl.when("is_exact").then(pl.lit("exact")).otherwise(pl.lit("rounded")).alias("end_is"),
    ).filter(pl.col("currency").is_not_null())


def _changes(rows: pl.DataFrame) -> pl.DataFrame:
    """Vendor rows of `securities`: the filings that say something new of a line."""
    described = rows.join(sectors(), on="sic", how="left", validate="m:1", maintain_order="left").sort("symbol", INSTANT, "accn")
    content = ["cik", "name", "sector", "industry", "kind"]
    told = described.with_columns(pl.col("name", "sector", "industry", "is_financial").forward_fill().over("symbol"))
    news = pl.any_horizontal(pl.col(name).ne_missing(pl.col(name).shift().over("symbol")) for name in content)
    return told.filter(news).with_columns(pl.col("kind").fill_null("common"), pl.col("cik").cast(pl.String).str.zfill(10).alias("issuer"))


def _contradictions(facts: pl.DataFrame, filings: pl.DataFrame) -> pl.DataFrame:
    """Quarantine rows of numbers with two values in one filing."""
    dated = facts.join(filings.select("accn", "cik", DAY), on="accn", how="left", validate="m:1", maintain_order="left").with_columns(
        pl.col(DAY).dt.strftime("%Y-%m").alias("month"),
        pl.lit("conflicting_facts").alias("_fault"),
        pl.lit(value=False).alias("_beyond"),
        pl.concat_str(pl.lit("CIK"), pl.col("cik").cast(pl.String).str.zfill(10)).alias("vendor_symbol"),
    )
    once = dated.unique([LINE, FILE], keep="first", maintain_order=True)
    vendor = once.select(LINE, FILE, "accn", "taxonomy", "tag", "end", "quarters", "unit", "value")
    return set_aside(once, vendor, STATEMENTS, "")
