"""Cleans up: cancels and erases all remaining jobs of this run."""

from typing import Any

import requests

from local.verify.caller import ENDED, TAG, Caller

#: The list of jobs can be a second behind, so it is read several times.
_ROUNDS, _PAUSE_S = 4, 1.0


def clean_up(api: Caller) -> str:
    """Cancel and erase the jobs of this run; return sentences about them, and about the remaining."""
    erased, remaining = set[str](), set[str]()
    try:
        for round_ in range(_ROUNDS):
            api.clock.sleep(_PAUSE_S if round_ else 0)
            new = [job for job in _list_jobs(api) if job["id"] not in remaining]
            for job in new:
                (erased if _erase(api, job) else remaining).add(job["id"])
            if round_ and not new:
                break
    except (requests.RequestException, LookupError, TypeError, ValueError, _ListFailed) as fault:
        advice = _describe_remaining(api, "Others may remain", fault)
        return f"{len(erased)} jobs were erased. {advice}"
    jobs = "1 job was" if len(erased) == 1 else f"{len(erased)} jobs were"
    summary = f"{jobs} made, and erased." if erased else "No job was made."
    if remaining:
        why = "see the failures above"
        advice = _describe_remaining(api, f"{len(remaining)} could not be", why)
        summary = f"{jobs} erased. {advice}"
    if api.uploaded_bytes:
        summary += f" An upload of {api.uploaded_bytes} bytes remains in the bucket for 70 days."
    return summary


class _ListFailed(Exception):
    """The list of jobs could not be read."""


def _list_jobs(api: Caller) -> list[Any]:
    jobs, query = list[Any](), f"tag={TAG}:{api.run}&limit=100"
    while query:
        response = api.call("GET", f"/jobs?{query}")
        if response.status_code != 200:
            raise _ListFailed(f"GET /jobs returned {response.status_code}")
        jobs += response.json()["jobs"]
        query = str(response.json()["next"] or "").partition("?")[2]
    return jobs


def _erase(api: Caller, job: Any) -> bool:
    path = f"/jobs/{job['id']}"
    if job["status"] not in ENDED:
        api.call("POST", f"{path}/cancel")  # if it has just ended, that is enough
    return api.call("DELETE", path).status_code in (204, 410)


def _describe_remaining(api: Caller, jobs: str, why: object) -> str:
    return (
        f"{jobs} ({why}): waiting jobs run within an hour, and each job is deleted an hour after its "
        f"end. GET /jobs?tag={TAG}:{api.run} lists them."
    )
