"""What the Lambdas of this process have instead of AWS, the clock, chance and the network.

All stand-ins are set here, and taken away again; the Lambdas do not know of them.
"""

import os
import random
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from typing import Any
from unittest.mock import patch

from nowlater.aws import session
from nowlater.jobs import model
from nowlater.log import logger
from nowlater.outbound import client as sender
from nowlater.outbound.targets import Target
from nowlater.runtime import executor
from nowlater.worker import invoke
from tests import stack
from tests.faults import operations
from tests.faults.cloud import QUEUES, Cloud
from tests.faults.memory import Client
from tests.faults.plan import Plan
from tests.stopwatch import in_place_of_time

#: The Lambdas of the simulation.
LAMBDAS = (
    "submit",
    "hybrid",
    "status",
    "webhooks",
    "work",
    "notify",
    "send_webhooks",
    "sweep",
    "handle_dead_letters",
)
#: Jobs without a deadline are given up after this; in three days little would happen.
_FLEXIBLE_WITHIN_S = 7000
_NAMES = ("Table", "Bucket", "Topic", "MasterSecret", "Work", *QUEUES)


class StandIns:
    """The Lambdas, and the cloud that they are in for now."""

    def __init__(self) -> None:
        self.cloud: Cloud = None  # type: ignore[assignment]
        self._apps = {name: stack.load(name) for name in LAMBDAS}
        self._kept = {"settings", "clock", "catalogue"}
        for app in self._apps.values():
            app.services.clock = lambda: self.cloud.clock()
            app.services.catalogue = operations.OneOperation()

    def begin(self, plan: Plan | None = None, seed: int = 0) -> Cloud:
        """Return a new, empty cloud, in which no Lambda has run before."""
        self.cloud = Cloud(self._apps, plan, seed)
        for app in self._apps.values():
            for name in set(vars(app.services)) - self._kept:
                delattr(app.services, name)
        operations.PAUSE[:], operations.BEGUN[:] = [self.cloud.pause], [self.cloud.begun]
        random.seed(seed)  # the jitter of waits
        return self.cloud


class _Time:
    """Stands in for the module `time`."""

    def __init__(self, cloud: Callable[[], Cloud]) -> None:
        self._cloud = cloud

    def sleep(self, seconds: float) -> None:
        self._cloud().sleep(seconds)

    def monotonic(self) -> float:
        return self._cloud().now / 1000


class _Secrets:
    """Stands in for the module `secrets`."""

    def __init__(self, cloud: Callable[[], Cloud]) -> None:
        self._cloud = cloud

    def randbits(self, bits: int) -> int:
        return self._cloud().chance.getrandbits(bits)

    def randbelow(self, bound: int) -> int:
        return self._cloud().chance.randrange(bound)


@contextmanager
def installed() -> Iterator[StandIns]:
    """Put the stand-ins in place, and load the Lambdas among them."""
    made: StandIns

    def cloud() -> Cloud:
        return made.cloud

    def client(service: str, **options: Any) -> Client:
        return Client(service, options, lambda *call: cloud().call(*call))

    def send(where: Target, body: bytes, headers: dict[str, str], *_: Any, **__: Any) -> Any:
        given = {"url": where.authority, "headers": headers, "body": body}
        return cloud().call("webhook", "post", given, {})

    def within(seconds: float, body: Callable[[], Any], **_: Any) -> Any:
        cloud().current.stops_at = cloud().now + round(1000 * seconds)
        return body()

    environment = stack.environment({name: f"aws/{name}" for name in _NAMES})
    environment |= {"NOWLATER_FLEXIBLE_WITHIN_S": str(_FLEXIBLE_WITHIN_S)}
    environment |= {"NOWLATER_DEAD_LETTER_QUEUE": "aws/DeadLetterQueue"}
    environment |= {"NOWLATER_WORKER": "aws/Work", "NOWLATER_MASTER_SECRET": "aws/MasterSecret"}
    stands = [
        patch.object(session, "client", client),
        patch.object(executor, "run_within", within),
        patch.object(sender, "send", send),
        patch.object(model, "secrets", _Secrets(cloud)),
        patch.dict(os.environ, environment),
    ]
    with ExitStack() as placed:
        for stand in stands:
            placed.enter_context(stand)
        made = StandIns()
        placed.enter_context(in_place_of_time(_Time(cloud)))
        invoke._client.cache_clear()
        placed.callback(invoke._client.cache_clear)
        placed.callback(logger.setLevel, logger.log_level)
        logger.setLevel("CRITICAL")
        yield made
