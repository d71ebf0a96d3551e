"""Notifications: each end is published, nothing else is, and a failure does not stop the others."""

import base64
import json
from typing import Any
from urllib.parse import parse_qs

import pytest

from tests import stack
from tests.integration.faults import unavailable
from tests.integration.lambdas import lambda_context
from tests.integration.notifications import PUBLISH, ended, published_ids, refusing
from tests.integration.world import World

TYPES = {"status": "String", "operation": "String", "owner": "String"}


def test_an_end_is_published_as_a_cloud_event_that_holds_the_job(world: World) -> None:
    (job,) = ended(world, value="hello", tags={"order": "42"})
    world.notify()
    (notification,) = world.published()
    event = json.loads(notification["Message"])

    assert event.pop("data") == world.see(job)
    assert event == {
        "specversion": "1.0",
        "id": f"{job}/succeeded",
        "source": "https://api.example.com",
        "type": "nowlater.job.succeeded",
        "subject": job,
        "time": "2026-11-24T12:00:00.000Z",
        "timestamp": "2026-11-24T12:00:00.000Z",
        "datacontenttype": "application/json",
    }


def test_subscribers_can_filter_by_the_attributes_of_a_notification(world: World) -> None:
    ended(world, tags={"owner": "forged"})
    world.notify()
    (notification,) = world.published()

    attributes = notification["MessageAttributes"]
    assert {name: a["Type"] for name, a in attributes.items()} == TYPES
    assert {name: a["Value"] for name, a in attributes.items()} == {
        "status": "succeeded",
        "operation": "echo",
        "owner": "acme",
    }


def test_every_way_to_end_is_published_once(world: World) -> None:
    ways = {
        "succeeded": world.submit("echo", {"value": 1}),
        "failed": world.submit("fail", {"kind": "refused"}),
        "late": world.submit(deadline={"within": 60}),
        "canceled": world.submit(start={"after": 60}),
    }
    world.work()
    world.call("cancel", id=ways["canceled"].json["id"])
    world.pass_time(60)
    world.sweep()
    world.work("OnTime")
    world.work()
    world.notify()

    ids = {json.loads(t["Message"])["id"] for t in world.published()}
    ends = {"succeeded": "succeeded", "failed": "failed", "late": "failed", "canceled": "canceled"}
    assert ids == {f"{ways[way].json['id']}/{end}" for way, end in ends.items()}


def test_only_ends_are_published(world: World) -> None:
    job = world.submit("meanwhile", {}).json["id"]
    world.meanwhile(lambda context: (context.progress(0.5), world.notify()))
    world.notify()
    assert world.published() == []
    world.work()
    world.notify()
    assert published_ids(world) == [job]
    world.call("erase", id=job)
    world.notify()

    assert world.published() == []


def test_an_end_that_is_published_again_is_the_same_to_the_byte(world: World) -> None:
    ended(world, value={"b": 1, "a": [1.5, None]})
    records = world.ends()
    for _ in range(2):
        world.app("notify").handler({"Records": records}, lambda_context())
    first, again = world.published()

    assert first["Message"] == again["Message"]


def test_bytes_are_published_as_base64(world: World) -> None:
    world.submit("document", {"text": "\xff\x00", "media_type": "image/png"})
    world.work()
    world.notify()
    (notification,) = world.published()

    result = json.loads(notification["Message"])["data"]["result"]
    assert base64.b64decode(result["base64"]) == b"\xff\x00"


def test_characters_that_sns_refuses_are_published_escaped(world: World) -> None:
    ended(world, value="a\ufffe\uffffb")
    world.notify()
    (notification,) = world.published()

    assert not {"\ufffe", "\uffff"} & set(notification["Message"])
    assert json.loads(notification["Message"])["data"]["result"] == "a\ufffe\uffffb"


def test_a_batch_holds_no_more_bytes_than_sns_takes(world: World) -> None:
    sizes = []

    def weigh(request: Any) -> None:
        sent = parse_qs(request.body if isinstance(request.body, str) else request.body.decode())
        sizes.append(sum(len(v[0].encode()) for k, v in sent.items() if k.endswith(".Message")))

    tags = {f"tag{n}": "€" * 256 for n in range(10)}
    jobs = ended(world, 30, value="\uffff" * 5000, tags=tags)
    for _ in range(30):
        world.faults.once(PUBLISH, weigh)
    world.notify()

    assert max(sizes) <= 256 * 1024
    assert sum(sizes) > 3 * 256 * 1024
    assert published_ids(world) == sorted(jobs)


def test_ends_that_sns_refuses_are_tried_again_and_the_rest_is_published(world: World) -> None:
    jobs = ended(world, 12)
    records = world.ends()
    world.faults.once(PUBLISH, refusing(3))
    with pytest.raises(Exception, match="of 12 events, 1 were not published"):
        world.app("notify").handler({"Records": records}, lambda_context())
    assert len(world.published()) == 2  # moto saw only the second batch
    world.app("notify").handler({"Records": records}, lambda_context())

    assert published_ids(world) == sorted(jobs)


def test_a_batch_without_an_answer_of_sns_does_not_stop_the_next_one(world: World) -> None:
    ended(world, 12)
    world.faults.fails(PUBLISH, unavailable)
    with pytest.raises(Exception, match="of 12 events, 10 were not published"):
        world.notify()

    assert len(world.published()) == 2


def test_a_record_that_no_event_can_be_made_of_is_kept_and_skipped(world: World) -> None:
    jobs = ended(world, 3)
    records = world.ends()
    records[1]["dynamodb"]["NewImage"]["created"] = {"S": "yesterday"}
    world.app("notify").handler({"Records": records}, lambda_context())

    assert published_ids(world) == sorted([jobs[0], jobs[2]])
    (key,) = world.objects()
    assert records[1]["eventID"] in key
    kept, _ = world.object(key)
    assert json.loads(kept)["dynamodb"]["Keys"] == json.loads(
        json.dumps(records[1]["dynamodb"]["Keys"])
    )


def test_the_sample_event_is_published(world: World) -> None:
    world.app("notify").handler(stack.event("notify"), lambda_context())

    assert len(world.published()) == 1
