"""The companies of one market and what stays the same about them: industry, names, symbols, fiscal year, habits."""

from dataclasses import dataclass, field
from datetime import date
from functools import cached_property

import numpy as np
from scipy.stats import norm

from wg_dagster.calendars import CALENDAR_OF_MARKET, month_sessions
from wg_dagster.ingest.synthetic_market.parameters import Parameters
from wg_dagster.ingest.synthetic_market.sectors import INDUSTRIES, deal
from wg_dagster.ingest.synthetic_market.traits import Lives, live

LARGE_SHARE = 0.40  # the largest names make the index of large companies
_MEDIAN_CAP = {"US": 5e9, "JP": 4.5e11}  # a few hundred names stand for the upper part of a market
_CAP_SPREAD = {"US": 1.3, "JP": 1.15}
_MEDIAN_PRICE = {"US": 45.0, "JP": 2000.0}
_CONSONANTS = "BCDFGHJKLMNPQRSTVWXZ"  # symbols without vowels spell no words


def _words(text: str) -> list[str]:
    return text.split()


_HEADS = _words(
    "Alder Bram Calder Dorn Elm Fenn Garn Halden Ister Jarn Kelder Lorn Marl Norr Oster Pell Quarn Rand Sel Thorn Ulm Vern Wick Yarl"
)
_TAILS = _words("brook dale field ford gate ham holm hurst land mere mont ridge stead vale wick worth")
_JP_HEADS = _words("Aoba Kazu Hama Hoku Ishi Kami Kita Matsu Mori Naga Nishi Oka Saka Shira Taka Tomi Uchi Waka Yama Yoshi")
_JP_TAILS = _words("bashi da gawa hara jima kawa mizu moto mura no saki shita ta ya zaki zawa")


@dataclass
class Companies:
    """One market. Arrays have one entry a slot where named `slot_*`, else one a company; months are positions in the span."""

    market: str
    lives: Lives
    industry: np.ndarray
    slot_size: np.ndarray
    twins: list[tuple[int, int]]  # slots of two share classes of one issuer
    adr_ratio: dict[int, float]  # slot -> ordinary shares per receipt; shown as unknown for `unknown_ratio`
    unknown_ratio: int
    first_session: np.ndarray = field(default_factory=lambda: np.zeros(0))
    last_session: np.ndarray = field(default_factory=lambda: np.zeros(0))  # datetime64, NaT while listed
    names: list[str] = field(default_factory=list)
    symbols: list[list[tuple[str, date]]] = field(default_factory=list)  # (symbol, its first session), oldest first
    habits: dict[str, np.ndarray] = field(default_factory=dict)

    @property
    def count(self) -> int:
        """Number of companies over the whole span."""
        return len(self.lives.slot)

    @cached_property
    def first_symbols(self) -> np.ndarray:
        """Symbol of each company at its listing."""
        return np.array([spells[0][0] for spells in self.symbols], dtype=object)

    @cached_property
    def changed_symbols(self) -> list[tuple[int, str, date]]:
        """(company, new symbol, its first session) of every renaming."""
        return [(company, symbol, since) for company, spells in enumerate(self.symbols) for symbol, since in spells[1:]]

    def first_day(self, company: int) -> date:
        """First session of a company."""
        return self.first_session[company].astype(date)

    def last_day(self, company: int) -> date | None:
        """Last session of a company; None while it is listed."""
        last = self.last_session[company]
        return None if np.isnat(last) else last.astype(date)

    def issuer(self, company: int) -> int:
        """The company that stands for the issuer: the first class where there are two."""
        slot = int(self.lives.slot[company])
        first = next((a for a, b in self.twins if b == slot), slot)
        return company if first == slot else int(np.flatnonzero(self.lives.slot == first)[0])

    def line_share(self) -> np.ndarray:
        """Part of the firm's shares that belongs to each slot's line: two classes split 3 to 1."""
        share = np.ones(len(self.industry))
        for first, second in self.twins:
            share[first], share[second] = 0.75, 0.25
        return share

    def ordinary_per_line(self) -> np.ndarray:
        """Ordinary shares behind one listed share of each slot: 1 but for depositary receipts."""
        ratio = np.ones(len(self.industry))
        for slot, value in self.adr_ratio.items():
            ratio[slot] = value
        return ratio


def found(p: Parameters, market: str) -> Companies:
    """Set up a market: who exists, in which industry, under which name, from when to when."""
    n = p.names(market)
    size = norm.ppf((n - np.arange(n) - 0.5) / n)
    large = round(LARGE_SHARE * n)
    halves = (large, n - large) if market == "US" else (n,)
    industry = deal(market, p.stream("industries", market), halves)
    twins = _twins(industry, large) if market == "US" else []
    adrs = _receipts(n, large, twins) if market == "US" else []
    protected = np.isin(np.arange(n), [slot for pair in twins for slot in pair] + adrs)
    lives = live(p, market, size, protected)
    for first, second in twins:
        lives.traits[:, :, second] = lives.traits[:, :, first]
    ratios = dict(zip(adrs, (2.0, 0.5, 4.0), strict=False))
    companies = Companies(market, lives, industry, size, twins, ratios, adrs[-1] if adrs else -1)
    _date(p, companies)
    companies.habits = _habits(p, companies)
    companies.names, companies.symbols = _name(p, companies)
    return companies


def start_caps(market: str, size: np.ndarray) -> np.ndarray:
    """Market cap at listing from the standardised size."""
    return _MEDIAN_CAP[market] * np.exp(_CAP_SPREAD[market] * size)


def _twins(industry: np.ndarray, large: int) -> list[tuple[int, int]]:
    """The first two neighbours in size of one industry, among the large and among the small; two classes of one company."""
    pairs = []
    for first, last in ((0, large), (large, len(industry))):
        pair = next(((a, b) for a in range(first, last) for b in range(a + 1, min(a + 12, last)) if industry[a] == industry[b]), None)
        pairs += [pair] if pair else []
    return pairs


def _receipts(n: int, large: int, twins: list[tuple[int, int]]) -> list[int]:
    """Slots of depositary receipts: middling names, the last with a ratio that nobody published."""
    taken = {slot for pair in twins for slot in pair}
    wanted = 3 if n >= 100 else 2
    return [slot for slot in range(large // 2, n) if slot not in taken][:wanted]


def _date(p: Parameters, companies: Companies) -> None:
    """First and last session of each company."""
    lives, calendar = companies.lives, CALENDAR_OF_MARKET[companies.market]
    days = [np.array(month_sessions(calendar, month), dtype="datetime64[D]") for month in p.months]
    early, late = (p.stream("listing days", companies.market, end).random(companies.count) for end in ("first", "last"))
    first, last = [], []
    for company in range(companies.count):
        born, died = days[lives.born[company]], lives.died[company]
        first.append(born[0] if lives.born[company] == 0 else born[int(early[company] * len(born))])
        last.append(days[died][2 + int(late[company] * (len(days[died]) - 3))] if died >= 0 else np.datetime64("NaT"))
    companies.first_session, companies.last_session = np.array(first), np.array(last, dtype="datetime64[D]")


def _habits(p: Parameters, companies: Companies) -> dict[str, np.ndarray]:
    """Lasting habits of each company."""
    count, market, lives = companies.count, companies.market, companies.lives
    rng = p.stream("habits", market)
    industry = companies.industry[lives.slot]
    normal = {
        "margin": np.array([line.margin for line in INDUSTRIES])[industry] * np.exp(0.25 * rng.standard_normal(count)),
        "asset_turnover": np.array([line.asset_turnover for line in INDUSTRIES])[industry] * np.exp(0.3 * rng.standard_normal(count)),
        "liabilities": np.array([line.liabilities for line in INDUSTRIES])[industry],
    }
    fiscal_ends = (
        ([12, 3, 6, 9, 1], [0.72, 0.06, 0.09, 0.09, 0.04]) if market == "US" else ([3, 12, 2, 6, 9], [0.74, 0.14, 0.04, 0.04, 0.04])
    )
    payers = 1 / (1 + np.exp(-(0.2 + 0.9 * lives.size + (1.5 if market == "JP" else 0.0))))
    habits = normal | {
        "fiscal_end": rng.choice(fiscal_ends[0], count, p=fiscal_ends[1]),
        "payout": np.where(rng.random(count) < payers, rng.uniform(0.15, 0.6, count), 0.0),
        "dividend_month": rng.integers(0, 3, count),
        "season": rng.uniform(0.0, 0.12, count),
        "season_peak": rng.integers(1, 13, count),
        "cash": rng.uniform(0.05, 0.22, count),
        "debt": rng.uniform(0.25, 0.6, count),
        "current_assets": rng.uniform(0.3, 0.6, count),
        "current_liabilities": rng.uniform(0.35, 0.6, count),
        "beta": rng.standard_normal(count),
        "hidden_1": rng.standard_normal(count),
        "hidden_2": rng.standard_normal(count),
        "new_york": np.clip(0.45 + 0.18 * rng.standard_normal(count), 0.0, 1.1),
        "multiple": 0.30 * rng.standard_normal(count),
        "turnover": rng.standard_normal(count),
        "price": _MEDIAN_PRICE[market] * np.exp(0.5 * rng.standard_normal(count) + 0.25 * lives.size),
        "ifrs": rng.random(count) < 0.22,
        "half_year_cash_flow": rng.random(count) < 0.4,
        "optimism": rng.uniform(0.0, 0.10, count),
        "nasdaq": rng.random(count) < 0.5,
    }
    first_of_slot = {int(slot): company for company, slot in reversed(list(enumerate(lives.slot)))}
    for first, second in companies.twins:
        for values in habits.values():
            values[first_of_slot[second]] = values[first_of_slot[first]]
    return habits


def _name(p: Parameters, companies: Companies) -> tuple[list[str], list[list[tuple[str, date]]]]:
    """Names, and symbols with their first session: some companies change theirs, and one old symbol comes back."""
    market, lives, count = companies.market, companies.lives, companies.count
    rng = p.stream("names", market)
    heads, tails = (_HEADS, _TAILS) if market == "US" else (_JP_HEADS, _JP_TAILS)
    picks = rng.integers(0, len(heads) * len(tails), count)
    stems = [heads[pick % len(heads)] + tails[pick // len(heads)] for pick in picks]
    suffix = "Inc." if market == "US" else "Co., Ltd."
    names = [f"{stem} {INDUSTRIES[companies.industry[lives.slot[k]]].name} {suffix}" for k, stem in enumerate(stems)]
    renamed = _renamed(p, companies, rng)
    codes = _codes(market, count + len(renamed), p)
    symbols = [[(code, companies.first_day(company))] for company, code in enumerate(codes[:count])]
    for code, (company, day) in zip(codes[count:], renamed.items(), strict=True):
        symbols[company].append((code, day))
    old, new = _comes_back(lives)
    if old >= 0:
        symbols[new] = [(symbols[old][-1][0], companies.first_day(new))]
    for first, second in companies.twins:
        a, b = (int(np.flatnonzero(lives.slot == slot)[0]) for slot in (first, second))
        names[b], symbols[b] = names[a], [(symbols[a][0][0] + ".B", companies.first_day(b))]
    return names, symbols


def _renamed(p: Parameters, companies: Companies, rng: np.random.Generator) -> dict[int, date]:
    """Companies that change their symbol, and the first session of the new one: about one in a hundred a year."""
    lives, months = companies.lives, p.months
    apart = {slot for pair in companies.twins for slot in pair} | set(companies.adr_ratio)
    stayers = [k for k in range(companies.count) if lives.born[k] == 0 and lives.died[k] < 0 and lives.slot[k] not in apart]
    wanted = min(len(stayers), max(1, round(0.01 * len(months) / 12 * len(companies.industry))))
    chosen = sorted(rng.choice(stayers, wanted, replace=False).tolist())
    at = rng.integers(4, len(months) - 1, wanted)
    calendar = CALENDAR_OF_MARKET[companies.market]
    return {k: month_sessions(calendar, months[m])[8] for k, m in zip(chosen, at, strict=True)}


def _codes(market: str, wanted: int, p: Parameters) -> list[str]:
    """Distinct symbols in a scattered order: four consonants in New York, four digits in Tokyo."""
    start = int(p.stream("codes", market).integers(0, 8000))
    if market == "JP":
        return [str(1300 + (start + 1009 * k) % 8681) for k in range(wanted)]
    numbers = [(start + 48611 * k) % len(_CONSONANTS) ** 4 for k in range(wanted)]
    return ["".join(_CONSONANTS[number // 20**place % 20] for place in range(4)) for number in numbers]


def _comes_back(lives: Lives) -> tuple[int, int]:
    """A company that left and a later one that takes its symbol after at least a year; (-1, -1) if the span is too short."""
    for old in np.argsort(np.where(lives.died >= 0, lives.died, 10**6), kind="stable"):
        later = np.flatnonzero(lives.born >= lives.died[old] + 12)
        if lives.died[old] >= 0 and len(later):
            return int(old), int(later[0])
    return -1, -1
