"""A world in one process: the stack on moto, the real handlers, and what AWS does between them."""

import base64
import json
import uuid
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from types import ModuleType, SimpleNamespace
from typing import Any

import boto3

from tests import stack

ROUTES = {
    "sync": "sync",
    "submit": "submit",
    "upload": "submit",
    "retry": "submit",
    "status": "status",
    "result": "status",
    "list": "status",
    "cancel": "status",
    "erase": "status",
    "operations": "describe",
    "operation": "describe",
    "health": "describe",
    "problem": "describe",
    "unknown": "describe",
}


@dataclass
class Reply:
    """An HTTP answer."""

    status: int
    headers: dict[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.body)

    @property
    def problem(self) -> str | None:
        """The name of the problem that it tells, if it tells one."""
        if self.headers.get("content-type") != "application/problem+json":
            return None
        return str(self.json["type"]).rpartition("/")[2]


class World:
    """Callers, Lambdas and AWS; `calls` lists each call to AWS as `service.Operation`."""

    def __init__(self, environment: dict[str, str], moto: stack.Stack, calls: list[str]) -> None:
        self.ids, self.environment, self.calls = moto.ids, environment, calls
        self._apps: dict[str, ModuleType] = {}
        self._shards: dict[str, str] = {}
        self.sqs, self.sns, self.s3 = (boto3.client(n) for n in ("sqs", "sns", "s3"))
        self.table = boto3.resource("dynamodb").Table(self.ids["Table"])
        self._streams = boto3.client("dynamodbstreams")
        self._subscribe()

    def app(self, name: str) -> ModuleType:
        if name not in self._apps:
            self._apps[name] = stack.load(name)
        return self._apps[name]

    def at(self, clock: Callable[[], int]) -> None:
        """Give all Lambdas this clock."""
        for name in ("sync", "submit", "status", "work", "sweep", "bury", "authorize"):
            self.app(name).services.clock = clock

    # ── callers ───────────────────────────────────────────────────────────────────────────────

    def call(
        self, name: str, *, owner: str = "acme", scopes: str | None = None, **changes: Any
    ) -> Reply:
        """Send the sample event of this name, changed: body, operation, id, headers, query, …"""
        event = stack.event(name)
        if "authorizer" in event["requestContext"]:
            context = event["requestContext"]["authorizer"]["lambda"]
            context |= {"owner": owner} | ({} if scopes is None else {"scopes": scopes})
        event["headers"] |= {k.lower(): v for k, v in changes.get("headers", {}).items()}
        event["headers"] = {k: v for k, v in event["headers"].items() if v is not None}
        for what, place in (
            ("operation", "text-stats"),
            ("id", "019ac1d2-7b5e-7c31-8f44-5d1f3b0a9e77"),
        ):
            if what in changes:
                event["rawPath"] = event["rawPath"].replace(place, changes[what])
                held = event["pathParameters"]
                event["pathParameters"] = {
                    k: changes[what] if v == place else v for k, v in held.items()
                }
        if "path" in changes:
            event["rawPath"] = changes["path"]
        event["requestContext"]["http"]["path"] = event["rawPath"]
        if "method" in changes:
            event["requestContext"]["http"]["method"] = changes["method"]
        if "query" in changes:
            event["queryStringParameters"] = changes["query"]
        if "body" in changes:
            event["body"] = json.dumps(changes["body"])
        if "raw" in changes:
            event["body"] = changes["raw"]
        return _reply(self.app(ROUTES[name]).handler(event, lambda_context()))

    def submit(self, operation: str = "text-stats", given: Any = None, **envelope: Any) -> Reply:
        """Ask at the async door, with no idempotency key unless `key` gives one."""
        owner, key = envelope.pop("owner", "acme"), envelope.pop("key", None)
        body = {"input": {"text": "To be."} if given is None else given} | envelope
        headers = {"idempotency-key": key}
        return self.call("submit", operation=operation, body=body, headers=headers, owner=owner)

    # ── AWS between the Lambdas ───────────────────────────────────────────────────────────────

    def work(self, lane: str = "Flexible", **context: Any) -> dict[str, Any]:
        """Receive what is visible in a lane, hand it to Work, and delete what it did not keep."""
        return self._consume(f"{lane}Queue", "work", **context)

    def bury(self) -> dict[str, Any]:
        return self._consume("DeadLetterQueue", "bury")

    def _consume(self, queue: str, app: str, **context: Any) -> dict[str, Any]:
        url = self.ids[queue]
        got = self.sqs.receive_message(
            QueueUrl=url, MaxNumberOfMessages=10, AttributeNames=["All"], WaitTimeSeconds=0
        ).get("Messages", [])
        if not got:
            return {"batchItemFailures": [], "records": 0}
        arn = self.sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn"])
        arn = arn["Attributes"]["QueueArn"]
        event = {"Records": [_record(message, arn) for message in got]}
        answer = self.app(app).handler(event, lambda_context(**context))
        kept = {f["itemIdentifier"] for f in answer["batchItemFailures"]}
        for message in got:
            if message["MessageId"] not in kept:
                self.sqs.delete_message(QueueUrl=url, ReceiptHandle=message["ReceiptHandle"])
        return answer | {"records": len(got)}

    def notify(self) -> None:
        """Hand what is new in the table's stream to Notify, as its filter lets it through."""
        records = [r for r in self._new_records() if r["eventName"] == "MODIFY"]
        if records:
            self.app("notify").handler({"Records": records}, lambda_context())

    def _new_records(self) -> Iterator[dict[str, Any]]:
        stream = self.table.latest_stream_arn
        described = self._streams.describe_stream(StreamArn=stream)["StreamDescription"]
        for shard in described["Shards"]:
            name = shard["ShardId"]
            iterator = (
                self._shards.get(name)
                or self._streams.get_shard_iterator(
                    StreamArn=stream, ShardId=name, ShardIteratorType="TRIM_HORIZON"
                )["ShardIterator"]
            )
            page = self._streams.get_records(ShardIterator=iterator)
            self._shards[name] = page["NextShardIterator"]
            yield from page["Records"]

    # ── what is outside ───────────────────────────────────────────────────────────────────────

    def _subscribe(self) -> None:
        self._inbox = self.sqs.create_queue(QueueName="inbox")["QueueUrl"]
        arn = self.sqs.get_queue_attributes(QueueUrl=self._inbox, AttributeNames=["QueueArn"])
        self.sns.subscribe(
            TopicArn=self.ids["Topic"], Protocol="sqs", Endpoint=arn["Attributes"]["QueueArn"]
        )

    def told(self) -> list[dict[str, Any]]:
        """Return the notifications that a subscriber of the topic has got since the last look."""
        got: list[dict[str, Any]] = []
        while True:
            answer = self.sqs.receive_message(QueueUrl=self._inbox, MaxNumberOfMessages=10)
            if not answer.get("Messages"):
                return got
            for message in answer["Messages"]:
                got.append(json.loads(message["Body"]))
                self.sqs.delete_message(
                    QueueUrl=self._inbox, ReceiptHandle=message["ReceiptHandle"]
                )

    def job(self, job_id: str, **changes: Any) -> dict[str, Any]:
        """Return the job's item, after setting attributes of it (None: removing them)."""
        key = {"PK": f"JOB#{changes.pop('owner', 'acme')}#0", "SK": job_id}
        item = self.table.get_item(Key=key)["Item"]
        if changes:
            item = {k: v for k, v in (item | changes).items() if v is not None}
            self.table.put_item(Item=item)
        return dict(item)

    def waiting(self, lane: str = "Flexible") -> dict[str, int]:
        """Return how many messages of a lane are visible, in flight, and delayed."""
        names = ("", "NotVisible", "Delayed")
        names = tuple(f"ApproximateNumberOfMessages{n}" for n in names)
        got = self.sqs.get_queue_attributes(
            QueueUrl=self.ids[f"{lane}Queue"], AttributeNames=list(names)
        )
        return dict(
            zip(
                ("visible", "hidden", "delayed"),
                (int(got["Attributes"][n]) for n in names),
                strict=True,
            )
        )

    def objects(self, prefix: str = "") -> list[str]:
        listed = self.s3.list_objects_v2(Bucket=self.ids["Bucket"], Prefix=prefix)
        return [o["Key"] for o in listed.get("Contents", [])]


def lambda_context(remaining_s: float = 60, request_id: str | None = None) -> Any:
    return SimpleNamespace(
        aws_request_id=request_id or str(uuid.uuid4()),
        function_name="nowlater",
        memory_limit_in_mb=512,
        invoked_function_arn="arn:aws:lambda:eu-central-1:123456789012:function:nowlater",
        get_remaining_time_in_millis=lambda: remaining_s * 1000,
    )


def _record(message: dict[str, Any], arn: str) -> dict[str, Any]:
    return {
        "messageId": message["MessageId"],
        "receiptHandle": message["ReceiptHandle"],
        "body": message["Body"],
        "attributes": message["Attributes"],
        "eventSource": "aws:sqs",
        "eventSourceARN": arn,
    }


def _reply(answer: dict[str, Any]) -> Reply:
    headers = {k.lower(): v for k, v in answer.get("headers", {}).items()}
    body = answer.get("body") or ""
    data = base64.b64decode(body) if answer.get("isBase64Encoded") else body.encode()
    return Reply(answer["statusCode"], headers, data)
