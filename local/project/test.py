"""`make test` in a project: your tests, then from outside what every stack must do, on one local stack."""

import os
import subprocess
import sys
import tempfile
from pathlib import Path

from local import served
from local.failure import Failure

_TESTS = "operations/tests"
#: pytest's exit status in words, for the last line.
_OWN = {0: "passed", 1: "FAILED", 2: "ended early", 5: "are missing: there are none"}


def main() -> int:
    with tempfile.TemporaryDirectory(prefix="nowlater-") as home, served.start(Path(home)):
        shared = os.environ | {served.SHARED: home}
        tests = [sys.executable, "-m", "pytest", _TESTS]
        own = subprocess.run(tests, env=shared, check=False).returncode
        print("\nNow the API from outside, as make verify checks a deployed stack:", flush=True)
        try:
            api = served.wait(Path(home))
        except Failure as failure:
            print(
                f"{failure}\n\nThe API could not be served: what is wrong is above.",
                file=sys.stderr,
            )
            return 1
        verify = [sys.executable, "-m", "local.verify", "--url", api.url]
        environment = os.environ | {"KEY": api.key}
        outside = subprocess.run(verify, env=environment, check=False).returncode
        print(f"\n{summary(own, outside)}", flush=True)
        return outside or own


def summary(own: int, outside: int) -> str:
    """Return the last line for the exit status of pytest, and of the checks from outside."""
    tests = _OWN.get(own, f"could not be run (pytest's exit status is {own})")
    return f"Your tests {tests}; the API from outside {'FAILED' if outside else 'passed'}."


if __name__ == "__main__":
    sys.exit(main())
