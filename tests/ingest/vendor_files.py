"""The embedded market written in the formats of real vendors: what the adapters read back must be the market again."""

import json
import zipfile
from collections import defaultdict
from pathlib import Path
from zoneinfo import ZoneInfo

import polars as pl

from wg_dagster.ingest.edgar_choice import tag_table
from wg_dagster.ingest.fetch_plans import FRED_SERIES
from wg_dagster.ingest.jquants_maps import FORECAST_ITEMS

Raw = dict[str, pl.DataFrame]
_SHARADAR_SECTORS = {
    "Materials": "Basic Materials",
    "Consumer Discretionary": "Consumer Cyclical",
    "Consumer Staples": "Consumer Defensive",
}
_SHARADAR_SECTORS |= {"Financials": "Financial Services", "Health Care": "Healthcare", "Information Technology": "Technology"}
_EXCHANGES = {"XNYS": "NYSE", "XNAS": "NASDAQ", "XASE": "NYSEMKT", "ARCX": "NYSEARCA"}
_CATEGORIES = {"common": "Domestic Common Stock", "adr": "ADR Common Stock", "etf": "ETF", "preferred": "Domestic Preferred Stock"}
_RESULTS = {"Sales": "revenue", "OP": "operating_profit", "OdP": "ordinary_profit", "NP": "net_income", "EPS": "eps_basic"}
_RESULTS |= {"DEPS": "eps_diluted", "TA": "assets", "Eq": "equity", "CFO": "operating_cash_flow", "CFI": "investing_cash_flow"}
_RESULTS |= {"CFF": "financing_cash_flow", "CashEq": "cash"}
_STANDARDS = {"jgaap": "JP", "ifrs": "IFRS", "usgaap": "US"}


def sound_prices(raw: Raw, currency: str) -> pl.DataFrame:
    """The last capture of each session with a close; the market plants a few without."""
    kept = raw["prices"].filter((pl.col("currency") == currency) & pl.col("close").is_finite() & pl.col("split_ratio").is_not_null())
    kept = kept.filter(pl.col("close") > 0)
    return kept.sort("vendor_symbol", "session_date", "known_at").unique(
        ["vendor_symbol", "session_date"], keep="last", maintain_order=True
    )


def write_all(raw: Raw, folder: Path) -> Path:
    """Subfolders sharadar, edgar, jquants and reference, and announced earnings with a map of their own."""
    kinds = {"sharadar": _sharadar, "edgar": _edgar, "jquants": _jquants, "reference": _reference, "surprises": _surprises}
    for name, write in kinds.items():
        (folder / name).mkdir(parents=True)
        write(raw, folder / name)
    return folder


def _sharadar(raw: Raw, folder: Path) -> None:
    prices = sound_prices(raw, "USD")
    over = {"partition_by": "vendor_symbol"}
    later = (pl.col("split_ratio").cum_prod(reverse=True) / pl.col("split_ratio")).over(**over)
    before = pl.col("close").shift().over(**over)
    kept = (1 - pl.col("cash_dividend") * pl.col("split_ratio") / before).fill_null(1.0)
    rows = prices.with_columns((1 / later).alias("f"), kept.alias("kept")).with_columns(
        ((pl.col("kept").cum_prod(reverse=True) / pl.col("kept")).over(**over)).alias("d")
    )
    bars = [(pl.col(name) * pl.col("f")).alias(name) for name in ("open", "high", "low")]
    rows.select(
        pl.col("vendor_symbol").alias("ticker"),
        pl.col("session_date").alias("date"),
        *bars,
        (pl.col("close") * pl.col("f")).alias("adjusted"),
        (pl.col("volume") / pl.col("f")).alias("volume"),
        (pl.col("close") * pl.col("f") * pl.col("d")).alias("closeadj"),
        pl.col("close").alias("closeunadj"),
        pl.col("session_date").alias("lastupdated"),
    ).rename({"adjusted": "close"}).write_csv(folder / "SHARADAR_SEP.csv")
    actions = prices.filter(pl.col("cash_dividend") > 0).select(
        pl.col("session_date").alias("date"),
        pl.lit("dividend").alias("action"),
        pl.col("vendor_symbol").alias("ticker"),
        pl.col("cash_dividend").alias("value"),
    )
    actions.with_columns(name=pl.lit(""), contraticker=pl.lit(""), contraname=pl.lit("")).write_csv(folder / "SHARADAR_ACTIONS.csv")
    first = prices.group_by("vendor_symbol").agg(pl.col("session_date").min().alias("firstpricedate"))
    lines = raw["securities"].filter(pl.col("exchange").is_in(list(_EXCHANGES))).unique("vendor_symbol", keep="first", maintain_order=True)
    lines.join(first, on="vendor_symbol").select(
        pl.lit("SEP").alias("table"),
        pl.col("vendor_symbol").alias("ticker"),
        "name",
        pl.col("exchange").replace(_EXCHANGES),
        pl.col("security_type").replace_strict(_CATEGORIES, default="Other").alias("category"),
        pl.col("sector").replace(_SHARADAR_SECTORS),
        "industry",
        "currency",
        "firstpricedate",
        pl.concat_str(pl.lit("getcompany&CIK="), pl.col("issuer").str.extract(r"(\d+)$").str.zfill(10)).alias("secfilings"),
    ).write_csv(folder / "SHARADAR_TICKERS.csv")


def _edgar(raw: Raw, folder: Path) -> None:
    """One data set a quarter; every line files under a number of its own."""
    tags = {}
    for item, taxonomy, tag, kind in tag_table().sort("rank").select("item", "taxonomy", "tag", "kind").iter_rows():
        tags.setdefault(item, (taxonomy, tag, kind))
    filings = raw["fundamentals"].filter(pl.col("currency") == "USD").sort("known_at", "vendor_symbol", "source_line")
    numbers = {symbol: 900_000 + k for k, symbol in enumerate(filings["vendor_symbol"].unique().sort())}
    sets: dict[str, tuple[list[str], list[str]]] = defaultdict(lambda: ([], []))
    for k, row in enumerate(filings.iter_rows(named=True)):
        at = row["known_at"].astimezone(ZoneInfo("America/New_York"))
        subs, nums = sets[f"{at.year}q{(at.month + 2) // 3}"]
        cik, accn, n = numbers[row["vendor_symbol"]], f"{k:010d}-24-000001", {"Q1": 1, "Q2": 2, "Q3": 3, "FY": 4}[row["fiscal_period"]]
        form = ("10-K" if n == 4 else "10-Q") + ("/A" if row["filing_type"] == "amendment" else "")
        end = f"{row['period_end_date']:%Y%m%d}"
        document = f"doc-{end}_htm.xml"
        said = (
            accn,
            cik,
            row["vendor_symbol"],
            "",
            "US",
            form,
            end,
            row["fiscal_year"],
            row["fiscal_period"],
            f"{at:%Y%m%d}",
            f"{at:%Y-%m-%d %H:%M:%S}.0",
            document,
        )
        subs.append("\t".join(map(str, said)))
        for item, (taxonomy, tag, kind) in tags.items():
            if row[item] is not None:
                over = 0 if kind in ("balance", "cover") else 1 if kind == "income" and n < 4 else n
                unit = "shares" if "shares" in item and kind != "income" else "USD"
                nums.append("\t".join((accn, tag, f"{taxonomy}/2023", end, str(over), unit, repr(row[item]))))
    for quarter, (subs, nums) in sets.items():
        with zipfile.ZipFile(folder / f"{quarter}.zip", "w", zipfile.ZIP_DEFLATED) as archive:
            head = "adsh\tcik\tname\tsic\tcountryba\tform\tperiod\tfy\tfp\tfiled\taccepted\tinstance\n"
            archive.writestr("sub.txt", head + "\n".join(subs) + "\n")
            archive.writestr("num.txt", "adsh\ttag\tversion\tddate\tqtrs\tuom\tvalue\n" + "\n".join(nums) + "\n")
    lines = [[cik, symbol, symbol.replace(".", "-"), "NYSE"] for symbol, cik in numbers.items()]
    (folder / "company_tickers_exchange.json").write_text(json.dumps({"fields": ["cik", "name", "ticker", "exchange"], "data": lines}))


def _jquants(raw: Raw, folder: Path) -> None:
    prices = sound_prices(raw, "JPY")
    files: dict[str, list[dict]] = defaultdict(list)
    for row in prices.iter_rows(named=True):
        day = f"{row['session_date']}"
        bars = {"O": row["open"], "H": row["high"], "L": row["low"], "C": row["close"], "Vo": row["volume"]}
        files[f"equities_bars_daily/{day}"].append({"Date": day, "Code": _code(row), **bars, "AdjFactor": 1 / row["split_ratio"]})
        if row["cash_dividend"]:
            notice = {
                "PubDate": "2023-01-04",
                "PubTime": "15:00",
                "Code": _code(row),
                "RefNo": "1",
                "StatCode": "1",
                "FRCode": "1",
                "IFTerm": "",
            }
            files["fins_dividend/2023-01-04"].append({**notice, "DivRate": repr(row["cash_dividend"]), "RecDate": day, "ExDate": day})
    for row in raw["fundamentals"].filter(pl.col("currency") == "JPY").iter_rows(named=True):
        period = {"Q1": "1Q", "Q2": "2Q", "Q3": "3Q", "FY": "FY"}[row["fiscal_period"]]
        figures = {name: _figure(row[item]) for name, item in _RESULTS.items()}
        held = row["treasury_shares"] or 0.0
        shares = {"ShOutFY": _figure(row["shares_outstanding"] + held), "TrShFY": _figure(held)} if row["shares_outstanding"] else {}
        kind = f"{period}FinancialStatements_Consolidated_{_STANDARDS[row['accounting_standard']]}"
        _add(
            files,
            row,
            {
                "DocType": kind,
                "CurPerType": period,
                "CurPerEn": f"{row['period_end_date']}",
                "CurFYEn": f"{row['fiscal_year']}-03-31",
                **figures,
                **shares,
            },
        )
    documents: dict[tuple, dict] = {}
    for row in raw["forecasts"].iter_rows(named=True):
        key = (row["vendor_symbol"], row["known_at"], row["fiscal_year_end_date"])
        facts = documents.setdefault(key, {"row": row, "DocType": "EarnForecastRevision", "CurFYEn": f"{row['fiscal_year_end_date']}"})
        facts[FORECAST_ITEMS[row["item"]][0]] = _figure(row["value"])
    for facts in documents.values():
        _add(files, facts.pop("row"), facts)
    lists = prices.with_columns(pl.col("session_date").dt.strftime("%Y-%m").alias("of"))
    for (_month,), rows in lists.group_by("of", maintain_order=True):
        day = f"{rows['session_date'].max()}"
        for line in sorted(rows["vendor_symbol"].unique()):
            code = f"{line}0"
            files[f"equities_master/{day}"].append(
                {"Date": day, "Code": code, "CoName": line, "CoNameEn": line, "S33": _industry(line), "Mkt": "0111"}
            )
    for row in raw["index_levels"].filter(pl.col("index_id") == "topix").iter_rows(named=True):
        files[f"indices_bars_daily_topix/{row['session_date'].year}-12-31"].append({"Date": f"{row['session_date']}", "C": row["level"]})
    for name, rows in files.items():
        path = folder / f"{name}.json"
        path.parent.mkdir(exist_ok=True)
        path.write_text(json.dumps({"data": rows}))


def _reference(raw: Raw, folder: Path) -> None:
    levels = raw["index_levels"].filter(pl.col("index_id") != "topix")
    columns = ["index_id", pl.col("session_date").alias("date"), "level", "currency", "is_total_return", "is_net", "is_proxy"]
    levels.select(columns).write_csv(folder / "levels.csv")
    rates = raw["rates"].filter(pl.col("value").is_not_null()).unique(["rate_id", "date"], keep="last", maintain_order=True)
    yen = rates.filter(pl.col("rate_id") == "usdjpy").sort("date", descending=True)
    yen.select(pl.col("date").alias("Date"), pl.lit(1.0).alias("USD"), pl.col("value").alias("JPY")).write_csv(
        folder / "eurofxref-hist.csv"
    )
    for rate, series in (("us_bill", FRED_SERIES[0]), ("jp_bill", "IR3TIB01JPM156N")):
        values = rates.filter(pl.col("rate_id") == rate).sort("date")
        values.select(pl.col("date").alias("observation_date"), (pl.col("value") * 100).alias(series)).write_csv(folder / f"{series}.csv")


_MAP = """
[[file]]
path = "announced.csv"
table = "earnings_announcements"
source = "surprises"
currency = "USD"
known_at = { column = "known_at", at = "instant" }
[file.columns]
vendor_symbol = "symbol"
period_end_date = "period"
announcement_date = "day"
release_time = "time"
actual_eps = "eps"
estimate_eps = "estimate"
"""


def _surprises(raw: Raw, folder: Path) -> None:
    (folder / "map.toml").write_text(_MAP)
    renamed = {"vendor_symbol": "symbol", "period_end_date": "period", "announcement_date": "day", "release_time": "time"}
    renamed |= {"actual_eps": "eps", "estimate_eps": "estimate"}
    rows = raw["earnings_announcements"].select("known_at", *renamed).rename(renamed)
    rows.write_csv(folder / "announced.csv", datetime_format="%Y-%m-%dT%H:%M:%S%.6fZ")


def _code(row: dict) -> str:
    return f"{row['vendor_symbol']}0"


def _industry(symbol: str) -> str:
    """An industry for each code: every sector of Tokyo has some."""
    kinds = ("3650", "5250", "3700", "3050", "3250", "7050", "3600", "3200", "8050", "4050", "6100")
    return kinds[sum(map(ord, symbol)) % len(kinds)]


def _figure(value: float | None) -> str:
    return "" if value is None else repr(value)


def _add(files: dict[str, list[dict]], row: dict, facts: dict) -> None:
    at = row["known_at"].astimezone(ZoneInfo("Asia/Tokyo"))
    day = f"{at:%Y-%m-%d}"
    files[f"fins_summary/{day}"].append(
        {"DiscDate": day, "DiscTime": f"{at:%H:%M:%S}", "Code": _code(row), "DiscNo": f"{row['source_line']}", **facts}
    )
