"""The subscribers of docs/notifications.md, against real ends; local signatures are fake, see the unit tests."""

import json
import shlex
import threading
import time
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from socketserver import ThreadingMixIn
from types import ModuleType
from typing import Any
from wsgiref.simple_server import WSGIRequestHandler, WSGIServer, make_server

import pytest
import yaml
from botocore import xform_name

from local.inbox import Inbox
from tests import snippets
from tests.e2e.client import Client
from tests.e2e.patience import eventually
from tests.e2e.served import Served, Subscriber, make_key, sam_deploy

pytestmark = pytest.mark.usefixtures("diagnostics")

PAGE = "notifications.md"
FILTERS = {
    policy.strip("`"): scope.strip("`")
    for policy, scope, _ in snippets.table(PAGE, "filter policy")
}
#: What each filter selects of the jobs that `Ends` makes.
SELECTED = {
    '{"status": ["failed", "canceled"]}': {"failed", "canceled"},
    '{"owner": ["acme"], "operation": ["text-stats"]}': {"counted", "canceled"},
    '{"owner": [{"anything-but": ["acme"]}]}': {"another's"},
    '{"data": {"tags": {"customer": ["7"]}}}': {"counted", "another's"},
    '{"data": {"status": ["failed"], "tags": {"customer": [{"exists": true}]}}}': {"failed"},
}


class Ends:
    """Ends jobs of two owners in every way, and waits until all were published."""

    def __init__(self, api: Client, other: Client, subscriber: Subscriber) -> None:
        self._api, self._other, self._subscriber = api, other, subscriber
        self.names: dict[str, str] = {}

    def make(self) -> dict[str, Any]:
        """Return the jobs by name."""
        count = {"text": "To be, or not to be."}
        given = {
            "counted": self._api.submit("text-stats", count, tags={"customer": "7"}),
            "failed": self._api.submit("fail", {"kind": "refused"}, tags={"customer": "8"}),
            "canceled": self._api.submit("text-stats", count, start={"after": 3600}),
            "another's": self._other.submit("text-stats", count, tags={"customer": "7"}),
        }
        self._api.call("POST", given["canceled"]["links"]["cancel"])
        made = {
            name: (self._other if name == "another's" else self._api).ended(job)
            for name, job in given.items()
        }
        self._subscriber.of({job["id"] for job in made.values()})
        self.names |= {job["id"]: name for name, job in made.items()}
        return made

    def among(self, events: list[dict[str, Any]]) -> list[dict[str, Any]]:
        """Return the events of these jobs; those of other tests may end at any time."""
        return [event for event in events if event["subject"] in self.names]

    def named(self, events: list[dict[str, Any]]) -> set[str]:
        """Return the names of the jobs that events tell of."""
        return {self.names[event["subject"]] for event in self.among(events)}


@pytest.fixture(scope="module")
def ends(served: Served, api: Client, subscriber: Subscriber) -> Iterator[Ends]:
    other = Client(served.connection()["url"], make_key(served, "--owner", "umbrella"))
    yield Ends(api, other, subscriber)
    other.close()


@contextmanager
def deployed(served: Served, template: str, folder: Path) -> Iterator[dict[str, str]]:
    """Deploy a template of the page as its reader would; return its outputs."""
    snippets.write(PAGE, folder)
    name = f"subscriber-{uuid.uuid4().hex[:8]}"
    sam_deploy(served, folder, template, name, f"TopicArn={served.connection()['topic']}")
    cloudformation = served.client("cloudformation")
    (stack,) = cloudformation.describe_stacks(StackName=name)["Stacks"]
    try:
        yield {o["OutputKey"]: o["OutputValue"] for o in stack["Outputs"]}
    finally:
        cloudformation.delete_stack(StackName=name)


def subscription(served: Served, endpoint: str) -> dict[str, str]:
    """Return the attributes of the topic's subscription with this endpoint."""
    sns, topic = served.client("sns"), served.connection()["topic"]
    listed = sns.list_subscriptions_by_topic(TopicArn=topic)["Subscriptions"]
    (arn,) = [s["SubscriptionArn"] for s in listed if s["Endpoint"] == endpoint]
    got = sns.get_subscription_attributes(SubscriptionArn=arn)
    attributes: dict[str, str] = got["Attributes"]
    return attributes


def unsubscribe(served: Served, *endpoints: str) -> None:
    for endpoint in endpoints:
        arn = subscription(served, endpoint)["SubscriptionArn"]
        served.client("sns").unsubscribe(SubscriptionArn=arn)


# ── filters ───────────────────────────────────────────────────────────────────────────────────


def test_each_filter_selects_what_the_page_says(served: Served, ends: Ends) -> None:
    assert set(FILTERS) == set(SELECTED)
    inboxes = {
        policy: Inbox(served.stack(), f"filter-{n}", FilterPolicy=policy, FilterPolicyScope=scope)
        for n, (policy, scope) in enumerate(FILTERS.items())
    }
    ends.make()
    got = {policy: ends.named(received(inbox)) for policy, inbox in inboxes.items()}
    for inbox in inboxes.values():
        inbox.close()

    assert got == SELECTED


def received(inbox: Inbox) -> list[dict[str, Any]]:
    """Return all that is there."""
    events = inbox.receive(wait_s=1)
    return events + received(inbox) if events else []


# ── a queue ───────────────────────────────────────────────────────────────────────────────────


@pytest.fixture(scope="module")
def queue(served: Served, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The URL of the template's queue."""
    with deployed(served, "queue.yaml", tmp_path_factory.mktemp("queue")) as outputs:
        yield outputs["QueueUrl"]


def test_the_queue_gets_what_its_filter_selects_and_the_program_reads_it(
    served: Served, ends: Ends, load: Callable[[str], ModuleType], queue: str
) -> None:
    drain, sqs = load("drain").drain, served.client("sqs")
    taken: list[dict[str, Any]] = []
    owners = set[str]()

    def take(event: dict[str, Any], owner: str) -> None:
        taken.append(event)
        owners.add(owner)

    def drained() -> tuple[int, int]:
        if (held := waiting(served, queue)) != (0, 0):
            drain(sqs, queue, take)
        return held

    made = ends.make()
    wanted = {"failed", "canceled"}
    eventually(lambda: drained() and ends.named(taken), lambda named: named >= wanted)
    eventually(drained, lambda held: held == (0, 0))

    assert owners == {"acme"}
    ours = ends.among(taken)
    assert len(ours) == len(wanted)
    assert {event["id"]: event["data"] for event in ours} == {
        f"{made[name]['id']}/{name}": made[name] for name in wanted
    }


def test_an_event_that_the_program_fails_for_comes_again(
    served: Served, ends: Ends, load: Callable[[str], ModuleType], queue: str
) -> None:
    drain, sqs = load("drain").drain, served.client("sqs")
    sqs.set_queue_attributes(QueueUrl=queue, Attributes={"VisibilityTimeout": "1"})
    handed: list[dict[str, Any]] = []

    def fail(event: dict[str, Any], _: str) -> None:
        handed.append(event)
        raise ZeroDivisionError

    ends.make()
    with pytest.raises(ZeroDivisionError):
        drain(sqs, queue, fail)
    again: list[dict[str, Any]] = []
    eventually(
        lambda: drain(sqs, queue, lambda event, _: again.append(event)),
        lambda _: handed[0] in again,
    )


def waiting(served: Served, queue: str) -> tuple[int, int]:
    """Return how many messages are visible, and how many are in flight."""
    names = ("ApproximateNumberOfMessages", "ApproximateNumberOfMessagesNotVisible")
    got = served.client("sqs").get_queue_attributes(QueueUrl=queue, AttributeNames=list(names))
    visible, hidden = (int(got["Attributes"][name]) for name in names)
    return visible, hidden


# ── what every subscriber gets ────────────────────────────────────────────────────────────────


def test_a_message_has_three_attributes_whatever_the_tags(served: Served, api: Client) -> None:
    inbox = Inbox(served.stack(), "attributes", RawMessageDelivery="false")
    forged = {"owner": "umbrella", "status": "failed", "more": "1"}
    job = api.ended(api.submit("text-stats", {"text": "x"}, tags=forged))

    def of_the_job() -> list[Any]:
        return [got for got in inbox.receive(wait_s=1) if job["id"] in got["Message"]]

    (envelope,) = eventually(of_the_job)
    inbox.close()

    assert envelope["MessageAttributes"] == {
        "status": {"Type": "String", "Value": "succeeded"},
        "operation": {"Type": "String", "Value": "text-stats"},
        "owner": {"Type": "String", "Value": "acme"},
    }
    assert json.loads(envelope["Message"])["data"]["tags"] == forged


@pytest.mark.parametrize(("size", "is_inline"), [(16_382, True), (16_383, False)])
def test_a_result_above_16_kb_is_told_by_its_link_alone(
    api: Client, subscriber: Subscriber, size: int, is_inline: bool
) -> None:
    """The result is a string of JSON: with its quotes, 16,384 bytes at most."""
    job = api.ended(api.submit("echo", {"value": "x" * size}))
    (event,) = subscriber.of({job["id"]})

    assert (event["data"]["result"] == "x" * size) == is_inline
    assert is_inline or event["data"]["result"] is None
    assert api.result(event["data"]).json() == "x" * size


# ── a Lambda ──────────────────────────────────────────────────────────────────────────────────


def test_the_lambda_is_handed_what_its_filter_selects(
    served: Served, ends: Ends, tmp_path: Path
) -> None:
    dynamodb = served.client("dynamodb")
    with deployed(served, "lambda.yaml", tmp_path) as outputs:
        made = ends.make()

        def kept_of_these() -> list[dict[str, Any]]:
            items = dynamodb.scan(TableName=outputs["Table"])["Items"]
            return [item for item in items if item["id"]["S"].split("/")[0] in ends.names]

        eventually(kept_of_these, lambda kept: len(kept) >= 2)
        time.sleep(1)  # whatever else would come
        kept = kept_of_these()

    wanted = {"counted": "acme", "another's": "umbrella"}
    assert {item["id"]["S"]: item["owner"]["S"] for item in kept} == {
        f"{made[name]['id']}/succeeded": owner for name, owner in wanted.items()
    }
    assert all(json.loads(item["result"]["S"]) == made["counted"]["result"] for item in kept)


# ── e-mail ────────────────────────────────────────────────────────────────────────────────────


def test_the_command_for_e_mail_subscribes(served: Served) -> None:
    """With the parameters of the command line; whether mail arrives only a mailbox can tell."""
    words = shlex.split(snippets.snippets(PAGE)["email.sh"].replace("\\\n", ""))
    sns = served.client("sns")
    takes = sns.meta.service_model.operation_model("Subscribe").input_shape.members
    names = {f"--{xform_name(name, '-')}": name for name in takes}
    names["--notification-endpoint"] = names.pop("--endpoint")  # the one that the CLI renames
    given = {
        names[option]: value for option, value in zip(words[3::2], words[4::2], strict=True)
    } | {"TopicArn": served.connection()["topic"]}
    sns.subscribe(**given | {"Attributes": json.loads(given["Attributes"])})
    made = subscription(served, "ops@example.com")
    unsubscribe(served, "ops@example.com")

    assert words[:3] == ["aws", "sns", "subscribe"]
    assert (made["Protocol"], made["FilterPolicy"]) == ("email", '{"status": ["failed"]}')


# ── an HTTPS endpoint ─────────────────────────────────────────────────────────────────────────


class _Server(ThreadingMixIn, WSGIServer):
    daemon_threads = True


class _Quiet(WSGIRequestHandler):
    def log_message(self, *_: object) -> None:
        pass


@contextmanager
def listening(app: Any) -> Iterator[str]:
    """Serve a WSGI app on this machine; return its URL."""
    with make_server("127.0.0.1", 0, app, _Server, _Quiet) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.05,))
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}/ends"
        server.shutdown()
        thread.join()


def subscribe_url(served: Served, url: str) -> None:
    """Subscribe a URL by what the template says, but in plain HTTP.

    The local stack's CloudFormation sends no request to confirm.
    """
    template = yaml.safe_load(snippets.snippets(PAGE)["https.yaml"].replace("!", ""))
    said = template["Resources"]["Subscription"]["Properties"]
    attributes = {name: json.dumps(said[name]) for name in ("FilterPolicy", "DeliveryPolicy")}
    served.client("sns").subscribe(
        TopicArn=served.connection()["topic"], Protocol="http", Endpoint=url, Attributes=attributes
    )


def test_the_receiver_confirms_its_subscription_and_takes_what_its_filter_selects(
    served: Served, ends: Ends, load: Callable[[str], ModuleType]
) -> None:
    taken: list[dict[str, Any]] = []
    connection = served.connection()
    app = load("receiver").receiver(
        connection["topic"],
        taken.append,
        lambda message, topic: None,  # the local stack's signatures are fake
        connection["endpoint"],
    )
    with listening(app) as url:
        subscribe_url(served, url)
        eventually(lambda: subscription(served, url)["PendingConfirmation"] == "false")
        made = ends.make()
        eventually(lambda: ends.among(taken))
        time.sleep(1)  # whatever else would come
        unsubscribe(served, url)

    (event,) = ends.among(taken)
    assert event["data"] == made["counted"]


def test_the_receiver_refuses_the_local_stack_whose_signatures_are_fake(
    served: Served, load: Callable[[str], ModuleType]
) -> None:
    connection, answers = served.connection(), list[str]()
    app = load("receiver").receiver(connection["topic"], print, sns=connection["endpoint"])

    def heard(environ: dict[str, Any], start_response: Callable[..., Any]) -> Any:
        def start(status: str, headers: Any) -> None:
            answers.append(status)
            start_response(status, headers)

        return app(environ, start)

    with listening(heard) as url:
        subscribe_url(served, url)
        eventually(lambda: answers)
        pending = subscription(served, url)["PendingConfirmation"]
        unsubscribe(served, url)

    assert (answers, pending) == (["403 Forbidden"], "true")


def test_the_template_for_https_can_be_deployed(served: Served, tmp_path: Path) -> None:
    url = f"https://ends.example.com/{uuid.uuid4().hex}"
    snippets.write(PAGE, tmp_path)
    cloudformation = served.client("cloudformation")
    parameters = {"TopicArn": served.connection()["topic"], "Url": url}
    cloudformation.create_stack(
        StackName="https",
        TemplateBody=(tmp_path / "https.yaml").read_text(),
        Parameters=[
            {"ParameterKey": key, "ParameterValue": value} for key, value in parameters.items()
        ],
    )
    cloudformation.get_waiter("stack_create_complete").wait(StackName="https")
    made = subscription(served, url)
    cloudformation.delete_stack(StackName="https")

    assert json.loads(made["FilterPolicy"]) == {"owner": ["acme"], "status": ["succeeded"]}
    assert json.loads(made["RedrivePolicy"])["deadLetterTargetArn"].startswith("arn:aws:sqs:")
