"""Prices, statements, company forecasts and listings of J-Quants (version 2), from the answers that `wg fetch jquants` saves."""

from collections.abc import Iterator, Sequence
from datetime import date
from functools import cached_property
from pathlib import Path

import polars as pl

from wg_dagster.calendars import session_dates
from wg_dagster.errors import BadInput, UnreadableFile
from wg_dagster.ingest.drop import Part
from wg_dagster.ingest.feed import Batch, Feed, data_rows, named_day, text_frame
from wg_dagster.ingest.files import LINE
from wg_dagster.ingest.jquants_dividends import DIVIDEND_COLUMNS, dividends_by_ex_day, with_dividends
from wg_dagster.ingest.jquants_maps import BARS, FORECASTS, GONE_AFTER, MAPS, MASTER, PARENT, SUMMARY, TOPIX
from wg_dagster.ingest.jquants_summary import SUMMARY_COLUMNS, forecasts, statements, timed
from wg_dagster.ingest.repeats import DAY, listing_changes
from wg_dagster.schemas.tables import TABLES

BARS_FOLDER, SUMMARY_FOLDER, MASTER_FOLDER = "equities_bars_daily", "fins_summary", "equities_master"
TOPIX_FOLDER, CALENDAR_FOLDER = "indices_bars_daily_topix", "markets_calendar"
DIVIDEND_FOLDER = "fins_dividend"
FOLDERS = (BARS_FOLDER, SUMMARY_FOLDER, MASTER_FOLDER, TOPIX_FOLDER, CALENDAR_FOLDER, DIVIDEND_FOLDER)
_BAR_COLUMNS = ("Date", "Code", "O", "H", "L", "C", "Vo", "AdjFactor")
_MASTER_COLUMNS = ("Date", "Code", "CoName", "CoNameEn", "S33", "Mkt")
_NO_INDUSTRY = "9999"  # funds and other lines outside of the 33 industries
_BUSINESS = ("1", "2")  # codes of the calendar: a whole and a half day of trading


class JQuants(Feed):
    """The adapter of a folder with one subfolder an endpoint and one JSON file a day."""

    name = "jquants"
    text = repr(MAPS)

    def __init__(self, folder: Path) -> None:
        if not folder.is_dir():
            raise BadInput(f"input {folder} is not there or not a folder; give an existing folder with --input")
        self.by_endpoint = {name: sorted((folder / name).glob("*.json"), key=named_day) for name in FOLDERS}
        super().__init__(folder, [path for paths in self.by_endpoint.values() for path in paths])
        if not self.by_endpoint[BARS_FOLDER] and not self.by_endpoint[SUMMARY_FOLDER]:
            raise BadInput(
                f"{folder.name}/ holds neither {BARS_FOLDER}/ nor {SUMMARY_FOLDER}/ with YYYY-MM-DD.json files; fetch them first"
            )

    def days(self) -> tuple[date, date]:
        """From the first file to the last day of prices (of statements, where there are no prices)."""
        daily = [named_day(path) for name in (BARS_FOLDER, SUMMARY_FOLDER) for path in self.by_endpoint[name]]
        last = self.by_endpoint[BARS_FOLDER] or self.by_endpoint[SUMMARY_FOLDER]
        return min(daily), named_day(last[-1])

    def batches(self, start: date, end: date) -> Iterator[Batch]:
        """Prices by month of files, then lists, statements, forecasts and the index."""
        wanted = [path for path in self.by_endpoint[BARS_FOLDER] if start <= named_day(path) <= end]
        for first in range(0, len(wanted), 25):
            yield Batch(BARS, pl.concat([self._bars(path) for path in wanted[first : first + 25]]))
        if self.by_endpoint[MASTER_FOLDER]:
            yield Batch(MASTER, self._listing)
        if self.by_endpoint[SUMMARY_FOLDER]:
            told = self._summaries
            yield Batch(SUMMARY, statements(told))
            parent = pl.any_horizontal(
                pl.col(name).str.strip_chars().replace("", None).is_not_null() for name in ("NCSales", "NCNP", "NCTA")
            )
            yield Batch(PARENT, statements(told).filter(parent))
            yield Batch(FORECASTS, forecasts(told))
        for path in self.by_endpoint[TOPIX_FOLDER]:
            yield Batch(TOPIX, _dated(text_frame(data_rows(path.read_bytes(), _named(path)), ("Date", "C"), _named(path))))

    def load(self, months: Sequence[str]) -> Iterator[Part]:
        """Raw rows and quarantine rows of the months, days on which the vendor's calendar is not ours among the latter."""
        yield from super().load(months)
        differing = self._other_days()
        inside = differing.filter(pl.col("month").is_in(list(months)))
        if inside.height:
            yield "quarantine", inside

    def _bars(self, path: Path) -> pl.DataFrame:
        """The lines that traded; the ratio of a split is one over the vendor's factor of its ex-day."""
        rows = _dated(text_frame(data_rows(path.read_bytes(), _named(path)), _BAR_COLUMNS, _named(path)))
        factor = pl.col("AdjFactor").cast(pl.Float64, strict=False)
        traded = rows.filter(~_is_silent()).with_columns(
            symbol().alias("symbol"), pl.when(factor > 0).then((1 / factor).round(9)).alias("split_ratio")
        )
        return with_dividends(traded, self._dividends).drop("AdjFactor", "Code")

    @cached_property
    def _dividends(self) -> pl.DataFrame | None:
        """By ex-day, from all notices; None where none were fetched."""
        paths = self.by_endpoint[DIVIDEND_FOLDER]
        if not paths:
            return None
        notices = [text_frame(data_rows(path.read_bytes(), _named(path)), DIVIDEND_COLUMNS, _named(path)) for path in paths]
        return dividends_by_ex_day(timed(pl.concat(notices), "PubDate", "PubTime"))

    @cached_property
    def _summaries(self) -> pl.DataFrame:
        """All summaries: which filing of a period is the first one can only be told from all of them."""
        frames = [
            text_frame(data_rows(path.read_bytes(), _named(path)), SUMMARY_COLUMNS, _named(path))
            for path in self.by_endpoint[SUMMARY_FOLDER]
        ]
        return pl.concat(frames).with_columns(symbol().alias("symbol"))

    @cached_property
    def _listing(self) -> pl.DataFrame:
        frames = [
            text_frame(data_rows(path.read_bytes(), _named(path)), _MASTER_COLUMNS, _named(path))
            for path in self.by_endpoint[MASTER_FOLDER]
        ]
        known = pl.when(pl.col("S33") != _NO_INDUSTRY).then("S33").alias("S33")
        lists = _dated(pl.concat(frames)).with_columns(symbol().alias("symbol"), known)
        content = ["CoName", "CoNameEn", "S33", "Mkt"]
        return listing_changes(lists, key="symbol", content=content, gone_after=GONE_AFTER, line=LINE)

    def _other_days(self) -> pl.DataFrame:
        """Quarantine rows of the days on which the vendor's calendar differs from ours."""
        found = []
        ours = set(session_dates("XTKS"))
        first, last = self.days()
        for path in self.by_endpoint[CALENDAR_FOLDER]:
            for line, row in enumerate(data_rows(path.read_bytes(), _named(path)), start=1):
                day = _day_of(row, f"{_named(path)}, row {line}")
                if first <= day <= last and (str(row.get("HolDiv")) in _BUSINESS) != (day in ours):
                    found.append(_calendar_fault(day, str(row.get("HolDiv")), _named(path), line))
        return pl.DataFrame(found, schema=TABLES["quarantine"].schema)


def symbol() -> pl.Expr:
    """The code in our spelling: the fifth digit 0 of ordinary shares is left out, other lines keep it."""
    return pl.col("Code").str.strip_chars().str.to_uppercase().str.replace(r"^(.{4})0$", "${1}")


def _is_silent() -> pl.Expr:
    """A line without any trade that day: the vendor sends it without prices."""
    none = pl.all_horizontal(pl.col(name).is_null() | (pl.col(name) == "") for name in ("O", "H", "L", "C"))
    return none & (pl.col("Vo").cast(pl.Float64, strict=False).fill_null(0.0) == 0)


def _day_of(row: dict[str, object], where: str) -> date:
    try:
        return date.fromisoformat(str(row.get("Date")))
    except ValueError:
        raise UnreadableFile(f"{where}: {row.get('Date')!r} is no day; fetch it again") from None


def _dated(rows: pl.DataFrame) -> pl.DataFrame:
    return rows.with_columns(pl.col("Date").str.strptime(pl.Date, "%Y-%m-%d", strict=False).alias(DAY))


def _named(path: Path) -> str:
    return f"{path.parent.name}/{path.name}"


def _calendar_fault(day: date, code: str, name: str, line: int) -> dict[str, object]:
    said = {
        "station": "raw",
        "month": f"{day:%Y-%m}",
        "table": "sessions",
        "rule": "calendar_differs",
        "source": "jquants",
        "source_file": name,
        "source_line": line,
        "session_date": day,
        "severity": "WARN",
        "row_json": f'{{"Date": "{day}", "HolDiv": "{code}"}}',
    }
    return {column: said.get(column) for column in TABLES["quarantine"].columns}
