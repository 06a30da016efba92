"""Jobs: the whole chain for one month, the same for a range of months in one run, and the factor search."""

import dagster as dg
from dagster._core.definitions.unresolved_asset_job_definition import UnresolvedAssetJobDefinition

from wg_dagster.defs.tables import search_keys

MONTH_JOB = "month"
RANGE_JOB = "month_range"
SEARCH_JOB = "search"
_SEARCH = "All sets of factors of all strategies up to a month, the trials of the challengers in the real construction, and the evidence"


def build_jobs() -> list[UnresolvedAssetJobDefinition]:
    """`month` and `month_range`: raw rows to letters of all strategies; `search`: the factor search, which they leave out."""
    searched = dg.AssetSelection.assets(*search_keys())
    texts = {
        MONTH_JOB: "Raw rows to letters of all strategies, one month",
        RANGE_JOB: "Raw rows to letters of all strategies, a range of months in one run (give first and last partition)",
    }
    jobs = [dg.define_asset_job(name, dg.AssetSelection.all() - searched, description=text) for name, text in texts.items()]
    return [*jobs, dg.define_asset_job(SEARCH_JOB, searched, description=_SEARCH)]
