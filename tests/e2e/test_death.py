"""A worker that dies in the middle of a job."""

import os
import signal

import pytest

from tests.e2e.client import Client
from tests.e2e.patience import LONGER
from tests.e2e.served import Served, Told


@pytest.mark.usefixtures("diagnostics")
def test_a_job_whose_worker_is_killed_is_run_again_and_ends_once(
    api: Client, served: Served, told: Told
) -> None:
    for seconds in LONGER:
        job = api.submit("sleep", {"seconds": seconds + 5}, deliver={"within": 600})
        api.running(job)
        for pid, command in served.processes():
            if "-Work-" in command:
                os.kill(pid, signal.SIGKILL)
        ended = api.ended(job)
        if ended["attempt"] > 1:  # else it had ended before
            break
    events = told.of({job["id"]})

    assert (ended["status"], ended["attempt"]) == ("succeeded", 2)
    assert {e["id"] for e in events} == {f"{job['id']}/succeeded"}
