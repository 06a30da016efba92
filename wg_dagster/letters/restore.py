"""Letters that are gone from the disk, written again from the facts that they were made of."""

from pathlib import Path

import polars as pl

from wg_dagster.letters.index import write_index
from wg_dagster.letters.issuer import issuer_of_home
from wg_dagster.letters.stations import write_letters


def restore_letters(home: Path, letters: pl.DataFrame, facts: pl.DataFrame) -> int:
    """Write each missing file of the table `letters` again, and the index if it is missing; the number of files that were missing."""
    missing = letters.filter(~pl.col("path").map_elements(lambda path: (home / path).exists(), return_dtype=pl.Boolean))
    for strategy, month in missing.select("strategy", "month").unique().sort("strategy", "month").iter_rows():
        own = facts.filter((pl.col("strategy") == strategy) & (pl.col("month") == month))
        write_letters(home, own, issuer_of_home(home))
    if letters.height and (missing.height or not (home / "letters" / "index.html").exists()):
        write_index(home, letters)
    return missing.height
