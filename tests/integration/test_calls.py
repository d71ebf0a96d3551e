"""How many calls to AWS, and writes of the table, each thing costs (the budgets of the design)."""

import sys
from pathlib import Path
from types import FrameType
from typing import Any

import pytest

import nowlater
from tests.integration.world import World

GET, PUT, UPDATE = "dynamodb.GetItem", "dynamodb.PutItem", "dynamodb.UpdateItem"
QUERY = "dynamodb.Query"
SEND, INVOKE = "sqs.SendMessage", "lambda.Invoke"
PUT_OBJECT = "s3.PutObject"
LARGE = {"value": "x" * 5000}
LAYER = Path(nowlater.__file__).parent


def cost(world: World, door: str, **asked: Any) -> list[str]:
    """Return the calls made while a caller of `echo` waits, without those of the worker.

    What estimates rest on has been read before, and is remembered for ten seconds; it is none of
    the submits at which their owner is looked at.
    """
    world.submit("echo", {"value": 0})
    world.submit("echo", {"value": 0}, deadline={"within": 60})
    world.hybrid("echo", {"value": 0})
    world.calls.clear()
    reply = getattr(world, door)("echo", asked.pop("given", {"value": 1}), **asked)
    assert reply.status in (200, 202), reply.json
    if INVOKE in world.calls:
        return world.calls[: world.calls.index(INVOKE) + 1]
    return list(world.calls)


@pytest.mark.parametrize("given", [{"value": 1}, LARGE])
def test_the_sync_door_makes_no_call(world: World, given: Any) -> None:
    assert cost(world, "sync", given=given) == []


@pytest.mark.parametrize(
    ("asked", "calls"),
    [
        ({}, [SEND, PUT]),
        ({"key": "k"}, [PUT, SEND, PUT]),
        ({"given": LARGE}, [PUT_OBJECT, SEND, PUT]),
        ({"given": LARGE, "key": "k"}, [PUT, PUT_OBJECT, SEND, PUT]),
        ({"deadline": {"within": 60}}, [SEND, PUT]),
        ({"start": {"after": 3600}}, [PUT]),
    ],
)
def test_the_async_door_sends_and_records(
    world: World, asked: dict[str, Any], calls: list[str]
) -> None:
    assert cost(world, "submit", **asked) == calls


def test_one_submit_in_ten_reads_its_owners_jobs_with_one_more_call(world: World) -> None:
    costs = list[list[str]]()
    for _ in range(20):
        world.calls.clear()
        world.submit("echo", {"value": 1}, deadline={"within": 60})
        costs.append([call for call in world.calls if call in (QUERY, SEND, PUT)])

    assert costs == ([[QUERY, SEND, PUT]] + [[SEND, PUT]] * 9) * 2


def test_a_replay_reads_the_key_and_the_job(world: World) -> None:
    cost(world, "submit", key="k")

    assert cost(world, "submit", key="k") == [PUT, GET]


@pytest.mark.parametrize(
    ("asked", "calls"),
    [
        ({}, [SEND, PUT, INVOKE]),
        ({"key": "k"}, [PUT, SEND, PUT, INVOKE]),
        ({"given": LARGE}, [PUT_OBJECT, SEND, PUT, INVOKE]),
    ],
)
def test_the_hybrid_door_sends_records_and_invokes(
    world: World, asked: dict[str, Any], calls: list[str]
) -> None:
    assert cost(world, "hybrid", **asked) == calls


def test_a_look_at_a_job_is_one_call(world: World) -> None:
    job = world.submit("echo", LARGE).json["id"]
    world.call("status", id=job)  # reads what estimates rest on
    for ready in (False, True):
        if ready:
            world.work()
        for name in ("status", "result"):
            world.calls.clear()
            world.call(name, id=job)

            assert world.calls == [GET], (name, ready)


def test_a_list_of_one_page_is_one_call(world: World) -> None:
    world.submit()
    world.call("list", query={})
    world.calls.clear()
    world.call("list", query={})

    assert world.calls == ["dynamodb.Query"]


def test_descriptions_make_no_call_except_for_run_times_every_ten_seconds(
    world: World,
) -> None:
    world.call("operation")
    world.calls.clear()
    for name in ("operations", "operation", "health", "problem", "unknown"):
        world.call(name)
    at_once = list(world.calls)
    world.pass_time(11)
    world.call("operation")

    assert at_once == []
    assert world.calls == [GET]


def test_a_worker_makes_two_calls_a_job(world: World) -> None:
    for value in range(4):
        world.submit("echo", {"value": value})
    world.calls.clear()
    world.work()

    assert world.calls == [UPDATE, UPDATE] * 4


def test_a_worker_makes_a_call_more_for_each_payload_in_the_bucket(world: World) -> None:
    world.submit("echo", {"value": "x" * 20_000})
    world.calls.clear()
    world.work()

    assert world.calls == [UPDATE, "s3.GetObject", PUT_OBJECT, UPDATE]


def test_ten_ends_are_published_and_counted_in_one_call_each(world: World) -> None:
    for jobs in (1, 10):
        for value in range(jobs):
            world.submit("echo", {"value": value})
        world.work()
        world.calls.clear()
        world.pass_time(11)
        world.notify()

    assert world.calls == ["sns.PublishBatch", UPDATE]


def test_an_idle_sweep_reads_each_partition_of_its_index_once(world: World) -> None:
    world.submit()
    world.calls.clear()
    world.sweep()

    assert world.calls == ["dynamodb.Query"] * 8


def test_a_plain_job_is_three_small_writes_and_none_of_the_index(world: World) -> None:
    job = world.submit("echo", {"value": "x" * 300}).json["id"]
    sizes = [_size(world.job(job))]
    world.work()
    sizes.append(_size(world.job(job)))

    writes = [c for c in world.calls if c in (PUT, UPDATE, "dynamodb.TransactWriteItems")]
    assert writes == [PUT, UPDATE, UPDATE]
    assert max(sizes) < 1024
    assert not {"due_at", "due_shard"} & set(world.job(job))


def _size(item: dict[str, Any]) -> int:
    """Return about what DynamoDB bills an item for, in bytes."""
    return sum(len(name) + len(str(value)) for name, value in item.items())


def test_a_plain_submit_runs_code_of_at_most_16_modules(world: World) -> None:
    world.submit("echo", {"value": 0})
    modules = set[str]()

    def note(frame: FrameType, event: str, _argument: object) -> None:
        path = Path(frame.f_code.co_filename)
        if event == "call" and path.is_relative_to(LAYER):
            modules.add(str(path.relative_to(LAYER)))

    sys.setprofile(note)
    try:
        reply = world.submit("echo", {"value": 1})
    finally:
        sys.setprofile(None)

    assert reply.status == 202
    assert len(modules) <= 16, sorted(modules)
