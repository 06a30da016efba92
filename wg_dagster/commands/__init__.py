"""What each command of `wg` does: one file a command, imported when it is used."""

import argparse


def run(options: argparse.Namespace) -> int:
    """`wg run`."""
    from wg_dagster.commands.run import run_chain

    return run_chain(options)


def ui(options: argparse.Namespace) -> int:
    """`wg ui`."""
    from wg_dagster.commands.ui import serve

    return serve(options)


def sql(options: argparse.Namespace) -> int:
    """`wg sql`."""
    from wg_dagster.commands.sql import query

    return query(options)


def status(options: argparse.Namespace) -> int:
    """`wg status`."""
    from wg_dagster.commands.status import show

    return show(options)


def check(options: argparse.Namespace) -> int:
    """`wg check`."""
    from wg_dagster.commands.check import inspect

    return inspect(options)
