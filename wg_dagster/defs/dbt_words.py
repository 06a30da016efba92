"""The words of the factor tables: said once, beside their SQL."""

from dataclasses import dataclass, field
from functools import cache

import yaml

from wg_dagster.factor_run import PROJECT


@dataclass(frozen=True)
class Words:
    """Description of a table and of its columns; empty where dbt does not build it."""

    description: str = ""
    columns: dict[str, str] = field(default_factory=dict)


def model_words(table: str) -> Words:
    """What `_factors.yml` says of a table."""
    return _all_words().get(table, Words())


@cache
def _all_words() -> dict[str, Words]:
    models = yaml.safe_load((PROJECT / "models" / "factors" / "_factors.yml").read_text(encoding="utf-8"))["models"]
    return {
        model["name"]: Words(model["description"], {column["name"]: column["description"] for column in model.get("columns", [])})
        for model in models
    }
