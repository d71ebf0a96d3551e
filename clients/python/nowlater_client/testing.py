"""A stand-in for a nowlater API in memory, for tests of code that uses the client.

    server = Server({"greet": lambda name: f"Hello, {name}!"})
    with server.client() as client:
        assert client.call("greet", {"name": "Ada"}) == "Hello, Ada!"

It serves all that the client asks for, with the API's problems and headers. Jobs run once, when they are
looked at: each is `queued`, then `running`, then ended; with a `start`, it is `scheduled` until then, and
after its `deadline` it fails. `server.requests` has what was sent. An exception of an operation is logged
with its traceback, by the logger `nowlater_client.testing`.

It sends no webhooks: the delivery of a job with a `callback` is one that waits. It does not check types.
"""

from __future__ import annotations

import asyncio
import base64
import hashlib
import inspect
import json
import logging
import re
import threading
import time
import uuid
from collections import Counter
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta, timezone
from typing import Any
from urllib.parse import parse_qsl, unquote, urlencode

import httpx

from nowlater_client.client import AsyncClient, Client
from nowlater_client.files import File
from nowlater_client.models import read_time

URL, STORE, KEY = "https://nowlater.test", "https://store.test", "nl_test"
_INLINE_BYTES = 16 * 1024
_OPTIONS = {"input", "start", "deadline", "retention", "callback", "tags"}
_LOG = logging.getLogger(__name__)


class Refused(Exception):
    """Raise this in an operation to refuse its input."""


class _Problem(Exception):
    def __init__(self, status: int, code: str, detail: str, **more: Any) -> None:
        self.document = {"type": f"{URL}/problems/{code}", "title": code, "status": status}
        self.document |= {"detail": detail, "code": code, "message": detail, **more}


class Server:
    """Operations by name, each a function of its input's members; `file` arguments are bytes."""

    def __init__(self, operations: Mapping[str, Callable[..., Any]], *, reads: int = 2) -> None:
        self.operations = operations
        #: The requests received, oldest first.
        self.requests: list[httpx.Request] = []
        self.jobs: dict[str, dict[str, Any]] = {}
        self._reads, self._left, self._stored = reads, dict[str, int](), dict[str, File]()
        self._keys: dict[str, tuple[Any, str]] = {}
        self._bodies: dict[str, Any] = {}
        self._lock = threading.RLock()  # requests come from several threads
        self._running, self._rotations = set[str](), 0

    def client(self, **options: Any) -> Client:
        """Return a client of this server."""
        http = httpx.Client(transport=httpx.MockTransport(self.handle))
        return Client(URL, KEY, http_client=http, **options)

    def async_client(self, **options: Any) -> AsyncClient:
        """Return an asynchronous client of this server."""
        http = httpx.AsyncClient(transport=httpx.MockTransport(self.handle))
        return AsyncClient(URL, KEY, http_client=http, **options)

    def handle(self, request: httpx.Request) -> httpx.Response:
        """Return the response to a request, as the API and its bucket would."""
        request.read()
        self.requests.append(request)
        if request.url.host == "store.test":
            return self._store(request)
        if request.headers.get("authorization") != f"Bearer {KEY}":
            return httpx.Response(401, json={"message": "Unauthorized"})
        try:
            response = self._route(request)
        except _Problem as problem:
            response = _respond(problem.document)
        response.headers.update({"cache-control": "no-store", "x-content-type-options": "nosniff"})
        if request.method == "HEAD":
            return httpx.Response(response.status_code, headers=response.headers)
        return response

    def _route(self, request: httpx.Request) -> httpx.Response:
        method = "GET" if request.method == "HEAD" else request.method
        for pattern, route in _ROUTES:
            found = re.fullmatch(pattern, f"{method} {request.url.path}")
            if found:
                return route(self, request, *map(unquote, found.groups()))
        text = f"The stand-in has no {method} {request.url.path}. Use a stack: make up."
        raise _Problem(404, "unknown-route", text)

    def _store(self, request: httpx.Request) -> httpx.Response:
        if "authorization" in request.headers:
            return httpx.Response(400, text="<Error>the key was sent to S3</Error>")
        name = request.url.path.strip("/")
        if request.method == "PUT":
            if name in self._stored:
                return httpx.Response(412)
            self._stored[name] = File(request.content, request.headers["content-type"])
            return httpx.Response(200)
        if name not in self._stored:
            return httpx.Response(404, text="<Error><Code>NoSuchKey</Code></Error>")
        content = self._stored[name]
        return httpx.Response(
            200, content=content, headers={"content-type": str(content.media_type)}
        )

    def _sync(self, request: httpx.Request, operation: str) -> httpx.Response:
        body = _body(request, {"input"})
        return _result(self._run(operation, body.get("input") or {}))

    def _door(self, request: httpx.Request, door: str, operation: str) -> httpx.Response:
        body, prefer = _body(request, _OPTIONS), request.headers.get("prefer", "")
        with self._lock:
            known = len(self.jobs)
            job = self._accept(request, (operation, body), operation, body)
            headers = {} if len(self.jobs) > known else {"idempotency-replayed": "true"}
        if door == "async":
            return _accepted(job, headers)
        headers |= {"content-location": job["links"]["self"]}
        headers |= {"preference-applied": prefer.replace(" ", "").replace(",", ", ") or "wait=10"}
        if "respond-async" not in prefer and not _waits(job):
            self._finish(job)
        elif "handling=strict" in prefer:
            _cancel(job)
            text = "The job did not end within the wait that you asked for, and was canceled."
            return _respond(_Problem(504, "timed-out", text).document, headers=headers)
        if not job["ended"]:
            return _accepted(job, headers)
        if job["status"] != "succeeded":
            return _respond(job["error"], headers=headers)
        return _result(self._stored[job["id"]], headers)

    def _accept(
        self, request: httpx.Request, same: Any, operation: str, body: dict[str, Any]
    ) -> dict[str, Any]:
        self._bound(operation, body.get("input") or {})
        with self._lock:
            return self._find_or_make(request, same, operation, body)

    def _find_or_make(
        self, request: httpx.Request, same: Any, operation: str, body: Any
    ) -> dict[str, Any]:
        key = request.headers.get("idempotency-key")
        known, job_id = self._keys.get(key or "", (None, ""))
        if known is not None and known != same:
            raise _Problem(422, "idempotency-key-reused", "Another request has this key.")
        if known is not None:
            return self._job(job_id)
        job = _new_job(operation, body)
        self.jobs[job["id"]], self._bodies[job["id"]] = job, body
        self._left[job["id"]] = self._reads
        if key:
            self._keys[key] = same, job["id"]
        return job

    def _job(self, job_id: str) -> dict[str, Any]:
        if job_id not in self.jobs:
            raise _Problem(404, "unknown-job", "You have no such job.")
        if self._bodies.get(job_id) is None:
            raise _Problem(410, "job-expired", "The job was erased.")
        return self.jobs[job_id]

    def _look(self, job: dict[str, Any]) -> dict[str, Any]:
        with self._lock:
            if _waits(job) or job["ended"]:
                return job
            if job["status"] == "scheduled":
                job.update(status="queued", updated=_now())
            self._left[job["id"]] -= 1
            is_due = self._left[job["id"]] <= 0 or _is_past(job["deadline"])
            if not is_due and job["status"] == "queued":
                _start(job)
        if is_due:
            self._finish(job)
        return job

    def _finish(self, job: dict[str, Any]) -> None:
        """Run a job, unless it has ended, or another thread runs it."""
        job_id = job["id"]
        with self._lock:
            if job["ended"] or job_id in self._running:
                return
            self._running.add(job_id)
            if job["status"] != "running":
                _start(job)
        try:
            if _is_past(job["deadline"]):
                raise _Problem(504, "deadline-exceeded", "The job has not ended by its deadline.")
            value = self._run(job["operation"], self._bodies[job_id].get("input") or {})
        except _Problem as problem:
            changes = {"error": problem.document}
        else:
            changes = self._keep(job_id, value)
        with self._lock:
            self._running.discard(job_id)
            if not job["ended"]:  # canceled meanwhile
                _end(job, "failed" if "error" in changes else "succeeded", changes)

    def _keep(self, job_id: str, value: Any) -> dict[str, Any]:
        """Store a result; return the members of the job that have it, or its URL."""
        is_file = isinstance(value, bytes)
        content = value if is_file else json.dumps(value).encode()
        kind = (getattr(value, "media_type", None) or "image/png") if is_file else None
        self._stored[job_id] = File(content, kind or "application/json")
        changes: dict[str, Any] = {"resourceLocation": f"{URL}/jobs/{job_id}/result"}
        if len(content) <= _INLINE_BYTES:
            form = {"base64": base64.b64encode(content).decode(), "media_type": kind}
            changes["result"] = form if is_file else value
        return changes

    def _bound(self, operation: str, members: Any) -> inspect.BoundArguments:
        """Return the arguments of an operation; raises the problem of an input that does not fit."""
        if operation not in self.operations:
            raise _unknown(operation)
        try:
            files = {name: self._file(value) for name, value in members.items()}
            return inspect.signature(self.operations[operation]).bind(**files)
        except (AttributeError, KeyError, TypeError, ValueError) as error:
            raise _Problem(422, "invalid-input", f"{error}", pointer="/input") from error

    def _run(self, operation: str, members: Any) -> Any:
        bound = self._bound(operation, members)
        try:
            value = self.operations[operation](*bound.args, **bound.kwargs)
            if inspect.iscoroutine(value):  # another event loop may be running here
                with ThreadPoolExecutor(1) as thread:
                    value = thread.submit(asyncio.run, value).result()
            if not isinstance(value, bytes):
                json.dumps(value, allow_nan=False)
            return value
        except Refused as error:
            raise _Problem(422, "refused", str(error)) from error
        except Exception as error:
            _LOG.exception("The operation %s failed", operation)
            raise _Problem(500, "operation-failed", "The operation failed.") from error

    def _file(self, value: Any) -> Any:
        if isinstance(value, dict) and value.keys() == {"upload"}:
            if value["upload"] not in self._stored:
                raise ValueError(f"The upload {value['upload']} does not exist.")
            return self._stored[value["upload"]]
        if isinstance(value, dict) and "base64" in value:
            return File(base64.b64decode(value["base64"], validate=True), value.get("media_type"))
        return value

    def _status(self, request: httpx.Request, job_id: str) -> httpx.Response:
        job = self._look(self._job(job_id))
        return httpx.Response(
            200, json=job, headers={"etag": f'W/"{job["updated"]}"'} | _retry_after(job)
        )

    def _result(self, request: httpx.Request, job_id: str) -> httpx.Response:
        job = self._job(job_id)
        if not job["ended"]:
            return httpx.Response(202, json=job, headers=_retry_after(job))
        if job["status"] != "succeeded":
            return _respond(job["error"], 409)
        if len(self._stored[job_id]) > _INLINE_BYTES:
            return httpx.Response(303, headers={"location": f"{STORE}/{job_id}"})
        return _result(self._stored[job_id])

    def _found(self, query: list[tuple[str, str]]) -> list[dict[str, Any]]:
        """Return the jobs that match the filters of a list, newest first."""
        wanted = dict(query)
        tags = [tuple(value.split(":", 1)) for name, value in query if name == "tag"]
        statuses = [value for name, value in query if name == "status"]
        since, until = (read_time(wanted.get(n) or x) for n, x in _EVER.items())
        return [
            job
            for job in sorted(self.jobs.values(), key=lambda job: str(job["id"]), reverse=True)
            if job["id"] < wanted.get("cursor", "~")
            and self._bodies[job["id"]] is not None
            and wanted.get("operation", job["operation"]) == job["operation"]
            and all(job["tags"].get(name) == value for name, value in tags)
            and (not statuses or job["status"] in statuses)
            and since <= read_time(job["created"]) < until
        ]

    def _list(self, request: httpx.Request) -> httpx.Response:
        query = parse_qsl(request.url.query.decode())
        limit, found, url = int(dict(query).get("limit", 20)), self._found(query), None
        page = found[:limit]
        if len(found) > limit:
            kept = [(name, value) for name, value in query if name != "cursor"]
            url = f"{URL}/jobs?{urlencode([*kept, ('cursor', page[-1]['id'])])}"
        return httpx.Response(200, json={"jobs": [self._look(job) for job in page], "next": url})

    def _counts(self, request: httpx.Request) -> httpx.Response:
        query = parse_qsl(request.url.query.decode())
        if "interval" in dict(query):
            raise _Problem(400, "malformed-request", "The stand-in counts without an interval.")
        sums = Counter((job["operation"], job["status"]) for job in self._found(query))
        names = ("from", "operation", "status", "jobs")
        counts = [dict(zip(names, (None, *group, n), strict=True)) for group, n in sums.items()]
        return httpx.Response(
            200, json={"counts": counts, "complete": True, "since": None, "until": _now()}
        )

    def _lanes(self, request: httpx.Request) -> httpx.Response:
        lanes = []
        for lane in ("on-time", "flexible"):
            jobs = [job for job in self.jobs.values() if job["lane"] == lane]
            queued = [job["created"] for job in jobs if job["status"] == "queued"]
            running = sum(job["status"] == "running" for job in jobs)
            yours = {"queued": len(queued), "running": running}
            yours["waiting_since"] = min(queued, default=None)
            loads = {"waiting": len(queued), "in_flight": running, "delayed": 0, "concurrency": 10}
            lanes.append({"lane": lane, **loads, "yours": yours})
        return httpx.Response(200, json={"lanes": lanes, "as_of": _now(), "complete": True})

    def _cancel(self, request: httpx.Request, job_id: str) -> httpx.Response:
        job = self._job(job_id)
        if job["ended"] and job["status"] != "canceled":
            raise _Problem(409, "already-ended", f"The job has {job['status']}.")
        with self._lock:
            _cancel(job)
        return self._status(request, job_id)

    def _retry(self, request: httpx.Request, job_id: str) -> httpx.Response:
        old = self._job(job_id)
        if not old["ended"]:
            raise _Problem(409, "unfinished", "The job has not ended.")
        same = {n: v for n, v in self._bodies[job_id].items() if n not in ("start", "deadline")}
        job = self._accept(request, ("retry", job_id), old["operation"], same)
        job["retry_of"] = job_id
        return _accepted(job, {})

    def _erase(self, request: httpx.Request, job_id: str) -> httpx.Response:
        if not self._job(job_id)["ended"]:
            raise _Problem(409, "unfinished", "Cancel the job first.")
        self._bodies[job_id] = None
        self._stored.pop(job_id, None)
        return httpx.Response(204)

    def _delivery(self, job: dict[str, Any]) -> dict[str, Any] | None:
        """Return the delivery of a job that has ended, if it has a callback: it waits."""
        callback = (self._bodies[job["id"]] or {}).get("callback")
        if callback is None or not job["ended"]:
            return None
        return {
            **{"number": 1, "event": f"nowlater.job.{job['status']}", "url": callback["url"]},
            **{"state": "waiting", "count": 0, "next": job["ended"], "attempts": []},
            "links": {"replay": f"{URL}/jobs/{job['id']}/deliveries/1/replay"},
        }

    def _deliveries(self, request: httpx.Request, job_id: str) -> httpx.Response:
        delivery = self._delivery(self._job(job_id))
        return httpx.Response(200, json={"deliveries": [delivery] if delivery else []})

    def _replay(self, request: httpx.Request, job_id: str, number: str) -> httpx.Response:
        delivery = self._delivery(self._job(job_id))
        if delivery is None or number != "1":
            raise _Problem(404, "unknown-delivery", "The job has no delivery of this number.")
        return httpx.Response(202, json=delivery)

    def _all_deliveries(self, request: httpx.Request) -> httpx.Response:
        query, found = parse_qsl(request.url.query.decode()), []
        states = [value for name, value in query if name == "state"] or ["waiting"]
        for job in self._found(query) if "waiting" in states else []:
            delivery = self._delivery(job)
            if delivery:
                delivery["links"]["job"] = job["links"]["self"]
                found.append({"job": job["id"], "operation": job["operation"], **delivery})
        return httpx.Response(200, json={"deliveries": found, "next": None})

    def _secret(self, request: httpx.Request) -> httpx.Response:
        host = dict(parse_qsl(request.url.query.decode())).get("host", "")
        secret, *previous = (
            "whsec_" + base64.b64encode(hashlib.sha256(f"{host} {n}".encode()).digest()).decode()
            for n in range(self._rotations, max(-1, self._rotations - 2), -1)
        )
        known = [{"secret": one, "until": _now(86400)} for one in previous]
        return httpx.Response(200, json={"host": host, "secret": secret, "previous": known})

    def _rotate(self, request: httpx.Request) -> httpx.Response:
        self._rotations += 1
        return httpx.Response(200, json={"rotated": _now(), "previous_until": _now(86400)})

    def _upload(self, request: httpx.Request) -> httpx.Response:
        announced, key = json.loads(request.content), request.headers.get("idempotency-key")
        if announced["size"] < 1:
            raise _Problem(400, "malformed-request", "/size must be at least 1.", pointer="/size")
        same = f"{key}\n{announced['size']}\n{announced['media_type']}".encode()
        name = uuid.uuid4().hex if key is None else hashlib.sha256(same).hexdigest()[:32]
        headers = {"Content-Type": announced["media_type"], "If-None-Match": "*"}
        headers["Content-Length"] = str(announced["size"])
        to: dict[str, Any] = {
            "id": name,
            "method": "PUT",
            "url": f"{STORE}/{name}",
            "headers": headers,
        }
        to |= {"expires": _now(300), "use": {"upload": name}}
        return httpx.Response(201, json=to, headers={"location": f"{STORE}/{name}"})

    def _operations(self, request: httpx.Request) -> httpx.Response:
        found = [
            {"name": name, "description": inspect.getdoc(function) or "", "doors": [*_DOORS]}
            | {"url": f"{URL}/operations/{name}"}
            for name, function in sorted(self.operations.items())
        ]
        return httpx.Response(200, json={"operations": found})

    def _operation(self, request: httpx.Request, name: str) -> httpx.Response:
        if name not in self.operations:
            raise _unknown(name)
        content = json.dumps(self._said_of(name), default=repr)
        return httpx.Response(200, content=content, headers={"content-type": "application/json"})

    def _said_of(self, name: str) -> dict[str, Any]:
        members = dict[str, Any]()
        for member, one in inspect.signature(self.operations[name]).parameters.items():
            members[member] = {} if one.default is one.empty else {"default": one.default}
        return {
            **{"name": name, "description": inspect.getdoc(self.operations[name]) or ""},
            **{"input": {"type": "object", "properties": members}, "result": {}},
            "doors": {door: f"{URL}/{door}/{name}" for door in _DOORS},
            "limits": {"timeout_s": 900, "attempts": 1},
            "run_time": {"runs": 0, "p50_s": None, "p90_s": None},
        }


_DOORS = ("sync", "async", "hybrid")
#: The filters of times, and what they are by default.
_EVER = {"since": "0001-01-01T00:00:00Z", "until": "9999-12-31T00:00:00Z"}
_ROUTES: list[tuple[str, Callable[..., httpx.Response]]] = [
    (r"POST /sync/([^/]+)", Server._sync),
    (r"POST /(async|hybrid)/([^/]+)", Server._door),
    (r"GET /jobs/counts", Server._counts),
    (r"GET /lanes", Server._lanes),
    (r"GET /deliveries", Server._all_deliveries),
    (r"GET /webhooks/secret", Server._secret),
    (r"POST /webhooks/secret/rotate", Server._rotate),
    (r"GET /jobs/([^/]+)/deliveries", Server._deliveries),
    (r"POST /jobs/([^/]+)/deliveries/([^/]+)/replay", Server._replay),
    (r"GET /jobs/([^/]+)", Server._status),
    (r"GET /jobs/([^/]+)/result", Server._result),
    (r"GET /jobs", Server._list),
    (r"POST /jobs/([^/]+)/cancel", Server._cancel),
    (r"POST /jobs/([^/]+)/retry", Server._retry),
    (r"DELETE /jobs/([^/]+)", Server._erase),
    (r"POST /uploads", Server._upload),
    (r"GET /operations", Server._operations),
    (r"GET /operations/([^/]+)", Server._operation),
]


def _unknown(operation: str) -> _Problem:
    return _Problem(404, "unknown-operation", f"There is no operation {operation!r}.")


def _body(request: httpx.Request, options: set[str]) -> dict[str, Any]:
    """Return the body of a submit; raises the problem of one that is not well formed."""
    try:
        body = json.loads(request.content)
    except ValueError as error:
        raise _Problem(400, "malformed-request", f"The body is not JSON ({error}).") from error
    if not isinstance(body, dict):
        raise _Problem(400, "malformed-request", "The body must be an object.", pointer="")
    for name in body.keys() - options:
        text = f"The body has the member {name!r}, which is no option here."
        raise _Problem(400, "malformed-request", text, pointer=f"/{name}")
    return body


def _new_job(operation: str, body: dict[str, Any]) -> dict[str, Any]:
    number = (time.time_ns() // 1_000_000 << 80) | 7 << 76 | 2 << 62
    job_id = str(uuid.UUID(int=number | (uuid.uuid4().int & (1 << 62) - 1)))
    url, start = f"{URL}/jobs/{job_id}", _at(body.get("start"), "after")
    deadline = _at(body.get("deadline"), "within")
    parts = ("result", "events", "cancel", "retry")
    nothing = ("started", "ended", "start_at", "expires", "progress", "estimate", "retry_of")
    return {
        **{"id": job_id, "operation": operation, "status": "queued", "attempt": 0},
        **{"lane": "on-time" if deadline else "flexible", "attempts_left": 1, "attempts": []},
        **{"created": _now(), "updated": _now(), "at_risk": False},
        **dict.fromkeys((*nothing, "not_before", "result", "error", "resourceLocation")),
        **({"status": "scheduled", "start_at": start, "not_before": start} if start else {}),
        **{
            "deadline": deadline or _now(3 * 86400),
            "tags": body.get("tags") or {},
            "links": {"self": url} | {p: f"{url}/{p}" for p in parts},
        },
    }


def _start(job: dict[str, Any]) -> None:
    now = _now()
    attempt = {"number": 1, "started": now, "ended": None, "outcome": None, "detail": None}
    job.update(status="running", attempt=1, attempts_left=0, attempts=[attempt], not_before=None)
    job.update(started=now, updated=now)


def _end(job: dict[str, Any], status: str, changes: dict[str, Any]) -> None:
    now = _now()
    outcome = changes["error"]["code"] if status == "failed" else status
    outcome = outcome if outcome in ("refused", "deadline-exceeded") else status
    for attempt in job["attempts"]:
        attempt.update(ended=now, outcome=outcome)
    job.update(changes, status=status, ended=now, updated=now, expires=_now(86400))
    job.update(attempts_left=0, not_before=None)


def _cancel(job: dict[str, Any]) -> None:
    if not job["ended"]:
        problem = _Problem(409, "canceled", "The owner canceled the job.").document
        _end(job, "canceled", {"error": problem})


def _accepted(job: dict[str, Any], headers: dict[str, str]) -> httpx.Response:
    url = job["links"]["self"]
    headers = {"location": url, "operation-location": url, **_retry_after(job), **headers}
    return httpx.Response(202, json=job, headers=headers)


def _retry_after(job: dict[str, Any]) -> dict[str, str]:
    return {} if job["ended"] else {"retry-after": "0"}


def _result(value: Any, headers: Mapping[str, str] | None = None) -> httpx.Response:
    """Return a result as the sync door does: a stored one, or what an operation has returned."""
    kind = getattr(value, "media_type", None)
    if not isinstance(value, bytes) or kind == "application/json":
        content = value if isinstance(value, bytes) else json.dumps(value).encode()
        sent = {"content-type": "application/json"}
    else:
        content, sent = value, {"content-type": kind or "image/png"}
        sent["content-security-policy"] = "sandbox; default-src 'none'"
    return httpx.Response(200, content=content, headers={**sent, **(headers or {})})


def _respond(
    problem: dict[str, Any], status: int | None = None, headers: Mapping[str, str] | None = None
) -> httpx.Response:
    kind = {"content-type": "application/problem+json"}
    document = problem | {"status": status or problem["status"]}
    content = json.dumps(document).encode()
    return httpx.Response(document["status"], content=content, headers={**kind, **(headers or {})})


def _at(asked: dict[str, Any] | None, relative: str) -> str | None:
    """Return the time that a request asks for: `{"at": …}`, or so many seconds from now."""
    if not asked:
        return None
    if "at" not in asked:
        return _now(asked[relative]) if asked[relative] or relative == "within" else None
    if _is_past(str(asked["at"])):
        pointer = "/start" if relative == "after" else "/deadline"
        raise _Problem(422, "impossible-time", f"{asked['at']} has passed.", pointer=pointer)
    return str(asked["at"])


def _waits(job: dict[str, Any]) -> bool:
    """Return whether a job waits for its start."""
    return job["status"] == "scheduled" and not _is_past(job["start_at"])


def _is_past(instant: str) -> bool:
    return read_time(instant) <= datetime.now(timezone.utc)


def _now(after_s: float = 0) -> str:
    now = datetime.now(timezone.utc) + timedelta(seconds=after_s)
    return now.isoformat(timespec="milliseconds").replace("+00:00", "Z")
