"""Asks again for what an ended job asked for: a new job with the same input."""

import msgspec

from nowlater.access.caller import Caller
from nowlater.doors import idempotency
from nowlater.doors.envelope import AskedCallback, Envelope
from nowlater.doors.submit import Accepted, JobRequest, replay, submit
from nowlater.jobs import commands
from nowlater.problems import Problem
from nowlater.services import Services


def retry(
    services: Services, caller: Caller, job_id: str, *, key: str | None, trace: str | None
) -> Accepted:
    """Submit an ended job's input as a new job, kept as long, tagged and told like the old one.

    Raises Problem `unfinished` where the old one has not ended, `job-expired` where its input is gone,
    and whatever `submit` raises.
    """
    try:
        asked = _asked(services, caller, job_id, key, trace)
    except Problem:
        under_key = key and idempotency.of_retry(caller.owner, key, job_id)
        if not under_key or (known := replay(services, under_key)) is None:
            raise
        return known
    return submit(services, asked)


def _asked(
    services: Services, caller: Caller, job_id: str, key: str | None, trace: str | None
) -> JobRequest:
    """Return the request that asks for what an ended job asked for."""
    old = commands.read(services, caller.owner, job_id)
    if not old.is_ended:
        raise Problem(
            "unfinished", f"The job is {old.status}; a job can be retried once it has ended."
        )
    text = old.input.encode() if old.input else services.bucket.find(old.input_key or "")
    if text is None:
        raise Problem("job-expired", "The job's input is no longer kept: send it again.")
    callback = None
    if old.callback is not None:
        callback = AskedCallback(**msgspec.structs.asdict(old.callback))
    given = msgspec.json.decode(text)
    envelope = Envelope(input=given, retention=old.retention_s, tags=old.tags, callback=callback)
    return JobRequest(caller, None, old.operation, envelope, key, trace, retry_of=old.id)
