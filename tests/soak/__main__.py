"""Sends mixed traffic to a local stack for some minutes, lets it settle, and checks every job.

    PYTHONPATH=layers/nowlater .venv/bin/python -m tests.soak --minutes 10
    PYTHONPATH=layers/nowlater .venv/bin/python -m tests.soak --kill --seconds 120

All doors, time frames, cancels, retries, erases and repeated keys; a bounded number of requests, at
a bounded rate. In the end every accepted job must have one end, published with one id, and no queue may
hold anything. With `--kill`, Lambdas and callers are killed at random meanwhile, and the runs are
counted too. Prints a summary, and exits with 1 if anything is wrong.
"""

import argparse
import random
import sys
import tempfile
import time
from pathlib import Path

from tests.e2e.served import Served
from tests.soak import audit
from tests.soak.deaths import Deaths, quick_folder
from tests.soak.ledger import Ledger
from tests.soak.listener import Listener
from tests.soak.traffic import Traffic


def main() -> int:
    options = arguments()
    random.seed(options.seed)
    print(f"starting a stack (seed {options.seed}) …", flush=True)
    seconds = options.seconds or 60 * options.minutes
    if options.kill:
        return kill(seconds, options.seed)
    with tempfile.TemporaryDirectory() as folder, Served(Path(folder)) as served:
        access, ledger = served.told(), Ledger()
        with Listener(served.stack()) as listener:
            traffic = Traffic(access["url"], access["key"], ledger, options.rate, options.most)
            traffic.run(until_s=time.monotonic() + seconds)
            violations = audit.settle(served.stack(), traffic.client, ledger, listener)
        print(audit.summary(ledger, listener))
        return verdict(violations)


def kill(seconds: float, seed: int) -> int:
    with quick_folder() as folder:
        deaths = Deaths(Path(folder), seed)
        deaths.run(seconds)
        return verdict(deaths.violations)


def verdict(violations: list[str]) -> int:
    for violation in violations:
        print(f"VIOLATION: {violation}")
    print(f"{len(violations)} violations" if violations else "every job has one end", flush=True)
    return 1 if violations else 0


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.soak", description=__doc__)
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    parser.add_argument("--minutes", type=float, default=10, help="how long to send (10)")
    parser.add_argument("--seconds", type=float, help="the same in seconds")
    parser.add_argument("--kill", action="store_true", help="kill Lambdas and callers meanwhile")
    parser.add_argument("--rate", type=float, default=10, help="requests a second, at most (10)")
    parser.add_argument("--most", type=int, default=20_000, help="requests in all, at most (20000)")
    parser.add_argument(
        "--seed", type=int, default=random.randrange(10**6), help="for the same mix again"
    )
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
