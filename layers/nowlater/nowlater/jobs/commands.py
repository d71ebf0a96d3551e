"""What an owner can do with a job: read, cancel, and erase it."""

from nowlater.aws import payload_keys
from nowlater.jobs import ids, transitions, view
from nowlater.jobs.model import Job, Ref
from nowlater.problems import Problem
from nowlater.services import Services

#: What an erased job loses; the rest is its stub.
_CONTENT = [
    "input",
    "input_key",
    "result",
    "result_key",
    "result_size",
    "media_type",
    "error",
    "progress",
    "trace",
    "callback",
]


def read(services: Services, owner: str, job_id: str) -> Job:
    """Return a job as it is to be shown now.

    Raises Problem `unknown-job` (there is none, or it is another owner's) or `job-expired`, and
    Unreadable.
    """
    there = services.store.get(Ref(owner, job_id)) if ids.is_id(job_id) else None
    if there is None:
        raise Problem("unknown-job", "There is no such job, or it is not yours.")
    return shown(services, there)


def shown(services: Services, there: Job) -> Job:
    """Return a job of the table as it is to be shown now; raises Problem `job-expired`."""
    there = settled(services, there)
    if view.is_gone(there, services.clock()):
        detail = f"The job {there.id} was erased, or is past its keep, and is gone."
        raise Problem("job-expired", detail)
    return there


def settled(services: Services, there: Job) -> Job:
    """Return a job as it is now; a deadline that readers see as missed is missed for good.

    A write of its worker, or of a canceler, may be under way since before: that one comes too late.
    """
    now = services.clock()
    if view.shown(there, now).is_ended and not there.is_ended:
        there = transitions.expire(services, there).job or there
    return view.shown(there, now)


def cancel(services: Services, owner: str, job_id: str) -> Job:
    """Cancel a job that has not ended; canceling it again changes nothing.

    Raises Problem `already-ended` where it ended otherwise.
    """
    there = read(services, owner, job_id)
    if not there.is_ended:
        there = transitions.cancel(services, there).job or there
    if not there.is_ended:  # its deadline passed a moment ago
        there = transitions.expire(services, there).job or there
    if there.status != "canceled":
        raise Problem("already-ended", f"The job has ended: it {there.status}.")
    return there


def erase(services: Services, owner: str, job_id: str) -> None:
    """Erase an ended job's input, result and everything else but its stub.

    Raises Problem `unfinished` where it has not ended: cancel it first.
    """
    there, now = read(services, owner, job_id), services.clock()
    if not there.is_ended:
        raise Problem("unfinished", f"The job is {there.status}: cancel it first, then erase it.")
    if there.callback is not None:
        services.deliveries.erase(owner, job_id, now)
    for key in _objects(there):
        services.bucket.delete(key)
    changes = dict.fromkeys(_CONTENT) | {"erased": True, "tags": {}, "updated": now}
    services.store.write(there.ref, "erase", now, changes)


def _objects(there: Job) -> set[str]:
    """Return the keys of all that may lie in the bucket, results that were discarded included."""
    keys = {key for key in (there.input_key, there.result_key) if key is not None}
    only_one = there.attempt == 1 and there.status == "succeeded"
    attempts = () if only_one else range(1, there.attempt + 1)
    return keys | {payload_keys.result_key(there.owner, there.id, n) for n in attempts}
