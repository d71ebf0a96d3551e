"""What can go wrong: with a call to AWS, and with an invocation of a Lambda."""

from collections.abc import Callable
from contextlib import suppress
from typing import TYPE_CHECKING, Any

from botocore.exceptions import ClientError, ConnectionClosedError, ReadTimeoutError

from nowlater.outbound.http1 import Unsent

if TYPE_CHECKING:
    from tests.faults.cloud import Cloud

type Do = Callable[[], Any]
type How = dict[str, float]

#: A call that hangs is given up after ten seconds (`aws.client`), and tried again.
HANGS_S = 10
#: Longer than the lease of an attempt of 20 seconds.
FROZEN_S = 35


def _crash_before(cloud: "Cloud", service: str, do: Do) -> Any:
    """The Lambda dies, and the call is not made."""
    cloud.kill(cloud.current)


def _crash_after(cloud: "Cloud", service: str, do: Do) -> Any:
    """The call has its effect, and the Lambda dies before it hears of it."""
    _unheard(do)
    cloud.kill(cloud.current)


def _throttled(cloud: "Cloud", service: str, do: Do) -> Any:
    """AWS refuses it, also when the SDK has tried again."""
    cloud.sleep(1)
    if service == "webhook":
        raise Unsent("unreachable", "No connection.", 1000)
    raise ClientError({"Error": {"Code": "ThrottlingException", "Message": "too many"}}, service)


def _reset_once(cloud: "Cloud", service: str, do: Do) -> Any:
    """It has its effect, its reply is lost, and the SDK makes it again."""
    _unheard(do)
    if service in ("lambda", "webhook"):  # these are not made twice
        return _lost(service)
    return do()


def _reset(cloud: "Cloud", service: str, do: Do) -> Any:
    """It has its effect, and its reply is lost each time that the SDK makes it."""
    for _ in range(1 if service in ("lambda", "webhook") else 3):
        _unheard(do)
    return _lost(service)


def _hung_once(cloud: "Cloud", service: str, do: Do) -> Any:
    """As `reset-once`, but the SDK notices only by its time-out."""
    _unheard(do)
    cloud.sleep(HANGS_S)
    if service in ("lambda", "webhook"):
        return _lost(service)
    return do()


def _slow(cloud: "Cloud", service: str, do: Do) -> Any:
    """It takes almost ten seconds until it has its effect."""
    cloud.sleep(HANGS_S - 0.5)
    return do()


def _frozen(cloud: "Cloud", service: str, do: Do) -> Any:
    """The Lambda stands still for longer than a lease, and then makes the call."""
    cloud.sleep(FROZEN_S)
    return do()


def _slow_reply(cloud: "Cloud", service: str, do: Do) -> Any:
    """It takes almost ten seconds from its effect until it is heard of."""
    try:
        return do()
    finally:
        cloud.sleep(HANGS_S - 0.5)


def _unheard(do: Do) -> None:
    with suppress(ClientError, Unsent):
        do()


def _lost(service: str) -> Any:
    if service == "webhook":
        raise Unsent("timed-out", "No answer.", 1000)
    if service == "lambda":
        raise ReadTimeoutError(endpoint_url=service)
    raise ConnectionClosedError(endpoint_url=service)


def meanwhile(act: str) -> Callable[["Cloud", str, Do], Any]:
    """Return the fault that others act just before the call has its effect."""

    def happens(cloud: "Cloud", service: str, do: Do) -> Any:
        for other in cloud.others(act):
            cloud.join(other, 40)
        return do()

    return happens


#: By name, what happens to a call.
OF_CALLS: dict[str, Callable[["Cloud", str, Do], Any]] = {
    "crash-before": _crash_before,
    "crash-after": _crash_after,
    "throttled": _throttled,
    "reset-once": _reset_once,
    "reset": _reset,
    "hung-once": _hung_once,
    "slow": _slow,
    "slow-reply": _slow_reply,
    "frozen": _frozen,
    "meanwhile-canceled": meanwhile("cancel"),
    "meanwhile-received": meanwhile("receive"),
    "meanwhile-swept": meanwhile("sweep"),
    "meanwhile-asked": meanwhile("ask"),
}
#: What has a call have its effect later than its sender thinks, and by how much.
HELD_S = {"hung-once": HANGS_S, "slow": HANGS_S, "frozen": FROZEN_S} | {
    kind: 40.0 for kind in OF_CALLS if kind.startswith("meanwhile")
}
#: By name, what happens to an invocation: how often it is started, how late, how often its source
#: does not hear that it returned, and how wrong its clock is.
OF_INVOCATIONS: dict[str, How] = {
    "twice": {"times": 2},
    "unheard": {"unheard": 1},
    "late": {"late_s": 700},
    "fast-clock": {"skew_s": 20},
    "slow-clock": {"skew_s": -20},
}
#: Those that can happen to what API Gateway or another Lambda asks for: it comes once, and is heard.
OF_REQUESTS = ("fast-clock", "slow-clock")
#: So ends the line of an invocation by a queue, the stream or the clock, to which all can happen.
BY_SOURCE = ", by its source"
#: Those that pairs are made of: the others are these at another time.
IN_PAIRS = ("crash-before", "crash-after", "throttled", "reset-once", "hung-once", "slow")
IN_PAIRS += ("twice", "unheard", "late")
