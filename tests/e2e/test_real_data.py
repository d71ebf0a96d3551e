"""Real tables, photographs and a book at every door."""

import base64
import io
from pathlib import Path
from typing import Any

import msgspec
import pandas
import pytest
import requests
from PIL import Image

from operations.profiles import Profile
from operations.tests.real_data import PHOTOS, VEGA, as_pandas_does
from operations.tests.texts import BOOK
from tests.e2e.client import Client
from tests.e2e.patience import PATIENCE_S
from tests.large_csv import large_csv

INLINE = 1_000_000
DOORS = ("sync", "async", "hybrid")


def done(api: Client, door: str, operation: str, given: Any) -> Any:
    """Ask at a door, and return the answer that carries the result."""
    answer = api.ask(door, operation, given)
    if answer.status_code == 202:
        ended = api.ended(answer.json())
        assert ended["status"] == "succeeded", ended
        return api.result(ended)
    assert answer.status_code == 200, answer.text
    return answer


def document(api: Client, data: bytes, media_type: str) -> Any:
    """Return a file as an input: inline where it may be, else by an upload."""
    if len(data) > INLINE:
        return api.upload(data, media_type)
    if media_type.startswith("text/"):
        return data.decode()
    return {"base64": base64.b64encode(data).decode(), "media_type": media_type}


@pytest.mark.parametrize("door", DOORS)
@pytest.mark.parametrize("path", VEGA, ids=lambda path: path.stem)
def test_a_real_table_is_profiled_as_pandas_computes_it(api: Client, path: Path, door: str) -> None:
    given = {"csv": document(api, path.read_bytes(), "text/csv")}
    found = msgspec.json.decode(done(api, door, "csv-profile", given).content, type=Profile)
    table = pandas.read_csv(path)

    assert found.rows == len(table)
    assert [column.name for column in found.columns] == list(table)
    for column in found.columns:
        as_pandas_does(column, table[column.name])


@pytest.mark.parametrize("door", DOORS)
@pytest.mark.parametrize("path", PHOTOS, ids=lambda path: path.stem)
def test_a_real_photograph_comes_back_small(api: Client, path: Path, door: str) -> None:
    kind = "image/jpeg" if path.suffix == ".jpg" else "image/png"
    given = {"image": document(api, path.read_bytes(), kind), "width": 96, "height": 96}
    answer = done(api, door, "thumbnail", given)
    small, large = (Image.open(io.BytesIO(d)) for d in (answer.content, path.read_bytes()))

    assert answer.headers["Content-Type"] == kind
    assert max(small.size) == 96
    assert small.width / small.height == pytest.approx(large.width / large.height, rel=0.03)


@pytest.mark.parametrize("door", DOORS)
def test_a_book_is_counted(api: Client, door: str) -> None:
    found = done(api, door, "text-stats", {"text": BOOK}).json()

    assert found["characters"] == len(BOOK)
    assert found["words"] > 60_000


def test_a_large_csv_goes_in_and_its_profile_comes_out(api: Client) -> None:
    data = large_csv(11_000_000)  # more than a request to the API may have
    given = {"csv": api.upload(data, "text/csv")}
    job = api.submit("csv-profile", given, deadline={"within": 600})
    ended = api.ended(job)
    found = msgspec.json.decode(api.result(ended).content, type=Profile)

    assert ended["attempt"] == 1
    assert found.rows == data.count(b"\n") - 1
    assert found.columns[0].max == found.rows


def test_a_large_result_is_lent_by_a_url(api: Client) -> None:
    text = "\n".join(f"{word}-{n}" for n, word in enumerate(BOOK.split()[:20_000]))
    table = "\n".join(",".join(line.split("-", 1)) for line in text.splitlines()[:3000])
    wide = ",".join(f"c{n}" for n in range(200)) + "\n" + ",".join(["x"] * 200) + "\n" + table
    ended = api.ended(api.submit("csv-profile", {"csv": wide}))
    redirect = api.get(ended["links"]["result"])
    lent = api.get(ended["links"]["result"] + "?redirect=0")

    assert ended["result"] is None
    assert redirect.status_code == 303
    assert lent.status_code == 200
    fetched = requests.get(lent.json()["url"], timeout=PATIENCE_S)
    assert len(fetched.json()["columns"]) == 200
