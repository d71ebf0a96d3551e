"""One story that makes today's code write all that it can write, to be kept as fixtures.

All doors and outcomes, and what is under way in every state, at one instant.
"""

import json
import random
from collections.abc import Callable
from typing import Any
from urllib.parse import urlsplit

from nowlater.access import api_keys
from nowlater.runtime.context import Context
from tests import receiver as plays
from tests.integration.faults import answered
from tests.integration.lambdas import Reply, lambda_context
from tests.integration.world import World
from tests.receiver import Behaviour, Receiver

DAY_S = 86400
#: The smallest PNG that is one.
_PIXEL = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="
_TEXT = {"text": "To be, or not to be."}


class Death(BaseException):
    """The end of a Lambda in the middle of what it does."""


class Story:
    """Plays the story in a world; afterwards it has what callers, stream and topic were given."""

    def __init__(self, world: World, receiver: Receiver) -> None:
        self._world, self._receiver = world, receiver
        #: By its name in the story, the id of each job.
        self.jobs: dict[str, str] = {}
        #: Requests that had an idempotency key, and the job that it names.
        self.requests: list[dict[str, Any]] = []
        self.tokens: dict[str, str] = {}
        self.records: list[Any] = []
        self.published: list[Any] = []
        self.invocations: list[dict[str, Any]] = []

    def play(self) -> None:
        random.seed(1)
        self._world.faults.always("lambda.Invoke", self._invoke)
        for chapter in (
            self._who_waits_for_days,
            self._ends,
            self._what_cut_runs_short,
            self._deliveries,
            self._callers,
            self._what_is_under_way,
        ):
            chapter()

    # ── the chapters ──────────────────────────────────────────────────────────────────────────

    def _who_waits_for_days(self) -> None:
        """An operation that is never available, until its job is given up."""
        given = {"kind": "unavailable", "retry_after": 900}
        self._submit("unavailable", "fail", given, deadline={"within": 4 * DAY_S})
        self._works("OnTime")
        self._world.pass_time(3 * DAY_S + 60)
        self._works("OnTime")
        self._notifies()

    def _ends(self) -> None:
        trace = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"
        self._submit(
            "succeeded", "text-stats", _TEXT, key="k-1", tags={"order": "42"}, retention=7200
        )
        self._submit("of another owner", "echo", {"value": 1}, owner="other", key="k-1")
        self._submit("in the bucket", "echo", {"value": "x" * 17_000})
        self._submit("bytes", "thumbnail", {"image": {"base64": _PIXEL}, "format": "png"})
        given = {"text": "x", "media_type": "text/plain", "times": 17_000}
        self._submit("bytes in the bucket", "document", given)
        self._submit("traced", "echo", {"value": None}, headers={"traceparent": trace})
        self._submit("an upload", "csv-profile", {"csv": self._upload(b"a,b\n1,2\n3,4\n")})
        self._submit("refused", "fail", {"kind": "refused", "message": "No."}, key="k-2")
        self._submit("flaky", "flaky", {"failures": 1})
        self._works()
        self._submit("failed", "fail", {"kind": "error"})
        self._submit("timed out", "slow", {})
        for _ in range(3):
            self._world.pass_time(11)  # run times are written each ten seconds
            self._works()
            self._notifies()
        self._submit("late", "sleep", {"seconds": 9}, deadline={"within": 30})
        self._world.pass_time(60)
        self._world.sweep()
        self._works("OnTime")
        self._cancel(self._submit("canceled", "echo", {"value": 2}))
        start = {"after": 7200}
        self._cancel(self._submit("canceled before its start", "echo", {"value": 3}, start=start))
        self._works()
        self._hybrid("hybrid", "text-stats", _TEXT, key="k-3")
        self._hybrid("hybrid and failed", "fail", {"kind": "refused"})
        self._retry("retried", "refused", key="k-4")
        self._works()
        self._erase(self._submit("erased", "echo", {"value": "y" * 17_000}))
        self._notifies()

    def _what_cut_runs_short(self) -> None:
        given = {"text": "x", "media_type": "text/plain", "times": 17_000}
        self._submit("made twice", "document", given)
        self._world.faults.once("dynamodb.UpdateItem", lambda _: None)
        self._world.faults.once("dynamodb.UpdateItem", _die)
        self._works_and_dies()
        self._world.pass_time(400)
        self._submit("cut short three times", "meanwhile", {})
        for _ in range(3):
            self._dies()
            self._world.pass_time(400)
        self._works()
        self._notifies()

    def _deliveries(self) -> None:
        text = plays.answer(500, b"not today", Content_Type="text/plain")
        self._delivers("delivered", plays.ok, events=["succeeded", "failed"])
        self._delivers("given up", plays.gone)
        self._delivers("never more", plays.ok)
        self._call("erase", self.jobs["never more"])
        self._delivers("waiting in the table", plays.busy("2000"))
        self._delivers("replayed", plays.ok, format="application/cloudevents+json")
        self._call("replay", self.jobs["replayed"])
        self._delivers("torn", plays.reset)
        self._delivers("waiting in the queue", text)
        self._world.call("rotate", owner="other")
        self._delivers("after a rotation", plays.ok, owner="other")
        self._ends_with_callback("on its way", "acme")

    def _callers(self) -> None:
        table, now = self._world.app("authorize").services.table, self._world.now
        for name, scopes, expires in (
            ("for all", api_keys.SCOPES, None),
            ("to read until tomorrow", ("read",), now + DAY_S * 1000),
            ("expired", ("invoke", "read"), now - 1),
        ):
            _, token = api_keys.issue(table, "acme", now=now, scopes=scopes, expires=expires)
            self.tokens[name] = token

    def _what_is_under_way(self) -> None:
        self._submit("given back for an hour", "much-later", {}, deadline={"within": 7200})
        self._works("OnTime")
        self._submit("given back for a moment", "flaky", {"failures": 1})
        self._works()
        self._submit("abandoned", "meanwhile", {})
        self._dies()
        self._world.pass_time(31)
        self._submit("running", "meanwhile", {}, deadline={"within": 900})
        self._dies(lambda context: context.progress(0.4, "12000 rows"), lane="OnTime")
        self._hybrid("done at once", "echo", {"value": 9})
        self._hybrid("handed out", "echo", {"value": 4}, prefer="respond-async", key="k-5")
        self._submit("starts soon", "echo", {"value": 5}, start={"after": 300})
        self._submit("starts later", "echo", {"value": 6}, start={"after": 7200}, key="k-6")
        by = {"within": 3600}
        self._submit("has_deadline", "echo", {"value": 7}, deadline=by, callback=self._callback())
        self._submit("queued", "text-stats", _TEXT, key="k-7", tags={"order": "43"})
        self._lost("accepted by nobody", "echo", {"value": 8}, key="k-8")
        self._notifies()

    # ── what callers do ───────────────────────────────────────────────────────────────────────

    def _submit(self, name: str, operation: str, given: Any, **more: Any) -> str:
        return self._ask(name, "submit", operation, given, more)

    def _hybrid(self, name: str, operation: str, given: Any, **more: Any) -> str:
        return self._ask(name, "hybrid", operation, given, more)

    def _ask(self, name: str, door: str, operation: str, given: Any, more: dict[str, Any]) -> str:
        owner, key = more.pop("owner", "acme"), more.pop("key", None)
        prefer = more.pop("prefer", "wait=5" if door == "hybrid" else None)
        headers = more.pop("headers", {}) | {"idempotency-key": key, "prefer": prefer}
        body = {"input": given} | more
        reply = self._world.call(door, operation=operation, owner=owner, body=body, headers=headers)
        self.jobs[name] = _job_of(reply)
        if key is not None:
            asked = {"route": door, "operation": operation, "owner": owner, "body": body}
            self._keyed(asked, key, name)
        return self.jobs[name]

    def _keyed(self, asked: dict[str, Any], key: str, name: str) -> None:
        self.requests.append({"key": key, "job": self.jobs[name]} | asked)

    def _lost(self, name: str, operation: str, given: Any, key: str) -> None:
        """Ask, and have Submit die between its message and its record: only the key knows the id."""
        put = self._world.faults.once
        put("dynamodb.PutItem", lambda _: None)
        put("dynamodb.PutItem", _die)
        before = {item["PK"] for item in self._world.items()}
        try:
            self._submit(name, operation, given, key=key)
        except Death:
            (made,) = [i for i in self._world.items() if i["PK"] not in before]
            asked = {"route": "submit", "operation": operation, "owner": "acme"}
            asked |= {"body": {"input": given}, "lost": True}
            self.requests.append({"key": key, "job": made["job"]} | asked)

    def _retry(self, name: str, of: str, key: str) -> None:
        headers = {"idempotency-key": key}
        reply = self._world.call("retry", id=self.jobs[of], headers=headers)
        self.jobs[name] = _job_of(reply)
        self._keyed({"route": "retry", "of": self.jobs[of], "owner": "acme"}, key, name)

    def _cancel(self, job: str) -> None:
        self._call("cancel", job)

    def _erase(self, job: str) -> None:
        self._works()
        self._call("erase", job)

    def _call(self, route: str, job: str, **changes: Any) -> Reply:
        reply = self._world.call(route, id=job, **changes)
        assert reply.status < 300, reply
        return reply

    def _upload(self, data: bytes) -> Any:
        made = self._world.call("upload", body={"size": len(data), "media_type": "text/csv"}).json
        key, bucket = urlsplit(made["url"]).path.removeprefix("/"), self._world.ids["Bucket"]
        self._world.s3.put_object(Bucket=bucket, Key=key, Body=data, ContentType="text/csv")
        return made["use"]

    def _callback(self, **more: Any) -> dict[str, Any]:
        return {"url": self._receiver.url()} | more

    # ── what AWS and others do ────────────────────────────────────────────────────────────────

    def _works(self, lane: str = "Flexible") -> None:
        while self._world.work(lane, request_id="a request")["records"]:
            pass

    def _dies(self, happens: Callable[[Context], object] = repr, lane: str = "Flexible") -> None:
        """Have a worker die in a run of `meanwhile`, after this has happened."""

        def die(context: Context) -> None:
            happens(context)
            self._world.faults.once("dynamodb.UpdateItem", _die)

        self._world.meanwhile(die)
        self._works_and_dies(lane)

    def _works_and_dies(self, lane: str = "Flexible") -> None:
        try:
            self._world.work(lane, request_id="a request that died")
        except Death:
            return
        raise AssertionError("no Lambda died")

    def _delivers(self, name: str, play: Behaviour, owner: str = "acme", **callback: Any) -> None:
        """Have a job end, and its receiver answer so to the first try."""
        self._receiver.plays[:] = [play]
        self._ends_with_callback(name, owner, **callback)
        self._world.send_webhooks()

    def _ends_with_callback(self, name: str, owner: str, **callback: Any) -> None:
        to = self._callback(**callback)
        self._submit(name, "echo", {"value": name}, owner=owner, callback=to)
        self._works()
        self._notifies()

    def _notifies(self) -> None:
        records = self._world.ends()
        self.records += records
        if records:
            self._world.app("notify").handler({"Records": records}, lambda_context())
        self.published += self._world.published()

    def _invoke(self, request: Any) -> Any:
        payload = json.loads(request.body)
        reply = self._world.app("work").handler(payload, lambda_context(request_id="a request"))
        self.invocations.append({"payload": payload, "reply": reply})
        return answered(request.url, 200, json.dumps(reply).encode())


def _job_of(reply: Reply) -> str:
    where = reply.headers.get("location") or reply.headers.get("content-location")
    assert where is not None, reply
    return where.rpartition("/")[2]


def _die(_: Any) -> None:
    raise Death
