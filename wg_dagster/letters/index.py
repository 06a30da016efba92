"""Pages that link all letters: one for the home, one a strategy; rebuilt from the table `letters`."""

import os
from collections.abc import Iterable
from pathlib import Path

import polars as pl
from jinja2 import Environment, PackageLoader, StrictUndefined

from wg_dagster.letters.display import LANGUAGES, display, month_value
from wg_dagster.letters.render import style_hash, stylesheet
from wg_dagster.strategies import STRATEGIES

INDEX_FILE = "index.html"


def write_index(home: Path, letters: pl.DataFrame) -> Path:
    """Write `letters/index.html` and one page a strategy from all rows of `letters`; the path of the first."""
    folder = home / "letters"
    known = [strategy for strategy in STRATEGIES if strategy in set(letters["strategy"])]
    for strategy in known:
        rows = letters.filter(pl.col("strategy") == strategy)
        write_file(folder / strategy / INDEX_FILE, index_page(rows, [strategy], below=f"letters/{strategy}/"))
    path = folder / INDEX_FILE
    write_file(path, index_page(letters, known, below="letters/"))
    return path


def index_page(letters: pl.DataFrame, strategies: Iterable[str], *, below: str) -> str:
    """One table: months (newest first) by strategies, each with its Japanese and English letter; links are relative to `below`."""
    links = {(row["strategy"], row["month"], row["language"]): row["path"].removeprefix(below) for row in letters.iter_rows(named=True)}
    months = sorted(set(letters["month"]), reverse=True)
    shown = [{"month": month, **{language: display(month_value(month), "month", language) for language in LANGUAGES}} for month in months]
    named = [STRATEGIES[strategy] for strategy in strategies]
    environment = Environment(
        loader=PackageLoader("wg_dagster.letters"), autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )
    page = environment.get_template("index.html.j2")
    return page.render(months=shown, strategies=named, links=links, style=stylesheet(), style_hash=style_hash())


def write_file(path: Path, content: str) -> bool:
    """Write a file as a whole or not at all; False if it held this content already."""
    wanted = content.encode()
    if path.exists() and path.read_bytes() == wanted:
        return False
    path.parent.mkdir(parents=True, exist_ok=True)
    draft = path.with_name(f".{path.name}.{os.getpid()}")
    draft.write_bytes(wanted)
    os.replace(draft, path)  # noqa: PTH105 - the atomic one
    return True
