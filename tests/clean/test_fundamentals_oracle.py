"""An independent reference: the visible quarters of a firm, worked out filing by filing in plain Python."""

from datetime import date, timedelta

import polars as pl
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from wg_dagster.calendars import months_between
from wg_dagster.clean.fundamentals import fundamentals_clean

FLOWS = ("revenue", "net_income")
CASH = ("operating_cash_flow", "buybacks")
STANDING = ("assets", "equity")
ITEMS = (*FLOWS, *CASH, *STANDING)
MONTHS = months_between("2020-01", "2024-12")
_ENDS = [date(year, month, day) for year in (2021, 2022) for month, day in ((3, 31), (6, 30), (9, 30), (12, 31))]
_LABEL = {3: "Q1", 6: "Q2", 9: "Q3", 12: "FY"}
_WINDOW = {1: (75, 125), 2: (160, 215), 3: (259, 289)}


def _mostly(low, high):
    """A whole number, one time in six unknown."""
    return st.integers(0, 5).flatmap(lambda k: st.none() if k == 5 else st.integers(low, high))


@st.composite
def firms(draw):
    """Filings of two years: late ones, missing ones, amended ones, with holes; reported in one of five ways."""
    income_from_start, cash_from_start, by_half_year, sales_from_start = draw(
        st.sampled_from(
            [
                (False, True, False, False),
                (True, True, False, False),
                (True, True, True, False),
                (False, False, False, False),
                (False, True, False, True),
            ]
        )
    )
    filings = []
    for end in _ENDS:
        for kind in draw(st.sampled_from([[], *[["original"]] * 4, ["original"] * 2, *[["original", "amendment"]] * 3, ["amendment"]])):
            lag = draw(st.integers(20, 60)) if draw(st.integers(0, 2)) else draw(st.integers(60, 700))
            values = {item: draw(_mostly(100, 400)) for item in ITEMS[:4]} | {item: draw(_mostly(1000, 3000)) for item in STANDING}
            label = _LABEL[end.month] if end.month != 12 else draw(st.sampled_from(["FY", "FY", "FY", "Q4"]))
            scale = int(label[1]) if income_from_start and label != "FY" else 4 if label == "FY" else 1
            values |= {item: None if values[item] is None else values[item] * scale for item in FLOWS}
            if sales_from_start:
                quarters = int(label[1]) if label != "FY" else 4
                values["revenue"] = quarters * draw(st.integers(200, 280))
            if by_half_year and label in ("Q1", "Q3"):
                values |= dict.fromkeys(CASH)
            filings.append(
                {
                    "end": end,
                    "label": label,
                    "known": end + timedelta(days=lag),
                    "kind": kind,
                    "income_from_start": income_from_start,
                    "cash_from_start": cash_from_start,
                    **{item: None if value is None else float(value) for item, value in values.items()},
                }
            )
    return filings


def merged(filings, instant):
    """{(end, is_year): statement} after the filings known by the instant."""
    states, cursed = {}, {}
    order = sorted(enumerate(filings), key=lambda pair: (pair[1]["known"], pair[1]["kind"] == "amendment", pair[0]))
    for known in sorted({filing["known"] for filing in filings}):
        groups = {}
        for filing in filings:
            if filing["known"] == known and filing["kind"] == "original":
                groups.setdefault(_statement(filing), []).append(filing)
        for key, group in groups.items():
            if any(len({filing[item] for filing in group} - {None}) > 1 for item in ITEMS):
                cursed.setdefault(key, known)
    for _, filing in order:
        key = _statement(filing)
        if filing["known"] > instant or (key in cursed and filing["known"] >= cursed[key]):
            continue
        before = states.get(key, {})
        states[key] = {**filing, **{item: filing[item] if filing[item] is not None else before.get(item) for item in ITEMS}}
    return states


def _statement(filing):
    return filing["end"], filing["label"] == "FY" or (filing["label"] == "Q4" and filing["income_from_start"])


def visible(filings, instant):
    """{(end, kind): {item: value}} as one could have worked it out at the instant."""
    states, out = merged(filings, instant), {}
    for end in {end for end, is_year in states if is_year}:
        _read_sales(states, end)
    for end in {end for end, _ in states}:
        own, year = states.get((end, False)), states.get((end, True))
        number = 4 if year else int(own["label"][1])
        parts = {label: _part(states, end, number, label) for label in (1, 2, 3)}
        out[end, "quarter"] = _quarter(own, year, number, parts)
        if year:
            out[end, "annual"] = {item: year[item] for item in ITEMS}
    return out


def _read_sales(states, end):
    """Marks the second and third quarter whose sales fit the year only if they run from its start."""
    parts = [_part(states, end, 4, label) for label in (1, 2, 3)]
    sales = [part["revenue"] if part else None for part in parts] + [states[end, True]["revenue"]]
    if None in sales or any(part["income_from_start"] for part in parts):
        return
    one, two, three, year = sales
    rest = year - one - two - three
    is_alone = 0.2 <= 3 * rest / (one + two + three) <= 5
    is_steady = all(year / 8 <= quarter <= year / 2 for quarter in (one, two - one, three - two, year - three))
    if is_steady and not is_alone:
        for part in parts[1:]:
            part["sales_from_start"] = True


def _from_start(statement, item):
    kind = "cash_from_start" if item in CASH else "income_from_start"
    return statement[kind] or (item == "revenue" and statement.get("sales_from_start", False))


def _part(states, end, number, label):
    if label >= number:
        return None
    low, high = _WINDOW[number - label]
    fitting = [key for key, state in states.items() if not key[1] and state["label"] == f"Q{label}" and low <= (end - key[0]).days <= high]
    return states[max(fitting)] if fitting else None


def _silent(statement):
    return bool(
        statement and statement["income_from_start"] and statement["cash_from_start"] and all(statement[item] is None for item in CASH)
    )


def _to_date(parts, upto, item):
    """Sum from the start of the year to the end of quarter `upto`, None where it is not known."""
    total = None
    for label in range(1, upto + 1):
        statement = parts[label]
        from_start = statement and _from_start(statement, item)
        if item in CASH and label == 1 and _silent(statement):
            total = 0.0
        elif item in CASH and label == 3 and _silent(statement) and _silent(parts[1]):
            pass
        elif statement is None or statement[item] is None:
            total = None
        elif from_start or label == 1:
            total = statement[item]
        else:
            total = None if total is None else total + statement[item]
    return total


def _less(total, part):
    return None if total is None or part is None else total - part


def _quarter(own, year, number, parts):
    out = {}
    rest, usual = None, None
    if year:
        rest, usual = _less(year["revenue"], _to_date(parts, 3, "revenue")), _to_date(parts, 3, "revenue")
    guarded = rest is not None and not (usual > 0 and 0.2 * usual / 3 <= rest <= 5 * usual / 3)
    for item in (*FLOWS, *CASH):
        value = None
        if own:
            value = _less(own[item], _to_date(parts, number - 1, item)) if _from_start(own, item) and number > 1 else own[item]
            if item in CASH and number in (1, 3) and _silent(own):
                value = 0.0
        if value is None and year and not guarded:
            value = _less(year[item], _to_date(parts, 3, item))
        out[item] = value
    for item in STANDING:
        out[item] = year[item] if year and year[item] is not None else own[item] if own else None
    return out


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture], derandomize=True)
@given(filings=firms(), cut=st.integers(0, 10_000))
def test_versions_are_what_a_reader_of_the_filings_would_have_worked_out(market, filings, cut):
    rows = [
        market.filing(
            "AAA",
            filing["end"],
            filing["label"],
            market.at(filing["known"]),
            filing_type=filing["kind"],
            income_is_cumulative=filing["income_from_start"],
            cash_flow_is_cumulative=filing["cash_from_start"],
            **{item: filing[item] for item in ITEMS},
        )
        for filing in filings
    ]
    raw = market.raw_tables(prices=[market.price("AAA", "2020-01-02", 10.0)], fundamentals=rows)
    who = market.who(raw)
    built, _ = fundamentals_clean(raw["fundamentals"], who, MONTHS)
    for instant in sorted({filing["known"] for filing in filings}):
        seen = (
            built.filter(pl.col("known_at") <= market.at(instant)).sort("known_at").unique(["period_end_date", "period_kind"], keep="last")
        )
        ours = {(row["period_end_date"], row["period_kind"]): {item: row[item] for item in ITEMS} for row in seen.iter_rows(named=True)}
        assert ours == visible(filings, instant)
    if filings:
        edge = sorted(filing["known"] for filing in filings)[cut % len(filings)]
        part, _ = fundamentals_clean(raw["fundamentals"].filter(pl.col("known_at") <= market.at(edge)), who, MONTHS)
        order = ["known_at", "period_end_date", "period_kind"]
        assert part.sort(order).equals(built.filter(pl.col("known_at") <= market.at(edge)).sort(order))
