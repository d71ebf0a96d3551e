"""The lines that a process writes to a pipe, as soon as they are whole, or its run has ended."""

import contextlib
import os
import re
import select
import threading
from collections.abc import Callable
from typing import IO, Any

#: A longer line is divided, as Lambda divides the events of its log; in bytes.
_LONGEST = 256 * 1024
_CHUNK = 64 * 1024
#: Progress bars end their lines with a carriage return alone.
_END = re.compile(rb"\r?\n|\r(?=[^\n])")


class Lines:
    """Reads a pipe, and passes on each line as text, whatever its bytes are."""

    def __init__(self, pipe: IO[Any], pass_on: Callable[[str], None]) -> None:
        self._pipe, self._pass_on = pipe, pass_on
        self._rest = b""
        self._lock = threading.Lock()
        os.set_blocking(pipe.fileno(), False)

    def read(self) -> None:
        """Read until one end of the pipe is closed."""
        with contextlib.suppress(OSError, ValueError):
            while select.select([self._pipe], [], []):
                with self._lock:
                    if not self._read_chunk():
                        break
        self.end()

    def end(self) -> None:
        """Pass on all that was written until now, with a last line that has no end."""
        with self._lock:
            with contextlib.suppress(OSError, ValueError):  # the pipe is closed
                while select.select([self._pipe], [], [], 0)[0] and self._read_chunk():
                    pass
            if rest := self._rest:
                self._rest = b""
                self._pass_on(rest.rstrip(b"\r").decode(errors="replace"))

    def _read_chunk(self) -> bool:
        """Read what there is, and pass on its whole lines; return whether there can be more."""
        try:
            chunk = os.read(self._pipe.fileno(), _CHUNK)
        except BlockingIOError:  # another thread has read it
            return True
        *whole, self._rest = _END.split(self._rest + chunk)
        for line in whole:
            self._pass_on(line.decode(errors="replace"))
        if len(self._rest) > _LONGEST:
            self._pass_on(self._rest.decode(errors="replace"))
            self._rest = b""
        return bool(chunk)
