"""A worker that dies in the middle of a job."""

import os
import signal

import pytest

from tests.e2e.client import Client
from tests.e2e.served import Served, Told


@pytest.mark.usefixtures("diagnostics")
def test_a_job_whose_worker_is_killed_is_run_again_and_ends_once(
    api: Client, served: Served, told: Told
) -> None:
    job = api.submit("sleep", {"seconds": 8}, deliver={"within": 600})
    api.running(job)
    for pid, command in served.processes():
        if "-Work-" in command:
            os.kill(pid, signal.SIGKILL)
    ended = api.ended(job)
    events = told.of({job["id"]})

    assert (ended["status"], ended["attempt"]) == ("succeeded", 2)
    assert {e["id"] for e in events} == {f"{job['id']}/succeeded"}
