"""Small prices with every disturbance, and the windows over them in plain loops."""

import random
from datetime import timedelta

import polars as pl

from wg_dagster import calendars
from wg_dagster.factor_windows.price_shelf import COLUMNS
from wg_dagster.schemas.tables import TABLES

NAMES = ("US1", "US2", "US3")
FIRST, LAST = "2021-01", "2022-04"


def sessions():
    """As the staging model gives them."""
    rows = calendars.sessions().filter(pl.col("month").is_between(pl.lit("2020-01"), pl.lit("2022-12")))
    return rows.with_columns(market=pl.when(pl.col("exchange") == "XTKS").then(pl.lit("JP")).otherwise(pl.lit("US"))).filter(
        pl.col("exchange").is_in(["XTKS", "XNYS"])
    )


def prices(seed):
    """Rows of three names with gaps, late rows, unknown returns, zero returns and one wild return."""
    draw = random.Random(seed)
    days = sessions().filter(pl.col("market") == "US", pl.col("month").is_between(pl.lit(FIRST), pl.lit(LAST)))
    cutoffs = dict(days.filter("is_month_end").select("month", "cutoff_at").iter_rows())
    rows = []
    for name in NAMES:
        gappy = draw.choice([0.0, 0.1])
        for day in days.iter_rows(named=True):
            if draw.random() < gappy:
                continue
            is_late = draw.random() < 0.02
            rows.append(
                {
                    "month": day["month"],
                    "security_id": name,
                    "session_date": day["session_date"],
                    "market": "US",
                    "currency": "USD",
                    "close": draw.choice([None, 0.0]) if draw.random() < 0.03 else draw.uniform(1, 90),
                    "traded_value": None if draw.random() < 0.05 else round(draw.uniform(0, 1e6), 3),
                    "cash_dividend": None if draw.random() < 0.1 else 0.0,
                    "log_return_1e9": draw.choice([None, 0, 230_000_000_000]) if draw.random() < 0.1 else draw.randrange(-(10**8), 10**8),
                    "market_cap": None if draw.random() < 0.1 else draw.uniform(1e8, 1e9),
                    "shares_source": "reported",
                    "known_at": cutoffs[day["month"]] + timedelta(hours=1) if is_late else day["close_at"],
                }
            )
    return pl.DataFrame(rows, schema={name: TABLES["prices_clean"].schema[name] for name in ("month", *COLUMNS)})


def looks(seed, months):
    """The US side beside each of the 64 sessions of the month ends; some sessions without a return or a bill rate."""
    draw = random.Random(seed)
    days = sessions().filter(pl.col("market") == "US").sort("session_date")
    rows = []
    for month in months:
        upto = days.filter(pl.col("month") <= month).tail(64)
        for age, day in zip(range(63, -1, -1), upto.iter_rows(named=True), strict=True):
            x, z = (None if draw.random() < 0.03 else draw.randrange(-(10**8), 10**8) for _ in range(2))
            rows.append((month, "US", day["session_date"], age, x, z, None if draw.random() < 0.05 else 80_000, day["close_at"]))
    names = ("month", "market", "session_date", "age", "us_return_1e9", "us_return_lag_1e9", "bill_return_1e9", "known_at")
    return pl.DataFrame(rows, schema=dict.fromkeys(names) | {"known_at": pl.Datetime("us", "UTC")}, orient="row")


def expected(rows, us, month):
    """Name -> the window of a month end, in plain loops over rows."""
    side = {row["session_date"]: row for row in us.filter(pl.col("month") == month).iter_rows(named=True)}
    cutoffs = dict(sessions().filter("is_month_end", pl.col("market") == "US").select("month", "cutoff_at").iter_rows())
    known = [row for row in rows.iter_rows(named=True) if row["known_at"] <= cutoffs[row["month"]]]
    year = calendars.months_between(calendars.month_shift(month, -11), month)
    found = {}
    for name in NAMES:
        own = {row["session_date"]: row for row in known if row["security_id"] == name and row["session_date"] in side}
        last = next((row for day, row in own.items() if side[day]["age"] == 0), None)
        if last is None or not (last["close"] or 0) > 0:
            continue
        visible = [row for row in known if row["security_id"] == name and row["month"] in year]
        found[name] = (
            _own(own, side)
            | _pairs(own, side)
            | {
                "month_count": len({row["month"] for row in visible if row["cash_dividend"] is not None}),
                "unseen_sessions": sum(row["cash_dividend"] is None for row in visible),
                "close": last["close"],
                "known_at": last["known_at"],
            }
        )
    return found


def _own(own, side):
    aged = {side[day]["age"]: row for day, row in own.items()}
    returns = [row["log_return_1e9"] for age, row in aged.items() if age < 60 and row["log_return_1e9"] is not None]
    values = [row["traded_value"] for age, row in aged.items() if age < 20 and row["traded_value"] is not None]
    return {
        "close_count": sum(row["close"] is not None for age, row in aged.items() if age <= 60),
        "has_first_close": 60 in aged and aged[60]["close"] is not None,
        "return_count": len(returns),
        "zero_return_count": sum(value == 0 for value in returns) if returns else None,
        "sum_log_return": sum(returns) if returns else None,
        "sum_log_return_squared": sum(value * value for value in returns) if returns else None,
        "traded_value_count": len(values),
        "sum_traded_value_cents": sum(int(value * 100 + 0.5) for value in values) if values else None,
        "market_cap_63_sessions_ago": aged[63]["market_cap"] if 63 in aged else None,
        "window_known_at": max(row["known_at"] for row in own.values()),
    }


def _pairs(own, side):
    taken = []
    for day, row in own.items():
        us = side[day]
        if us["age"] < 60 and None not in {row["log_return_1e9"], us["us_return_1e9"], us["us_return_lag_1e9"]}:
            bill = us["bill_return_1e9"]
            taken.append(
                (us["us_return_1e9"], us["us_return_lag_1e9"], row["log_return_1e9"] - (bill or 0), bill is not None, us["known_at"])
            )
    if not taken:
        return {"pair_count": 0, "has_bill_rate": None}
    x, z, y, billed, known_at = zip(*taken, strict=True)
    sums = {name: sum(values) for name, values in (("sum_x", x), ("sum_z", z), ("sum_y", y))}
    pairs = {"xx": (x, x), "zz": (z, z), "xz": (x, z), "yy": (y, y), "xy": (x, y), "zy": (z, y)}
    products = {f"sum_{name}": sum(a * b for a, b in zip(*both, strict=True)) for name, both in pairs.items()}
    latest = max([*known_at, *(row["known_at"] for row in own.values())])
    return {"pair_count": len(taken), "has_bill_rate": all(billed), "pair_known_at": latest, **sums, **products}
