"""Requests of AWS services that invoke the Lambda itself, such as EventBridge: without HTTP, by IAM.

They become events of API Gateway, so that everything but the caller's key is as with HTTP.
"""

import json
import re
from typing import Any
from urllib.parse import urlsplit

from nowlater.access import api_keys
from nowlater.api.router import Api
from nowlater.log import logger

#: The longest time that Status waits for a change, in seconds.
_LONGEST_WAIT_S = 25
#: Statuses with which a request may be sent again: a quota, a fault, a failed call to AWS.
_TO_RETRY = (429, 500, 503)


class RequestRefused(Exception):
    """The request was refused, and would be again."""


class TryAgain(Exception):
    """The request was not served, and can be sent again."""


def submit(api: Api, event: dict[str, Any]) -> Any:
    """Submit a job, and return it: `{"owner", "operation", "idempotency_key", "url", …}`.

    All other members are those of the body of `POST /async/{operation}`. Raises RequestRefused and
    TryAgain, with the problem as JSON.
    """
    event = dict(event)
    route, operation = "POST /async/{operation}", _text(event, "operation")
    headers = {"content-type": "application/json"}
    headers["idempotency-key"] = _text(event, "idempotency_key")
    request = _request(api, event, route, {"operation": operation}, headers)
    return _serve(api, request | {"body": json.dumps(event)})


def show(api: Api, event: dict[str, Any]) -> Any:
    """Return a job: `{"owner", "job", "url", "wait"}`; `wait` seconds, by default none, for a change.

    Raises RequestRefused and TryAgain, with the problem as JSON.
    """
    event = dict(event)
    job_id, wait_s = _text(event, "job"), event.pop("wait", 0)
    if type(wait_s) is not int or not 0 <= wait_s <= _LONGEST_WAIT_S:
        raise RequestRefused(f"wait must be a whole number from 0 to {_LONGEST_WAIT_S}.")
    headers = {"prefer": f"wait={wait_s}"} if wait_s else {}
    request = _request(api, event, "GET /jobs/{id}", {"id": job_id}, headers)
    if event:
        raise RequestRefused(f"{', '.join(event)}: the members are owner, job, url and wait.")
    return _serve(api, request)


def _request(
    api: Api, event: dict[str, Any], route: str, path: dict[str, str], headers: dict[str, str]
) -> dict[str, Any]:
    """Return an event of API Gateway; removes the members of the caller from the direct one."""
    owner, method = _text(event, "owner"), route.partition(" ")[0]
    if not re.fullmatch(api_keys.OWNER, owner):
        raise RequestRefused("owner must have 1 to 64 characters of A-Z a-z 0-9 . _ @ -")
    domain = urlsplit(str(event.pop("url", ""))).hostname
    if not (domain or api.public_url):
        raise RequestRefused("The event needs url, the API's URL, as the stack has no PublicUrl.")
    access = {"owner": owner, "scopes": "invoke" if method == "POST" else "read"}
    return {
        "routeKey": route,
        "headers": headers,
        "pathParameters": path,
        "requestContext": {
            "domainName": domain or "",
            "apiId": "",
            "http": {"method": method, "path": route.partition(" ")[2]},
            "authorizer": {"lambda": access},
        },
    }


def _text(event: dict[str, Any], name: str) -> str:
    """Remove a member, and return its text; raises RequestRefused."""
    value = event.pop(name, None)
    if not isinstance(value, str) or not value:
        raise RequestRefused(f"The event needs {name}, a text. See docs/deploying.md.")
    return value


def _serve(api: Api, request: dict[str, Any]) -> Any:
    """Return what a route responds, and log what the access log has of requests by HTTP."""
    response = api.handle(request)
    fields = {"owner": request["requestContext"]["authorizer"]["lambda"]["owner"]}
    fields |= {"route": request["routeKey"], "status_code": response["statusCode"]}
    path = request["pathParameters"]
    fields |= {"job_id": path["id"]} if "id" in path else path
    logger.info("direct_request", extra=fields)
    if response["statusCode"] in _TO_RETRY:
        raise TryAgain(response["body"])
    if response["statusCode"] >= 400:
        raise RequestRefused(response["body"])
    return json.loads(response["body"])
