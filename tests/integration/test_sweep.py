"""The sweep: sends what starts soon, ends what is too late, and does no harm if done twice."""

import json

import pytest

from nowlater.worker import sweep
from tests.integration.callbacks import ended
from tests.integration.faults import Killed, kill
from tests.integration.world import START, World
from tests.receiver import Receiver, answer


def test_a_late_start_is_sent_with_the_remaining_delay(world: World) -> None:
    job = world.submit(start={"after": 3600}).json["id"]
    world.pass_time(3600 - 601)
    world.sweep()
    assert world.messages() == 0
    world.pass_time(60)
    world.sweep()

    assert world.waiting() == {"visible": 0, "hidden": 0, "delayed": 1}
    world.pass_time(540)
    assert world.work()["records"] == 0
    assert world.see(job)["status"] == "scheduled"
    world.pass_time(1)
    world.work()
    seen = world.see(job)
    assert (seen["status"], seen["started"]) == ("succeeded", "2026-11-24T13:00:00.000Z")


def test_a_job_without_a_promise_leaves_the_index_once_it_is_sent(world: World) -> None:
    job = world.submit(start={"after": 3600}).json["id"]
    world.pass_time(3000)
    for _ in range(3):
        world.sweep()

    assert world.messages() == 1
    assert not {"due_at", "due_shard"} & set(world.job(job))


def test_a_promised_job_is_looked_at_again_at_its_deadline(world: World) -> None:
    times = {"start": {"after": 3600}, "deadline": {"within": 7200}}
    job = world.submit(**times).json["id"]
    world.pass_time(3000)
    world.sweep()

    assert world.waiting("OnTime")["delayed"] == 1
    assert world.job(job)["due_at"] == START + 7_200_000
    world.pass_time(4200)
    world.sweep()
    world.notify()
    assert world.see(job)["error"]["type"].endswith("/problems/deadline-exceeded")
    assert len(world.published()) == 1


def test_a_deadline_ends_a_job_that_does_not_run(world: World) -> None:
    job = world.submit(deadline={"within": 60}).json["id"]
    world.pass_time(59)
    world.sweep()
    assert world.job(job)["status"] == "queued"
    world.pass_time(1)
    world.sweep()
    world.notify()

    item = world.job(job)
    assert (item["status"], item["ended"]) == ("failed", START + 60_000)
    assert "due_at" not in item
    (notification,) = world.published()
    assert json.loads(notification["Message"])["data"]["error"]["type"].endswith(
        "/deadline-exceeded"
    )


def test_a_deadline_ends_a_job_whose_worker_is_dead(world: World) -> None:
    job = world.submit(deadline={"within": 60}).json["id"]
    world.job(job, status="running", attempt=1, lease_until=START + 70_000, lease_holder="dead")
    world.pass_time(60)
    world.sweep()

    assert world.job(job)["status"] == "failed"
    assert not {"lease_until", "lease_holder"} & set(world.job(job))


def test_an_end_takes_the_job_off_the_index(world: World) -> None:
    job = world.submit(deadline={"within": 60}).json["id"]
    world.work("OnTime")
    before = world.job(job)
    world.pass_time(3600)
    world.calls.clear()
    world.sweep()

    assert world.job(job) == before
    assert set(world.calls) == {"dynamodb.Query"}


@pytest.mark.parametrize("times", [{"start": {"after": 3600}}, {"deadline": {"within": 3600}}])
def test_repeated_sweeps_do_no_harm(world: World, times: dict[str, dict[str, int]]) -> None:
    job = world.submit("meanwhile", {}, **times).json["id"]
    world.pass_time(3600)
    for _ in range(3):
        world.sweep()
    world.work()
    world.sweep()
    world.notify()

    assert len(world.published()) == 1
    assert world.see(job)["attempt"] == ("start" in times)


def test_a_sweep_killed_between_its_steps_sends_again_and_the_job_runs_once(
    world: World,
) -> None:
    job = world.submit("meanwhile", {}, start={"after": 3600}).json["id"]
    world.pass_time(3000)
    world.faults.unreachable("dynamodb.UpdateItem")
    world.sweep()
    world.faults.clear()
    world.sweep()

    assert world.messages() == 2
    world.pass_time(601)
    world.work()
    assert (world.see(job)["attempt"], world.messages()) == (1, 0)


def test_a_job_that_moves_while_it_is_swept_keeps_its_next_look(world: World) -> None:
    """Between the sweep's two steps the job is canceled, and another sweep has moved it on."""
    job = world.submit(start={"after": 3600}).json["id"]
    world.pass_time(3000)
    world.faults.once("sqs.SendMessage", lambda _: world.call("cancel", id=job) and None)
    world.sweep()

    assert world.see(job)["status"] == "canceled"
    world.pass_time(601)
    world.work()
    assert (world.see(job)["status"], world.messages()) == ("canceled", 0)


def test_one_job_that_cannot_be_handled_does_not_stop_the_others(world: World) -> None:
    jobs = [world.submit(deadline={"within": 60}).json["id"] for _ in range(3)]
    world.pass_time(60)
    world.faults.fails("dynamodb.GetItem")
    world.sweep()
    queued = [job for job in jobs if world.job(job)["status"] == "queued"]
    assert len(queued) == 1
    world.sweep()

    assert {world.job(job)["status"] for job in jobs} == {"failed"}


def test_jobs_of_every_partition_of_the_index_are_found(world: World) -> None:
    jobs = [world.submit(deadline={"within": 60}).json["id"] for _ in range(30)]
    world.pass_time(60)
    world.sweep()

    assert len({int(world.job(job)["PK"][-1], 16) for job in jobs}) == 1
    assert {world.job(job)["status"] for job in jobs} == {"failed"}


def test_a_record_that_cannot_be_read_does_not_stop_the_others(world: World) -> None:
    jobs = [world.submit(deadline={"within": 60}).json["id"] for _ in range(10)]
    world.job(jobs[0], tags=7)
    world.pass_time(60)
    world.sweep()

    assert {world.job(job)["status"] for job in jobs[1:]} == {"failed"}


def test_deadlines_do_not_wait_behind_deliveries_however_many(
    world: World, receiver: Receiver
) -> None:
    """The sweep's own time is up while it sends them."""
    for _ in range(8):
        ended(world, receiver, answer(500))
    jobs = [world.submit(deadline={"within": 3000}).json["id"] for _ in range(8)]
    for _ in range(3):
        while world.send_webhooks()["records"]:
            pass
        world.pass_time(400)
    world.pass_time(1800)
    world.faults.always("sqs.SendMessageBatch", kill)
    with pytest.raises(Killed):
        world.sweep()

    assert {world.job(job)["status"] for job in jobs} == {"failed"}


def put_delivery(world: World, job: str, due_at: int, shard: int) -> None:
    """Put a delivery whose next try has been due since then."""
    item = {"PK": f"DELIVERY#acme#{job}", "SK": "0001", "state": "waiting", "body": "{}"}
    item |= {"url": "https://x.example/", "event": "e", "base": "", "since": 1, "count": 1}
    world.table.put_item(Item=item | {"due_at": due_at, "due_shard": shard})


def test_jobs_come_before_deliveries_however_long_those_have_been_due(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """So a flood of deliveries keeps no job from its deadline."""
    for n in range(20):
        put_delivery(world, str(n), 1, n % 8)
    job = world.submit(deadline={"within": 10}).json["id"]
    world.pass_time(60)
    order: list[str] = []
    monkeypatch.setattr(sweep, "_handle_job", lambda _services, item: order.append("job"))
    monkeypatch.setattr(sweep, "_handle_delivery", lambda *_: order.append("delivery"))
    monkeypatch.setattr(sweep, "MAX_DELIVERIES", 15)
    world.sweep()

    assert order == ["job"] + ["delivery"] * 15
    assert world.see(job)["status"] == "failed"


@pytest.mark.parametrize("shard", [0, 7])
def test_what_has_been_due_for_longest_comes_first_wherever_the_flood_is(
    world: World, monkeypatch: pytest.MonkeyPatch, shard: int
) -> None:
    """One sweep sends so many alone, and has so much time alone: what is left is not always the same."""
    for n in range(16):
        put_delivery(world, str(n), 1000 + n, n % 8)
    put_delivery(world, "oldest", 999, shard)
    jobs = [world.submit(deadline={"within": 60 - n}).json["id"] for n in range(16)]
    world.pass_time(60)
    order = list[str]()
    monkeypatch.setattr(sweep, "_handle_job", lambda _, item: order.append(item["SK"]))
    monkeypatch.setattr(sweep, "_handle_delivery", lambda _, item: order.append(item["PK"]))
    monkeypatch.setattr(sweep, "MAX_DELIVERIES", 1)
    world.sweep()

    assert order == [*reversed(jobs), "DELIVERY#acme#oldest"]
