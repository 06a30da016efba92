"""Real listings, exchange rates and factors of the developers' folder, in the formats of the new sources."""

import json
import os
from pathlib import Path

import polars as pl
import pytest

from wg_dagster.calendars import months_between
from wg_dagster.ingest.jquants import JQuants
from wg_dagster.ingest.reference import Reference

DATA = Path(os.environ.get("WG_REAL_DATA", ""))
pytestmark = [pytest.mark.real, pytest.mark.skipif(not os.environ.get("WG_REAL_DATA"), reason="needs WG_REAL_DATA")]


def _all(adapter) -> dict[str, pl.DataFrame]:
    parts: dict[str, list[pl.DataFrame]] = {}
    for table, part in adapter.load(months_between(*adapter.span())):
        parts.setdefault(table, []).append(part)
    return {table: pl.concat(frames) for table, frames in parts.items()}


def test_every_listed_company_of_tokyo_has_an_industry_and_a_type(tmp_path):
    """4,241 lines of the exchange's list of 2023-03-14: about 3,800 companies, the rest are funds, trusts and other papers."""
    names = {"CompanyName": "CoName", "CompanyNameEnglish": "CoNameEn", "Sector33Code": "S33", "MarketCode": "Mkt"}
    listed = pl.read_parquet(DATA / "jp_listed_info_jquants_20230314.parquet").rename(names).select("Date", "Code", *names.values())
    for folder, rows in (("equities_master", listed.to_dicts()), ("fins_summary", [])):
        (tmp_path / folder).mkdir()
        (tmp_path / folder / "2023-03-14.json").write_text(json.dumps({"data": rows}))
    found = _all(JQuants(tmp_path))
    lines = found["securities"]
    assert "quarantine" not in found
    assert lines.height == 4241
    common = lines.filter(pl.col("security_type") == "common")
    assert 3700 < common.height < 3900
    assert common["sector"].null_count() == 0
    assert common["industry"].n_unique() == 33
    assert common["vendor_symbol"].str.len_chars().unique().to_list() == [4]


def test_ten_years_of_exchange_rates_and_factors_come_back(tmp_path):
    euro = pl.read_parquet(DATA / "fx_ecb_eur.parquet").drop_nulls()
    euro.select("Date", "USD", "JPY").write_csv(tmp_path / "eurofxref-hist.csv")
    factors = pl.read_parquet(DATA / "fama_french_3_daily.parquet")
    lines = [f"{row['date']:%Y%m%d},{row['Mkt-RF']},{row['SMB']},{row['HML']},{row['RF']}" for row in factors.iter_rows(named=True)]
    (tmp_path / "factors.csv").write_text("a foreword\n\n,Mkt-RF,SMB,HML,RF\n" + "\n".join(lines) + "\n\nCopyright\n")
    rates = _all(Reference(tmp_path))["rates"]
    yen = rates.filter(pl.col("rate_id") == "usdjpy").sort("date")
    assert yen["value"].to_list() == pytest.approx((euro.sort("Date")["JPY"] / euro.sort("Date")["USD"]).to_list())
    bill = rates.filter(pl.col("rate_id") == "us_bill").sort("date")
    assert bill["value"].to_list() == pytest.approx((factors.sort("date")["RF"] * 2.52).to_list())
