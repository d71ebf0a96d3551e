"""The path and query parameters of each route."""

from collections.abc import Sequence
from typing import Any, get_args

from described import console, pages, shapes
from described.parts import Schema, text
from nowlater import problems
from nowlater.api.routes import Route
from nowlater.jobs.counts import MAX_INTERVALS, MIN_INTERVAL_S
from nowlater.jobs.model import MAX_TAGS
from nowlater.notifications import delivery

_JOB = text(pattern=shapes.JOB_ID, examples=["01a20eff-13a8-723c-a1e0-0187f181401b"])
_VERSION = text(pattern="^[0-9a-f]{12}$", examples=["0123456789ab"])
_TIME = text(format="date-time", examples=["2026-11-24T00:00:00Z"])
_STATES = [state for state in get_args(delivery.State.__value__) if state != "erased"]
_OPERATION = text(pattern=shapes.NAME, examples=["text-stats"])


def in_path(route: Route) -> list[Any]:
    """Return the parameters of a route's path."""
    number = {"type": "integer", "minimum": 1, "examples": [1]}
    by_part = {
        "{id}": ("id", "The job's `id`.", _JOB),
        "/operations/{name}": ("name", "The operation's name.", _OPERATION),
        "/problems/{name}": ("name", "The kind of problem.", text(enum=list(problems.KINDS))),
        "{number}": ("number", "The delivery's `number`.", number),
        "/docs/{file}": ("file", "The file's name.", text(enum=pages.FILES)),
        "{version}": ("version", "The console's version, which the page names.", _VERSION),
        "/{version}/{file}": ("file", "The file's name.", text(enum=console.FILES)),
    }
    return [
        {
            "name": name,
            "in": "path",
            "description": description,
            "required": True,
            "schema": schema,
        }
        for part, (name, description, schema) in by_part.items()
        if part in route.path
    ]


def several(values: Sequence[str]) -> Schema:
    """Return the schema of a parameter that may repeat."""
    return {
        "type": "array",
        "items": text(enum=list(values)),
        "minItems": 1,
        "examples": [[values[-1]]],
    }


def in_query(route: Route) -> list[Any]:
    """Return the parameters of a route's query."""
    limit = {"type": "integer", "minimum": 1, "maximum": 100, "default": 20}
    tags = {
        "type": "array",
        "items": text(pattern="^[^:]*:"),
        "minItems": 1,
        "maxItems": MAX_TAGS,
        "examples": [["order:42"]],
    }
    time_frame = {
        "since": ("Only jobs accepted at this time or later.", _TIME),
        "until": ("Only jobs accepted before this time.", _TIME),
    }
    conditions = {
        "status": ("Only jobs with this status; if repeated, with any.", several(shapes.STATUSES)),
        "operation": ("Only jobs of this operation.", _OPERATION),
        "tag": ("Only jobs with this tag, `name:value`; if repeated, with all of them.", tags),
        **time_frame,
    }
    paging = {
        "limit": ("The most things on a page.", limit),
        "cursor": ("Where the page begins; the URL in `next` has it.", _JOB),
    }
    interval = {"type": "integer", "minimum": MIN_INTERVAL_S, "examples": [3600]}
    by_route = {
        "listJobs": conditions | paging,
        "countJobs": conditions
        | {
            "interval": (
                "Count each interval of so many seconds by itself; needs `since`. There can be "
                f"{MAX_INTERVALS}.",
                interval,
            )
        },
        "listAllDeliveries": {
            "state": ("Only deliveries in this state; if repeated, in any.", several(_STATES)),
            **time_frame,
            **paging,
        },
        "getResult": {
            "redirect": (
                "`0`: a large result is 200 with its URL instead of 303.",
                text(enum=["0", "1"], default="1"),
            )
        },
        "getEvents": {
            "lastEventId": (
                "The same as `Last-Event-ID`, for clients that cannot send this header.",
                text(examples=["1795521600000-running"]),
            )
        },
        "getSecret": {
            "host": (
                "The host of a callback's URL, without its port.",
                text(pattern="^[A-Za-z0-9._-]{1,253}$", examples=["hooks.example.com"]),
            )
        },
    }
    required = {"host"}
    return [
        {"name": name, "in": "query", "description": description, "schema": schema}
        | ({"required": True} if name in required else {})
        for name, (description, schema) in by_route.get(route.id, {}).items()
    ]
