"""A worker that dies in the middle of a job."""

import os
import signal
import time

import pytest

from tests.e2e.client import Client
from tests.e2e.served import Served, Told

#: The local stack's WorkTimeout, and what the issue of a lost worker may take beyond it.
LIMIT_S = 60 + 60


@pytest.mark.usefixtures("diagnostics")
def test_a_job_whose_worker_is_killed_is_run_again_and_ends_once(
    api: Client, served: Served, told: Told
) -> None:
    job = api.submit("sleep", {"seconds": 8}, deliver={"within": 600})
    until = time.monotonic() + 20
    while (seen := api.get(job["links"]["self"]).json())["progress"] is None:
        assert time.monotonic() < until, seen
        time.sleep(0.1)
    for pid, command in served.processes():
        if "-Work-" in command:
            os.kill(pid, signal.SIGKILL)
    killed = time.monotonic()
    ended = api.ended(job, within_s=LIMIT_S + 8)
    events = told.of({job["id"]})

    assert (ended["status"], ended["attempt"]) == ("succeeded", 2)
    assert time.monotonic() - killed < LIMIT_S + 8
    assert {e["id"] for e in events} == {f"{job['id']}/succeeded"}
