"""Payloads too large for the table: they are in the bucket, and callers see no difference."""

from typing import Any
from urllib.parse import parse_qs, urlsplit
from urllib.request import Request

import pytest

from tests.integration.faults import answered
from tests.integration.uploads import put, upload
from tests.integration.world import World

#: The item that counts what an owner uploads today.
COUNT = 1


def echo(size: int) -> dict[str, str]:
    """Return an input of that many bytes of JSON, to which `echo` returns 10 fewer."""
    return {"value": "x" * (size - 12)}


def fetched(world: World, url: str) -> tuple[bytes, str]:
    """Return what lies at a presigned URL of the bucket, and its type."""
    return world.object(urlsplit(url).path.removeprefix("/"))


@pytest.mark.parametrize(("size", "objects"), [(2048, 0), (2049, 1)])
def test_an_input_above_2_kb_goes_into_the_bucket(world: World, size: int, objects: int) -> None:
    job = world.submit("echo", echo(size)).json["id"]

    assert len(world.objects("inputs/")) == objects
    assert ("input" in world.job(job)) == (objects == 0)
    world.work()
    assert world.see(job)["result"] == echo(size)["value"]


def test_the_input_is_in_the_bucket_before_the_job_is_accepted(world: World) -> None:
    world.faults.unreachable("dynamodb.PutItem")
    reply = world.submit("echo", echo(4000))

    assert reply.status == 503
    assert len(world.objects("inputs/acme/")) == 1


@pytest.mark.parametrize(("size", "objects"), [(16 * 1024, 0), (16 * 1024 + 1, 1)])
def test_a_result_above_16_kb_goes_into_the_bucket(world: World, size: int, objects: int) -> None:
    job = world.submit("echo", echo(size + 10)).json["id"]
    world.work()
    seen = world.see(job)

    assert seen["status"] == "succeeded"
    assert len(world.objects(f"results/acme/{job}/")) == objects
    assert (seen["result"] is None) == (objects == 1)
    assert seen["links"]["result"].endswith(f"/jobs/{job}/result")


def test_a_large_result_is_where_the_answer_redirects_to(world: World) -> None:
    job = world.submit("echo", echo(20_000)).json["id"]
    world.work()
    reply = world.call("result", id=job)
    body, media_type = fetched(world, reply.headers["location"])

    assert (reply.status, reply.body) == (303, b"")
    assert reply.headers["cache-control"] == "no-store"
    assert (len(body), media_type) == (20_000 - 10, "application/json")
    assert "content-security-policy" not in reply.headers  # it is no file
    query = parse_qs(urlsplit(reply.headers["location"]).query)
    assert query["X-Amz-Algorithm"] == ["AWS4-HMAC-SHA256"]
    assert int(query["X-Amz-Expires"][0]) <= 300


def test_a_large_result_is_answered_as_a_url_to_a_client_that_cannot_follow_redirects(
    world: World,
) -> None:
    given = {"text": "\xff", "times": 20_000, "media_type": "image/png"}
    job = world.submit("document", given).json["id"]
    world.work()
    reply = world.call("result", id=job, query={"redirect": "0"})

    assert (reply.status, reply.json["media_type"]) == (200, "image/png")
    assert fetched(world, reply.json["url"]) == (b"\xff" * 20_000, "image/png")


def test_the_redirect_to_a_large_file_of_json_says_that_it_is_a_file(world: World) -> None:
    given = {"text": "1", "times": 20_000, "media_type": "application/json"}
    job = world.submit("document", given).json["id"]
    world.work()
    reply = world.call("result", id=job)

    assert (reply.status, reply.headers["content-security-policy"][:7]) == (303, "sandbox")


@pytest.mark.parametrize(
    ("media_type", "extension"),
    [
        ("image/png", ".png"),
        ("text/csv; charset=utf-8", ".csv"),
        ("application/x-own", ""),
    ],
)
def test_a_large_result_is_saved_under_the_name_of_its_job(
    world: World, media_type: str, extension: str
) -> None:
    given = {"text": "x", "times": 20_000, "media_type": media_type}
    job = world.submit("document", given).json["id"]
    world.work()
    reply = world.call("result", id=job)
    query = parse_qs(urlsplit(reply.headers["location"]).query)

    assert query["response-content-disposition"] == [f'attachment; filename="{job}{extension}"']


def test_a_large_result_is_published_as_its_link_alone(world: World) -> None:
    world.submit("echo", echo(20_000))
    world.work()
    world.notify()
    (notification,) = world.published()

    assert len(notification["Message"]) < 2000


# ── uploads ───────────────────────────────────────────────────────────────────────────────────


def test_an_upload_works_exactly_as_its_response_says(world: World) -> None:
    begun = upload(world)
    query = parse_qs(urlsplit(begun.json["url"]).query)

    assert (begun.status, begun.json["method"]) == (201, "PUT")
    assert begun.headers["cache-control"] == "no-store"
    assert begun.json["headers"] == {
        "Content-Type": "text/csv",
        "Content-Length": "7",
        "If-None-Match": "*",
    }
    signed = set(query["X-Amz-SignedHeaders"][0].split(";"))
    assert signed == {"content-length", "content-type", "host", "if-none-match"}
    assert int(query["X-Amz-Expires"][0]) <= 300
    assert begun.json["expires"] == "2026-11-24T12:05:00.000Z"
    assert Request(begun.json["url"]).host.startswith(world.ids["Bucket"])
    assert world.counts() == (COUNT, 0, 0)


def test_the_same_idempotency_key_and_request_give_the_same_upload(world: World) -> None:
    first, again, resized, other, foreign, unkeyed = (
        upload(world, owner, {"idempotency-key": key} if key else {}, **changes).json["id"]
        for owner, key, changes in (
            ("acme", "batch:1f2e", {}),
            ("acme", "batch:1f2e", {}),
            ("acme", "batch:1f2e", {"size": 8}),
            ("acme", "batch:77aa", {}),
            ("globex", "batch:1f2e", {}),
            ("acme", None, {}),
        )
    )

    assert first == again
    assert len({first, resized, other, unkeyed}) == 4
    assert foreign == first  # in a folder of its owner's own
    refused = upload(world, "acme", {"idempotency-key": "a\u00e9"})
    assert (refused.status, refused.problem) == (400, "malformed-request")


def test_a_submit_is_repeated_with_its_file_uploaded_again_under_the_same_key(world: World) -> None:
    jobs = []
    for _ in range(2):
        begun = upload(world, "acme", {"idempotency-key": "report:9af1"})
        put(world, begun)
        body = {"input": {"files": [begun.json["use"]]}}
        reply = world.call(
            "submit", operation="sizes", body=body, headers={"idempotency-key": "report"}
        )
        jobs.append(reply.json["id"])

    assert jobs[0] == jobs[1]


@pytest.mark.parametrize("door", ["sync", "submit", "hybrid"])
def test_an_upload_is_looked_at_once_however_often_an_input_refers_to_it(
    world: World, door: str
) -> None:
    begun = upload(world)
    put(world, begun)
    world.calls.clear()
    body = {"input": {"files": [begun.json["use"]] * 3000}}
    reply = world.call(door, operation="sizes", body=body, headers={"idempotency-key": None})
    world.work()

    job = None if door == "sync" else next(i for i in world.items() if i["SK"] != "KEY")
    assert (reply.status, job and job["status"]) in (
        (200, None),
        (202, "succeeded"),
        (200, "succeeded"),
    )
    assert world.calls.count("s3.HeadObject") == (
        1 if door == "sync" else 2
    )  # at submit, and in the run


@pytest.mark.parametrize("door", ["sync", "submit", "hybrid"])
def test_an_upload_is_read_like_any_file(world: World, door: str) -> None:
    begun = upload(world)
    put(world, begun)
    body = {"input": {"file": begun.json["use"]}}
    reply = world.call(door, operation="read", body=body, headers={"idempotency-key": None})
    world.work()

    expected = {"text": "a,b\n1,2", "media_type": "text/csv"}
    if door == "submit":
        assert world.see(reply.json["id"])["result"] == expected
    else:
        assert (reply.status, reply.json) == (200, expected)


@pytest.mark.parametrize("door", ["sync", "submit", "hybrid"])
def test_a_missing_upload_is_an_invalid_input(world: World, door: str) -> None:
    begun = upload(world)
    reply = world.call(door, operation="csv-profile", body={"input": {"csv": begun.json["use"]}})

    assert (reply.status, reply.problem) == (422, "invalid-input")
    assert world.counts() == (COUNT, 0, 0)


@pytest.mark.parametrize("status", [403, 404])
def test_a_deleted_upload_is_recognized_in_every_answer_of_s3(world: World, status: int) -> None:
    """S3 answers 403 for a missing object to a caller who may not list; operations may list by prefix."""
    begun = upload(world)
    gone = lambda request: answered(request.url, status, b"")  # noqa: E731
    world.faults.always("s3.HeadObject", gone)
    reply = world.call("sync", operation="read", body={"input": {"file": begun.json["use"]}})

    assert (reply.status, reply.problem) == (422, "invalid-input")
    assert f"{begun.json['id']} does not exist: PUT its content first" in reply.json["detail"]


@pytest.mark.parametrize("door", ["sync", "submit", "hybrid"])
def test_an_upload_is_its_owners_alone(world: World, door: str) -> None:
    begun = upload(world)
    put(world, begun)
    body = {"input": {"csv": begun.json["use"]}}
    reply = world.call(door, operation="csv-profile", body=body, owner="other")

    assert (reply.status, reply.problem) == (422, "invalid-input")
    assert world.counts() == (COUNT, 0, 1)


@pytest.mark.parametrize(
    "said",
    [
        {"size": 0},
        {"size": -1},
        {"size": 1.5},
        {"size": "7"},
        {"size": None},
        {"size": 5 * 1024**3 + 1},
        {"size": 10**30},
        {"media_type": "text"},
        {"media_type": "text/csv\r\nX-Evil: 1"},
        {"media_type": "text/csv\n"},
        {"media_type": None},
        {"name": "a.csv"},
    ],
    ids=ascii,
)
def test_an_upload_of_the_wrong_form_is_malformed(world: World, said: dict[str, Any]) -> None:
    reply = upload(world, **said)

    assert (reply.status, reply.problem) == (400, "malformed-request")
    assert '"size"' in reply.json["detail"]


@pytest.mark.parametrize("raw", ["", "[]", "null", "7", '{"media_type": "text/csv"}'])
def test_an_upload_without_its_size_is_malformed(world: World, raw: str) -> None:
    reply = world.call("upload", raw=raw)

    assert (reply.status, reply.problem) == (400, "malformed-request")
