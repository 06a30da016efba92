"""Damaged files of vendors: they are read, set aside or refused with a reason, but never end in a crash or in rows that break the contract."""

import random
import shutil
import zipfile
from pathlib import Path

import polars as pl
import pytest

from wg_dagster.calendars import months_between
from wg_dagster.errors import BadInput
from wg_dagster.ingest.registry import open_adapter
from wg_dagster.schemas.gates import failures
from wg_dagster.schemas.tables import RAW_TABLES

PAYLOADS = Path(__file__).parent / "payloads"
WORDS = [
    b"",
    b"-",
    b"NaN",
    b"1e999",
    b"-1e999",
    b"null",
    b"[]",
    b"{}",
    b'"',
    b"\t",
    b"\n",
    b"\r\n",
    b",",
    b"\xff\xfe",
    b"\xef\xbb\xbf",
    b"\x00",
    b"9" * 40,
]
WORDS += [b"<script>", b"2099-12-31", b"1,234", b"0", b"-0.0", b"9999999999999999999999", "経常".encode(), b"A" * 300]


def damaged(content: bytes, chance: random.Random) -> bytes:
    """One to three bites: a stretch cut out, doubled, or replaced by something odd; sometimes all that follows is lost."""
    for _ in range(chance.randint(1, 3)):
        start = chance.randrange(len(content) + 1)
        end = min(len(content), start + chance.choice([0, 1, 2, 5, 20, 200]))
        put = chance.choice([*WORDS, content[start:end] * 2])
        content = content[:start] + put + (b"" if chance.random() < 0.1 else content[end:])
    return content


def prepared(source: str, folder: Path) -> Path:
    """The payloads of a source as its adapter expects them, tables of data sets in folders of their own."""
    return Path(shutil.copytree(PAYLOADS / source, folder / source))


def packed(folder: Path) -> None:
    for quarter in [path for path in folder.iterdir() if path.is_dir() and path.name.startswith("20")]:
        with zipfile.ZipFile(folder / f"{quarter.name}.zip", "w") as archive:
            for table in ("sub.txt", "num.txt"):
                archive.write(quarter / table, table)
        shutil.rmtree(quarter)


def outcome(source: str, folder: Path) -> str:
    """`read` or `refused`; anything else than a reason or rows of the contract fails."""
    parts: dict[str, list[pl.DataFrame]] = {}
    try:
        adapter = open_adapter(source, input=folder)
        for table, rows in adapter.load(months_between(*adapter.span())):
            parts.setdefault(table, []).append(rows)
    except BadInput as reason:
        return "refused" if str(reason) else "refused without a reason"
    for table in set(parts) & set(RAW_TABLES):
        assert failures(table, pl.concat(parts[table])).is_empty()
    return "read"


@pytest.mark.parametrize("source", ["edgar", "jquants", "reference", "sharadar"])
@pytest.mark.parametrize("cases", [5, pytest.param(100, marks=pytest.mark.slow)])
def test_damage_is_read_set_aside_or_refused(source, cases, tmp_path):
    outcomes = []
    for case in range(cases):
        chance = random.Random(f"{source} {case} {cases}")
        folder = prepared(source, tmp_path / f"{case}")
        victim = chance.choice(sorted(path for path in folder.rglob("*") if path.is_file()))
        victim.write_bytes(damaged(victim.read_bytes(), chance))
        if source == "edgar":
            packed(folder)
        outcomes.append(outcome(source, folder))
    assert set(outcomes) <= {"read", "refused"}
    assert cases < 100 or {"read", "refused"} == set(outcomes)
