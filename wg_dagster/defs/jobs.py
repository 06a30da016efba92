"""Jobs: the whole chain for one month, and the same for a range of months in one run."""

import dagster as dg
from dagster._core.definitions.unresolved_asset_job_definition import UnresolvedAssetJobDefinition

MONTH_JOB = "month"
RANGE_JOB = "month_range"


def build_jobs() -> list[UnresolvedAssetJobDefinition]:
    """`month` and `month_range`: raw rows to letters of all strategies."""
    texts = {
        MONTH_JOB: "Raw rows to letters of all strategies, one month",
        RANGE_JOB: "Raw rows to letters of all strategies, a range of months in one run (give first and last partition)",
    }
    return [dg.define_asset_job(name, dg.AssetSelection.all(), description=text) for name, text in texts.items()]
