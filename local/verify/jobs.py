"""The life of a job: its start and deadline, cancel, retry, erase, and how it is watched."""

from datetime import datetime
from typing import Any

from local.verify.answers import described, reason
from local.verify.caller import ENDED, Caller
from local.verify.finding import Broken, Check, Skipped

_LATER = {"after": 3600}
_START_S = 2
#: Too little for an attempt, which writes to the table twice: such a job must miss its deadline.
_TOO_SHORT_S = 0.001
#: How many jobs are listed, one a page; a page can be empty, so more of them are turned over.
_LISTED, _MAX_PAGES = 3, 20


def _start(api: Caller) -> str:
    job = api.succeeded(api.submit(start={"after": _START_S})["id"])
    early_s = (_time(job, "start_at") - _time(job, "started")).total_seconds()
    if early_s > 0:
        raise Broken(f"a job has started {early_s:.3f} s before its start", "Work")
    return f"started {-early_s:.1f} s after its start"


def _deadline(api: Caller) -> str:
    within = {"within": _START_S + _TOO_SHORT_S}
    job = api.ended(api.submit(start={"after": _START_S}, deadline=within)["id"])
    if (job["status"], reason(job)) != ("failed", "deadline-exceeded"):
        raise Broken(f"a job that cannot be in time has {job['status']}: {reason(job)}", "Work")
    return f"{job['status']}, {reason(job)}, at attempt {job['attempt']}"


def _cancel(api: Caller) -> str:
    job = api.submit(start=_LATER)
    path = f"/jobs/{job['id']}/cancel"
    for _ in range(2):
        canceled = api.expect(200, "POST", path).json()
        if (canceled["status"], canceled["attempt"]) != ("canceled", 0):
            raise Broken(f"a canceled job is {canceled['status']}", "Status")
    ended = api.succeeded(api.submit()["id"])
    api.expect(409, "POST", f"/jobs/{ended['id']}/cancel", "already-ended")
    return "200 twice, canceled, no attempt; 409 once it has ended"


def _retry(api: Caller) -> str:
    job = api.submit(start=_LATER)
    api.expect(409, "POST", f"/jobs/{job['id']}/retry", "unfinished")
    api.expect(200, "POST", f"/jobs/{job['id']}/cancel")
    again = api.expect(202, "POST", f"/jobs/{job['id']}/retry").json()
    if again["retry_of"] != job["id"] or again["id"] == job["id"]:
        raise Broken("a retry is not a new job that names the old one", "Submit")
    api.succeeded(again["id"])
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
    made = {api.submit(start=_LATER, tags=tags)["id"] for _ in range(_LISTED)}
    listed = api.until(lambda: _pages(api, f"page:{api.run}"), lambda ids: made <= {*ids})
    if sorted(listed) != sorted(made):
        raise Broken(f"of {_LISTED} jobs, the pages have {len(made & {*listed})}", "Status")
    if listed != sorted(made, reverse=True):
        raise Broken("the pages have the jobs in another order than newest first", "Status")
    return f"{_LISTED} jobs by their tag, one a page, newest first"


def _pages(api: Caller, tag: str) -> list[str]:
    """Return the ids of the jobs with a tag, from page to page."""
    ids, query = list[str](), f"tag={tag}&limit=1"
    for _ in range(_MAX_PAGES):
        page = api.expect(200, "GET", f"/jobs?{query}").json()
        ids += [job["id"] for job in page["jobs"]]
        if page["next"] is None:
            break
        query = str(page["next"]).partition("?")[2]
    return ids


def _events(api: Caller) -> str:
    job, seen, told = api.submit(start={"after": 1}), dict[str, str](), list[str]()

    def next_event() -> int:
        headers = {"Last-Event-ID": seen["id"]} if seen else {}
        answer = api.call("GET", f"/jobs/{job['id']}/events", headers=headers)
        if answer.status_code not in (200, 204):
            raise Broken(f"the events were answered {described(answer)}", "Status")
        lines = [line.partition(": ") for line in answer.content.decode().splitlines()]
        fields = {name: value for name, _, value in lines}
        if "id" in fields:
            seen.update(fields)
            told.append(fields["id"].rpartition("-")[2])
        return answer.status_code

    if api.until(next_event, lambda status: status == 204) != 204:
        raise Broken(f"the events do not end; so far: {' → '.join(told)}", "Work")
    if told[-1] not in ENDED:
        raise Broken(f"the events end with {told[-1]}", "Status")
    return f"{' → '.join(told)}, then 204"


def _wait(api: Caller) -> str:
    job = api.submit(start={"after": _START_S})
    answer = api.expect(200, "GET", f"/jobs/{job['id']}", headers={"Prefer": "wait=20"})
    applied, seen = answer.headers.get("Preference-Applied"), answer.json()
    if applied is None and seen["estimate"]:
        raise Skipped("the estimate of the job was longer than a wait")
    if applied != "wait=20" or seen["status"] == job["status"]:
        told = f"Preference-Applied: {applied}, and the job is {seen['status']}"
        raise Broken(f"a wait of 20 s was answered with {told}", "Status")
    took_s = answer.elapsed.total_seconds()
    return f"{job['status']} → {seen['status']} after {took_s:.1f} s"


def _time(job: Any, member: str) -> datetime:
    return datetime.fromisoformat(job[member])


CHECKS = (
    Check("nothing starts before its start", _start),
    Check("what misses its deadline has failed", _deadline),
    Check("a cancel is final", _cancel),
    Check("a retry is a new job", _retry),
    Check("an erased job is gone", _erase),
    Check("jobs are listed by tag, page by page", _list),
    Check("events follow a job to its end (server-sent events)", _events),
    Check("Prefer: wait at a job waits for its next status", _wait),
)
