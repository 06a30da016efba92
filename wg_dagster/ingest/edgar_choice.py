"""From the numbers of a filing to the items of a statement: which tag, which duration, which currency.

The table `data/edgar_tags.csv` says for every item which tags mean it, in order. A rank counts where all of its needed tags are there;
tags of one rank are added up. Of a filing only the period that it is about is read; the columns it compares with are not.
"""

import csv
from functools import cache
from importlib.resources import files

import polars as pl

from wg_dagster.ingest.files import LINE

PERIODS = {"Q1": 1, "Q2": 2, "Q3": 3, "Q4": 4, "FY": 4}
ANNUAL = r"^(10-KT?|20-F|40-F)(405)?(/A)?$"
QUARTERLY = r"^10-QT?(/A)?$"
COVER_DAYS = 200  # the cover page counts shares between the period end and the filing
_FLOW = ("income", "cash_flow")
_KEY = ["accn"]


@cache
def tag_table() -> pl.DataFrame:
    """| item | rank | taxonomy | tag | needed | sign | kind | measure |."""
    text = files("wg_dagster").joinpath("data/edgar_tags.csv").read_text(encoding="utf-8")
    rows = [{name: value for name, value in row.items() if name != "note"} for row in csv.DictReader(text.splitlines())]
    typed = pl.DataFrame(rows).with_columns(pl.col("rank", "sign").cast(pl.Int32), pl.col("needed") == "yes")
    return typed.with_columns((pl.col("needed").sum().over("item", "rank")).alias("needed_tags"))


def wanted_tags() -> dict[tuple[str, str], str]:
    """(taxonomy, tag) -> kind of the item."""
    return {(taxonomy, tag): kind for taxonomy, tag, kind in tag_table().select("taxonomy", "tag", "kind").iter_rows()}


def chosen(filings: pl.DataFrame, numbers: pl.DataFrame) -> tuple[pl.DataFrame, pl.DataFrame]:
    """One row a filing with its items, and the numbers that contradict each other within one filing.

    Returns
    -------
    Filings with `quarters` (1 to 4), `currency`, `accounting_standard`, `income_is_cumulative`, `cash_flow_is_cumulative`, an item a
    column and `fp_assumed`; and numbers with two values for one filing, tag and period, which count as not given.
    """
    facts = numbers.join(tag_table(), on=["taxonomy", "tag"], how="inner").join(
        filings.select("accn", "period", "form", "fp"), on="accn", how="inner", validate="m:1"
    )
    facts = facts.filter(_belongs() & pl.col("value").is_finite())
    periods = _quarters(filings, facts)
    facts = _in_currency(facts.join(periods.select("accn", "wanted"), on="accn", how="inner", validate="m:1"))
    facts, conflicting = _without_conflicts(facts)
    facts = _of_one_duration(facts)
    items = _best_rank(facts)
    wide = items.pivot(on="item", index="accn", values="value", aggregate_function="first", sort_columns=True)
    facets = facts.group_by("accn").agg(
        pl.col("currency").first(),
        ((pl.col("income_over") > 1) & (pl.col("wanted") < PERIODS["FY"])).any().alias("income_is_cumulative"),
        (pl.col("cash_over") == pl.col("wanted")).fill_null(value=True).all().alias("cash_flow_is_cumulative"),
        pl.when((pl.col("taxonomy") == "ifrs-full").any()).then(pl.lit("ifrs")).otherwise(pl.lit("usgaap")).alias("accounting_standard"),
    )
    rows = filings.join(periods.rename({"wanted": "quarters"}), on="accn", how="left", validate="1:1", maintain_order="left")
    rows = rows.join(facets, on="accn", how="left", validate="1:1", maintain_order="left")
    rows = rows.join(wide, on="accn", how="left", validate="1:1", maintain_order="left")
    absent = [pl.lit(None, pl.Float64).alias(item) for item in tag_table()["item"].unique().sort() if item not in rows.columns]
    return rows.with_columns(absent), conflicting


def _belongs() -> pl.Expr:
    """The number is of the filing's own period; a count of shares may be of the cover page's day."""
    after = (pl.col("end") - pl.col("period")).dt.total_days()
    unit = pl.col("unit")
    fits = {"money": r"^[A-Z]{3}$", "per_share": r"^[A-Z]{3}(/shares)?$", "shares": r"^shares$"}
    measured = pl.any_horizontal((pl.col("measure") == measure) & unit.str.contains(pattern) for measure, pattern in fits.items())
    at_end = (pl.col("end") == pl.col("period")) & pl.when(pl.col("kind") == "balance").then(pl.col("quarters") == 0).otherwise(
        pl.col("quarters") > 0
    )
    cover = (pl.col("kind") == "cover") & (pl.col("quarters") == 0) & after.is_between(-COVER_DAYS, COVER_DAYS)
    return measured & pl.when(pl.col("kind") == "cover").then(cover).otherwise(at_end).fill_null(value=False)


def _quarters(filings: pl.DataFrame, facts: pl.DataFrame) -> pl.DataFrame:
    """How many quarters of its year a filing is about: by its form and label, else by its longest flow."""
    longest = facts.filter(pl.col("kind").is_in(_FLOW)).group_by("accn").agg(pl.col("quarters").max().alias("_longest"))
    label = (
        pl.when(pl.col("form").str.contains(ANNUAL))
        .then(4)
        .otherwise(pl.col("fp").replace_strict(PERIODS, default=None, return_dtype=pl.Int32))
    )
    quarterly_year = pl.col("form").str.contains(QUARTERLY) & (label == PERIODS["FY"])
    told = pl.when(~quarterly_year.fill_null(value=False)).then(label)
    joined = filings.select("accn", "form", "fp").join(longest, on="accn", how="left", validate="1:1", maintain_order="left")
    return joined.select("accn", pl.coalesce(told, "_longest").alias("wanted"), told.is_null().alias("fp_assumed"))


def _in_currency(facts: pl.DataFrame) -> pl.DataFrame:
    """Keep one currency a filing: that of the total assets, else the one with most numbers."""
    money = facts.filter(pl.col("measure") == "money")
    counted = (
        money.group_by("accn", "unit")
        .agg((pl.col("item") == "assets").any().alias("_assets"), pl.len().alias("_count"))
        .sort("accn", "_assets", "_count", "unit", descending=[False, True, True, False])
        .unique("accn", keep="first", maintain_order=True)
        .select("accn", pl.col("unit").alias("currency"))
    )
    joined = facts.join(counted, on="accn", how="left", validate="m:1", maintain_order="left")
    return joined.filter((pl.col("measure") == "shares") | (pl.col("unit").str.slice(0, 3) == pl.col("currency")))


def _without_conflicts(facts: pl.DataFrame) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Copies collapse to the first; a number that a filing gives twice with different values is no number."""
    newest = pl.col("end") == pl.col("end").max().over("accn", "item", "rank")
    facts = facts.filter((pl.col("kind") != "cover") | newest)
    number = ["accn", "item", "rank", "tag", "quarters", "end"]
    ordered = facts.sort(*number, LINE)
    differs = pl.col("value").n_unique().over(number) > 1
    single = ordered.filter(~differs).unique(number, keep="first", maintain_order=True)
    return single, ordered.filter(differs)


def _of_one_duration(facts: pl.DataFrame) -> pl.DataFrame:
    """Income of the quarter alone where it is given, else from the start of the year; cash flow the other way round."""
    own = pl.col("quarters").filter((pl.col("kind") == "income") & pl.col("item").is_in(["revenue", "net_income"]))
    cash = pl.col("quarters").filter(pl.col("kind") == "cash_flow")
    wanted = pl.col("wanted").first()
    spans = facts.group_by("accn").agg(
        pl.when(wanted == PERIODS["FY"])
        .then(wanted)
        .when((own == 1).any())
        .then(1)
        .when((own == wanted).any())
        .then(wanted)
        .alias("income_over"),
        pl.when((cash == wanted).any()).then(wanted).when((cash == 1).any()).then(1).alias("cash_over"),
    )
    joined = facts.join(spans, on="accn", how="left", validate="m:1", maintain_order="left")
    over = pl.when(pl.col("kind") == "income").then("income_over").when(pl.col("kind") == "cash_flow").then("cash_over").otherwise(0)
    return joined.filter((pl.col("quarters") == over).fill_null(value=False))


def _best_rank(facts: pl.DataFrame) -> pl.DataFrame:
    """| accn | item | value | of the first rank whose needed tags are all there."""
    ranks = facts.group_by("accn", "item", "rank").agg(
        (pl.col("value") * pl.col("sign")).sum(), pl.col("needed").sum().alias("_there"), pl.col("needed_tags").first()
    )
    complete = ranks.filter(pl.col("_there") == pl.col("needed_tags"))
    return complete.sort("accn", "item", "rank").unique(["accn", "item"], keep="first", maintain_order=True).select("accn", "item", "value")
