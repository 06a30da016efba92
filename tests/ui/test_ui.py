"""The UI as a person uses it: a real browser on `wg ui`, and the questions that its pages ask of the web server."""

import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from contextlib import contextmanager
from urllib.error import URLError
from urllib.request import Request, urlopen

import pytest

from wg_dagster.schemas.tables import SEARCH_TABLES, TABLES

CHROMIUM, DRIVER = shutil.which("chromium"), shutil.which("chromedriver")
FLAGS = [
    "--headless=new",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--window-size=1600,1100",
]
PATIENCE = 180  # seconds, on a busy machine


@contextmanager
def serving(home, *options):
    """`wg ui` of a home on a free port; the address of its pages."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    command = [sys.executable, "-m", "wg_dagster.cli", "ui", "--home", str(home), "--port", str(port), *options]
    with (home / "ui.log").open("w") as log:
        process = subprocess.Popen(command, stdout=log, stderr=subprocess.STDOUT, env=os.environ | {"OMP_NUM_THREADS": "1"})
    try:
        address = f"http://127.0.0.1:{port}"
        _await(address, process, home)
        yield address
    finally:
        process.send_signal(signal.SIGTERM)
        assert process.wait(60) == 0


def _await(address, process, home):
    end = time.monotonic() + PATIENCE
    while time.monotonic() < end and process.poll() is None:
        try:
            urlopen(f"{address}/server_info").close()
        except URLError:
            time.sleep(0.2)
        else:
            return
    raise AssertionError((home / "ui.log").read_text()[-3000:])


def ask(address, question, **variables):
    """The web server's answer to a GraphQL question."""
    body = json.dumps({"query": question, "variables": variables}).encode()
    with urlopen(Request(f"{address}/graphql", body, {"Content-Type": "application/json"})) as answer:
        found = json.load(answer)
    assert "errors" not in found, found
    return found["data"]


ASSETS = """{ assetNodes {
  assetKey { path } groupName description kinds owners { ... on TeamAssetOwner { team } }
  assetPartitionStatuses { ... on TimePartitionStatuses { ranges { startKey endKey status } } }
  assetChecksOrError { ... on AssetChecks { checks { name partitionStatuses {
    ... on AssetCheckTimePartitionStatuses { ranges { startKey endKey status } } } } } }
  assetMaterializations(limit: 1) { partition metadataEntries { label ... on IntMetadataEntry { intValue }
    ... on TableColumnLineageMetadataEntry { lineage { columnName columnDeps { assetKey { path } columnName } } } } }
} }"""
LAUNCH = """mutation($p: ExecutionParams!) { launchPipelineExecution(executionParams: $p) { __typename } }"""
RUNNING_SENSORS = "{ repositoriesOrError { ... on RepositoryConnection { nodes { sensors { name sensorState { status } } } } } }"


def test_the_web_server_knows_every_asset_its_months_its_check_and_its_lineage(own_home):
    with serving(own_home, "--view") as address:
        nodes = {"/".join(node["assetKey"]["path"]): node for node in ask(address, ASSETS)["assetNodes"]}
        (place,) = ask(address, RUNNING_SENSORS)["repositoriesOrError"]["nodes"]
        launched = ask(address, LAUNCH, p={"selector": {"repositoryName": "x", "repositoryLocationName": "x", "jobName": "month"}})
    assert {"raw/prices", "clean/prices_clean", "factors/factor_size", "next_major_100/letter"} <= set(nodes)
    for name, node in nodes.items():
        built = [] if name.split("/")[1] in SEARCH_TABLES else [{"startKey": "2026-04", "endKey": "2026-05", "status": "MATERIALIZED"}]
        assert node["assetPartitionStatuses"]["ranges"] == built, name
        assert (node["description"] and node["kinds"] and node["owners"]) == [{"team": "investment-data"}]
    prices = nodes["clean/prices_clean"]
    (check,) = prices["assetChecksOrError"]["checks"]
    assert [(one["startKey"], one["status"]) for one in check["partitionStatuses"]["ranges"]] == [
        ("2026-04", "FAILED"),
        ("2026-05", "SUCCEEDED"),
    ]
    (newest,) = prices["assetMaterializations"]
    metadata = {entry["label"]: entry for entry in newest["metadataEntries"]}
    assert newest["partition"] == "2026-05"
    assert metadata["dagster/row_count"]["intValue"] > 1000
    lineage = {column["columnName"]: column["columnDeps"] for column in metadata["dagster/column_lineage"]["lineage"]}
    assert {"assetKey": {"path": ["raw", "prices"]}, "columnName": "close"} in lineage["close"]
    assert set(lineage) <= set(TABLES["prices_clean"].columns)
    assert {sensor["sensorState"]["status"] for sensor in place["sensors"]} == {"STOPPED"}
    assert launched["launchPipelineExecution"]["__typename"] == "UnauthorizedError"  # --view: nothing can be started


@pytest.fixture
def browser(tmp_path):
    if not (CHROMIUM and DRIVER):
        pytest.skip("no chromium here: make chromium installs it")
    from selenium import webdriver
    from selenium.webdriver.chrome.service import Service

    options = webdriver.ChromeOptions()
    options.binary_location = CHROMIUM
    for flag in [*FLAGS, f"--user-data-dir={tmp_path / 'chromium'}"]:
        options.add_argument(flag)
    opened = webdriver.Chrome(options=options, service=Service(DRIVER))
    yield Hand(opened, tmp_path / "screens")
    opened.quit()


class Hand:
    """Looks and clicks as a person does: by the words on the page."""

    def __init__(self, driver, screens):
        self.driver = driver
        self.screens = screens
        screens.mkdir()

    def open(self, address):
        self.driver.get(address)

    def find(self, words, tag="*", *, starts=False):
        """The last visible element with these words, once it is there."""
        from selenium.webdriver.common.by import By
        from selenium.webdriver.support.ui import WebDriverWait

        match = f"starts-with(normalize-space(.), '{words}')" if starts else f"normalize-space(.)='{words}'"

        def visible(driver):
            return [one for one in driver.find_elements(By.XPATH, f"//{tag}[{match}]") if one.is_displayed() and one.is_enabled()]

        return WebDriverWait(self.driver, PATIENCE, ignored_exceptions=_stale()).until(visible, f"{words!r} is not on the page")[-1]

    def click(self, words, tag="button", *, starts=False):
        self.find(words, tag, starts=starts).click()

    def follow(self, path):
        """Go where the first link to somewhere below a path leads."""
        from selenium.webdriver.common.by import By

        self.driver.find_elements(By.XPATH, f"//a[starts-with(@href, '{path}')]")[0].click()

    def click_until(self, words, *seen):
        """Click again where a page that was still being built has swallowed the click."""
        from selenium.common.exceptions import TimeoutException

        for _ in range(PATIENCE // 15):
            self.click(words, "*")
            try:
                return self.see(*seen, patience=15)
            except TimeoutException:
                continue
        return self.see(*seen, patience=1)

    def see(self, *words, patience=PATIENCE):
        """Wait until the page holds all these words."""
        from selenium.webdriver.common.by import By
        from selenium.webdriver.support.ui import WebDriverWait

        def shown(driver):
            text = driver.find_element(By.TAG_NAME, "body").text
            return all(word in text for word in words)

        WebDriverWait(self.driver, patience, ignored_exceptions=_stale()).until(shown, f"not all of {words} are on the page")

    def shoot(self, name):
        self.driver.save_screenshot(str(self.screens / f"{name}.png"))


def _stale():
    from selenium.common.exceptions import StaleElementReferenceException

    return [StaleElementReferenceException]


def test_the_newest_month_and_all_it_needs_is_materialised_by_clicking(own_home, browser):
    with serving(own_home) as address:
        browser.open(f"{address}/asset-groups")
        browser.see("raw", "clean", "factors", "major_100", "next_major_100", "samurai_25")
        browser.shoot("graph")

        browser.open(f"{address}/assets/next_major_100/letter?view=lineage&lineageScope=upstream&lineageDepth=100")
        browser.click("Materialize all", starts=True)
        browser.click("Confirm")  # tables that are written together
        browser.click("Latest")
        browser.shoot("launch")
        browser.click("Launch 1 run")
        browser.see("Launched run")

        browser.open(f"{address}/runs")
        browser.see("partition: 2026-06")
        browser.follow("/runs/")  # the newest run stands first
        browser.see("Success")
        browser.shoot("run")

        browser.open(f"{address}/assets/next_major_100/letter?view=partitions&partition=2026-06")
        browser.see("2026-06", "Materialized", "Missing (0)")
        browser.click("[Show Markdown]", "*")
        browser.see("In June 2026, Next Major 100 returned", "All strategies")
        browser.shoot("letter")

        browser.open(f"{address}/assets/clean/prices_clean?view=checks")
        browser.see("Execution history")  # the check's own tabs: the asset has a tab "Partitions" too, and it is there first
        browser.click("Partitions", "*")
        browser.click_until("2026-04", "rows_held_back", "file and line")
        browser.shoot("check")
    assert (own_home / "letters" / "next_major_100" / "2026-06" / "letter_ja.html").exists()
    assert "2026-06" in (own_home / "letters" / "index.html").read_text()
