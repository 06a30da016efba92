"""What is fetched into a folder: page by page, once, with checksums; what is not over yet, and what has no key, is not asked for."""

import hashlib
import json
from datetime import UTC, datetime
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import pytest
from vendor_server import KEY, Handler, says, status

from wg_dagster.errors import BadInput, FetchFailed, KeyRefused, UnknownValue
from wg_dagster.ingest.fetch import Request, fetch_all
from wg_dagster.ingest.fetch_manifest import MANIFEST, Manifest
from wg_dagster.ingest.fetch_plans import CONTACT, JQUANTS_KEY, plan_of, servers_of
from wg_dagster.progress import counted

NOW = datetime(2024, 2, 15, 12, tzinfo=UTC)
PAGED = Request("bars/2024-01-04.json", "api", "/v2/bars", {"date": "2024-01-04"}, paged=True)


def pages(handler: Handler) -> None:
    """Three pages of two rows."""
    at = int(parse_qs(urlsplit(handler.path).query).get("pagination_key", ["0"])[0])
    says({"data": [{"n": 2 * at}, {"n": 2 * at + 1}], **({"pagination_key": str(at + 1)} if at < 2 else {})})(handler)


def _fetch(client, folder: Path, plan=(PAGED,), **patience) -> int:
    return fetch_all(plan, {"api": client(**patience)[0]}, folder, step=lambda _: None)


def test_pages_are_joined_in_order(vendor, client, tmp_path):
    vendor[0].script[:] = [pages]
    assert _fetch(client, tmp_path) == 1
    assert [row["n"] for row in json.loads((tmp_path / PAGED.name).read_text())["data"]] == [0, 1, 2, 3, 4, 5]


def test_pages_that_arrived_are_not_asked_for_again(vendor, client, tmp_path):
    """The second page fails for good; the next call begins with it, although a line of the kept pages was torn."""
    vendor[0].script[:] = [pages, status(500)]
    with pytest.raises(FetchFailed):
        _fetch(client, tmp_path, tries=2)
    assert not (tmp_path / PAGED.name).exists()
    kept = next(tmp_path.rglob("*.pages"))
    with kept.open("a") as handle:
        handle.write('{"asked": "/v2/ba')
    vendor[0].seen.clear()
    vendor[0].script[:] = [pages]
    _fetch(client, tmp_path)
    assert [parse_qs(urlsplit(path).query)["pagination_key"] for path, _ in vendor[0].seen] == [["1"], ["2"]]
    assert [row["n"] for row in json.loads((tmp_path / PAGED.name).read_text())["data"]] == [0, 1, 2, 3, 4, 5]
    assert not kept.exists()


def test_a_page_that_points_to_itself_ends_the_fetch(vendor, client, tmp_path):
    vendor[0].script[:] = [says({"data": [], "pagination_key": "1"})]
    with pytest.raises(FetchFailed, match="same page again"):
        _fetch(client, tmp_path)


def test_what_is_there_and_whole_is_not_fetched_again(vendor, client, tmp_path):
    vendor[0].script[:] = [pages]
    _fetch(client, tmp_path)
    asked = len(vendor[0].seen)
    assert _fetch(client, tmp_path) == 0
    assert len(vendor[0].seen) == asked
    (tmp_path / PAGED.name).write_text("spoiled")
    assert _fetch(client, tmp_path) == 1


def test_the_manifest_holds_checksums_and_no_key(vendor, client, tmp_path):
    vendor[0].script[:] = [pages]
    _fetch(client, tmp_path)
    said = json.loads((tmp_path / MANIFEST).read_text())["files"][PAGED.name]
    content = (tmp_path / PAGED.name).read_bytes()
    assert said == {"asked": "/v2/bars?date=2024-01-04", "bytes": len(content), "sha256": hashlib.sha256(content).hexdigest()}
    assert vendor[0].seen[0][1]["x-api-key"] == KEY
    assert not any(KEY in path.read_text() for path in tmp_path.rglob("*") if path.is_file())


def test_a_broken_manifest_is_named(tmp_path):
    (tmp_path / MANIFEST).write_text("[")
    with pytest.raises(BadInput, match="is no manifest"):
        Manifest(tmp_path)


def test_only_days_that_are_over_are_asked_for():
    """At noon of 15 February in UTC, the 14th is over in Tokyo and the 15th is not."""
    names = [request.name for request in plan_of("jquants", "2024-02", "2024-02", now=NOW)]
    assert "equities_bars_daily/2024-02-14.json" in names
    assert "equities_bars_daily/2024-02-15.json" not in names
    assert [request.name for request in plan_of("edgar", "2023-11", "2024-02", now=NOW)] == ["company_tickers_exchange.json", "2023q4.zip"]


def test_single_companies_are_asked_for_by_number():
    names = [request.name for request in plan_of("edgar", "2024-01", "2024-01", ["990004"], now=NOW)]
    assert names[1:] == ["companyfacts/CIK0000990004.json", "submissions/CIK0000990004.json"]
    with pytest.raises(BadInput, match="is not a CIK"):
        plan_of("edgar", "2024-01", "2024-01", ["../x"], now=NOW)


@pytest.mark.parametrize(("source", "variable"), [("jquants", JQUANTS_KEY), ("edgar", CONTACT)])
@pytest.mark.parametrize("key", ["", "  ", "a\nb", "ключ"])
def test_a_key_comes_from_the_environment_or_not_at_all(monkeypatch, source, variable, key):
    monkeypatch.setenv(variable, key)
    with pytest.raises(KeyRefused, match=f"needs the environment variable {variable}"):
        servers_of(source)


def test_a_source_without_a_plan_lists_the_others():
    with pytest.raises(UnknownValue, match="known: edgar, jquants, reference"):
        plan_of("pystock", "2024-01", "2024-01", now=NOW)


def test_the_command_fetches_from_another_server_and_says_what_comes_next(vendor, main, tmp_path, monkeypatch):
    vendor[0].script[:] = [says({"data": []})]
    monkeypatch.setenv(JQUANTS_KEY, KEY)
    monkeypatch.setenv("WG_REQUESTS_PER_MINUTE", "1000000")
    asked = ("fetch", "jquants", "--from", "2024-01", "--to", "2024-01", "--home", tmp_path / "h", "--base-url", vendor[1])
    code, out, err = main(*asked)
    assert (code, err) == (0, "")
    # 19 sessions in Tokyo in January 2024: prices and summaries of each, one list, TOPIX, calendar.
    assert "jquants: 41 files fetched, 0 were there already" in out
    assert "wg run --source jquants --input" in out
    assert "0 files fetched, 41 were there already" in main(*asked)[1]
    assert KEY not in out


def test_the_command_names_the_variable_that_is_not_set(main, tmp_path, monkeypatch):
    monkeypatch.delenv(JQUANTS_KEY, raising=False)
    code, _, err = main("fetch", "jquants", "--from", "2024-01", "--to", "2024-01", "--home", tmp_path)
    assert code == 1
    assert JQUANTS_KEY in err
    assert main("fetch", "jquants", "--from", "2024-02", "--to", "2024-01")[0] == 1
    assert main("fetch", "jquants", "--from", "2024", "--to", "2024-01")[0] == 1


def test_a_bar_counts_the_files_on_a_terminal_and_is_silent_elsewhere(capsys, monkeypatch):
    with counted("fetch x", 2) as step:
        step("a.json")
    assert capsys.readouterr().out == ""
    monkeypatch.setattr("sys.stdout.isatty", lambda: True)
    with counted("fetch x", 2) as step:
        step("a.json")
        step("b.json")
    shown = capsys.readouterr().out
    assert "1/2" in shown
    assert "2/2, 0 s, b.json" in shown
    assert shown.endswith("\r\033[K")
