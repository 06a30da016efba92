"""How the columns of J-Quants (version 2) become ours."""

import csv
from importlib.resources import files

from wg_dagster.ingest.drop_map import FileMap, parse_file_map

GONE_AFTER = 1  # the exchange's own list drops nobody by mistake
FORECAST_ITEMS = {  # our item -> columns of this fiscal year's and the next one's forecast; NxFNp is spelled so by the vendor
    "revenue": ("FSales", "NxFSales"),
    "operating_profit": ("FOP", "NxFOP"),
    "ordinary_profit": ("FOdP", "NxFOdP"),
    "net_income": ("FNP", "NxFNp"),
    "eps_basic": ("FEPS", "NxFEPS"),
    "dividend_per_share": ("FDivAnn", "NxFDivAnn"),
}
PARENT_FORECAST_ITEMS = {
    "revenue": ("FNCSales", "NxFNCSales"),
    "operating_profit": ("FNCOP", "NxFNCOP"),
    "ordinary_profit": ("FNCOdP", "NxFNCOdP"),
    "net_income": ("FNCNP", "NxFNCNP"),
    "eps_basic": ("FNCEPS", "NxFNCEPS"),
}
STANDARDS = {"JP": "jgaap", "IFRS": "ifrs", "JMIS": "ifrs", "US": "usgaap"}
_SHARED = {"source": "jquants", "path": "*.json", "currency": "JPY", "calendar": "XTKS"}
_DATED = {**_SHARED, "known_at": {"column": "_known_day"}}
_TIMED = {**_SHARED, "known_at": {"column": "_known_at", "at": "instant"}}


def sectors() -> list[dict[str, str]]:
    """The 33 industries of the exchange with the sector that each counts to."""
    text = files("wg_dagster").joinpath("data/tse_sectors.csv").read_text(encoding="utf-8")
    return list(csv.DictReader(text.splitlines()))


def _by_industry(column: str) -> dict[str, object]:
    values = {row["s33"]: row[column] for row in sectors()}
    return {"column": "S33", "values": values}


BARS = parse_file_map(
    {
        **_DATED,
        "table": "prices",
        "flags": [{"flag": "dividend_forecast", "when": {"column": "dividend_is", "equals": "forecast"}}],
        "columns": {
            "vendor_symbol": "symbol",
            "session_date": "Date",
            "open": "O",
            "high": "H",
            "low": "L",
            "close": "C",
            "volume": "Vo",
            "split_ratio": "split_ratio",
            "cash_dividend": "cash_dividend",
        },
    },
    "jquants bars",
)
_STATEMENT = {
    "vendor_symbol": "symbol",
    "period_end_date": "CurPerEn",
    "fiscal_period": {"column": "CurPerType", "values": {"1Q": "Q1", "2Q": "Q2", "3Q": "Q3", "FY": "FY"}},
    "fiscal_year": {"column": "CurFYEn", "format": "year"},
    "accounting_standard": "standard",
    "is_consolidated": "is_consolidated",
    "income_is_cumulative": True,
    "cash_flow_is_cumulative": True,
    "filing_type": "filing_type",
}
SUMMARY = parse_file_map(
    {
        **_TIMED,
        "table": "fundamentals",
        "flags": [
            {"flag": "ordinary_profit_not_reported", "when": {"column": "no_ordinary_profit", "equals": "true"}},
            {
                "flag": "treasury_shares_unknown",
                "when": {"all": [{"column": "TrShFY", "missing": True}, {"column": "ShOutFY", "missing": False}]},
            },
        ],
        "columns": {
            **_STATEMENT,
            "revenue": "Sales",
            "operating_profit": "OP",
            "ordinary_profit": "ordinary_profit",
            "net_income": "NP",
            "eps_basic": "EPS",
            "eps_diluted": "DEPS",
            "dividend_per_share": "dividend",
            "assets": "TA",
            "equity": "Eq",
            "cash": "CashEq",
            "operating_cash_flow": "CFO",
            "investing_cash_flow": "CFI",
            "financing_cash_flow": "CFF",
            "treasury_shares": "TrShFY",
            "shares_outstanding": "shares",
        },
    },
    "jquants summary",
)
PARENT = parse_file_map(
    {
        **_TIMED,
        "table": "fundamentals",
        "columns": {
            **_STATEMENT,
            "is_consolidated": False,
            "revenue": "NCSales",
            "operating_profit": "NCOP",
            "ordinary_profit": "NCOdP",
            "net_income": "NCNP",
            "eps_basic": "NCEPS",
            "assets": "NCTA",
            "equity": "NCEq",
        },
    },
    "jquants summary of the parent",
)
FORECASTS = parse_file_map(
    {
        **_TIMED,
        "table": "forecasts",
        "columns": {
            "vendor_symbol": "symbol",
            "fiscal_year_end_date": "year_end",
            "item": "item",
            "value": "value",
            "issuer_of_forecast": {"value": "company"},
            "scope": "scope",
        },
    },
    "jquants forecasts",
)
MASTER = parse_file_map(
    {
        **_SHARED,
        "known_at": {"column": "_known_day", "rule": "first_seen"},
        "table": "securities",
        "flags": [{"flag": "sector_unknown", "when": {"column": "S33", "missing": True}}],
        "columns": {
            "vendor_symbol": "symbol",
            "name": {"column": "CoNameEn", "fallback": "CoName"},
            "exchange": {"value": "XTKS"},
            "sector": _by_industry("sector"),
            "industry": _by_industry("industry"),
            "is_financial": {
                "column": "S33",
                "values": {row["s33"]: row["is_financial"] == "true" for row in sectors()},
                "otherwise": False,
            },
            "issuer": {"column": "Code", "extract": "^(.{4})"},
            "lot_size": 100,
            "security_type": {
                "otherwise": "common",
                "cases": [
                    {"value": "other", "when": {"column": "Mkt", "equals": "0105"}},  # professionals only
                    {"value": "preferred", "when": {"column": "Code", "matches": "[^0]$"}},
                    {"value": "fund", "when": {"any": [{"column": "Mkt", "equals": "0109"}, {"column": "S33", "missing": True}]}},
                ],
            },
        },
    },
    "jquants master",
)
TOPIX = parse_file_map(
    {
        **_DATED,
        "table": "index_levels",
        "columns": {
            "index_id": {"value": "topix"},
            "session_date": "Date",
            "level": "C",
            "is_total_return": False,
            "is_net": False,
            "is_proxy": False,
        },
    },
    "jquants topix",
)
MAPS: tuple[FileMap, ...] = (BARS, SUMMARY, PARENT, FORECASTS, MASTER, TOPIX)
