"""Makes a world, and removes it: the catalogue is built, moto stands in for AWS, the Lambdas use it."""

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from moto import mock_aws  # before any client is made, or it escapes to the network
from moto.sqs import models as sqs

from nowlater.aws import session
from nowlater.worker import invoke
from tests import stack
from tests.catalogue import forget_catalogue
from tests.integration.world import World
from tests.stopwatch import in_place_of_time

_AWS = {
    "AWS_ACCESS_KEY_ID": "testing",
    "AWS_SECRET_ACCESS_KEY": "testing",
    "AWS_DEFAULT_REGION": "eu-central-1",
    "AWS_REGION": "eu-central-1",
}


@contextmanager
def built_catalogue(folder: Path) -> Iterator[Path]:
    """Build the catalogue layer as `sam build` builds it, where a Lambda would find it."""
    paths = os.pathsep.join(map(str, (stack.ROOT / "layers/nowlater", stack.ROOT)))
    subprocess.run(
        [sys.executable, stack.ROOT / "layers/catalogue/build.py", folder],
        env=os.environ | {"PYTHONPATH": paths},
        check=True,
    )
    sys.path.insert(0, str(folder))
    forget_catalogue()
    yield folder
    sys.path.remove(str(folder))
    forget_catalogue()


def _have_queues_go_by(world: World, patch: pytest.MonkeyPatch) -> None:
    """Have moto's queues ask the world for the time: its own would pass while a test is busy."""
    patch.setattr(sqs, "unix_time", lambda: world.now / 1000)
    patch.setattr(sqs, "unix_time_millis", lambda: float(world.now))
    # moto's messages become visible a moment after their time, which does not pass here
    patch.setattr(sqs.Message, "visible", property(lambda m: m.visible_at <= world.now))


def _share_clients(patch: pytest.MonkeyPatch) -> None:
    """Have each client be made once, whichever Lambda starts: that takes longer than most tests."""
    make, shared = session.client, dict[str, Any]()

    def client(service: str, **options: Any) -> Any:
        key = f"{service} {options}"
        if key not in shared:
            shared[key] = make(service, **options)
        return shared[key]

    patch.setattr(session, "client", client)


@contextmanager
def a_world() -> Iterator[World]:
    """Make the stack and load its Lambdas; the catalogue must be built before."""
    with pytest.MonkeyPatch.context() as patch, mock_aws():
        for name, value in _AWS.items():
            patch.setenv(name, value)
        moto = stack.Stack()
        choices = {"NOWLATER_DIAGNOSTICS": "true", "NOWLATER_LOOPBACK_CALLBACKS": "true"}
        for name, value in moto.environment(**choices).items():
            patch.setenv(name, value)
        _share_clients(patch)
        made = World(moto)
        _have_queues_go_by(made, patch)
        emitter = session.session().get_component("event_emitter")
        emitter.register("before-call", made.count)
        made.faults.stand_in(emitter)
        with in_place_of_time(made.time):
            yield made
        emitter.unregister("before-call", made.count)
        made.faults.step_back(emitter)
        invoke._client.cache_clear()  # the next world's calls are its own
