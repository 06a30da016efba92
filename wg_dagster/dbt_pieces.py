"""The process that runs dbt: it reads the project once and builds a long range of months in pieces, so that memory does not grow with it.

A piece is at most five years, and fewer months where the months are large. The values do not depend on the pieces: each month looks back
from its own end, and all sums are exact.
"""

import json
import os
import sys
from collections.abc import Iterator
from pathlib import Path

from wg_dagster.calendars import months_between
from wg_dagster.dbt_inside import DbtInside
from wg_dagster.dbt_view import VIEW
from wg_dagster.warehouse import Warehouse

LONGEST = 60  # months
LARGEST = 400_000_000  # bytes of the price files of a piece: five years of some 6,000 names


def main(arguments: list[str]) -> int:
    """Run dbt for each piece of the range in `--vars`; 0, or 1 with what went wrong on the standard error."""
    view = Path(os.environ[VIEW])
    place = arguments.index("--vars") + 1
    run = DbtInside()
    lake = Warehouse.load_view(view)
    wanted = json.loads(arguments[place])
    for first, last in pieces(months_between(wanted["month_start"], wanted["month_end"]), month_bytes(lake)):
        piece = json.dumps(wanted | {"month_start": first, "month_end": last})
        if failure := run([*arguments[:place], piece, *arguments[place + 1 :]], view):
            sys.stderr.write(failure)
            return 1
    return 0


def pieces(months: list[str], size: int) -> Iterator[tuple[str, str]]:
    """First and last month of each piece, given the bytes of the largest month."""
    count = max(1, min(LONGEST, LARGEST // max(size, 1)))
    for start in range(0, len(months), count):
        yield months[start], months[min(start + count, len(months)) - 1]


def month_bytes(warehouse: Warehouse) -> int:
    """Size of the price files of the largest month."""
    sizes = [
        sum(Path(file).stat().st_size for file in warehouse.files("prices_clean", months=[month]))
        for month in warehouse.months("prices_clean")
    ]
    return max(sizes, default=0)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
