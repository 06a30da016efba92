"""Named points at which a test lets a run die: WG_CRASH_AT=after_commit:trades; of several, with commas, the one that is passed first."""

import os
import signal

PASSED: list[str] = []  # points that this process has passed, where a test asks for any


def crash_point(point: str, name: str) -> None:
    """Die here, as by a power cut, if this is a point that was asked for."""
    asked = os.environ.get("WG_CRASH_AT")
    if not asked:
        return
    here = f"{point}:{name}"
    PASSED.append(here)
    if here in asked.split(","):
        os.kill(os.getpid(), signal.SIGKILL)
