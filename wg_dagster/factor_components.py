"""The definition of the factors' components, from the one file that says it."""

from functools import cache

import polars as pl

from wg_dagster.factor_run import PROJECT


@cache
def components() -> pl.DataFrame:
    """Which component belongs to which factor, with what sign and weight.

    Returns
    -------
    | component | factor | direction | weight | unit | market | source |, one row a component, in the order of the factors.
    `direction` is +1 where a larger metric means more of the factor's name; `market` is US, JP or both.
    """
    path = PROJECT / "seeds" / "factor_components.csv"
    return pl.read_csv(path, schema_overrides={"direction": pl.Int8, "weight": pl.Float64})
