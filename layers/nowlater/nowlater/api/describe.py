"""Describes the operations: schemas, doors, limits and run times."""

from typing import Any

from nowlater.log import logger
from nowlater.problems import Problem
from nowlater.runtime.catalogue import attempt_timeout_s
from nowlater.services import Services

#: Descriptions change with a deployment and with run times: caches may be a minute behind.
CACHE_FOR_A_MINUTE = {"Cache-Control": "max-age=60"}


def list_operations(services: Services, base: str) -> dict[str, Any]:
    """Return name, description, doors and URL of all operations."""
    members = ("name", "description", "doors")
    return {
        "operations": [
            {name: entry[name] for name in members} | {"url": f"{base}/operations/{entry['name']}"}
            for entry in services.catalogue.descriptions()
        ]
    }


def describe_operation(services: Services, name: str, base: str) -> dict[str, Any]:
    """Return an operation's schemas, doors, limits and run times in seconds.

    Raises Problem `unknown-operation`.
    """
    for entry in services.catalogue.descriptions():
        if entry["name"] == name:
            work_timeout_s = services.settings.work_timeout_s
            limits = {"timeout_s": attempt_timeout_s(entry["timeout"], work_timeout_s)}
            return {
                "name": name,
                "description": entry["description"],
                "input": entry["input"],
                "result": entry["result"],
                "doors": {door: f"{base}/{door}/{name}" for door in entry["doors"]},
                "limits": limits | {"attempts": entry["attempts"]},
                "run_time": _run_time(services, name),
            }
    raise Problem(
        "unknown-operation",
        f"There is no operation {name!r}; GET /operations lists all operations.",
    )


def _run_time(services: Services, name: str) -> dict[str, Any]:
    # They import botocore, which no other route here needs.
    from nowlater.aws import session
    from nowlater.jobs.run_times import Histogram

    try:
        histogram = services.runtimes.of(name)
    except session.FAILURES:
        logger.warning("run_times_not_read", exc_info=True)
        histogram = Histogram({})
    quantiles = {"p50_s": 0.5, "p90_s": 0.9}
    return {"runs": histogram.runs} | {
        name: histogram.quantile_s(share) for name, share in quantiles.items()
    }
