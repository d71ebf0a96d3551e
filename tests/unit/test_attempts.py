"""The attempts at a job: stored where there is more than one, and shown always."""

from typing import Any

import msgspec
import pytest

from nowlater.jobs import attempts
from nowlater.jobs.model import Attempt, Job
from nowlater.problems import Problem
from tests.unit.jobs import NOW, job

FAILED = Attempt(number=1, started=NOW - 3000, ended=NOW - 2000, outcome="failed")


def ended_by(problem: Any, status: str = "failed", **changes: Any) -> Job:
    error = Problem(problem, "It is so.").record()
    usual = {"attempt": 1, "started": NOW - 1000, "ended": NOW}
    return job(status=status, error=error, **usual | changes)


def outcomes(of_job: Job) -> list[tuple[int, str | None]]:
    return [(attempt.number, attempt.outcome) for attempt in attempts.of(of_job)]


def test_a_job_that_no_attempt_has_begun_has_no_attempts() -> None:
    assert attempts.of(job()) == ()
    assert attempts.of(ended_by("canceled", "canceled", attempt=0, started=None)) == ()
    assert attempts.of(ended_by("deadline-exceeded", attempt=0, started=None)) == ()


def test_the_attempt_that_runs_has_begun_and_not_ended() -> None:
    running = job(status="running", attempt=2, started=NOW, attempts=(FAILED,))

    assert attempts.of(running) == (FAILED, Attempt(number=2, started=NOW))


def test_a_first_attempt_that_succeeds_is_the_record_itself() -> None:
    succeeded = job(status="succeeded", attempt=1, started=NOW - 1000, ended=NOW)

    assert attempts.of(succeeded) == (
        Attempt(number=1, started=NOW - 1000, ended=NOW, outcome="succeeded"),
    )
    assert "attempts" not in msgspec.to_builtins(succeeded)


@pytest.mark.parametrize(
    ("problem", "outcome"),
    [
        ("operation-failed", "failed"),
        ("timed-out", "timed-out"),
        ("refused", "refused"),
        ("invalid-input", "refused"),
        ("unavailable", "unavailable"),
        ("attempts-exhausted", "cut-short"),
        ("deadline-exceeded", "deadline-exceeded"),
    ],
)
def test_the_last_attempt_ended_as_its_job_did(problem: str, outcome: str) -> None:
    assert outcomes(ended_by(problem)) == [(1, outcome)]
    assert outcomes(ended_by("canceled", "canceled")) == [(1, "canceled")]


@pytest.mark.parametrize("status", ["scheduled", "queued", "canceled"])
def test_a_job_that_waits_or_ended_between_two_attempts_has_those_that_were(status: str) -> None:
    waiting = job(
        status=status, attempt=1, attempts=(FAILED,), error=Problem("canceled", "").record()
    )

    assert attempts.of(waiting) == (FAILED,)


def test_an_attempt_that_ends_before_its_job_is_added_to_those_before() -> None:
    running = job(status="running", attempt=2, started=NOW - 1000, attempts=(FAILED,))
    added = attempts.ended(running, "unavailable", NOW, "x" * 500)

    assert added == [
        msgspec.to_builtins(FAILED),
        {
            "number": 2,
            "started": NOW - 1000,
            "ended": NOW,
            "outcome": "unavailable",
            "detail": "x" * 200,
        },
    ]


def test_of_many_attempts_the_last_twenty_stay_and_their_numbers_count_the_rest() -> None:
    running = job(status="running", attempts_left=1000)
    for number in range(1, 1000):
        running = msgspec.structs.replace(running, attempt=number, started=NOW)
        log = msgspec.convert(attempts.ended(running, "failed", NOW), tuple[Attempt, ...])
        running = msgspec.structs.replace(running, attempts=log)
    running = msgspec.structs.replace(running, attempt=1000)

    assert [a.number for a in running.attempts] == list(range(980, 1000))
    assert [a.number for a in attempts.of(running)] == list(range(981, 1001))
    assert len(msgspec.json.encode(running.attempts)) < 2000
