"""A caller of the virtual AWS's API, which sends one request after another and keeps the answers."""

import json
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from tests.faults.cloud import Cloud
from tests.integration.lambdas import Reply, http_event, reply_of
from tests.integration.world import ROUTES

#: How long API Gateway waits, and how often and when a client with a key asks again, in seconds.
_GATEWAY_S, _AGAIN_S = 30, (1, 5, 20, 60)


@dataclass
class Asked:
    """A request for a job: when it was answered with which job, or with which other status.

    Its trace is kept with its job.
    """

    trace: str
    key: str | None
    callback: bool
    accepted: list[tuple[int, str]] = field(default_factory=list)
    refused: list[int | None] = field(default_factory=list)
    #: Sends it (again).
    send: Callable[[], Reply | None] = lambda: None


@dataclass
class Shown:
    """A job as a caller was shown it."""

    at: int
    job: str
    seen: dict[str, Any]


class Caller:
    """A caller of the API; all of them of one owner."""

    def __init__(self, cloud: Cloud) -> None:
        self.cloud = cloud
        self.asked, self.shown = list[Asked](), list[Shown]()
        #: When a cancel was acknowledged, and an erase, by job.
        self.canceled, self.erased = dict[str, int](), dict[str, int]()
        #: The jobs that it has begun to erase.
        self.erasing = set[str]()

    def http(self, route: str, **changes: Any) -> Reply | None:
        """Send a request; None if the server died, or gave no answer in time."""
        event = http_event(route, came=self.cloud.now, **changes)
        process = self.cloud.invoke(ROUTES[route], event)
        if not self.cloud.join(process, _GATEWAY_S) or not process.is_good:
            return None
        reply = reply_of(process.answer)
        if reply.problem == "internal-error":
            self.cloud.violations.append(f"{route} answered {reply.body!r}")
        return reply

    def submit(
        self,
        does: list[str],
        *,
        door: str = "submit",
        key: str | None = None,
        prefer: str = "wait=5",
        start_s: float | None = None,
        within_s: float | None = None,
        callback: bool = False,
        **envelope: Any,
    ) -> str | None:
        """Ask for a job; return its id, or None if none was accepted, as far as the caller knows.

        With a key, a request that got no answer is sent again, a few times.
        """
        asked = self._asked(key, callback)
        body: dict[str, Any] = {"input": {"does": does}} | envelope
        body |= {} if start_s is None else {"start": {"after": start_s}}
        body |= {} if within_s is None else {"deadline": {"within": within_s}}
        body |= {"callback": {"url": "https://hooks.example.org/x"}} if callback else {}
        headers = {"idempotency-key": key, "prefer": prefer, "traceparent": asked.trace}
        said = {"operation": "something", "body": body, "headers": headers}
        return self._persist(asked, lambda: self.http(door, **said))

    def retry(self, job: str, key: str | None = None) -> str | None:
        """Ask for a job again as a new one."""
        asked = self._asked(key, callback=False)
        headers = {"idempotency-key": key, "traceparent": asked.trace}
        return self._persist(asked, lambda: self.http("retry", id=job, headers=headers))

    def _asked(self, key: str | None, callback: bool) -> Asked:
        """Note a new request, that its job can be known by."""
        self.asked.append(Asked(f"00-{len(self.asked) + 1:032x}-{1:016x}-01", key, callback))
        return self.asked[-1]

    def again(self, asked: Asked, send: Callable[[], Reply | None]) -> str | None:
        """Send a request, and note its answer; return its job's id."""
        reply = send()
        status = None if reply is None else reply.status
        if reply is not None and status == 504 and "job" in reply.json:  # of `handling=strict`
            self.canceled.setdefault(reply.json["job"].rpartition("/")[2], self.cloud.now)
        if reply is None or ("content-location" not in reply.headers and status != 202):
            asked.refused.append(status)
            return None
        where = reply.headers.get("content-location") or reply.headers["location"]
        job = where.rpartition("/")[2]
        asked.accepted.append((self.cloud.now, job))
        if status == 202:
            self._note(job, reply)
        return job

    def _persist(self, asked: Asked, send: Callable[[], Reply | None]) -> str | None:
        asked.send = send
        job = self.again(asked, send)
        for wait_s in _AGAIN_S if asked.key is not None else ():
            if job is not None or asked.refused[-1] not in (None, 503):
                break
            self.cloud.sleep(wait_s)
            job = self.again(asked, send)
        return job

    def read(self, job: str | None) -> dict[str, Any] | None:
        """Return a job as it is shown; None without an answer."""
        if job is None:
            return None
        reply = self._request("status", job)
        return None if reply is None or reply.status != 200 else dict(reply.json)

    def cancel(self, job: str | None) -> None:
        """Cancel a job, until that is answered."""
        if job is not None:
            reply = self._request("cancel", job)
            if reply is not None and reply.status == 200:
                self.canceled.setdefault(job, self.cloud.now)

    def erase(self, job: str | None) -> None:
        """Erase an ended job."""
        if job is not None:
            self.erasing.add(job)
            reply = self._request("erase", job)
            if reply is not None and reply.status == 204:
                self.erased.setdefault(job, self.cloud.now)

    def wait_for_end(self, job: str | None, most_s: float = 4000) -> None:
        """Look at a job, less and less often, until it has ended."""
        waited_s, wait_s = 0.0, 1.0
        while job is not None and waited_s < most_s:
            seen = self.read(job)
            if seen and seen["status"] in ("succeeded", "failed", "canceled"):
                return
            self.cloud.sleep(wait_s)
            waited_s, wait_s = waited_s + wait_s, min(2 * wait_s, 600)

    def replay(self, job: str | None) -> None:
        """Have a job's webhook sent again."""
        if job is not None:
            self._request("replay", job, number="1")

    def _request(self, route: str, job: str, **more: Any) -> Reply | None:
        """Send a request about a job, and again if there is no answer."""
        for wait_s in (1, 5, 20, 60):
            reply = self.http(route, id=job, **more)
            if reply is not None and reply.status != 503:
                self._note(job, reply)
                return reply
            self.cloud.sleep(wait_s)
        return None

    def _note(self, job: str, reply: Reply) -> None:
        if reply.status in (200, 202) and "status" in (said := json.loads(reply.body)):
            self.shown.append(Shown(self.cloud.now, job, said))
