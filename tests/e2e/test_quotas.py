"""A flooding owner on the deployed stack: refused at the doors, and alone in that."""

from collections.abc import Iterator
from itertools import batched
from typing import Any

import pytest

from tests.e2e.client import Client
from tests.e2e.patience import eventually
from tests.e2e.served import Served, make_key

TEXT = {"text": "To be."}
#: Each Lambda looks at one submit in ten, and there may be several.
MAX_SUBMITS = 100


def written(served: Served, requests: list[dict[str, Any]]) -> None:
    """Put or delete items of the table."""
    client, table = served.client("dynamodb"), served.stack().outputs["TableName"]
    for batch in batched(requests, 25, strict=False):
        answer = client.batch_write_item(RequestItems={table: list(batch)})
        assert not answer["UnprocessedItems"]


@pytest.fixture
def flooder(served: Served) -> Iterator[Client]:
    client = Client(served.connection()["url"], make_key(served, "--owner", "flooder"))
    yield client
    client.close()


@pytest.fixture
def flood(served: Served, flooder: Client) -> Iterator[str]:
    """Have as many unfinished jobs of that owner as it may have; yield the key of one of them."""
    key, later = "before the flood", {"after": 86_400}
    headers = {"Idempotency-Key": key}
    job = flooder.submit("text-stats", TEXT, start=later, headers=headers)["id"]
    where = {"PK": {"S": "JOB#flooder#0"}, "SK": {"S": job}}
    table = served.stack().outputs["TableName"]
    item = served.client("dynamodb").get_item(TableName=table, Key=where)["Item"]
    keys = [
        where | {"SK": {"S": f"{job[:-6]}{n:06x}"}}
        for n in range(int(served.stack().parameters["OwnerWaiting"]))
    ]
    unseen = {k: v for k, v in item.items() if not k.startswith("due_")}  # by the sweep
    written(served, [{"PutRequest": {"Item": unseen | k}} for k in keys])
    yield key
    written(served, [{"DeleteRequest": {"Key": k}} for k in keys])
    assert flooder.call("POST", f"/jobs/{job}/cancel").status_code == 200


@pytest.mark.nightly
def test_an_owner_with_too_many_unfinished_jobs_is_refused_and_no_other_owner(
    flood: str, flooder: Client, api: Client
) -> None:
    for _ in range(MAX_SUBMITS):
        refused = flooder.ask("async", "text-stats", TEXT)
        if refused.status_code != 202 and refused.status_code < 500:
            break
    headers = {"Idempotency-Key": flood}
    # On a busy machine the emulator's table can be too slow for the time that Submit has.
    replayed = eventually(
        lambda: flooder.ask("async", "text-stats", TEXT, start={"after": 86_400}, headers=headers),
        lambda answer: answer.status_code < 500,
    )

    assert refused.status_code == 429, refused.text
    assert refused.json()["type"] == f"{api.url}/problems/too-many-jobs"
    assert 1 <= int(refused.headers["Retry-After"]) <= 10
    assert refused.headers["RateLimit"].startswith('"unfinished-jobs";r=0;t=')
    assert refused.headers["RateLimit-Policy"].startswith('"unfinished-jobs";q=10000')
    assert replayed.headers["Idempotency-Replayed"] == "true"
    assert flooder.ask("sync", "text-stats", TEXT).status_code == 200
    assert api.ended(api.submit("text-stats", TEXT))["status"] == "succeeded"
