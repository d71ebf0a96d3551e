"""Cleans up: cancels and erases the jobs of this run, whichever of them are left."""

from typing import Any

import requests

from local.verify.caller import ENDED, TAG, Caller

#: A list can be a second behind, so it is looked at again.
_LOOKS, _PAUSE_S = 4, 1.0


def clean_up(api: Caller) -> str:
    """Cancel and erase what was made; return a sentence about it, and about what is left."""
    erased, left = set[str](), set[str]()
    try:
        for look in range(_LOOKS):
            api.watch.sleep(_PAUSE_S if look else 0)
            new = [job for job in _listed(api) if job["id"] not in left]
            for job in new:
                (erased if _erase(api, job) else left).add(job["id"])
            if look and not new:
                break
    except (requests.RequestException, LookupError, TypeError, ValueError, _NotListed) as fault:
        return f"{len(erased)} jobs were erased. {_kept(api, 'Others may be left', fault)}"
    jobs = "1 job was" if len(erased) == 1 else f"{len(erased)} jobs were"
    said = f"{jobs} made, and erased." if erased else "No job was made."
    if left:
        why = "for what failed above"
        said = f"{jobs} erased. {_kept(api, f'{len(left)} could not be', why)}"
    if api.uploaded:
        said += f" An upload of {api.uploaded} bytes stays in the bucket, for 70 days."
    return said


class _NotListed(Exception):
    """The list of jobs did not come."""


def _listed(api: Caller) -> list[Any]:
    jobs, query = list[Any](), f"tag={TAG}:{api.run}&limit=100"
    while query:
        answer = api.call("GET", f"/jobs?{query}")
        if answer.status_code != 200:
            raise _NotListed(f"GET /jobs answered {answer.status_code}")
        jobs += answer.json()["jobs"]
        query = str(answer.json()["next"] or "").partition("?")[2]
    return jobs


def _erase(api: Caller, job: Any) -> bool:
    path = f"/jobs/{job['id']}"
    if job["status"] not in ENDED:
        api.call("POST", f"{path}/cancel")  # where it has just ended, that is as good
    return api.call("DELETE", path).status_code in (204, 410)


def _kept(api: Caller, what: str, why: object) -> str:
    return (
        f"{what} ({why}): jobs that still wait run within an hour, and each job is deleted "
        f"an hour after it has ended. GET /jobs?tag={TAG}:{api.run} lists them."
    )
