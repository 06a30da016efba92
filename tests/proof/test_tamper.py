"""What was known by a market's cut-off stays as it was; what was known later does not."""

from datetime import UTC, datetime, timedelta

import polars as pl
import pytest

from wg_dagster.calendars import cutoff
from wg_dagster.proof.tamper import WAYS, cutoffs_of, is_tokyo, tampered

MONTH = "2025-02"
NEW_YORK, TOKYO = cutoff("XNYS", MONTH), cutoff("XTKS", MONTH)
MOMENT = timedelta(microseconds=1)


def prices(rows):
    """Ten names a market: five known at the very cut-off, five a moment after it."""
    told = []
    for k in range(10):
        for symbol, end, currency in ((f"A{k}", NEW_YORK, "USD"), (f"13{k}0", TOKYO, "JPY")):
            told.append(
                {
                    "vendor_symbol": symbol,
                    "known_at": end if k < 5 else end + MOMENT,
                    "close": 10.0 + k,
                    "volume": 100 + k,
                    "currency": currency,
                }
            )
    return rows("prices", *told)


@pytest.mark.parametrize("way", WAYS)
def test_what_is_known_at_the_cutoff_stays(rows, way):
    before = prices(rows)
    after, changed = tampered(before, cutoffs_of(MONTH), way)
    limit = pl.when(is_tokyo(before)).then(pl.lit(TOKYO)).otherwise(pl.lit(NEW_YORK))
    known = before.filter(pl.col("known_at") <= limit).drop("month")
    assert changed == 10
    assert known.height == 10
    assert known.join(after, on=["vendor_symbol", "known_at", "close", "volume"], how="semi").height == 10


@pytest.mark.parametrize("way", WAYS)
def test_what_is_known_a_moment_later_does_not(rows, way):
    before = prices(rows)
    after, _ = tampered(before, cutoffs_of(MONTH), way)
    later = before.filter(pl.col("close") >= 15)
    kept = later.join(after, on=["vendor_symbol", "close"], how="semi").height
    assert kept == 0 if way in {"removed", "poisoned"} else kept < 10
    if way == "shuffled":
        assert sorted(after["close"]) == sorted(before["close"])
    if way == "poisoned":
        assert set(after["close"]) - set(before["close"]) == {150.0, -16.0, 170.0, -18.0, 190.0}


def test_rows_moved_to_the_first_moment_lie_in_the_month_of_that_moment(rows):
    """The end of 28 February in New York is 05:00 UTC of 1 March, which at UTC-5 is March; Tokyo's is 15:00 UTC, still February."""
    after, _ = tampered(prices(rows), cutoffs_of(MONTH), "poisoned")
    found = {
        market: set(part["month"]) for (market,), part in after.filter(pl.col("close") > 100).group_by(is_tokyo(after).alias("market"))
    }
    assert found == {True: {"2025-02"}, False: {"2025-03"}}


def test_a_name_that_begins_with_a_digit_is_of_tokyo_only_in_yen(rows):
    told = rows(
        "prices",
        *(
            {"vendor_symbol": s, "currency": c, "known_at": datetime(2025, 2, 3, tzinfo=UTC)}
            for s, c in (("7203", "JPY"), ("1COV", "USD"), ("A", "USD"), ("7203", None))
        ),
    )
    assert told.select(is_tokyo(told).alias("x"))["x"].to_list() == [True, False, False, True]
