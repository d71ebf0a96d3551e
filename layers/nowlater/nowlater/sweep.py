"""Looks each minute at the jobs whose time has come, and knows one verb: send it again, or end it."""

from nowlater import ending, job, store
from nowlater.job import Job, Ref
from nowlater.log import logger
from nowlater.services import Services
from nowlater.timing import whole_seconds_until


def sweep(services: Services) -> int:
    """Handle every job that is due; return how many. Done twice, late, or half, it is harmless."""
    handled = 0
    for shard in range(store.DUE_SHARDS):
        for ref in services.store.due(shard, services.clock()):
            try:
                _handle(services, ref)
                handled += 1
            except Exception:  # one job must not keep the others
                logger.exception("left for the next sweep", extra={"job_id": ref.id})
    if handled:
        logger.info("swept", extra={"jobs": handled})
    return handled


def _handle(services: Services, ref: Ref) -> None:
    now = services.clock()
    there = services.store.get(ref)
    if there is None or there.is_ended or there.due_at is None or there.due_at > now:
        return  # the index is a moment behind the table
    if there.deliver_by <= now:
        ending.expire(services, there)
        return
    services.queues.send(there.lane, ref, whole_seconds_until(there.not_before or now, now))
    _move_on(services, there)


def _move_on(services: Services, there: Job) -> None:
    """Have the sweep look at the job again at its deadline, now that its start is in the queue."""
    now = services.clock()
    look = job.due_at(there.promised, None, there.deliver_by, now)
    changes = store.due(there.id, look)
    services.store.write(there.ref, "move_on", now, changes, token=there.due_at or 0)
