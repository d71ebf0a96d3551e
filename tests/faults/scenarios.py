"""What callers do, for every door and outcome: each a story without violations if nothing goes wrong."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

from nowlater.jobs import protocol, store
from nowlater.jobs.model import Ref
from tests.faults.caller import Caller
from tests.faults.cloud import LANES


@dataclass(frozen=True)
class Scenario:
    """A story, and the statuses that its jobs may end with, whatever single thing goes wrong."""

    name: str
    play: Callable[[Caller], None]
    ends: frozenset[str]


SCENARIOS: dict[str, Scenario] = {}


def _scenario(*ends: str) -> Callable[[Callable[[Caller], None]], None]:
    def keep(play: Callable[[Caller], None]) -> None:
        name = play.__name__.replace("_", "-")
        SCENARIOS[name] = Scenario(name, play, frozenset(ends))

    return keep


# ── the async door ────────────────────────────────────────────────────────────────────────────────


@_scenario("succeeded")
def async_door(caller: Caller) -> None:
    job = caller.submit(["succeed"], key="k", callback=True)
    caller.wait_for_end(job)


@_scenario("succeeded")
def async_without_key(caller: Caller) -> None:
    caller.wait_for_end(caller.submit(["take-long"]))


@_scenario("succeeded", "failed")
def async_with_a_deadline(caller: Caller) -> None:
    caller.wait_for_end(caller.submit(["succeed"], key="k", callback=True, within_s=3000))


@_scenario("succeeded", "failed")
def a_deadline_before_a_dead_worker_is_noticed(caller: Caller) -> None:
    # A worker that dies is noticed some seconds after it, and before the sweep.
    caller.wait_for_end(caller.submit(["succeed"], within_s=320))


@_scenario("failed")
def a_refusal_before_a_deadline(caller: Caller) -> None:
    caller.wait_for_end(caller.submit(["refuse"], key="k", callback=True, within_s=3000))


@_scenario("succeeded", "failed")
def a_failure_before_a_deadline(caller: Caller) -> None:
    caller.wait_for_end(caller.submit(["fail", "succeed"], key="k", within_s=400))


@_scenario("succeeded", "failed")
def a_failure_and_another_try(caller: Caller) -> None:
    caller.wait_for_end(caller.submit(["fail", "fail", "succeed"], key="k"))


@_scenario("failed")
def failures_to_the_last_try(caller: Caller) -> None:
    caller.wait_for_end(caller.submit(["fail"], key="k", callback=True))


@_scenario("failed")
def a_refusal(caller: Caller) -> None:
    caller.wait_for_end(caller.submit(["refuse"], key="k"))


@_scenario("succeeded")
def something_is_unavailable(caller: Caller) -> None:
    caller.wait_for_end(caller.submit(["wait", "wait", "succeed"], key="k"))


@_scenario("succeeded")
def something_is_unavailable_for_long(caller: Caller) -> None:
    caller.wait_for_end(caller.submit(["wait-long", "wait-long", "succeed"], key="k"), 20_000)


@_scenario("succeeded", "failed")
def unavailable_for_long_before_a_deadline(caller: Caller) -> None:
    caller.wait_for_end(caller.submit(["wait-long", "succeed"], key="k", within_s=3000))


@_scenario("succeeded")
def a_run_that_hangs(caller: Caller) -> None:
    caller.wait_for_end(caller.submit(["hang", "succeed"], key="k"))


@_scenario("succeeded")
def three_at_once(caller: Caller) -> None:
    asked = [caller.submit(["succeed"], key=str(n)) for n in range(3)]
    for job_id in asked:
        caller.wait_for_end(job_id)


@_scenario("succeeded")
def the_same_key_twice_at_once(caller: Caller) -> None:
    first = caller.cloud.start("caller", lambda: caller.submit(["succeed"], key="k"))
    asked_again = lambda: caller.again(caller.asked[0], caller.asked[0].send)  # noqa: E731
    second = caller.cloud.start("another caller", asked_again)
    for process in (first, second):
        caller.cloud.join(process, 1000)


# ── payloads in the bucket, erased in the end ─────────────────────────────────────────────────────


@_scenario("succeeded")
def a_large_result_erased(caller: Caller) -> None:
    given = {"input": {"does": ["return-much"], "filling": "y" * 5000}}
    job = caller.submit([], key="k", **given)
    caller.wait_for_end(job)
    caller.erase(job)
    caller.read(job)


# ── cancels ───────────────────────────────────────────────────────────────────────────────────────


@_scenario("canceled", "succeeded")
def a_cancel_before_the_start(caller: Caller) -> None:
    job = caller.submit(["succeed"], key="k", start_s=100, callback=True)
    caller.cloud.sleep(10)
    caller.cancel(job)
    caller.read(job)


@_scenario("canceled", "succeeded")
def a_cancel_during_the_run(caller: Caller) -> None:
    job = caller.submit(["take-long"], key="k")
    caller.cloud.sleep(3)
    caller.cancel(job)
    caller.cancel(job)
    caller.erase(job)


# ── times ─────────────────────────────────────────────────────────────────────────────────────────


@_scenario("succeeded")
def a_start_in_minutes(caller: Caller) -> None:
    caller.wait_for_end(caller.submit(["succeed"], key="k", start_s=100.5, within_s=1000))


@_scenario("succeeded")
def a_start_in_an_hour(caller: Caller) -> None:
    caller.wait_for_end(caller.submit(["succeed"], key="k", start_s=3000, within_s=5000), 9000)


@_scenario("failed")
def a_deadline_that_passes_in_the_queue(caller: Caller) -> None:
    job = caller.submit(["wait", "wait", "succeed"], key="k", within_s=25, callback=True)
    caller.cloud.sleep(28)
    caller.read(job)
    caller.wait_for_end(job)


@_scenario("failed", "canceled")
def a_deadline_that_passes_in_the_run(caller: Caller) -> None:
    job = caller.submit(["hang"], key="k", within_s=12)
    caller.cloud.sleep(11.9)
    caller.cancel(job)
    caller.cloud.sleep(2.5)
    caller.read(job)
    caller.erase(job)


@_scenario("failed", "canceled", "succeeded")
def a_run_that_ends_at_the_deadline(caller: Caller) -> None:
    _around_the_deadline(caller, caller.submit(["take-ten"], key="k", within_s=10.2))


@_scenario("failed", "succeeded")
def a_large_result_at_the_deadline(caller: Caller) -> None:
    caller.submit(["return-much-in-ten"], key="k", within_s=10.2)


@_scenario("failed")
def unavailable_to_the_end(caller: Caller) -> None:
    caller.submit(["wait"], key="k")


@_scenario("failed")
def unavailable_beyond_the_bound(caller: Caller) -> None:
    caller.submit(["wait-a-day"], key="k", callback=True)


@_scenario("failed", "canceled")
def a_cancel_at_the_deadline(caller: Caller) -> None:
    job = caller.submit(["hang"], key="k", within_s=10.2)
    caller.cloud.start("canceler", lambda: _after(caller, 10.05, lambda: caller.cancel(job)))
    _around_the_deadline(caller, job)


@_scenario("failed", "canceled")
def a_cancel_after_the_deadline(caller: Caller) -> None:
    job = caller.submit(["hang"], key="k", within_s=10.2)
    caller.cloud.start("canceler", lambda: _after(caller, 10.9, lambda: caller.cancel(job)))
    _around_the_deadline(caller, job)


def _around_the_deadline(caller: Caller, job: str | None) -> None:
    """Have others read within seconds of it."""
    for seconds in (11.5, 12.5, 13.5, 17):
        caller.cloud.start("reader", lambda s=seconds: _after(caller, s, lambda: caller.read(job)))  # type: ignore[misc]
    caller.cloud.sleep(60)


def _after(caller: Caller, seconds: float, act: Callable[[], object]) -> None:
    caller.cloud.sleep(seconds)
    act()


# ── the hybrid door ───────────────────────────────────────────────────────────────────────────────


@_scenario("succeeded")
def hybrid_door(caller: Caller) -> None:
    caller.wait_for_end(caller.submit(["succeed"], door="hybrid", key="k", callback=True))


@_scenario("succeeded")
def hybrid_and_time_is_up(caller: Caller) -> None:
    caller.wait_for_end(caller.submit(["take-long"], door="hybrid", key="k", prefer="wait=3"))


@_scenario("canceled", "succeeded")
def hybrid_or_nothing(caller: Caller) -> None:
    prefer = "wait=3, handling=strict"
    caller.submit(["take-long"], door="hybrid", key="k", prefer=prefer)


@_scenario("succeeded", "failed")
def hybrid_fails_at_first(caller: Caller) -> None:
    caller.wait_for_end(caller.submit(["fail", "wait", "succeed"], door="hybrid", key="k"))


@_scenario("succeeded")
def hybrid_without_key(caller: Caller) -> None:
    caller.wait_for_end(caller.submit(["return-much"], door="hybrid"))


@_scenario("succeeded")
def hybrid_responds_async(caller: Caller) -> None:
    job = caller.submit(["succeed"], door="hybrid", key="k", prefer="respond-async", start_s=5)
    caller.wait_for_end(job)


# ── what comes after an end ───────────────────────────────────────────────────────────────────────


@_scenario("failed")
def a_retry(caller: Caller) -> None:
    job = caller.submit(["refuse"], key="k")
    caller.wait_for_end(job)
    caller.wait_for_end(caller.retry(job, key="again") if job else None)


@_scenario("succeeded")
def a_callback_that_fails_for_an_hour(caller: Caller) -> None:
    caller.cloud.answers[:] = [500, 0, 500, 500, 200]
    job = caller.submit(["succeed"], key="k", callback=True)
    caller.wait_for_end(job)


@_scenario("succeeded")
def a_callback_that_never_answers(caller: Caller) -> None:
    caller.cloud.answers[:] = [0]
    caller.submit(["succeed"], callback=True, retention=2_000_000)


@_scenario("succeeded")
def a_callback_that_is_gone_and_a_replay(caller: Caller) -> None:
    caller.cloud.answers[:] = [410, 200]
    job = caller.submit(["succeed"], key="k", callback=True)
    caller.wait_for_end(job)
    caller.cloud.sleep(60)
    caller.replay(job)


@_scenario("succeeded")
def an_erase_before_the_callback_heard(caller: Caller) -> None:
    caller.cloud.answers[:] = [500, 500, 500, 200]
    job = caller.submit(["return-much"], key="k", callback=True)
    caller.wait_for_end(job)
    caller.cloud.sleep(400)
    caller.erase(job)


# ── writes and messages out of turn ───────────────────────────────────────────────────────────────


@_scenario("succeeded")
def writes_out_of_turn(caller: Caller) -> None:
    """All writes of a job, at wrong times and with wrong tokens: the table refuses them."""
    job = caller.submit(["take-long"], key="k", start_s=20, within_s=1000)
    for _ in range(8):
        caller.cloud.sleep(5)
        if job is not None:
            caller.cloud.join(caller.cloud.start("writer", partial(_write_all, caller, job)), 60)
    caller.wait_for_end(job)


@_scenario("succeeded")
def leftovers_in_the_record_of_an_end(caller: Caller) -> None:
    """An end's record has again what an end removes, as from an earlier version: it stays an end."""
    job_id = caller.submit(["succeed"], key="k", within_s=3000)
    caller.wait_for_end(job_id)
    items, key = caller.cloud.memory.items, ("JOB#acme#0", job_id or "")
    if job_id is None:
        return
    past, ended = caller.cloud.now - 1, items[key]
    items[key] = ended | {"lease_until": past, "due_at": past, "due_shard": 0}
    caller.cloud.memory.sqs_send_message(
        QueueUrl="aws/OnTimeQueue", MessageBody=f'{{"owner": "acme", "id": "{job_id}"}}'
    )
    caller.cloud.react()
    caller.cloud.sleep(100)
    caller.cloud.start("writer", partial(_write_all, caller, job_id, past))
    caller.cloud.sleep(1)
    items[key] = ended


def _write_all(caller: Caller, job_id: str, token: int = 99) -> None:
    services = caller.cloud.apps["sweep"].services
    job, now = services.store.get(Ref("acme", job_id)), services.clock()
    if job is None:
        return
    late = protocol.end(job, "failed", job.deadline, error={"name": "deadline-exceeded"})
    won = protocol.end(job, "succeeded", now, result="{}")
    for write, changes in {
        "progress": {"progress": {"fraction": 1.0}},
        "finish": won,
        "release": {"status": "queued", "lease_until": None, "lease_holder": None},
        "expire": late,
        "erase": {"erased": True},
        "reschedule": store.due(job_id, None),
    }.items():
        if write != "erase" or not job.is_ended:  # which is for its owner to do
            services.store.write(job.ref, write, now, changes, token=token)


# ── what only an operator does ────────────────────────────────────────────────────────────────────


@_scenario("failed", "succeeded")
def a_dead_letter_of_a_waiting_job(caller: Caller) -> None:
    job = caller.submit(["succeed"], key="k", start_s=300)
    caller.cloud.sleep(10)
    _move_to_dead_letters(caller)
    caller.wait_for_end(job)


@_scenario("failed")
def a_dead_letter_after_the_deadline(caller: Caller) -> None:
    caller.submit(["wait"], key="k", within_s=25)
    caller.cloud.sleep(27)
    _move_to_dead_letters(caller)


@_scenario("failed", "succeeded")
def a_dead_letter_of_a_running_job(caller: Caller) -> None:
    job = caller.submit(["take-long"], key="k", callback=True)
    caller.cloud.sleep(5)
    _move_to_dead_letters(caller)
    caller.wait_for_end(job)


@_scenario("succeeded")
def a_dead_letter_of_a_webhook(caller: Caller) -> None:
    caller.cloud.answers[:] = [500, 500, 200]
    job = caller.submit(["succeed"], key="k", callback=True)
    caller.wait_for_end(job)
    caller.cloud.sleep(30)
    _move_to_dead_letters(caller, "WebhookQueue")
    caller.cloud.sleep(30)
    caller.replay(job)


@_scenario("succeeded")
def unreadable_messages(caller: Caller) -> None:
    """Each is kept for an operator, and delays no other message."""
    bodies = {
        "FlexibleQueue": '{"owner": "acme"}',
        "OnTimeQueue": '{"owner": "acme", "id": "1"}',
        "WebhookQueue": '{"url": "https://hooks.example.org/x"}',
    }
    for queue, body in bodies.items():
        caller.cloud.unreadable.append(body)
        caller.cloud.memory.sqs_send_message(QueueUrl=f"aws/{queue}", MessageBody=body)
    caller.wait_for_end(caller.submit(["succeed"], key="k", callback=True))


def _move_to_dead_letters(caller: Caller, *queues: str) -> None:
    """Move all messages of the lanes to the dead-letter queue, as SQS does after too many receives."""
    caller.cloud.has_dead_letters = True
    for message in caller.cloud.memory.messages:
        if message.queue in (queues or LANES):
            message.queue, message.visible_at = "DeadLetterQueue", caller.cloud.now
    caller.cloud.react()
