"""Reports as files, for whoever wants to look at them elsewhere."""

from pathlib import Path

import polars as pl

from wg_dagster.errors import OutsideData


def refuse_ending(path: Path | None) -> None:
    """OutsideData for a file of a kind that we do not write, before the work is done."""
    if path is not None and path.suffix not in {".parquet", ".csv"}:
        raise OutsideData(f"report {path.name} must end in .parquet or .csv")


def write_report(rows: pl.DataFrame, path: Path) -> None:
    """Write a table as the ending of its file says: .parquet or .csv."""
    path.parent.mkdir(parents=True, exist_ok=True)
    if path.suffix == ".csv":
        rows.write_csv(path)
    else:
        rows.write_parquet(path)
    print(f"{rows.height} rows written to {path}")
