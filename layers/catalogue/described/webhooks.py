"""Webhooks: the request that a callback receives, and the resources by which its owner manages it."""

from typing import Any, get_args

from described import shapes
from described.parts import (
    Schema,
    array,
    constraints,
    number,
    or_null,
    record,
    ref,
    text,
    time,
    url,
)
from nowlater.jobs import callback, model
from nowlater.notifications import delivery
from nowlater.outbound import targets
from nowlater.outbound.http1 import Kind

_URL = "https://hooks.example.com/nowlater"
#: The webhook's request, and its URL: in a door's `callbacks` and in the document's `webhooks`.
ENDED = {"$ref": "#/components/pathItems/Ended"}
CALLBACKS = {"ended": {"{$request.body#/callback/url}": ENDED}}
_FORMATS = list(get_args(callback.Format.__value__))
_SECRET = text(
    "The secret, for a library of Standard Webhooks.", pattern="^whsec_[A-Za-z0-9+/]{43}=$"
)
#: The headers of a webhook (Standard Webhooks).
HEADERS: dict[str, Schema] = {
    "webhook-id": text("The event's `id`: the same in each delivery attempt."),
    "webhook-timestamp": text(
        "When this attempt was sent, in seconds since 1970.", pattern="^[0-9]+$"
    ),
    "webhook-signature": text(
        "`v1,` and the HMAC-SHA256 of id, timestamp and body, in base64; several signatures are "
        "separated by spaces.",
        pattern="^v1,[A-Za-z0-9+/=]+( v1,[A-Za-z0-9+/=]+)*$",
    ),
}


def schemas() -> dict[str, Schema]:
    """Return the schemas of events, callbacks, deliveries and secrets, by their component names."""
    return {
        "Event": event_schema(),
        "Callback": _callback(),
        "Delivery": _delivery(),
        "DeliveryList": record(
            "The webhooks for a job's callback.",
            deliveries=array("One delivery for each event.", ref("Delivery")),
        ),
        "DeliveryPage": record(
            "A page of deliveries.",
            deliveries=array("Deliveries, those of the newest job first.", ref("ListedDelivery")),
            next=or_null(url("The next page; null on the last one.")),
        ),
        "ListedDelivery": _delivery(
            {
                "job": text("The job's id.", pattern=shapes.JOB_ID),
                "operation": text("The job's operation.", pattern=shapes.NAME),
            },
            attempts=1,
            job=url("The job."),
        ),
        "DeliveryAttempt": _delivery_attempt(),
        "Secret": record(
            "The secret that signs your webhooks to a host.",
            host=text("The host of the callback's URL, without its port."),
            secret=_SECRET,
            previous=array(
                "Earlier secrets that still sign too.",
                record(secret=_SECRET, until=time("Until when it signs.")),
            ),
        ),
        "Rotation": record(
            "A change of all your secrets.",
            rotated=time("When the new secrets were made."),
            previous_until=time("Until when the earlier secrets sign too."),
        ),
    }


def event_schema(status: str | None = None) -> Schema:
    """Return the schema of the CloudEvent of a job that ended with this status, or with any."""
    ends = status or f"({'|'.join(model.ENDED)})"
    return record(
        "A job's completion event: a CloudEvents 1.0 JSON object that is also a payload of Standard "
        "Webhooks.",
        optional=("traceparent",),
        specversion=text("The version of CloudEvents.", const="1.0"),
        id=text("Job id and status: the same in each delivery of the event.", pattern=f"/{ends}$"),
        source=url("The API that accepted the job."),
        type=text("How the job ended.", pattern=rf"^nowlater\.job\.{ends}$"),
        subject=text("The job's id.", pattern=shapes.JOB_ID),
        time=time("When the job ended."),
        timestamp=time("The same as `time`, for Standard Webhooks."),
        datacontenttype=text("The media type of `data`.", const="application/json"),
        traceparent=text("The W3C Trace Context of the request, if the request had one."),
        data=ref("Job"),
    )


def components() -> dict[str, Any]:
    """Return the component of the request that a callback receives."""
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
        "description": "Sent to the `callback` of a job. Verify the signature before you use the event.",
        "security": [],
        "parameters": headers,
        "requestBody": {
            "description": "The event, with the media type in the callback's `format`.",
            "required": True,
            "content": {kind: {"schema": ref("Event")} for kind in _FORMATS},
        },
        "responses": {
            "2XX": {"description": "The receiver has accepted the event. The body is ignored."},
            "410": {"description": "The receiver refuses the event; it is not sent again."},
            "default": {"description": "The event is sent again, for up to three days."},
        },
    }


def _callback() -> Schema:
    return record(
        "Where a signed webhook is sent when the job ends.",
        optional=("events", "format"),
        url=text(
            "A public https URL.",
            format="uri",
            pattern="^https://",
            maxLength=targets.LONGEST_URL,
            examples=[_URL],
        ),
        events=constraints(callback.Callback, "events")
        | {
            "description": "The ends that send a webhook; all of them by default.",
            "items": text(enum=list(get_args(callback.End.__value__))),
        },
        format=text(
            "The media type of the webhook, `application/json` by default. The SDKs of CloudEvents "
            "read `application/cloudevents+json`. The body is the same.",
            enum=_FORMATS,
        ),
    ) | {"additionalProperties": False}


def _delivery(
    of_job: dict[str, Schema] | None = None, attempts: int = delivery.MAX_ATTEMPTS, **links: Schema
) -> Schema:
    states = [state for state in get_args(delivery.State.__value__) if state != "erased"]
    return record(
        "A webhook, and the state of its delivery.",
        **(of_job or {}),
        number=number("The number of this delivery among the job's.", "integer", minimum=1),
        event=text("The event's id, which is the `webhook-id`."),
        url=url("The URL that receives the webhook."),
        state=text("The state of the delivery.", enum=states),
        count=number("How many delivery attempts were made.", "integer", minimum=0),
        next=or_null(time("When the next attempt is made.")),
        attempts=array("The latest attempts.", ref("DeliveryAttempt"), maxItems=attempts),
        links=record("Absolute URLs.", replay=url("POST here to send the webhook again."), **links),
    )


def _delivery_attempt() -> Schema:
    names = [*get_args(Kind.__value__), "held-back"]
    failure = record(
        "Why there was no response.",
        name=text("The kind of failure.", enum=names),
        detail=text("What happened, for people."),
    )
    return record(
        "A delivery attempt.",
        at=time("When it was made."),
        status=or_null(number("The HTTP status of the response.", "integer")),
        failure=or_null(failure),
        latency_ms=number(
            "Milliseconds until the response's headers arrived, or the attempt failed.",
            "integer",
            minimum=0,
        ),
        size=number("How many bytes of the response's body were read.", "integer", minimum=0),
        reply=or_null(text("The beginning of the body, if it is text.", maxLength=256)),
    )
