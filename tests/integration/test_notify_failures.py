"""Notify killed, a stream record broken, a reply of the topic lost: every end is still published."""

import json
from collections.abc import Iterator
from typing import Any
from urllib.parse import parse_qs

import pytest

from tests.integration.faults import Killed, kill, let
from tests.integration.lambdas import lambda_context
from tests.integration.notifications import PUBLISH, ended, published_ids, refusing
from tests.integration.world import World


def hand(world: World, records: list[dict[str, Any]], tries: int = 3) -> list[dict[str, Any]]:
    """Hand records to Notify as its event source does: a batch that fails is cut in two, and handed
    again; return those that failed `tries` times alone (Lambda tries for 23 hours, then keeps them)."""
    try:
        world.app("notify").handler({"Records": records}, lambda_context())
    except (Exception, Killed):
        half = len(records) // 2
        if half:
            return hand(world, records[:half], tries) + hand(world, records[half:], tries)
        return hand(world, records, tries - 1) if tries > 1 else records
    return []


def published_events(world: World) -> Iterator[Any]:
    for notification in world.published():
        yield json.loads(notification["Message"])


def test_a_notifier_killed_between_its_publishes_loses_no_end(world: World) -> None:
    jobs = ended(world, 25)
    world.faults.once(PUBLISH, let)
    world.faults.once(PUBLISH, kill)
    failed = hand(world, world.ends())
    published = [event["id"] for event in published_events(world)]

    assert failed == []
    assert set(published) == {f"{job}/succeeded" for job in jobs}
    assert len(published) == 25 + 10  # the first ten, published before it died, are published again


def test_a_notifier_killed_after_its_last_publish_publishes_the_same_again(world: World) -> None:
    ended(world, 3, value={"b": 1, "a": 2})
    records = world.ends()
    world.faults.lost_reply(PUBLISH, then=lambda: kill(None))
    failed = hand(world, records)
    bodies = [notification["Message"] for notification in world.published()]

    assert failed == []
    assert (len(bodies), len(set(bodies))) == (6, 3)


def test_ends_whose_publish_lost_its_reply_are_published_twice_with_the_same_ids(
    world: World,
) -> None:
    """botocore sends the batch again by itself."""
    jobs = ended(world, 3)
    world.faults.lost_reply(PUBLISH)
    world.notify()

    assert published_ids(world) == sorted(jobs * 2)


def test_where_no_reply_comes_at_all_the_stream_shows_the_ends_again(world: World) -> None:
    jobs = ended(world, 12)
    world.faults.unheard(PUBLISH)
    failed = hand(world, world.ends())

    assert failed == []
    assert set(published_ids(world)) == set(jobs)


@pytest.mark.parametrize(
    "poison",
    [
        {"tags": {"S": "x"}},
        {"status": {"S": "failed"}, "error": {"M": {"name": {"S": "no-such-problem"}}}},
        {"operation": {"NULL": True}},
        {"SK": {"N": "1"}},
    ],
    ids=lambda poison: next(iter(poison)),
)
def test_a_poisoned_record_holds_up_none_of_those_around_it(
    world: World, poison: dict[str, Any]
) -> None:
    jobs = ended(world, 12)
    records = world.ends()
    records[4]["dynamodb"]["NewImage"] |= poison
    world.app("notify").handler({"Records": records}, lambda_context())  # and does not raise

    assert published_ids(world) == sorted(set(jobs) - {jobs[4]})
    assert [key for key in world.objects("aws/lambda/unpublished/") if records[4]["eventID"] in key]


def test_where_a_poisoned_record_cannot_be_kept_either_it_alone_is_shown_again(
    world: World,
) -> None:
    jobs = ended(world, 6)
    records = world.ends()
    records[3]["dynamodb"]["NewImage"]["created"] = {"S": "yesterday"}
    world.faults.unreachable("s3.PutObject")
    failed = hand(world, records)
    assert [record["eventID"] for record in failed] == [records[3]["eventID"]]
    assert set(published_ids(world)) == set(jobs) - {jobs[3]}
    world.faults.clear()

    assert hand(world, failed) == []
    assert len(world.objects("aws/lambda/unpublished/")) == 1


def test_an_end_that_the_topic_refuses_again_and_again_holds_up_none_beside_it(
    world: World,
) -> None:
    jobs = ended(world, 8)
    records = world.ends()
    world.faults.always(PUBLISH, refusing_end_of(jobs[5], world))
    failed = hand(world, records)
    world.faults.clear()
    published = set(published_ids(world))

    assert [record["eventID"] for record in failed] == [records[5]["eventID"]]
    assert set(jobs) - published == {jobs[5]}


def refusing_end_of(job: str, world: World) -> Any:
    """Answer each batch as SNS does when it takes all but the event of one job."""

    def answer(request: Any) -> Any:
        sent = parse_qs(request.body if isinstance(request.body, str) else request.body.decode())
        bodies = [v[0] for k, v in sorted(sent.items()) if k.endswith(".Message")]
        numbers = [n for n, body in enumerate(bodies) if json.loads(body)["subject"] == job]
        for n, body in enumerate(bodies):
            if n not in numbers:
                world.sns.publish(TopicArn=world.ids["Topic"], Message=body)
        return refusing(*numbers)(request)

    return answer


def test_the_ends_of_a_flood_and_of_another_owner_are_all_published(world: World) -> None:
    flood = ended(world, 60)
    single = world.submit("echo", {"value": 1}, owner="umbrella").json["id"]
    while world.work()["records"]:
        pass
    world.faults.once(PUBLISH, refusing(0, 1, 2))
    failed = hand(world, world.ends())

    assert failed == []
    assert set(published_ids(world)) == {*flood, single}
