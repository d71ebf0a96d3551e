"""The descriptions of the API: they fit what the code accepts and returns; their examples fit them."""

import json
import tomllib
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import jsonschema_rs
import msgspec
import pytest

import discovery
from described import asyncapi, envelopes, openapi, samples, schemas
from nowlater.api.routes import ROUTES
from nowlater.doors import uploads
from nowlater.doors.envelope import Envelope
from nowlater.doors.time_frame import Deadline, Start
from nowlater.jobs.model import ENDED
from nowlater.notifications.cloud_event import of_end
from nowlater.problems import KINDS, Problem
from nowlater.runtime.definition import DOORS
from tests import stack
from tests.contract import Contract, closed
from tests.unit.builds import build
from tests.unit.jobs import NOW, job


@pytest.fixture(scope="module")
def document() -> dict[str, Any]:
    index = [build.index_entry(spec) for spec in discovery.find_operations()]
    return openapi.document(index)


def fields(type_: Any) -> set[str]:
    return {field.encode_name for field in msgspec.structs.fields(type_)}


def test_the_envelope_has_the_members_that_a_request_can_have() -> None:
    described = envelopes.body("async", {}, may_be_empty=True)["properties"].keys()

    assert described == fields(Envelope)
    assert envelopes.body("sync", {}, may_be_empty=True)["properties"].keys() == {"input"}


@pytest.mark.parametrize(
    ("names", "type_"),
    [
        (("StartAfter", "StartAt"), Start),
        (("DeadlineWithin", "DeadlineAt"), Deadline),
        (("UploadWish",), uploads.Upload),
    ],
)
def test_the_parts_of_an_envelope_are_described_with_all_members(
    names: tuple[str, ...], type_: Any
) -> None:
    made = envelopes.schemas()

    assert {m for name in names for m in made[name]["properties"]} == fields(type_)


def test_there_is_a_path_for_every_operation_at_each_of_its_doors(document: dict[str, Any]) -> None:
    specs = {spec.name: spec.doors for spec in discovery.find_operations()}
    doors = {f"/{door}/{name}" for name, doors in specs.items() for door in doors}
    others = {route.path for route in ROUTES if route.tag != "Doors"}

    assert document["paths"].keys() == doors | others


def test_every_problem_that_a_route_can_return_is_described(document: dict[str, Any]) -> None:
    possible = {name for route in ROUTES for name in route.problems}
    described = {name for name in document["components"]["schemas"] if name.endswith("Problem")}

    assert described == {"Problem", *map(openapi.faults.kind_name, possible)}
    assert KINDS.keys() == possible | {"wrong-method"}  # for what is not a route


def test_its_version_is_the_projects() -> None:
    project = tomllib.loads((stack.ROOT / "pyproject.toml").read_text())["project"]

    assert project["version"] == openapi.VERSION


def examples(part: Any) -> Iterator[tuple[Any, Any]]:
    """Yield the schema and the value of each example of a request's or an answer's body."""
    if isinstance(part, list):
        part = dict(enumerate(part))
    if isinstance(part, dict):
        if "schema" in part:
            if "example" in part:
                yield part["schema"], part["example"]
            for example in part.get("examples", {}).values():
                yield part["schema"], example["value"]
        elif isinstance(part.get("examples"), list):
            yield from ((part, value) for value in part["examples"])
        for value in part.values():
            yield from examples(value)


def test_every_example_fits_its_schema(document: dict[str, Any]) -> None:
    found = list(examples(document))

    assert len(found) > 50
    assert document["components"]["schemas"]["Job"]["examples"][0] in [value for _, value in found]
    for schema, value in found:
        whole = {**schema, "components": document["components"]}
        jsonschema_rs.Draft202012Validator(whole).validate(value)


def test_every_operation_has_an_example_of_its_input(document: dict[str, Any]) -> None:
    for path, methods in document["paths"].items():
        if path.startswith(("/sync/", "/async/", "/hybrid/")):
            assert "example" in methods["post"]["requestBody"]["content"]["application/json"], path


def parts(schema: Any, place: str) -> Iterator[tuple[str, Any]]:
    """Yield each member of a schema's objects, at any depth, with its place."""
    for name, member in schema.get("properties", {}).items():
        yield f"{place}.{name}", member
        yield from parts(member, f"{place}.{name}")
    inner = [schema[key] for key in ("items", "additionalProperties") if key in schema]
    for part in [*inner, *schema.get("anyOf", []), *schema.get("oneOf", [])]:
        if isinstance(part, dict):
            yield from parts(part, place)


def operations(document: dict[str, Any]) -> Iterator[tuple[str, dict[str, Any]]]:
    for path, methods in document["paths"].items():
        for method, operation in methods.items():
            yield f"{method} {path}", operation


def test_every_call_says_what_it_does_and_each_door_says_which_it_is(
    document: dict[str, Any],
) -> None:
    said = {call: operation["description"] for call, operation in operations(document)}
    summaries = {operation["summary"] for _, operation in operations(document)}

    assert len(set(said.values())) == len(said)
    assert not summaries & set(said.values())
    for call, description in said.items():
        door = call.removeprefix("post /").partition("/")[0]
        if door in DOORS:
            assert f"the {door} door" in description


def test_every_parameter_and_body_has_a_description_and_a_value_to_show(
    document: dict[str, Any],
) -> None:
    shown, shared = {"examples", "enum", "const", "default"}, document["components"]["parameters"]
    for call, operation in operations(document):
        for parameter in operation.get("parameters", []):
            whole = shared.get(parameter.get("$ref", "").rpartition("/")[2], parameter)
            assert whole["description"], (call, whole)
            assert shown & whole["schema"].keys(), (call, whole)
        if "requestBody" in operation:
            assert operation["requestBody"]["description"], call
    for name, header in document["components"]["headers"].items():
        assert header["description"], name
        assert shown & header["schema"].keys(), name


def test_every_member_of_what_is_sent_and_of_the_apis_own_answers_is_described(
    document: dict[str, Any],
) -> None:
    specs = [(spec, schemas.camel(spec.name)) for spec in discovery.find_operations()]
    # The README's operation is as short as can be: its parameters have no descriptions.
    theirs = tuple(
        name if spec.diagnostic or spec.name == "greet" else f"{name}Result" for spec, name in specs
    )
    known = document["components"]["schemas"].items()
    ours = {name: schema for name, schema in known if not name.startswith(theirs)}
    bare = [name for name, schema in ours.items() if "description" not in schema]
    bare += [
        place
        for name, schema in ours.items()
        for place, member in parts(schema, name)
        if not {"description", "$ref"} & member.keys()
    ]

    assert len(ours) > 50
    assert bare == []


# ── schemas of operations ─────────────────────────────────────────────────────────────────────

NODE = {
    "$schema": "…",
    "$ref": "#/$defs/Node",
    "$defs": {
        "Node": {
            "title": "Node",
            "properties": {
                "next": {"anyOf": [{"$ref": "#/$defs/Node"}, {"$ref": "#/$defs/A[int]"}]}
            },
        },
        "A[int]": {"type": "integer"},
    },
}


def test_definitions_become_components_of_the_operations_own_name() -> None:
    made = schemas.lift_definitions(NODE, "TreeResult")
    nodes, numbers = ("#/components/schemas/TreeResult" + rest for rest in ("", "Aint"))

    assert made == {
        "TreeResult": {"properties": {"next": {"anyOf": [{"$ref": nodes}, {"$ref": numbers}]}}},
        "TreeResultAint": {"type": "integer"},
    }


def test_a_schema_that_is_more_than_a_reference_stays_one() -> None:
    schema = {"type": "array", "items": {"$ref": "#/$defs/Ä"}, "$defs": {"Ä": {"type": "null"}}}
    made = schemas.lift_definitions(schema, "ListResult")

    assert made["ListResult"]["items"] == {"$ref": "#/components/schemas/ListResult_"}
    assert made["ListResult_"] == {"type": "null"}


@pytest.mark.parametrize(
    ("schema", "value"),
    [
        ({"type": "string"}, "text"),
        ({"type": "string", "minLength": 6, "maxLength": 8}, "text.."),
        ({"type": "string", "format": "date-time"}, "2026-11-24T12:00:00Z"),
        ({"type": "integer", "minimum": 3}, 3),
        ({"type": "number", "exclusiveMinimum": 3}, 4),
        ({"enum": ["b", "a"]}, "b"),
        ({"type": ["integer", "null"]}, 1),
        ({"anyOf": [{"type": "null"}, {"type": "boolean"}]}, True),
        ({"type": "array", "items": {"const": 7}, "minItems": 2}, [7, 7]),
        (
            {"type": "array", "prefixItems": [{"type": "string"}, {}], "items": False},
            ["text", None],
        ),
        ({"type": "string", "pattern": "^a$", "examples": ["a"]}, "a"),
        ({}, None),
        (
            {"type": "object", "properties": {"a": {"default": 1}, "b": {}}, "required": ["a"]},
            {"a": 1},
        ),
    ],
)
def test_a_sample_is_as_plain_as_can_be(schema: dict[str, Any], value: Any) -> None:
    assert samples.sample(schema) == value


@pytest.mark.parametrize(
    "schema",
    [
        {"type": "string", "pattern": "^a$"},
        {"type": "integer", "minimum": 3, "maximum": 2},
        {
            "$ref": "#/$defs/A",
            "$defs": {"A": {"type": "array", "items": {"$ref": "#/$defs/A"}, "minItems": 1}},
        },
        {"type": "string", "examples": [1]},
    ],
)
def test_where_none_is_known_none_is_made_up(schema: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match=r"fit|match|deep"):
        samples.sample(schema)


# ── events ────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("status", ENDED)
def test_an_event_is_as_the_asyncapi_document_says(status: str) -> None:
    error = None if status == "succeeded" else Problem("canceled", "So it was.").record()
    event = of_end(job(status=status, ended=NOW, error=error, trace="00-" + "a" * 32))
    document = closed(asyncapi.document())
    message = document["components"]["messages"][f"{status}Job"]

    for part, value in (("payload", json.loads(event.body)), ("headers", event.attributes)):
        whole = {**message[part], "components": document["components"]}
        jsonschema_rs.Draft202012Validator(whole).validate(value)


# ── the judge ─────────────────────────────────────────────────────────────────────────────────

ALWAYS = {"cache-control": "no-store", "x-content-type-options": "nosniff"}
JSON = {"content-type": "application/json"} | ALWAYS
GOOD = ("GET", "/health", 200, JSON, b'{"status":"ok"}')


@dataclass
class Bad:
    what: str
    answer: tuple[Any, ...]


@pytest.mark.parametrize(
    "bad",
    [
        Bad("is not in the document", (*GOOD[:2], 201, *GOOD[3:])),
        Bad("has headers that are not", (*GOOD[:3], JSON | {"etag": "x"}, GOOD[4])),
        Bad("lacks", (*GOOD[:3], {k: JSON[k] for k in ("content-type", "cache-control")}, GOOD[4])),
        Bad("is text/html", (*GOOD[:3], JSON | {"content-type": "text/html"}, GOOD[4])),
        Bad("was expected", (*GOOD[:4], b'{"status":"no"}')),
        Bad("Additional properties", (*GOOD[:4], b'{"status":"ok","x":1}')),
        Bad("has a body", ("DELETE", "/jobs/1", 204, ALWAYS, b"x")),
    ],
    ids=lambda bad: bad.what,
)
def test_an_answer_that_is_not_described_is_found(document: dict[str, Any], bad: Bad) -> None:
    contract = Contract(document)
    contract.check(*GOOD)

    with pytest.raises(AssertionError, match=bad.what):
        contract.check(*bad.answer)
