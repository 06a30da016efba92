"""Run the benchmarks and append their lines to results.jsonl: `python -m benchmarks [part ...] [--seeds 10]`."""

import argparse
import importlib
import json
from pathlib import Path

PARTS = ("optimizer", "optimizer_peers", "search", "factors", "peers", "archives")
RESULTS = Path(__file__).parent / "results.jsonl"


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("parts", nargs="*", default=PARTS)
    options.add_argument("--seeds", type=int, default=10)
    given = options.parse_args()
    with RESULTS.open("a", encoding="utf-8") as results:
        for part in given.parts:
            for line in importlib.import_module(f"benchmarks.{part}").lines(seeds=given.seeds):
                print(f"{line['name']}: {line['value']} {line['unit']}" + (f" (goal {line['goal']})" if line["goal"] is not None else ""))
                results.write(json.dumps(line) + "\n")


if __name__ == "__main__":
    main()
