"""The work of one other library, in its own environment; prints a line of JSON. Run by `benchmarks.peers`: peers_run.py LIBRARY FOLDER."""

import json
import sys
import time
import warnings
from pathlib import Path

import numpy as np
import pandas as pd

EXPRESSIONS = (
    "$close/Ref($close,60)-1",
    "Std($change,60)",
    "Log(Mean($close*$volume,20)+1)",
    "Log($close)",
    "Cov($change,$market,60)/Var($market,60)",
    "Mean($change,20)",
    "Max($close,60)/$close",
    "Min($close,60)/$close",
    "Mean($volume,5)/Mean($volume,60)",
    "Corr($close,$volume,20)",
    "Skew($change,60)",
    "Kurt($change,60)",
    "Slope($close,20)/$close",
    "Rsquare($close,20)",
)
PRICE_EXPRESSIONS = EXPRESSIONS[:5]


def alphalens(folder):
    from alphalens.performance import factor_information_coefficient
    from alphalens.utils import get_clean_factor_and_forward_returns

    panel = np.load(folder / "panel.npz")
    scores, returns = panel["scores"], panel["returns"]
    months = pd.bdate_range("2020-01-01", periods=len(scores) + 1)  # a step of the calendar stands for a month
    names = [f"n{k}" for k in range(scores.shape[1])]
    factor = pd.DataFrame(scores, index=months[:-1], columns=names).stack()  # noqa: PD013
    factor.index.names = ["date", "asset"]
    prices = pd.DataFrame(np.vstack([np.ones(scores.shape[1]), np.cumprod(1 + returns, axis=0)]), index=months, columns=names)
    data = get_clean_factor_and_forward_returns(factor, prices, quantiles=5, periods=(1,), max_loss=1.0)
    return {"ic": factor_information_coefficient(data).iloc[:, 0].tolist()}


def pandas(folder):
    prices = _prices(folder)
    start = time.process_time()
    by_name = prices.groupby("security_id", sort=False)
    change = prices["change"]
    frame = pd.DataFrame({"security_id": prices["security_id"], "x": change, "m": prices["market"], "xm": change * prices["market"]})
    frame["mm"] = frame["m"] ** 2
    frame["value"] = prices["close"] * prices["volume"]
    rolling = frame.groupby("security_id", sort=False).rolling(60, min_periods=48)
    means = rolling[["x", "m", "xm", "mm"]].mean()
    pd.DataFrame(
        {
            "momentum": (prices["close"] / by_name["close"].shift(60) - 1).to_numpy(),
            "volatility": rolling["x"].std().to_numpy(),
            "beta": ((means["xm"] - means["x"] * means["m"]) / (means["mm"] - means["m"] ** 2)).to_numpy(),
            "liquidity": np.log1p(frame.groupby("security_id", sort=False)["value"].rolling(20, min_periods=15).mean()).to_numpy(),
            "price_level": np.log(prices["close"]).to_numpy(),
        }
    )
    return {"pandas, 5 price factors every day": time.process_time() - start}


def qlib(folder):
    import qlib
    from qlib.data import D

    days = _qlib_files(folder)
    where = {"provider_uri": str(folder / "qlib"), "region": "us"}
    roomy = 1_000_000  # series: its default of 500 forgets them before they are asked for again
    qlib.init(**where, kernels=1, expression_cache=None, dataset_cache=None, mem_cache_size_limit=roomy, mem_cache_expire=10_000)
    names = D.instruments("all")
    spent = {}
    for what, expressions in (
        ("qlib, 5 price expressions every day", PRICE_EXPRESSIONS),
        ("qlib, 14 expressions every day", EXPRESSIONS),
        ("qlib, the same 14 again from its memory cache", EXPRESSIONS),
    ):
        start = time.process_time()
        found = D.features(names, list(expressions), start_time=str(days[0].date()), end_time=str(days[-1].date()))
        spent[what] = time.process_time() - start
        if found.empty:
            raise SystemExit("qlib gave no rows")
        if "5 price" in what:
            from qlib.data.cache import H

            H.clear()
    return spent


def _prices(folder):
    prices = pd.read_parquet(folder / "prices.parquet")
    prices["security_id"] = prices["security_id"].astype("category")
    prices["change"] = prices["log_return_1e9"] / 1e9
    market = prices.groupby("session_date")["change"].mean()
    prices["market"] = prices["session_date"].map(market)
    return prices


def _qlib_files(folder):
    """qlib's own format: a calendar, a list of names, and one file a name and field (its first day, then its values)."""
    prices, root = _prices(folder), folder / "qlib"
    days = pd.DatetimeIndex(sorted(pd.to_datetime(prices["session_date"].unique())))
    for part in ("calendars", "instruments", "features"):
        (root / part).mkdir(parents=True)
    (root / "calendars" / "day.txt").write_text("\n".join(str(day.date()) for day in days) + "\n")
    rows = []
    for name, own in prices.groupby("security_id", observed=True):
        where = root / "features" / str(name).lower()
        where.mkdir()
        first = days.searchsorted(pd.Timestamp(own["session_date"].iloc[0]))
        rows.append(f"{name}\t{own['session_date'].iloc[0]}\t{own['session_date'].iloc[-1]}")
        for field in ("close", "volume", "change", "market"):
            np.hstack([[first], own[field].to_numpy()]).astype("<f4").tofile(where / f"{field}.day.bin")
    (root / "instruments" / "all.txt").write_text("\n".join(rows) + "\n")
    return days


if __name__ == "__main__":
    warnings.simplefilter("ignore")
    print(json.dumps({"alphalens": alphalens, "pandas": pandas, "qlib": qlib}[sys.argv[1]](Path(sys.argv[2]))))
