"""`wg ui`: web server and daemon of a home, on this machine only."""

import argparse
import os
import subprocess
import sys
from pathlib import Path

from wg_dagster.config import load_config


def serve(options: argparse.Namespace) -> int:
    """Run until interrupted; both processes end together."""
    from wg_dagster.defs.launch import prepare_instance

    home: Path = options.home.resolve()
    load_config(home)
    environment = os.environ | {"WG_HOME": str(home), "DAGSTER_HOME": str(prepare_instance(home)), "DAGSTER_DISABLE_TELEMETRY": "1"}
    where = ["-m", "wg_dagster.definitions"]
    web = [sys.executable, "-m", "dagster_webserver", "-h", "127.0.0.1", "-p", str(options.port), *where]
    processes = [subprocess.Popen([*web, "--read-only"] if options.view else web, env=environment)]
    if not options.view:
        processes.append(subprocess.Popen([sys.executable, "-m", "dagster._daemon", "run", *where], env=environment))
    print(f"UI of {home}: http://127.0.0.1:{options.port} (end with Ctrl-C)", flush=True)
    try:
        return processes[0].wait()
    except KeyboardInterrupt:
        return 0
    finally:
        for process in processes:
            process.terminate()
        for process in processes:
            process.wait()
