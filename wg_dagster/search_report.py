"""The evidence of a search in the words of a portfolio manager: one short table, and the series that the page draws."""

from collections.abc import Iterator
from dataclasses import dataclass

import polars as pl

from wg_dagster.schemas.columns import FACTORS
from wg_dagster.strategies import Strategy

RULE_NAMES = {
    "best": "the single best set",
    "top_1_percent": "mean of the best 1 % of sets",
    "premia": "factors weighed by their premia",
    "all": "all factors alike",
    "incumbent": "incumbent",
    "benchmark": "benchmark",
}
CANDIDATES = ("top_1_percent", "premia")
_GATES = (
    ("pbo", "probability that the best set is overfitted", 0.50, "{:.2f}"),
    ("spa_p", "chance of such a best set if none beats the benchmark", 0.10, "{:.3f}"),
    ("deflated_sharpe_best", "confidence that the best set is better than luck", None, "{:.2f}"),
)


@dataclass(frozen=True)
class RuleRow:
    """A way to weigh the factors: Sortino ratios a year in the grid (walk forward) and in the real construction, None = not known."""

    rule: str
    name: str
    walk_forward: float | None
    interval: tuple[float | None, float | None]
    construction: float | None
    construction_interval: tuple[float | None, float | None]
    against_incumbent: float | None


@dataclass(frozen=True)
class Report:
    """What a page and a table show of the evidence of one strategy and month."""

    strategy: Strategy
    month: str
    values: dict[str, float | None]
    notes: dict[str, str]

    @classmethod
    def of(cls, strategy: Strategy, evidence: pl.DataFrame) -> "Report":
        """From the rows of `search_evidence` of one month."""
        rows = evidence.select("statistic", "value", "note").sort("statistic").rows()
        return cls(strategy, evidence["month"][0], {name: value for name, value, _ in rows}, {name: note for name, _, note in rows})

    def value(self, name: str) -> float | None:
        """A statistic; None where it is missing."""
        return self.values.get(name)

    def rules(self) -> list[RuleRow]:
        """One row a rule, the incumbent last."""
        return [
            RuleRow(
                rule,
                f"incumbent ({self.notes.get('incumbent', '')})" if rule == "incumbent" else name,
                self.value(f"walk_forward_{rule}"),
                (self.value(f"walk_forward_{rule}_low"), self.value(f"walk_forward_{rule}_high")),
                self.value(f"construction_sortino_{rule}"),
                (self.value(f"construction_sortino_{rule}_low"), self.value(f"construction_sortino_{rule}_high")),
                self.value(f"p_construction_{rule}_beats_incumbent"),
            )
            for rule, name in RULE_NAMES.items()
        ]

    def gates(self) -> list[tuple[str, str, str, bool | None]]:
        """Figure of luck: words, printed value, limit, whether it is passed (None = no limit)."""
        found = []
        for name, words, limit, form in _GATES:
            value = self.value(name)
            passed = None if limit is None else value is not None and value <= limit
            found.append(
                (words, "not known" if value is None else form.format(value), "" if limit is None else f"at most {limit:.2f}", passed)
            )
        return found

    def found(self) -> list[str]:
        """Factors that pass both tests, over all months."""
        return [factor for factor in FACTORS if self.value(f"is_found_{factor}") == 1.0]

    def searched(self) -> list[str]:
        """Factors that were searched."""
        return [factor for factor in FACTORS if f"inclusion_{factor}" in self.values]

    def verdict(self) -> str:
        """Whether anything is recommended, in one sentence."""
        advised = [RULE_NAMES[rule] for rule in CANDIDATES if self.value(f"recommend_{rule}") == 1.0]
        if advised:
            return f"The evidence recommends: {', '.join(advised)}. Nothing changes until the manager sets factor_rule of the strategy."
        return "The incumbent stays: no challenger is recommended."

    def objections(self) -> list[str]:
        """Why each challenger is not recommended."""
        lines = []
        for rule in CANDIDATES:
            said = [self.notes.get(f"{name}_{rule}", "") for name in ("may_replace", "recommend") if self.value(f"{name}_{rule}") == 0.0]
            why = [part for note in said for part in note.split("; ") if "the evidence of the grid" not in part]
            lines += [f"{RULE_NAMES[rule]}: {'; '.join(why)}"] if why else []
        return lines

    def series(self, prefix: str) -> dict[str, list[tuple[str, float]]]:
        """Rule -> (month, growth of one unit), oldest first."""
        found: dict[str, list[tuple[str, float]]] = {}
        for name, value in sorted(self.values.items()):
            if name.startswith(prefix) and " | " in name and value is not None:
                rule, month = name.removeprefix(prefix).split(" | ")
                found.setdefault(rule, []).append((month, value))
        return found

    def regimes(self) -> list[tuple[str, int, bool, float | None, float | None, float | None]]:
        """Regime: months, whether scored, Sortino of the best set and of the median one, the best set's on active return."""
        return [
            (
                regime,
                int(value or 0),
                not self.notes[name],
                self.value(f"regime_sortino_own_best | {regime}"),
                self.value(f"regime_sortino_own_median | {regime}"),
                self.value(f"regime_sortino_active_best | {regime}"),
            )
            for name, value in self.values.items()
            if name.startswith("regime_months | ")
            for regime in [name.removeprefix("regime_months | ")]
        ]

    def lines(self) -> Iterator[str]:
        """The short table, as the command prints it."""
        sets, months, trials = (self.value(name) for name in ("trials", "months", "effective_trials"))
        best, hindsight, median = self.notes.get("best_subset"), self.value("sortino_best"), self.value("sortino_median")
        yield f"Factor search of {self.strategy.name_en}, evidence at the end of {self.month}"
        yield f"  {count(sets)} sets of {len(self.searched())} factors, about {ratio(trials)} independent trials"
        yield f"  {count(months)} months, {self.notes.get('first_month')} to {self.notes.get('last_month')}"
        yield f"  best set in hindsight: {best} (Sortino {ratio(hindsight)}; the median set {ratio(median)})"
        yield ""
        yield f"  {'Sortino ratio a year':<58}{'unseen months':>18}{'real portfolios, net':>24}"
        for row in self.rules():
            walk, real = with_interval(row.walk_forward, row.interval), with_interval(row.construction, row.construction_interval)
            yield f"  {row.name[:56]:<58}{walk:>18}{real:>24}"
        yield f"  {'months':<58}{count(self.value('walk_forward_months')):>18}{count(self.value('construction_months')):>24}"
        yield ""
        for words, value, limit, passed in self.gates():
            yield f"  {words:<58}{value:>18}{limit:>16}  {'' if passed is None else 'passed' if passed else 'NOT PASSED'}".rstrip()
        yield f"  factors that pass both tests: {', '.join(self.found()) or 'none'}"
        for factor, why in self.left_out():
            yield f"  not searched: {factor}, {why}"
        yield ""
        yield f"  {self.verdict()}"
        for line in self.objections():
            yield f"    {line.replace('; ', ';' + chr(10) + '      ')}"

    def left_out(self) -> list[tuple[str, str]]:
        """Factors that were not searched, and why."""
        return [(name.removeprefix("left_out_"), note) for name, note in self.notes.items() if name.startswith("left_out_")]


def count(value: float | None) -> str:
    """A whole number as printed."""
    return "-" if value is None else f"{value:,.0f}"


def ratio(value: float | None) -> str:
    """A ratio as printed."""
    return "-" if value is None else f"{value:.2f}"


def with_interval(value: float | None, interval: tuple[float | None, float | None]) -> str:
    """A ratio with its interval as printed."""
    if value is None:
        return "-"
    low, high = interval
    return f"{value:.2f}" if low is None or high is None else f"{value:.2f} ({low:.1f} to {high:.1f})"
