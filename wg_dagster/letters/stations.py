"""The station `letter`: a strategy's month as facts, and from the facts the Japanese and the English letter."""

import hashlib
from collections.abc import Sequence
from pathlib import Path

import polars as pl

from wg_dagster import calendars, config, strategies
from wg_dagster.letters.display import LANGUAGES
from wg_dagster.letters.facts import Sources, letter_facts
from wg_dagster.letters.findings import Finding, letter_findings
from wg_dagster.letters.index import write_file
from wg_dagster.letters.issuer import Issuer, issuer_of_home
from wg_dagster.letters.render import render_letter
from wg_dagster.performance import returns
from wg_dagster.quality.gate import verdict
from wg_dagster.schemas import columns
from wg_dagster.schemas.tables import TABLES
from wg_dagster.stations import HISTORY, Reader, Reads, Station
from wg_dagster.strategies import Strategy

_NAMES_BACK = 2  # months: a name that was sold may have been delisted since
_OLD = "superseded"


def letter_path(strategy: str, month: str, language: str) -> str:
    """Where a letter lies, below the home."""
    return f"letters/{strategy}/{month}/letter_{language}.html"


def write_letters(home: Path, facts: pl.DataFrame, issuer: Issuer) -> pl.DataFrame:
    """Render one letter in both languages, write the files that changed, and return its rows of `letters`.

    Facts and issuer alone decide the bytes, so a lost file is written again from the lake. A letter that changes keeps its old bytes
    under `superseded/`.
    """
    strategy, month, letter_id = facts.select("strategy", "month", "letter_id").row(0)
    rows = []
    for language in LANGUAGES:
        content = render_letter(facts, language, issuer)
        path = letter_path(strategy, month, language)
        _keep_old(home / path, content)
        write_file(home / path, content)
        rows.append((strategy, month, letter_id, language, path, hashlib.sha256(content.encode()).hexdigest()))
    return pl.DataFrame(rows, schema=TABLES["letters"].schema, orient="row")


def _keep_old(path: Path, content: str) -> None:
    if not path.exists() or path.read_bytes() == content.encode():
        return
    old = path.read_text(encoding="utf-8")
    version = hashlib.sha256(old.encode()).hexdigest()[:12]
    write_file(path.parent / _OLD / f"{path.stem}_{version}.html", old)


def _build(reader: Reader, months: Sequence[str], strategy: Strategy) -> dict[str, pl.DataFrame]:
    (month,) = months
    sources = _sources(reader, strategy, month)
    empty = {table: TABLES[table].empty() for table in ("report_facts", "letters", "checks")}
    if month not in set(sources.nav["month"]):
        return empty
    facts = letter_facts(sources, strategy, month).rows(strategy.strategy_id, month)
    findings = letter_findings(facts)
    letters = empty["letters"]
    if not any(finding.severity == "ERROR" for finding in findings):
        letters = write_letters(reader.home, facts, issuer_of_home(reader.home))
    return {"report_facts": facts, "letters": letters, "checks": _verdicts(findings, strategy, month, facts.height)}


def _sources(reader: Reader, strategy: Strategy, month: str) -> Sources:
    def of_month(table: str) -> pl.DataFrame:
        return reader.read(table).filter(pl.col("month") == month)

    securities = reader.read("securities_clean", columns=["month", "market", "security_id", "name", "sector"])
    newest = securities.filter(pl.col("market") == strategy.market).sort("month", "security_id", descending=[True, False])
    return Sources(
        performance=reader.read("performance", every_strategy=True).filter(pl.col("month") == month),
        nav=reader.read("nav"),
        benchmark_nav=reader.read("benchmark_nav").filter(pl.col("benchmark_id").is_in(strategy.benchmarks)),
        holdings=of_month("holdings"),
        attribution=of_month("attribution"),
        exposures=of_month("exposures"),
        factor_returns=reader.read("factor_returns"),
        trades=of_month("trades"),
        model_portfolios=of_month("model_portfolios"),
        portfolio_solutions=of_month("portfolio_solutions"),
        securities_clean=newest.unique("security_id", keep="first", maintain_order=True),
    )


def _verdicts(findings: list[Finding], strategy: Strategy, month: str, facts: int) -> pl.DataFrame:
    """The check `letter_findings`: ERROR where the facts contradict each other, and then no letter is written."""
    severe = [finding for finding in findings if finding.severity == "ERROR"]
    details: dict[str, object] = {"findings": [f"{finding.rule}: {finding.message}" for finding in (severe or findings)]}
    row = verdict(
        "letter",
        month,
        "report_facts",
        "letter_findings",
        passed=not findings,
        severity="WARN" if findings and not severe else "ERROR",
        failed_rows=len(findings),
        total_rows=facts,
        strategy=strategy.strategy_id,
        details=details if findings else None,
    )
    return pl.DataFrame([row], schema=TABLES["checks"].schema)


STATIONS = (
    Station(
        name="letter",
        description="The month as facts, and the client letter in Japanese and English",
        group="letter",
        reads=(
            Reads("performance", every_strategy=True),
            Reads("nav", back=HISTORY),
            Reads("benchmark_nav", back=HISTORY),
            Reads("holdings"),
            Reads("attribution"),
            Reads("exposures"),
            Reads("factor_returns", back=HISTORY),
            Reads("trades"),
            Reads("model_portfolios"),
            Reads("portfolio_solutions"),
            Reads("securities_clean", back=_NAMES_BACK),
        ),
        writes=("report_facts", "letters"),
        build=_build,
        code=(Path(__file__).parent, calendars, columns, config, returns, strategies),
        by_strategy=True,
        batch=1,
        settings=lambda home: repr(issuer_of_home(home)),
    ),
)
