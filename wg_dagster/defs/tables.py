"""Tables as assets: keys, groups, schemas, lineage."""

import warnings

import dagster as dg

from wg_dagster.chain import clean_stations, factor_station, search_stations, strategy_stations
from wg_dagster.defs.dbt_words import model_words
from wg_dagster.schemas.columns import COLUMNS
from wg_dagster.schemas.tables import FACTOR_TABLES, RAW_TABLES, SEARCH_TABLES, STRATEGY_TABLES, TABLES
from wg_dagster.stations import Reads, Station
from wg_dagster.strategies import STRATEGIES, Strategy

warnings.filterwarnings("ignore", category=dg.BetaWarning)  # the first month has no month before it: that flag of the mapping is beta
OWNER = "team:investment-data"
_NAMED_SOURCES = 2
_OF_A_STRATEGY = {*STRATEGY_TABLES, *SEARCH_TABLES}
_SHORT = {
    "universe_members": "universe",
    "factor_scores": "scores",
    "model_portfolios": "model_portfolio",
    "portfolio_solutions": "portfolio_solution",
    "report_facts": "facts",
    "letters": "letter",
}


def asset_key(table: str, strategy: str | None = None) -> dg.AssetKey:
    """`raw/prices`, `clean/prices_clean`, `factors/factor_size`, `next_major_100/nav`."""
    if table in _OF_A_STRATEGY:
        return dg.AssetKey([strategy or "", _SHORT.get(table, table)])
    if table in FACTOR_TABLES:
        return dg.AssetKey(["factors", table])
    return dg.AssetKey(["raw" if table in RAW_TABLES else "clean", table])


def search_keys() -> list[dg.AssetKey]:
    """What the factor search alone builds, of all strategies."""
    return [asset_key(table, strategy) for strategy in STRATEGIES for table in SEARCH_TABLES]


def asset_spec(
    table: str, station: Station | None, partitions: dg.PartitionsDefinition, group: str, *, strategy: Strategy | None = None
) -> dg.AssetSpec:
    """The asset of a table: what it holds, what it is made from, its columns and where each comes from."""
    spec, words = TABLES[table], model_words(table)
    lineage = _column_lineage(spec.columns, station, strategy) if station else dg.TableColumnLineage({})
    columns = [
        dg.TableColumn(name, str(dtype), description=words.columns.get(name, COLUMNS[name][1]) + _came_from(lineage, name))
        for name, dtype in spec.schema.items()
    ]
    metadata: dict[str, object] = {
        "dagster/column_schema": dg.TableSchema(columns),
        "grain": ", ".join(spec.key),
        "dagster/table_name": table,
    }
    if lineage.deps_by_column:
        metadata["dagster/column_lineage"] = lineage
    return dg.AssetSpec(
        asset_key(table, strategy.strategy_id if strategy else None),
        deps=_dependencies(table, station, strategy) if station else None,
        description=words.description or f"{spec.description}. One row: {', '.join(spec.key)}.",
        group_name=group,
        owners=[OWNER],
        kinds={"dbt", "duckdb"} if table in FACTOR_TABLES else {"polars", "deltalake"},
        partitions_def=partitions,
        metadata=metadata,
    )


def _dependencies(table: str, station: Station, strategy: Strategy | None) -> list[dg.AssetDep]:
    """Upstream assets; own months map to the same month, past months to the month before.

    Of the tables that the station writes itself, only the table's own past is an upstream: the others are made in the same step.
    """
    return [
        dg.AssetDep(asset_key(reads.table, owner), partition_mapping=_mapping(reads))
        for reads in station.reads
        if reads.table in ASSET_TABLES and (reads.table == table or reads.table not in station.writes)
        for owner in _owners(reads, strategy)
    ]


def _mapping(reads: Reads) -> dg.TimeWindowPartitionMapping | None:
    if reads.own:
        return None
    return dg.TimeWindowPartitionMapping(start_offset=-1, end_offset=-1, allow_nonexistent_upstream_partitions=True)


def _owners(reads: Reads, strategy: Strategy | None) -> list[str | None]:
    if reads.table not in _OF_A_STRATEGY or strategy is None:
        return [None]
    return list(STRATEGIES) if reads.every_strategy else [strategy.strategy_id]


def _column_lineage(columns: tuple[str, ...], station: Station, strategy: Strategy | None) -> dg.TableColumnLineage:
    """A column comes from the columns of the same name in what the station reads; a new column from the station's whole input."""
    upstream = [
        (asset_key(reads.table, owner), set(TABLES[reads.table].columns))
        for reads in station.reads
        if reads.table in ASSET_TABLES
        for owner in _owners(reads, strategy)
    ]
    return dg.TableColumnLineage(
        {
            column: [dg.TableColumnDep(asset_key=key, column_name=column) for key, theirs in upstream if column in theirs]
            for column in columns
            if any(column in theirs for _, theirs in upstream)
        }
    )


def _came_from(lineage: dg.TableColumnLineage, column: str) -> str:
    """The open-source UI has no view of column lineage: where it is short, the words stand with the column."""
    sources = [f"{source.asset_key.to_user_string()}.{source.column_name}" for source in lineage.deps_by_column.get(column, [])]
    return f" ← {', '.join(sources)}" if 0 < len(sources) <= _NAMED_SOURCES else ""


def all_stations() -> list[Station]:
    """Every station after raw, in order."""
    return [*clean_stations(), factor_station(), *strategy_stations(), *search_stations()]


ASSET_TABLES = {*RAW_TABLES, *(table for station in all_stations() for table in station.writes)}
