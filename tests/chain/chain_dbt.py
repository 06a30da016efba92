"""dbt inside this process, parsed once: a test that builds factor tables a dozen times does not start dbt a dozen times."""

from collections.abc import Iterator
from contextlib import contextmanager
from unittest.mock import patch

from wg_dagster import factor_run
from wg_dagster.dbt_inside import DbtInside

_INSIDE = DbtInside()


@contextmanager
def in_process() -> Iterator[None]:
    """`build_factors` with the same project, arguments and view, in this process."""
    with patch.object(factor_run, "in_own_process", _INSIDE):
        yield
