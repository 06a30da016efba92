"""`wg ui`: web server and daemon of a home, on this machine only."""

import argparse
import os
import signal
import socket
import subprocess
import sys
from contextlib import suppress
from pathlib import Path

from wg_dagster.config import load_config
from wg_dagster.errors import BadInput

_HOST = "127.0.0.1"
_PATIENCE = 20  # seconds to end by itself


def serve(options: argparse.Namespace) -> int:
    """Run until interrupted or terminated; all processes end together."""
    from wg_dagster.defs.event_log import BATCHES
    from wg_dagster.defs.launch import prepare_instance

    home: Path = options.home.resolve()
    load_config(home)
    _refuse_taken(options.port)
    environment = os.environ | {
        "WG_HOME": str(home),
        "DAGSTER_HOME": str(prepare_instance(home)),
        "DAGSTER_DISABLE_TELEMETRY": "1",
        **BATCHES,
    }
    where = ["-h", _HOST, "-p", str(options.port), "-m", "wg_dagster.definitions"]
    # `dagster dev` is web server and daemon over one code server; without it each loads the definitions, the daemon every minute anew.
    command = ["dagster_webserver", "--read-only"] if options.view else ["dagster", "dev", "--log-level", "warning"]
    python = [sys.executable, "-W", "ignore::FutureWarning"]  # `dagster dev` recommends another package
    print(f"UI of {home}: http://{_HOST}:{options.port} (end with Ctrl-C)", flush=True)
    server = subprocess.Popen([*python, "-m", *command, *where], env=environment, cwd=home, start_new_session=True)
    for ending in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(ending, lambda *_: sys.exit(0))
    try:
        return 1 if server.wait() else 0
    except KeyboardInterrupt:
        return 0
    finally:
        _end(server)


def _refuse_taken(port: int) -> None:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((_HOST, port))
        except OSError as error:
            raise BadInput(f"port {port} cannot be used ({error.strerror}); choose another with --port") from error


def _end(server: subprocess.Popen) -> None:
    """Ask, wait, insist; the whole session ends, so that no worker is left behind."""
    if server.poll() is None:
        server.send_signal(signal.SIGINT)
        with suppress(subprocess.TimeoutExpired):
            server.wait(_PATIENCE)
    with suppress(ProcessLookupError):
        os.killpg(server.pid, signal.SIGTERM)
