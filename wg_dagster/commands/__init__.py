"""What each command of `wg` does: one file a command, imported when it is used."""

import argparse
from collections.abc import Callable
from importlib import import_module


def command(module: str, function: str) -> Callable[[argparse.Namespace], int]:
    """The function of a module of this package, imported when it is called."""

    def run(options: argparse.Namespace) -> int:
        return getattr(import_module(f"{__name__}.{module}"), function)(options)

    return run
