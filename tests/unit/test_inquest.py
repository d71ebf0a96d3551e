"""The auditor of runs in which processes are killed finds each violation."""

from typing import Any

import pytest

from tests.soak.inquest import Inquest, Trace
from tests.soak.ledger import Ledger

#: 2026-11-25T12:00:00Z
NOON = 1_795_608_000_000
CALLBACK = {"url": "http://127.0.0.1/hook", "events": ["succeeded"]}


def a_job(**changes: Any) -> dict[str, Any]:
    job = {"id": "j1", "status": "succeeded", "attempt": 2, "result": {"attempt": 2}}
    times = {"start_at": "2026-11-25T12:00:00.000Z", "started": "2026-11-25T12:00:20.000Z"}
    times |= {"ended": "2026-11-25T12:00:22.000Z", "deadline": "2026-11-25T12:01:00.000Z"}
    return job | times | {"error": None} | changes


def intent(key: str = "k1", **changes: Any) -> dict[str, Any]:
    asked = {"key": key, "path": "/async/witness", "body": {"callback": CALLBACK}, "prefer": None}
    return {"intent": asked | changes}


ASKED = [intent(), {"unanswered": "k1", "status": 502}]
ANSWERED = [*ASKED, {"answered": "k1", "status": 202, "job": "j1"}]
#: The first attempt was cut short.
TRACES = [
    Trace("began", "j1", 1, NOON + 1000),
    Trace("began", "j1", 2, NOON + 20_000),
    Trace("over", "j1", 2, NOON + 21_000),
]
CALLED = ["j1/succeeded", "j1/succeeded"]


def found(
    lines: list[dict[str, Any]], traces: list[Trace] = TRACES, called: list[str] = CALLED
) -> list[str]:
    ledger = Ledger()
    return [*Inquest(lines, ledger).violations(traces, called), *ledger.violations]


def test_without_a_violation_nothing_is_found() -> None:
    retried = {"body": None, "path": "/jobs/j1/retry"}
    again = [intent("k2", **retried), {"answered": "k2", "status": 202, "job": "j2"}]
    canceled = a_job(id="j2", status="canceled", attempt=0, started=None)
    lines = [*ANSWERED, {"seen": a_job()}, {"seen": a_job()}, *again, {"canceled": canceled}]

    assert found(lines) == []


@pytest.mark.parametrize(
    ("lines", "said"),
    [
        (ASKED, "was never answered"),
        ([*ANSWERED, {"answered": "k1", "status": 202, "job": "j2"}], "the key k1 named"),
        (
            [*ANSWERED, intent("k2"), {"answered": "k2", "status": 202, "job": "j1"}],
            "2 keys name j1",
        ),
        ([*ANSWERED, {"canceled": a_job(status="canceled", attempt=1)}], "it ran as [2]"),
        ([*ANSWERED, {"seen": a_job(status="failed")}], "an end has changed"),
    ],
)
def test_a_wrong_response_to_a_caller_is_found(lines: list[dict[str, Any]], said: str) -> None:
    assert [v for v in found([*lines, {"seen": a_job()}]) if said in v]


@pytest.mark.parametrize(
    ("job", "said"),
    [
        (a_job(result={"attempt": 1}), "the result is not that of the last attempt"),
        (a_job(attempt=3, result={"attempt": 3}), "the result is not that of the last attempt"),
        (a_job(attempt=1, result={"attempt": 1}), "has run as attempt 2"),
        (a_job(start_at="2026-11-25T12:00:02.000Z"), "before its start"),
        (a_job(deadline="2026-11-25T12:00:20.000Z"), "started after its deadline"),
        (a_job(deadline="2026-11-25T12:00:21.000Z"), "succeeded after its deadline"),
        (a_job(status="failed"), "j1/succeeded was sent, and not asked for"),
    ],
)
def test_a_job_that_does_not_fit_its_runs_is_found(job: dict[str, Any], said: str) -> None:
    assert [v for v in found([*ANSWERED, {"seen": job}]) if said in v]


@pytest.mark.parametrize(
    ("trace", "said"),
    [
        (TRACES[0], "attempt 1 of j1 began 2 times"),
        (Trace("over", "j1", 1, NOON + 20_001), "while another ran"),
        (Trace("began", "j9", 1, NOON), "j9 has run as attempt 1"),
    ],
)
def test_a_run_that_should_not_have_been_is_found(trace: Trace, said: str) -> None:
    assert [v for v in found([*ANSWERED, {"seen": a_job()}], [*TRACES, trace]) if said in v]


def test_a_webhook_that_did_not_come_is_found() -> None:
    assert found([*ANSWERED, {"seen": a_job()}], called=[]) == [
        "j1/succeeded was not sent to its callback"
    ]


def test_a_retry_is_called_back_like_its_job() -> None:
    again = [intent("k2", body=None, path="/jobs/j1/retry")]
    again += [{"answered": "k2", "status": 202, "job": "j2"}]
    ended = a_job(id="j2", attempt=1, result={"attempt": 1})
    traces = [Trace("began", "j2", 1, NOON + 9), Trace("over", "j2", 1, NOON + 10)]

    missed = found([*ANSWERED, {"seen": a_job()}, *again, {"seen": ended}], [*TRACES, *traces])
    assert missed == ["j2/succeeded was not sent to its callback"]
