"""Has the jobs of the last `make up` go on: those that ran are run again at once."""

from typing import Any

from local.emulator import Emulator
from local.stack import Stack
from nowlater import instants
from nowlater.aws.queues import Queues
from nowlater.aws.records import Unreadable
from nowlater.aws.table import Table
from nowlater.instants import LONGEST_POSTPONEMENT_S, whole_seconds_until
from nowlater.jobs import store
from nowlater.jobs.model import Job
from nowlater.jobs.store import Store
from nowlater.lane import Lane


def resume(aws: Emulator, stack: Stack) -> str:
    """Send the message of each job that has not ended; return what was kept, as a sentence.

    A kill can have taken messages and events that were under way. Those that are duplicated by this do
    no harm.
    """
    sqs, table = stack.client("sqs"), Table(stack.outputs["TableName"], stack.client("dynamodb"))
    lanes: dict[Lane, str] = {
        "on-time": stack.ids["OnTimeQueue"],
        "flexible": stack.ids["FlexibleQueue"],
    }
    queues = Queues(lanes, stack.ids["WebhookQueue"], stack.ids["DeadLetterQueue"], sqs)
    ended, waiting, running = 0, 0, 0
    for item in table.scan("JOB#"):
        try:
            job = store.from_item(item)
        except Unreadable:
            continue
        if job.is_ended:
            ended += 1
            continue
        if job.status == "running":
            running += _release(Store(table), job)
        else:
            waiting += 1
        _send(queues, job)
    aws.ask("repeat-recent")
    counts = {"ended": ended, "waiting": waiting, "interrupted, run again now": running}
    kept = [f"{count} {what}" for what, count in counts.items() if count]
    return f"jobs of the last time: {', '.join(kept)}" if kept else ""


def _release(jobs: Store, job: Job) -> bool:
    """Take a job from its attempt, which the end of `make up` has stopped: it does not count."""
    now = instants.now()
    changes: dict[str, Any] = {
        "status": "queued",
        "lease_until": None,
        "lease_holder": None,
        "progress": None,
    }
    changes |= {"updated": now, "attempts_left": job.attempts_left + 1}
    return jobs.write(job.ref, "release", now, changes, token=job.attempt).done


def _send(queues: Queues, job: Job) -> None:
    delay_s = whole_seconds_until(job.not_before or 0, instants.now())
    if job.due_at is None or delay_s <= LONGEST_POSTPONEMENT_S:  # else the sweep sends it
        queues.send(job.lane, job.ref, max(0, delay_s))
