"""Explain a month's active return: by factors, and by groups after Brinson and Fachler.

Lines are made day by day from weights at the start of the day and linked to the month (Carino). In both schemes all lines but
`total` add up to the booked active return; what no line explains has a line of its own, `unexplained`.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import polars as pl

from optimizer.cross_section import CrossSection, Design
from wg_dagster.performance.book import Book
from wg_dagster.performance.brinson import brinson_fachler, group_weights_and_returns
from wg_dagster.performance.linking import carino, link
from wg_dagster.schemas.columns import FACTORS

OUTSIDE = "outside_universe"  # held, but no member of the universe at the start of the month

Label = tuple[str, str]  # effect, item


@dataclass(frozen=True, eq=False)
class Lines:
    """Daily lines of one scheme: labels (K,) and values (T, K); each day's values add up to booked minus index return."""

    scheme: str
    labels: list[Label]
    values: np.ndarray

    @property
    def unexplained(self) -> np.ndarray:
        """What no line explains, day by day (T,)."""
        return self.values[:, self.labels.index(("unexplained", "unexplained"))]


def factor_lines(book: Book, design: Design, fitted: CrossSection) -> Lines:
    """Active exposure x factor return, active weight x specific return, and the lines of money.

    Exposures are those known at the month's start. A held name outside the universe has none and is wholly specific; a name without
    a return that day contributes nothing. Days on which the regression has too few names leave everything specific.
    """
    days = len(book.days)
    factor_returns = np.nan_to_num(fitted.factor_returns[:, -days:])
    exposures = np.zeros((len(book.security_ids), len(design.columns)))
    exposures[book.member] = design.B
    known = ~np.isnan(book.returns)
    active = np.where(known, book.weights - book.proxy, 0.0)
    specific = active * (np.where(known, book.returns, 0.0) - exposures @ factor_returns)
    of_factors = (active.T @ exposures) * factor_returns.T
    # The market column is short by the cash that earns nothing: that part is the cash line, not a view on the market.
    cash = -book.cash * factor_returns[0]
    of_factors[:, 0] -= cash
    moved = np.abs(specific).max(axis=1) > 0.0
    labels = [_factor_label(column) for column in design.columns]
    labels += [("specific", name) for name, moves in zip(book.security_ids, moved, strict=True) if moves]
    return _with_money(book, "factor", labels, np.column_stack([of_factors, specific[moved].T]), cash)


def brinson_lines(book: Book, groups: Sequence[str], scheme: str = "brinson") -> Lines:
    """Allocation and selection (with interaction) of each group, and the lines of money; `groups` names each universe row's group."""
    names = [*sorted(set(groups)), OUTSIDE]
    codes = np.full(len(book.security_ids), len(names) - 1)
    codes[book.member] = [names.index(group) for group in groups]
    returns = np.nan_to_num(book.returns)
    own_weights, own_returns = group_weights_and_returns(book.weights, returns, codes, len(names))
    proxy_weights, proxy_returns = group_weights_and_returns(book.proxy, returns, codes, len(names))
    effects = brinson_fachler(own_weights, proxy_weights, own_returns, proxy_returns)
    labels = [("allocation", name) for name in names] + [("selection", name) for name in names]
    values = np.column_stack([effects.allocation, effects.selection_with_interaction])
    used = [k for k, label in enumerate(labels) if label[1] != OUTSIDE or np.abs(values[:, k]).max() > 0.0]
    return _with_money(book, scheme, [labels[k] for k in used], values[:, used], -book.cash * book.proxy_return)


def attribution_rows(book: Book, lines: Lines) -> pl.DataFrame:
    """`| scheme | effect | item | value |`: the lines linked to the month, and `total active`, the booked active return itself."""
    linked = link(lines.values, carino(book.booked, book.index))
    total = np.prod(1.0 + book.booked) - np.prod(1.0 + book.index)
    effects, items = zip(*lines.labels, ("total", "active"), strict=True)
    frame = pl.DataFrame({"effect": effects, "item": items, "value": np.append(linked, total)})
    return frame.select(pl.lit(lines.scheme).alias("scheme"), "effect", "item", "value")


def factor_return_rows(fitted: CrossSection) -> pl.DataFrame:
    """`| factor | value | t_stat |`: the month's compounded factor returns; t = mean over standard error of the daily ones.

    The spread of a factor's daily returns carries all of its noise (Fama and MacBeth, 1973). Null where there are too few days.
    """
    daily = fitted.factor_returns[:, ~np.isnan(fitted.factor_returns).any(axis=0)]
    days = daily.shape[1]
    if days == 0:
        return pl.DataFrame(schema={"factor": pl.String, "value": pl.Float64, "t_stat": pl.Float64})
    error = daily.std(axis=1, ddof=1) / np.sqrt(days) if days > 1 else np.zeros(len(daily))
    t_stat = np.divide(daily.mean(axis=1), error, out=np.full(len(daily), np.nan), where=error > 1e-14)
    names = [item if effect != "sector" else f"sector:{item}" for effect, item in map(_factor_label, fitted.columns)]
    frame = pl.DataFrame({"factor": names, "value": np.prod(1.0 + daily, axis=1) - 1.0, "t_stat": t_stat})
    return frame.with_columns(pl.col("t_stat").fill_nan(None))


def _factor_label(column: str) -> Label:
    if column == "market":
        return "market", "market"
    return ("factor", column) if column in FACTORS else ("sector", column)


def _with_money(book: Book, scheme: str, labels: list[Label], values: np.ndarray, cash: np.ndarray) -> Lines:
    """Add what is not a choice of names: cash, trading, cost, the proxy's distance from the index, and the unexplained rest."""
    money = {"cash": cash, "trading": book.trading, "cost": book.cost, "index_minus_proxy": book.proxy_return - book.index}
    explained = values.sum(axis=1) + sum(money.values())
    money["unexplained"] = book.booked - book.index - explained
    return Lines(scheme, labels + [(name, name) for name in money], np.column_stack([values, *money.values()]))
