"""The account's quota of Lambdas that run at once: whether it is enough for a stack."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from local.failure import Failure

#: Parameters that reserve of the quota for one Lambda; 0 reserves nothing.
RESERVING = ("SyncConcurrency", "HybridConcurrency", "StatusConcurrency")
#: Parameters that say how many workers the queues start; these take of what nobody has reserved.
TAKING = ("OnTimeConcurrency", "FlexibleConcurrency", "WebhookConcurrency")
#: AWS leaves so many unreserved in an account, and refuses a reservation that would take of them.
#: https://docs.aws.amazon.com/lambda/latest/dg/configuration-concurrency.html
_NEVER_RESERVED = 100
#: Hybrid waits while Work runs; with fewer, a busy queue has each route answer 5xx.
_LEAST = 2
#: With fewer, a dozen callers at once see 5xx while the queues are busy.
_FEW = 20


@dataclass(frozen=True)
class Quota:
    """How many Lambdas of an account may run at once in a region, and how many nobody reserved."""

    limit: int
    unreserved: int


def read(lambdas: Any) -> Quota:
    """Return the quota of the account that this client of Lambda's is for."""
    limit = lambdas.get_account_settings()["AccountLimit"]
    return Quota(limit["ConcurrentExecutions"], limit["UnreservedConcurrentExecutions"])


def check(quota: Quota, present: Mapping[str, str], wanted: Mapping[str, str]) -> str:
    """Return what to know of the quota, if anything; raises Failure where the stack could not serve.

    `present` are the stack's parameters, none of a new one; `wanted` are those after the deployment.
    What takes and reserves no more than the stack does is never refused.
    """
    free = quota.unreserved + _sum(RESERVING, present) - _sum(RESERVING, wanted)
    # Where some rise and others fall as far, only AWS can tell, by the order in which it sets them.
    reserves_more = _sum(RESERVING, wanted) > _sum(RESERVING, present)
    if reserves_more and free < _NEVER_RESERVED:
        raised = [n for n in RESERVING if int(wanted.get(n, 0)) > int(present.get(n, 0))]
        asked = " ".join(f"{name}={wanted[name]}" for name in raised)
        raise Failure(
            f"{asked}: AWS would refuse to reserve as many. {_NEVER_RESERVED} must stay unreserved, and "
            f"{free} would: the account's quota here is {quota.limit}, of which others have reserved "
            f"{quota.limit - quota.unreserved - _sum(RESERVING, present)}. Set 0, or {_MORE}"
        )
    left = free - _sum(TAKING, wanted)
    if left >= _FEW:
        return ""
    workers = " + ".join(f"{name} {wanted[name]}" for name in TAKING if name in wanted)
    said = (
        f"of the {free} Lambdas that may run at once (the account's quota here is {quota.limit}), busy "
        f"queues take {_sum(TAKING, wanted)} ({workers}), which leaves {max(left, 0)} for the API"
    )
    both = (*RESERVING, *TAKING)
    is_eased = bool(present) and _sum(both, wanted) <= _sum(both, present)
    if left < _LEAST and not is_eased:
        raise Failure(
            f"Callers would get 5xx while there is work: {said}, and it needs {_LEAST}, better "
            f"{_FEW}. Lower them, to 2 each at least: {_lowered()}. Or {_MORE}"
        )
    return f"Mind: {said}. Callers get 5xx where more come at once. To mend it, {_MORE}"


_MORE = (
    "ask for more, which AWS gives within a day or two:\n"
    "  aws service-quotas request-service-quota-increase --service-code lambda "
    "--quota-code L-B99A9384 --desired-value 1000"
)


def _lowered() -> str:
    return f'PARAMETERS="{" ".join(f"{name}=2" for name in TAKING)}"'


def _sum(names: tuple[str, ...], parameters: Mapping[str, str]) -> int:
    return sum(int(parameters.get(name, 0)) for name in names)
