"""Operations that are coroutines, at every door: they end as all others do."""

import pytest

from nowlater import Context, Refused, Unavailable
from tests.integration.world import World


def test_the_result_of_a_coroutine_is_answered(world: World) -> None:
    job = world.submit("awaited", {"text": "later"}).json["id"]
    world.work()

    assert world.sync("awaited", {"text": "now"}).json == "now"
    assert world.see(job)["result"] == "later"


def test_a_time_out_in_an_await_ends_the_run(world: World) -> None:
    job = world.submit("awaits-long", {}).json["id"]
    world.work()

    assert world.sync("awaits-long", {}).problem == "timed-out"
    assert world.see(job)["error"]["type"].endswith("/problems/timed-out")


def test_a_cancel_reaches_a_task(world: World) -> None:
    job = world.submit("awaited", {"text": "never"}).json["id"]
    went_on = []

    def be_canceled(context: Context) -> None:
        world.call("cancel", id=job)
        context.progress(0.5)
        went_on.append(True)

    world.meanwhile(be_canceled)
    world.work()

    assert world.see(job)["status"] == "canceled"
    assert not went_on


@pytest.mark.parametrize(
    ("raised", "status", "problem"),
    [
        (Refused("no"), 422, "refused"),
        (Unavailable("later"), 503, "unavailable"),
        (ValueError("?"), 500, "operation-failed"),
    ],
)
def test_what_a_task_raises_is_answered_as_if_the_operation_had_raised_it(
    world: World, raised: Exception, status: int, problem: str
) -> None:
    def fail(context: Context) -> None:
        raise raised

    world.meanwhile(fail)
    reply = world.sync("awaited", {"text": "never"})

    assert (reply.status, reply.problem) == (status, problem)
