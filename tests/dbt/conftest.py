"""Lets the tests of the dbt project import their neighbours `lake_rows` and `oracle`."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))
