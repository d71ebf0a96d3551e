"""Checks of a job's life: start and deadline, cancel, retry, erase, and ways to follow it."""

from datetime import datetime
from typing import Any

from local.verify.caller import ENDED, Caller
from local.verify.finding import Broken, Check, Skipped
from local.verify.responses import describe, reason

_LATER = {"after": 3600}
_START_S = 2
#: Too short for an attempt, which writes to the table twice: such a job must miss its deadline.
_TOO_SHORT_S = 0.001
#: How many jobs are listed, one a page, and how many pages are read: a page can be empty.
_LISTED_JOBS, _MAX_PAGES = 3, 20


def _start(api: Caller) -> str:
    job = api.wait_for_success(api.submit(start={"after": _START_S})["id"])
    early_s = (_time(job, "start_at") - _time(job, "started")).total_seconds()
    if early_s > 0:
        raise Broken(f"a job has started {early_s:.3f} s before its start", "Work")
    return f"started {-early_s:.1f} s after its start"


def _deadline(api: Caller) -> str:
    deadline = {"within": _START_S + _TOO_SHORT_S}
    job = api.wait_for_end(api.submit(start={"after": _START_S}, deadline=deadline)["id"])
    if (job["status"], reason(job)) != ("failed", "deadline-exceeded"):
        evidence = f"a job that must miss its deadline has {job['status']}: {reason(job)}"
        raise Broken(evidence, "Work")
    return f"{job['status']}, {reason(job)}, at attempt {job['attempt']}"


def _cancel(api: Caller) -> str:
    job = api.submit(start=_LATER)
    path = f"/jobs/{job['id']}/cancel"
    for _ in range(2):
        canceled = api.expect(200, "POST", path).json()
        if (canceled["status"], canceled["attempt"]) != ("canceled", 0):
            raise Broken(f"a canceled job is {canceled['status']}", "Status")
    ended = api.wait_for_success(api.submit()["id"])
    api.expect(409, "POST", f"/jobs/{ended['id']}/cancel", "already-ended")
    return "200 twice, canceled, no attempt; 409 for a job that has succeeded"


def _retry(api: Caller) -> str:
    job = api.submit(start=_LATER)
    api.expect(409, "POST", f"/jobs/{job['id']}/retry", "unfinished")
    api.expect(200, "POST", f"/jobs/{job['id']}/cancel")
    retry = api.expect(202, "POST", f"/jobs/{job['id']}/retry").json()
    if retry["retry_of"] != job["id"] or retry["id"] == job["id"]:
        raise Broken("a retry is not a new job that names the old one", "Submit")
    api.wait_for_success(retry["id"])
    return "409 while unfinished; then a new job, which succeeded"


def _erase(api: Caller) -> str:
    job = api.submit(start=_LATER)
    path = f"/jobs/{job['id']}"
    api.expect(409, "DELETE", path, "unfinished")
    api.expect(200, "POST", f"{path}/cancel")
    api.expect(204, "DELETE", path)
    api.expect(410, "GET", path, "job-expired")
    return "409 while unfinished; then 204, and 410 from then on"


def _list(api: Caller) -> str:
    tags = {"page": api.run}
    made = {api.submit(start=_LATER, tags=tags)["id"] for _ in range(_LISTED_JOBS)}
    listed = api.poll(lambda: _list_ids(api, f"page:{api.run}"), lambda ids: made <= {*ids})
    if sorted(listed) != sorted(made):
        raise Broken(f"of {_LISTED_JOBS} jobs, the pages have {len(made & {*listed})}", "Status")
    if listed != sorted(made, reverse=True):
        raise Broken("the pages do not have the jobs in the order newest first", "Status")
    return f"{_LISTED_JOBS} jobs by their tag, one a page, newest first"


def _list_ids(api: Caller, tag: str) -> list[str]:
    """Return the ids of the jobs with a tag, in the order of the pages."""
    ids, query = list[str](), f"tag={tag}&limit=1"
    for _ in range(_MAX_PAGES):
        page = api.expect(200, "GET", f"/jobs?{query}").json()
        ids += [job["id"] for job in page["jobs"]]
        if page["next"] is None:
            break
        query = str(page["next"]).partition("?")[2]
    return ids


def _events(api: Caller) -> str:
    job, last_event, statuses = api.submit(start={"after": 1}), dict[str, str](), list[str]()

    def read_next() -> int:
        headers = {"Last-Event-ID": last_event["id"]} if last_event else {}
        response = api.call("GET", f"/jobs/{job['id']}/events", headers=headers)
        if response.status_code not in (200, 204):
            raise Broken(f"the request for events returned {describe(response)}", "Status")
        lines = [line.partition(": ") for line in response.content.decode().splitlines()]
        fields = {name: value for name, _, value in lines}
        if "id" in fields:
            last_event.update(fields)
            statuses.append(fields["id"].rpartition("-")[2])
        return response.status_code

    if api.poll(read_next, lambda status: status == 204) != 204:
        raise Broken(f"the events do not end; so far: {' → '.join(statuses)}", "Work")
    if statuses[-1] not in ENDED:
        raise Broken(f"the events end with {statuses[-1]}", "Status")
    return f"{' → '.join(statuses)}, then 204"


def _wait(api: Caller) -> str:
    job = api.submit(start={"after": _START_S})
    response = api.expect(200, "GET", f"/jobs/{job['id']}", headers={"Prefer": "wait=20"})
    applied, changed = response.headers.get("Preference-Applied"), response.json()
    if applied is None and changed["estimate"]:
        raise Skipped("the job's estimate was longer than a wait")
    if applied != "wait=20" or changed["status"] == job["status"]:
        evidence = f"Preference-Applied: {applied}, and the job is {changed['status']}"
        raise Broken(f"a wait of 20 s returned {evidence}", "Status")
    took_s = response.elapsed.total_seconds()
    return f"{job['status']} → {changed['status']} after {took_s:.1f} s"


def _time(job: Any, member: str) -> datetime:
    return datetime.fromisoformat(job[member])


CHECKS = (
    Check("no job starts before its start", _start),
    Check("a job that misses its deadline has failed", _deadline),
    Check("a canceled job stays canceled", _cancel),
    Check("a retry is a new job", _retry),
    Check("an erased job cannot be read", _erase),
    Check("jobs are listed by tag, page by page", _list),
    Check("events follow a job to its end (server-sent events)", _events),
    Check("Prefer: wait at a job waits for its next status", _wait),
)
