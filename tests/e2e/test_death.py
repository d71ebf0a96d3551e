"""A worker that dies in the middle of a job."""

import os
import signal
import time

import pytest

from tests.e2e.client import Client
from tests.e2e.patience import LONGER
from tests.e2e.served import Served, Subscriber, make_key

pytestmark = pytest.mark.nightly

#: How long a message is hidden whose worker died, as the stack comes (`WorkTimeout` 300).
HIDDEN_S = 330


@pytest.mark.usefixtures("diagnostics")
def test_a_job_whose_worker_is_killed_is_run_again_and_ends_once(
    api: Client, served: Served, subscriber: Subscriber
) -> None:
    for seconds in LONGER:
        job = api.submit("sleep", {"seconds": seconds + 5}, deadline={"within": 600})
        api.running(job)
        for pid, command in served.processes():
            if "-Work-" in command:
                os.kill(pid, signal.SIGKILL)
        ended = api.ended(job)
        if ended["attempt"] > 1:  # else it had ended before
            break
    events = subscriber.of({job["id"]})

    assert (ended["status"], ended["attempt"]) == ("succeeded", 2)
    assert {e["id"] for e in events} == {f"{job['id']}/succeeded"}


@pytest.mark.usefixtures("diagnostics")
@pytest.mark.parametrize("kind", ["crash", "stuck"])
def test_a_job_that_ends_its_worker_holds_up_no_job_of_another_owner(
    kind: str, api: Client, served: Served
) -> None:
    """What a dead worker had received is hidden for HIDDEN_S."""
    other = Client(served.connection()["url"], make_key(served, "--owner", f"other-{kind}"))
    busy = [api.submit("sleep", {"seconds": 4}) for _ in range(2)]  # the lane's two workers
    for job in busy:
        api.running(job)
    ends_its_worker = api.submit("fail", {"kind": kind})
    others = [other.submit("echo", {"value": n}) for n in range(6)]
    began = time.monotonic()
    for job in others:
        assert other.ended(job, within_s=HIDDEN_S + 60)["status"] == "succeeded"
    took_s = time.monotonic() - began
    api.call("POST", ends_its_worker["links"]["cancel"])
    other.close()

    assert took_s < HIDDEN_S / 3
