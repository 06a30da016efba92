"""`wg fetch`: download what a source needs into a folder; the only command that goes to the internet."""

import argparse
import re
from datetime import UTC, datetime
from pathlib import Path

from wg_dagster.errors import OutsideData
from wg_dagster.ingest.fetch import fetch_all
from wg_dagster.ingest.fetch_plans import plan_of, servers_of
from wg_dagster.progress import counted


def fetch(options: argparse.Namespace) -> int:
    """Fetch the months into `--into` (default: the home's `vendors/SOURCE`); 0 when everything is there."""
    first, last = (_month(text, option) for text, option in ((options.first, "--from"), (options.last, "--to")))
    if first > last:
        raise OutsideData(f"--from {first} is after --to {last}; exchange them")
    folder: Path = options.into or options.home / "vendors" / options.source
    plan = plan_of(options.source, first, last, options.only or (), now=datetime.now(UTC))
    servers = servers_of(options.source, options.base_url)
    with counted(f"fetch {options.source}", len(plan)) as step:
        fetched = fetch_all(plan, servers, folder, step=step)
    for server in servers.values():
        server.close()
    print(f"{options.source}: {fetched} files fetched, {len(plan) - fetched} were there already, in {folder}")
    print(
        f"next: wg run --source {options.source} --input {folder}, or --source vendors --input {folder.parent} for all sources of the folder"
    )
    return 0


def _month(text: str, option: str) -> str:
    if not re.fullmatch(r"\d{4}-(0[1-9]|1[0-2])", text):
        raise OutsideData(f"{option} {text!r} is not a month; write it as YYYY-MM, e.g. 2026-01")
    return text
