"""What an owner can do with a job: read, cancel, and erase it."""

from nowlater.aws import payload_keys
from nowlater.jobs import model, transitions, view
from nowlater.jobs.model import Job, Ref
from nowlater.problems import Problem
from nowlater.services import Services

#: The attributes that erasing removes; the rest of the record is the tombstone.
_CONTENT = [
    "input",
    "input_key",
    "result",
    "result_key",
    "result_size",
    "media_type",
    "error",
    "progress",
    "attempts",
    "trace",
    "callback",
]


def read(services: Services, owner: str, job_id: str) -> Job:
    """Return a job as its owner must see it now.

    Raises Problem `unknown-job` (no such job, or another owner's) or `job-expired`, and Unreadable.
    """
    job = services.store.get(Ref(owner, job_id)) if model.is_id(job_id) else None
    if job is None:
        raise Problem("unknown-job", "No job with this id exists, or it is not yours.")
    return visible(services, job)


def visible(services: Services, job: Job) -> Job:
    """Return a stored job as its owner must see it now; raises Problem `job-expired`."""
    job = as_of_now(services, job)
    if view.is_gone(job, services.clock()):
        detail = f"The job {job.id} was erased, or its retention has ended."
        raise Problem("job-expired", detail)
    return job


def as_of_now(services: Services, job: Job) -> Job:
    """Return a stored job as it is now; write a missed deadline before a reader sees it.

    So a write that a worker or an owner began before the deadline fails, and cannot contradict
    what the reader saw.
    """
    now = services.clock()
    if view.effective_at(job, now).is_ended and not job.is_ended:
        job = transitions.expire(services, job).job or job
    return view.effective_at(job, now)


def cancel(services: Services, owner: str, job_id: str) -> Job:
    """Cancel a job that has not ended; canceling a canceled job changes nothing.

    Raises Problem `already-ended` if it succeeded or failed.
    """
    job = read(services, owner, job_id)
    if not job.is_ended:
        job = transitions.cancel(services, job).job or job
    if not job.is_ended:  # its deadline passed between the read and the write
        job = transitions.expire(services, job).job or job
    if job.status != "canceled":
        raise Problem("already-ended", f"The job has already ended; its status is {job.status}.")
    return job


def erase(services: Services, owner: str, job_id: str) -> None:
    """Erase an ended job's payloads and content; only its tombstone is retained.

    Raises Problem `unfinished` if it has not ended.
    """
    job, now = read(services, owner, job_id), services.clock()
    if not job.is_ended:
        raise Problem("unfinished", f"The job is {job.status}: cancel it first, then erase it.")
    if job.callback is not None:
        services.deliveries.erase(owner, job_id, now)
    for key in _payload_keys(job):
        services.bucket.delete(key)
    changes = dict.fromkeys(_CONTENT) | {"erased": True, "tags": {}, "updated": now}
    services.store.write(job.ref, "erase", now, changes)


def _payload_keys(job: Job) -> set[str]:
    """Return the keys of all objects the job may have in the bucket, discarded results included."""
    keys = {key for key in (job.input_key, job.result_key) if key is not None}
    has_one_result = job.attempt == 1 and job.status == "succeeded"
    attempts = () if has_one_result else range(1, job.attempt + 1)
    return keys | {payload_keys.result_key(job.owner, job.id, n) for n in attempts}
