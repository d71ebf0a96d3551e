"""Tells of the operations: what each takes and returns, where it is served, and its limits."""

from typing import Any

from nowlater.jobs.histogram import Histogram
from nowlater.log import logger
from nowlater.problems import Problem
from nowlater.services import Services

#: After a deployment, and as run times change, a caller who keeps them is a minute behind.
MAY_BE_KEPT = {"Cache-Control": "max-age=60"}


def operations(services: Services, base: str) -> dict[str, Any]:
    """Return all operations, each in short."""
    short = ("name", "description", "doors")
    listing = services.catalogue.descriptions()
    return {
        "operations": [
            {key: entry[key] for key in short} | {"url": f"{base}/operations/{entry['name']}"}
            for entry in listing
        ]
    }


def operation(services: Services, name: str, base: str) -> dict[str, Any]:
    """Return an operation: schemas, doors, limits and how long it takes, in seconds.

    Raises Problem `unknown-operation`.
    """
    for entry in services.catalogue.descriptions():
        if entry["name"] == name:
            limits = {"timeout_s": min(entry["timeout"], services.settings.longest_attempt_s)}
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
        f"There is no operation {name!r}; GET /operations lists those there are.",
    )


def _run_time(services: Services, name: str) -> dict[str, Any]:
    from nowlater.aws import session  # botocore would make all other answers wait for it

    try:
        earlier = services.runtimes.of(name)
    except session.FAILURES:
        logger.warning("run_times_not_read", exc_info=True)
        earlier = Histogram({})
    shares = {"p50_s": 0.5, "p90_s": 0.9}
    return {"runs": earlier.runs} | {n: earlier.quantile_s(share) for n, share in shares.items()}
