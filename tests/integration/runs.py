"""Runs of jobs: what happens while a caller waits for one, what came of it, and of those before it."""

import json
from collections.abc import Callable
from typing import Any

import pytest
from botocore.awsrequest import AWSResponse
from botocore.exceptions import ReadTimeoutError

from tests.integration.world import World

UNKNOWN = "01a20d6d-5a00-7000-8000-000000000000"
#: How long a message stays hidden after its worker died.
VISIBILITY_S = 330


class Death(BaseException):
    """The end of a worker in the middle of a run."""


def dies(world: World) -> Any:
    """Return what has a worker die in its run, before it can write what came of it."""

    def die(_: Any) -> None:
        raise Death

    return lambda _: world.faults.once("dynamodb.UpdateItem", die)


def meanwhile(world: World, *happens: Any, **envelope: Any) -> str:
    """Submit a job during whose runs these happen, one a run."""
    job = world.submit("meanwhile", {}, **envelope).json["id"]
    world.meanwhile(*happens)
    return str(job)


def killed(world: World) -> None:
    """Have a worker die in the run that it begins."""
    with pytest.raises(Death):
        world.work()


def time_out(world: World, *, runs: bool = True) -> None:
    """Have the reply of the next direct run lost."""

    def lose(request: Any) -> AWSResponse:
        if runs:
            world.direct(json.loads(request.body)["id"])
        raise ReadTimeoutError(endpoint_url=request.url)

    world.faults.once("lambda.Invoke", lose)


def while_waited_for(world: World, *happens: Callable[[], object]) -> None:
    """Have these happen, one at each look at a job that a caller waits for."""

    def happen(then: Callable[[], object]) -> Callable[[Any], None]:
        return lambda request: then() and None

    for then in happens:
        world.faults.once("dynamodb.GetItem", happen(then))


def has_run(world: World, operation: str, *seconds: float) -> None:
    """Have earlier runs of an operation taken that long."""
    runtimes = world.app("notify").services.runtimes
    for one in seconds:
        runtimes.count(operation, one)
    runtimes.write()


def ended_as(world: World, job: str) -> str:
    """Return the name of the problem that a job failed with."""
    seen = world.see(job)
    assert seen["status"] == "failed", seen
    return str(seen["error"]["type"]).rpartition("/")[2]


def wait_s(world: World, job: str) -> float:
    """Return for how long a job that was given back waits."""
    return float(world.job(job)["not_before"] - world.now) / 1000


def cancel_and_erase(world: World, job: str) -> None:
    world.call("cancel", id=job)
    world.call("erase", id=job)
