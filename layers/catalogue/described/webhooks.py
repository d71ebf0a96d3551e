"""Webhooks: what a callback is sent, and what its owner sees of it and can do."""

from typing import Any, get_args

from described import shapes
from described.parts import Schema, array, number, or_null, record, ref, text, time, url
from nowlater.jobs import callback, model
from nowlater.notifications import delivery
from nowlater.outbound import targets
from nowlater.outbound.http1 import Kind

_URL = "https://hooks.example.com/nowlater"
#: What a callback is sent, and where: in a door's `callbacks` and in the document's `webhooks`.
ENDED = {"$ref": "#/components/pathItems/Ended"}
CALLBACKS = {"ended": {"{$request.body#/callback/url}": ENDED}}
_FORMATS = list(get_args(callback.Format.__value__))
_SECRET = text("For a library of Standard Webhooks.", pattern="^whsec_[A-Za-z0-9+/]{43}=$")
#: The headers of a webhook, as Standard Webhooks has them.
HEADERS: dict[str, Schema] = {
    "webhook-id": text("The event's `id`: the same each time it is sent."),
    "webhook-timestamp": text("When this was sent, in seconds since 1970.", pattern="^[0-9]+$"),
    "webhook-signature": text(
        "`v1,` and HMAC-SHA256 of id, timestamp and body, in base64; several, with spaces between.",
        pattern="^v1,[A-Za-z0-9+/=]+( v1,[A-Za-z0-9+/=]+)*$",
    ),
}


def schemas() -> dict[str, Schema]:
    """Return the schemas of the log, of the secrets, and of the event, by their names."""
    return {
        "Event": event(),
        "Callback": _callback(),
        "Delivery": _delivery(),
        "DeliveryList": record(
            "What was sent to a job's callback.",
            deliveries=array("One for each end that is told.", ref("Delivery")),
        ),
        "DeliveryAttempt": _attempt(),
        "Secret": record(
            "What signs your callbacks at a host.",
            host=text("The host of the callback's URL, without its port."),
            secret=_SECRET,
            previous=array(
                "Those before it that sign as well.",
                record(secret=_SECRET, until=time("Until when.")),
            ),
        ),
        "Rotation": record(
            "A change of all your secrets.",
            rotated=time("Since when there are new secrets."),
            previous_until=time("Until when those before sign as well."),
        ),
    }


def event(status: str | None = None) -> Schema:
    """Return the schema of a CloudEvent that tells this end of a job, or (None) any."""
    ends = status or f"({'|'.join(model.ENDED)})"
    return record(
        "The end of a job: a CloudEvents 1.0 JSON object, and a payload of Standard Webhooks.",
        optional=("traceparent",),
        specversion=text("The version of CloudEvents.", const="1.0"),
        id=text("Job and status: the same each time it is told.", pattern=f"/{ends}$"),
        source=url("The API that accepted the job."),
        type=text("How the job ended.", pattern=rf"^nowlater\.job\.{ends}$"),
        subject=text("The job's id.", pattern=shapes.JOB_ID),
        time=time("When it ended."),
        timestamp=time("The same, for Standard Webhooks."),
        datacontenttype=text("The type of `data`.", const="application/json"),
        traceparent=text("The request's W3C Trace Context, if it sent one."),
        data=ref("Job"),
    )


def components() -> dict[str, Any]:
    """Return the request that a callback gets, for references to it."""
    return {"pathItems": {"Ended": {"post": _request()}}}


def _request() -> dict[str, Any]:
    headers = [
        {
            "name": name,
            "in": "header",
            "required": True,
            "description": schema["description"],
            "schema": {k: v for k, v in schema.items() if k != "description"},
        }
        for name, schema in HEADERS.items()
    ]
    return {
        "operationId": "ended",
        "tags": ["Webhooks"],
        "summary": "A job has ended",
        "description": "Sent to the `callback` of a job; verify the signature before you believe it.",
        "security": [],
        "parameters": headers,
        "requestBody": {
            "description": "The event, as the media type that the callback's `format` names.",
            "required": True,
            "content": {kind: {"schema": ref("Event")} for kind in _FORMATS},
        },
        "responses": {
            "2XX": {"description": "It is yours now; whatever the body."},
            "410": {"description": "Nothing more of it is sent."},
            "default": {"description": "It is sent again later, for three days."},
        },
    }


def _callback() -> Schema:
    return record(
        "Who is told of the job's end, by a signed webhook.",
        optional=("events", "format"),
        url=text(
            "A public https URL.",
            format="uri",
            pattern="^https://",
            maxLength=targets.LONGEST_URL,
            examples=[_URL],
        ),
        events=array(
            "The ends to be told of; without it all.",
            text(enum=list(get_args(callback.End.__value__))),
            minItems=1,
            maxItems=3,
        ),
        format=text(
            "The media type that the event is sent as; without it `application/json`. The SDKs of "
            "CloudEvents read `application/cloudevents+json`. The bytes are the same.",
            enum=_FORMATS,
        ),
    ) | {"additionalProperties": False}


def _delivery() -> Schema:
    states = [state for state in get_args(delivery.State.__value__) if state != "erased"]
    return record(
        "A webhook, and how far it has come.",
        number=number("Which one of the job it is.", "integer", minimum=1),
        event=text("The event's id, which is the `webhook-id`."),
        url=url("Where it is sent."),
        state=text("How far it is.", enum=states),
        count=number("How many attempts there were.", "integer", minimum=0),
        next=or_null(time("When the next attempt is.")),
        attempts=array("The last of them.", ref("DeliveryAttempt"), maxItems=delivery.MAX_ATTEMPTS),
        links=record("Absolute URLs.", replay=url("POST here to have it sent again.")),
    )


def _attempt() -> Schema:
    names = [*get_args(Kind.__value__), "held-back"]
    failure = record(
        "Why no answer came.",
        name=text("What happened.", enum=names),
        detail=text("The same, for people."),
    )
    return record(
        "What came of sending it once.",
        at=time("When."),
        status=or_null(number("The HTTP status that came back.", "integer")),
        failure=or_null(failure),
        latency_ms=number("Until the answer's head was there, or it failed.", "integer", minimum=0),
        size=number("Bytes read of the answer's body.", "integer", minimum=0),
        reply=or_null(text("Its beginning, where it is text.", maxLength=256)),
    )
