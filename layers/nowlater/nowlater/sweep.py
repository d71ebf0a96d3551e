"""Looks each minute at what is due, and knows one verb: send it again, or end it."""

from nowlater import deliveries, ending, job, store
from nowlater.job import Job, Ref
from nowlater.log import logger
from nowlater.services import Services
from nowlater.table import Item
from nowlater.timing import whole_seconds_until


def sweep(services: Services) -> int:
    """Handle every job and delivery that is due; return how many.

    Done twice, late, or half, it is harmless.
    """
    handled = 0
    for shard in range(store.DUE_SHARDS):
        for item in services.table.due(shard, services.clock()):
            try:
                _handle(services, item)
                handled += 1
            except Exception:  # one of them must not keep the others
                logger.exception("left for the next sweep", extra={"item": item})
    if handled:
        logger.info("swept", extra={"items": handled})
    return handled


def _handle(services: Services, item: Item) -> None:
    if deliveries.is_key(item):
        _handle_delivery(services, *deliveries.named_by(item))
    else:
        _handle_job(services, store.named_by(item))


def _handle_delivery(services: Services, owner: str, job_id: str, number: int) -> None:
    now, there = services.clock(), services.deliveries.get(owner, job_id, number)
    if there is None or there.body is None or there.due_at is None or there.due_at > now:
        return
    if not services.webhook_queue.send([there.webhook(there.body)]):
        services.deliveries.sent(there)


def _handle_job(services: Services, ref: Ref) -> None:
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
