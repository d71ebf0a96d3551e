"""Looks each minute at what is due, and knows one verb: send it again, or end it."""

from collections.abc import Callable
from heapq import merge
from operator import itemgetter

from nowlater.aws.items import Item
from nowlater.instants import whole_seconds_until
from nowlater.jobs import protocol, store, transitions
from nowlater.jobs.model import Job
from nowlater.log import logger
from nowlater.notifications import delivery_store
from nowlater.services import Services

#: Deliveries that one sweep sends, after the jobs: it has a minute.
MAX_DELIVERIES = 1000


def sweep(services: Services) -> int:
    """Handle every job and delivery that is due; return how many.

    Done twice, late, or half, it is harmless. Jobs come first: they have a deadline; else what has
    been due for longest, so that nothing waits for ever, whatever else comes.
    """
    shards = (services.table.due(n, services.clock()) for n in range(store.DUE_SHARDS))
    later = list[Item]()
    handled = 0
    for item in merge(*shards, key=itemgetter("due_at")):
        if delivery_store.is_key(item):
            later.append(item)
        else:
            handled += _handled(_handle_job, services, item)
    sent = 0
    for item in later:
        if sent == MAX_DELIVERIES:
            break
        sent += _handled(
            _handle_delivery, services, item
        )  # those that cannot be read hide no others
    handled += sent
    if handled:
        logger.info("sweep_done", extra={"items": handled})
    return handled


def _handled(handle: Callable[[Services, Item], None], services: Services, item: Item) -> bool:
    try:
        handle(services, item)
    except Exception:  # one of them must not keep the others
        logger.exception("sweep_item_retained", extra={"item": item})
        return False
    return True


def _handle_delivery(services: Services, item: Item) -> None:
    now, there = services.clock(), services.deliveries.get(*delivery_store.named_by(item))
    if there is None or there.body is None or there.due_at is None or there.due_at > now:
        return
    if not services.queues.send_webhooks([there.webhook(there.body)]):
        services.deliveries.sent(there)


def _handle_job(services: Services, item: Item) -> None:
    now = services.clock()
    there = services.store.get(store.named_by(item))
    if there is None or there.is_ended or there.due_at is None or there.due_at > now:
        return  # the index is a moment behind the table
    if there.deadline <= now:
        transitions.expire(services, there)
        return
    services.queues.send(there.lane, there.ref, whole_seconds_until(there.not_before or now, now))
    _move_on(services, there)


def _move_on(services: Services, there: Job) -> None:
    """Have the sweep look at the job again at its deadline, now that its start is in the queue."""
    now = services.clock()
    look = protocol.due_at(there.has_deadline, None, there.deadline, now)
    changes = store.due(there.id, look)
    services.store.write(there.ref, "reschedule", now, changes, token=there.due_at or 0)
