"""A caller of the API: knows its URL and a key, is polite, and keeps account of what it makes."""

import math
import secrets
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Protocol

import requests
from requests import PreparedRequest, Response

from local.inbox import Inbox
from local.verify import parts
from local.verify.answers import (
    cause,
    described,
    is_passing,
    pause_s,
    problem_of,
    reason,
    retry_after_s,
    shortened,
)
from local.verify.finding import Broken

ENDED = ("succeeded", "failed", "canceled")
#: The tag of all jobs that this makes: its value is the run's, so that none is left over.
TAG = "nowlater-verify"
#: The least that the API takes: what could not be erased goes by itself after an hour.
_KEEP_S = 3600
#: Longer than API Gateway takes for any answer (30 s).
_TIMEOUT_S = 45
#: What the docs say may be sent again: no Lambda was free, AWS did not answer, or it came too fast.
_AGAIN = (429, 500, 502, 503, 504)
_WAITS_S = (1.0, 3.0)
#: For no answer is waited longer: the quota of the slowest owner is free again after 100 s.
_LONGEST_WAIT_S = 100.0
#: How long to wait for an end once there was one in vain: all checks would wait for the same.
_ONCE_STUCK_S = 5.0

#: No job has this id.
NOBODY = "01a20eff-13a8-723c-a1e0-0187f181401b"

TEXT_STATS = "text-stats"


@dataclass(frozen=True)
class Asked:
    """What the user gave."""

    url: str
    key: str = field(repr=False)
    origin: str | None = None
    receiver: str | None = None
    topic: str | None = None
    operation: str = TEXT_STATS
    given: dict[str, Any] = field(default_factory=lambda: {"text": "To be, or not to be."})
    #: How long to wait for anything: an end, a notification, a row in a list.
    patience_s: float = 60
    #: How long all of it may take.
    within_s: float = 900


class Watch(Protocol):
    """What passes the time, and measures it: the module `time`."""

    def monotonic(self) -> float: ...

    def sleep(self, seconds: float, /) -> object: ...


class Caller:
    """Calls the API with the key, and finds what it made again."""

    def __init__(
        self,
        asked: Asked,
        session: requests.Session | None = None,
        watch: Watch = time,
    ) -> None:
        self.asked, self.run, self.watch = asked, secrets.token_hex(4), watch
        self.requests, self.repeats, self.uploaded = 0, 0, 0
        #: The id that API Gateway gave to the last request that failed, by the Lambda behind it.
        self.failed_requests: dict[str, str] = {}
        self.operations: frozenset[str] = frozenset()
        #: What hears of ends on the topic, where the user has given one.
        self.inbox: Inbox | None = None
        self._session = session or requests.Session()
        self._session.headers["User-Agent"] = "nowlater-verify"
        #: Routes that failed to the last try, and are tried once only until they answer again.
        self._given_up = set[str]()
        self._patience_s = asked.patience_s
        self._until_s = self.watch.monotonic() + asked.within_s

    @property
    def left_s(self) -> float:
        """How much is left of the time for all of it."""
        return self._until_s - self.watch.monotonic()

    # ── requests ──────────────────────────────────────────────────────────────────────────────

    def call(self, method: str, path: str, *, with_key: bool = True, **options: Any) -> Response:
        """Send a request to a path; send it again where the docs say so, a few times."""
        key = self.asked.key if with_key else None
        route, waits = f"{method} {shortened(path)}", list(_WAITS_S)
        while True:
            answer = self._send(method, self.asked.url + path, key, **options)
            if answer.status_code not in _AGAIN or not is_passing(answer):
                self._given_up.discard(route)
                return answer
            part = parts.lambda_of(method, path)
            self.failed_requests[part] = answer.headers.get("apigw-requestid", "")
            wait_s = max(waits.pop(0), retry_after_s(answer) or 0) if waits else math.inf
            longest_s = min(max(self.left_s, _WAITS_S[-1]), _LONGEST_WAIT_S)
            if wait_s > longest_s or route in self._given_up:
                self._given_up.add(route)
                return answer
            self.repeats += 1
            self.watch.sleep(wait_s)

    def outside(self, method: str, url: str, **options: Any) -> Response:
        """Send a request to a presigned URL, which must never see the key; raises Broken."""
        try:
            return self._send(method, url, None, **options)
        except requests.RequestException as fault:
            told = f"a presigned {method} was not answered: {cause(fault)}"
            raise Broken(told, "Bucket") from fault

    def _send(self, method: str, url: str, key: str | None, **options: Any) -> Response:
        def authorize(request: PreparedRequest) -> PreparedRequest:
            if key is not None:
                request.headers["Authorization"] = f"Bearer {key}"
            return request

        self.requests += 1
        # Given as `auth`, so that no entry of a ~/.netrc takes its place.
        given = {"allow_redirects": False, "timeout": _TIMEOUT_S} | options
        return self._session.request(method, url, auth=authorize, **given)

    def expect(
        self, status: int, method: str, path: str, problem: str | None = None, **options: Any
    ) -> Response:
        """Send a request; raise Broken where another status, or another problem, comes back."""
        answer = self.call(method, path, **options)
        if answer.status_code != status or (problem and problem_of(answer) != problem):
            due = f"{status} {problem}" if problem else f"{status}"
            raise Broken(
                f"{method} {shortened(path)} answered {described(answer)}, not {due}",
                parts.lambda_of(method, path),
            )
        return answer

    # ── jobs ──────────────────────────────────────────────────────────────────────────────────

    def ask(self, door: str, status: int | None = None, **more: Any) -> Response:
        """Ask for the operation at a door; `status` is what must come back.

        `operation`, `given` and `headers` are those of the request; what else is given goes into
        the body.
        """
        operation = more.pop("operation", self.asked.operation)
        body = {"input": more.pop("given", self.asked.given)}
        options = {"headers": more.pop("headers", {})}
        if door != "sync":
            tags = {TAG: self.run} | more.pop("tags", {})
            body |= {"retention": _KEEP_S, "tags": tags} | more
        path, options = f"/{door}/{operation}", options | {"json": body}
        if status is None:
            return self.call("POST", path, **options)
        return self.expect(status, "POST", path, **options)

    def submit(self, **more: Any) -> Any:
        """Submit a job at the async door; return it."""
        return self.ask("async", 202, **more).json()

    def see(self, job_id: str) -> Any:
        """Return a job as it is now."""
        return self.expect(200, "GET", f"/jobs/{job_id}").json()

    def ended(self, job_id: str) -> Any:
        """Return a job once it has ended; raise Broken where it does not."""

        def look() -> Response:
            return self.expect(200, "GET", f"/jobs/{job_id}")

        waited_s = self._patience_s
        job = self.until(look, lambda seen: seen.json()["status"] in ENDED, waited_s).json()
        if job["status"] not in ENDED:
            self._patience_s = min(waited_s, _ONCE_STUCK_S)
            raise Broken(f"a job is still {job['status']} after {waited_s:g} s", "Work")
        return job

    def succeeded(self, job_id: str) -> Any:
        """Return a job once it has succeeded; raise Broken where it ends otherwise."""
        job = self.ended(job_id)
        if job["status"] != "succeeded":
            raise Broken(f"a job has {job['status']}: {reason(job)}", "Work")
        return job

    def until[T](
        self, look: Callable[[], T], is_right: Callable[[T], object], within_s: float | None = None
    ) -> T:
        """Look until it is right; return what was seen last, when the patience is over too."""
        patience_s = self.asked.patience_s if within_s is None else within_s
        until_s = self.watch.monotonic() + min(patience_s, max(self.left_s, 0))
        while not is_right(seen := look()) and (left_s := until_s - self.watch.monotonic()) > 0:
            self.watch.sleep(min(left_s, pause_s(seen) if isinstance(seen, Response) else 1.0))
        return seen
