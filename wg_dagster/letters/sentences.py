"""Sentences of the letter: ordered rules, each a condition over facts and one sentence in both languages.

A rule whose facts are not all known says nothing. Rules hold no figure of their own and no word of promise: tests read them all.
"""

from collections.abc import Callable

from wg_dagster.letters.book import FactBook
from wg_dagster.letters.wording import Rule, Section

_EXCESS = ("own.excess_return.1m", "setting.large_gap", "setting.matched_within")


def _outcome(rule_id: str, holds: Callable[[float, float, float], bool], ja: str, en: str) -> Rule:
    """L-2: the opening sentence."""
    return Rule(
        f"outcome.{rule_id}",
        "outcome",
        "{letter.month}の「{strategy.name}」の騰落率は{own.return.1m}、ベンチマーク（{benchmark.name}）は{own.benchmark_return.1m}となり、"
        + ja,
        "In {letter.month}, {strategy.name} returned {own.return.1m} against {own.benchmark_return.1m} for its benchmark, the "
        "{benchmark.name}" + en,
        _EXCESS,
        holds,
    )


_OUTCOMES = (
    _outcome(
        "greatly_lagged",
        lambda gap, large, _: gap <= -large,
        "ベンチマークを大幅に下回りました（超過収益{own.excess_return.1m}）。",
        ": it lagged by a wide margin (excess return {own.excess_return.1m}).",
    ),
    _outcome(
        "lagged",
        lambda gap, large, small: -large < gap <= -small,
        "ベンチマークを下回りました（超過収益{own.excess_return.1m}）。",
        ": it lagged (excess return {own.excess_return.1m}).",
    ),
    _outcome(
        "matched",
        lambda gap, _, small: -small < gap < small,
        "ベンチマークとほぼ同じでした（超過収益{own.excess_return.1m}）。",
        ": it matched its benchmark (excess return {own.excess_return.1m}).",
    ),
    _outcome(
        "beat",
        lambda gap, large, small: small <= gap < large,
        "ベンチマークを上回りました（超過収益{own.excess_return.1m}）。",
        ": it beat its benchmark (excess return {own.excess_return.1m}).",
    ),
    _outcome(
        "greatly_beat",
        lambda gap, large, _: gap >= large,
        "ベンチマークを大幅に上回りました（超過収益{own.excess_return.1m}）。",
        ": it beat its benchmark by a wide margin (excess return {own.excess_return.1m}).",
    ),
)

_PERFORMANCE = (
    Rule(
        "performance.since_inception",
        "performance",
        "設定来（{letter.inception}以降）の累積収益率は{own.return.since_inception}、同じ期間の{benchmark.name}は"
        "{own.benchmark_return.since_inception}で、差は{own.excess_return.since_inception}です。",
        "Since inception on {letter.inception} the strategy has returned {own.return.since_inception}, the {benchmark.name} "
        "{own.benchmark_return.since_inception} over the same dates: a difference of {own.excess_return.since_inception}.",
    ),
    Rule(
        "performance.ratios",
        "performance",
        "設定来のシャープ・レシオは{own.sharpe.since_inception}、ソルティノ・レシオは{own.sortino.since_inception}です。",
        "Since inception its Sharpe ratio is {own.sharpe.since_inception} and its Sortino ratio {own.sortino.since_inception}.",
    ),
    Rule(
        "performance.below_high",
        "performance",
        "月末の評価額は設定来の最高値に対して{own.current_drawdown.since_inception}の水準にあり、最高値に戻るのに必要な上昇率は"
        "{own.gain_to_recover.since_inception}です。これは計算上の値であり、見通しを示すものではありません。",
        "At month end the value stood {own.current_drawdown.since_inception} from its high; the gain needed to return to it is "
        "{own.gain_to_recover.since_inception}. This is arithmetic, not a forecast.",
        ("own.current_drawdown.since_inception",),
        lambda fall: fall < 0,
    ),
    Rule(
        "performance.at_high",
        "performance",
        "月末の評価額は設定来の最高値にあります（設定来の最大下落率は{own.max_drawdown.since_inception}）。",
        "At month end the value stood at its high since inception (largest drawdown so far: {own.max_drawdown.since_inception}).",
        ("own.current_drawdown.since_inception",),
        lambda fall: fall == 0,
    ),
    Rule(
        "performance.yen",
        "performance",
        "円換算では当月{own.return_jpy.1m}となりました。内訳は、現地通貨の収益率{own.return.1m}、米ドルの対円変動{own.fx_return.1m}、"
        "両者の積{own.fx_cross_term.1m}です。",
        "In yen the month returned {own.return_jpy.1m}: {own.return.1m} in local currency, {own.fx_return.1m} from the dollar against "
        "the yen, and {own.fx_cross_term.1m} from their product.",
    ),
)

_ATTRIBUTION = (
    Rule(
        "attribution.best",
        "attribution",
        "超過収益に最もプラスに寄与した要因は「{effect.best.name}」（{effect.best.value}）です。",
        "The largest positive contribution came from {effect.best.name} ({effect.best.value}).",
        ("effect.best.value",),
        lambda value: value > 0,
    ),
    Rule(
        "attribution.worst",
        "attribution",
        "最もマイナスに寄与した要因は「{effect.worst.name}」（{effect.worst.value}）です。",
        "The largest negative contribution came from {effect.worst.name} ({effect.worst.value}).",
        ("effect.worst.value",),
        lambda value: value < 0,
    ),
    Rule(
        "attribution.gain",
        "attribution",
        "個別要因でプラスに最も寄与した銘柄は{gain.01.name}（{gain.01.value}）です。",
        "Among single names, {gain.01.name} added the most ({gain.01.value}).",
    ),
    Rule(
        "attribution.loss",
        "attribution",
        "個別要因でマイナスに最も寄与した銘柄は{loss.01.name}（{loss.01.value}）です。",
        "{loss.01.name} cost the most ({loss.01.value}).",
    ),
)


def _market_rules(number: int) -> tuple[Rule, Rule]:
    """L-5: a claim about the market stands only where the month was extreme against the factor's own past."""
    fact = f"market.{number:02d}"
    high, low = ((f"{fact}.return", f"{fact}.share_{side}", "setting.extreme_share") for side in ("below", "above"))
    return (
        Rule(
            f"market.high.{number}",
            "market",
            f"「{{{fact}.name}}」のファクター収益率は{{{fact}.return}}で、過去の月のうち{{{fact}.share_below}}を上回りました。",
            f"The factor return of {{{fact}.name}} was {{{fact}.return}}, higher than in {{{fact}.share_below}} of the earlier months.",
            high,
            lambda value, share, extreme: value > 0 and share >= extreme,
        ),
        Rule(
            f"market.low.{number}",
            "market",
            f"「{{{fact}.name}}」のファクター収益率は{{{fact}.return}}で、過去の月のうち{{{fact}.share_above}}を下回りました。",
            f"The factor return of {{{fact}.name}} was {{{fact}.return}}, lower than in {{{fact}.share_above}} of the earlier months.",
            low,
            lambda value, share, extreme: value < 0 and share >= extreme,
        ),
    )


_MARKET = (
    *(rule for number in (1, 2, 3) for rule in _market_rules(number)),
    Rule(
        "market.sectors",
        "market",
        "業種別の収益率（市場全体との差、ファクター要因を除く）は「{sector_return.best.name}」が最も高く（{sector_return.best.value}）、"
        "「{sector_return.worst.name}」が最も低くなりました（{sector_return.worst.value}）。",
        "Of the sectors, net of the market and of factors, {sector_return.best.name} returned the most ({sector_return.best.value}) and "
        "{sector_return.worst.name} the least ({sector_return.worst.value}).",
    ),
)

_MANDATE = (
    Rule(
        "mandate.kept",
        "mandate",
        "{coming.date}に決定したモデルポートフォリオは、運用方針の各項目に適合しています。",
        "The model portfolio decided on {coming.date} meets each rule of the mandate.",
        ("verdict.failed",),
        lambda failed: failed == 0,
    ),
    Rule(
        "mandate.broken",
        "mandate",
        "{coming.date}に決定したモデルポートフォリオには、運用方針に適合しない項目が{verdict.failed}件あります。下表の判定をご覧ください。",
        "The model portfolio decided on {coming.date} fails {verdict.failed} of the mandate's rules; see the table.",
        ("verdict.failed",),
        lambda failed: failed > 0,
    ),
    Rule(
        "mandate.sp500_failed",
        "mandate",
        "{sp500.name}に対するリスク比は{model.risk_ratio_sp500}で、目標の範囲（{limit.risk_low}〜{limit.risk_high}）の外にあります。",
        "Forecast risk relative to the {sp500.name} is {model.risk_ratio_sp500}, outside the target of {limit.risk_low} to {limit.risk_high}.",
        ("verdict.risk_ratio_sp500",),
        lambda passed: passed == 0,
    ),
    Rule(
        "mandate.drifted",
        "mandate",
        "値動きにより、月末時点で最大の組入比率は{held.max_weight}となり、上限（{limit.weight}未満）を超えています。",
        "Through price moves the largest weight at month end was {held.max_weight}, above the limit (under {limit.weight}).",
        ("verdict.held_max_weight",),
        lambda passed: passed == 0,
    ),
)

_REBALANCE = (
    Rule(
        "rebalance.coming",
        "rebalance",
        "{coming.date}の決定では、{coming.in}銘柄を新たに組み入れ、{coming.out}銘柄を除外し、{coming.kept}銘柄を継続して保有します"
        "（売買回転率{model.turnover}）。売買は翌月最初の立会日に行います。",
        "Names in the decision of {coming.date}: added {coming.in}, removed {coming.out}, kept {coming.kept} (turnover {model.turnover}). "
        "It is traded at the first session of the next month.",
    ),
    Rule(
        "rebalance.exception",
        "rebalance",
        "今回の決定について：{model.exception}。",
        "On this decision: {model.exception}.",
    ),
    Rule(
        "rebalance.done",
        "rebalance",
        "当月は{done.date}に前月末の決定を売買し、{done.bought}銘柄を新規に組み入れ、{done.sold}銘柄を売却しました。売買回転率は"
        "{done.turnover}、売買コストは評価額の{done.cost}です。",
        "On {done.date} last month's decision was traded. New names: {done.bought}, names sold: {done.sold}. Turnover was "
        "{done.turnover}, trading cost {done.cost} of the value.",
    ),
)


def _rounding_differs(own: float, benchmark: float, excess: float) -> bool:
    shown = [round(value * 100, 2) for value in (own, benchmark, excess)]
    return abs(shown[0] - shown[1] - shown[2]) > 0.001


_NOTES = (
    Rule(
        "notes.rounding",
        "notes",
        "表示は四捨五入（偶数丸め）のため、表示された収益率の差と超過収益が一致しないことがあります。",
        "Figures are rounded (halves to even), so the difference of printed returns may not equal the printed excess return.",
        ("own.return.1m", "own.benchmark_return.1m", "own.excess_return.1m"),
        _rounding_differs,
    ),
    Rule(
        "notes.assumed_recipe",
        "notes",
        "本戦略のファクター構成は{strategy.assumed}ものです。",
        "The factor set of this strategy is {strategy.assumed}.",
    ),
    Rule(
        "notes.large_gap",
        "notes",
        "超過収益の大きさが{setting.large_gap}以上の月を「大幅」、{setting.matched_within}未満の月を「ほぼ同じ」としています。",
        "An excess return of {setting.large_gap} or more is called a wide margin; below {setting.matched_within} the month counts as matched.",
    ),
)

RULES: tuple[Rule, ...] = (*_OUTCOMES, *_PERFORMANCE, *_ATTRIBUTION, *_MARKET, *_MANDATE, *_REBALANCE, *_NOTES)


def used_rules(book: FactBook, section: Section | None = None) -> tuple[Rule, ...]:
    """Rules that apply, in their order."""
    return tuple(rule for rule in RULES if section in (None, rule.section) and rule.applies(book))
