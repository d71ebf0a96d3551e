"""Checks whether the account's quota of concurrent Lambdas is enough for a stack."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from local.failure import Failure

#: Parameters that reserve a part of the quota for one Lambda; 0 reserves nothing.
RESERVING = ("SyncConcurrency", "HybridConcurrency", "StatusConcurrency")
#: Parameters for the number of workers of the queues; these use the unreserved part of the quota.
TAKING = ("OnTimeConcurrency", "FlexibleConcurrency", "WebhookConcurrency")
#: AWS keeps this many unreserved in an account, and refuses a reservation that would take from them.
#: https://docs.aws.amazon.com/lambda/latest/dg/configuration-concurrency.html
_NEVER_RESERVED = 100
#: Hybrid waits while Work runs; with fewer, every route responds 5xx while the queues are busy.
_MIN_FREE = 2
#: With fewer, a dozen concurrent callers see 5xx while the queues are busy.
_ENOUGH_FREE = 20


@dataclass(frozen=True)
class Quota:
    """How many Lambdas of an account may run at once in a region, and how many are not reserved."""

    limit: int
    unreserved: int


def read(lambdas: Any) -> Quota:
    """Return the quota of the account and region of this Lambda client."""
    limit = lambdas.get_account_settings()["AccountLimit"]
    return Quota(limit["ConcurrentExecutions"], limit["UnreservedConcurrentExecutions"])


def check(quota: Quota, present: Mapping[str, str], planned: Mapping[str, str]) -> str:
    """Return a warning about the quota, or ""; raises Failure where the stack could not serve.

    `present` are the parameters of the stack, empty for a new one; `planned` are those after the
    deployment. A deployment that uses and reserves no more than the stack does is never refused.
    """
    free = quota.unreserved + _sum(RESERVING, present) - _sum(RESERVING, planned)
    # Where some rise and others fall by as much, the result depends on the order of AWS's changes.
    reserves_more = _sum(RESERVING, planned) > _sum(RESERVING, present)
    if reserves_more and free < _NEVER_RESERVED:
        raised = [n for n in RESERVING if int(planned.get(n, 0)) > int(present.get(n, 0))]
        changes = " ".join(f"{name}={planned[name]}" for name in raised)
        raise Failure(
            f"{changes}: AWS would refuse to reserve this many. {_NEVER_RESERVED} must stay unreserved, "
            f"and {free} would: the account's quota here is {quota.limit}, of which others have reserved "
            f"{quota.limit - quota.unreserved - _sum(RESERVING, present)}. Set 0, or {_REQUEST_MORE}"
        )
    for_api = free - _sum(TAKING, planned)
    if for_api >= _ENOUGH_FREE:
        return ""
    workers = " + ".join(f"{name} {planned[name]}" for name in TAKING if name in planned)
    explanation = (
        f"of the {free} Lambdas that may run at once (the account's quota here is {quota.limit}), busy "
        f"queues take {_sum(TAKING, planned)} ({workers}), which leaves {max(for_api, 0)} for the API"
    )
    both = (*RESERVING, *TAKING)
    is_eased = bool(present) and _sum(both, planned) <= _sum(both, present)
    if for_api < _MIN_FREE and not is_eased:
        raise Failure(
            f"Callers would get 5xx while the queues are busy: {explanation}. The API needs {_MIN_FREE}, "
            f"better {_ENOUGH_FREE}. Lower the parameters, to at least 2 each: {_lowered()}. "
            f"Or {_REQUEST_MORE}"
        )
    return (
        f"Warning: {explanation}. Callers get 5xx if more requests come at once. To avoid this, "
        f"{_REQUEST_MORE}"
    )


_REQUEST_MORE = (
    "request a higher quota, which AWS grants within a day or two:\n"
    "  aws service-quotas request-service-quota-increase --service-code lambda "
    "--quota-code L-B99A9384 --desired-value 1000"
)


def _lowered() -> str:
    return f'PARAMETERS="{" ".join(f"{name}=2" for name in TAKING)}"'


def _sum(names: tuple[str, ...], parameters: Mapping[str, str]) -> int:
    return sum(int(parameters.get(name, 0)) for name in names)
