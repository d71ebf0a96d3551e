"""Who may work on a job: one attempt at a time, never early, never late, never after the last try."""

from typing import Any

import pytest

from nowlater.jobs.model import Ref
from tests.integration.runs import UNKNOWN, VISIBILITY_S, dies, killed, meanwhile
from tests.integration.world import START, World


def send_again(world: World, job: str, lane: str = "flexible") -> None:
    """Send another message for a job, as SQS may do by itself."""
    world.app("work").services.queues.send(lane, Ref("acme", job))


def test_a_running_job_shows_who_holds_it_and_until_when(world: World) -> None:
    items = []
    job = meanwhile(world, lambda _: items.append(world.job(job)))
    world.work(request_id="me")

    (item,) = items
    assert (item["status"], item["attempt"], item["attempts_left"]) == ("running", 1, 2)
    assert item["lease_until"] == START + (20 + 10) * 1000
    assert item["lease_holder"] == "me"
    assert not {"lease_until", "lease_holder"} & set(world.job(job))


def test_the_job_of_a_dead_worker_is_taken_over(world: World) -> None:
    job = meanwhile(world, dies(world))
    killed(world)
    assert world.see(job)["status"] == "running"
    world.pass_time(VISIBILITY_S)
    world.work()

    seen = world.see(job)
    assert (seen["status"], seen["attempt"], seen["result"]) == ("succeeded", 2, 2)
    assert world.messages() == 0


def test_a_live_lease_is_waited_for(world: World) -> None:
    job = meanwhile(world, dies(world))
    killed(world)
    send_again(world, job)
    returned = world.work()

    assert len(returned["batchItemFailures"]) == 1
    assert (world.see(job)["attempt"], world.waiting()["hidden"]) == (1, 2)
    world.pass_time(30)
    assert world.work()["records"] == 0
    world.pass_time(1)
    world.work()
    assert (world.see(job)["status"], world.see(job)["attempt"]) == ("succeeded", 2)


def test_a_duplicate_of_the_message_does_not_run_the_job_twice(world: World) -> None:
    job = meanwhile(world, lambda _: (send_again(world, job), world.work()))
    world.work()
    world.pass_time(60)
    world.work()

    seen = world.see(job)
    assert (seen["status"], seen["attempt"], world.messages()) == ("succeeded", 1, 0)


def overtaken(world: World, job: str) -> None:
    """Let the lease run out while its run goes on, and another worker finish the job."""
    world.pass_time(31)
    send_again(world, job)
    world.work()


@pytest.mark.parametrize("how", ["returns", "raises", "reports"])
def test_an_attempt_that_was_overtaken_writes_nothing(world: World, how: str) -> None:
    def linger(context: Any) -> None:
        overtaken(world, job)
        if how == "raises":
            raise RuntimeError
        if how == "reports":
            context.progress(0.1)

    job = meanwhile(world, linger)
    world.work()
    world.notify()

    seen = world.see(job)
    assert (seen["status"], seen["attempt"], seen["result"]) == ("succeeded", 2, 2)
    assert (seen["progress"], world.messages()) == (None, 0)
    assert len(world.published()) == 1


def test_an_attempt_that_was_overtaken_by_one_still_running_waits_for_it(world: World) -> None:
    def second_dies(_: Any) -> None:
        world.pass_time(31)
        send_again(world, job)
        killed(world)

    job = meanwhile(world, second_dies, dies(world))
    returned = world.work()

    assert len(returned["batchItemFailures"]) == 1
    assert (world.see(job)["status"], world.see(job)["attempt"]) == ("running", 2)
    world.pass_time(VISIBILITY_S)
    world.work()
    assert (world.see(job)["status"], world.see(job)["result"]) == ("succeeded", 3)


def test_a_job_whose_every_worker_dies_ends_when_its_tries_are_used_up(world: World) -> None:
    job = meanwhile(world, dies(world), dies(world), dies(world))
    for _ in range(3):
        killed(world)
        world.pass_time(VISIBILITY_S)
    world.work()
    world.notify()

    seen = world.see(job)
    assert (seen["status"], seen["attempt"]) == ("failed", 3)
    assert seen["error"]["type"].endswith("/problems/attempts-exhausted")
    assert (world.messages(), len(world.published())) == (0, 1)


def test_a_job_is_not_begun_after_its_deadline(world: World) -> None:
    job = meanwhile(world, dies(world), deadline={"within": 60})
    world.pass_time(60)
    world.work("OnTime")

    seen = world.see(job)
    assert (seen["status"], seen["attempt"], world.messages()) == ("failed", 0, 0)
    assert seen["error"]["type"].endswith("/problems/deadline-exceeded")
    assert seen["ended"] == seen["deadline"]


def test_a_job_without_a_promise_is_given_up_after_three_days(world: World) -> None:
    job = meanwhile(world, dies(world))
    world.pass_time(3 * 86400)
    world.work()

    assert world.see(job)["error"]["type"].endswith("/problems/deadline-exceeded")


@pytest.mark.parametrize("how", ["returns", "raises"])
def test_what_comes_after_the_deadline_is_discarded(world: World, how: str) -> None:
    def be_late(_: Any) -> None:
        world.pass_time(60)
        if how == "raises":
            raise RuntimeError

    job = meanwhile(world, be_late, deadline={"within": 60})
    world.work("OnTime")

    seen = world.see(job)
    assert (seen["status"], seen["result"], world.messages()) == ("failed", None, 0)
    assert seen["error"]["type"].endswith("/problems/deadline-exceeded")


def test_a_run_is_given_no_more_time_than_there_is_to_its_deadline(world: World) -> None:
    deadlines = []
    meanwhile(world, lambda c: deadlines.append(c.deadline), deadline={"within": 15})
    meanwhile(world, lambda c: deadlines.append(c.deadline))
    world.work("OnTime")
    world.work()

    assert deadlines == [START + 15_000, START + 20_000]


def test_a_message_that_comes_too_early_is_put_off_to_the_start(world: World) -> None:
    job = meanwhile(world, dies(world), start={"after": 600})
    send_again(world, job)
    world.work()

    assert (world.see(job)["status"], world.see(job)["attempt"]) == ("scheduled", 0)
    world.pass_time(599)
    assert world.work()["records"] == 0
    world.pass_time(1)
    killed(world)


def test_the_message_of_an_ended_job_is_dropped(world: World) -> None:
    job = meanwhile(world)
    world.work()
    before = world.see(job)
    send_again(world, job)
    world.work()

    assert (world.see(job), world.messages()) == (before, 0)


# ── messages without a record ─────────────────────────────────────────────────────────────────


def test_a_message_that_comes_before_its_record_is_looked_at_again(world: World) -> None:
    returned = []
    world.faults.once("dynamodb.PutItem", lambda _: returned.append(world.work()))
    job = world.submit().json["id"]

    assert len(returned[0]["batchItemFailures"]) == 1
    world.pass_time(5)
    world.work()
    assert (world.see(job)["status"], world.see(job)["attempt"]) == ("succeeded", 1)


def test_a_record_that_comes_a_moment_later_is_claimed_at_once(world: World) -> None:
    job = world.submit().json["id"]
    item = world.job(job)
    world.table.delete_item(Key={"PK": item["PK"], "SK": item["SK"]})
    world.faults.once("dynamodb.UpdateItem", lambda _: None)
    world.faults.once("dynamodb.UpdateItem", lambda _: world.table.put_item(Item=item) and None)
    world.work()

    assert world.see(job)["status"] == "succeeded"


def test_a_message_whose_record_never_came_is_dropped_and_makes_none(world: World) -> None:
    send_again(world, UNKNOWN)
    young = world.work()
    world.pass_time(55)
    still_young = world.work()
    world.pass_time(6)
    old = world.work()

    assert [len(w["batchItemFailures"]) for w in (young, still_young, old)] == [1, 1, 0]
    assert world.counts() == (0, 0, 0)


def test_a_record_that_cannot_be_read_is_not_run_and_loses_no_try(world: World) -> None:
    job = world.submit("echo", {"value": 1}).json["id"]
    world.job(job, trace=7)
    for _ in range(4):
        world.work()
        world.pass_time(VISIBILITY_S + 1)
    item = world.job(job)
    world.job(job, trace=None)  # as for a version that can read it
    world.work()

    assert (item["status"], item["attempts_left"]) == ("queued", 3)
    assert not {"lease_holder", "lease_until", "result"} & item.keys()
    assert world.see(job)["result"] == 1
