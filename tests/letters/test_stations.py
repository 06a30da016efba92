import hashlib
from html.parser import HTMLParser

import polars as pl

from wg_dagster.letters.index import write_index
from wg_dagster.letters.issuer import DRAFT
from wg_dagster.letters.stations import STATIONS, letter_path, write_letters
from wg_dagster.schemas.tables import TABLES
from wg_dagster.stations import Reader
from wg_dagster.strategies import NEXT_MAJOR_100
from wg_dagster.warehouse import Warehouse

MONTH = "2026-01"
STRATEGY = NEXT_MAJOR_100.strategy_id
(STATION,) = STATIONS


def filled(home, sources):
    """A lake that holds the sample tables."""
    warehouse = Warehouse(home)
    for table, rows in vars(sources).items():
        warehouse.write_months(table, rows, sorted(set(rows["month"])))
    return warehouse


def build(warehouse, month=MONTH):
    return STATION.build(Reader(warehouse, STATION, [month], NEXT_MAJOR_100), [month], NEXT_MAJOR_100)


def test_a_month_gives_facts_two_letters_and_a_verdict(tmp_path, make_sources):
    built = build(filled(tmp_path, make_sources()))
    assert built["report_facts"].height > 400
    assert built["letters"]["language"].to_list() == ["ja", "en"]
    for row in built["letters"].iter_rows(named=True):
        assert row["path"] == letter_path(STRATEGY, MONTH, row["language"])
        assert hashlib.sha256((tmp_path / row["path"]).read_bytes()).hexdigest() == row["content_hash"]
    assert built["checks"]["severity"].to_list() == ["WARN"]  # the summary has +4.33 and -4.33
    for table in ("report_facts", "letters", "checks"):
        assert built[table].schema == TABLES[table].schema


def test_the_same_tables_give_the_same_bytes_in_another_home(tmp_path, make_sources):
    one, other = (build(filled(tmp_path / name, make_sources())) for name in ("one", "other"))
    assert one["letters"].equals(other["letters"])
    assert one["report_facts"].equals(other["report_facts"])


def test_a_month_without_a_nav_has_no_letter(tmp_path, make_sources):
    built = build(filled(tmp_path, make_sources()), "2026-02")
    assert built["report_facts"].is_empty()
    assert built["letters"].is_empty()
    assert not (tmp_path / "letters").exists()


def test_facts_that_contradict_each_other_stop_the_letter(tmp_path, make_sources):
    wrong = make_sources().performance.with_columns(
        value=pl.when(pl.col("metric") == "excess_return", pl.col("window") == "1m").then(-pl.col("value")).otherwise(pl.col("value"))
    )
    built = build(filled(tmp_path, make_sources(performance=wrong)))
    assert built["letters"].is_empty()
    assert built["report_facts"].height > 400
    assert (built["checks"]["severity"][0], built["checks"]["passed"][0]) == ("ERROR", False)
    assert "excess_is_not_the_difference" in built["checks"]["details"][0]


def test_a_lost_letter_is_written_again_from_its_facts(tmp_path, facts):
    first = write_letters(tmp_path, facts, DRAFT)
    path = tmp_path / letter_path(STRATEGY, MONTH, "ja")
    before = path.read_bytes()
    path.unlink()
    assert write_letters(tmp_path, facts, DRAFT).equals(first)
    assert path.read_bytes() == before


def test_a_letter_that_changes_keeps_its_old_bytes(tmp_path, facts, issuer):
    write_letters(tmp_path, facts, DRAFT)
    path = tmp_path / letter_path(STRATEGY, MONTH, "ja")
    old = path.read_bytes()
    write_letters(tmp_path, facts, issuer)
    write_letters(tmp_path, facts, issuer)
    kept = [file.read_bytes() for file in (path.parent / "superseded").glob("letter_ja_*.html")]
    assert kept == [old]
    assert path.read_bytes() != old
    assert not list(path.parent.glob(".*"))  # no drafts are left


class Links(HTMLParser):
    def __init__(self):
        super().__init__()
        self.found = []

    def handle_starttag(self, tag, attrs):
        if tag == "a":
            self.found.append(dict(attrs)["href"])


def test_the_index_links_every_letter_and_each_link_leads_to_a_file(tmp_path, facts, issuer):
    letters = write_letters(tmp_path, facts, issuer)
    pages = [write_index(tmp_path, letters), tmp_path / "letters" / STRATEGY / "index.html"]
    for page in pages:
        links = Links()
        links.feed(page.read_text())
        assert len(links.found) == 2
        assert all((page.parent / link).exists() for link in links.found)


def test_an_index_without_letters_says_so(tmp_path):
    assert "No letters yet" in write_index(tmp_path, TABLES["letters"].empty()).read_text()
