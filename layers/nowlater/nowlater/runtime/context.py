"""The context of a run: its job and deadline, and a way to report progress."""

import time
from collections.abc import Callable
from typing import Any

from nowlater.instants import Instant

type Report = Callable[[dict[str, Any]], None]

#: Progress is written at most once in this time; reports in between are dropped.
_REPORT_INTERVAL_S = 1.0


class Context:
    """One attempt at a job; call `progress` wherever the operation could stop."""

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
        #: When this run is stopped, in milliseconds since the epoch.
        self.deadline = deadline
        #: The same for all attempts at a job: pass it to services whose effect must not repeat.
        self.idempotency_key = idempotency_key
        self._report = report
        self._next_report_s = 0.0

    def progress(self, fraction: float | None = None, message: str = "") -> None:
        """Report progress: a fraction from 0 to 1 where it is known, and a sentence.

        Call it as often as you like: at most one call a second is written. Raises Canceled where the
        job was canceled, to unwind the operation: do not catch it.
        """
        if fraction is not None and not 0 <= fraction <= 1:
            raise ValueError(f"progress goes from 0 to 1, not to {fraction}")
        if self._report is None or time.monotonic() < self._next_report_s:
            return
        self._next_report_s = time.monotonic() + _REPORT_INTERVAL_S
        text = str(message)[:256].encode(errors="replace").decode()  # as UTF-8 can encode it
        self._report({"fraction": None if fraction is None else float(fraction), "message": text})
