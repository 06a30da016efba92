"""A decision in plain words, for whoever has to explain the portfolio."""

from collections.abc import Iterator, Mapping
from typing import Any

import polars as pl

from wg_dagster.errors import OutsideData

Row = Mapping[str, Any]


def find_security(text: str, securities: pl.DataFrame, decisions: pl.DataFrame) -> str:
    """The security that a person means by an id, a ticker or (part of) a name, first among those decided on.

    Parameters
    ----------
    securities
        | security_id | vendor_symbol | name |, as known in the month.

    Raises
    ------
    OutsideData
        If none or several are meant.
    """
    for column, is_meant in (
        ("security_id", pl.col("security_id") == text),
        ("vendor_symbol", pl.col("vendor_symbol").str.to_lowercase() == text.lower()),
        ("name", pl.col("name").str.to_lowercase() == text.lower()),
        ("name", pl.col("name").str.to_lowercase().str.contains(text.lower(), literal=True)),
    ):
        found = securities.filter(is_meant).sort("security_id")
        decided = found.join(decisions, on="security_id", how="semi", maintain_order="left")
        chosen = decided if decided.height else found
        if chosen.height > 1:
            listed = ", ".join(f"{row['name']} ({row['vendor_symbol'] or row['security_id']})" for row in chosen.head(8).to_dicts())
            raise OutsideData(f"{text!r} is the {column} of {chosen.height} securities: {listed}; say which")
        if chosen.height:
            return str(chosen["security_id"][0])
    raise OutsideData(f"no security of this month has the id, ticker or name {text!r}")


def sentences(row: Row, names: Mapping[str, str], *, count: int) -> Iterator[str]:
    """Why a name is held, or is not.

    Parameters
    ----------
    row
        A row of `decisions`.
    names
        Name by security_id, as a person would say it.
    count
        Names that the portfolio holds.
    """
    name, rival = names[row["security_id"]], row["rival_id"] and names[row["rival_id"]]
    place = f"rank {row['rank']} of the list" if row["rank"] is not None else "not on the list of the ranked 100"
    weight = row["weight"]
    yield f"{name} ({row['sector']}) is held with {weight:.2%}." if weight else f"{name} ({row['sector']}) is not held."
    yield f"Score {row['composite']:+.2f}, {place}; expected return {row['expected_return']:.2%} a year."
    yield f"One more point of weight would add {row['marginal_risk']:.3f} points to the forecast downside deviation."
    yield f"Rules without room that concern it: {row['binding_rules'] or 'none'}."
    yield from _held(row, name, rival) if weight else _not_held(row, rival, count)


def outside_words(member: Row | None, name: str) -> str:
    """Why a name has no row in `decisions`: `member` is its row of `factor_scores`, None where it is not in the universe."""
    if member is None:
        return f"{name} was not looked at: it is not in the strategy's universe of this month (size, traded value, or no close on the last session)."
    return (
        f"{name} was not looked at: it is in the universe, but not among the names decided on. "
        f"It has {member['coverage']:.0%} of the strategy's factors; the list is by composite score."
    )


def _held(row: Row, name: str, rival: str) -> Iterator[str]:
    if row["rival_margin"] is None:
        yield f"No other name could have taken {name}'s weight without breaking a rule."
        return
    yield f"It beat {rival}: its expected return could be {_points(row['rival_margin'])} points a year lower before that exchange pays."


def _not_held(row: Row, rival: str, count: int) -> Iterator[str]:
    least, enough = row["reduced_cost_least"], row["reduced_cost"]
    if least is not None and least > 0:
        yield f"With less than {_points(least)} points a year more, no portfolio that holds it would be better: that is proven."
    elif least is not None:
        yield "It is so near that the proof does not tell it from the names held."
    if enough is None:
        yield f"None of the {count} names held can be exchanged for it without breaking a rule."
    else:
        yield f"It lost to {rival}: with {_points(enough)} points a year more, taking weight from that name would have paid."


def _points(value: float) -> str:
    """A fraction in points, two digits."""
    return f"{value * 100:.2f}"
