"""Financial Statement Data Sets: one zip a quarter with sub.txt (filings) and num.txt (their numbers).

The vendor rounds dates of periods to the nearest month end. The name of a filing's instance document usually holds the true one.
"""

from pathlib import Path

import polars as pl

from wg_dagster.errors import MissingColumn, UnreadableFile
from wg_dagster.ingest.files import LINE
from wg_dagster.ingest.raw_rows import FILE
from wg_dagster.ingest.zip_files import member_names, taken_out

SUBMISSION = ("adsh", "cik", "name", "sic", "countryba", "form", "period", "fy", "fp", "filed", "accepted", "instance")
NUMBER = ("adsh", "tag", "version", "ddate", "qtrs", "uom", "value")
ROUNDED_BY = 16  # days between a period end and the nearest month end, at most
_UNREADABLE = (pl.exceptions.ComputeError, pl.exceptions.NoDataError, OSError)


def filings(path: Path) -> pl.DataFrame:
    """The submissions of a zip: | accn | cik | name | sic | country | form | period | is_exact | fy | fp | filed | accepted_at | instance |."""
    with taken_out(path, "sub.txt") as table:
        rows = _collected(_scan(table, path, "sub.txt", SUBMISSION), path, "sub.txt")
    period, filed = _day("period"), _day("filed")
    named = pl.col("instance").str.extract(r"(\d{8})").str.strptime(pl.Date, "%Y%m%d", strict=False)
    near = (named - period).dt.total_days().abs() <= ROUNDED_BY
    accepted = pl.col("accepted").str.slice(0, 19).str.strptime(pl.Datetime("us"), "%Y-%m-%d %H:%M:%S", strict=False)
    return rows.select(
        pl.col("adsh").alias("accn"),
        pl.col("cik").cast(pl.Int64, strict=False),
        "name",
        pl.col("sic").cast(pl.Int32, strict=False),
        pl.col("countryba").alias("country"),
        "form",
        period.alias("rounded"),
        pl.when(near).then(named).otherwise(period).alias("period"),
        near.fill_null(value=False).alias("is_exact"),
        pl.col("fy").cast(pl.Int32, strict=False),
        "fp",
        filed.alias("filed"),
        accepted.dt.replace_time_zone("America/New_York", ambiguous="latest", non_existent="null")
        .dt.convert_time_zone("UTC")
        .alias("accepted_at"),
        "instance",
        LINE,
        pl.lit(f"{path.name}/sub.txt").alias(FILE),
    )


def numbers(path: Path, wanted: pl.DataFrame, tags: list[str]) -> pl.DataFrame:
    """Numbers of the wanted filings, without segments and co-registrants, dated as the filing is.

    Returns
    -------
    | accn | taxonomy | tag | end | quarters | unit | value | _line | _file |; quarters 0 = at a date.
    """
    with taken_out(path, "num.txt") as table:
        scanned = _scan(table, path, "num.txt", NUMBER)
        for dimension in ("segments", "coreg"):
            if dimension in scanned.collect_schema():
                scanned = scanned.filter(pl.col(dimension).is_null() | (pl.col(dimension).str.strip_chars() == ""))
        kept = scanned.filter(pl.col("tag").is_in(tags) & pl.col("adsh").is_in(wanted["accn"].implode()))
        rows = _collected(kept.select(*NUMBER, LINE), path, "num.txt")
    end = _day("ddate")
    dated = rows.join(wanted.select("accn", "rounded", "period"), left_on="adsh", right_on="accn", how="left", validate="m:1")
    taxonomy = pl.col("version").str.split("/").list.first().replace({"ifrs": "ifrs-full"})
    return dated.select(
        pl.col("adsh").alias("accn"),
        taxonomy.alias("taxonomy"),
        "tag",
        pl.when(end == pl.col("rounded")).then("period").otherwise(end).alias("end"),
        pl.col("qtrs").cast(pl.Int32, strict=False).alias("quarters"),
        pl.col("uom").alias("unit"),
        pl.col("value").cast(pl.Float64, strict=False),
        LINE,
        pl.lit(f"{path.name}/num.txt").alias(FILE),
    )


def is_data_set(path: Path) -> bool:
    """The zip holds the two tables."""
    return {"sub.txt", "num.txt"} <= set(member_names(path))


def _day(column: str) -> pl.Expr:
    return pl.col(column).str.slice(0, 8).str.strptime(pl.Date, "%Y%m%d", strict=False)


def _scan(table: Path, path: Path, member: str, columns: tuple[str, ...]) -> pl.LazyFrame:
    """A tab-separated table as text; the vendor quotes nothing."""
    try:
        scanned = pl.scan_csv(
            table, separator="\t", quote_char=None, infer_schema=False, row_index_name=LINE, row_index_offset=2, encoding="utf8-lossy"
        )
        there = scanned.collect_schema()
    except _UNREADABLE as error:
        raise UnreadableFile(f"{path.name}/{member} cannot be read: {str(error).splitlines()[0]}; fetch it again") from error
    missing = [column for column in columns if column not in there]
    if missing:
        known = ", ".join(name for name in there if name != LINE)
        raise MissingColumn(f"{path.name}/{member}: column {', '.join(missing)} is not there; there are {known}. Fetch it again")
    return scanned.with_columns(pl.col(LINE).cast(pl.Int64))


def _collected(scanned: pl.LazyFrame, path: Path, member: str) -> pl.DataFrame:
    """The rows of a table; UnreadableFile where a line has too many fields."""
    try:
        return scanned.collect()
    except _UNREADABLE as error:
        raise UnreadableFile(f"{path.name}/{member} cannot be read to its end: {str(error).splitlines()[0]}; fetch it again") from error
