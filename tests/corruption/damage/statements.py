"""Statements that are wrong: other units, signs, periods, currencies, companies."""

import polars as pl
from delivery import Files, frame_of, with_frame

from damage.hits import factor_of_units, filer, statement_of, times
from damage.registry import Draw, Target, damage


@damage
def wrong_currency_of_statements(files: Files, draw: Draw, target: Target) -> Files:
    rows = frame_of(files, "statements.csv")
    hit = pl.col("vendor_symbol") == filer(rows, draw, target)
    other = str(draw.choice(["EUR", "JPY", "XXX"]))
    return with_frame(files, "statements.csv", rows.with_columns(pl.when(hit).then(pl.lit(other)).otherwise("currency").alias("currency")))


@damage
def swapped_statements(files: Files, draw: Draw, target: Target) -> Files:
    rows = frame_of(files, "statements.csv")
    one = filer(rows, draw, target)
    other = str(draw.choice([symbol for symbol in rows["vendor_symbol"].unique().sort() if symbol != one]))
    return with_frame(files, "statements.csv", rows.with_columns(pl.col("vendor_symbol").replace({one: other, other: one})))


@damage
def statements_in_thousands(files: Files, draw: Draw, target: Target) -> Files:
    rows = frame_of(files, "statements.csv")
    hit = pl.lit(value=True) if draw.random() < 0.3 else pl.col("vendor_symbol") == filer(rows, draw, target)
    factor = float(draw.choice([1e3, 1e-3, 1e6, 1e-6]))
    money = [
        name
        for name in (
            "revenue",
            "operating_profit",
            "net_income",
            "assets",
            "equity",
            "debt",
            "cash",
            "current_assets",
            "total_liabilities",
            "pretax_income",
            "operating_cash_flow",
        )
        if name in rows.columns
    ]
    return with_frame(files, "statements.csv", rows.with_columns(times(name, factor, hit) for name in money))


@damage
def one_item_in_thousands(files: Files, draw: Draw, target: Target) -> Files:
    column = str(
        draw.choice(
            [
                "revenue",
                "net_income",
                "assets",
                "equity",
                "shares_outstanding",
                "operating_profit",
                "eps_diluted",
                "debt",
                "operating_cash_flow",
                "current_assets",
            ]
        )
    )
    return statement_of(files, draw, target, factor_of_units(draw), column)


@damage
def earnings_per_share_in_cents(files: Files, draw: Draw, target: Target) -> Files:
    rows = frame_of(files, "statements.csv")
    hit = pl.col("vendor_symbol") == filer(rows, draw, target)
    return with_frame(files, "statements.csv", rows.with_columns(times(name, 100.0, hit) for name in ("eps_basic", "eps_diluted")))


@damage
def sign_lost(files: Files, draw: Draw, target: Target) -> Files:
    return statement_of(
        files, draw, target, -1.0, str(draw.choice(["net_income", "revenue", "assets", "eps_diluted", "shares_outstanding"]))
    )


@damage
def period_ends_after_publication(files: Files, draw: Draw, target: Target) -> Files:
    rows = frame_of(files, "statements.csv")
    hit = pl.col("vendor_symbol") == filer(rows, draw, target)
    later = str(draw.choice(["2025-12-31", "2026-03-31", "2099-12-31"]))
    return with_frame(
        files, "statements.csv", rows.with_columns(pl.when(hit).then(pl.lit(later)).otherwise("period_end_date").alias("period_end_date"))
    )


@damage
def period_of_another_century(files: Files, draw: Draw, target: Target) -> Files:
    rows = frame_of(files, "statements.csv")
    hit = pl.col("vendor_symbol") == filer(rows, draw, target)
    return with_frame(
        files,
        "statements.csv",
        rows.with_columns(pl.when(hit).then(pl.lit("1925-03-31")).otherwise("period_end_date").alias("period_end_date")),
    )


@damage
def wrong_quarter(files: Files, draw: Draw, target: Target) -> Files:
    rows = frame_of(files, "statements.csv")
    hit = pl.col("vendor_symbol") == filer(rows, draw, target)
    other = pl.col("fiscal_period").replace({"Q1": "Q3", "Q2": "Q1", "Q3": "Q2", "FY": "Q1"})
    return with_frame(
        files, "statements.csv", rows.with_columns(pl.when(hit).then(other).otherwise("fiscal_period").alias("fiscal_period"))
    )
