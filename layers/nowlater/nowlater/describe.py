"""Tells of the operations: what each takes and returns, where it is served, and its limits."""

from typing import Any

from nowlater.problems import Problem
from nowlater.services import Services


def operations(services: Services, base: str) -> dict[str, Any]:
    """Return all operations, each in short."""
    short = ("name", "description", "doors")
    listing = services.catalogue.listing()
    return {
        "operations": [
            {key: entry[key] for key in short} | {"url": f"{base}/operations/{entry['name']}"}
            for entry in listing
        ]
    }


def operation(services: Services, name: str, base: str) -> dict[str, Any]:
    """Return an operation: schemas, doors and limits; raises Problem `unknown-operation`."""
    for entry in services.catalogue.listing():
        if entry["name"] == name:
            limits = {"timeout_s": min(entry["timeout"], services.settings.longest_attempt_s)}
            return {
                "name": name,
                "description": entry["description"],
                "input": entry["input"],
                "result": entry["result"],
                "doors": {door: f"{base}/{door}/{name}" for door in entry["doors"]},
                "limits": limits | {"attempts": entry["attempts"]},
            }
    raise Problem(
        "unknown-operation",
        f"There is no operation {name!r}; GET /operations lists those there are.",
    )
