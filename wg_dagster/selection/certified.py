"""Certify a stored portfolio: put its question again from the tables, hold it against the mandate, replay its bound.

No solver runs. A portfolio is certified when its weights obey the mandate, its ratio is the one stored, its certificate proves the bound
stored, and the bound is not under the ratio. Whatever was changed since (weights, certificate, figures, prices), one of these fails.
"""

from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
import polars as pl

from optimizer.certificate import replay
from optimizer.errors import BadUniverse
from optimizer.mandate import Mandate, check
from optimizer.proof_text import from_text
from optimizer.room import Room, rooms
from optimizer.solution import fingerprint
from optimizer.terms import terms
from optimizer.universe import Universe
from wg_dagster.errors import OutsideData
from wg_dagster.selection.inputs import Question, asked
from wg_dagster.selection.portfolio import costed, members_of, solver_universe, weights_of, with_sector_names
from wg_dagster.selection.stations import STATIONS
from wg_dagster.stations import Reader
from wg_dagster.strategies import Strategy
from wg_dagster.warehouse import Warehouse

SAME = 1e-9  # relative; another machine adds numbers in another order
_SOLVED = ("solved", "widened")


@dataclass(frozen=True)
class Figure:
    """A stored figure and what it is when computed again."""

    name: str
    stored: float
    again: float

    @property
    def holds(self) -> bool:
        """Whether both are the same to rounding."""
        return bool(abs(self.again - self.stored) <= SAME * max(abs(self.stored), 1.0))


@dataclass(frozen=True, eq=False)
class Verdict:
    """What was found; certified where there are no `failures`."""

    status: str
    objective: str
    figures: list[Figure] = field(default_factory=list)
    rooms: list[Room] = field(default_factory=list)
    failures: list[str] = field(default_factory=list)


def certify(warehouse: Warehouse, strategy: Strategy, month: str) -> Verdict:
    """Certify the portfolio of a month as the warehouse's snapshot has it.

    Raises
    ------
    OutsideData
        If the month has no row in `portfolio_solutions`.
    """
    stored = warehouse.read("portfolio_solutions", months=[month], scope=strategy.strategy_id)
    if stored.is_empty():
        months = warehouse.months("portfolio_solutions", scope=strategy.strategy_id)
        known = f"months with one: {months[0]} to {months[-1]}" if months else "there is none yet"
        raise OutsideData(f"{strategy.strategy_id} has no portfolio of {month}; {known}")
    row = stored.row(0, named=True)
    if row["status"] not in _SOLVED:
        return Verdict(row["status"], "", failures=[f"nothing was proven: {row['message']}"])
    if not row["certificate"]:
        return Verdict(row["status"], row["objective"], failures=[f"the bound is the word of a solver ({row['bound_kind']}), not a proof"])
    held = warehouse.read("model_portfolios", months=[month], scope=strategy.strategy_id)
    station = next(station for station in STATIONS if station.name == "portfolio")
    question = asked(Reader(warehouse, station, [month], strategy), month, strategy)
    return _verdict(question, row, dict(held.select("security_id", "weight").iter_rows()))


@dataclass(frozen=True, eq=False)
class _Case:
    """The problem as it is put now, and the stored weights."""

    universe: Universe
    mandate: Mandate
    weights: np.ndarray
    current: np.ndarray | None


def _verdict(question: Question, row: dict[str, Any], held: dict[str, float]) -> Verdict:
    risk = question.risk
    if risk is None:
        return Verdict(row["status"], row["objective"], failures=[f"the tables put no question any more: {question.reason}"])
    members = members_of(row["status"], question.scored, question.candidates)
    universe = solver_universe(question.scored, members, risk)
    strangers = sorted(set(held) - set(universe.ids))
    if strangers:
        return Verdict(row["status"], row["objective"], failures=[f"held but not among the {len(universe)} names: {', '.join(strangers)}"])
    weights = np.array([held.get(name, 0.0) for name in universe.ids])
    case = _Case(universe, costed(question.strategy), weights, weights_of(universe, question.current))
    bound, failures = _replayed(row["certificate"], case)
    figures = _figures(row, case, bound)
    failures += [
        f"the mandate is broken: {with_sector_names(rule.rule, risk)} {rule.limit:.6g}, has {rule.value:.6g}"
        for rule in check(case.weights, case.universe, case.mandate, case.current)
    ]
    failures += [
        f"{figure.name} stored is {figure.stored:.9g}, computed again {figure.again:.9g}" for figure in figures if not figure.holds
    ]
    if failures and fingerprint(case.universe, case.mandate, case.current) != row["fingerprint"]:
        failures.append("the tables, the mandate or the method are not those of the decision: run the month again")
    found = [
        replace(room, rule=with_sector_names(room.rule, risk)) for room in rooms(case.weights, case.universe, case.mandate, case.current)
    ]
    return Verdict(row["status"], row["objective"], figures, found, failures)


def _replayed(text: str, case: _Case) -> tuple[float, list[str]]:
    """The bound that a stored certificate proves; NaN and why where it proves none."""
    try:
        return replay(from_text(text), case.universe, case.mandate, case.current), []
    except (BadUniverse, KeyError, ValueError, IndexError) as error:
        return float("nan"), [f"the certificate cannot be replayed: {error}"]


def _figures(row: dict[str, Any], case: _Case, bound: float) -> list[Figure]:
    universe, weights = case.universe, case.weights
    data = terms(universe, case.mandate, case.current, row["objective"])
    downside = float(np.sqrt(data.squared_downside(weights)))
    ratio = data.net_return(weights) / downside if downside else 0.0
    gap = (bound / ratio if row["objective"] == "ratio" else downside / bound) - 1
    again = {
        "ratio": ratio,
        "bound": bound,
        "gap": max(gap, 0.0),
        "risk_ratio": universe.volatility(weights) / universe.benchmark_vol,
        "beta": float(universe.beta @ weights),
        "names": float((weights > 0).sum()),
    }
    return [Figure(name, float("nan") if row[name] is None else float(row[name]), float(value)) for name, value in again.items()]


def bands(found: list[Room]) -> pl.DataFrame:
    """Rules with both their sides in one row: | rule | least | value | most | room |, in the order of the mandate."""
    rows: dict[str, dict] = {}
    for room in found:
        name, _, side = room.rule.rpartition(", at ")
        row = rows.setdefault(
            name or room.rule, {"rule": name or room.rule, "least": None, "value": room.value, "most": None, "room": room.room}
        )
        row["least" if side == "least" else "most"] = room.limit
        row["room"] = min(row["room"], room.room)
    schema = {"rule": pl.String, **dict.fromkeys(("least", "value", "most", "room"), pl.Float64)}
    return pl.DataFrame(list(rows.values()), schema=schema)
