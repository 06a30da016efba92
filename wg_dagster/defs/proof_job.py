"""The job `verify_lookahead`: decide months again without what was known later, from the UI."""

import dagster as dg

from wg_dagster.proof.lookahead import MonthProof, first_offender, prove
from wg_dagster.schemas.tables import FACTOR_TABLES
from wg_dagster.warehouse import Warehouse

PROOF_JOB = "verify_lookahead"


class Months(dg.Config):
    """Which months to decide again; none named = the last one with factors."""

    months: list[str] = []  # noqa: RUF012 (a pydantic field: copied for each run)


def build_proof_job() -> dg.JobDefinition:
    """One op that fails where a row differs, and names the first one."""

    @dg.op(name="decide_again", required_resource_keys={"home"})
    def decide_again(context: dg.OpExecutionContext, config: Months) -> None:
        warehouse = Warehouse(context.resources.home.folder)
        proofs = list(prove(warehouse, config.months or warehouse.months(FACTOR_TABLES[0])[-1:]))
        context.add_output_metadata(
            {"proofs": dg.MetadataValue.md(_table(proofs)), "rows compared": sum(one.compared_rows for one in proofs)}
        )
        if row := first_offender(proofs):
            raise dg.Failure(
                f"{row['table']} of {row['month']} looked ahead, or was built by other code", metadata={k: str(v) for k, v in row.items()}
            )

    @dg.job(name=PROOF_JOB, description="Months decided again without what was known later; nothing is changed")
    def verify_lookahead() -> None:
        decide_again()

    return verify_lookahead


def _table(proofs: list[MonthProof]) -> str:
    lines = [f"| {one.month} | {one.way} | {one.changed_rows} | {one.compared_rows} | {one.count} |" for one in proofs]
    return "\n".join(["| month | later rows | changed | compared | differences |", "|---|---|--:|--:|--:|", *lines])
