"""Retries an ended job: submits its input as a new job."""

import msgspec

from nowlater.access.caller import Caller
from nowlater.doors import idempotency
from nowlater.doors.envelope import CallbackOptions, Envelope
from nowlater.doors.submit import Accepted, JobRequest, find_replayed, submit
from nowlater.jobs import commands
from nowlater.problems import Problem
from nowlater.services import Services


def retry(
    services: Services, caller: Caller, job_id: str, *, key: str | None, trace: str | None
) -> Accepted:
    """Submit an ended job's input as a new job with the same retention, tags and callback.

    Raises Problem `unfinished` where the old job has not ended, `job-expired` where its input is no
    longer stored, and whatever `submit` raises.
    """
    try:
        request = _retry_request(services, caller, job_id, key, trace)
    except Problem:
        reservation = key and idempotency.retry_reservation(caller.owner, key, job_id)
        if not reservation or (replayed := find_replayed(services, reservation)) is None:
            raise
        return replayed
    return submit(services, request)


def _retry_request(
    services: Services, caller: Caller, job_id: str, key: str | None, trace: str | None
) -> JobRequest:
    """Return a request with the operation, input and options of an ended job."""
    old = commands.read(services, caller.owner, job_id)
    if not old.is_ended:
        raise Problem(
            "unfinished", f"The job is {old.status}; a job can be retried once it has ended."
        )
    text = old.input.encode() if old.input else services.bucket.find(old.input_key or "")
    if text is None:
        raise Problem("job-expired", "The job's input is no longer stored: submit it again.")
    callback = None
    if old.callback is not None:
        callback = CallbackOptions(**msgspec.structs.asdict(old.callback))
    envelope = Envelope(
        input=msgspec.json.decode(text),
        retention=old.retention_s,
        tags=old.tags,
        callback=callback,
    )
    return JobRequest(caller, None, old.operation, envelope, key, trace, retry_of=old.id)
