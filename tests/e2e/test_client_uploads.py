"""The Python client's large files against a served stack: a submit that is repeated finds its job."""

import os
from pathlib import Path

import pytest

from nowlater_client import Client, errors
from tests.e2e.client import Client as Caller
from tests.e2e.patience import PATIENCE_S

#: Too large for a request: it is uploaded.
ROWS = (600 * 1024) // 4


@pytest.fixture
def client(api: Caller) -> Client:
    token = api.get("/health").request.headers["Authorization"].removeprefix("Bearer ")
    return Client(api.url, token)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    path = tmp_path / f"{os.urandom(4).hex()}.csv"
    path.write_bytes(b"n,s\n" + b"1,2\n" * ROWS)
    return path


def test_a_submit_of_a_large_file_with_a_key_is_one_job(
    client: Client, key: str, path: Path
) -> None:
    first = client.submit("csv-profile", {"csv": path}, key=key)
    second = client.submit("csv-profile", {"csv": path}, key=key)

    assert second.id == first.id
    assert first.result(PATIENCE_S)["rows"] == ROWS
    with pytest.raises(errors.IdempotencyKeyReused, match=first.id):
        client.submit("csv-profile", {"csv": b"n,s\n" + path.read_bytes()}, key=key)


def test_a_map_of_large_files_with_a_key_is_found_again(
    client: Client, key: str, path: Path
) -> None:
    inputs = [{"csv": path}, {"csv": path}, {"csv": b"n,s\n3,4\n" + path.read_bytes()}]
    runs = [
        {
            one.index: (one.job and one.job.id, one.result()["rows"])
            for one in client.as_completed("csv-profile", inputs, key=key, timeout=PATIENCE_S)
        }
        for _ in range(2)
    ]

    assert runs[0] == runs[1]
    assert runs[0][0] == runs[0][1]  # equal inputs share a job
    assert [runs[0][index][1] for index in range(3)] == [ROWS, ROWS, ROWS + 2]
