"""Runs all measurements, and exits with 1 where a budget is not kept."""

import sys
import tempfile
from pathlib import Path

from local import deploy
from tests.bench import client, console, imports, lag, latency, operations, punctuality, saving
from tests.e2e.served import Served


def main() -> int:
    with tempfile.TemporaryDirectory() as folder:
        print("building …", flush=True)
        deploy.build(Path(folder))
        kept = imports.measure(Path(folder, "build"))
    kept &= operations.measure()
    kept &= client.measure_import()
    with tempfile.TemporaryDirectory() as folder, Served(Path(folder)) as served:
        kept &= latency.measure(served)
        kept &= punctuality.measure(served)
        kept &= lag.measure(served)
        kept &= client.measure_jobs(served)
        kept &= console.measure(served)
        kept &= saving.measure(served)
    print("all budgets are kept" if kept else "a budget is not kept")
    return 0 if kept else 1


if __name__ == "__main__":
    sys.exit(main())
