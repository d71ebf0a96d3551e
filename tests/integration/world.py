"""A world in one process: the stack on moto, the real handlers, and what AWS does between them."""

import json
import random
from collections.abc import Callable, Iterator
from itertools import batched
from types import ModuleType
from typing import Any

import boto3
from botocore.awsrequest import AWSResponse
from moto.dynamodb.models import dynamodb_backends
from moto.sqs.models import sqs_backends
from msgspec.structs import replace

from nowlater import settings
from nowlater.runtime.catalogue import Catalogue, Entry, read_manual
from nowlater.services import Services
from tests import stack
from tests.contract import Contract
from tests.integration import operations
from tests.integration.faults import Faults, answered
from tests.integration.lambdas import Reply, http_event, lambda_context, record_of, reply_of
from tests.integration.permissions import Permissions
from tests.integration.stream import Stream
from tests.stopwatch import Stopwatch

ROUTES = {
    "sync": "sync",
    "hybrid": "hybrid",
    "submit": "submit",
    "upload": "submit",
    "retry": "submit",
    "status": "status",
    "result": "status",
    "events": "status",
    "list": "status",
    "counts": "status",
    "lanes": "status",
    "cancel": "status",
    "erase": "status",
    "all-deliveries": "webhooks",
    "deliveries": "webhooks",
    "replay": "webhooks",
    "secret": "webhooks",
    "rotate": "webhooks",
    "operations": "describe",
    "operation": "describe",
    "health": "describe",
    "problem": "describe",
    "openapi": "describe",
    "asyncapi": "describe",
    "docs": "describe",
    "docs-file": "describe",
    "console": "describe",
    "console-file": "describe",
    "unknown": "describe",
}
LAMBDAS = sorted(
    {
        *ROUTES.values(),
        "work",
        "notify",
        "send_webhooks",
        "sweep",
        "handle_dead_letters",
        "authorize",
    }
)

#: When every test begins: 2026-11-24T12:00:00Z, the time of the sample events.
START = 1_795_521_600_000


class World:
    """Callers, Lambdas and AWS; `calls` lists each call to AWS as `service.Operation`.

    `denied` lists those that the Lambda's role in the template does not allow: no test may have one.

    Its clock stands still but for `pass_time`, and moto's queues go by it too, so that no test asks how
    long it takes. Who waits, does so by `time`, which passes at once.
    """

    def __init__(self, moto: stack.Stack) -> None:
        self.ids, self.calls, self.faults = moto.ids, list[str](), Faults()
        self.now, self.time = START, Stopwatch()
        self.sqs, self.sns, self.s3 = (boto3.client(n) for n in ("sqs", "sns", "s3"))
        self.table = boto3.resource("dynamodb").Table(self.ids["Table"])
        self._stream = Stream(self.table.latest_stream_arn)
        self._subscribe()
        self._apps: dict[str, ModuleType] = {}
        self.denied, self._at_work = list[str](), list[str]()
        #: For how many seconds the last call of each kind would have waited for its response.
        self.read_timeouts_s = dict[str, float]()
        self._permissions = Permissions(self.ids)
        self.contract = Contract(json.loads(read_manual("openapi-diagnostics.json") or b""))
        self._settings = settings.from_environment()

    def empty(self) -> None:
        """Forget all that a test did."""
        self.faults.clear()
        for table in dynamodb_backends["123456789012"]["eu-central-1"].tables.values():
            table.items.clear()  # deleting them one by one takes seconds
        for queue in _queues():  # SQS purges one only once a minute
            queue._messages.clear()
        for key in self.objects():
            self.s3.delete_object(Bucket=self.ids["Bucket"], Key=key)
        self._stream.skip()
        operations.MEANWHILE.happens.clear()
        self.now = START
        self.time.reset()
        random.seed(0)  # jitter is the same each time, whatever ran before
        for name in LAMBDAS:
            self._start(name, self._settings)
        self.faults.always("lambda.Invoke", self._invoke)
        self.calls.clear()
        self.denied.clear()

    def app(self, name: str) -> ModuleType:
        if name not in self._apps:
            loaded = self._apps[name] = stack.load(name)
            loaded.handler = self._noted(name, loaded.handler)
        return self._apps[name]

    def restart(self, *names: str, **changes: Any) -> None:
        """Have Lambdas remember nothing, and go on with settings that are changed by these."""
        for name in names:
            self._start(name, replace(self.app(name).services.settings, **changes))

    def _start(self, name: str, environment: settings.Settings) -> None:
        services = Services(environment=environment, clock=lambda: self.now)
        services.catalogue = _WithTestOperations(with_diagnostics=environment.diagnostics)
        self.app(name).services = services

    def _noted(self, name: str, handler: Callable[..., Any]) -> Callable[..., Any]:
        """Have it known which Lambda is at work while its handler runs."""

        def noted(event: Any, context: Any) -> Any:
            self._at_work.append(name)
            try:
                return handler(event, context)
            finally:
                self._at_work.pop()

        return noted

    def count(self, model: Any, params: Any, context: Any, **_: object) -> None:
        """Handle botocore's event `before-call`."""
        service = model.service_model.service_name
        self.calls.append(f"{service}.{model.name}")
        self.read_timeouts_s[self.calls[-1]] = context["client_config"].read_timeout
        if self._at_work:  # else it is a tool
            needed = self._permissions.needed(service, model.name, params)
            if not self._permissions.allow(self._at_work[-1], needed):
                self.denied.append(f"{self._at_work[-1]} may not {needed}")

    def pass_time(self, seconds: float) -> None:
        """Let time pass, for the Lambdas and for the messages that wait."""
        self.now += round(seconds * 1000)

    # ── callers ───────────────────────────────────────────────────────────────────────────────

    def call(
        self, name: str, /, *, owner: str = "acme", scopes: str | None = None, **changes: Any
    ) -> Reply:
        """Send the sample event of this name now, changed: body, operation, id, headers, query, …"""
        event = http_event(name, owner=owner, scopes=scopes, **{"came": self.now} | changes)
        reply = reply_of(self.app(ROUTES[name]).handler(event, lambda_context()))
        method, _, _ = event["routeKey"].partition(" ")
        self.contract.check(method, event["rawPath"], reply.status, reply.headers, reply.body)
        return reply

    def submit(self, operation: str = "text-stats", given: Any = None, **envelope: Any) -> Reply:
        """Ask at the async door, with no idempotency key unless `key` gives one."""
        return self._ask("submit", operation, given, envelope, {})

    def hybrid(
        self, operation: str = "text-stats", given: Any = None, prefer: str = "wait=5", **more: Any
    ) -> Reply:
        """Ask at the hybrid door, likewise."""
        return self._ask("hybrid", operation, given, more, {"prefer": prefer})

    def sync(self, operation: str = "text-stats", given: Any = None) -> Reply:
        return self._ask("sync", operation, given, {}, {})

    def _ask(
        self,
        name: str,
        operation: str,
        given: Any,
        envelope: dict[str, Any],
        headers: dict[str, Any],
    ) -> Reply:
        owner, key = envelope.pop("owner", "acme"), envelope.pop("key", None)
        body = {"input": {"text": "To be."} if given is None else given} | envelope
        headers |= {"idempotency-key": key}
        return self.call(name, operation=operation, body=body, headers=headers, owner=owner)

    # ── AWS between the Lambdas ───────────────────────────────────────────────────────────────

    def work(self, lane: str = "Flexible", **context: Any) -> dict[str, Any]:
        """Receive what is visible in a lane, hand it to Work as SQS does, and delete what it did not keep."""
        return self._consume(f"{lane}Queue", "work", **context)

    def send_webhooks(self) -> dict[str, Any]:
        return self._consume("WebhookQueue", "send_webhooks")

    def handle_dead_letters(self) -> dict[str, Any]:
        return self._consume("DeadLetterQueue", "handle_dead_letters")

    def receive(self, queue: str) -> list[dict[str, Any]]:
        """Receive what is visible in a queue, ten messages at most, as the records of an event."""
        url = self.ids[queue]
        got = self.sqs.receive_message(
            QueueUrl=url,
            MaxNumberOfMessages=10,
            AttributeNames=["All"],
            MessageAttributeNames=["All"],
            WaitTimeSeconds=0,
        ).get("Messages", [])
        arn = self.sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn"])
        arn = arn["Attributes"]["QueueArn"]
        return [record_of(message, arn) for message in got]

    def _consume(self, queue: str, app: str, **context: Any) -> dict[str, Any]:
        got, failures = self.receive(queue), list[dict[str, str]]()
        for records in batched(got, stack.batch_sizes()[queue], strict=False):
            answer = self.app(app).handler({"Records": [*records]}, lambda_context(**context))
            kept = {f["itemIdentifier"] for f in answer["batchItemFailures"]}
            for record in records:
                if record["messageId"] not in kept:
                    handle = record["receiptHandle"]
                    self.sqs.delete_message(QueueUrl=self.ids[queue], ReceiptHandle=handle)
            failures += answer["batchItemFailures"]
        return {"batchItemFailures": failures, "records": len(got)}

    def direct(self, job_id: str, owner: str = "acme") -> Any:
        """Invoke Work with a job's pointer, as Hybrid does."""
        return self.app("work").handler({"owner": owner, "id": job_id}, lambda_context())

    def _invoke(self, request: Any) -> AWSResponse:
        answer = self.app("work").handler(json.loads(request.body), lambda_context())
        return answered(request.url, 200, json.dumps(answer).encode())

    def meanwhile(self, *happens: Callable[[Any], object]) -> None:
        """Have these happen, one a run, while the operation `meanwhile` runs."""
        operations.MEANWHILE.happens += happens

    def sweep(self) -> None:
        self.app("sweep").handler(stack.event("sweep"), lambda_context())

    def ends(self) -> list[dict[str, Any]]:
        """Return what is new in the table's stream, as far as the template's filter lets it."""
        return self._stream.ends()

    def notify(self) -> None:
        """Hand what is new in the table's stream to Notify."""
        if records := self.ends():
            self.app("notify").handler({"Records": records}, lambda_context())

    # ── what is outside ───────────────────────────────────────────────────────────────────────

    def _subscribe(self) -> None:
        self._inbox = self.sqs.create_queue(QueueName="inbox")["QueueUrl"]
        arn = self.sqs.get_queue_attributes(QueueUrl=self._inbox, AttributeNames=["QueueArn"])
        self.sns.subscribe(
            TopicArn=self.ids["Topic"], Protocol="sqs", Endpoint=arn["Attributes"]["QueueArn"]
        )

    def published(self) -> list[dict[str, Any]]:
        """Return the notifications that a subscriber of the topic has got since the last look."""
        got: list[dict[str, Any]] = []
        while messages := self.sqs.receive_message(
            QueueUrl=self._inbox, MaxNumberOfMessages=10
        ).get("Messages"):
            for message in messages:
                got.append(json.loads(message["Body"]))
                self.sqs.delete_message(
                    QueueUrl=self._inbox, ReceiptHandle=message["ReceiptHandle"]
                )
        return got

    def see(self, job_id: str, **changes: Any) -> Any:
        """Return a job as its owner sees it."""
        return self.call("status", id=job_id, **changes).json

    def items(self) -> list[dict[str, Any]]:
        return list(self.table.scan(ConsistentRead=True)["Items"])

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
        counts = (int(got["Attributes"][n]) for n in names)
        return dict(zip(("visible", "hidden", "delayed"), counts, strict=True))

    def delivery(self, job_id: str, owner: str = "acme", number: int = 1) -> dict[str, Any] | None:
        """Return the item of a delivery."""
        key = {"PK": f"DELIVERY#{owner}#{job_id}", "SK": f"{number:04d}"}
        return self.table.get_item(Key=key).get("Item")

    def messages(self) -> int:
        """Return how many messages there are in the lanes, in whatever state."""
        return sum(sum(self.waiting(lane).values()) for lane in ("OnTime", "Flexible"))

    def objects(self, prefix: str = "") -> list[str]:
        listed = self.s3.list_objects_v2(Bucket=self.ids["Bucket"], Prefix=prefix)
        return [o["Key"] for o in listed.get("Contents", [])]

    def object(self, key: str) -> tuple[bytes, str]:
        """Return an object of the bucket, and its type."""
        got = self.s3.get_object(Bucket=self.ids["Bucket"], Key=key)
        return got["Body"].read(), got["ContentType"]

    def counts(self) -> tuple[int, int, int]:
        """Return how many items, messages and objects there are."""
        return len(self.items()), self.messages(), len(self.objects())


def _queues() -> Iterator[Any]:
    """Yield all queues of moto."""
    for backend in sqs_backends["123456789012"].values():
        yield from backend.queues.values()


class _WithTestOperations(Catalogue):
    """The real catalogue, and the operations of `tests.integration.operations`."""

    def find(self, name: str) -> Entry | None:
        spec = getattr(getattr(operations, name.replace("-", "_"), None), "operation", None)
        if spec is None:
            return super().find(name)
        validate: Callable[[Any], Any] = lambda given: given  # noqa: E731
        return Entry(
            name=name,
            module=operations.__name__,
            function=spec.function.__name__,
            timeout=spec.timeout,
            attempts=spec.attempts,
            doors=spec.doors,
            diagnostic=False,
            takes_documents=True,
            validate=validate,
        )
