"""What a person sees while stations run: one line a station, a moving line for anything that takes longer."""

import sys
import threading
import time
from collections.abc import Callable, Generator
from contextlib import contextmanager

from wg_dagster.runner import Outcome, errors

_PATIENCE = 2.0  # seconds before a running station shows itself
_BAR = 24  # characters of a bar
_FRAMES = "⠋⠙⠹⠸⠼⠴⠦⠧⠇⠏"


class Line:
    """The line of one station."""

    def __init__(self, station: str, months: int) -> None:
        self.station, self.months = station, months
        self._started = time.monotonic()
        self._ended = threading.Event()
        self._printed = False

    def done(self, outcome: Outcome) -> None:
        """Replace the moving line by the result."""
        self.stop()
        print(_summary(self.station, outcome, time.monotonic() - self._started), flush=True)
        self._printed = True

    def spin(self) -> None:
        """Move until the station has ended; silent where nobody watches."""
        frame = 0
        while not self._ended.wait(0.2):
            seconds = time.monotonic() - self._started
            if seconds > _PATIENCE:
                print(f"\r{_FRAMES[frame % len(_FRAMES)]} {self.station}: {self.months} months, {seconds:.0f} s", end="", flush=True)
                frame += 1

    def stop(self) -> None:
        """End the moving line."""
        if not self._ended.is_set():
            self._ended.set()
            if sys.stdout.isatty():
                print("\r\033[K", end="", flush=True)


@contextmanager
def announce(station: str, months: int) -> Generator[Line]:
    """A line for a station; it moves only on a terminal."""
    line = Line(station, months)
    spinner = threading.Thread(target=line.spin, daemon=True) if sys.stdout.isatty() else None
    if spinner:
        spinner.start()
    try:
        yield line
    finally:
        line.stop()
        if spinner:
            spinner.join()


@contextmanager
def counted(what: str, total: int) -> Generator[Callable[[str], None]]:
    """A bar that moves by one at each call, with the name of what was done last; silent where nobody watches."""
    started, done = time.monotonic(), 0

    def step(name: str) -> None:
        nonlocal done
        done += 1
        if sys.stdout.isatty():
            filled = _BAR * done // max(total, 1)
            bar = "█" * filled + "░" * (_BAR - filled)
            print(f"\r\033[K{what} {bar} {done}/{total}, {time.monotonic() - started:.0f} s, {name}", end="", flush=True)

    try:
        yield step
    finally:
        if sys.stdout.isatty():
            print("\r\033[K", end="", flush=True)


def _summary(station: str, outcome: Outcome, seconds: float) -> str:
    done = f"{len(outcome.built)} built" if outcome.built else "unchanged"
    parts = [f"{station:<34} {done:<11} {sum(outcome.rows.values()):>10,} rows {seconds:6.1f} s"]
    if outcome.quarantined:
        parts.append(f"{outcome.quarantined} rows in quarantine")
    if broken := errors(outcome.checks).height:
        parts.append(f"{broken} checks FAILED")
    if outcome.blocked:
        parts.append(f"{len(outcome.blocked)} months held back by an earlier failure")
    return "  ".join(parts)
