"""What a running operation knows of its run, and how it says how far it is."""

import time
from collections.abc import Callable
from typing import Any

from nowlater.instants import Instant

type Report = Callable[[dict[str, Any]], None]

#: Progress is written at most this often; what is said in between is not.
_PAUSE_S = 1.0


class Context:
    """One attempt: pass it on, and call `progress` wherever the operation could stop."""

    def __init__(
        self,
        *,
        job_id: str | None = None,
        attempt: int = 1,
        deadline: Instant,
        idempotency_key: str,
        report: Report | None = None,
    ) -> None:
        #: The job's id; None at the sync door, which keeps no job.
        self.job_id = job_id
        #: 1 for the first run of the job, 2 for the second, …
        self.attempt = attempt
        #: When this run is ended, in milliseconds since the epoch.
        self.deadline = deadline
        #: The same for every attempt at one job: hand it to whatever must not happen twice.
        self.idempotency_key = idempotency_key
        self._report = report
        self._next = 0.0

    def progress(self, fraction: float | None = None, message: str = "") -> None:
        """Say how far the work is: a fraction from 0 to 1 where it is known, and a sentence.

        Call it as often as you like: at most one call a second costs anything.
        Raises Canceled where the job was canceled, to unwind the operation: do not catch it.
        """
        if fraction is not None and not 0 <= fraction <= 1:
            raise ValueError(f"progress goes from 0 to 1, not to {fraction}")
        if self._report is None or time.monotonic() < self._next:
            return
        self._next = time.monotonic() + _PAUSE_S
        said = str(message)[:256].encode(errors="replace").decode()  # nothing that JSON cannot say
        self._report({"fraction": None if fraction is None else float(fraction), "message": said})
