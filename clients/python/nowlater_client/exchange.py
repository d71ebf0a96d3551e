"""One request and its repetitions: the one place that decides what is sent again, and when.

| answer                                             | is it sent again?                        |
|----------------------------------------------------|------------------------------------------|
| none, or only a part of one                        | yes                                      |
| 429                                                | yes                                      |
| 500, 502, 503, 504 that is no problem of the API's | yes: the gateway's, or a proxy's         |
| problem `try-again`, `unavailable`                 | yes, unless it is the outcome of a job   |
| any other                                          | no                                       |

The wait is `Retry-After`, else random between 0 and 1, 2, 4 and at most 8 s ("full jitter"). It ends
when the time is up, or would be up before the next try. A submit always has an idempotency key, so
that a repeated one finds the same job; the sync door may run the operation again.
"""

from __future__ import annotations

import json as json_
import math
import platform
import random
import time
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from nowlater_client import errors
from nowlater_client.loop import Conversation, Lost, Pause, Reply, Request
from nowlater_client.version import __version__

#: Seconds for one try: API Gateway answers within 30, at the latest.
TRY_S = 40.0
#: Seconds in which a URL that has never answered is tried: a wrong one should be told soon.
FIRST_CONTACT_S = 5.0
_MAX_JITTER_S = 8.0
_PROBLEM = "application/problem+json"
_AGENT = f"nowlater-client/{__version__} python/{platform.python_version()}"


@dataclass
class Core:
    """What all requests of a client share; nothing here does I/O."""

    url: str
    key: str
    #: Seconds for a request with its repetitions, where the method has no `timeout` of its own.
    timeout: float = 60.0
    max_retries: int = 1000
    #: Operation → the door that `call` found to serve it.
    doors: dict[str, str] = field(default_factory=dict)
    has_answered: bool = False

    def until(self, timeout: float | None) -> float:
        """Return the instant (of `time.monotonic`) after so many seconds; None: no end."""
        return math.inf if timeout is None else time.monotonic() + timeout


def exchange(
    core: Core,
    method: str,
    path: str,
    *,
    until: float,
    json: Any = None,
    headers: Mapping[str, str] | None = None,
    job_id: str | None = None,
    key: str | None = None,
) -> Conversation[Reply]:
    """Send a request to the API until it is answered; raises the error of a problem, or Unreachable.

    `path` may be a URL of this API, such as a link of a job.
    """
    sent = {"authorization": f"Bearer {core.key}", "user-agent": _AGENT, **(headers or {})}
    content = None
    if json is not None:
        content = json_.dumps(json, ensure_ascii=False, allow_nan=False).encode()
        sent["content-type"] = "application/json"
    if key is not None:
        sent["idempotency-key"] = key
    request = Request(method, address(core, path), sent, content)
    reply = yield from persist(core, request, until, job_id=job_id, key=key)
    if reply.status >= 400:
        raise error_of(reply, job_id=job_id, key=key)
    return reply


def address(core: Core, path: str) -> str:
    """Return the URL of a path. Of a link, only the path counts: the key goes to no other host."""
    if not path.startswith("/"):
        path = "/" + path.partition("://")[2].partition("/")[2]
    return core.url + path


def persist(
    core: Core, request: Request, until: float, *, job_id: str | None, key: str | None = None
) -> Conversation[Reply]:
    """Send a request until it is answered; raises Unreachable, or the last error when time is up."""
    began, tries = time.monotonic(), 0
    until = until if math.isfinite(until) else began + core.timeout
    while True:
        fault: errors.NowlaterError
        wait_s: float | None = None
        is_final = False
        try:
            reply: Reply = yield replace(request, until=min(until, time.monotonic() + TRY_S))
        except Lost as lost:
            text = f"{request.method} {request.url.partition('?')[0]}: {lost}."
            fault = errors.Unreachable(text, job_id=job_id, key=key)
            is_new = lost.is_unsent and not core.has_answered
            is_final = lost.is_final or (is_new and time.monotonic() - began > FIRST_CONTACT_S)
        else:
            core.has_answered = True
            if not is_sent_again(reply):
                return reply
            fault, wait_s = error_of(reply, job_id=job_id, key=key), retry_after_s(reply)
        tries += 1
        if wait_s is None:
            wait_s = random.uniform(0, min(_MAX_JITTER_S, 2.0 ** (tries - 1)))
        if is_final or tries > core.max_retries or time.monotonic() + wait_s >= until:
            raise fault
        yield Pause(wait_s)


def is_sent_again(reply: Reply) -> bool:
    """Tell whether the request is repeated after this answer: see the table above."""
    is_json = reply.media_type in ("application/json", _PROBLEM)
    is_file = "content-security-policy" in reply.headers
    if is_json and not is_file and reply.status // 100 in (2, 4) and not _is_json(reply):
        return True  # something between cut it
    if reply.media_type == _PROBLEM:
        is_of_job = "content-location" in reply.headers
        code = _problem(reply).get("code")
        return reply.status == 429 or (code in ("try-again", "unavailable") and not is_of_job)
    return reply.status in (429, 500, 502, 503, 504)


def retry_after_s(reply: Reply) -> float | None:
    """Return the seconds of Retry-After; None without one."""
    value = reply.headers.get("retry-after", "")
    return float(value) if value.isdecimal() else None


def error_of(reply: Reply, **known: Any) -> errors.NowlaterError:
    """Return the exception of an answer with status 400 or more."""
    names = ("apigw-requestid", "x-amzn-requestid")
    known["request_id"] = next((reply.headers[n] for n in names if n in reply.headers), None)
    location = reply.headers.get("content-location")
    if location:
        known["job_id"] = location.rpartition("/")[2]
    if reply.media_type == _PROBLEM:
        return errors.from_problem(_problem(reply), **known | {"status": reply.status})
    kind = errors.Unauthorized if reply.status in (401, 403) else errors.NowlaterError
    kind = errors.TooLarge if reply.status == 413 else kind
    text = reply.body[:200].decode(errors="replace")
    return kind(f"The answer is {reply.status}: {text}", status=reply.status, **known)


def _problem(reply: Reply) -> dict[str, Any]:
    found = reply.json() if _is_json(reply) else None
    return found if isinstance(found, dict) else {}


def _is_json(reply: Reply) -> bool:
    try:
        reply.json()
    except ValueError:
        return False
    return True
