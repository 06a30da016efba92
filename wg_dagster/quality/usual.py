"""What a source's files show in any month is no alarm: limits of counts that grow with the names, by source."""

from collections.abc import Iterable
from dataclasses import replace

import polars as pl

from wg_dagster.quality.figures import Figure, Finding
from wg_dagster.quality.thresholds import THRESHOLDS, USUAL_OF_SOURCES


def as_usual(findings: Iterable[Finding], sources: pl.DataFrame) -> list[Finding]:
    """The findings, with the limit of the months' most faulty source where it has one of its own.

    `sources`: | month | source | of the raw rows. A count's limit is the usual share times the names or statements looked at; a share's
    limit is the usual share itself.
    """
    of_month: dict[str, list[str]] = {}
    for month, source in sources.unique().sort("month", "source").iter_rows():
        of_month.setdefault(month, []).append(source)
    return [replace(finding, figures=[_limited(finding.check, figure, of_month) for figure in finding.figures]) for finding in findings]


def _limited(check: str, figure: Figure, of_month: dict[str, list[str]]) -> Figure:
    shares = [USUAL_OF_SOURCES.get(source, {}).get(check, 0.0) for source in of_month.get(figure.month, [])]
    usual = max(shares, default=0.0)
    if not usual:
        return figure
    is_count = THRESHOLDS[check].limit == 0.0
    return figure._replace(limit=max(usual * figure.total if is_count else usual, THRESHOLDS[check].limit))
