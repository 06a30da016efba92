"""Company facts: one JSON file a company with every number of all its filings, dated to the day; and its list of filings."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import polars as pl

from wg_dagster.errors import UnreadableFile
from wg_dagster.ingest.feed import read_json
from wg_dagster.ingest.files import LINE
from wg_dagster.ingest.raw_rows import FILE

QUARTERS = {1: (70, 125), 2: (150, 215), 3: (240, 295), 4: (340, 380)}  # days of a duration of so many quarters, 12 to 17 weeks each
FACT = {
    "accn": pl.String,
    "taxonomy": pl.String,
    "tag": pl.String,
    "start": pl.String,
    "end": pl.String,
    "unit": pl.String,
    "value": pl.Float64,
    "form": pl.String,
    "fy": pl.Int32,
    "fp": pl.String,
    "filed": pl.String,
    LINE: pl.Int64,
}


def company_facts(said: Mapping[str, Any], name: str, wanted: Mapping[tuple[str, str], str]) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Filings and numbers of one company's file, in the columns of the data sets; `wanted`: (taxonomy, tag) -> kind."""
    rows = _facts(said, name, wanted)
    start, end = _day("start"), _day("end")
    length = (end - start).dt.total_days() + 1
    quarters = pl.coalesce(pl.when(length.is_between(*days)).then(count) for count, days in QUARTERS.items())
    dated = rows.with_columns(
        end.alias("end"),
        pl.when(pl.col("start").is_null()).then(0).otherwise(quarters).cast(pl.Int32).alias("quarters"),
        _day("filed").alias("filed"),
        pl.lit(name).alias(FILE),
    )
    stated = dated.filter(pl.col("taxonomy") != "dei")
    found = (
        stated.sort("end", LINE)
        .group_by("accn", maintain_order=True)
        .agg(pl.col("end").max().alias("period"), pl.col("form", "fy", "fp", "filed").last(), pl.col(LINE).min())
    )
    given = found.with_columns(
        pl.lit(said.get("cik"), pl.Int64).alias("cik"),
        pl.lit(str(said.get("entityName", "")) or None).alias("name"),
        pl.lit(None, pl.Int32).alias("sic"),
        pl.lit(None, pl.String).alias("country"),
        pl.col("period").alias("rounded"),
        pl.lit(value=True).alias("is_exact"),
        pl.lit(None, pl.Datetime("us", "UTC")).alias("accepted_at"),
        pl.lit(None, pl.String).alias("instance"),
        pl.lit(name).alias(FILE),
    )
    return given, dated.select("accn", "taxonomy", "tag", "end", "quarters", "unit", "value", LINE, FILE)


def acceptance(said: Mapping[str, Any]) -> dict[str, str]:
    """Instant of acceptance by filing, as the list of filings gives it (UTC)."""
    recent = (said.get("filings") or {}).get("recent") or {}
    return dict(zip(recent.get("accessionNumber", []), recent.get("acceptanceDateTime", []), strict=False))


def is_company(said: Any) -> str:
    """`facts` or `filings`: which of the two files of a company this is; empty for others."""
    if not isinstance(said, dict) or "cik" not in said:
        return ""
    return "facts" if isinstance(said.get("facts"), dict) else "filings" if isinstance(said.get("filings"), dict) else ""


def read_company(path: Path) -> dict[str, Any]:
    """The content of a company's file; UnreadableFile if it is neither of the two."""
    said = read_json(path.read_bytes(), path.name)
    if not is_company(said):
        raise UnreadableFile(f"{path.name} is neither company facts nor a list of filings; fetch it again or take it out of the folder")
    return said


def _facts(said: Mapping[str, Any], name: str, wanted: Mapping[tuple[str, str], str]) -> pl.DataFrame:
    listed: list[dict[str, Any]] = []
    line = 0
    try:
        for taxonomy, tags in said["facts"].items():
            for tag, content in tags.items():
                for unit, facts in content["units"].items():
                    for fact in facts:
                        line += 1
                        if (taxonomy, tag) in wanted:
                            listed.append({**fact, "value": fact.get("val"), "taxonomy": taxonomy, "tag": tag, "unit": unit, LINE: line})
        return pl.DataFrame([{column: fact.get(column) for column in FACT} for fact in listed], schema=FACT, strict=False)
    except (AttributeError, KeyError, TypeError, pl.exceptions.PolarsError) as error:
        raise UnreadableFile(f"{name} holds facts that are not of the published form ({error}); fetch it again") from error


def _day(column: str) -> pl.Expr:
    return pl.col(column).str.strptime(pl.Date, "%Y-%m-%d", strict=False)
