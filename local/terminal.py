"""What `make up` says while it serves: on the terminal, and with the time of day in a file."""

import re
import threading
from collections.abc import Iterable
from datetime import datetime
from pathlib import Path

#: Characters that a terminal or grep takes for something else than text, colors aside.
_CONTROL = re.compile(r"[\x00-\x08\x0a-\x1a\x1c-\x1f\x7f]|\x1b(?!\[[0-9;]*m)")


def printable(line: str, *, colors: bool = True) -> str:
    """Return a line with its control characters spelled out, as Python does; colors stay if wanted."""
    line = line if colors else line.replace("\x1b", r"\x1b")
    return _CONTROL.sub(lambda found: f"\\x{ord(found[0]):02x}", line)


class Terminal:
    """Prints whole messages of several threads; the file of the run before is kept beside the new one."""

    def __init__(self, log: Path) -> None:
        if log.exists():
            log.replace(log.with_suffix(f".1{log.suffix}"))
        self._log = log
        self._lock = threading.Lock()
        self._heading: str | None = None

    def say(self, text: str) -> None:
        """Print a message of one or more lines."""
        lines = [printable(line) for line in text.split("\n")]
        with self._lock:
            self._heading = None
            print("\n".join(lines), flush=True)
            self._record("", lines)

    def quote(self, heading: str, lines: Iterable[str]) -> None:
        """Print lines of an operation's under a heading, which a run of such lines has once."""
        quoted = [printable(line) for line in lines]
        with self._lock:
            if heading != self._heading:
                print(heading)
                self._heading = heading
            print("\n".join(f"  {line}" for line in quoted), flush=True)
            self._record(f"{heading} | ", quoted)

    def _record(self, prefix: str, lines: Iterable[str]) -> None:
        now = datetime.now().astimezone().isoformat(timespec="milliseconds")
        with self._log.open("a") as log:
            log.writelines(f"{now} {prefix}{line}\n" for line in lines)
