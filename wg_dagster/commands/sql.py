"""`wg sql`: every table of the last snapshot as a view, read-only, with no access to anything else."""

import argparse
import sys
from pathlib import Path

import duckdb
import polars as pl

from wg_dagster.config import load_config
from wg_dagster.errors import OutsideData
from wg_dagster.schemas.columns import FACTORS
from wg_dagster.schemas.tables import TABLES
from wg_dagster.warehouse import Warehouse

_QUESTIONS = {duckdb.StatementType.SELECT}  # not explain: `explain analyze copy` writes


def query(options: argparse.Namespace) -> int:
    """Print the rows of one query."""
    load_config(options.home)
    connection = open_views(Warehouse(options.home, latest=options.latest))
    try:
        _refuse_what_is_no_question(connection, options.query)
        rows = connection.sql(options.query)
        frame = rows.pl() if rows is not None else pl.DataFrame()
    except duckdb.Error as error:
        raise OutsideData(f"the query failed: {error}") from error
    _print(frame, options.format)
    return 0


def _refuse_what_is_no_question(connection: duckdb.DuckDBPyConnection, text: str) -> None:
    """The views read files of the lake, so the engine may open them; a `copy` could then write over them."""
    statements = connection.extract_statements(text)
    if len(statements) != 1 or statements[0].type not in _QUESTIONS:
        kinds = ", ".join(statement.type.name.lower() for statement in statements) or "nothing"
        raise OutsideData(f"the query failed: wg sql answers one select, show, describe or summarize; this is {kinds}")


def open_views(warehouse: Warehouse) -> duckdb.DuckDBPyConnection:
    """A connection that sees the tables of the lake and nothing else."""
    connection = duckdb.connect(":memory:")
    for table, spec in TABLES.items():
        files = ", ".join(f"'{file}'" for file in warehouse.files(table))
        hive = ", ".join(f"'{name}': varchar" for name in spec.partition_by)
        options = f", hive_partitioning=true, hive_types={{{hive}}}" if hive else ""
        columns = ", ".join(f'"{name}"' for name in spec.columns)
        connection.execute(f'create view "{table}" as select {columns} from read_parquet([{files}]{options})')  # noqa: S608
    scores = ", ".join(f'"{factor}"' for factor in FACTORS)
    connection.execute(f"create view factor_scores_long as unpivot factor_scores on {scores} into name factor value score")
    lake = str(Path(warehouse.lake).resolve()).replace("'", "''")
    connection.execute(f"set allowed_directories = ['{lake}', '{warehouse.lake}']")
    connection.execute("set enable_external_access = false")
    connection.execute("set lock_configuration = true")
    return connection


def _print(frame: pl.DataFrame, form: str) -> None:
    if form == "csv":
        print(frame.write_csv(), end="")
    elif form == "json":
        print(frame.write_json())
    elif form == "parquet":
        frame.write_parquet(sys.stdout.buffer)
    else:
        with pl.Config(
            tbl_rows=200,
            tbl_cols=40,
            tbl_hide_dataframe_shape=True,
            tbl_hide_column_data_types=True,
            fmt_str_lengths=60,
            tbl_width_chars=200,
        ):
            print(frame)
            print(f"{frame.height} rows")
