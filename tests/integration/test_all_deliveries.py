"""The deliveries of all jobs of an owner, in one list."""

from typing import Any

import pytest

from nowlater.jobs import model
from tests import receiver as plays
from tests.integration.callbacks import ended
from tests.integration.world import START, World
from tests.receiver import Receiver


def page(world: World, owner: str = "acme", **query: Any) -> Any:
    reply = world.call("all-deliveries", query=query, owner=owner)
    assert reply.status == 200, reply.json
    return reply.json


def listed(world: World, owner: str = "acme", **query: Any) -> list[tuple[str, str]]:
    """Return the jobs and states of the first page's deliveries."""
    return [(d["job"], d["state"]) for d in page(world, owner, **query)["deliveries"]]


def ends(world: World, receiver: Receiver, *plays_: Any) -> list[str]:
    """Have jobs end a second apart, and their receiver answer each so; return them, newest first."""
    jobs = []
    for play in plays_:
        world.pass_time(1)
        jobs.append(str(ended(world, receiver, play)))
        world.send_webhooks()
    return jobs[::-1]


def test_deliveries_are_listed_with_their_job_and_its_operation(
    world: World, receiver: Receiver
) -> None:
    (job,) = ends(world, receiver, plays.ok)
    (alone,) = world.call("deliveries", id=job).json["deliveries"]
    (delivery,) = page(world)["deliveries"]

    url = f"https://api.example.com/jobs/{job}"
    links = {"replay": f"{url}/deliveries/1/replay", "job": url}
    operation = world.see(job)["operation"]
    assert delivery == {"job": job, "operation": operation} | alone | {"links": links}


def test_deliveries_of_the_newest_job_come_first_and_can_be_chosen_by_state(
    world: World, receiver: Receiver
) -> None:
    jobs = ends(world, receiver, plays.ok, plays.gone, plays.busy("60"))
    waiting, given_up, delivered = zip(jobs, ("waiting", "given-up", "delivered"), strict=True)

    assert listed(world) == [waiting, given_up, delivered]
    assert listed(world, state="given-up") == [given_up]
    assert listed(world, owner="other") == []
    assert listed(world, since="2026-11-24T12:00:02Z", until="2026-11-24T12:00:03Z") == [given_up]


def test_a_delivery_shows_before_its_first_attempt(world: World, receiver: Receiver) -> None:
    job = ended(world, receiver)
    (delivery,) = page(world)["deliveries"]

    assert (delivery["job"], delivery["state"], delivery["count"]) == (job, "waiting", 0)
    assert delivery["url"] == receiver.url()


def test_only_the_last_attempt_is_listed(world: World, receiver: Receiver) -> None:
    (job,) = ends(world, receiver, plays.busy("5"))
    world.pass_time(10)
    receiver.plays[:] = [plays.ok]
    world.send_webhooks()
    (delivery,) = page(world)["deliveries"]

    assert delivery["count"] == 2
    assert [attempt["status"] for attempt in delivery["attempts"]] == [200]
    assert len(world.call("deliveries", id=job).json["deliveries"][0]["attempts"]) == 2


def test_pages_follow_one_another_without_a_gap(world: World, receiver: Receiver) -> None:
    jobs = ends(world, receiver, *[plays.ok, plays.gone] * 3)
    world.submit()
    seen, query = list[str](), {"state": "given-up", "limit": "1"}
    while True:
        listed = page(world, **query)
        seen += [delivery["job"] for delivery in listed["deliveries"]]
        assert len(listed["deliveries"]) <= 1
        if listed["next"] is None:
            break
        assert listed["next"].startswith(
            "https://api.example.com/deliveries?state=given-up&limit=1&"
        )
        query["cursor"] = listed["next"].rpartition("cursor=")[2]

    assert seen == jobs[::2]


def test_a_page_reads_the_deliveries_of_two_hundred_jobs(world: World, receiver: Receiver) -> None:
    (job,) = ends(world, receiver, plays.ok)
    item = world.job(job)
    with world.table.batch_writer() as batch:
        for number in range(250):
            batch.put_item(Item=item | {"SK": model.new_id(START - 1 - number)})
    world.calls.clear()
    first = page(world, state="given-up")

    assert world.calls.count("dynamodb.Query") == 1 + 200
    assert first["deliveries"] == []
    assert page(world, cursor=first["next"].rpartition("cursor=")[2])["next"] is not None


def test_what_is_erased_past_its_retention_or_without_callback_is_not_listed(
    world: World, receiver: Receiver
) -> None:
    world.submit()
    world.work()
    kept, erased = ends(world, receiver, plays.ok, plays.ok)
    world.call("erase", id=erased)
    assert listed(world) == [(kept, "delivered")]
    world.pass_time(86_400)

    assert listed(world) == []


def test_a_delivery_that_cannot_be_read_does_not_hide_the_others(
    world: World, receiver: Receiver
) -> None:
    broken, whole = ends(world, receiver, plays.ok, plays.ok)
    item = world.delivery(broken) or {}
    world.table.put_item(Item=item | {"count": "many"})

    assert listed(world) == [(whole, "delivered")]


@pytest.mark.parametrize(
    ("parameter", "query"),
    [
        ("state", {"state": "erased"}),
        ("state", {"state": "failed"}),
        ("limit", {"limit": "0"}),
        ("cursor", {"cursor": "x"}),
        ("until", {"since": "2026-11-24T12:00:00Z", "until": "2026-11-24T12:00:00Z"}),
        ("tag", {"tag": "a:b"}),
    ],
)
def test_what_cannot_be_listed_is_refused(
    world: World, parameter: str, query: dict[str, str]
) -> None:
    reply = world.call("all-deliveries", query=query)

    assert (reply.status, reply.json["parameter"]) == (400, parameter)
