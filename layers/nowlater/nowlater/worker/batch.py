"""Works on the job that a message points at; holds no message behind a job that runs."""

from typing import Any

from nowlater.jobs import ids
from nowlater.jobs.model import Ref
from nowlater.services import Services
from nowlater.sqs_batch import UnreadableMessage, each, read, sent_ago_s
from nowlater.worker.attempt import Remaining, work


def batch(
    services: Services,
    event: dict[str, Any],
    holder: str,
    remaining: Remaining,
    *,
    or_exit: bool = False,
) -> dict[str, Any]:
    """Give back all messages of an SQS event but the first, and then work on the job of that one.

    Returns a partial batch response: messages named in it stay in the queue. Raises nothing.
    """
    first, *others = event["Records"]
    # Before it runs: a process that dies, or hangs in C code, can give back nothing.
    given_back = each(services, others, lambda _: 0)

    def one(record: dict[str, Any]) -> float | None:
        ref, age_s = _ref(record), sent_ago_s(services, record)
        return work(
            services, ref, holder, age_s=age_s, remaining=remaining, or_exit=or_exit
        ).again_s

    worked = each(services, [first], one)
    return {name: given_back[name] + worked[name] for name in worked}


def _ref(record: dict[str, Any]) -> Ref:
    """Return the job that a message points at; raises UnreadableMessage."""
    ref = read(record, Ref)
    if not ids.is_id(ref.id):
        raise UnreadableMessage("Its `id` is none that a job can have")
    return ref
