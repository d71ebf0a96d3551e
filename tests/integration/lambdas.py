"""What a Lambda is handed and what it hands back: contexts, queue records, HTTP replies."""

import base64
import json
import uuid
from dataclasses import dataclass
from types import SimpleNamespace
from typing import Any
from urllib.parse import urlencode

from tests import stack


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
        """The name of its problem, if it has one."""
        if self.headers.get("content-type") != "application/problem+json":
            return None
        return str(self.json["type"]).rpartition("/")[2]


#: What the paths of the sample events have in the place of their variables.
_PLACES = {
    "operation": ("echo",),
    "id": ("019ac1d2-7b5e-7c31-8f44-5d1f3b0a9e77",),
    "name": ("invalid-input",),
    "version": ("0123456789ab",),
    "file": ("swagger-ui.css", "console.js"),
    "number": ("1",),
}


def http_event(
    name: str, /, *, owner: str = "acme", scopes: str | None = None, **changes: Any
) -> dict[str, Any]:
    """Return the sample event of this name, changed: body, operation, id, headers, query, …

    `came` is when API Gateway got it; None: it does not say. `domain` is what it was called by.
    `method` is another one, which the template routes to the same Lambda.
    """
    event = stack.event(name)
    _call_text_stats(event, changes)
    if "authorizer" in event["requestContext"]:
        context = event["requestContext"]["authorizer"]["lambda"]
        context |= {"owner": owner} | ({} if scopes is None else {"scopes": scopes})
    event["headers"] |= {k.lower(): v for k, v in changes.get("headers", {}).items()}
    event["headers"] = {k: v for k, v in event["headers"].items() if v is not None}
    for what, places in _PLACES.items():
        if what in changes:
            held = event["pathParameters"]
            for place in set(places) & set(held.values()):
                event["rawPath"] = event["rawPath"].replace(place, changes[what])
            event["pathParameters"] = {
                k: changes[what] if v in places else v for k, v in held.items()
            }
    event["requestContext"]["http"]["path"] = event["rawPath"]
    if "query" in changes:
        event |= _query(changes["query"] or {})
    if "body" in changes:
        event["body"] = json.dumps(changes["body"])
    if "raw" in changes:
        event["body"] = changes["raw"]
    event["isBase64Encoded"] = changes.get("is_base64", False)
    if "method" in changes:
        _, _, route = event["routeKey"].partition(" ")
        event["routeKey"] = event["requestContext"]["routeKey"] = f"{changes['method']} {route}"
        event["requestContext"]["http"]["method"] = changes["method"]
    context = {"timeEpoch": changes.get("came", ""), "domainName": changes.get("domain", "")}
    event["requestContext"] |= {k: v for k, v in context.items() if v != ""}
    if event["requestContext"]["timeEpoch"] is None:
        del event["requestContext"]["timeEpoch"]
    return event


def _call_text_stats(event: dict[str, Any], changes: dict[str, Any]) -> None:
    """Have a sample event that calls echo call text-stats, which says more of a call, or another."""
    if "echo" not in event.get("pathParameters", {}).values():
        return
    changes.setdefault("operation", "text-stats")
    if "body" in event:
        event["body"] = event["body"].replace('"value"', '"text"')


def _query(query: dict[str, str] | list[tuple[str, str]]) -> dict[str, Any]:
    """Return how API Gateway hands on a query: as it was sent, and with what is repeated joined."""
    pairs = [*query.items()] if isinstance(query, dict) else query
    joined = {name: ",".join(v for n, v in pairs if n == name) for name, _ in pairs}
    return {
        "rawQueryString": urlencode(pairs, errors="replace"),
        "queryStringParameters": joined,
    }


def lambda_context(remaining_s: float = 60, request_id: str | None = None) -> Any:
    return SimpleNamespace(
        aws_request_id=request_id or str(uuid.uuid4()),
        function_name="nowlater",
        memory_limit_in_mb=512,
        invoked_function_arn="arn:aws:lambda:eu-central-1:123456789012:function:nowlater",
        get_remaining_time_in_millis=lambda: remaining_s * 1000,
    )


def record_of(message: dict[str, Any], arn: str) -> dict[str, Any]:
    """Return a received message as Lambda hands it on."""
    return {
        "messageId": message["MessageId"],
        "receiptHandle": message["ReceiptHandle"],
        "body": message["Body"],
        "attributes": message["Attributes"],
        "messageAttributes": {
            name: {k[0].lower() + k[1:]: value for k, value in attribute.items()}
            for name, attribute in message.get("MessageAttributes", {}).items()
        },
        "eventSource": "aws:sqs",
        "eventSourceARN": arn,
    }


def reply_of(answer: dict[str, Any]) -> Reply:
    headers = {k.lower(): v for k, v in answer.get("headers", {}).items()}
    body = answer.get("body") or ""
    data = base64.b64decode(body) if answer.get("isBase64Encoded") else body.encode()
    return Reply(answer["statusCode"], headers, data)
