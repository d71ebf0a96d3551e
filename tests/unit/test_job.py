"""The state machine of a job: which writes its state allows."""

import msgspec
import pytest
from hypothesis import given

from nowlater.aws.table import pack_item, unpack_item
from nowlater.jobs.model import Job
from nowlater.jobs.protocol import WRITES, due_at, end, may
from tests.unit.jobs import HOUR, INSTANTS, NOW, TOKENS, is_met, job, jobs


def expected(write: str, a_job: Job, token: int) -> bool:
    """Say in the words of ARCHITECTURE.md whether a job allows a write NOW."""
    unfinished = a_job.status in ("scheduled", "queued", "running")
    runs = a_job.status == "running"
    waits = a_job.status in ("scheduled", "queued") and (a_job.not_before or 0) <= NOW
    lapsed = runs and a_job.lease_until is not None and a_job.lease_until < NOW
    in_time = a_job.deadline > NOW
    mine = runs and a_job.attempt == token
    return {
        "claim": waits and in_time,
        "reclaim": lapsed and a_job.attempts_left > 0 and in_time,
        "progress": mine,
        "finish": mine and in_time,
        "release": mine,
        "cancel": unfinished and in_time,
        "expire": unfinished and not in_time,
        "exhaust": unfinished and (not runs or lapsed) and in_time,
        "reschedule": unfinished and a_job.due_at == token,
        "erase": not unfinished,
    }[write]


@pytest.mark.parametrize("write", WRITES)
@given(jobs(), TOKENS | INSTANTS)
def test_a_write_is_allowed_in_just_these_states(write: str, a_job: Job, token: int) -> None:
    assert may(write, a_job, NOW, token) == expected(write, a_job, token)


@pytest.mark.parametrize("write", WRITES)
@given(jobs(), TOKENS | INSTANTS)
def test_a_clause_says_the_same_to_dynamodb_and_to_python(
    write: str, a_job: Job, token: int
) -> None:
    item = unpack_item(pack_item(msgspec.to_builtins(a_job)))
    for clause in WRITES[write]:
        assert is_met(clause.expression, item, token) == clause.holds(a_job, NOW, token)


@given(jobs(), TOKENS)
def test_an_ended_job_can_only_be_erased(a_job: Job, token: int) -> None:
    allowed = {write for write in WRITES if may(write, a_job, NOW, token)}

    if a_job.is_ended:
        assert allowed == {"erase"}
    else:
        assert "erase" not in allowed


@given(jobs())
def test_at_any_time_a_job_can_either_be_ended_in_time_or_expire(a_job: Job) -> None:
    cancel, expire = may("cancel", a_job, NOW), may("expire", a_job, NOW)

    assert cancel + expire == (not a_job.is_ended)


@given(jobs(), TOKENS, TOKENS)
def test_only_one_attempt_can_write(a_job: Job, one: int, other: int) -> None:
    both = may("finish", a_job, NOW, one) and may("finish", a_job, NOW, other)

    assert not both or one == other


@given(jobs())
def test_a_job_that_can_be_claimed_has_no_attempt_that_holds_it(a_job: Job) -> None:
    if may("claim", a_job, NOW) or may("reclaim", a_job, NOW):
        assert a_job.status != "running" or (a_job.lease_until or 0) < NOW


# ── what an end leaves ────────────────────────────────────────────────────────────────────────


def test_an_end_gives_up_the_lease_and_the_sweep() -> None:
    changes = end(job(status="running"), "succeeded", NOW, result="1")

    assert changes["result"] == "1"
    assert (changes["status"], changes["ended"], changes["updated"]) == ("succeeded", NOW, NOW)
    gone = ("lease_until", "lease_holder", "due_at", "due_shard")
    assert [changes[name] for name in gone] == [None] * 4


def test_an_ended_job_is_kept_as_long_as_it_says() -> None:
    assert end(job(retention_s=3600), "failed", NOW)["expires"] == NOW + HOUR


def test_the_record_outlives_what_the_owner_keeps_by_an_hour() -> None:
    changes = end(job(retention_s=7 * 86_400), "failed", NOW)

    assert changes["ttl"] * 1000 == NOW + 7 * 24 * HOUR + HOUR


def test_the_record_outlives_the_idempotency_key_that_names_it() -> None:
    changes = end(job(retention_s=3600, created=NOW - HOUR), "failed", NOW)

    assert changes["ttl"] * 1000 == NOW - HOUR + 24 * HOUR + HOUR


# ── when the sweep looks ──────────────────────────────────────────────────────────────────────


def test_the_sweep_looks_at_a_promised_deadline_and_at_no_other() -> None:
    assert due_at(True, None, NOW + HOUR, NOW) == NOW + HOUR
    assert due_at(False, None, NOW + HOUR, NOW) is None


@pytest.mark.parametrize(
    ("wait_s", "look_s"), [(0, None), (900, None), (901, 301), (86_400, 85_800)]
)
def test_the_sweep_looks_ahead_of_a_start_that_no_message_can_wait_for(
    wait_s: int, look_s: int | None
) -> None:
    look = due_at(False, NOW + wait_s * 1000, NOW + 48 * HOUR, NOW)

    assert look == (None if look_s is None else NOW + look_s * 1000)


def test_the_sweep_looks_at_the_bound_of_a_job_that_has_no_message_until_after_it() -> None:
    assert due_at(False, NOW + 24 * HOUR, NOW + 2 * HOUR, NOW) == NOW + 2 * HOUR


def test_the_sweep_looks_at_what_comes_first() -> None:
    assert due_at(True, NOW + 2 * HOUR, NOW + 3 * HOUR, NOW) == NOW + 2 * HOUR - 600_000
