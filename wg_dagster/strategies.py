"""The three strategies: universe, factors with signs, benchmarks, mandate. Each number has its reason beside it."""

from dataclasses import dataclass

from optimizer.mandate import Mandate
from wg_dagster.errors import OutsideData


@dataclass(frozen=True)
class UniverseRule:
    """Ranks by market cap among the eligible names of a market, largest = 1."""

    market: str
    rank_from: int
    rank_to: int
    small_market_below: int = 0  # with fewer eligible names than this, shares replace ranks
    share_from: float = 0.0
    share_to: float = 1.0
    days_to_trade: float = 5.0  # a 10 % position is sold within these days ...
    participation: float = 0.10  # ... at this share of the 20-session traded value


@dataclass(frozen=True)
class Costs:
    """Trading costs as fractions of the traded value."""

    commission: float
    half_spread: float


@dataclass(frozen=True)
class Strategy:
    """A rule-based strategy, from who may be bought to what it is measured against."""

    strategy_id: str
    name_ja: str
    name_en: str
    universe: UniverseRule
    factors: dict[str, int]  # incumbent: factor -> preferred sign
    factors_assumed: bool  # the public recipe does not say
    benchmarks: tuple[str, ...]  # own first
    currency: str
    mandate: Mandate
    costs: Costs
    assets_under_management: float  # in own currency: sets the floor on traded value
    is_size_neutral: bool = True  # ln(market cap) is taken out of the scores
    information_coefficient: float = 0.03  # monthly, of the composite; sensitivity in docs/method.md
    equity_premium: float = 0.045  # per year over bills
    minimum_factor_share: float = 0.6  # of the strategy's factors a name must have
    factor_rule: str = "incumbent"  # or top_1_percent, premia: the manager's choice, obeyed only while the search's evidence recommends it

    @property
    def market(self) -> str:
        """US or JP."""
        return self.universe.market


MAJOR_100 = Strategy(
    strategy_id="major_100",
    name_ja="メジャー100",
    name_en="Major 100",
    # The largest 1,000 of about 5,000 names; 40 % of them where the market has fewer than 2,500.
    universe=UniverseRule("US", 1, 1000, small_market_below=2500, share_from=0.0, share_to=0.40),
    # High profitability, EPS stability, safety, shareholder return and surprise: the public recipe.
    factors={"profitability": 1, "eps_stability": 1, "safety": 1, "shareholder_return": 1, "surprise": 1},
    factors_assumed=False,
    benchmarks=("sp500",),
    currency="USD",
    mandate=Mandate(),
    # Commission 0.5 bp and half a spread of 2 bp: large US names.
    costs=Costs(commission=0.00005, half_spread=0.0002),
    assets_under_management=50e6,
)
NEXT_MAJOR_100 = Strategy(
    strategy_id="next_major_100",
    name_ja="ネクストメジャー100",
    name_en="Next Major 100",
    # The following names up to rank 3,000, as a Russell-2000-like index has.
    universe=UniverseRule("US", 1001, 3000, small_market_below=2500, share_from=0.40, share_to=1.0),
    # High growth, activity, surprise and US beta: the public recipe.
    factors={"growth": 1, "activity": 1, "surprise": 1, "us_beta": 1},
    factors_assumed=False,
    benchmarks=("russell2000", "sp500"),
    currency="USD",
    mandate=Mandate(),
    # Half a spread of 8 bp: small US names.
    costs=Costs(commission=0.00005, half_spread=0.0008),
    assets_under_management=20e6,
)
SAMURAI_25 = Strategy(
    strategy_id="samurai_25",
    name_ja="SAMURAI 25",
    name_en="SAMURAI 25",
    universe=UniverseRule("JP", 1, 800),
    # The recipe is not published beyond "value": the other three are assumed.
    factors={"value": 1, "shareholder_return": 1, "surprise": 1, "safety": 1},
    factors_assumed=True,
    benchmarks=("topix",),
    currency="JPY",
    mandate=Mandate(),
    costs=Costs(commission=0.0001, half_spread=0.0006),
    assets_under_management=1e9,
)
STRATEGIES = {strategy.strategy_id: strategy for strategy in (MAJOR_100, NEXT_MAJOR_100, SAMURAI_25)}


def find_strategy(strategy_id: str) -> Strategy:
    """Look a strategy up by id; OutsideData names the known ones."""
    if strategy_id not in STRATEGIES:
        raise OutsideData(f"strategy {strategy_id!r} is not known; known: {', '.join(STRATEGIES)}")
    return STRATEGIES[strategy_id]
