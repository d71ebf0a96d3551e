"""The log of deliveries: as its owner sees it, sent again, and erased."""

from typing import Any

import pytest

from tests import receiver as plays
from tests.integration.callbacks import ended, settled
from tests.integration.world import START, World
from tests.receiver import Behaviour, Receiver

NO_JOB = "019ac1d2-7b5e-7c31-8f44-5d1f3b0a9e78"


def log(world: World, job: str, **who: Any) -> Any:
    return world.call("deliveries", id=job, **who).json["deliveries"]


def replay(world: World, job: str, **changes: Any) -> Any:
    return world.call("replay", id=job, **changes)


def test_each_try_is_on_record_with_time_status_latency_size_and_words(
    world: World, receiver: Receiver
) -> None:
    said = plays.answer(404, b'{"error": "no such hook"}', Content_Type="application/json")
    job = ended(world, receiver, said)
    world.send_webhooks()
    (delivery,) = log(world, job)
    (made,) = delivery.pop("attempts")
    made.pop("latency_ms")
    delivery.pop("next")

    assert delivery == {
        "number": 1,
        "event": f"{job}/succeeded",
        "url": receiver.url(),
        "state": "waiting",
        "count": 1,
        "links": {"replay": f"https://api.example.com/jobs/{job}/deliveries/1/replay"},
    }
    assert made == {
        "at": "2026-11-24T12:00:00.000Z",
        "status": 404,
        "failure": None,
        "size": 25,
        "reply": '{"error": "no such hook"}',
    }


def test_a_failure_without_an_answer_has_a_name_and_a_sentence(world: World) -> None:
    with Receiver() as closed:
        pass
    job = ended(world, closed)
    world.send_webhooks()
    (delivery,) = log(world, job)

    assert delivery["attempts"][0]["status"] is None
    assert delivery["attempts"][0]["failure"] == {
        "name": "unreachable",
        "detail": f"127.0.0.1 does not accept connections on port {closed.port}.",
    }


def test_latency_is_measured(world: World, receiver: Receiver) -> None:
    job = ended(world, receiver, plays.raw(b"HTTP/1.1 200 OK\r\n", b"\r\n", pause_s=0.1))
    world.send_webhooks()

    assert 100 <= log(world, job)[0]["attempts"][0]["latency_ms"] < plays.MAX_S * 1000


def test_a_delivery_shows_before_its_first_try(world: World, receiver: Receiver) -> None:
    job = ended(world, receiver)

    assert [(d["number"], d["state"], d["attempts"]) for d in log(world, job)] == [
        (1, "waiting", [])
    ]


def test_a_job_without_a_callback_has_no_deliveries(world: World) -> None:
    job = world.submit("echo", {"value": 1}).json["id"]
    world.work()

    assert log(world, job) == []


def test_an_unfinished_job_has_no_deliveries(world: World, receiver: Receiver) -> None:
    job = world.submit("echo", {"value": 1}, callback={"url": receiver.url()}).json["id"]

    assert log(world, job) == []


def test_an_end_that_the_callback_does_not_ask_for_has_no_deliveries(
    world: World, receiver: Receiver
) -> None:
    assert log(world, ended(world, receiver, callback={"events": ["failed"]})) == []


def test_the_time_of_the_next_try_is_shown(world: World, receiver: Receiver) -> None:
    job = ended(world, receiver, plays.busy("60"))
    world.send_webhooks()

    assert log(world, job)[0]["next"].startswith("2026-11-24T12:01:00.")


@pytest.mark.parametrize("name", ["deliveries", "replay"])
def test_deliveries_of_another_owner_are_unknown(
    world: World, receiver: Receiver, name: str
) -> None:
    job = ended(world, receiver)
    world.send_webhooks()

    assert world.call(name, id=job, owner="other").problem == "unknown-job"


@pytest.mark.parametrize("name", ["deliveries", "replay"])
@pytest.mark.parametrize("job", [NO_JOB, "nonsense", "../x"])
def test_an_unknown_job_has_no_deliveries(world: World, name: str, job: str) -> None:
    assert world.call(name, id=job).problem == "unknown-job"


@pytest.mark.parametrize(
    ("name", "scope"),
    [("deliveries", "read"), ("replay", "manage"), ("secret", "manage"), ("rotate", "manage")],
)
def test_each_route_wants_its_scope(world: World, name: str, scope: str) -> None:
    others = " ".join({"invoke", "read", "manage"} - {scope})
    answer = world.call(name, scopes=others)

    assert (answer.problem, answer.json["scope"]) == ("missing-scope", scope)


def test_what_was_delivered_is_sent_again_under_the_same_id(
    world: World, receiver: Receiver
) -> None:
    job = ended(world, receiver)
    world.send_webhooks()
    world.pass_time(100)
    answer = replay(world, job)
    world.send_webhooks()
    first, second = receiver.requests

    assert (answer.status, answer.json["state"]) == (202, "waiting")
    assert first.body == second.body
    assert first.headers["webhook-id"] == second.headers["webhook-id"]
    assert int(second.headers["webhook-timestamp"]) == START // 1000 + 100
    (delivery,) = log(world, job)
    assert (delivery["state"], delivery["count"]) == ("delivered", 2)


def test_what_was_not_tried_yet_is_sent_and_written_down_like_any_other(
    world: World, receiver: Receiver
) -> None:
    job = ended(world, receiver)
    assert replay(world, job).status == 202
    settled(world)
    (delivery,) = log(world, job)

    assert (delivery["state"], delivery["count"], len(delivery["attempts"])) == ("delivered", 1, 1)
    assert len(receiver.requests) == 1


def test_a_replay_sends_a_waiting_delivery_at_once(world: World, receiver: Receiver) -> None:
    job = ended(world, receiver, plays.busy("10000"), plays.ok)
    world.send_webhooks()
    replay(world, job)
    world.send_webhooks()

    assert len(receiver.requests) == 2
    assert log(world, job)[0]["state"] == "delivered"
    settled(world)
    assert len(receiver.requests) == 2


def test_a_replay_gives_a_given_up_delivery_three_more_days(
    world: World, receiver: Receiver
) -> None:
    job = ended(world, receiver, plays.answer(500), retention=30 * 86_400)
    settled(world)
    before = log(world, job)[0]["count"]
    replay(world, job)
    settled(world)
    (delivery,) = log(world, job)

    assert delivery["state"] == "given-up"
    assert delivery["count"] >= 2 * before - 1


def test_a_replay_calls_a_receiver_again_that_had_answered_gone(
    world: World, receiver: Receiver
) -> None:
    job = ended(world, receiver, plays.gone, plays.ok)
    settled(world)
    replay(world, job)
    settled(world)

    assert [made["status"] for made in log(world, job)[0]["attempts"]] == [410, 200]
    assert log(world, job)[0]["state"] == "delivered"


def test_what_was_never_tried_is_replayed_once_and_on_record(
    world: World, receiver: Receiver
) -> None:
    job = ended(world, receiver)
    replay(world, job)
    settled(world)
    (delivery,) = log(world, job)

    assert len(receiver.requests) == 1
    assert (delivery["state"], delivery["count"]) == ("delivered", 1)


def test_what_was_replayed_before_its_first_try_is_tried_on_where_it_fails(
    world: World, receiver: Receiver
) -> None:
    job = ended(world, receiver, plays.answer(500), plays.answer(500), plays.ok)
    replay(world, job)
    settled(world)

    assert [made["status"] for made in log(world, job)[0]["attempts"]] == [500, 500, 200]


def test_a_replay_during_the_last_try_still_gives_three_more_days(
    world: World, receiver: Receiver
) -> None:
    """The try under way began before it: its end says nothing of what was asked for since."""
    job = ended(world, receiver, plays.gone, plays.ok)

    def ask_again(request: Any) -> None:
        world.pass_time(1)
        assert replay(world, job).status == 202

    world.faults.once("dynamodb.UpdateItem", ask_again)
    settled(world)

    assert log(world, job)[0]["state"] == "delivered"


def test_a_replay_that_sqs_does_not_take_is_made_by_the_sweep(
    world: World, receiver: Receiver
) -> None:
    job = ended(world, receiver)
    world.send_webhooks()
    world.faults.unreachable("sqs.SendMessageBatch")
    answer = replay(world, job)
    world.faults.clear()
    world.pass_time(61)
    world.sweep()
    world.send_webhooks()

    assert answer.status == 202
    assert len(receiver.requests) == 2


@pytest.mark.parametrize("number", ["2", "0", "01", "-1", "x", "1x", "٣", "9" * 50])
def test_a_delivery_with_another_number_is_unknown(
    world: World, receiver: Receiver, number: str
) -> None:
    job = ended(world, receiver)
    world.send_webhooks()

    assert replay(world, job, number=number).problem == "unknown-delivery"


def test_a_job_without_a_callback_has_nothing_to_replay(world: World) -> None:
    job = world.submit("echo", {"value": 1}).json["id"]
    world.work()

    assert replay(world, job).problem == "unknown-delivery"


@pytest.mark.nightly
def test_the_log_keeps_the_last_fifty_tries(world: World, receiver: Receiver) -> None:
    job = ended(world, receiver)
    for _ in range(55):
        world.send_webhooks()
        replay(world, job)
    world.send_webhooks()
    (delivery,) = log(world, job)

    assert (delivery["count"], len(delivery["attempts"])) == (56, 50)


def test_a_log_that_is_no_longer_kept_is_not_a_delivery_that_waits(
    world: World, receiver: Receiver
) -> None:
    job = ended(world, receiver, retention=30 * 86_400)
    world.send_webhooks()
    world.pass_time(14 * 86_400)
    item = world.delivery(job) or {}
    world.table.delete_item(
        Key={"PK": item["PK"], "SK": item["SK"]}
    )  # as DynamoDB does, by its ttl

    assert log(world, job) == []
    assert replay(world, job).problem == "unknown-delivery"


# ── erased ────────────────────────────────────────────────────────────────────────────────────


def test_an_erased_job_s_log_is_gone(world: World, receiver: Receiver) -> None:
    job = ended(world, receiver)
    world.send_webhooks()
    world.call("erase", id=job)

    assert world.call("deliveries", id=job).problem == "job-expired"
    assert replay(world, job).problem == "job-expired"
    assert not {"url", "attempts", "event", "body"} & (world.delivery(job) or {}).keys()


def test_the_stub_of_an_erased_job_does_not_know_whom_it_called(
    world: World, receiver: Receiver
) -> None:
    job = ended(world, receiver)
    world.call("erase", id=job)

    assert str(receiver.port) not in str(world.job(job))


def test_nothing_more_is_sent_of_an_erased_job_that_waits(world: World, receiver: Receiver) -> None:
    job = ended(world, receiver, plays.answer(500))
    world.send_webhooks()
    world.call("erase", id=job)
    settled(world)

    assert len(receiver.requests) == 1
    assert not any("due_at" in item for item in world.items())


def test_a_job_is_erased_though_its_log_cannot_be_read(world: World, receiver: Receiver) -> None:
    job = ended(world, receiver, plays.answer(500))
    world.send_webhooks()
    world.table.put_item(Item=(world.delivery(job) or {}) | {"attempts": "unreadable"})
    answer = world.call("erase", id=job)

    assert answer.status == 204
    assert (world.delivery(job) or {})["state"] == "erased"


@pytest.mark.parametrize("play", [plays.gone, plays.busy("2000")], ids=["given up", "waits"])
def test_an_erased_jobs_event_is_removed_at_once_and_its_delivery_expires(
    world: World, receiver: Receiver, play: Behaviour
) -> None:
    job = ended(world, receiver, play)
    world.send_webhooks()
    world.pass_time(100)
    world.call("erase", id=job)
    item = world.delivery(job) or {}

    assert not {"body", "due_at", "due_shard", "next_at"} & item.keys()
    assert item["ttl"] == world.now // 1000 + 200 * 86_400


def test_a_replay_has_the_log_kept_for_as_long_again(world: World, receiver: Receiver) -> None:
    job = ended(world, receiver, retention=30 * 86_400)
    world.send_webhooks()
    world.pass_time(13 * 86_400)
    replay(world, job)

    assert (world.delivery(job) or {})["ttl"] == world.now // 1000 + 14 * 86_400


def test_a_delivery_that_is_erased_after_its_job_was_read_is_not_shown(
    world: World, receiver: Receiver
) -> None:
    job = ended(world, receiver)
    world.faults.once("dynamodb.Query", lambda _: world.call("erase", id=job) and None)
    reply = world.call("deliveries", id=job)

    assert (reply.status, reply.json) == (200, {"deliveries": []})


def test_nothing_at_all_is_sent_of_a_job_erased_before_the_first_try(
    world: World, receiver: Receiver
) -> None:
    job = ended(world, receiver)
    assert world.call("erase", id=job).status == 204
    settled(world)

    assert receiver.requests == []


def test_nothing_is_sent_of_a_job_erased_before_its_end_was_seen(
    world: World, receiver: Receiver
) -> None:
    job = world.submit("echo", {"value": 1}, callback={"url": receiver.url()}).json["id"]
    world.work()
    world.call("erase", id=job)
    world.notify()
    settled(world)

    assert receiver.requests == []


def test_a_try_under_way_while_the_job_is_erased_leaves_no_log(
    world: World, receiver: Receiver
) -> None:
    job = ended(world, receiver)

    def erase(request: Any) -> None:
        world.faults.clear()
        world.call("erase", id=job)

    world.faults.once("dynamodb.UpdateItem", erase)
    world.send_webhooks()

    assert len(receiver.requests) == 1
    assert (world.delivery(job) or {})["state"] == "erased"


def test_a_replay_while_the_job_is_erased_is_refused(world: World, receiver: Receiver) -> None:
    job = ended(world, receiver)
    world.send_webhooks()
    world.faults.once("dynamodb.UpdateItem", lambda _: world.call("erase", id=job) and None)
    answer = replay(world, job)

    assert answer.problem == "job-expired"
    assert sum(world.waiting("Webhook").values()) == 0


def test_what_was_given_up_and_the_log_are_forgotten_in_time(
    world: World, receiver: Receiver
) -> None:
    job = ended(world, receiver, plays.gone)
    world.send_webhooks()

    assert int((world.delivery(job) or {})["ttl"]) == START // 1000 + 14 * 86_400
