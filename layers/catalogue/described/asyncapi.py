"""What is told without being asked, as AsyncAPI 3: the event that each job's end is."""

from typing import Any

from described import faults, shapes
from described.faults import BASE
from described.openapi import VERSION, used
from described.shapes import Schema, record, ref, text, time, url
from nowlater import job

_ABOUT = """\
Each end of a job is told, at least once, with an id that never changes: a CloudEvents 1.0 JSON
object in structured mode. Its members `type`, `timestamp` and `data` are those of Standard Webhooks.
The job in it has no estimate."""

_ATTRIBUTES = {
    "status": text("How it ended.", enum=list(job.ENDED)),
    "operation": text("The operation's name.", pattern=shapes.NAME),
    "owner": text("Whose job it is.", pattern="^[A-Za-z0-9._@-]{1,64}$"),
}


def document() -> dict[str, Any]:
    """Return the document; its links start with `BASE`."""
    schemas = shapes.of_answers() | faults.schemas()
    names = {status: f"{status}Job" for status in job.ENDED}
    on_topic = [{"$ref": f"#/channels/topic/messages/{name}"} for name in names.values()]
    return {
        "asyncapi": "3.0.0",
        "info": {
            "title": "nowlater's events",
            "version": VERSION,
            "description": _ABOUT,
            "license": {"name": "Apache 2.0", "url": "https://www.apache.org/licenses/LICENSE-2.0"},
            "externalDocs": {"description": "The HTTP API", "url": f"{BASE}/openapi.json"},
        },
        "defaultContentType": "application/json",
        "channels": {
            "topic": {
                "title": "The SNS topic",
                "address": None,
                "description": "Every job's end. Its ARN is the stack's output `TopicArn`; filter "
                "by the attributes, or by tags with `FilterPolicyScope: MessageBody`.",
                "messages": {
                    name: {"$ref": f"#/components/messages/{name}"} for name in names.values()
                },
                "bindings": {"sns": {"name": "the stack's output TopicArn"}},
            },
            # The channel `webhook` goes here, with the same messages and headers of its own.
        },
        "operations": {
            "tellEnd": {
                "action": "send",
                "channel": {"$ref": "#/channels/topic"},
                "summary": "Tells a job's end.",
                "messages": on_topic,
            },
            # `callBack`, on that channel, goes here.
        },
        "components": {
            "messages": {name: _message(status) for status, name in names.items()},
            "schemas": used(ref("Job"), {"schemas": schemas})["schemas"],
        },
    }


def _message(status: str) -> dict[str, Any]:
    return {
        "name": f"nowlater.job.{status}",
        "title": f"A job {'was canceled' if status == 'canceled' else status}",
        "contentType": "application/json",
        "headers": record("SNS message attributes.", **_ATTRIBUTES)
        | {"properties": _ATTRIBUTES | {"status": text(const=status)}},
        "payload": _event(status),
    }


def _event(status: str) -> Schema:
    """Return the schema of a CloudEvent that tells this end."""
    return record(
        optional=("traceparent",),
        specversion=text(const="1.0"),
        id=text("Job and status: the same each time it is told.", pattern=f"/{status}$"),
        source=url("The API that accepted the job."),
        type=text(const=f"nowlater.job.{status}"),
        subject=text("The job's id.", pattern=shapes.JOB_ID),
        time=time("When it ended."),
        timestamp=time("The same, for Standard Webhooks."),
        datacontenttype=text(const="application/json"),
        traceparent=text("The request's W3C Trace Context, if it sent one."),
        data=ref("Job"),
    )
