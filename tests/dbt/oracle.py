"""The fourteen factors once more, name by name with plain loops: slow, obvious, and independent of the SQL."""

import math
from datetime import date, timedelta
from itertools import pairwise
from statistics import mean, median, stdev

import numpy as np
import polars as pl

from wg_dagster import calendars

SESSIONS = {"US": calendars.session_dates("XNYS"), "JP": calendars.session_dates("XTKS")}
CLOSES = {
    market: {row["session_date"]: row["close_at"] for row in calendars.sessions().filter(pl.col("exchange") == calendar).to_dicts()}
    for market, calendar in calendars.CALENDAR_OF_MARKET.items()
}
FLOWS = ("revenue", "operating_profit", "interest_expense", "pretax_income", "ordinary_profit", "net_income", "operating_cash_flow")


class Name:
    """One security as seen at one month's cut-off: `prices` by date, `statements` by (kind, period end)."""

    def __init__(self, tables, security_id, month):
        self.market = security_id[:2]
        self.calendar = calendars.CALENDAR_OF_MARKET[self.market]
        self.as_of, self.cutoff = calendars.month_end(self.calendar, month), calendars.cutoff(self.calendar, month)
        self.sessions = [day for day in SESSIONS[self.market] if day <= self.as_of]
        self.rows = {table: self._visible(rows, security_id) for table, rows in tables.items() if "security_id" in rows.columns}
        self.prices = {row["session_date"]: row for row in self.rows["prices_clean"]}
        self.statements = {}
        for row in sorted(self.rows["fundamentals_clean"], key=lambda row: row["known_at"]):
            self.statements[row["period_kind"], row["period_end_date"]] = row
        self.is_financial = security_id.endswith("7")
        self.close, self.market_cap = (self.prices[self.as_of][column] for column in ("close", "market_cap"))

    def _visible(self, rows, security_id):
        mine = rows.filter(pl.col("security_id") == security_id).to_dicts()
        return [row for row in mine if "known_at" not in row or row["known_at"] <= self.cutoff]

    # -- prices ------------------------------------------------------------------------------------------------------------

    def returns(self):
        window = [self.prices[day]["log_return_1e9"] for day in self.sessions[-60:] if day in self.prices]
        return [value / 1e9 for value in window if value is not None]

    def return_60d(self):
        closes = [day for day in self.sessions[-61:] if day in self.prices]
        if self.sessions[-61] not in self.prices or len(closes) < 56:
            return None
        return math.exp(sum(self.returns())) - 1

    def volatility_60d(self):
        return stdev(self.returns()) * math.sqrt(252 if self.market == "US" else 245) if len(self.returns()) >= 48 else None

    def log_traded_value_20d(self):
        window = [self.prices[day]["traded_value"] for day in self.sessions[-20:] if day in self.prices]
        return math.log(1 + mean(window)) if len(window) >= 15 else None

    def beta(self, benchmark, bill):
        """(slope, squared error) by numpy's least squares; None with fewer than 48 sessions."""
        x, y = [], []
        for k in range(len(self.sessions) - 60, len(self.sessions)):
            price = self.prices.get(self.sessions[k])
            if price and price["log_return_1e9"] is not None:
                x.append([1.0, self._us_return(k, benchmark, bill), self._us_return(k - 1, benchmark, bill)])
                y.append(price["log_return_1e9"] / 1e9 - bill)
        if len(y) < 48:
            return None
        sleepy = sum(self.prices[day]["log_return_1e9"] == 0 for day in self.sessions[-60:] if day in self.prices) > 5
        x, y = np.array(x)[:, : 3 if self.market == "JP" or sleepy else 2], np.array(y)
        coefficients, residuals, *_ = np.linalg.lstsq(x, y, rcond=None)
        covariance = np.linalg.inv(x.T @ x) * residuals[0] / (len(y) - x.shape[1])
        ones = np.array([0.0, 1.0, 1.0])[: x.shape[1]]
        return coefficients @ ones, ones @ covariance @ ones

    def _us_return(self, k, benchmark, bill):
        if self.market == "US":
            return benchmark[self.sessions[k]] - bill
        start, end = CLOSES["JP"][self.sessions[k - 1]], CLOSES["JP"][self.sessions[k]]
        days = [self.sessions[k - 1] + timedelta(days=d) for d in range((self.sessions[k] - self.sessions[k - 1]).days + 1)]
        return sum(benchmark[day] for day in days if day in CLOSES["US"] and start < CLOSES["US"][day] <= end)

    def split_factor(self, after):
        """New shares for one share held at the end of the day `after`."""
        splits = [row["split_ratio"] for row in self.rows["corporate_actions"] if row["session_date"] > after]
        return math.prod(splits)

    def dividend_yield_12m(self):
        start = self.as_of.replace(year=self.as_of.year - 1, day=min(self.as_of.day, 28 if self.as_of.month == 2 else self.as_of.day))
        months = {day.strftime("%Y-%m") for day, row in self.prices.items() if row["cash_dividend"] is not None}
        wanted = calendars.months_between(calendars.month_shift(self.as_of.strftime("%Y-%m"), -11), self.as_of.strftime("%Y-%m"))
        if not months.issuperset(wanted):
            return None
        paid = [row for row in self.rows["corporate_actions"] if (row["cash_dividend"] or 0) > 0 and start < row["session_date"]]
        return sum(row["cash_dividend"] / self.split_factor(row["session_date"]) for row in paid) / self.close

    # -- statements --------------------------------------------------------------------------------------------------------

    def quarters(self):
        ends = sorted((end for kind, end in self.statements if kind == "quarter"), reverse=True)
        return [self.statements["quarter", end] for end in ends]

    def windows(self):
        """(name, flows, flows of the year before) in order of trust, for windows that ended within 15 months."""
        quarters = self.quarters()
        years = sorted((row for (kind, _), row in self.statements.items() if kind == "annual"), key=lambda row: row["period_end_date"])[
            ::-1
        ]
        current = quarters and (not years or quarters[0]["period_end_date"] >= years[0]["period_end_date"])
        if current and fit(quarters[:4], 4) and self.is_fresh(quarters[0]):
            before = quarters[4:8] if fit(quarters[4:8], 4) and 350 <= gap(quarters, 0, 4) <= 380 else []
            yield "quarters", total(quarters[:4], 1), total(before, 1) if before else {}
        if years and self.is_fresh(years[0]):
            yield "annual", years[0], years[1] if len(years) > 1 and 350 <= gap(years, 0, 1) <= 380 else {}
        for count in (3, 2):
            if current and fit(quarters[:count], count) and self.is_fresh(quarters[0]):
                yield f"annualised_{count}", total(quarters[:count], 4 / count), {}

    def is_fresh(self, row):
        month = calendars.month_shift(self.as_of.strftime("%Y-%m"), -15)
        year, number = map(int, month.split("-"))
        last_day = (date(year + number // 12, number % 12 + 1, 1) - timedelta(days=1)).day
        return row["period_end_date"] >= date(year, number, min(self.as_of.day, last_day))

    def best(self, ratio):
        """The first window in which all inputs of a ratio are known."""
        for _, now, before in self.windows():
            try:
                value = ratio(now, before)
            except (TypeError, KeyError):
                continue
            if value is not None:
                return value
        return None

    def balance(self, item):
        """(closing, mean with the year before) of an item; None where unknown."""
        ends = sorted({end for (_, end), row in self.statements.items() if row["assets"] is not None}, reverse=True)
        if not ends or not self.is_fresh({"period_end_date": ends[0]}):
            return None, None
        earlier = [end for end in ends if 350 <= (ends[0] - end).days <= 380]
        now, before = (self._item(item, end) for end in (ends[0], earlier[0] if earlier else ends[0]))
        good = now is not None and now > 0 and before > 0
        return now, (now + before) / 2 if good else None

    def _item(self, item, end):
        rows = [self.statements.get((kind, end)) for kind in ("quarter", "annual")]
        return next((row[item] for row in rows if row and row[item] is not None), None)

    def profit(self, flows):
        if self.market == "US":
            return flows["net_income"]
        return flows["operating_profit"] if flows["ordinary_profit"] is None else flows["ordinary_profit"]

    def statement_factors(self):
        equity, mean_equity = self.balance("equity")
        assets, mean_assets = self.balance("assets")
        debt, _ = self.balance("total_liabilities")
        debt = debt if debt is not None or assets is None else assets - equity
        current, owed = self.balance("current_assets")[0], self.balance("current_liabilities")[0]
        plain = not self.is_financial
        return {
            "operating_margin": self.best(lambda now, _: now["operating_profit"] / now["revenue"]),
            "return_on_equity": self.best(lambda now, _: now["net_income"] / mean_equity),
            "return_on_assets": self.best(lambda now, _: self.profit(now) / mean_assets),
            "sales_growth": self.best(lambda now, before: change(now["revenue"], before["revenue"])),
            "profit_growth": self.best(self._profit_growth),
            "asset_turnover": self.best(lambda now, _: now["revenue"] / mean_assets) if plain else None,
            "negative_leverage": -assets / equity if plain and assets else None,
            "cash_flow_to_debt": self.best(lambda now, _: now["operating_cash_flow"] / debt) if plain else None,
            "current_ratio": min(5, current / owed) if owed else None,
            "profit_yield": self.best(lambda now, _: self._taxable(now) / self.market_cap),
            "book_to_price": equity / self.market_cap if equity else None,
        }

    def _profit_growth(self, now, before):
        items = ("ordinary_profit", "operating_profit") if self.market == "JP" else ("operating_profit",)
        item = next(item for item in (*items, items[-1]) if item == items[-1] or None not in (now[item], before[item]))
        return change(now[item], before[item])

    def _taxable(self, flows):
        if self.market == "JP":
            return self.profit(flows)
        if flows["pretax_income"] is not None:
            return flows["pretax_income"]
        return flows["operating_profit"] - (flows["interest_expense"] or 0)

    # -- earnings per share ------------------------------------------------------------------------------------------------

    def eps(self):
        """(period end, EPS per share of today), newest first."""
        if not self.statements:
            announced = sorted(self.rows["announcements_clean"], key=lambda row: row["period_end_date"], reverse=True)
            return [(row["period_end_date"], row["actual_eps"] / self.split_factor(self.day(row))) for row in announced]
        reported = [
            (row, row["net_income"] / row["shares_outstanding"] if row["is_derived"] else row["eps_diluted"])
            for row in self.quarters()[:23]
        ]
        return [(row["period_end_date"], value / self.split_factor(self.day(row))) for row, value in reported]

    def day(self, row):
        return (row["known_at"] + timedelta(hours=9 if self.market == "JP" else -5)).date()

    def eps_change_stability(self):
        eps, changes = self.eps(), []
        for k in range(min(12, max(0, len(eps) - 7))):
            ends = [end for end, _ in eps[k : k + 8]]
            fits = 259 <= (ends[0] - ends[3]).days <= 289 and 259 <= (ends[4] - ends[7]).days <= 289
            if fits and 350 <= (ends[0] - ends[4]).days <= 380:
                a, b = sum(value for _, value in eps[k : k + 4]), sum(value for _, value in eps[k + 4 : k + 8])
                changes.append((a - b) / max((abs(a) + abs(b)) / 2, 0.01 * self.close))
        return -stdev(changes) if len(changes) >= 5 else None

    def seasonal_surprise(self):
        eps = self.eps()
        changes = [
            eps[k][1] - eps[k + 4][1] if k + 4 < len(eps) and 350 <= (eps[k][0] - eps[k + 4][0]).days <= 380 else None for k in range(9)
        ]
        past = [value for value in changes[1:] if value is not None]
        if changes[0] is None or len(past) < 6:
            return None
        reports = self.rows["fundamentals_clean"] or self.rows["announcements_clean"]
        filed = min(row["known_at"] for row in reports if row.get("period_kind") != "annual" and row["period_end_date"] == eps[0][0])
        sue = (changes[0] - mean(past)) / max(stdev(past), 0.001 * self.close)
        return max(-10, min(10, sue)) * self.fading(filed) if self.fading(filed) else None

    def fading(self, instant):
        """1 for 63 sessions after the first session that saw the instant, then linear to 0 at 126."""
        seen = [day for day in self.sessions if calendars.end_of_day(self.calendar, day) >= instant]
        return max(0.0, min(1.0, (126 - (len(seen) - 1)) / 63))

    def announced_surprise(self):
        rows = [row for row in self.rows["announcements_clean"] if row["estimate_eps"] is not None]
        if not rows or (last := max(rows, key=lambda row: (row["announcement_date"], row["known_at"]))) is None:
            return None
        close = [row["close"] for day, row in sorted(self.prices.items()) if day < last["announcement_date"]]
        if not close or not (weight := self.fading(last["known_at"])):
            return None
        return max(-0.1, min(0.1, (last["actual_eps"] - last["estimate_eps"]) / close[-1])) * weight

    def forecast_surprise(self):
        """(change over market cap 63 sessions ago, revision rate) of the company's forecasts; None without any."""
        item = next((i for i in ("ordinary_profit", "operating_profit") if any(r["item"] == i for r in self.rows["forecasts_clean"])), None)
        if item is None:
            return None
        results = {}
        for row in sorted(self.rows["fundamentals_clean"], key=lambda row: row["known_at"], reverse=True):
            if row["period_kind"] == "annual":
                results[row["period_end_date"]] = row
        paths = {}
        for row in sorted(self.rows["forecasts_clean"], key=lambda row: row["known_at"]):
            paths.setdefault((row["fiscal_year_end_date"], row["item"]), []).append((row["known_at"], row["value"]))
        years = sorted(year for year, of in paths if of == item)
        current = next((year for year in years if year not in results), None)
        ended = [year for year in years if year in results]
        moves = {year: self._moves(paths[year, item], results.get(year), item) for year in years}
        if current and any(step for _, step, _ in moves[current]):
            year = current
        elif ended and self.fading(results[ended[-1]]["known_at"]) > 0:
            year = ended[-1]
        else:
            year = current
        change_now = sum(step * weight for weight, step, _ in moves[year])
        base = next((before for weight, _, before in moves[year] if weight > 0), paths[year, item][-1][1])
        revenue = paths.get((year, "revenue"), [(None, 0)])[-1][1]
        then = self.prices.get(self.sessions[-64])
        cap = then["market_cap"] if then else self.market_cap
        return change_now / cap, max(-1, min(1, change_now / max(abs(base), 0.01 * revenue)))

    def _moves(self, path, result, item):
        if result is not None and result[item] is not None:
            path = [*path, (result["known_at"], result[item])]
        return [(self.fading(at), value - before, before) for (_, before), (at, value) in pairwise(path)]


def fit(quarters, count):
    gaps = [gap(quarters, k, k + 1) for k in range(len(quarters) - 1)]
    return len(quarters) == count and all(75 <= days <= 125 for days in gaps) and (count < 4 or 259 <= sum(gaps) <= 289)


def gap(rows, newer, older):
    return (rows[newer]["period_end_date"] - rows[older]["period_end_date"]).days


def total(rows, times):
    return {item: None if any(row[item] is None for row in rows) else sum(row[item] for row in rows) * times for item in FLOWS}


def change(now, before):
    return (now - before) / ((abs(now) + abs(before)) / 2)


def shrunk(estimates):
    """Vasicek: slopes drawn to their mean by their squared errors against the spread of true slopes."""
    slopes, errors = zip(*estimates, strict=True)
    spread = max(0.01, stdev(slopes) ** 2 - median(errors))
    return [(spread * slope + error * mean(slopes)) / (spread + error) for slope, error in estimates]


def factor_values(tables, month):
    """{security_id: {component: value}} of all members of a month."""
    names = {}
    for market, calendar in calendars.CALENDAR_OF_MARKET.items():
        last = tables["prices_clean"].filter(
            (pl.col("market") == market) & (pl.col("session_date") == calendars.month_end(calendar, month))
        )
        names |= {security_id: Name(tables, security_id, month) for security_id in last["security_id"].sort()}
    benchmark = {row["session_date"]: row["log_return_1e9"] / 1e9 for row in tables["benchmark_nav"].to_dicts()}
    values = {security_id: one_name(name) for security_id, name in names.items()}
    for market, bill in (("US", round(math.log(1.02) / 252 * 1e9) / 1e9), ("JP", 0.0)):
        betas = {key: name.beta(benchmark, bill) for key, name in names.items() if name.market == market}
        known = {key: estimate for key, estimate in betas.items() if estimate}
        shrunken = dict(zip(known, shrunk(known.values()), strict=True))
        for key in betas:
            values[key]["us_beta_60d"] = shrunken.get(key)
    return values


def one_name(name):
    forecast, announced = name.forecast_surprise(), name.announced_surprise()
    return {
        **name.statement_factors(),
        "dividend_yield_12m": name.dividend_yield_12m(),
        "earnings_surprise": forecast[0] if forecast else announced,
        "forecast_revision_rate": forecast[1] if forecast else None,
        "standardised_unexpected_earnings": name.seasonal_surprise() if forecast is None and announced is None else None,
        "eps_change_stability": name.eps_change_stability(),
        "log_market_cap": math.log(name.market_cap),
        "log_price": math.log(name.close),
        "return_60d": name.return_60d(),
        "volatility_60d": name.volatility_60d(),
        "log_traded_value_20d": name.log_traded_value_20d(),
    }
