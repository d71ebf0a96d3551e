"""Answers other than success: our problems (RFC 9457), and the fixed bodies of API Gateway."""

from http import HTTPStatus
from typing import Any

from described import headers
from described.parts import Schema, number, or_null, record, ref, text, time, url
from described.shapes import BASE
from nowlater import problems
from nowlater.api.routes import OF_JOBS, Route

_POINTER = text("The place of the fault, as a JSON Pointer into the body.")
#: The members of a kind of problem beside those of all, and those of them that can be missing.
_MEMBERS: dict[str, tuple[dict[str, Schema], set[str]]] = {
    "malformed-request": (
        {"pointer": _POINTER, "parameter": text("The parameter of the query.")},
        {"pointer", "parameter"},
    ),
    "missing-scope": ({"scope": text("The scope that the key needs.")}, set()),
    "too-large": ({"uploads": url("The call that takes more.")}, set()),
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
        {"pointer": _POINTER, "earliest": time("When the job would be done.")},
        set(),
    ),
    "result-too-large": ({"instead": url("The door that takes it.")}, {"instead"}),
    "timed-out": (
        {"instead": url("The door without this limit."), "job": url("The canceled job.")},
        {"instead", "job"},
    ),
}
#: What API Gateway answers itself, before or instead of a Lambda.
_GATEWAY = {
    401: "There is no `Authorization` header.",
    403: "The key or token is wrong, revoked or expired.",
    413: "The body is larger than API Gateway or Lambda takes.",
    429: "There are too many requests at once.",
    500: "No Lambda answered.",
    502: "No Lambda answered.",
    503: "No Lambda was free.",
    504: "No Lambda answered in time.",
}
_WITHOUT_KEY = {401, 403}


def kind_name(problem: str) -> str:
    """Return the name of a problem's schema."""
    return "".join(part.capitalize() for part in problem.split("-")) + "Problem"


def schemas() -> dict[str, Schema]:
    """Return the schema of any problem, of each kind, and of API Gateway's own message."""
    any_problem = record(
        "A problem of any kind (RFC 9457): decide by `code`.",
        **_members(number("The status.", "integer", minimum=400, maximum=599)),
    )
    return {
        "Problem": any_problem | {"additionalProperties": True},
        "GatewayMessage": record(
            "What API Gateway answers itself.", message=or_null(text("What happened, in short."))
        ),
        **{kind_name(name): _kind(name) for name in problems.KINDS},
    }


def _kind(name: str) -> Schema:
    status, title = problems.KINDS[name]
    more, optional = _MEMBERS.get(name, ({}, set()))
    usual = _members(
        number("The status.", "integer", const=status),
        kind={"pattern": f"/problems/{name}$"},
        code={"const": name},
    )
    return record(title, optional=optional, **usual, **more)


def _members(
    status: Schema, *, kind: Schema | None = None, code: Schema | None = None
) -> dict[str, Schema]:
    return {
        "type": url("The kind of problem; its page tells more.", **(kind or {})),
        "title": text("For people; it may change."),
        "status": status,
        "detail": text("What happened here, for people."),
        "code": text("The last part of `type`: decide by it.", **(code or {})),
        "message": text("The same as `detail`."),
    }


def responses(route: Route) -> dict[str, Any]:
    """Return a route's answers by status: of its problems, and of API Gateway."""
    told: dict[int, list[str]] = {}
    for name in dict.fromkeys(route.problems):
        # A job that failed is no fault of the request for its result: that is always 409.
        is_stored = route.id == "getResult" and name in OF_JOBS
        told.setdefault(409 if is_stored else problems.KINDS[name][0], []).append(name)
    theirs = {
        status: when
        for status, when in _GATEWAY.items()
        if (route.scope or status not in _WITHOUT_KEY)
        and (status != 413 or "too-large" in route.problems)
    }
    return {
        str(status): _response(route, status, told.get(status, []), theirs.get(status))
        for status in sorted(told.keys() | theirs.keys())
    }


def _response(route: Route, status: int, ours: list[str], theirs: str | None) -> Any:
    says = [f"`{name}`: {problems.KINDS[name][1]}" for name in ours]
    content: dict[str, Any] = {}
    if ours:
        stored = route.id == "getResult" and status == 409
        named = [ref(kind_name(name)) for name in ours]
        schema = ref("Problem") if stored else named[0] if len(named) == 1 else {"anyOf": named}
        examples = {name: {"value": _example(name, status)} for name in ours}
        content["application/problem+json"] = {"schema": schema, "examples": examples}
    if theirs:
        says.append(f"API Gateway: {theirs}")
        content["application/json"] = {
            "schema": ref("GatewayMessage"),
            "example": {"message": HTTPStatus(status).phrase},
        }
    sent = headers.of_problems(route, ours, from_gateway=theirs is not None)
    return {"description": "\n\n".join(says), "headers": sent, "content": content}


def _example(name: str, status: int) -> dict[str, Any]:
    more, optional = _MEMBERS.get(name, ({}, set()))
    values = {
        "pointer": "/deadline",
        "scope": "invoke",
        "uploads": f"{BASE}/uploads",
        "earliest": "2026-11-24T20:18:47.464Z",
        "instead": f"{BASE}/async/text-stats",
    }
    members = {member: values[member] for member in more if member not in optional}
    record = {"name": name, "detail": problems.KINDS[name][1]} | members
    return problems.document(record, BASE, status)
