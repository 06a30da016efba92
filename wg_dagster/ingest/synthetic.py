"""The synthetic market as a source: the embedded default, made from a seed, with the truth beside it."""

import hashlib
from collections.abc import Iterator, Sequence
from functools import cached_property
from pathlib import Path

import polars as pl

from wg_dagster.calendars import CALENDAR_OF_MARKET
from wg_dagster.ingest.synthetic_market import expectations, faults, filings, indexes, listings, money, quotes, truth
from wg_dagster.ingest.synthetic_market.companies import found
from wg_dagster.ingest.synthetic_market.market import Simulated, simulate
from wg_dagster.ingest.synthetic_market.parameters import parameters
from wg_dagster.ingest.synthetic_market.schedule import quarter_news, schedule
from wg_dagster.ingest.synthetic_market.weather import new_york_overnight

MARKETS = tuple(CALENDAR_OF_MARKET)


class SyntheticMarket:
    """An adapter (see `ingest/adapter.py`) whose rows come from one simulated world; nothing is read from outside.

    Parameters
    ----------
    seed
        Equal seeds and parameters give equal bytes.
    scale
        `embedded` (400 US and 150 Japanese names, 8 years), `full` (5,000 and 2,000, 20 years), `small` or `tiny` (for tests).
    n_us, n_jp, first, last
        Change the scale's number of lines listed at a time, and its first and last month.
    world
        `base`, `event_off` or `event_flipped`: they differ in the event draw of January 2026 and in nothing known before that month.
    """

    name = "synthetic"

    def __init__(
        self,
        seed: int = 20260,
        *,
        scale: str = "embedded",
        n_us: int | None = None,
        n_jp: int | None = None,
        first: str | None = None,
        last: str | None = None,
        world: str = "base",
    ) -> None:
        self.parameters = parameters(seed, scale, world, n_us=n_us, n_jp=n_jp, first=first, last=last)

    def span(self) -> tuple[str, str]:
        """First and last month."""
        return self.parameters.first, self.parameters.last

    def identity(self) -> str:
        """Hash of the parameters and of the source code that makes the rows."""
        digest = hashlib.sha256(self.parameters.digest().encode())
        for file in [Path(__file__), *sorted((Path(__file__).parent / "synthetic_market").glob("*.py"))]:
            digest.update(file.name.encode() + file.read_bytes())
        return digest.hexdigest()

    def load(self, months: Sequence[str]) -> Iterator[tuple[str, pl.DataFrame]]:
        """Yield (raw table, rows) of these months; prices come in one part a market and month."""
        wanted = sorted(set(months) & set(self.parameters.months))
        for table, rows in self._tables:
            yield table, rows.filter(pl.col("month").is_in(wanted))
        for market in MARKETS:
            for month in wanted:
                yield "prices", self._prices(market, self.parameters.months.index(month))

    def truth(self) -> dict[str, pl.DataFrame]:
        """What no vendor knows: traits, betas, shares, premia, events, faults, identity (columns in `synthetic_market/truth.py`)."""
        p, both = self.parameters, self.simulated.values()
        planted = [row for one in both for row in faults.told(one, self._price_faults[one.market])] + self._filings[1]
        return {
            "traits": pl.concat([truth.traits(p, one) for one in both]),
            "betas": pl.concat([truth.betas(p, one) for one in both]),
            "shares": pl.concat([truth.shares(p, one) for one in both]),
            "premia": pl.concat([truth.premia(p, one) for one in both]),
            "events": truth.events(p),
            "faults": pl.DataFrame(planted, infer_schema_length=None).sort("table", "market", "date", "vendor_symbol", "kind"),
            "identity": pl.concat([truth.identity(one) for one in both], how="vertical_relaxed"),
        }

    @cached_property
    def simulated(self) -> dict[str, Simulated]:
        """Both markets, simulated once; Tokyo hears what New York did."""
        p, out = self.parameters, {}
        for market in MARKETS:
            companies = found(p, market)
            news = quarter_news(p, market, companies.twins)
            overnight = new_york_overnight(p, out["US"].weather) if market == "JP" else None
            out[market] = simulate(p, companies, schedule(p, companies, news), news, overnight)
        return out

    @cached_property
    def members(self) -> dict[str, indexes.Membership]:
        """Index membership of each market."""
        return {market: indexes.membership(self.parameters, one) for market, one in self.simulated.items()}

    @cached_property
    def levels(self) -> dict[str, dict[str, list]]:
        """Index levels of each market by month."""
        return {market: indexes.levels(one, self.members[market]) for market, one in self.simulated.items()}

    @cached_property
    def _price_faults(self) -> dict[str, list[faults.PriceFault]]:
        return {market: faults.price_plan(self.parameters, one) for market, one in self.simulated.items()}

    @cached_property
    def _filings(self) -> tuple[list[pl.DataFrame], list[dict]]:
        yen = money.yen_by_account_month(money.usdjpy(self.parameters))
        frames, planted = [], []
        for market, one in self.simulated.items():
            rows, told = faults.plant_in_fundamentals(self.parameters, market, filings.fundamentals(self.parameters, one, yen))
            frames.append(rows)
            planted += told
        return frames, planted

    @cached_property
    def _tables(self) -> list[tuple[str, pl.DataFrame]]:
        p, out = self.parameters, []
        for market, one in self.simulated.items():
            out += [
                ("securities", listings.securities(p, one)),
                ("index_levels", indexes.level_rows(one, self.levels[market])),
                ("index_members", indexes.member_rows(one, self.members[market])),
            ]
        out += [("fundamentals", rows) for rows in self._filings[0]]
        out += [
            ("earnings_announcements", expectations.announcements(p, self.simulated["US"])),
            ("forecasts", expectations.forecasts(p, self.simulated["JP"])),
            ("rates", money.rates(p, money.usdjpy(p))),
        ]
        return out

    def _prices(self, market: str, m: int) -> pl.DataFrame:
        one = self.simulated[market]
        levels = {name: paths[m] for name, paths in self.levels[market].items()}
        rows = quotes.price_rows(self.parameters, one, m, levels)
        return faults.plant_in_prices(rows, one, [fault for fault in self._price_faults[market] if fault.month == m])
