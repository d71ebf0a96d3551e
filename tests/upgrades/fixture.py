"""The data of a version, as files: taken from a world, kept as JSON, and put into a world again."""

import base64
import hashlib
import json
import re
from collections.abc import Iterator
from dataclasses import asdict, dataclass, fields
from decimal import Decimal
from pathlib import Path
from typing import Any

from moto.sqs.models import sqs_backends

from tests import receiver as plays
from tests.integration.credentials import authorized
from tests.integration.lambdas import Reply
from tests.integration.world import START, World
from tests.receiver import Receiver
from tests.upgrades.story import Story

FOLDER = Path(__file__).parent
#: The SHA-256 of the folder of each version that was released: it never changes again.
RELEASED = FOLDER / "released.txt"
QUEUES = ("OnTimeQueue", "FlexibleQueue", "WebhookQueue", "DeadLetterQueue")
#: The host of the receiver of callbacks, wherever it may listen in a test.
_RECEIVER = "127.0.0.1:8099"
#: What a try took, in milliseconds: the one thing that no clock of ours decides.
_LATENCY_MS = 5
_OWNERS = ("acme", "other")


@dataclass
class Fixture:
    """All data at one instant of a version's story, and how the jobs ended afterwards."""

    #: `now`, and the table's items.
    table: dict[str, Any]
    #: Objects by their key.
    bucket: dict[str, Any]
    #: By queue: what is in it.
    queues: dict[str, list[dict[str, Any]]]
    #: The records of ends, and the events that were published of them.
    stream: dict[str, list[Any]]
    #: What callers know: API keys, idempotency keys, secrets, webhooks, jobs, lists.
    callers: dict[str, Any]
    #: How the version itself went on from here.
    after: dict[str, Any]

    def write(self, folder: Path) -> None:
        folder.mkdir(exist_ok=True)
        for name, part in asdict(self).items():
            (folder / f"{name}.json").write_text(_lines(part))

    @property
    def now(self) -> int:
        return int(self.table["now"])

    def job(self, name: str) -> str:
        """Return the id of a job by its name in the story."""
        return str(next(job["id"] for job in self.callers["jobs"] if job["name"] == name))


def _lines(part: dict[str, Any]) -> str:
    """Return an object as JSON of which each member of a member has a line of its own."""

    def said(value: Any) -> str:
        if not value or not isinstance(value, dict | list):
            return json.dumps(value, ensure_ascii=False)
        keyed = value.items() if isinstance(value, dict) else ((None, v) for v in value)
        lines = [
            ("" if k is None else f"{json.dumps(k)}: ") + json.dumps(v, ensure_ascii=False)
            for k, v in keyed
        ]
        opened, closed = "{}" if isinstance(value, dict) else "[]"
        return f"{opened}\n  " + ",\n  ".join(lines) + f"\n {closed}"

    members = (f"{json.dumps(name)}: {said(member)}" for name, member in part.items())
    return "{\n " + ",\n ".join(members) + "\n}\n"


def versions() -> list[str]:
    """Return the versions of which there are fixtures."""
    return sorted(path.name for path in FOLDER.iterdir() if (path / "table.json").exists())


def read(version: str, receiver: Receiver | None = None) -> Fixture:
    """Return a version's fixture; its callbacks lead to the receiver."""
    host = f"{receiver.host}:{receiver.port}" if receiver else _RECEIVER
    texts = {f.name: (FOLDER / version / f"{f.name}.json").read_text() for f in fields(Fixture)}
    return Fixture(**{k: json.loads(text.replace(_RECEIVER, host)) for k, text in texts.items()})


def digest(version: str) -> str:
    """Return the SHA-256 of a version's files, with their names."""
    files = sorted((FOLDER / version).iterdir())
    said = "".join(f"{hashlib.sha256(p.read_bytes()).hexdigest()}  {p.name}\n" for p in files)
    return hashlib.sha256(said.encode()).hexdigest()


def released() -> dict[str, str]:
    """Return the digests of the versions that were released."""
    lines = (line.split() for line in RELEASED.read_text().splitlines())
    return {version: sha256 for sha256, version in lines}


# ── from a world ──────────────────────────────────────────────────────────────────────────────


def take(world: World, receiver: Receiver) -> Fixture:
    """Play the story, and return its data; `after` says how it goes on."""
    story = Story(world, receiver)
    story.play()
    made = Fixture(
        table={"now": world.now, "items": _items(world)},
        bucket=_objects(world),
        queues={name: _messages(world, name) for name in QUEUES},
        stream={"records": [_record(n, r) for n, r in enumerate(story.records)]},
        callers=_callers(world, receiver, story),
        after={},
    )
    made.stream["events"] = [_event(notification) for notification in story.published]
    text = json.dumps(asdict(made)).replace(f"{receiver.host}:{receiver.port}", _RECEIVER)
    return Fixture(**json.loads(text))


def after(world: World, receiver: Receiver, state: Fixture) -> dict[str, Any]:
    """Let every job end; return how each ended, and the events and webhooks that were sent."""
    receiver.requests.clear()
    settle(world, receiver)
    ends = {job["name"]: end(world, job) for job in state.callers["jobs"]}
    events = sorted({_event(notification)["Message"]["id"] for notification in world.published()})
    called = sorted({r.headers["webhook-id"] for r in receiver.requests})
    return {"jobs": ends, "told": events, "called": called}


def end(world: World, job: dict[str, Any]) -> Any:
    """Return how a job ended, as its owner sees it."""
    reply = world.call("status", id=job["id"], owner=job["owner"])
    if reply.status != 200:
        return {"answer": reply.status}
    error = (reply.json["error"] or {}).get("type", "").rpartition("/")[2] or None
    return {"status": reply.json["status"], "error": error}


def settle(world: World, receiver: Receiver) -> None:
    """Let time pass from one due time to the next, until nothing is due any more."""
    receiver.plays[:] = [plays.ok]
    for _ in range(200):
        for lane in ("OnTime", "Flexible"):
            while world.work(lane)["records"]:
                pass
        world.sweep()
        world.notify()
        while world.send_webhooks()["records"]:
            pass
        times = list(_due(world))
        if not times:
            return
        world.pass_time(max(1000, min(times) - world.now) / 1000 + 0.1)
    raise AssertionError(f"this goes on for ever: {_messages(world, 'FlexibleQueue')}")


def _due(world: World) -> Iterator[int]:
    """Yield when something is to be looked at again."""
    # The whole of each item would take many times as long to read.
    few = {"ProjectionExpression": "#s, deadline, due_at"}
    names = {"ExpressionAttributeNames": {"#s": "status"}}
    for item in world.table.scan(ConsistentRead=True, **few, **names)["Items"]:
        if item.get("status") in ("scheduled", "queued", "running"):
            yield int(item["deadline"])
        if item.get("due_at") is not None:
            yield int(item["due_at"])
    for name in QUEUES:
        for message in _messages(world, name):
            yield world.now + message["visible_in_s"] * 1000


def _items(world: World) -> list[Any]:
    items = [_plain(item) for item in world.items()]
    for item in items:
        if item["PK"].startswith("DELIVERY#") and item.get(
            "attempts"
        ):  # its next time is counted from the end of the last try
            longer_ms = item["attempts"][-1]["latency_ms"] - _LATENCY_MS
            item |= {k: item[k] - longer_ms for k in ("next_at", "due_at") if k in item}
            for made in item["attempts"]:
                made["latency_ms"] = _LATENCY_MS
    return sorted((dict(sorted(i.items())) for i in items), key=lambda i: (i["PK"], i["SK"]))


def _plain(value: Any) -> Any:
    """Return what boto3 gave, in JSON's own types."""
    if isinstance(value, Decimal):
        return float(value) if "." in str(value) else int(value)
    if isinstance(value, dict):
        return {k: _plain(v) for k, v in value.items()}
    return [_plain(v) for v in value] if isinstance(value, list) else value


def _objects(world: World) -> dict[str, Any]:
    found = {}
    for key in world.objects():
        data, kind = world.object(key)
        found[key] = {"type": kind} | _said(data)
    return found


def _said(data: bytes) -> dict[str, str]:
    try:
        return {"text": data.decode()}
    except UnicodeDecodeError:
        return {"base64": base64.b64encode(data).decode()}


def _bytes(said: dict[str, str]) -> bytes:
    return said["text"].encode() if "text" in said else base64.b64decode(said["base64"])


def _messages(world: World, name: str) -> list[dict[str, Any]]:
    """Return what is in a queue, in whatever state, without receiving it."""
    queue_name, now = world.ids[name].rpartition("/")[2], world.now
    queues = sqs_backends["123456789012"]["eu-central-1"].queues
    return [
        {
            "body": message.body,
            "group": message.group_id,
            "visible_in_s": _whole_s(max(message.visible_at, message.delayed_until) - now),
        }
        for message in queues[queue_name]._messages
    ]


def _whole_s(milliseconds: float) -> int:
    return max(0, round(milliseconds / 1000))


def _record(number: int, record: dict[str, Any]) -> dict[str, Any]:
    """Return a record of the stream without what differs from run to run."""
    kept = {k: v for k, v in record.items() if k != "dynamodb"}
    images = {k: record["dynamodb"][k] for k in ("Keys", "OldImage", "NewImage")}
    return kept | {"eventID": f"{number:032x}", "dynamodb": images}


def _event(notification: dict[str, Any]) -> dict[str, Any]:
    attributes = {k: v["Value"] for k, v in notification["MessageAttributes"].items()}
    return {"Message": json.loads(notification["Message"]), "MessageAttributes": attributes}


def _callers(world: World, receiver: Receiver, story: Story) -> dict[str, Any]:
    owners = {j: item["PK"].split("#")[1] for item in world.items() for j in [item["SK"]]}
    jobs = [
        {"name": n, "id": j, "owner": owners[j]} | seen(world, j, owners[j])
        for n, j in story.jobs.items()
    ]
    return {
        "keys": [
            {"name": name, "token": token, "answer": authorized(world, f"Bearer {token}")}
            for name, token in story.tokens.items()
        ],
        "requests": story.requests,
        "secrets": [
            {"owner": owner, "shown": world.call("secret", owner=owner, query=_HOST).json}
            for owner in _OWNERS
        ],
        "webhooks": [_webhook(r) for r in receiver.requests],
        "invocations": story.invocations,
        "jobs": jobs,
        "pages": _pages(world),
    }


_HOST = {"host": "127.0.0.1"}


def seen(world: World, job: str, owner: str) -> dict[str, Any]:
    """Return a job, its result and its deliveries as its owner sees them."""
    reply = world.call("status", id=job, owner=owner)
    if reply.status != 200:
        return {"answer": reply.status}
    shown = {k: v for k, v in reply.json.items() if k not in ("estimate", "at_risk")}
    log = world.call("deliveries", id=job, owner=owner).json["deliveries"]
    return {"shown": shown, "result": result(world, job, owner), "deliveries": _timeless(log)}


def result(world: World, job: str, owner: str) -> dict[str, Any]:
    """Return what the route of results answers; of a large one, what lies where it points."""
    reply: Reply = world.call("result", id=job, owner=owner)
    if reply.status == 202:
        return {"answer": 202}
    if reply.status == 303:
        path = reply.headers["location"].split("?")[0]
        key = path.partition(".amazonaws.com/")[2]
        body, kind = world.object(key)
    else:
        body, kind = reply.body, reply.headers["content-type"]
    return {"answer": reply.status, "type": kind} | _said(body)


def _timeless(log: list[Any]) -> list[Any]:
    """Return deliveries without what depends on how long a try took."""
    shown = [{k: v for k, v in delivery.items() if k != "next"} for delivery in log]
    for delivery in shown:
        delivery["attempts"] = [t | {"latency_ms": _LATENCY_MS} for t in delivery["attempts"]]
    return shown


def _webhook(received: Any) -> dict[str, Any]:
    headers = {k: v for k, v in received.headers.items() if re.match("webhook-|content-type", k)}
    return {"headers": headers, "body": received.body.decode()}


def _pages(world: World) -> list[dict[str, Any]]:
    """Return a list's pages: each one's query, cursor and all, and the jobs on it."""
    query, found = {"limit": "7"}, []
    while True:
        page = world.call("list", query=query).json
        found.append({"query": dict(query), "jobs": [job["id"] for job in page["jobs"]]})
        if page["next"] is None:
            return found
        query["cursor"] = page["next"].rpartition("cursor=")[2]


# ── into a world ──────────────────────────────────────────────────────────────────────────────


def put(world: World, state: Fixture) -> None:
    """Put the state into an empty world."""
    world.pass_time((state.now - START) / 1000)
    for item in state.table["items"]:
        world.table.put_item(Item=json.loads(json.dumps(item), parse_float=Decimal))
    for key, said in state.bucket.items():
        bucket = world.ids["Bucket"]
        world.s3.put_object(Bucket=bucket, Key=key, Body=_bytes(said), ContentType=said["type"])
    for name, messages in state.queues.items():
        for message in messages:
            group = {"MessageGroupId": message["group"]} if message["group"] else {}
            world.sqs.send_message(
                QueueUrl=world.ids[name],
                MessageBody=message["body"],
                DelaySeconds=message["visible_in_s"],
                **group,
            )
    world.ends()  # drop the stream's records of these writes
    world.published()
    world.calls.clear()


# ── its shape ─────────────────────────────────────────────────────────────────────────────────

#: What users write: its members are theirs.
_THEIRS = {"tags", "result", "input"}


def shape(state: Fixture) -> set[str]:
    """Return the names of all that a version writes for a later one, each with where it is."""
    found: set[str] = set()
    for item in state.table["items"]:
        kind = item["PK"].split("#")[0]
        found |= {f"{kind}.{n}" for n in _names(item) if not re.match(r"b\d+$", n)}
    for name, messages in state.queues.items():
        for message in messages:
            found |= {f"{name}.{n}" for n in _names(json.loads(message["body"]))}
    for notification in state.stream["events"]:
        found |= {f"event.{n}" for n in _names(notification)}
    for key in state.callers["keys"]:
        found |= {f"authorizer.{n}" for n in _names(key["answer"])}
    for invoked in state.callers["invocations"]:
        found |= {f"invocation.{n}" for n in _names(invoked)}
    return found


def _names(value: Any) -> Iterator[str]:
    if isinstance(value, list):
        for each in value:
            yield from _names(each)
    if isinstance(value, dict):
        for name, member in value.items():
            yield name
            if name not in _THEIRS:
                yield from (f"{name}.{inner}" for inner in _names(member))
