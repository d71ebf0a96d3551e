"""Responses other than success: the API's problems (RFC 9457), and API Gateway's fixed bodies."""

from http import HTTPStatus
from typing import Any

from described import headers
from described.parts import Schema, number, or_null, record, ref, text, time, url
from described.shapes import BASE
from nowlater import problems
from nowlater.api.routes import OF_JOBS, Route

_POINTER = text("Where the fault is: a JSON Pointer into the body.")
#: By kind of problem: the members that not all kinds have, and which of these can be missing.
_MEMBERS: dict[str, tuple[dict[str, Schema], set[str]]] = {
    "malformed-request": (
        {"pointer": _POINTER, "parameter": text("The name of the query parameter.")},
        {"pointer", "parameter"},
    ),
    "missing-scope": ({"scope": text("The scope that the key needs.")}, set()),
    "too-large": ({"uploads": url("The call that accepts larger inputs.")}, set()),
    "invalid-input": (
        {
            "pointer": _POINTER,
            "schema": url("The operation's description."),
            "expected": {"type": "object", "description": "The part of the schema, in draft 7."},
        },
        {"pointer", "schema", "expected"},
    ),
    "impossible-time": ({"pointer": _POINTER}, set()),
    "callback-refused": ({"pointer": _POINTER}, set()),
    "deadline-unachievable": (
        {"pointer": _POINTER, "earliest": time("When the job would probably end.")},
        set(),
    ),
    "result-too-large": ({"instead": url("A door that can return this result.")}, {"instead"}),
    "timed-out": (
        {"instead": url("The door without this limit."), "job": url("The canceled job.")},
        {"instead", "job"},
    ),
}
#: The responses of API Gateway itself, before or instead of a Lambda.
_GATEWAY = {
    401: "The request has no `Authorization` header.",
    403: "The key or token is wrong, revoked or expired.",
    413: "The body is larger than API Gateway or Lambda accepts.",
    429: "There are too many requests at once.",
    500: "No Lambda responded.",
    502: "No Lambda responded.",
    503: "No Lambda was free.",
    504: "No Lambda responded in time.",
}
_WITHOUT_KEY = {401, 403}


def kind_name(problem: str) -> str:
    """Return the name of a problem's schema."""
    return "".join(part.capitalize() for part in problem.split("-")) + "Problem"


def schemas() -> dict[str, Schema]:
    """Return the schema of any problem, of each kind, and of API Gateway's own message."""
    any_problem = record(
        "A problem of any kind (RFC 9457); programs should decide by `code`.",
        **_members(number("The status.", "integer", minimum=400, maximum=599)),
    )
    return {
        "Problem": any_problem | {"additionalProperties": True},
        "GatewayMessage": record(
            "A response of API Gateway itself.",
            message=or_null(text("What happened, in short.")),
        ),
        **{kind_name(name): _kind(name) for name in problems.KINDS},
    }


def _kind(name: str) -> Schema:
    status, title = problems.KINDS[name]
    own, optional = _MEMBERS.get(name, ({}, set()))
    common = _members(
        number("The status.", "integer", const=status),
        kind={"pattern": f"/problems/{name}$"},
        code={"const": name},
    )
    return record(title, optional=optional, **common, **own)


def _members(
    status: Schema, *, kind: Schema | None = None, code: Schema | None = None
) -> dict[str, Schema]:
    return {
        "type": url("The kind of problem; the URL is its documentation.", **(kind or {})),
        "title": text("The kind of problem, for people; the text may change."),
        "status": status,
        "detail": text("What happened in this case, for people."),
        "code": text("The last part of `type`, which programs should decide by.", **(code or {})),
        "message": text("The same as `detail`."),
    }


def problem_responses(route: Route) -> dict[str, Any]:
    """Return a route's responses other than success, by status: its problems, and API Gateway's."""
    by_status: dict[int, list[str]] = {}
    for name in dict.fromkeys(route.problems):
        # That the job failed is no fault of the request for its result: the status is always 409.
        is_stored = route.id == "getResult" and name in OF_JOBS
        by_status.setdefault(409 if is_stored else problems.KINDS[name].status, []).append(name)
    from_gateway = {
        status: when
        for status, when in _GATEWAY.items()
        if (route.scope or status not in _WITHOUT_KEY)
        and (status != 413 or "too-large" in route.problems)
    }
    return {
        str(status): _response(route, status, by_status.get(status, []), from_gateway.get(status))
        for status in sorted(by_status.keys() | from_gateway.keys())
    }


def _response(route: Route, status: int, names: list[str], from_gateway: str | None) -> Any:
    """Return the response with these problems, or with what API Gateway says, or with either."""
    paragraphs = [f"`{name}`: {problems.KINDS[name].title}" for name in names]
    content: dict[str, Any] = {}
    if names:
        is_stored = route.id == "getResult" and status == 409
        kinds = [ref(kind_name(name)) for name in names]
        schema = ref("Problem") if is_stored else kinds[0] if len(kinds) == 1 else {"anyOf": kinds}
        examples = {name: {"value": _example(name, status)} for name in names}
        content["application/problem+json"] = {"schema": schema, "examples": examples}
    if from_gateway:
        paragraphs.append(f"API Gateway: {from_gateway}")
        content["application/json"] = {
            "schema": ref("GatewayMessage"),
            "example": {"message": HTTPStatus(status).phrase},
        }
    sent = headers.problem_headers(route, names, may_be_gateway=from_gateway is not None)
    return {"description": "\n\n".join(paragraphs), "headers": sent, "content": content}


def _example(name: str, status: int) -> dict[str, Any]:
    own, optional = _MEMBERS.get(name, ({}, set()))
    values = {
        "pointer": "/deadline",
        "scope": "invoke",
        "uploads": f"{BASE}/uploads",
        "earliest": "2026-11-24T20:18:47.464Z",
        "instead": f"{BASE}/async/text-stats",
    }
    members = {member: values[member] for member in own if member not in optional}
    record = {"name": name, "detail": problems.KINDS[name].title} | members
    return problems.document(record, BASE, status)
