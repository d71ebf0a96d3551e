"""Runs all measurements, and exits with 1 where a budget is not kept."""

import sys
import tempfile
from pathlib import Path

from local import deploy
from tests.bench import imports, latency


def main() -> int:
    with tempfile.TemporaryDirectory() as folder:
        print("building …", flush=True)
        deploy.build(Path(folder))
        kept = imports.measure(Path(folder, "build"))
    kept &= latency.measure()
    print("all budgets are kept" if kept else "a budget is not kept")
    return 0 if kept else 1


if __name__ == "__main__":
    sys.exit(main())
