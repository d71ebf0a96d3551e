"""Works through a batch of messages, never-tried ones first, for as long as it should."""

from typing import Any

from nowlater import ids
from nowlater.job import Ref
from nowlater.messages import UnreadableMessage, each, read, receives, sent_ago_s
from nowlater.services import Services
from nowlater.timing import seconds_until
from nowlater.work import Remaining, work

#: After this much of a batch, what has not been claimed is given back: other workers are idle.
_SPENT_S = 10
#: What was received more often has been given back or has waited, more than it was tried: its turn has come.
_GIVEN_BACK = 10


def batch(
    services: Services,
    event: dict[str, Any],
    holder: str,
    remaining: Remaining,
    *,
    or_exit: bool = False,
) -> dict[str, Any]:
    """Work on the jobs of an SQS event in order, those first that failed least, as far as receives tell.

    Returns a partial batch response: messages named in it stay in the queue. Raises nothing.
    """
    began = services.clock()

    def one(record: dict[str, Any]) -> float | None:
        if seconds_until(services.clock(), began) >= _SPENT_S:
            return 0
        ref, age_s = _ref(record), sent_ago_s(services, record)
        return work(
            services, ref, holder, age_s=age_s, remaining=remaining, or_exit=or_exit
        ).again_s

    return each(
        services, sorted(event["Records"], key=lambda r: 1 < receives(r) <= _GIVEN_BACK), one
    )


def _ref(record: dict[str, Any]) -> Ref:
    """Return the job that a message points at; raises UnreadableMessage."""
    ref = read(record, Ref)
    if not ids.is_id(ref.id):
        raise UnreadableMessage("Its `id` is none that a job can have")
    return ref
