"""What is told without being asked, as AsyncAPI 3: the event that each job's end is."""

from typing import Any

from described import faults, shapes, webhooks
from described.openapi import VERSION, used
from described.parts import record, ref, text
from described.shapes import BASE
from nowlater.jobs import model

_ABOUT = """\
Each end of a job is told, at least once, with an id that never changes: a CloudEvents 1.0 JSON
object in structured mode. Its members `type`, `timestamp` and `data` are those of Standard Webhooks.
The job in it has no estimate."""

_ATTRIBUTES = {
    "status": text("How it ended.", enum=list(model.ENDED)),
    "operation": text("The operation's name.", pattern=shapes.NAME),
    "owner": text("Whose job it is.", pattern="^[A-Za-z0-9._@-]{1,64}$"),
}


def document() -> dict[str, Any]:
    """Return the document; its links start with `BASE`."""
    schemas = shapes.of_answers() | faults.schemas()
    names = {status: f"{status}Job" for status in model.ENDED}
    on_topic = [{"$ref": f"#/channels/topic/messages/{name}"} for name in names.values()]
    return {
        "asyncapi": "3.0.0",
        "info": {
            "title": "nowlater's events",
            "version": VERSION,
            "description": _ABOUT,
            "tags": [{"name": "Jobs", "description": "What was accepted, and what became of it."}],
            "license": {"name": "Apache 2.0", "url": "https://www.apache.org/licenses/LICENSE-2.0"},
            "externalDocs": {"description": "The HTTP API", "url": f"{BASE}/openapi.json"},
        },
        "defaultContentType": "application/json",
        "channels": {
            "topic": {
                "title": "The SNS topic",
                "description": "Every job's end. Its ARN is the stack's output `TopicArn`; filter "
                "by the attributes, or by tags with `FilterPolicyScope: MessageBody`.",
                "messages": {
                    name: {"$ref": f"#/components/messages/{name}"} for name in names.values()
                },
                "bindings": {"sns": {"name": "the stack's output TopicArn"}},
            },
            "webhook": {
                "title": "A job's callback",
                "description": "The end of a job that was submitted with a `callback`, POSTed to "
                "its `url` as the media type that its `format` names, and signed as Standard "
                "Webhooks has it; sent again for three days.",
                "messages": {
                    name: {"$ref": f"#/components/messages/{name}Webhook"}
                    for name in names.values()
                },
            },
        },
        "operations": {
            "tellEnd": {
                "action": "send",
                "channel": {"$ref": "#/channels/topic"},
                "summary": "Tells a job's end.",
                "description": "Once for each job, or more often, under the same `id`.",
                "messages": on_topic,
            },
            "callBack": {
                "action": "send",
                "channel": {"$ref": "#/channels/webhook"},
                "summary": "Tells a job's end to its callback.",
                "description": "Sent again until it is answered by a 2xx, under the same `id`.",
                "bindings": {"http": {"method": "POST", "bindingVersion": "0.3.0"}},
                "messages": [
                    {"$ref": f"#/channels/webhook/messages/{name}"} for name in names.values()
                ],
            },
        },
        "components": {
            "messages": {name: _message(status) for status, name in names.items()}
            | {f"{name}Webhook": _webhook(status) for status, name in names.items()},
            "schemas": used(ref("Job"), {"schemas": schemas})["schemas"],
        },
    }


def _message(status: str) -> dict[str, Any]:
    headers = record("SNS message attributes.", **_ATTRIBUTES)
    return _told(status) | {
        "headers": headers | {"properties": _ATTRIBUTES | {"status": text(const=status)}}
    }


def _webhook(status: str) -> dict[str, Any]:
    return _told(status) | {"headers": record("HTTP headers.", **webhooks.HEADERS)}


def _told(status: str) -> dict[str, Any]:
    return {
        "name": f"nowlater.job.{status}",
        "title": f"A job {'was canceled' if status == 'canceled' else status}",
        "contentType": "application/json",
        "payload": webhooks.event(status),
    }
