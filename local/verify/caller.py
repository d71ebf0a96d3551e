"""A caller of the API: has its URL and a key, repeats failed requests, and tags every job it makes."""

import math
import secrets
import time
from collections.abc import Callable
from typing import Any, Protocol

import requests
from requests import PreparedRequest, Response

from local.inbox import Inbox
from local.verify import parts
from local.verify.finding import Broken
from local.verify.options import Options
from local.verify.responses import (
    cause,
    describe,
    is_temporary,
    pause_s,
    problem_of,
    reason,
    retry_after_s,
    shorten,
)

ENDED = ("succeeded", "failed", "canceled")
#: The tag of all jobs that this makes; its value is the run's, so that all of them can be erased.
TAG = "nowlater-verify"
#: The API's minimum: a job that could not be erased is deleted an hour after its end.
_RETENTION_S = 3600
#: Longer than API Gateway takes for any response (30 s).
_TIMEOUT_S = 45
#: The docs allow repeating these: no Lambda was free, AWS did not respond, or too many requests.
_REPEATABLE = (429, 500, 502, 503, 504)
_WAITS_S = (1.0, 3.0)
#: No single wait is longer: the quota of the slowest owner is free again after 100 s.
_LONGEST_WAIT_S = 100.0
#: How long to wait for a job's end after one job did not end: the next ones would not end either.
_PATIENCE_AFTER_STUCK_S = 5.0

#: A job id that no job has.
UNUSED_JOB_ID = "01a20eff-13a8-723c-a1e0-0187f181401b"


class Clock(Protocol):
    """Measures and passes time: the module `time`, for example."""

    def monotonic(self) -> float: ...

    def sleep(self, seconds: float, /) -> object: ...


class Caller:
    """Calls the API with the key, and can find the jobs that it has made."""

    def __init__(
        self,
        options: Options,
        session: requests.Session | None = None,
        clock: Clock = time,
    ) -> None:
        self.options, self.run, self.clock = options, secrets.token_hex(4), clock
        self.requests, self.repeats, self.uploaded_bytes = 0, 0, 0
        #: By Lambda: API Gateway's id of the last request to it that failed.
        self.failed_requests: dict[str, str] = {}
        self.operations: frozenset[str] = frozenset()
        #: Receives the events of the topic, if the user has named it.
        self.inbox: Inbox | None = None
        self._session = session or requests.Session()
        self._session.headers["User-Agent"] = "nowlater-verify"
        #: Routes whose last request failed in all attempts: they get one attempt until one succeeds.
        self._failing_routes = set[str]()
        self._patience_s = options.patience_s
        self._until_s = self.clock.monotonic() + options.within_s

    @property
    def remaining_s(self) -> float:
        """How much of the time for all checks remains."""
        return self._until_s - self.clock.monotonic()

    # ── requests ──────────────────────────────────────────────────────────────────────────────

    def call(self, method: str, path: str, *, with_key: bool = True, **options: Any) -> Response:
        """Send a request to a path; repeat it a few times where the docs allow that."""
        key = self.options.key if with_key else None
        route, waits = f"{method} {shorten(path)}", list(_WAITS_S)
        while True:
            response = self._send(method, self.options.url + path, key, **options)
            if response.status_code not in _REPEATABLE or not is_temporary(response):
                self._failing_routes.discard(route)
                return response
            part = parts.lambda_of(method, path)
            self.failed_requests[part] = response.headers.get("apigw-requestid", "")
            wait_s = max(waits.pop(0), retry_after_s(response) or 0) if waits else math.inf
            longest_s = min(max(self.remaining_s, _WAITS_S[-1]), _LONGEST_WAIT_S)
            if wait_s > longest_s or route in self._failing_routes:
                self._failing_routes.add(route)
                return response
            self.repeats += 1
            self.clock.sleep(wait_s)

    def call_presigned(self, method: str, url: str, **options: Any) -> Response:
        """Send a request to a presigned URL, always without the key; raises Broken."""
        try:
            return self._send(method, url, None, **options)
        except requests.RequestException as fault:
            evidence = f"a presigned {method} got no response: {cause(fault)}"
            raise Broken(evidence, "Bucket") from fault

    def _send(self, method: str, url: str, key: str | None, **options: Any) -> Response:
        def authorize(request: PreparedRequest) -> PreparedRequest:
            if key is not None:
                request.headers["Authorization"] = f"Bearer {key}"
            return request

        self.requests += 1
        # As `auth`, so that no entry of a ~/.netrc replaces the key.
        all_options = {"allow_redirects": False, "timeout": _TIMEOUT_S} | options
        return self._session.request(method, url, auth=authorize, **all_options)

    def expect(
        self, status: int, method: str, path: str, problem: str | None = None, **options: Any
    ) -> Response:
        """Send a request; raise Broken if the status, or the problem, is a different one."""
        response = self.call(method, path, **options)
        if response.status_code != status or (problem and problem_of(response) != problem):
            expected = f"{status} {problem}" if problem else f"{status}"
            raise Broken(
                f"{method} {shorten(path)} returned {describe(response)}, not {expected}",
                parts.lambda_of(method, path),
            )
        return response

    # ── jobs ──────────────────────────────────────────────────────────────────────────────────

    def call_operation(self, door: str, status: int | None = None, **members: Any) -> Response:
        """Call the operation at a door; `status` is the expected one.

        `operation`, `input` and `headers` are those of the request; all others are members of the
        body.
        """
        operation = members.pop("operation", self.options.operation)
        body = {"input": members.pop("input", self.options.input)}
        options = {"headers": members.pop("headers", {})}
        if door != "sync":
            tags = {TAG: self.run} | members.pop("tags", {})
            body |= {"retention": _RETENTION_S, "tags": tags} | members
        path, options = f"/{door}/{operation}", options | {"json": body}
        if status is None:
            return self.call("POST", path, **options)
        return self.expect(status, "POST", path, **options)

    def submit(self, **members: Any) -> Any:
        """Submit a job at the async door; return it."""
        return self.call_operation("async", 202, **members).json()

    def read_job(self, job_id: str) -> Any:
        """Return a job's current state."""
        return self.expect(200, "GET", f"/jobs/{job_id}").json()

    def wait_for_end(self, job_id: str) -> Any:
        """Return a job after its end; raise Broken if it does not end."""

        def read() -> Response:
            return self.expect(200, "GET", f"/jobs/{job_id}")

        waited_s = self._patience_s
        job = self.poll(read, lambda response: response.json()["status"] in ENDED, waited_s).json()
        if job["status"] not in ENDED:
            self._patience_s = min(waited_s, _PATIENCE_AFTER_STUCK_S)
            raise Broken(f"a job is still {job['status']} after {waited_s:g} s", "Work")
        return job

    def wait_for_success(self, job_id: str) -> Any:
        """Return a job after its success; raise Broken if it ends differently."""
        job = self.wait_for_end(job_id)
        if job["status"] != "succeeded":
            raise Broken(f"a job has {job['status']}: {reason(job)}", "Work")
        return job

    def poll[T](
        self, read: Callable[[], T], is_done: Callable[[T], object], within_s: float | None = None
    ) -> T:
        """Read repeatedly until it is done or the time is over; return what was read last."""
        patience_s = self.options.patience_s if within_s is None else within_s
        until_s = self.clock.monotonic() + min(patience_s, max(self.remaining_s, 0))
        while not is_done(value := read()) and (left_s := until_s - self.clock.monotonic()) > 0:
            self.clock.sleep(min(left_s, pause_s(value) if isinstance(value, Response) else 1.0))
        return value
