"""Where alerts go: a file of JSON lines, the table `alerts`, mail, and what apprise reaches (Slack, Teams, a webhook ...)."""

import json
import os
import smtplib
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, field
from email.message import EmailMessage
from fnmatch import fnmatchcase
from pathlib import Path

from wg_dagster.alerts.alert import SEVERITIES, Alert, alert_rows
from wg_dagster.errors import BadInput, SinkFailed
from wg_dagster.warehouse import Warehouse

_SECONDS = 20  # a sink that does not answer must not hold the others up


@dataclass(frozen=True)
class Sink:
    """A place that alerts are sent to: `deliver` raises SinkFailed; it hears of `severities` and of `stations` (patterns)."""

    name: str
    deliver: Callable[[Alert], None]
    severities: tuple[str, ...] = SEVERITIES
    stations: tuple[str, ...] = ("*",)
    not_stations: tuple[str, ...] = field(default=())

    def wants(self, alert: Alert) -> bool:
        """Whether the alert is for this sink; nobody is told of his own failure."""
        if alert.severity not in self.severities or alert.subject == f"sink/{self.name}":
            return False
        return _matches(alert.station, self.stations) and not _matches(alert.station, self.not_stations)


def _matches(station: str, patterns: Sequence[str]) -> bool:
    return any(fnmatchcase(station, pattern) for pattern in patterns)


def to_json_lines(path: Path) -> Callable[[Alert], None]:
    """Append each alert as a line of JSON."""

    def deliver(alert: Alert) -> None:
        try:
            with path.open("a") as file:
                file.write(json.dumps(asdict(alert), ensure_ascii=False, sort_keys=True) + "\n")
                file.flush()
                os.fsync(file.fileno())
        except OSError as error:
            raise SinkFailed(f"{path} cannot be written: {error.strerror}") from error

    return deliver


def to_table(warehouse: Warehouse) -> Callable[[Alert], None]:
    """Append each alert to the table `alerts`; it shows with the next snapshot."""

    def deliver(alert: Alert) -> None:
        warehouse.append_new("alerts", alert_rows([alert]))

    return deliver


def to_mail(
    host: str, port: int, *, sender: str, recipients: Sequence[str], login: tuple[str, str] | None, starttls: bool
) -> Callable[[Alert], None]:
    """Send each alert as a mail of its own; `login` = user and password."""

    def deliver(alert: Alert) -> None:
        try:
            with smtplib.SMTP(host, port, timeout=_SECONDS) as server:
                if starttls:
                    server.starttls()
                if login:
                    server.login(*login)
                server.send_message(_mail(alert, sender, recipients))
        except OSError as error:  # smtplib's errors are OSErrors
            raise SinkFailed(f"mail server {host}:{port}: {type(error).__name__} {error}") from error

    return deliver


def _mail(alert: Alert, sender: str, recipients: Sequence[str]) -> EmailMessage:
    mail = EmailMessage()
    mail["From"] = sender
    mail["To"] = ", ".join(recipients)
    mail["Subject"] = " ".join(f"[{alert.severity}] {alert.title}".split())
    mail["Message-ID"] = f"<{alert.alert_id}@wg>"  # a mail that was sent twice is shown once
    mail.set_content(
        f"{alert.body}\n\nalert {alert.alert_id}, raised at {alert.raised_at}\nseen: wg alerts --acknowledge {alert.alert_id}\n"
    )
    return mail


def to_apprise(address: str, name: str) -> Callable[[Alert], None]:
    """Hand each alert to what an apprise address names; the address may hold a key and is never shown."""
    try:
        import apprise
    except ImportError as error:
        raise BadInput(f"sink {name} is of kind apprise, which is not installed; install the extra `notify`") from error
    services = apprise.Apprise()
    if not services.add(address):
        raise BadInput(f"sink {name}: its address is none that apprise knows; it begins like json://, slack://, msteams:// ...")
    kinds = {"INFO": apprise.NotifyType.INFO, "WARN": apprise.NotifyType.WARNING, "ERROR": apprise.NotifyType.FAILURE}

    def deliver(alert: Alert) -> None:
        text = f"{alert.body}\nalert {alert.alert_id}"
        if not services.notify(title=f"[{alert.severity}] {alert.title}", body=text, notify_type=kinds[alert.severity]):
            raise SinkFailed(f"{name}: the service did not take the alert")

    return deliver
