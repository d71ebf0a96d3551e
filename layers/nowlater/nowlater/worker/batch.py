"""Makes an attempt at the job of a message; no other message waits behind the running job."""

from typing import Any

from nowlater.jobs import model
from nowlater.jobs.model import Ref
from nowlater.services import Services
from nowlater.sqs_batch import MessageOutcome, RetryIn, UnreadableMessage, each, read, sent_ago_s
from nowlater.worker.attempt import Remaining, work


def batch(
    services: Services,
    event: dict[str, Any],
    holder: str,
    remaining: Remaining,
    *,
    or_exit: bool = False,
) -> dict[str, Any]:
    """Return all messages of an SQS event but the first to the queue, then work on the first one's job.

    Returns a partial batch response: it names the messages that stay in the queue. Raises nothing.
    """
    first, *others = event["Records"]
    # Before the run: a process that dies, or hangs in C code, cannot return them.
    returned = each(services, others, lambda _: RetryIn(0))

    def handle(record: dict[str, Any]) -> MessageOutcome:
        ref, age_s = _read_ref(record), sent_ago_s(services, record)
        settlement = work(services, ref, holder, age_s=age_s, remaining=remaining, or_exit=or_exit)
        return settlement.message

    worked = each(services, [first], handle)
    return {name: returned[name] + worked[name] for name in worked}


def _read_ref(record: dict[str, Any]) -> Ref:
    """Return the job that a message names; raises UnreadableMessage."""
    ref = read(record, Ref)
    if not model.is_id(ref.id):
        raise UnreadableMessage("Its `id` does not have the form of a job id")
    return ref
