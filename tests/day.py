"""Runs a command on another day: `python -m tests.day 2028-02-29T12:00 make test`, on Linux with a C compiler.

The command begins at that time (UTC), or so many days from now (`+400`), and its clock goes on from
there. So does the clock of all that it starts, the AWS emulator and its Lambdas included.
"""

import math
import os
import subprocess
import sys
import tempfile
from datetime import UTC, datetime
from pathlib import Path

SOURCE = Path(__file__).with_suffix(".c")


def main(day: str, *command: str) -> None:
    folder = Path(tempfile.mkdtemp(prefix="another-day-"))
    library = folder / "libfaketime.so"  # processes that look for what moves their clock know it so
    subprocess.run(
        ["cc", "-shared", "-fPIC", "-O2", "-Wall", "-Werror", "-o", library, SOURCE, "-ldl"],
        check=True,
    )
    moved = {"LD_PRELOAD": str(library), "FAKETIME": f"{seconds_ahead(day):+d}"}
    os.execvpe(command[0], command, os.environ | moved)


def seconds_ahead(day: str) -> int:
    """Return how far ahead of now a day is: `+400`, `2028-02-29` or `2027-12-31T23:59:30`."""
    if day.startswith("+"):
        return int(day) * 86_400
    then = datetime.fromisoformat(day).replace(tzinfo=UTC)
    return math.ceil((then - datetime.now(UTC)).total_seconds())


if __name__ == "__main__":
    main(*sys.argv[1:])
