"""Handles each minute the jobs and deliveries that are due: sends their message, or ends the job."""

from collections.abc import Callable
from heapq import merge
from operator import itemgetter

from nowlater.aws.table import Item
from nowlater.instants import whole_seconds_until
from nowlater.jobs import protocol, store, transitions
from nowlater.jobs.model import Job
from nowlater.log import logger
from nowlater.notifications import delivery_store
from nowlater.services import Services

#: The deliveries that one sweep sends after the jobs, so that it ends within a minute.
MAX_DELIVERIES = 1000


def sweep(services: Services) -> int:
    """Handle the jobs and deliveries that are due; return how many.

    A sweep may run twice, late, or in part. Jobs come first, because they have a deadline; otherwise
    those that have been due longest, so that none waits without an end.
    """
    shards = (services.table.due(n, services.clock()) for n in range(store.DUE_SHARDS))
    deliveries = list[Item]()
    handled = 0
    for item in merge(*shards, key=itemgetter("due_at")):
        if delivery_store.is_key(item):
            deliveries.append(item)
        else:
            handled += _is_handled(_handle_job, services, item)
    sent = 0
    for item in deliveries:
        if sent == MAX_DELIVERIES:
            break
        # Unreadable ones do not count, so that they cannot keep the others from being sent.
        sent += _is_handled(_handle_delivery, services, item)
    handled += sent
    if handled:
        logger.info("sweep_done", extra={"items": handled})
    return handled


def _is_handled(handle: Callable[[Services, Item], None], services: Services, item: Item) -> bool:
    """Handle an item; return whether that worked."""
    try:
        handle(services, item)
    except Exception:  # one item must not block the others
        logger.exception("sweep_item_retained", extra={"item": item})
        return False
    return True


def _handle_delivery(services: Services, item: Item) -> None:
    now = services.clock()
    delivery = services.deliveries.get(*delivery_store.named_by(item))
    if delivery is None or delivery.body is None:
        return
    if delivery.due_at is None or delivery.due_at > now:
        return
    if not services.queues.send_webhooks([delivery.webhook(delivery.body)]):
        services.deliveries.sent(delivery)


def _handle_job(services: Services, item: Item) -> None:
    now = services.clock()
    job = services.store.get(store.named_by(item))
    if job is None or job.is_ended or job.due_at is None or job.due_at > now:
        return  # the index lags behind the table
    if job.deadline <= now:
        transitions.expire(services, job)
        return
    services.queues.send(job.lane, job.ref, whole_seconds_until(job.not_before or now, now))
    _reschedule(services, job)


def _reschedule(services: Services, job: Job) -> None:
    """Make a job due at its deadline, now that the message for its start is in the queue."""
    now = services.clock()
    due_at = protocol.due_at(job.has_deadline, None, job.deadline, now)
    changes = store.due(job.id, due_at)
    services.store.write(job.ref, "reschedule", now, changes, token=job.due_at or 0)
