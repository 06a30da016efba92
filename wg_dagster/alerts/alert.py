"""One thing that happened and that somebody must hear of."""

import hashlib
from dataclasses import asdict, dataclass
from datetime import UTC, datetime

import polars as pl

from wg_dagster.schemas.tables import TABLES

SEVERITIES = ("INFO", "WARN", "ERROR")  # in rising order


@dataclass(frozen=True)
class Alert:
    """One thing that happened, once; `alert_id` is its hash, so that the same failure is not told twice."""

    alert_id: str
    station: str
    month: str
    severity: str
    title: str
    body: str
    raised_at: str
    subject: str = ""  # what can be mended: table and check, a sink; "" where nothing later says that it is

    @classmethod
    def of_check(cls, check: dict[str, object], raised_at: datetime) -> "Alert":
        """The alert of a failed row of `checks`."""
        words = [str(check[name]) for name in ("station", "month", "table", "check_name", "severity", "failed_rows", "details")]
        of_total = f" of {check['total_rows']}" if check["total_rows"] else ""
        return cls(
            alert_id=alert_id(*words),
            station=str(check["station"]),
            month=str(check["month"]),
            severity=str(check["severity"]),
            title=f"{check['station']} {check['month']}: {check['table']} {check['check_name']} failed "
            f"({check['failed_rows']}{of_total} rows)",
            body=f"{check['details']} The rows are in the table quarantine, station {check['station']}, month {check['month']}; "
            "read them with wg sql",
            raised_at=raised_at.isoformat(),
            subject=subject_of_check(check),
        )


def alert_id(*words: str) -> str:
    """The same words, the same alert."""
    return hashlib.sha256("\n".join(words).encode()).hexdigest()[:16]


def subject_of_check(check: dict[str, object]) -> str:
    """What a later verdict of the same check says is mended."""
    return "/".join(str(check[name]) for name in ("station", "month", "table", "check_name"))


def alerts_of(checks: pl.DataFrame, *, raised_at: datetime | None = None) -> list[Alert]:
    """An alert for each failed check, in the order of the chain."""
    moment = raised_at or datetime.now(UTC)
    return [Alert.of_check(check, moment) for check in checks.filter(~pl.col("passed")).sort("station", "month", "table").to_dicts()]


def alert_rows(alerts: list[Alert]) -> pl.DataFrame:
    """Alerts as rows of the table `alerts`."""
    if not alerts:
        return TABLES["alerts"].empty()
    rows = pl.DataFrame([asdict(alert) for alert in alerts])
    return rows.with_columns(pl.col("raised_at").str.to_datetime(time_zone="UTC", time_unit="us")).select(TABLES["alerts"].columns)
