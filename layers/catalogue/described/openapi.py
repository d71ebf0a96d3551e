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
    "Doors": "Ask for an operation: at once, later, or at once if that can be.",
    "Jobs": "What was accepted, and what has become of it.",
    "Webhooks": "What callbacks are sent, and what signs it.",
    "Uploads": "Inputs that are too large to send inline.",
    "Operations": "What can be asked for.",
    "About": "What the API says of itself; open to all.",
}
_ABOUT = """\
Operations that are answered now, or later as a promise about time.

Each operation has up to three doors: `/sync/…` answers with the result, `/async/…` gives a job that
ends by its deadline, `/hybrid/…` waits as long as you say and gives the job after that.

Send a key, `Authorization: Bearer nl_…`, or a JWT where the stack takes one. Errors are problem
details (RFC 9457); decide by their `code`. Every GET can be a HEAD: the same answer
without its body."""

_REFERENCE = re.compile(r'"#/components/(\w+/[^"]+)"')

type Entry = dict[str, Any]


def document(index: list[Entry], files: list[str]) -> dict[str, Any]:
    """Return the document of these operations; its links and its server start with `BASE`."""
    shared = _Shared()
    paths = _paths(index, files, shared)
    told = {"ended": webhooks.ENDED}
    components = {
        "schemas": _schemas(index),
        "responses": shared.responses,
        **headers.components(),
        **webhooks.components(),
    }
    return {
        "openapi": "3.1.1",
        "info": {
            "title": "nowlater",
            "version": VERSION,
            "description": _ABOUT,
            "license": {"name": "Apache 2.0", "identifier": "Apache-2.0"},
        },
        "servers": [{"url": BASE}],
        "tags": [{"name": name, "description": said} for name, said in _TAGS.items()],
        "paths": paths,
        "webhooks": told,
        "components": {"securitySchemes": {"key": headers.KEY}} | used([paths, told], components),
    }


def used(told: Any, components: dict[str, dict[str, Any]]) -> dict[str, dict[str, Any]]:
    """Return those components that a part of a document refers to, and what these refer to."""
    found, left = set[str](), set(_REFERENCE.findall(json.dumps(told)))
    while left:
        found |= left
        parts = (reference.split("/") for reference in left)
        left = {
            further
            for kind, name in parts
            for further in _REFERENCE.findall(json.dumps(components[kind][name]))
        } - found
    return {
        kind: {name: part for name, part in parts.items() if f"{kind}/{name}" in found}
        for kind, parts in components.items()
    }


class _Shared:
    """Answers that many routes have: each is told once, and referred to."""

    def __init__(self) -> None:
        self.responses: dict[str, Any] = {}
        self._names: dict[str, str] = {}

    def ref(self, route: Route, status: str, response: Any) -> dict[str, Any]:
        """Return a reference to an answer, under the name of its status where that is free."""
        said, phrase = json.dumps(response), HTTPStatus(int(status)).phrase
        name = "".join(word.capitalize() for word in phrase.split())
        if name in self.responses and said not in self._names:
            name += route.id[0].upper() + route.id[1:]
        name = self._names.setdefault(said, name)
        self.responses[name] = response
        return {"$ref": f"#/components/responses/{name}"}

    def all(self, route: Route, responses: dict[str, Any]) -> dict[str, Any]:
        return {status: self.ref(route, status, said) for status, said in responses.items()}


def _schemas(index: list[Entry]) -> dict[str, Any]:
    made = shapes.of_answers() | faults.schemas() | envelopes.schemas() | webhooks.schemas()
    for name, example in examples.of_schemas().items():
        made[name] |= {"examples": [example]}
    for entry in index:
        name = schemas.camel(entry["name"])
        made |= schemas.lifted(entry["input"], f"{name}Input")
        made[f"{name}Input"].setdefault("description", f"The arguments of {entry['name']}.")
        if not schemas.is_file(entry["result"]):
            made |= schemas.lifted(entry["result"], f"{name}Result")
    return made


def _paths(index: list[Entry], files: list[str], shared: _Shared) -> dict[str, Any]:
    paths: dict[str, Any] = {}
    for route in ROUTES:
        if route.tag == "Doors":
            for entry in index:
                if route.id in entry["doors"]:
                    path = route.path.replace("{operation}", entry["name"])
                    paths[path] = {"post": _at_door(route, entry, shared)}
        else:
            described = _route(route, files, shared)
            paths.setdefault(route.path, {})[route.method.lower()] = described
    return paths


def _route(route: Route, files: list[str], shared: _Shared) -> dict[str, Any]:
    said = _said(route, route.id, route.summary, calls.of_route(route))
    given = [*parameters.in_path(route, files), *parameters.in_query(route), *headers.asked(route)]
    said |= {"parameters": given} if given else {}
    if route.id == "createUpload":
        wish = {"size": 20971520, "media_type": "text/csv"}
        said["requestBody"] = _body("The size and the type of the file.", ref("UploadWish"), wish)
    answers = successes.SUCCESSES[route.id]
    said["responses"] = answers | shared.all(route, faults.responses(route))
    return said


def _at_door(route: Route, entry: Entry, shared: _Shared) -> dict[str, Any]:
    name = schemas.camel(entry["name"])
    description = calls.of_door(route, entry["description"])
    said = _said(route, f"{route.id}{name}", f"{entry['name']}, {route.summary}", description)
    said |= {"parameters": asked} if (asked := headers.asked(route)) else {}
    may_be_empty = not entry["input"].get("required")
    schema = envelopes.body(route.id, ref(f"{name}Input"), may_be_empty=may_be_empty)
    given = _sample(entry["input"])
    example = None if given is None else {"input": given}
    said["requestBody"] = _body(schema["description"], schema, example)
    if route.id != "sync":
        said["callbacks"] = webhooks.CALLBACKS
    answers = successes.of_door(route.id, _result(entry, name))
    told = {s: a if s == "200" else shared.ref(route, s, a) for s, a in answers.items()}
    said["responses"] = told | shared.all(route, faults.responses(route))
    return said


def _said(route: Route, operation_id: str, summary: str, description: str) -> dict[str, Any]:
    return {
        "operationId": operation_id,
        "tags": [route.tag],
        "summary": summary,
        "description": description,
        "security": [] if route.scope is None else [{"key": [route.scope]}],
    }


def _body(description: str, schema: Any, example: Any) -> dict[str, Any]:
    shown = {} if example is None else {"example": example}
    content = {"application/json": {"schema": schema} | shown}
    return {"description": description, "required": True, "content": content}


def _result(entry: Entry, name: str) -> dict[str, Any]:
    """Return the content of an answer with the operation's result."""
    if schemas.is_file(entry["result"]):
        return successes.FILE
    made = _sample(entry["result"])
    shown = {} if made is None else {"example": made}
    return {"application/json": {"schema": ref(f"{name}Result")} | shown}


def _sample(schema: Any) -> Any:
    try:
        return samples.sample(schema)
    except ValueError:
        return None
