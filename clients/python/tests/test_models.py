"""The models have the members that `/openapi.json` describes."""

import copy
from typing import Any

import pytest

from described import shapes, webhooks
from nowlater_client import Client, Job, models

SCHEMAS: dict[str, Any] = shapes.response_schemas() | webhooks.schemas()
#: Members that are no field: `JobState.error` and `Job.result()` give them, or Azure's pollers need them.
ELSEWHERE = {"JobState": {"result", "error", "resourceLocation"}, "Operation": {"url"}}
#: Members that only some of the schemas have.
SOMETIMES = {
    "Delivery": {"job", "operation"},
    "RunTimes": {"waiting"},
    "Operation": {"input", "result", "limits", "run_time"},
}
DESCRIBED = {
    "JobState": ["Job"],
    "Progress": ["Progress"],
    "Estimate": ["Estimate"],
    "Operation": ["Operation", "OperationInShort"],
    "Delivery": ["Delivery", "ListedDelivery"],
    "DeliveryAttempt": ["DeliveryAttempt"],
    "Secret": ["Secret"],
}


def is_nullable(schema: dict[str, Any]) -> bool:
    kinds = [part.get("type") for part in schema.get("anyOf", schema.get("oneOf", []))]
    kind = schema.get("type")
    return "null" in kinds or kind == "null" or (isinstance(kind, list) and "null" in kind)


@pytest.mark.parametrize("model", DESCRIBED)
def test_a_model_has_each_described_member_and_no_other(model: str) -> None:
    properties: dict[str, Any] = {}
    for name in DESCRIBED[model]:
        properties |= SCHEMAS[name]["properties"]
    found = models.members(getattr(models, model))

    known = found.keys() | ELSEWHERE.get(model, set())

    assert known == properties.keys()
    for name, kind in found.items():
        if name not in {"doors"} | SOMETIMES.get(model, set()):
            assert kind.endswith("| None") == is_nullable(properties[name]), name


def test_the_statuses_are_the_api_s() -> None:
    assert [*models.Status.__args__] == shapes.STATUSES  # type: ignore[attr-defined]


def test_members_of_later_versions_are_kept() -> None:
    progress = models.Progress({"fraction": None, "message": "m", "new": 1})

    assert progress.raw["new"] == 1


TIMES = dict.fromkeys(("created", "updated", "deadline"), "2026-11-24T19:18:47.464Z")
JOB = {"id": "j", "operation": "echo", "status": "queued", "tags": {}, "links": {}, **TIMES}


def test_a_repr_is_short() -> None:
    job = models.JobState({**JOB, "result": "x" * 1000, "tags": {"a": "b"}, "new": [1]})
    times = ", ".join(f"{name}=2026-11-24 19:18:47.464000+00:00" for name in TIMES)
    operation = {"name": "echo", "description": "x" * 1000, "input": {"a": "x" * 1000}}

    assert (
        repr(job)
        == f"JobState(id='j', operation='echo', status='queued', {times}, tags={{'a': 'b'}})"
    )
    assert len(repr(models.Operation(operation))) < 300


@pytest.mark.parametrize("copied", [copy.copy, copy.deepcopy])
def test_a_copy_of_a_job_is_one_of_the_same_client(copied: Any) -> None:
    raw: dict[str, Any] = {**JOB, "progress": {"fraction": 0.5, "message": "m", "new": 1}}
    with Client("https://api.example.com", "key") as client:
        job = client._new_job(raw)
        other = copied(job)

    assert (type(other), other._client, other) == (Job, client, job)
    assert (other.raw, other.progress) == (raw, job.progress)
    assert (other.raw["tags"] is job.raw["tags"]) is (copied is copy.copy)
    other._update({**raw, "status": "running"})
    assert (job.status, other.status) == ("queued", "running")


def test_jobs_are_equal_by_their_ids_and_other_models_by_what_they_have() -> None:
    assert {models.JobState(JOB), models.JobState({**JOB, "status": "failed"})} == {
        models.JobState(JOB)
    }
    assert models.Progress({"message": "a"}) != models.Progress({"message": "b"})
    assert models.Progress({"message": "a"}) == models.Progress({"message": "a"})
    assert models.Progress({"message": "a"}).fraction is None


def test_a_model_cannot_be_changed_and_shows_no_secret() -> None:
    secret = models.Secret({"host": "example.com", "secret": "whsec_abc", "previous": []})

    with pytest.raises(AttributeError, match="cannot be set"):
        secret.host = "other"
    assert repr(secret) == "Secret(host='example.com')"
    assert secret == models.Secret(secret.raw) != models.Secret({**secret.raw, "host": "other"})
