"""`make test` in a project: your tests, then from outside what every stack must do, on one local stack."""

import os
import subprocess
import sys
import tempfile
from pathlib import Path

from local import served
from local.failure import Failure

_TESTS = "operations/tests"


def main() -> int:
    with tempfile.TemporaryDirectory(prefix="nowlater-") as home, served.start(Path(home)):
        shared = os.environ | {served.SHARED: home}
        tests = [sys.executable, "-m", "pytest", _TESTS]
        own = subprocess.run(tests, env=shared, check=False).returncode
        print("\nNow the API from outside, as make verify checks a deployed stack:", flush=True)
        try:
            api = served.wait(Path(home))
        except Failure as failure:
            print(failure, file=sys.stderr)
            return 1
        verify = [sys.executable, "-m", "local.verify", "--url", api.url]
        environment = os.environ | {"KEY": api.key}
        return subprocess.run(verify, env=environment, check=False).returncode or own


if __name__ == "__main__":
    sys.exit(main())
