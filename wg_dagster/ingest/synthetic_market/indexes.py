"""Total-return indexes, weighted by market cap: the 40 % largest US names, the rest of them, and all of Tokyo.

Members are chosen again each year by the caps at the end of May and change at the first session of July, as was announced a week before. A
delisted member leaves after its last session; a company listed since waits for the next review.
"""

from bisect import bisect_left
from dataclasses import dataclass, replace
from datetime import date
from itertools import pairwise

import numpy as np
import polars as pl

from wg_dagster.ingest.synthetic_market.companies import LARGE_SHARE
from wg_dagster.ingest.synthetic_market.market import Simulated
from wg_dagster.ingest.synthetic_market.parameters import Parameters
from wg_dagster.ingest.synthetic_market.rows import days, finish, known_by_day_end

INDEXES = {"US": ("sp500", "russell2000"), "JP": ("topix",)}
BASE_LEVEL = {"sp500": 1000.0, "russell2000": 1000.0, "topix": 1000.0}
_CURRENCY = {"sp500": "USD", "russell2000": "USD", "topix": "JPY"}
_REVIEW, _EFFECTIVE = "-05", "-07"
_NOTICE = 5  # sessions between announcement and change


@dataclass(frozen=True)
class Spell:
    """A stay of a symbol in an index, and the days on which its begin and its end were told."""

    index_id: str
    vendor_symbol: str
    valid_from: date
    told: date
    valid_to: date | None
    end_told: date | None


@dataclass
class Membership:
    """Index of each slot in each month as a position in INDEXES[market], -1 = none, (months, slots)."""

    index: np.ndarray


def membership(p: Parameters, simulated: Simulated) -> Membership:
    """Who belongs to which index in each month."""
    n, count = len(simulated.companies.industry), len(p.months)
    eligible = ~np.isin(np.arange(n), list(simulated.companies.adr_ratio))
    index, review = np.full((count, n), -1), None
    for m, (label, month) in enumerate(zip(p.months, simulated.months, strict=True)):
        if m == 0:
            index[m] = _choose(simulated, month.close[0] * month.shares, eligible)
        elif label.endswith(_EFFECTIVE) and review is not None:
            index[m] = review
        else:
            index[m] = index[m - 1]
        if m:  # the successor in a slot is another company
            replaced = month.company != simulated.months[m - 1].company
            index[m][replaced] = -1
            review = None if review is None else np.where(replaced, -1, review)
        if label.endswith(_REVIEW):
            review = _choose(simulated, month.close[-1] * month.shares, eligible)
    return Membership(index)


def member_returns(month_close: np.ndarray, previous: np.ndarray, split: np.ndarray, dividend: np.ndarray) -> np.ndarray:
    """Simple total returns from quoted prices; rows are sessions."""
    before = np.vstack([previous[None, :], month_close[:-1]])
    return (month_close * split + dividend) / before - 1


def levels(simulated: Simulated, members: Membership) -> dict[str, list[np.ndarray]]:
    """Levels of each index by month."""
    names = INDEXES[simulated.market]
    level, out = dict(BASE_LEVEL), {name: [] for name in names}
    for m, month in enumerate(simulated.months):
        returns = member_returns(month.close, month.previous, month.split, month.dividend)
        before = np.vstack([month.previous[None, :], month.close[:-1]])
        # Shares are those after the month's splits; undo the splits that are still to come.
        later = np.cumprod(month.split[::-1], axis=0)[::-1]
        caps = before * month.shares / later
        for position, name in enumerate(names):
            inside = (members.index[m] == position)[None, :] & ~np.isnan(returns)
            weights = np.where(inside, caps, 0.0)
            total = weights.sum(axis=1)  # 0 at the very first session, where the index starts
            growth = 1 + (weights * np.where(inside, returns, 0.0)).sum(axis=1) / np.where(total > 0, total, 1.0)
            path = level[name] * np.cumprod(growth)
            level[name] = float(path[-1])
            out[name].append(path)
    return out


def level_rows(simulated: Simulated, by_index: dict[str, list[np.ndarray]]) -> pl.DataFrame:
    """Rows of `index_levels`."""
    dates = np.array([day for month in simulated.months for day in month.dates], dtype="datetime64[D]")
    frames = [
        pl.DataFrame(
            {
                "index_id": np.full(len(dates), name),
                "session_date": days(dates),
                "known_at": known_by_day_end(simulated.market, dates),
                "currency": np.full(len(dates), _CURRENCY[name]),
                "level": np.round(np.concatenate(paths), 6),
                "is_total_return": np.full(len(dates), fill_value=True),
                "is_net": np.full(len(dates), fill_value=False),
                "is_proxy": np.full(len(dates), fill_value=False),
            }
        )
        for name, paths in by_index.items()
    ]
    return finish("index_levels", pl.concat(frames), f"index_levels/{simulated.market.lower()}")


def member_rows(simulated: Simulated, members: Membership) -> pl.DataFrame:
    """Rows of `index_members`: a spell is told when it begins, and told again with its end when that is known."""
    spells = _spells(simulated, members)
    begun = [(spell.index_id, spell.vendor_symbol, spell.valid_from, None, spell.told) for spell in spells]
    ended = [(spell.index_id, spell.vendor_symbol, spell.valid_from, spell.valid_to, spell.end_told) for spell in spells if spell.valid_to]
    schema = {"index_id": pl.String, "vendor_symbol": pl.String, "valid_from": pl.Date, "valid_to": pl.Date, "told": pl.Date}
    frame = pl.DataFrame(begun + ended, schema=schema, orient="row")
    known_at = known_by_day_end(simulated.market, frame["told"].to_numpy())
    return finish("index_members", frame.drop("told").with_columns(known_at), f"index_members/{simulated.market.lower()}")


def _choose(simulated: Simulated, line_caps: np.ndarray, eligible: np.ndarray) -> np.ndarray:
    """Index of each slot by the caps of the lines (NaN = not listed); a firm's two classes rank together, by what the firm is worth."""
    eligible = eligible & ~np.isnan(line_caps)
    if simulated.market == "JP":
        return np.where(eligible, 0, -1)
    caps = line_caps / simulated.companies.line_share()
    order = np.argsort(-np.where(eligible, caps, -1.0), kind="stable")
    large = round(LARGE_SHARE * int(eligible.sum()))
    chosen = np.full(len(caps), -1)
    chosen[order[:large]] = 0
    chosen[order[large : int(eligible.sum())]] = 1
    return chosen


def _spells(simulated: Simulated, members: Membership) -> list[Spell]:
    """Every stay of a symbol in an index; where a member is renamed, one ends and another begins."""
    companies, months = simulated.companies, simulated.months
    calendar = [day for month in months for day in month.dates]
    out = []
    for slot in range(len(companies.industry)):
        for start, end in _runs(members.index[:, slot].tolist(), [int(month.company[slot]) for month in months]):
            company = int(months[start].company[slot])
            first, last = months[start].dates[0], companies.last_day(company)
            ends = ends_told = None
            if last is not None and (end == len(months) or last < months[end].dates[0]):
                ends = ends_told = last
            elif end < len(months):
                following = bisect_left(calendar, months[end].dates[0])
                ends, ends_told = calendar[following - 1], calendar[following - _NOTICE]
            told = calendar[max(bisect_left(calendar, first) - _NOTICE, 0)]
            index = INDEXES[simulated.market][members.index[start, slot]]
            out += _by_symbol(companies.symbols[company], Spell(index, "", first, told, ends, ends_told), calendar)
    return sorted(out, key=lambda spell: (spell.index_id, spell.valid_from, spell.vendor_symbol))


def _by_symbol(symbols: list[tuple[str, date]], stay: Spell, calendar: list[date]) -> list[Spell]:
    """The stay cut where the member's symbol changes; a new symbol is told on its first session."""
    changes = [since for _, since in symbols[1:] if stay.valid_from < since and (stay.valid_to is None or since <= stay.valid_to)]
    starts, out = [stay.valid_from, *changes], []
    for start, following in zip(starts, [*changes, None], strict=True):
        symbol = next(name for name, since in reversed(symbols) if since <= start)
        spell = replace(stay, vendor_symbol=symbol, valid_from=start, told=stay.told if start == stay.valid_from else start)
        if following is not None:
            ends = calendar[bisect_left(calendar, following) - 1]
            spell = replace(spell, valid_to=ends, end_told=ends)
        out.append(spell)
    return out


def _runs(index: list[int], company: list[int]) -> list[tuple[int, int]]:
    """(first, past the last) month of each run of equal index and company where there is an index."""
    keys = list(zip(index, company, strict=True))
    edges = [0, *(k for k in range(1, len(keys)) if keys[k] != keys[k - 1]), len(keys)]
    return [(a, b) for a, b in pairwise(edges) if keys[a][0] >= 0]
