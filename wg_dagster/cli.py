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
  wg certify major_100 2026-01               prove a portfolio's bound again, without a solver
  wg why major_100 2026-01 PVLQ              why a name is held, or is not
  wg verify lookahead --months 2026-01       decide a month again without what was known later
  wg impact                                  what past figures would change with the rows of today
  wg search --strategy next_major_100         which factors worked, and how much of it is luck
  wg fetch jquants --from 2026-01 --to 2026-03   download what a source needs, into vendors/ of the home
  wg check FOLDER                            what is wrong with vendor files, without loading them
  wg ui                                      the Dagster UI on http://127.0.0.1:3000
exit codes: 0 done, 1 a check or an input is bad, 2 usage"""


def build_parser() -> argparse.ArgumentParser:
    """All commands with their options."""
    parser = argparse.ArgumentParser(prog="wg", description=__doc__, epilog=_EXAMPLES, formatter_class=argparse.RawDescriptionHelpFormatter)
    subparsers = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")
    for add in (
        _add_run,
        _add_ui,
        _add_sql,
        _add_status,
        _add_check,
        _add_fetch,
        _add_alerts,
        _add_certify,
        _add_why,
        _add_verify,
        _add_impact,
        _add_search,
    ):
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
    parser.add_argument(
        "--source",
        default=None,
        help="synthetic (default), pystock, drop, edgar, jquants, sharadar, reference or vendors (a folder with one subfolder a source)",
    )
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


def _add_search(subparsers: argparse._SubParsersAction) -> None:
    example = "wg search --strategy next_major_100"
    parser = _add(subparsers, "search", "search all sets of factors of a strategy and judge what was found", example)
    parser.add_argument("--strategy", required=True, metavar="ID", help=f"one of {', '.join(STRATEGIES)}")
    parser.add_argument("--to", dest="last", metavar="YYYY-MM", help="last month (default: the last of the data)")
    parser.set_defaults(run=command("search", "search"))


def _add_check(subparsers: argparse._SubParsersAction) -> None:
    parser = _add(subparsers, "check", "say what is wrong with vendor files, without loading them", "wg check FOLDER --map my_map.toml")
    parser.add_argument("path", type=Path)
    parser.add_argument("--map", type=Path, help="TOML map of vendor columns")
    parser.add_argument("--source", help="the source that reads the folder, where it is not drop or pystock: edgar, jquants, ...")
    parser.set_defaults(run=command("check", "inspect"))


def _add_alerts(subparsers: argparse._SubParsersAction) -> None:
    parser = _add(subparsers, "alerts", "what is open and who was not reached", 'wg alerts --acknowledge 3fa91c --note "vendor was asked"')
    parser.add_argument("--all", action="store_true", help="those that were seen or have passed too")
    parser.add_argument("--acknowledge", nargs="+", metavar="ID", help="say that somebody has seen them (the beginning of an id will do)")
    parser.add_argument("--by", help="who has seen them (default: the user of this machine)")
    parser.add_argument("--note", default="", help="what is done about them")
    parser.add_argument("--send", action="store_true", help="deliver now what waits")
    parser.add_argument("--test", action="store_true", help="send a test to every sink and do nothing else")
    parser.set_defaults(run=command("alerts", "show"))


def _add_certify(subparsers: argparse._SubParsersAction) -> None:
    parser = _add(
        subparsers,
        "certify",
        "prove again, without a solver, that a month's portfolio is as good as its row says",
        "wg certify major_100 2026-01",
    )
    parser.add_argument("strategy", metavar="STRATEGY", help=f"one of {', '.join(STRATEGIES)}")
    parser.add_argument("month", metavar="MONTH", help="YYYY-MM")
    parser.set_defaults(run=command("certify", "show"))


def _add_why(subparsers: argparse._SubParsersAction) -> None:
    parser = _add(subparsers, "why", "why a name is in a month's portfolio, or is not", 'wg why major_100 2026-01 "Brammont"')
    parser.add_argument("strategy", metavar="STRATEGY", help=f"one of {', '.join(STRATEGIES)}")
    parser.add_argument("month", metavar="MONTH", help="YYYY-MM")
    parser.add_argument("security", metavar="SECURITY", help="id, ticker or (part of a) name")
    parser.set_defaults(run=command("why", "explain"))


def _add_verify(subparsers: argparse._SubParsersAction) -> None:
    parser = _add(
        subparsers,
        "verify",
        "prove that no decision looked ahead; judge dates of publication",
        "wg verify lookahead --months 2026-01 2026-02 --strategy major_100",
    )
    parser.add_argument("what", choices=["lookahead", "dates"])
    parser.add_argument("--months", nargs="+", metavar="YYYY-MM", help="months to decide again (default all with factors)")
    parser.add_argument("--strategy", nargs="+", metavar="ID", help=f"some of {', '.join(STRATEGIES)} (default all)")
    parser.add_argument(
        "--ways", nargs="+", choices=["removed", "poisoned", "shuffled"], help="what becomes of later rows (default each way)"
    )
    parser.add_argument("--project", type=Path, metavar="FOLDER", help="build factors with another dbt project")
    parser.add_argument("--allow", type=float, default=0.0, metavar="SHARE", help="part of the dates that may be too early (default 0)")
    parser.add_argument("--out", type=Path, metavar="FILE", help="the comparison of dates as a .parquet or .csv file")
    parser.set_defaults(run=command("verify", "verify"))


def _add_fetch(subparsers: argparse._SubParsersAction) -> None:
    parser = _add(
        subparsers,
        "fetch",
        "download what a source needs (the only command that goes to the internet)",
        "wg fetch jquants --from 2026-01 --to 2026-03",
    )
    parser.add_argument("source", help="edgar, jquants or reference")
    parser.add_argument("--from", dest="first", metavar="YYYY-MM", required=True, help="first month")
    parser.add_argument("--to", dest="last", metavar="YYYY-MM", required=True, help="last month")
    parser.add_argument("--into", type=Path, help="folder to fetch into (default: vendors/SOURCE in the home)")
    parser.add_argument("--only", nargs="+", metavar="ID", help="companies by CIK (edgar), endpoints (jquants), series of FRED (reference)")
    parser.add_argument("--base-url", help="another server in place of the vendor's, e.g. a mirror")
    parser.set_defaults(run=command("fetch", "fetch"))


def _add_impact(subparsers: argparse._SubParsersAction) -> None:
    parser = _add(subparsers, "impact", "what past figures would change with the raw rows of today", "wg impact --since 1 --out impact.csv")
    parser.add_argument("--since", type=int, metavar="SNAPSHOT", help="what had been built by then (default the last snapshot)")
    parser.add_argument("--strategy", nargs="+", metavar="ID", help=f"some of {', '.join(STRATEGIES)} (default all)")
    parser.add_argument("--tolerance", type=float, default=1e-9, help="relative change from which on a figure counts (default 1e-9)")
    parser.add_argument("--top", type=int, default=3, help="changes shown a table and strategy (default 3)")
    parser.add_argument("--out", type=Path, metavar="FILE", help="all changes as a .parquet or .csv file")
    parser.set_defaults(run=command("impact", "show"))


if __name__ == "__main__":
    sys.exit(main())
