"""JSON Schemas of what the API is sent: the envelope of each door, and the wish for an upload."""

from typing import Any

from described.parts import Schema, number, record, ref, text
from nowlater.doors import uploads
from nowlater.doors.time_frame import FURTHEST_DEADLINE_S, FURTHEST_START_S
from nowlater.instants import DAY_S, HOUR_S
from nowlater.limits import MAX_TAGS
from nowlater.runtime.document import LONGEST_MEDIA_TYPE, MEDIA_TYPE

_FURTHEST_S = FURTHEST_START_S + FURTHEST_DEADLINE_S


def schemas() -> dict[str, Schema]:
    """Return the schemas of the envelope's parts, and of the body of `POST /uploads`."""
    size = number("The exact number of bytes.", "integer", minimum=1, maximum=uploads.MAX_BYTES)
    media_type = text(
        "Its type.",
        pattern=MEDIA_TYPE,
        maxLength=LONGEST_MEDIA_TYPE,
        default="application/octet-stream",
    )
    wish = record("A file to come.", optional=("media_type",), size=size, media_type=media_type)
    way_out = {"or": text("Refuse at once what cannot be met.", const="refuse")}
    abouts = {
        "StartAfter": "A start so many seconds from now.",
        "StartAt": "A start at an instant.",
        "DeadlineWithin": "A deadline so many seconds from now.",
        "DeadlineAt": "A deadline at an instant.",
    }
    instant = {"format": "date-time", "examples": ["2026-12-01T12:00:00Z"]}
    forms = {
        "StartAfter": {
            "after": number("Seconds from now.", minimum=0, maximum=FURTHEST_START_S),
        },
        "StartAt": {"at": text("A time with its offset.", **instant)},
        "DeadlineWithin": {
            "within": number("Seconds from now.", exclusiveMinimum=0, maximum=_FURTHEST_S),
            **way_out,
        },
        "DeadlineAt": {"at": text("A time with its offset.", **instant), **way_out},
    }
    return {
        **{name: _closed(record(abouts[name], optional=("or",), **f)) for name, f in forms.items()},
        "Start": {
            "description": "No attempt starts before.",
            "oneOf": [ref("StartAfter"), ref("StartAt")],
        },
        "Deadline": {
            "description": "The deadline: nothing starts or succeeds after it.",
            "oneOf": [ref("DeadlineWithin"), ref("DeadlineAt")],
        },
        "Tags": {
            "type": "object",
            "description": "Yours, for finding jobs.",
            "maxProperties": MAX_TAGS,
            "propertyNames": {"pattern": "^[a-z0-9_-]{1,32}$"},
            "additionalProperties": text("Printable.", minLength=1, maxLength=256),
            "examples": [{"order": "42"}],
        },
        "UploadWish": _closed(wish),
    }


def body(door: str, schema: Schema, *, may_be_empty: bool) -> Schema:
    """Return the schema of a door's request body around an operation's input."""
    made = record(
        "The operation's arguments, and what is to be done with the answer.",
        optional=() if not may_be_empty else ("input",),
        input=schema,
    )
    if door != "sync":
        made["properties"] |= options()
    return _closed(made)


def options() -> dict[str, Any]:
    """Return the schemas of the envelope's members beside `input`."""
    return {
        "start": ref("Start"),
        "deadline": ref("Deadline"),
        "retention": number(
            "Seconds for which the ended job can be read.",
            "integer",
            minimum=HOUR_S,
            maximum=30 * DAY_S,
            default=DAY_S,
        ),
        "tags": ref("Tags"),
        "callback": ref("Callback"),
    }


def _closed(schema: Schema) -> Schema:
    """Return the schema of an object that has no other members."""
    return schema | {"additionalProperties": False}
