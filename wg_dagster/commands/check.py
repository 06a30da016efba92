"""`wg check`: hold vendor files against the rules of the adapters, without loading them."""

import argparse

import polars as pl

from wg_dagster.errors import UnreadableFile
from wg_dagster.ingest.inspect import inspect_path, inspect_source


def inspect(options: argparse.Namespace) -> int:
    """Print what was found; 1 if anything is an ERROR."""
    if not options.path.exists():
        raise UnreadableFile(f"{options.path} is not there; give a file or a folder of vendor data")
    findings = inspect_source(options.source, options.path) if options.source else inspect_path(options.path, options.map)
    for row in findings.to_dicts():
        print(f"{row['severity']:<5} {row['file']} [{row['table']}] {row['rule']}: {row['rows']} rows  {row['sample']}")
    broken = findings.filter(pl.col("severity") == "ERROR").height
    print(f"{findings.height} findings, {broken} of them ERROR" if findings.height else "nothing found: the files can be used")
    return 1 if broken else 0
