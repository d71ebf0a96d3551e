"""The completion events of jobs as AsyncAPI 3: on the SNS topic, and as webhooks."""

from typing import Any

from described import faults, shapes, webhooks
from described.openapi import VERSION, select_components
from described.parts import record, ref, text
from described.shapes import BASE
from nowlater.jobs import model

_ABOUT = """\
When a job ends, its completion event is published at least once, each time with the same id. It is a
CloudEvents 1.0 JSON object in structured mode; its members `type`, `timestamp` and `data` are those
of Standard Webhooks. The job in it has no estimate."""

_ATTRIBUTES = {
    "status": text("How the job ended.", enum=list(model.ENDED)),
    "operation": text("The operation's name.", pattern=shapes.NAME),
    "owner": text("The owner of the job.", pattern="^[A-Za-z0-9._@-]{1,64}$"),
}


def document() -> dict[str, Any]:
    """Return the document; its links start with `BASE`."""
    schemas = shapes.response_schemas() | faults.schemas()
    names = {status: f"{status}Job" for status in model.ENDED}
    on_topic = [{"$ref": f"#/channels/topic/messages/{name}"} for name in names.values()]
    return {
        "asyncapi": "3.0.0",
        "info": {
            "title": "nowlater's events",
            "version": VERSION,
            "description": _ABOUT,
            "tags": [{"name": "Jobs", "description": "Accepted requests and their states."}],
            "license": {"name": "Apache 2.0", "url": "https://www.apache.org/licenses/LICENSE-2.0"},
            "externalDocs": {"description": "The HTTP API", "url": f"{BASE}/openapi.json"},
        },
        "defaultContentType": "application/json",
        "channels": {
            "topic": {
                "title": "The SNS topic",
                "description": "The completion event of every job. The topic's ARN is the stack's "
                "output `TopicArn`; filter by the attributes, or by tags with "
                "`FilterPolicyScope: MessageBody`.",
                "messages": {
                    name: {"$ref": f"#/components/messages/{name}"} for name in names.values()
                },
                "bindings": {"sns": {"name": "the stack's output TopicArn"}},
            },
            "webhook": {
                "title": "A job's callback",
                "description": "The completion event of a job that was submitted with a "
                "`callback`: a POST to its `url`, with the media type in its `format`, signed "
                "according to Standard Webhooks. Failed deliveries are repeated for three days.",
                "messages": {
                    name: {"$ref": f"#/components/messages/{name}Webhook"}
                    for name in names.values()
                },
            },
        },
        "operations": {
            "publishEvent": {
                "action": "send",
                "channel": {"$ref": "#/channels/topic"},
                "summary": "Publishes a job's completion event.",
                "description": "At least once for each job, each time with the same `id`.",
                "messages": on_topic,
            },
            "sendWebhook": {
                "action": "send",
                "channel": {"$ref": "#/channels/webhook"},
                "summary": "Sends a job's completion event to its callback.",
                "description": "Sent again until the response is a 2xx, with the same `id`.",
                "bindings": {"http": {"method": "POST", "bindingVersion": "0.3.0"}},
                "messages": [
                    {"$ref": f"#/channels/webhook/messages/{name}"} for name in names.values()
                ],
            },
        },
        "components": {
            "messages": {name: _topic_message(status) for status, name in names.items()}
            | {f"{name}Webhook": _webhook_message(status) for status, name in names.items()},
            "schemas": select_components(ref("Job"), {"schemas": schemas})["schemas"],
        },
    }


def _topic_message(status: str) -> dict[str, Any]:
    headers = record("SNS message attributes.", **_ATTRIBUTES)
    return _event_message(status) | {
        "headers": headers | {"properties": _ATTRIBUTES | {"status": text(const=status)}}
    }


def _webhook_message(status: str) -> dict[str, Any]:
    return _event_message(status) | {"headers": record("HTTP headers.", **webhooks.HEADERS)}


def _event_message(status: str) -> dict[str, Any]:
    return {
        "name": f"nowlater.job.{status}",
        "title": f"A job {'was canceled' if status == 'canceled' else status}",
        "contentType": "application/json",
        "payload": webhooks.event_schema(status),
    }
