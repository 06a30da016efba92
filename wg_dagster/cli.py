"""The command `wg`: run the chain, look at its tables, open the UI."""

import argparse
import os
import sys
from collections.abc import Sequence
from pathlib import Path

from wg_dagster.commands import command
from wg_dagster.config import DEFAULT_HOME
from wg_dagster.errors import WgError
from wg_dagster.strategies import STRATEGIES

_EXAMPLES = """examples:
  wg run                                     the embedded market, 24 months, into ./wg_home
  wg run --from 2026-01 --to 2026-03         three months of it
  wg run --source drop --map examples/us_2015.toml --input FOLDER --from 2015-07 --to 2015-12 --home us
  wg status                                  months by station: present, stale, failed
  wg sql "select * from portfolio_solutions order by strategy, month"
  wg check FOLDER                            what is wrong with vendor files, without loading them
  wg ui                                      the Dagster UI on http://127.0.0.1:3000
exit codes: 0 done, 1 a check or an input is bad, 2 usage"""


def build_parser() -> argparse.ArgumentParser:
    """All commands with their options."""
    parser = argparse.ArgumentParser(prog="wg", description=__doc__, epilog=_EXAMPLES, formatter_class=argparse.RawDescriptionHelpFormatter)
    subparsers = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")
    for add in (_add_run, _add_ui, _add_sql, _add_status, _add_check):
        add(subparsers)
    return parser


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command; 0 done, 1 a check or an input is bad, 2 usage."""
    options = build_parser().parse_args(arguments)
    try:
        return options.run(options)
    except WgError as error:
        print(f"wg {options.command}: {error}", file=sys.stderr)
        return 1
    except BrokenPipeError:  # the reader has seen enough: `wg sql ... | head`
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 1


def _add(subparsers: argparse._SubParsersAction, name: str, text: str, example: str) -> argparse.ArgumentParser:
    parser = subparsers.add_parser(
        name, help=text, description=text, epilog=f"example:\n  {example}", formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument(
        "--home", type=Path, default=Path(DEFAULT_HOME), help=f"folder of everything a run writes (default ./{DEFAULT_HOME})"
    )
    return parser


def _add_run(subparsers: argparse._SubParsersAction) -> None:
    parser = _add(subparsers, "run", "run the chain from raw rows to letters", "wg run --from 2026-01 --to 2026-03 --strategy major_100")
    parser.add_argument("--source", default=None, help="synthetic (default), pystock or drop")
    parser.add_argument("--map", type=Path, help="TOML map of vendor columns (source drop)")
    parser.add_argument("--input", type=Path, help="folder or file of vendor data")
    parser.add_argument("--from", dest="first", metavar="YYYY-MM", help="first month with a portfolio")
    parser.add_argument("--to", dest="last", metavar="YYYY-MM", help="last month")
    parser.add_argument("--strategy", nargs="+", metavar="ID", help=f"some of {', '.join(STRATEGIES)} (default all)")
    parser.add_argument("--scale", choices=["tiny", "small", "embedded", "full"], help="size of the synthetic market")
    parser.add_argument("--seed", type=int, help="seed of the synthetic market")
    parser.add_argument("--world", choices=["base", "event_off", "event_flipped"], help="the synthetic market's event of January 2026")
    parser.set_defaults(run=command("run", "run_chain"))


def _add_ui(subparsers: argparse._SubParsersAction) -> None:
    parser = _add(subparsers, "ui", "open the Dagster UI of a home on this machine", "wg ui --port 3001")
    parser.add_argument("--port", type=int, default=3000)
    parser.add_argument("--view", action="store_true", help="look only: nothing can be started or changed")
    parser.set_defaults(run=command("ui", "serve"))


def _add_sql(subparsers: argparse._SubParsersAction) -> None:
    parser = _add(subparsers, "sql", "query the tables of the last snapshot", 'wg sql "select * from nav" --format csv')
    parser.add_argument("query")
    parser.add_argument("--format", choices=["table", "csv", "json", "parquet"], default="table")
    parser.add_argument("--latest", action="store_true", help="the newest commits, also of a run that has not ended")
    parser.set_defaults(run=command("sql", "query"))


def _add_status(subparsers: argparse._SubParsersAction) -> None:
    parser = _add(subparsers, "status", "months by station: present, stale, failed", "wg status --home us")
    parser.set_defaults(run=command("status", "show"))


def _add_check(subparsers: argparse._SubParsersAction) -> None:
    parser = _add(subparsers, "check", "say what is wrong with vendor files, without loading them", "wg check FOLDER --map my_map.toml")
    parser.add_argument("path", type=Path)
    parser.add_argument("--map", type=Path, help="TOML map of vendor columns")
    parser.set_defaults(run=command("check", "inspect"))


if __name__ == "__main__":
    sys.exit(main())
