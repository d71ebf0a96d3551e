"""docs/notifications.md: its event is the one that is published, and its Python does what it says."""

import io
import json
import sqlite3
from collections.abc import Callable
from types import ModuleType
from typing import Any

import pytest

from nowlater.instants import from_rfc3339
from nowlater.jobs.model import Job
from nowlater.notifications import cloud_event
from tests import snippets
from tests.signer import Signer
from tests.unit.jobs import job

PAGE = "notifications.md"
TEXT = (snippets.DOCS / PAGE).read_text()

TOPIC = "arn:aws:sns:eu-central-1:123456789012:nowlater-Topic"
SNS = "https://sns.eu-central-1.amazonaws.com"
CERTIFICATE = f"{SNS}/SimpleNotificationService-0123456789abcdef0123456789abcdef.pem"
EVENT = {"id": "01a20eff/succeeded", "data": {"result": "grün\n"}}


@pytest.fixture(scope="module")
def sns() -> Signer:
    return Signer()


# ── the event ─────────────────────────────────────────────────────────────────────────────────


def shown() -> dict[str, Any]:
    """Return the event that the page shows."""
    block = TEXT.split("```json\n")[1].split("```")[0]
    event: dict[str, Any] = json.loads(block)
    return event


def job_of(event: dict[str, Any]) -> Job:
    """Return the job of an event."""
    data = event["data"]
    times = ("created", "updated", "started", "ended", "deadline", "expires")
    same = ("id", "operation", "status", "attempt", "progress", "tags")
    name = data["error"]["type"].rpartition("/")[2]
    return job(
        **{name: from_rfc3339(data[name]) for name in times},
        **{name: data[name] for name in same},
        error={"name": name, "detail": data["error"]["detail"]},
        trace=event["traceparent"],
    )


def test_the_event_on_the_page_is_the_one_that_is_published() -> None:
    event = shown()

    assert json.loads(cloud_event.of_end(job_of(event)).body) == event


def test_the_attributes_on_the_page_are_those_of_the_message() -> None:
    named = [row[0].strip("`") for row in snippets.table(PAGE, "attribute")]

    assert named == list(cloud_event.of_end(job_of(shown())).attributes)


def test_each_of_its_snippets_is_run() -> None:
    run_here = {"once.py", "receiver.py", "sns_signature.py"}
    run_against_the_local_stack = {"queue.yaml", "drain.py", "lambda.yaml", "store_results/app.py"}
    run_against_the_local_stack |= {"email.sh", "https.yaml", "webhook.py", "webhook.mjs"}

    assert set(snippets.snippets(PAGE)) == run_here | run_against_the_local_stack
    others = 2  # the event, and a call
    assert TEXT.count("```") == 2 * (others + len(snippets.snippets(PAGE)))


# ── duplicates ────────────────────────────────────────────────────────────────────────────────


def test_a_duplicated_event_is_handled_once(load: Callable[[str], ModuleType]) -> None:
    done: list[Any] = []
    database = sqlite3.connect(":memory:")
    for _ in range(2):
        load("once").once(database, EVENT, done.append)
    load("once").once(database, EVENT | {"id": "another"}, done.append)
    database.close()

    assert [event["id"] for event in done] == [EVENT["id"], "another"]


def test_an_event_whose_work_failed_is_handled_again(load: Callable[[str], ModuleType]) -> None:
    done: list[Any] = []
    database = sqlite3.connect(":memory:")
    with pytest.raises(ZeroDivisionError):
        load("once").once(database, EVENT, lambda event: 1 / 0)
    load("once").once(database, EVENT, done.append)
    database.close()

    assert done == [EVENT]


# ── signatures ────────────────────────────────────────────────────────────────────────────────


def notification(**changes: Any) -> dict[str, Any]:
    """Return a notification as SNS sends one, but for its signature; None takes a member away."""
    usual = {
        "Type": "Notification",
        "MessageId": "da41e39f-ea4d-435a-b922-c6aae3915ebe",
        "TopicArn": TOPIC,
        "Message": json.dumps(EVENT, ensure_ascii=False),
        "Timestamp": "2026-11-24T19:18:49.580Z",
        "SignatureVersion": "2",
        "SigningCertURL": CERTIFICATE,
        "UnsubscribeURL": f"{SNS}/?Action=Unsubscribe&SubscriptionArn={TOPIC}:1",
        "MessageAttributes": {"owner": {"Type": "String", "Value": "acme"}},
    }
    return {k: v for k, v in (usual | changes).items() if v is not None}


def confirmation(**changes: Any) -> dict[str, Any]:
    """Return a request to confirm a subscription, likewise."""
    usual = {
        "Type": "SubscriptionConfirmation",
        "Token": "2336412f37",
        "Message": f"You have chosen to subscribe to the topic {TOPIC}.",
        "SubscribeURL": "https://elsewhere.example/?Action=ConfirmSubscription",
        "UnsubscribeURL": None,
        "MessageAttributes": None,
    }
    return notification(**usual | changes)


def refusal(load: Callable[[str], ModuleType], message: Any, sns: Signer) -> str | None:
    """Return why a message is refused, None if it is not."""

    def fetch(url: str) -> Any:
        assert url == CERTIFICATE, "another certificate was asked for"
        return sns.certificate

    signature = load("sns_signature")
    try:
        signature.verify(message, TOPIC, fetch)
    except signature.NotFromSns as error:
        return str(error)
    return None


@pytest.mark.parametrize(
    "message",
    [
        notification(),
        notification(Subject="An end"),
        confirmation(),
        confirmation(Type="UnsubscribeConfirmation"),
    ],
    ids=["notification", "with-subject", "subscribe", "unsubscribe"],
)
def test_what_sns_signed_is_taken(
    load: Callable[[str], ModuleType], sns: Signer, message: dict[str, Any]
) -> None:
    assert refusal(load, sns.signed(message), sns) is None


@pytest.mark.parametrize("member", ["Message", "MessageId", "Subject", "Timestamp"])
def test_a_notification_that_was_tampered_with_is_refused(
    load: Callable[[str], ModuleType], sns: Signer, member: str
) -> None:
    signed = sns.signed(notification(Subject="An end"))

    for tampered in (signed | {member: "x"}, {k: v for k, v in signed.items() if k != member}):
        assert refusal(load, tampered, sns) == "the signature is not this message's"


@pytest.mark.parametrize("member", ["Message", "SubscribeURL", "Token", "Type"])
def test_a_confirmation_that_was_tampered_with_is_refused(
    load: Callable[[str], ModuleType], sns: Signer, member: str
) -> None:
    tampered = sns.signed(confirmation()) | {member: "UnsubscribeConfirmation"}

    assert refusal(load, tampered, sns) == "the signature is not this message's"


@pytest.mark.parametrize("signature", [None, "", "FAKE", "%%%", 7, "\ud800"])
def test_what_is_no_signature_is_refused(
    load: Callable[[str], ModuleType], sns: Signer, signature: Any
) -> None:
    message = notification(Signature=signature)

    assert refusal(load, message, sns) == "the signature is not this message's"


def test_a_signature_by_another_key_is_refused(
    load: Callable[[str], ModuleType], sns: Signer
) -> None:
    forged = Signer().signed(notification())

    assert refusal(load, forged, sns) == "the signature is not this message's"


@pytest.mark.parametrize("version", ["1", None, 2])
def test_a_signature_of_another_version_is_refused(
    load: Callable[[str], ModuleType], sns: Signer, version: Any
) -> None:
    signed = sns.signed(notification(SignatureVersion="1"))
    message = {k: v for k, v in (signed | {"SignatureVersion": version}).items() if v is not None}

    assert refusal(load, message, sns) == "the signature is not of version 2"


def test_a_version_that_was_raised_does_not_make_a_signature_good(
    load: Callable[[str], ModuleType], sns: Signer
) -> None:
    raised = sns.signed(notification(SignatureVersion="1")) | {"SignatureVersion": "2"}

    assert refusal(load, raised, sns) == "the signature is not this message's"


@pytest.mark.parametrize(
    "url",
    [
        None,
        "",
        CERTIFICATE.replace("https:", "http:"),
        CERTIFICATE.replace("eu-central-1", "us-east-1"),
        CERTIFICATE.replace(".com/", ".com.evil.example/"),
        CERTIFICATE.replace("amazonaws.com/", "amazonaws.com@evil.example/"),
        CERTIFICATE.replace("https://sns.", "https://evil.example/sns."),
        CERTIFICATE.replace("sns.eu-central-1.amazonaws.com", "sns.eu-central-1xamazonaws.com"),
        CERTIFICATE.replace("https://sns.", "https://s3."),
        CERTIFICATE.replace(".com/", ".com:8443/"),
        CERTIFICATE.replace(".com/", ".com/../"),
        f"{SNS}/?Action=GetEndpointAttributes&Name=SimpleNotificationService-1.pem",
        f"{CERTIFICATE}?Action=GetEndpointAttributes",
        f"{CERTIFICATE}#",
        f"{CERTIFICATE}\n",
        [CERTIFICATE],
    ],
)
def test_a_certificate_from_anywhere_else_is_not_even_fetched(
    load: Callable[[str], ModuleType], sns: Signer, url: Any
) -> None:
    message = sns.signed(notification(SigningCertURL=url))

    assert refusal(load, message, sns) == "the certificate is not where SNS has its own"


def test_in_china_sns_is_elsewhere(load: Callable[[str], ModuleType]) -> None:
    topic = TOPIC.replace("arn:aws:", "arn:aws-cn:").replace("eu-central-1", "cn-north-1")

    assert load("sns_signature").endpoint(topic) == "https://sns.cn-north-1.amazonaws.com.cn"


@pytest.mark.parametrize("days", [(-2, -1), (1, 2)], ids=["expired", "not-yet"])
def test_a_certificate_that_is_not_valid_now_is_refused(
    load: Callable[[str], ModuleType], days: tuple[int, int]
) -> None:
    old = Signer("sns.amazonaws.com", *days)

    assert "not valid now" in str(refusal(load, old.signed(notification()), old))


@pytest.mark.parametrize("topic", [TOPIC + "2", TOPIC.replace("1234", "9999"), None])
def test_a_message_of_another_topic_is_refused_though_sns_signed_it(
    load: Callable[[str], ModuleType], sns: Signer, topic: str | None
) -> None:
    message = sns.signed(notification(TopicArn=topic))

    assert refusal(load, message, sns) == "the message is of another topic"


@pytest.mark.parametrize("message", [None, [], "x", {}, {"Type": "Else"}, {"Type": None}])
def test_what_is_no_message_is_refused(
    load: Callable[[str], ModuleType], sns: Signer, message: Any
) -> None:
    assert refusal(load, message, sns) == "this is no message of SNS"


# ── the receiver ──────────────────────────────────────────────────────────────────────────────


class Posted:
    """A receiver, and what it did with what was posted to it."""

    def __init__(self, load: Callable[[str], ModuleType], check: Any) -> None:
        self.taken: list[Any] = []
        self.checked: list[Any] = []

        def checking(message: Any, topic: str) -> None:
            self.checked.append((message, topic))
            check(message, topic)

        self._app = load("receiver").receiver(TOPIC, self.taken.append, checking)

    def post(self, body: bytes, **environ: str) -> str:
        answers: list[str] = []
        environment = {"CONTENT_LENGTH": str(len(body)), "wsgi.input": io.BytesIO(body)} | environ
        assert self._app(environment, lambda status, headers: answers.append(status)) == []
        (answer,) = answers
        return answer


def body(message: Any) -> bytes:
    return json.dumps(message).encode()


def test_a_notification_is_taken(load: Callable[[str], ModuleType]) -> None:
    receiver = Posted(load, lambda message, topic: None)
    answer = receiver.post(body(notification()))

    assert answer == "200 OK"
    assert receiver.taken == [EVENT]
    assert receiver.checked == [(notification(), TOPIC)]


@pytest.mark.parametrize("message", [notification(), confirmation()])
def test_what_is_not_from_sns_is_neither_taken_nor_confirmed(
    load: Callable[[str], ModuleType], message: dict[str, Any]
) -> None:
    """A confirmation would open a socket, which no unit test may."""
    receiver = Posted(load, load("sns_signature").verify)
    answer = receiver.post(body(message | {"SigningCertURL": "https://evil.example/sns.pem"}))

    assert (answer, receiver.taken) == ("403 Forbidden", [])


def test_where_the_certificate_cannot_be_fetched_sns_is_to_try_again(
    load: Callable[[str], ModuleType],
) -> None:
    def unreachable(message: Any, topic: str) -> None:
        raise ConnectionRefusedError

    receiver = Posted(load, unreachable)

    assert receiver.post(body(notification())) == "503 Service Unavailable"
    assert receiver.taken == []


def test_an_unsubscription_is_taken_note_of_and_not_undone(
    load: Callable[[str], ModuleType],
) -> None:
    receiver = Posted(load, lambda message, topic: None)

    assert receiver.post(body(confirmation(Type="UnsubscribeConfirmation"))) == "200 OK"
    assert receiver.taken == []


@pytest.mark.parametrize("sent", [b"", b"{", b"\xff", b"[" * 10])
def test_what_is_no_json_is_refused(load: Callable[[str], ModuleType], sent: bytes) -> None:
    assert Posted(load, lambda message, topic: None).post(sent) == "403 Forbidden"


@pytest.mark.parametrize("size", ["", "-1", "x", "1048577"])
def test_a_body_of_no_good_size_is_not_read(load: Callable[[str], ModuleType], size: str) -> None:
    receiver = Posted(load, lambda message, topic: None)
    answer = receiver.post(body(notification()), CONTENT_LENGTH=size)

    assert (answer, receiver.checked) == ("400 Bad Request", [])


def test_what_its_user_raises_is_the_servers_to_answer(load: Callable[[str], ModuleType]) -> None:
    receiver = load("receiver").receiver(TOPIC, lambda event: 1 / 0, lambda message, topic: None)
    sent = body(notification())
    environ = {"CONTENT_LENGTH": str(len(sent)), "wsgi.input": io.BytesIO(sent)}
    with pytest.raises(ZeroDivisionError):
        receiver(environ, lambda status, headers: None)
