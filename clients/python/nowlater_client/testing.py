"""A stand-in for a nowlater API in memory, for tests of code that uses the client.

    server = Server({"greet": lambda name: f"Hello, {name}!"})
    with server.client() as client:
        assert client.call("greet", {"name": "Ada"}) == "Hello, Ada!"

It serves calls, jobs, lists, counts, files and operations, with the API's problems and headers. Jobs run
when they are looked at: each is `queued`, then `running`, then ended; with a `start`, it is `scheduled`
until then, and after its `deadline` it fails. `server.requests` has what was sent. An exception of an
operation is logged with its traceback, by the logger `nowlater_client.testing`.

It has no webhooks (`callback` is ignored), deliveries, secrets and lanes; it does not check types.
"""

from __future__ import annotations

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
from datetime import datetime, timedelta, timezone
from typing import Any
from urllib.parse import parse_qsl, urlencode

import httpx

from nowlater_client.client import AsyncClient, Client
from nowlater_client.files import File
from nowlater_client.models import read_time

URL, STORE, KEY = "https://nowlater.test", "https://store.test", "nl_test"
_INLINE_BYTES = 16 * 1024
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
        self._accepting = threading.Lock()

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
            for pattern, route in _ROUTES:
                found = re.fullmatch(pattern, f"{request.method} {request.url.path}")
                if found:
                    return route(self, request, *found.groups())
            text = f"The stand-in has no {request.method} {request.url.path}. Use a stack: make up."
            raise _Problem(404, "unknown-route", text)
        except _Problem as problem:
            return _respond(problem.document)

    def _store(self, request: httpx.Request) -> httpx.Response:
        if "authorization" in request.headers:
            return httpx.Response(400, text="<Error>the key was sent to S3</Error>")
        name = request.url.path.strip("/")
        if request.method == "PUT":
            if name in self._stored:
                return httpx.Response(412)
            self._stored[name] = File(request.content, request.headers["content-type"])
            return httpx.Response(200)
        content = self._stored[name]
        return httpx.Response(
            200, content=content, headers={"content-type": str(content.media_type)}
        )

    def _sync(self, request: httpx.Request, operation: str) -> httpx.Response:
        body = json.loads(request.content)
        try:
            return _result(self._run(operation, body.get("input") or {}))
        except _Problem as problem:
            return _respond(problem.document)

    def _door(self, request: httpx.Request, door: str, operation: str) -> httpx.Response:
        body = json.loads(request.content)
        job = self._accept(request, (operation, body), operation, body)
        is_async = door == "async" or "respond-async" in request.headers.get("prefer", "")
        if not is_async and not _waits(job):
            self._finish(job)
            headers = {"content-location": job["links"]["self"]}
            if job["status"] != "succeeded":
                return _respond(job["error"], headers=headers)
            return _result(self._stored[job["id"]], headers)
        return httpx.Response(202, json=job, headers={"retry-after": "1"})

    def _accept(
        self, request: httpx.Request, same: Any, operation: str, body: Any
    ) -> dict[str, Any]:
        if operation not in self.operations:
            raise _unknown(operation)
        with self._accepting:  # requests come from several threads
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
        if _waits(job):
            return job
        if job["status"] == "scheduled":
            job.update(status="queued", updated=_now())
        self._left[job["id"]] -= 1
        if self._left[job["id"]] <= 0 or _is_past(job["deadline"]):
            self._finish(job)
        elif job["status"] == "queued":
            job.update(status="running", attempt=1, started=_now(), updated=_now())
        return job

    def _finish(self, job: dict[str, Any]) -> None:
        if job["ended"]:
            return
        ended: dict[str, Any] = {"status": "succeeded", "ended": _now(), "updated": _now()}
        try:
            if _is_past(job["deadline"]):
                raise _Problem(504, "deadline-exceeded", "The job has not ended by its deadline.")
            value = self._run(job["operation"], self._bodies[job["id"]].get("input") or {})
        except _Problem as problem:
            ended |= {"status": "failed", "error": problem.document}
        else:
            is_file = isinstance(value, bytes)
            content = value if is_file else json.dumps(value).encode()
            kind = (getattr(value, "media_type", None) or "image/png") if is_file else None
            self._stored[job["id"]] = File(content, kind or "application/json")
            if len(content) <= _INLINE_BYTES:
                form = {"base64": base64.b64encode(content).decode(), "media_type": kind}
                ended["result"] = form if is_file else value
        job.update(ended)

    def _run(self, operation: str, members: dict[str, Any]) -> Any:
        if operation not in self.operations:
            raise _unknown(operation)
        function = self.operations[operation]
        try:
            bound = inspect.signature(function).bind(
                **{n: self._file(v) for n, v in members.items()}
            )
        except TypeError as error:
            raise _Problem(422, "invalid-input", f"{error}") from error
        try:
            return function(*bound.args, **bound.kwargs)
        except Refused as error:
            raise _Problem(422, "refused", str(error)) from error
        except Exception as error:
            _LOG.exception("The operation %s failed", operation)
            raise _Problem(500, "operation-failed", "The operation failed.") from error

    def _file(self, value: Any) -> Any:
        if isinstance(value, dict) and value.keys() == {"upload"}:
            return self._stored[value["upload"]]
        if isinstance(value, dict) and "base64" in value:
            return File(base64.b64decode(value["base64"]), value.get("media_type"))
        return value

    def _status(self, request: httpx.Request, job_id: str) -> httpx.Response:
        job = self._look(self._job(job_id))
        return httpx.Response(200, json=job, headers={} if job["ended"] else {"retry-after": "0"})

    def _result(self, request: httpx.Request, job_id: str) -> httpx.Response:
        job = self._job(job_id)
        if not job["ended"]:
            return httpx.Response(202, json=job, headers={"retry-after": "0"})
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
        found = []
        for job in sorted(self.jobs.values(), key=lambda job: str(job["id"]), reverse=True):
            is_before = job["id"] < wanted.get("cursor", "~")
            if not is_before or self._bodies[job["id"]] is None:
                continue
            if wanted.get("operation", job["operation"]) != job["operation"]:
                continue
            if not all(job["tags"].get(name) == value for name, value in tags):
                continue
            if not statuses or job["status"] in statuses:
                found.append(job)
        return found

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
        given = dict(query)
        if "interval" in given:
            raise _Problem(400, "malformed-request", "The stand-in counts without an interval.")
        since, until = (read_time(given[n]) if n in given else None for n in ("since", "until"))
        sums = Counter(
            (job["operation"], job["status"])
            for job in self._found(query)
            if (since is None or read_time(job["created"]) >= since)
            and (until is None or read_time(job["created"]) < until)
        )
        names = ("from", "operation", "status", "jobs")
        counts = [dict(zip(names, (None, *group, n), strict=True)) for group, n in sums.items()]
        return httpx.Response(200, json={"counts": counts, "complete": True, "since": None})

    def _cancel(self, request: httpx.Request, job_id: str) -> httpx.Response:
        job = self._job(job_id)
        if job["ended"] and job["status"] != "canceled":
            raise _Problem(409, "already-ended", f"The job has {job['status']}.")
        problem = _Problem(409, "canceled", "The owner canceled the job.").document
        job.update(status="canceled", ended=_now(), updated=_now(), error=problem)
        return httpx.Response(200, json=job)

    def _retry(self, request: httpx.Request, job_id: str) -> httpx.Response:
        old = self._job(job_id)
        if not old["ended"]:
            raise _Problem(409, "unfinished", "The job has not ended.")
        job = self._accept(request, ("retry", job_id), old["operation"], self._bodies[job_id])
        job["retry_of"] = job_id
        return httpx.Response(202, json=job)

    def _erase(self, request: httpx.Request, job_id: str) -> httpx.Response:
        if not self._job(job_id)["ended"]:
            raise _Problem(409, "unfinished", "Cancel the job first.")
        self._bodies[job_id] = None
        return httpx.Response(204)

    def _upload(self, request: httpx.Request) -> httpx.Response:
        announced, key = json.loads(request.content), request.headers.get("idempotency-key")
        same = f"{key}\n{announced['size']}\n{announced['media_type']}".encode()
        name = uuid.uuid4().hex if key is None else hashlib.sha256(same).hexdigest()[:32]
        headers = {"Content-Type": announced["media_type"], "If-None-Match": "*"}
        headers["Content-Length"] = str(announced["size"])
        to = {"id": name, "method": "PUT", "url": f"{STORE}/{name}", "headers": headers}
        return httpx.Response(201, json={**to, "expires": _now(300), "use": {"upload": name}})

    def _operations(self, request: httpx.Request) -> httpx.Response:
        return httpx.Response(
            200, json={"operations": [*map(self._said_of, sorted(self.operations))]}
        )

    def _operation(self, request: httpx.Request, name: str) -> httpx.Response:
        if name not in self.operations:
            raise _unknown(name)
        return httpx.Response(200, json=self._said_of(name))

    def _said_of(self, name: str) -> dict[str, Any]:
        text, members = inspect.getdoc(self.operations[name]) or "", dict[str, Any]()
        for member, one in inspect.signature(self.operations[name]).parameters.items():
            members[member] = {} if one.default is one.empty else {"default": one.default}
        return {
            **{"name": name, "description": text, "doors": ["sync", "async", "hybrid"]},
            "input": {"type": "object", "properties": members},
        }


_ROUTES: list[tuple[str, Callable[..., httpx.Response]]] = [
    (r"POST /sync/([^/]+)", Server._sync),
    (r"POST /(async|hybrid)/([^/]+)", Server._door),
    (r"GET /jobs/counts", Server._counts),
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


def _new_job(operation: str, body: dict[str, Any]) -> dict[str, Any]:
    number = (time.time_ns() // 1_000_000 << 80) | 7 << 76 | 2 << 62
    job_id = str(uuid.UUID(int=number | (uuid.uuid4().int & (1 << 62) - 1)))
    url, start = f"{URL}/jobs/{job_id}", _at(body.get("start"), "after", 0)
    parts = ("result", "events", "cancel", "retry")
    nothing = ("started", "ended", "start_at", "expires", "progress", "estimate", "retry_of")
    return {
        **{"id": job_id, "operation": operation, "status": "queued", "attempt": 0},
        **{"created": _now(), "updated": _now(), "at_risk": False},
        **dict.fromkeys((*nothing, "result", "error", "resourceLocation")),
        **({} if _is_past(start) else {"status": "scheduled", "start_at": start}),
        **{
            "deadline": _at(body.get("deadline"), "within", 3 * 86400),
            "tags": body.get("tags") or {},
            "links": {"self": url} | {p: f"{url}/{p}" for p in parts},
        },
    }


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


def _at(asked: dict[str, Any] | None, relative: str, default_s: float) -> str:
    """Return the time that a request asks for: `{"at": …}`, or so many seconds from now."""
    asked = asked or {}
    return str(asked["at"]) if "at" in asked else _now(asked.get(relative, default_s))


def _waits(job: dict[str, Any]) -> bool:
    """Return whether a job waits for its start."""
    return job["status"] == "scheduled" and not _is_past(job["start_at"])


def _is_past(instant: str) -> bool:
    return read_time(instant) <= datetime.now(timezone.utc)


def _now(after_s: float = 0) -> str:
    now = datetime.now(timezone.utc) + timedelta(seconds=after_s)
    return now.isoformat(timespec="milliseconds").replace("+00:00", "Z")
