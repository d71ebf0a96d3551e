"""What an owner can do with a job: read, cancel, and erase it."""

from nowlater import ids, job, view
from nowlater.job import Job, Ref
from nowlater.problems import Problem
from nowlater.services import Services


def read(services: Services, owner: str, job_id: str) -> Job:
    """Return a job as it is to be shown now.

    Raises Problem `unknown-job` (there is none, or it is another owner's) or `job-expired`.
    """
    there = services.store.get(Ref(owner, job_id)) if ids.is_id(job_id) else None
    if there is None:
        raise Problem("unknown-job", "There is no such job, or it is not yours.")
    now = services.clock()
    if view.is_gone(there, now):
        raise Problem(
            "job-expired", "The job ended, was kept as long as it was to be, and is gone."
        )
    return view.shown(there, now)


def cancel(services: Services, owner: str, job_id: str) -> Job:
    """Cancel a job that has not ended; canceling it again changes nothing.

    Raises Problem `already-ended` where it ended otherwise.
    """
    there = read(services, owner, job_id)
    if not there.is_ended:
        now = services.clock()
        because = Problem("canceled", "The job was canceled by its owner.")
        changes = job.end(there, "canceled", now, error=because.record())
        written = services.store.write(there.ref, "cancel", now, changes)
        there = (
            read(services, owner, job_id) if written.job is None else view.shown(written.job, now)
        )
    if there.status != "canceled":
        raise Problem(
            "already-ended", f"The job has ended: it {there.status}.", status_was=there.status
        )
    return there


def erase(services: Services, owner: str, job_id: str) -> None:
    """Erase an ended job's input, result and everything else but its stub.

    Raises Problem `unfinished` where it has not ended: cancel it first.
    """
    there = read(services, owner, job_id)
    if not there.is_ended:
        raise Problem("unfinished", f"The job is {there.status}: cancel it first, then erase it.")
    for key in (there.input_key, there.result_key):
        if key is not None:
            services.bucket.delete(key)
    content = (
        "input",
        "input_key",
        "result",
        "result_key",
        "error",
        "progress",
        "media_type",
        "trace",
    )
    changes = dict.fromkeys(content) | {"erased": True, "tags": {}, "updated": services.clock()}
    services.store.write(there.ref, "erase", services.clock(), changes)
