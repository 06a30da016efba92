"""The market itself, month by month: returns from traits and weather, prices, splits, dividends, listings and delistings."""

from dataclasses import dataclass, field
from datetime import date

import numpy as np

from wg_dagster.calendars import CALENDAR_OF_MARKET, session_dates
from wg_dagster.ingest.synthetic_market import business
from wg_dagster.ingest.synthetic_market.companies import Companies, start_caps
from wg_dagster.ingest.synthetic_market.events import IN_JAPAN, effects, event_sizes
from wg_dagster.ingest.synthetic_market.parameters import Parameters
from wg_dagster.ingest.synthetic_market.returns import Common, daily_returns, endings, loadings
from wg_dagster.ingest.synthetic_market.schedule import BEFORE, Quarters, account_months
from wg_dagster.ingest.synthetic_market.weather import MonthWeather, fat_tails, weather

_REACTION = 0.035  # log return to news of one standard deviation
_NEWS_MEMORY = 0.75  # of the news trait from month to month: drift after announcements fades within a quarter or two


@dataclass
class Month:
    """One month of one market; rows are sessions, columns slots, NaN where nothing is listed."""

    dates: tuple[date, ...]
    company: np.ndarray
    close: np.ndarray  # as traded, rounded as quoted
    log_return: np.ndarray  # total, unrounded
    split: np.ndarray
    dividend: np.ndarray
    shares: np.ndarray  # of the line, after the month's splits
    previous: np.ndarray  # closes before the month's first session, on the basis of that day
    styles: np.ndarray = field(default_factory=lambda: np.zeros(0))  # loadings, (styles, slots)
    news_jump: np.ndarray = field(default_factory=lambda: np.zeros(0))  # part of the log return, (sessions, slots)


@dataclass
class Simulated:
    """A market's whole history; `accounts` is (account months, KEPT, slots), `shares` at the end of each account month."""

    market: str
    companies: Companies
    quarters: Quarters
    weather: list[MonthWeather]
    months: list[Month] = field(default_factory=list)
    accounts: np.ndarray = field(default_factory=lambda: np.zeros(0))
    shares: np.ndarray = field(default_factory=lambda: np.zeros(0))
    margin_shock: np.ndarray = field(default_factory=lambda: np.zeros(0))


class Trading:
    """The state of a market while the months pass."""

    def __init__(self, p: Parameters, companies: Companies, quarters: Quarters, news: np.ndarray) -> None:
        self.p, self.companies, self.market = p, companies, companies.market
        self.n = len(companies.industry)
        self.quarters, self.quarter_news = quarters, news
        self.events = event_sizes(p) * (1.0 if self.market == "US" else IN_JAPAN)
        self.calendar_months = [int(month[5:]) for month in account_months(p)]
        self.sessions = np.array(session_dates(CALENDAR_OF_MARKET[self.market]), dtype="datetime64[D]")
        self.line_share = companies.line_share()
        self.news_trait, self.twin_gap = np.zeros(self.n), np.zeros(self.n)
        self.company = np.full(self.n, -1)
        self.habits = {name: np.zeros(self.n) for name in companies.habits}
        self.price, self.firm_shares = np.ones(self.n), np.ones(self.n)
        shape = (len(self.calendar_months), len(business.KEPT), self.n)
        self.accounts, self.shares, self.shocks = np.full(shape, np.nan), np.full((shape[0], self.n), np.nan), np.zeros((shape[0], self.n))
        self.state = self._open(companies.lives.company[0] >= 0, 0, first=True)
        self.by_reaction = np.argsort(quarters.reaction, kind="stable")
        for account in range(BEFORE):
            self._business(account)
        self.state.log_value = np.log(self.price * self.firm_shares)

    def month(self, m: int, sky: MonthWeather, overnight: np.ndarray | None) -> Month:
        """Simulate month `m`; `overnight` is what New York did before each Tokyo session."""
        lives = self.companies.lives
        arriving = (lives.company[m] != self.company) & (lives.company[m] >= 0)
        if m and arriving.any():
            self._open(arriving, m, first=False)
        self.company = lives.company[m].copy()
        dates = np.array(sky.dates, dtype="datetime64[D]")
        alive = self._alive(dates)
        styles = loadings(self.market, self.state, self.habits, lives.traits[m], self.news_trait)
        jump, announced = self._reactions(dates)
        own = fat_tails(self.p.stream("own", self.market, self.p.months[m]), (len(dates), self.n))
        common = Common(sky, overnight, self.companies.industry)
        plain = daily_returns(self.market, common, styles, self.habits, own) + jump + self._revaluation(m) / len(dates)
        last, reason = self.companies.last_session[self.company], lives.reason[self.company]
        plain = endings(plain, self._sessions_left(dates, last), reason)
        plain = np.where(alive, plain, 0.0)
        event = np.where(alive, self.events[m] * effects(styles, self.companies.industry) / len(dates), 0.0)
        returns = self._pair_twins(m, plain + event)
        month = self._quote(m, sky, alive, returns)
        month.styles, month.news_jump = styles, jump
        self._settle(plain, announced)
        return month

    # -- listings --------------------------------------------------------------------------------------------------------------

    def _open(self, slots: np.ndarray, m: int, *, first: bool) -> business.Business:
        """Books, price and shares of the companies that are listed in month `m`."""
        lives, market = self.companies.lives, self.market
        company = np.where(slots, lives.company[m], 0)
        cap = start_caps(market, lives.size[company])
        luck = self.p.stream("opening", market, m).standard_normal(self.n)
        chosen = slots | first  # slots that are still empty keep harmless books
        self.habits = {name: np.where(chosen, values[company], self.habits[name]) for name, values in self.companies.habits.items()}
        opened = business.open_books(market, self.habits, lives.traits[m], np.log(cap), luck)
        self.price = np.where(chosen, self.habits["price"], self.price)
        self.firm_shares = np.where(chosen, np.round(cap / self.habits["price"]), self.firm_shares)
        self.news_trait = np.where(slots, 0.0, self.news_trait)
        if not first:
            for name, values in vars(opened).items():
                setattr(self.state, name, np.where(slots, values, getattr(self.state, name)))
            return self.state
        for a, b in self.companies.twins:
            self.price[b], self.firm_shares[b] = self.price[a], self.firm_shares[a]
            for values in vars(opened).values():
                values[b] = values[a]
        return opened

    def _alive(self, dates: np.ndarray) -> np.ndarray:
        first, last = self.companies.first_session[self.company], self.companies.last_session[self.company]
        ended = ~np.isnat(last)[None, :] & (dates[:, None] > last[None, :])
        return (self.company >= 0)[None, :] & (dates[:, None] >= first[None, :]) & ~ended

    def _sessions_left(self, dates: np.ndarray, last: np.ndarray) -> np.ndarray:
        """Sessions from each date to the delisting, (sessions, slots); NaN where the line stays."""
        left = (np.searchsorted(self.sessions, last)[None, :] - np.searchsorted(self.sessions, dates)[:, None]).astype(float)
        left[:, np.isnat(last) | (self.company < 0)] = np.nan
        return left

    # -- returns ---------------------------------------------------------------------------------------------------------------

    def _reactions(self, dates: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Jumps at the sessions that hear news, and the news of the month by slot."""
        jump, announced = np.zeros((len(dates), self.n)), np.zeros(self.n)
        order, q = self.by_reaction, self.quarters
        reaction = q.reaction[order]
        chosen = order[np.searchsorted(reaction, dates[0], "left") : np.searchsorted(reaction, dates[-1], "right")]
        chosen = chosen[q.company[chosen] == self.company[q.slot[chosen]]]
        jump[np.searchsorted(dates, q.reaction[chosen]), q.slot[chosen]] = _REACTION * q.news[chosen] - _REACTION**2 / 2
        announced[q.slot[chosen]] = q.news[chosen]
        return jump, announced

    def _revaluation(self, m: int) -> np.ndarray:
        """What the month's change of traits does to the prices of companies that stay."""
        lives = self.companies.lives
        if m + 1 == len(lives.company):
            return np.zeros(self.n)
        stays = np.equal(lives.company[m + 1], lives.company[m]) & (lives.company[m] >= 0)
        return np.where(stays, business.revaluation(lives.traits[m], lives.traits[m + 1]), 0.0)

    def _pair_twins(self, m: int, returns: np.ndarray) -> np.ndarray:
        """The second class of a share follows the first within a narrow, mean-reverting gap."""
        for a, b in self.companies.twins:
            gap = 0.004 * self.p.stream("twins", self.market, self.p.months[m], b).standard_normal(len(returns))
            returns[:, b] = returns[:, a] + np.diff(gap, prepend=self.twin_gap[b])
            self.twin_gap[b] = gap[-1]
        return returns

    # -- prices ----------------------------------------------------------------------------------------------------------------

    def _quote(self, m: int, sky: MonthWeather, alive: np.ndarray, returns: np.ndarray) -> Month:
        """Turn total returns into prices as traded, splits and dividends, and move the state to the end of the month."""
        days = len(sky.dates)
        issued, paid = self._business(m + BEFORE)
        split, dividend = np.ones((days, self.n)), np.zeros((days, self.n))
        self._split(m, alive, split)
        ex = self._ex_session(days)
        gross = np.exp(returns)
        path = self.price * np.cumprod(gross / split, axis=0)
        before_ex = np.where(ex > 0, path[ex - 1, np.arange(self.n)], self.price)
        cash = np.round(paid * before_ex, 4 if self.market == "US" else 2) * alive[ex, np.arange(self.n)]
        for a, b in self.companies.twins:
            cash[b] = cash[a]
        dividend[ex, np.arange(self.n)] = cash
        after = path[ex, np.arange(self.n)]
        path = np.where(np.arange(days)[:, None] >= ex, path * (1 - cash / after), path)
        shares = np.round(self.firm_shares * np.prod(split, axis=0))
        previous = quoted(self.market, self.price)
        month = Month(
            sky.dates,
            self.company.copy(),
            np.where(alive, quoted(self.market, path), np.nan),
            np.where(alive, returns, np.nan),
            split,
            dividend,
            np.round(shares * self.line_share),
            np.where(self._listed_before(sky.dates[0]), previous, np.nan),
        )
        self.price, self.firm_shares = path[-1], np.round(shares * (1 + issued))
        self.shares[m + BEFORE] = self.firm_shares
        return month

    def _listed_before(self, day: date) -> np.ndarray:
        return (self.company >= 0) & (self.companies.first_session[self.company] < np.datetime64(day))

    def _split(self, m: int, alive: np.ndarray, split: np.ndarray) -> None:
        """Splits where a share became unwieldy, in the last month of a fiscal quarter, when the last report is out and the next far."""
        rng = self.p.stream("splits", self.market, self.p.months[m])
        chance, which, session = rng.random(self.n), rng.random(self.n), rng.integers(4, 10, self.n)
        high, low = (250.0, 2.0) if self.market == "US" else (9000.0, 90.0)
        quarter_ends = (self.calendar_months[m + BEFORE] - self.habits["fiscal_end"]) % 3 == 0
        terms = np.array([1.5, 2.0, 2.0, 3.0, 4.0, 5.0, 10.0])[(which * 7).astype(int)]
        wanted = np.where((self.price > high) & (chance < 0.30), terms, 1.0)
        wanted = np.where((self.price > high / 4) & (chance > 0.985), 2.0, wanted)
        wanted = np.where((self.price < low) & (chance < 0.5), 0.1, wanted)
        wanted = np.where(quarter_ends & alive[0] & alive[-1], wanted, 1.0)
        for a, b in self.companies.twins:
            wanted[b], session[b] = wanted[a], session[a]
        split[session, np.arange(self.n)] = wanted

    def _ex_session(self, days: int) -> np.ndarray:
        """Session of the month at which a dividend would be ex: near the middle in New York, the one before the last in Tokyo."""
        if self.market == "JP":
            return np.full(self.n, days - 2)
        return 10 + (self.habits["season_peak"].astype(int) % 4)

    def _pays(self, account: int) -> np.ndarray:
        month, habits = self.calendar_months[account], self.habits
        if self.market == "JP":
            return ((month - habits["fiscal_end"]) % 6 == 0) & (habits["payout"] > 0)
        return ((month - habits["dividend_month"]) % 3 == 0) & (habits["payout"] > 0)

    # -- business --------------------------------------------------------------------------------------------------------------

    def _business(self, account: int) -> tuple[np.ndarray, np.ndarray]:
        """Pass a month of business; net issuance and dividends as fractions of the market cap."""
        traits = self.companies.lives.traits[max(account - BEFORE, 0)]
        rng = self.p.stream("business", self.market, account_months(self.p)[account])
        noise, draws = rng.standard_normal((4, self.n)), np.vstack([rng.standard_normal(self.n), rng.random((2, self.n))])
        for a, b in self.companies.twins:
            noise[:, b], draws[:, b] = noise[:, a], draws[:, a]
        starts = (self.calendar_months[account] - self.habits["fiscal_end"]) % 3 == 1
        business.new_quarter(self.state, starts, self.quarter_news[account], draws, traits)
        self.accounts[account], issued, paid = business.pass_month(
            self.market,
            self.state,
            self.habits,
            traits,
            industry=self.companies.industry,
            calendar_month=self.calendar_months[account],
            noise=noise,
            pays_dividend=self._pays(account),
        )
        self.shocks[account] = self.state.shock
        self.shares[account] = self.firm_shares
        self.last_issued, self.last_paid = issued, paid
        return issued, paid

    def _settle(self, plain: np.ndarray, announced: np.ndarray) -> None:
        """Remember the month: the firm's value without event draws, and its news."""
        self.state.log_value = self.state.log_value + plain.sum(axis=0) + np.log1p(self.last_issued) + np.log1p(-self.last_paid)
        self.news_trait = _NEWS_MEMORY * self.news_trait + announced
        for a, b in self.companies.twins:
            for values in (*vars(self.state).values(), self.news_trait, self.firm_shares):
                values[b] = values[a]


def simulate(p: Parameters, companies: Companies, quarters: Quarters, news: np.ndarray, overnight: dict[date, float] | None) -> Simulated:
    """Simulate one market from its first to its last month."""
    sky = weather(p, companies.market)
    trading = Trading(p, companies, quarters, news)
    months = []
    for m, month in enumerate(sky):
        before = np.array([overnight[day] for day in month.dates]) if overnight is not None else None
        months.append(trading.month(m, month, before))
    return Simulated(companies.market, companies, quarters, sky, months, trading.accounts, trading.shares, trading.shocks)


def quoted(market: str, price: np.ndarray) -> np.ndarray:
    """Prices as quoted: cents, finer below a dollar; whole yen from 1,000 on, tenths below."""
    edge, coarse, fine = (1.0, 2, 4) if market == "US" else (1000.0, 0, 1)
    return np.where(price >= edge, np.round(price, coarse), np.maximum(np.round(price, fine), 10.0**-fine))
