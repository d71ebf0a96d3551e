"""Examples of response bodies: a job, made by the API's own code, and the resources around it."""

from http import HTTPStatus
from typing import Any

import msgspec

from described.shapes import BASE
from nowlater import problems
from nowlater.instants import from_rfc3339
from nowlater.jobs import view
from nowlater.jobs.model import Job
from nowlater.runtime.definition import DOORS

_ACCEPTED = from_rfc3339("2026-11-24T19:18:47.464Z")
_ENDED = {"status": "succeeded", "ended": _ACCEPTED + 5200, "expires": _ACCEPTED + 86_405_200}
_RUN_TIME = {"runs": 412, "p50_s": 1.2, "p90_s": 3.4}
_DESCRIPTION = "Counts a text's characters, words, sentences and paragraphs."
_SECRET = "whsec_" + "A" * 43 + "="
_UPLOAD = "cba25ee28a992884639335de083e83c6"
_PRESIGNED = "https://bucket.s3.eu-central-1.amazonaws.com/{}?X-Amz-Algorithm=AWS4-HMAC-SHA256"


def example_bodies() -> dict[str, Any]:
    """Return an example of each response body, by the name of its schema."""
    running = _representation(_running_job())
    progress = {"fraction": 1.0, "message": "31000 rows"}
    ended = msgspec.structs.replace(
        _running_job(), **_ENDED, progress=progress, result='{"rows":31000}'
    )
    return {
        "Job": running,
        "Attempt": running["attempts"][0],
        "JobPage": {"jobs": [running], "next": None},
        "JobCounts": _counts(running),
        "LaneList": _lanes(running),
        **_webhook_bodies(_representation(ended)),
        **_operation_bodies(),
        "Upload": {
            "id": _UPLOAD,
            "method": "PUT",
            "url": _PRESIGNED.format(f"uploads/acme/{_UPLOAD}"),
            "headers": {
                "Content-Type": "text/csv",
                "Content-Length": "20971520",
                "If-None-Match": "*",
            },
            "expires": "2026-11-24T19:23:47.730Z",
            "use": {"upload": _UPLOAD},
        },
        "Download": {
            "url": _PRESIGNED.format("results/acme/01a20eff"),
            "media_type": "application/json",
        },
        "ProblemKind": {
            "type": problems.type_url("refused", BASE),
            "title": problems.KINDS["refused"].title,
            "status": 422,
            "phrase": HTTPStatus(422).phrase,
        },
        "Health": {"status": "ok"},
    }


def _counts(job: Any) -> dict[str, Any]:
    group = {"from": None, "operation": job["operation"], "status": job["status"], "jobs": 1}
    frame = {"since": "2026-11-24T00:00:00.000Z", "until": job["updated"], "complete": True}
    return {"counts": [group]} | frame


def _lanes(job: Any) -> dict[str, Any]:
    names = ("waiting", "in_flight", "delayed", "concurrency")
    on_time = dict(zip(names, (14, 4, 2, 10), strict=True))
    flexible = dict(zip(names, (0, 0, 0, 2), strict=True))
    busy = {"queued": 3, "running": 1, "waiting_since": job["created"]}
    idle = {"queued": 0, "running": 0, "waiting_since": None}
    return {
        "lanes": [
            {"lane": "on-time", **on_time, "yours": busy},
            {"lane": "flexible", **flexible, "yours": idle},
        ],
        "as_of": job["updated"],
        "complete": True,
    }


def _webhook_bodies(job: Any) -> dict[str, Any]:
    attempt = {"at": "2026-11-24T19:18:52.900Z", "status": 200, "failure": None}
    delivery: dict[str, Any] = {
        "number": 1,
        "event": f"{job['id']}/succeeded",
        "url": "https://hooks.example.com/nowlater",
        "state": "delivered",
        "count": 1,
        "next": None,
        "attempts": [attempt | {"latency_ms": 84, "size": 0, "reply": None}],
        "links": {"replay": f"{job['links']['self']}/deliveries/1/replay"},
    }
    links = {**delivery["links"], "job": job["links"]["self"]}
    listed = {"job": job["id"], "operation": job["operation"], **delivery, "links": links}
    previous = {"secret": _SECRET.replace("A", "B"), "until": "2026-11-25T12:00:00.000Z"}
    return {
        "Event": {
            "specversion": "1.0",
            "id": delivery["event"],
            "source": BASE,
            "type": "nowlater.job.succeeded",
            "subject": job["id"],
            "time": job["ended"],
            "timestamp": job["ended"],
            "datacontenttype": "application/json",
            "data": job,
        },
        "Delivery": delivery,
        "DeliveryList": {"deliveries": [delivery]},
        "ListedDelivery": listed,
        "DeliveryPage": {"deliveries": [listed], "next": None},
        "Secret": {"host": "hooks.example.com", "secret": _SECRET, "previous": [previous]},
        "Rotation": {
            "rotated": "2026-11-24T12:00:00.000Z",
            "previous_until": "2026-11-25T12:00:00.000Z",
        },
    }


def _operation_bodies() -> dict[str, Any]:
    common = {"name": "text-stats", "description": _DESCRIPTION}
    in_short = common | {"doors": list(DOORS), "url": f"{BASE}/operations/text-stats"}
    operation = common | {
        "input": {"type": "object", "properties": {"text": {"type": "string"}}},
        "result": {"type": "object"},
        "doors": {door: f"{BASE}/{door}/text-stats" for door in DOORS},
        "limits": {"timeout_s": 20.0, "attempts": 2},
        "run_time": _RUN_TIME,
    }
    return {
        "OperationInShort": in_short,
        "OperationList": {"operations": [in_short]},
        "Operation": operation,
    }


def _representation(job: Job) -> Any:
    return msgspec.json.decode(msgspec.json.encode(view.representation(job)))


def _running_job() -> Job:
    return Job(
        owner="acme",
        id="01a20eff-13a8-723c-a1e0-0187f181401b",
        operation="csv-profile",
        lane="on-time",
        has_deadline=True,
        status="running",
        base=BASE,
        created=_ACCEPTED,
        updated=_ACCEPTED + 2107,
        started=_ACCEPTED + 85,
        attempt=1,
        deadline=_ACCEPTED + 3_600_000,
        timeout_ms=240_000,
        retention_s=86_400,
        attempts_left=2,
        progress={"fraction": 0.4, "message": "12000 rows"},
        tags={"order": "42"},
    )
