"""Two lanes: jobs without a deadline do not delay one that has one."""

from concurrent.futures import ThreadPoolExecutor

import pytest

from tests.e2e.client import Client


@pytest.mark.usefixtures("diagnostics")
def test_200_flexible_jobs_do_not_delay_one_with_a_deadline(api: Client, key: str) -> None:
    def submit(_: int) -> str:
        return str(api.submit("sleep", {"seconds": 30}, tags={"burst": key})["id"])

    def cancel(job_id: str) -> int:
        return api.call("POST", f"/jobs/{job_id}/cancel").status_code

    with ThreadPoolExecutor(8) as clients:
        ids = list(clients.map(submit, range(200)))
        urgent = api.submit("sleep", {"seconds": 1}, deadline={"within": 600})
        last = api.get(f"/jobs/{ids[-1]}").json()
        ended = api.ended(urgent)
        waiting = api.get(f"/jobs/{ids[-1]}").json()
        canceled = list(clients.map(cancel, ids))

    assert (ended["status"], ended["attempt"]) == ("succeeded", 1), ended
    assert [last["status"], waiting["status"]] == ["queued", "queued"]
    assert set(canceled) <= {200, 409}
    assert canceled.count(200) > 150, "the flexible jobs were not in the way"
