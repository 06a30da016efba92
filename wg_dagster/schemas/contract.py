"""What a table of the lake is: columns, partitions, grain."""

from dataclasses import dataclass

import polars as pl

from wg_dagster.schemas.columns import COLUMNS


@dataclass(frozen=True)
class Table:
    """A table of the lake: `columns` in stored order, `key` = its grain and its sort order."""

    name: str
    description: str
    columns: tuple[str, ...]
    partition_by: tuple[str, ...]
    key: tuple[str, ...]

    @property
    def schema(self) -> pl.Schema:
        """Name and type of each column, in stored order."""
        return pl.Schema({column: COLUMNS[column][0] for column in self.columns})

    def empty(self) -> pl.DataFrame:
        """No rows, all columns."""
        return pl.DataFrame(schema=self.schema)


def table(name: str, description: str, columns: str, *, key: str, partition_by: str = "month") -> Table:
    """A table from names in one text each; the columns of its partitions come first."""
    partitions = tuple(partition_by.split())
    wanted = tuple(dict.fromkeys([*partitions, *columns.split()]))
    return Table(name, description, wanted, partitions, tuple(key.split()))
