"""Runs a command on another day: `python -m tests.day 2028-02-29T12:00 make test`.

The command begins at that time (UTC, if it names no other), or so many days from now (`+400`), and its clock goes on from
there. So does the clock of all that it starts, the AWS emulator and its Lambdas included. It takes
Linux and a C compiler, and what `make test` has fetched before: the certificates of package
registries are not valid for so long.
"""

import argparse
import math
import os
import shutil
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path

SOURCE = Path(__file__).with_suffix(".c")


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m tests.day", description=__doc__)
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    parser.add_argument("day", type=day, help="+400, 2028-02-29 or 2027-12-31T23:59:30")
    parser.add_argument("command")
    parser.add_argument("arguments", nargs=argparse.REMAINDER)
    asked = parser.parse_args()
    if not sys.platform.startswith("linux") or shutil.which("cc") is None:
        parser.error("another day takes Linux and a C compiler, cc")
    # Processes that look for what moves their clock know it by its name.
    library = SOURCE.parents[1] / ".local" / "day" / "libfaketime.so"
    library.parent.mkdir(parents=True, exist_ok=True)
    made = library.with_suffix(f".{os.getpid()}")
    options = ["-shared", "-fPIC", "-O2", "-Wall", "-Werror"]
    subprocess.run(["cc", *options, "-o", made, SOURCE, "-ldl"], check=True)
    made.replace(library)  # at once: others may have it loaded
    moved = {"LD_PRELOAD": str(library), "FAKETIME": f"{asked.day:+d}"}
    os.execvpe(asked.command, [asked.command, *asked.arguments], os.environ | moved)


def day(text: str) -> int:
    """Return how many seconds ahead of now a day is."""
    if text.startswith(("+", "-")):
        return int(text) * 86_400
    then = datetime.fromisoformat(text)
    then = then if then.tzinfo else then.replace(tzinfo=UTC)
    return math.ceil((then - datetime.now(UTC)).total_seconds())


if __name__ == "__main__":
    main()
