"""The HTTP API as OpenAPI 3.1: a path for each route, and for each operation at each of its doors."""

import json
import re
from http import HTTPStatus
from typing import Any

from described import (
    calls,
    envelopes,
    examples,
    faults,
    headers,
    parameters,
    samples,
    schemas,
    shapes,
    successes,
    webhooks,
)
from described.parts import ref
from described.shapes import BASE
from nowlater.api.routes import ROUTES, Route

VERSION = "0.1.0"
_TAGS = {
    "Doors": "Run an operation: synchronously, as a job, or hybrid.",
    "Jobs": "Accepted requests and their states.",
    "Webhooks": "The webhooks of your jobs, and the secrets that sign them.",
    "Uploads": "Inputs that are too large to send inline.",
    "Operations": "The operations of this API.",
    "About": "Descriptions of the API itself; no key is needed.",
}
_ABOUT = """\
Operations that run synchronously, or as background jobs with start times and deadlines.

Each operation has up to three doors: `/sync/…` returns the result, `/async/…` returns a job that
ends by its deadline, `/hybrid/…` waits for the result as long as you say, then returns the job.

Send a key, `Authorization: Bearer nl_…`, or a JWT if the stack accepts JWTs. Errors are problem
details (RFC 9457); programs should decide by their `code`. Every GET route also takes HEAD, which
returns the same response without its body."""

_REFERENCE = re.compile(r'"#/components/(\w+/[^"]+)"')

type Entry = dict[str, Any]


def document(index: list[Entry]) -> dict[str, Any]:
    """Return the document of these operations; its links and its server start with `BASE`."""
    shared = _SharedResponses()
    paths = _paths(index, shared)
    document_webhooks = {"ended": webhooks.ENDED}
    components = {
        "schemas": _schemas(index),
        "responses": shared.responses,
        **headers.components(),
        **webhooks.components(),
    }
    used = select_components([paths, document_webhooks], components)
    return {
        "openapi": "3.1.1",
        "info": {
            "title": "nowlater",
            "version": VERSION,
            "description": _ABOUT,
            "license": {"name": "Apache 2.0", "identifier": "Apache-2.0"},
        },
        "servers": [{"url": BASE}],
        "tags": [{"name": name, "description": text} for name, text in _TAGS.items()],
        "paths": paths,
        "webhooks": document_webhooks,
        "components": {"securitySchemes": {"key": headers.KEY}} | used,
    }


def select_components(
    part: Any, components: dict[str, dict[str, Any]]
) -> dict[str, dict[str, Any]]:
    """Return the components that a part of a document refers to, directly or through others."""
    reached, pending = set[str](), set(_REFERENCE.findall(json.dumps(part)))
    while pending:
        reached |= pending
        pairs = (reference.split("/") for reference in pending)
        pending = {
            reference
            for kind, name in pairs
            for reference in _REFERENCE.findall(json.dumps(components[kind][name]))
        } - reached
    return {
        kind: {name: value for name, value in members.items() if f"{kind}/{name}" in reached}
        for kind, members in components.items()
    }


class _SharedResponses:
    """Responses that several routes have: each is written once, and referred to."""

    def __init__(self) -> None:
        self.responses: dict[str, Any] = {}
        self._names: dict[str, str] = {}

    def ref(self, route: Route, status: str, response: Any) -> dict[str, Any]:
        """Return a reference to a response, which is named by its status if that name is free."""
        key, phrase = json.dumps(response), HTTPStatus(int(status)).phrase
        name = "".join(word.capitalize() for word in phrase.split())
        if name in self.responses and key not in self._names:
            name += route.id[0].upper() + route.id[1:]
        name = self._names.setdefault(key, name)
        self.responses[name] = response
        return {"$ref": f"#/components/responses/{name}"}

    def refs(self, route: Route, responses: dict[str, Any]) -> dict[str, Any]:
        return {status: self.ref(route, status, value) for status, value in responses.items()}


def _schemas(index: list[Entry]) -> dict[str, Any]:
    components = (
        shapes.response_schemas() | faults.schemas() | envelopes.schemas() | webhooks.schemas()
    )
    for name, example in examples.example_bodies().items():
        components[name] |= {"examples": [example]}
    for entry in index:
        name = schemas.camel(entry["name"])
        components |= schemas.lift_definitions(entry["input"], f"{name}Input")
        components[f"{name}Input"].setdefault("description", f"The arguments of {entry['name']}.")
        if not schemas.is_file(entry["result"]):
            components |= schemas.lift_definitions(entry["result"], f"{name}Result")
    return components


def _paths(index: list[Entry], shared: _SharedResponses) -> dict[str, Any]:
    paths: dict[str, Any] = {}
    for route in ROUTES:
        if route.tag == "Doors":
            for entry in index:
                if route.id in entry["doors"]:
                    path = route.path.replace("{operation}", entry["name"])
                    paths[path] = {"post": _door_operation(route, entry, shared)}
        else:
            operation = _route_operation(route, shared)
            paths.setdefault(route.path, {})[route.method.lower()] = operation
    return paths


def _route_operation(route: Route, shared: _SharedResponses) -> dict[str, Any]:
    operation = _operation(route, route.id, route.summary, calls.describe_route(route))
    all_parameters = [
        *parameters.in_path(route),
        *parameters.in_query(route),
        *headers.request_headers(route),
    ]
    operation |= {"parameters": all_parameters} if all_parameters else {}
    if route.id == "createUpload":
        example = {"size": 20971520, "media_type": "text/csv"}
        description = "The size and the type of the file."
        operation["requestBody"] = _body(description, ref("UploadWish"), example)
    responses = successes.SUCCESSES[route.id]
    operation["responses"] = responses | shared.refs(route, faults.problem_responses(route))
    return operation


def _door_operation(route: Route, entry: Entry, shared: _SharedResponses) -> dict[str, Any]:
    name = schemas.camel(entry["name"])
    description = calls.describe_door(route, entry["description"])
    summary = f"{entry['name']}, {route.summary}"
    operation = _operation(route, f"{route.id}{name}", summary, description)
    if header_parameters := headers.request_headers(route):
        operation["parameters"] = header_parameters
    may_be_empty = not entry["input"].get("required")
    schema = envelopes.body(route.id, ref(f"{name}Input"), may_be_empty=may_be_empty)
    sample = _sample(entry["input"])
    example = None if sample is None else {"input": sample}
    operation["requestBody"] = _body(schema["description"], schema, example)
    if route.id != "sync":
        operation["callbacks"] = webhooks.CALLBACKS
    responses = {
        status: response if status == "200" else shared.ref(route, status, response)
        for status, response in successes.door_successes(route.id, _result(entry, name)).items()
    }
    operation["responses"] = responses | shared.refs(route, faults.problem_responses(route))
    return operation


def _operation(route: Route, operation_id: str, summary: str, description: str) -> dict[str, Any]:
    return {
        "operationId": operation_id,
        "tags": [route.tag],
        "summary": summary,
        "description": description,
        "security": [] if route.scope is None else [{"key": [route.scope]}],
    }


def _body(description: str, schema: Any, example: Any) -> dict[str, Any]:
    return {
        "description": description,
        "required": True,
        "content": {"application/json": _with_example(schema, example)},
    }


def _result(entry: Entry, name: str) -> dict[str, Any]:
    """Return the content of a response with the operation's result."""
    if schemas.is_file(entry["result"]):
        return successes.FILE
    return {"application/json": _with_example(ref(f"{name}Result"), _sample(entry["result"]))}


def _with_example(schema: Any, example: Any) -> dict[str, Any]:
    return {"schema": schema} | ({} if example is None else {"example": example})


def _sample(schema: Any) -> Any:
    try:
        return samples.sample(schema)
    except ValueError:
        return None
