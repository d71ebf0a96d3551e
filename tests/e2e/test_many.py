"""Many jobs at once, and many requests for one."""

from collections import Counter
from concurrent.futures import ThreadPoolExecutor

import pytest

from tests.e2e.client import Client
from tests.e2e.patience import eventually
from tests.e2e.served import Subscriber
from tests.receiver import Receiver

#: A thousand take a while.
MANY_S = 1200.0


@pytest.mark.nightly
def test_1000_jobs_of_8_clients_all_succeed_each_once_each_told_to_topic_and_callback(
    api: Client, subscriber: Subscriber
) -> None:
    with Receiver() as receiver:

        def submit(n: int) -> str:
            callback = {"url": receiver.url()}
            given = {"text": f"number {n}"}
            job = api.submit("text-stats", given, deadline={"within": 3600}, callback=callback)
            return str(job["id"])

        with ThreadPoolExecutor(8) as clients:
            ids = list(clients.map(submit, range(1000)))
        events = subscriber.of(set(ids), within_s=MANY_S)
        called = eventually(
            lambda: {got.headers["webhook-id"] for got in list(receiver.requests)},
            lambda ids: len(ids) >= 1000,
            within_s=MANY_S,
        )
    jobs = [api.get(f"/jobs/{job_id}").json() for job_id in ids]

    assert len(set(ids)) == 1000
    assert Counter((j["status"], j["attempt"]) for j in jobs) == {("succeeded", 1): 1000}
    assert {e["id"] for e in events} == {f"{job_id}/succeeded" for job_id in ids}
    assert called == {f"{job_id}/succeeded" for job_id in ids}
    assert [j["result"]["characters"] for j in jobs] == [len(f"number {n}") for n in range(1000)]


def test_twenty_requests_with_one_key_make_one_job(api: Client, key: str) -> None:
    headers = {"Idempotency-Key": key}

    def submit(n: int) -> str:
        return str(api.submit("text-stats", {"text": "once"}, headers=headers)["id"])

    with ThreadPoolExecutor(20) as clients:
        ids = set(clients.map(submit, range(20)))
    other = api.ask("async", "text-stats", {"text": "another"}, headers=headers)
    replayed = api.ask("async", "text-stats", {"text": "once"}, headers=headers)

    assert len(ids) == 1
    assert other.status_code == 422
    assert other.json()["type"].endswith("/problems/idempotency-key-reused")
    assert replayed.headers["Idempotency-Replayed"] == "true"
