"""JSON Schemas of request bodies: the envelope of each door, and the request for an upload."""

from typing import Any

from described.parts import Schema, constraints, number, record, ref, text
from nowlater.doors.envelope import Envelope
from nowlater.doors.time_frame import FURTHEST_DEADLINE_S, FURTHEST_START_S
from nowlater.doors.uploads import Upload
from nowlater.instants import DAY_S

_FURTHEST_S = FURTHEST_START_S + FURTHEST_DEADLINE_S


def schemas() -> dict[str, Schema]:
    """Return the schemas of the envelope's parts, and of the body of `POST /uploads`."""
    upload = record(
        "A file to upload.",
        optional=("media_type",),
        size=constraints(Upload, "size") | {"description": "The file's exact size in bytes."},
        media_type=constraints(Upload, "media_type")
        | {"description": "The file's media type.", "default": "application/octet-stream"},
    )
    otherwise = {
        "or": text("Refuse the job at once if the deadline cannot be met.", const="refuse")
    }
    descriptions = {
        "StartAfter": "A start given as seconds from now.",
        "StartAt": "A start given as a time.",
        "DeadlineWithin": "A deadline given as seconds from now.",
        "DeadlineAt": "A deadline given as a time.",
    }
    instant = {"format": "date-time", "examples": ["2026-12-01T12:00:00Z"]}
    forms = {
        "StartAfter": {
            "after": number("Seconds from now.", minimum=0, maximum=FURTHEST_START_S),
        },
        "StartAt": {"at": text("A time with its UTC offset.", **instant)},
        "DeadlineWithin": {
            "within": number("Seconds from now.", exclusiveMinimum=0, maximum=_FURTHEST_S),
            **otherwise,
        },
        "DeadlineAt": {"at": text("A time with its UTC offset.", **instant), **otherwise},
    }
    return {
        **{
            name: _closed(record(descriptions[name], optional=("or",), **members))
            for name, members in forms.items()
        },
        "Start": {
            "description": "The earliest start: no attempt starts before it.",
            "oneOf": [ref("StartAfter"), ref("StartAt")],
        },
        "Deadline": {
            "description": "The deadline: no attempt starts or succeeds after it.",
            "oneOf": [ref("DeadlineWithin"), ref("DeadlineAt")],
        },
        "Tags": _tags(),
        "UploadWish": _closed(upload),
    }


def _tags() -> Schema:
    tags = constraints(Envelope, "tags")
    value = tags["additionalProperties"] | {"description": "Printable characters."}
    return tags | {
        "description": "Your own labels, by which you can find jobs.",
        "additionalProperties": value,
        "examples": [{"order": "42"}],
    }


def body(door: str, schema: Schema, *, may_be_empty: bool) -> Schema:
    """Return the schema of a door's request body around an operation's input."""
    envelope = record(
        "The operation's arguments, and the options of the job.",
        optional=("input",) if may_be_empty else (),
        input=schema,
    )
    if door != "sync":
        envelope["properties"] |= options()
    return _closed(envelope)


def options() -> dict[str, Any]:
    """Return the schemas of the envelope's members beside `input`."""
    return {
        "start": ref("Start"),
        "deadline": ref("Deadline"),
        "retention": constraints(Envelope, "retention")
        | {
            "description": "How many seconds the job can be read after its end.",
            "default": DAY_S,
        },
        "tags": ref("Tags"),
        "callback": ref("Callback"),
    }


def _closed(schema: Schema) -> Schema:
    """Return the schema of an object that has no other members."""
    return schema | {"additionalProperties": False}
