"""An example of a job, made by the code that shows jobs."""

from typing import Any

import msgspec

from described.faults import BASE
from nowlater import view
from nowlater.job import Job
from nowlater.timing import from_rfc3339

_ACCEPTED = from_rfc3339("2026-11-24T19:18:47.464Z")


def job() -> Any:
    """Return a job that runs, as JSON types."""
    running = Job(
        owner="acme",
        id="01a20eff-13a8-723c-a1e0-0187f181401b",
        operation="csv-profile",
        lane="on-time",
        promised=True,
        status="running",
        base=BASE,
        created=_ACCEPTED,
        updated=_ACCEPTED + 2107,
        started=_ACCEPTED + 85,
        attempt=1,
        deliver_by=_ACCEPTED + 3_600_000,
        timeout_ms=240_000,
        keep_s=86_400,
        tries_left=2,
        progress={"fraction": 0.4, "message": "12000 rows"},
        tags={"order": "42"},
    )
    return msgspec.to_builtins(view.representation(running))
