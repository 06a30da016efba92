"""`alerts.toml` of a home: which sinks there are and what each is told. Without the file: JSON lines and the table `alerts`.

heartbeat_hours = 24

[[sink]]
name = "operations"
kind = "smtp"
host = "mail.example.org"
port = 587
starttls = true
sender = "platform@example.org"
recipients = ["operations@example.org"]
user_from = "WG_MAIL_USER"          # names of environment variables: keys never stand in a file
password_from = "WG_MAIL_PASSWORD"
severities = ["ERROR"]
stations = ["clean.*", "run"]

[[sink]]
name = "desk"
kind = "apprise"
address_from = "WG_DESK_ADDRESS"
"""

import os
import tomllib
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from wg_dagster.alerts.alert import SEVERITIES, Alert
from wg_dagster.alerts.sinks import Sink, to_apprise, to_json_lines, to_mail, to_table
from wg_dagster.errors import BadInput, SinkFailed
from wg_dagster.warehouse import Warehouse

FILE = "alerts.toml"
JSON_LINES = "alerts.jsonl"
_KINDS = {
    "json_lines": {"path"},
    "smtp": {"host", "port", "starttls", "sender", "recipients", "user_from", "password_from"},
    "apprise": {"address_from"},
}
_NEEDED = {"json_lines": {"path"}, "smtp": {"host", "sender", "recipients"}, "apprise": {"address_from"}}
_ANY = {"name", "kind", "severities", "stations", "not_stations"}


@dataclass(frozen=True)
class Routes:
    """The sinks of a home in the order they are told, and how often a sign of life is sent (hours, 0 = never)."""

    sinks: tuple[Sink, ...]
    heartbeat_hours: float


def load_routes(warehouse: Warehouse) -> Routes:
    """Read `alerts.toml`; BadInput names the sink and the entry that cannot be used."""
    path = warehouse.home / FILE
    try:
        said = tomllib.loads(path.read_text()) if path.exists() else {}
    except tomllib.TOMLDecodeError as error:
        raise BadInput(f"{path}: {error}; the alerts wait in the outbox until it is mended") from error
    if unknown := said.keys() - {"heartbeat_hours", "sink"}:
        raise BadInput(f"{path}: unknown entries {', '.join(sorted(unknown))}; known are heartbeat_hours and [[sink]]")
    sinks = [_sink(path, entry) for entry in said.get("sink", [])]
    names = [sink.name for sink in sinks]
    if twice := sorted({name for name in names if names.count(name) > 1}):
        raise BadInput(f"{path}: two sinks are named {twice[0]}; give each its own name")
    own = [
        Sink("file", to_json_lines(warehouse.home / "alerts" / JSON_LINES)),
        Sink("table", to_table(warehouse)),
    ]
    return Routes((*(sink for sink in own if sink.name not in names), *sinks), float(said.get("heartbeat_hours", 0)))


def _sink(path: Path, entry: dict) -> Sink:
    name, kind = entry.get("name"), entry.get("kind")
    if not name or kind not in _KINDS:
        raise BadInput(f"{path}: sink {name!r} of kind {kind!r}: each needs a name and one of the kinds {', '.join(_KINDS)}")
    if unknown := entry.keys() - _KINDS[kind] - _ANY:
        raise BadInput(f"{path}: sink {name}: unknown entries {', '.join(sorted(unknown))}; {kind} knows {', '.join(sorted(_KINDS[kind]))}")
    if missing := _NEEDED[kind] - entry.keys():
        raise BadInput(f"{path}: sink {name}: {', '.join(sorted(missing))} is missing")
    severities = tuple(entry.get("severities", SEVERITIES))
    if wrong := set(severities) - set(SEVERITIES):
        raise BadInput(f"{path}: sink {name}: severities {', '.join(sorted(wrong))}; there are {', '.join(SEVERITIES)}")
    return Sink(name, _deliver(path, entry), severities, tuple(entry.get("stations", ["*"])), tuple(entry.get("not_stations", [])))


def _deliver(path: Path, entry: dict) -> Callable[[Alert], None]:
    keys = {option: entry[option] for option in ("address_from", "user_from", "password_from") if option in entry}
    if absent := [variable for variable in keys.values() if not os.environ.get(variable)]:
        return _unreachable(f"the environment variable {absent[0]} is not set")
    if entry["kind"] == "json_lines":
        return to_json_lines(path.parent / entry["path"])
    if entry["kind"] == "apprise":
        return to_apprise(os.environ[keys["address_from"]], entry["name"])
    login = (os.environ[keys["user_from"]], os.environ[keys["password_from"]]) if {"user_from", "password_from"} <= keys.keys() else None
    return to_mail(
        entry["host"],
        int(entry.get("port", 25)),
        sender=entry["sender"],
        recipients=entry["recipients"],
        login=login,
        starttls=bool(entry.get("starttls", False)),
    )


def _unreachable(reason: str) -> Callable[[Alert], None]:
    def deliver(_: Alert) -> None:
        raise SinkFailed(reason)

    return deliver
