"""The words of the letter: names of factors, windows, effects, sectors and bases in both languages.

A word that is not listed here is printed as it came, so that a new effect or sector still shows.
"""

from typing import NamedTuple


class Words(NamedTuple):
    """One expression in both languages."""

    ja: str
    en: str


FACTOR_WORDS = {
    "profitability": Words("収益性", "Profitability"),
    "growth": Words("成長性", "Growth"),
    "activity": Words("活動性", "Activity"),
    "safety": Words("財務安全性", "Financial soundness"),
    "value": Words("割安性", "Value"),
    "shareholder_return": Words("株主還元性", "Shareholder return"),
    "surprise": Words("サプライズ", "Surprise"),
    "eps_stability": Words("EPS安定性", "EPS stability"),
    "us_beta": Words("米国株感応度", "US-equity sensitivity"),
    "size": Words("規模", "Size"),
    "price_level": Words("価格水準", "Price level"),
    "momentum": Words("騰落率", "Momentum"),
    "volatility": Words("変動性", "Volatility"),
    "liquidity": Words("流動性", "Liquidity"),
}
WINDOWS = ("1m", "3m", "6m", "ytd", "1y", "3y", "5y", "since_inception")
WINDOW_WORDS = {
    "1m": Words("当月", "Month"),
    "3m": Words("三か月", "Three months"),
    "6m": Words("六か月", "Six months"),
    "ytd": Words("年初来", "Year to date"),
    "1y": Words("一年", "One year"),
    "3y": Words("三年", "Three years"),
    "5y": Words("五年", "Five years"),
    "since_inception": Words("設定来", "Since inception"),
}
EFFECT_WORDS = {
    "market": Words("市場全体", "Market"),
    "factor": Words("ファクター", "Factors"),
    "sector": Words("業種", "Sectors"),
    "specific": Words("個別要因", "Specific"),
    "trading": Words("売買", "Trading"),
    "cost": Words("売買コスト", "Trading cost"),
    "cash": Words("現金", "Cash"),
    "currency": Words("為替", "Currency"),
    "index_minus_proxy": Words("指数と代替構成の差", "Index minus proxy"),
    "unexplained": Words("説明できない部分", "Unexplained"),
}
BASIS_WORDS = {
    "USD": Words("米ドル建て", "US dollars"),
    "JPY": Words("円建て", "Japanese yen"),
    "gross_of_fees": Words("報酬控除前", "gross of fees"),
    "net_of_fees": Words("報酬控除後", "net of fees"),
    "gross_of_costs": Words("売買コスト控除前", "before trading costs"),
    "net_of_costs": Words("売買コスト控除後", "after trading costs"),
    "gross_of_withholding": Words("源泉税控除前", "gross of withholding tax"),
    "net_of_withholding": Words("源泉税控除後", "net of withholding tax"),
    "gross_of_tax": Words("税引前", "before tax"),
    "total_return": Words("配当込み", "total return"),
    "price_return": Words("配当なし", "price return"),
    "simulated": Words("シミュレーション", "simulated"),
    "live": Words("実運用", "live"),
    "daily": Words("日次", "daily"),
    "monthly": Words("月次", "monthly"),
    "annualised": Words("年率換算", "annualised"),
    "annual": Words("年率換算", "annualised"),
    "not_annualised": Words("年率換算なし", "not annualised"),
    "cumulative": Words("累積", "cumulative"),
    "zero_rate": Words("無リスク金利ゼロ", "risk-free rate zero"),
    "us_bill": Words("無リスク金利は米国短期国債", "risk-free: US bills"),
    "jp_bill": Words("無リスク金利は国庫短期証券", "risk-free: Japanese bills"),
    "proxy": Words("代替系列", "proxy series"),
    "benchmark_proxy": Words("指数は代替系列", "benchmark is a proxy series"),
    "benchmark_price_return": Words("指数は配当を含まない", "benchmark without dividends"),
}
BENCHMARK_WORDS = {
    "sp500": Words("S&P 500", "S&P 500"),
    "russell2000": Words("Russell 2000", "Russell 2000"),
    "topix": Words("TOPIX", "TOPIX"),
}
STATUS_WORDS = {
    "solved": Words("候補銘柄の中で最適化", "Optimised among the candidates"),
    "widened": Words(
        "候補銘柄だけでは運用方針を満たせないため、投資対象全体から最適化", "Optimised among all scored names, as the candidates admit none"
    ),
    "kept_previous": Words("運用方針を満たす構成がないため、前月の構成を維持", "No portfolio meets the mandate; last month's is kept"),
    "no_portfolio": Words("運用方針を満たす構成がない", "No portfolio meets the mandate"),
    "not_runnable": Words("必要なデータがそろわないため、当月は決定なし", "No decision: data that the rules need are missing"),
}
SECTOR_WORDS = {
    "Basic Materials": Words("素材", "Basic Materials"),
    "Materials": Words("素材", "Materials"),
    "Communication Services": Words("コミュニケーション・サービス", "Communication Services"),
    "Communications": Words("通信", "Communications"),
    "Telecommunications": Words("通信", "Telecommunications"),
    "Consumer Discretionary": Words("一般消費財・サービス", "Consumer Discretionary"),
    "Consumer Cyclical": Words("一般消費財・サービス", "Consumer Cyclical"),
    "Consumer Durables": Words("耐久消費財", "Consumer Durables"),
    "Consumer Non-Durables": Words("非耐久消費財", "Consumer Non-Durables"),
    "Consumer Services": Words("消費者サービス", "Consumer Services"),
    "Consumer Staples": Words("生活必需品", "Consumer Staples"),
    "Consumer Defensive": Words("生活必需品", "Consumer Defensive"),
    "Capital Goods": Words("資本財", "Capital Goods"),
    "Energy": Words("エネルギー", "Energy"),
    "Finance": Words("金融", "Finance"),
    "Financials": Words("金融", "Financials"),
    "Financial Services": Words("金融", "Financial Services"),
    "Health Care": Words("ヘルスケア", "Health Care"),
    "Healthcare": Words("ヘルスケア", "Healthcare"),
    "Industrials": Words("資本財・サービス", "Industrials"),
    "Information Technology": Words("情報技術", "Information Technology"),
    "Technology": Words("情報技術", "Technology"),
    "Miscellaneous": Words("その他", "Miscellaneous"),
    "Public Utilities": Words("公益事業", "Public Utilities"),
    "Real Estate": Words("不動産", "Real Estate"),
    "Transportation": Words("運輸", "Transportation"),
    "Utilities": Words("公益事業", "Utilities"),
    "Unknown": Words("業種不明", "Sector unknown"),
    "outside_universe": Words("投資対象の外", "Outside the universe"),
}
UNKNOWN_SECTOR = Words("業種不明", "Sector unknown")


def words_of(known: dict[str, Words], key: str | None) -> Words:
    """The listed words, or the key as it came."""
    if key is None:
        return UNKNOWN_SECTOR
    return known.get(key, Words(key, key))


def basis_words(basis: str) -> Words:
    """A basis such as `USD gross_of_fees net_of_costs simulated monthly`, in words."""
    tokens = [words_of(BASIS_WORDS, token) for token in basis.split()]
    return Words("・".join(token.ja for token in tokens), ", ".join(token.en for token in tokens))
