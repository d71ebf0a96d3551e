"""The path and query parameters of each route."""

from typing import Any

from described import console, pages, shapes
from described.parts import text
from nowlater import problems
from nowlater.api.routes import Route
from nowlater.jobs.model import MAX_TAGS

_JOB = text(pattern=shapes.JOB_ID, examples=["01a20eff-13a8-723c-a1e0-0187f181401b"])
_VERSION = text(pattern="^[0-9a-f]{12}$", examples=["0123456789ab"])
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
    by_route = {
        "listJobs": {
            "status": ("Only jobs with this status.", text(enum=shapes.STATUSES)),
            "operation": ("Only jobs of this operation.", _OPERATION),
            "tag": ("Only jobs with this tag, `name:value`; if repeated, with all of them.", tags),
            "limit": ("The most jobs on a page.", limit),
            "cursor": ("Where the page begins; the URL in `next` has it.", _JOB),
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
