"""Checks of the three doors: sync, async and hybrid."""

from requests import Response

from local.verify.caller import Caller
from local.verify.finding import Broken, Check, Skipped
from local.verify.responses import describe, job_id_of, problem_of

#: A cold start can take longer than the wait, so a 202 is repeated up to this many attempts.
_ATTEMPTS = 3
#: Run times that exceed a wait of 1 s at the hybrid door; the second is for a slow cold start.
_RUN_TIMES_S = (3, 12)


def _sync(api: Caller) -> str:
    response = api.call_operation("sync", 200)
    if "Location" in response.headers:
        raise Broken("the response of the sync door names a job (Location)", "Sync")
    took_s = response.elapsed.total_seconds()
    return f"{api.options.operation}: 200, {len(response.content)} bytes in {took_s:.1f} s"


def _on_time(api: Caller) -> str:
    return _async(api, deadline={"within": 3600})


def _flexible(api: Caller) -> str:
    return _async(api)


def _async(api: Caller, **members: object) -> str:
    accepted = api.call_operation("async", 202, **members)
    job = api.wait_for_success(accepted.json()["id"])
    result = api.call("GET", f"/jobs/{job['id']}/result")
    if result.status_code not in (200, 303):
        raise Broken(f"the request for its result returned {describe(result)}", "Status")
    return f"202, then {job['status']} at attempt {job['attempt']}"


def _hybrid_in_time(api: Caller) -> str:
    for _ in range(_ATTEMPTS):
        response = api.call_operation("hybrid", headers={"Prefer": "wait=20"})
        if response.status_code != 202:
            break
    if response.status_code != 200:
        raise Broken(f"the hybrid door returned {describe(response)}, not 200", "Hybrid")
    _expect_job(api, response, "succeeded")
    return f"200, {response.headers['Preference-Applied']}; its job has succeeded"


def _hybrid_late(api: Caller) -> str:
    _require_sleep(api)
    for seconds in _RUN_TIMES_S:
        response = _sleep_at_hybrid_door(api, seconds, "wait=1")
        if response.status_code != 200:
            break
    if response.status_code != 202:
        raise Broken(f"a wait of 1 s returned {describe(response)}, not 202", "Hybrid")
    job = api.wait_for_success(response.json()["id"])
    if job["attempt"] != 1:
        raise Broken(f"the run did not continue: it ended at attempt {job['attempt']}", "Work")
    return f"202 after 1 s; the same run took {seconds} s, and succeeded"


def _hybrid_strict(api: Caller) -> str:
    _require_sleep(api)
    response = _sleep_at_hybrid_door(api, 60, "wait=1, handling=strict")
    if response.status_code != 504:
        raise Broken(f"a strict wait returned {describe(response)}, not 504", "Hybrid")
    _expect_job(api, response, "canceled")
    return f"{describe(response).partition(' (')[0]}, and the job is canceled"


def _sleep_at_hybrid_door(api: Caller, seconds: int, prefer: str) -> Response:
    arguments, headers = {"seconds": seconds}, {"Prefer": prefer}
    return api.call_operation("hybrid", operation="sleep", input=arguments, headers=headers)


def _expect_job(api: Caller, response: Response, status: str) -> None:
    """Raise Broken if the job of a response of the hybrid door has another status."""
    job = api.read_job(job_id_of(response))
    if job["status"] != status:
        evidence = f"the response is {response.status_code}, and its job is {job['status']}"
        raise Broken(f"{evidence}, not {status}", "Hybrid")


def _require_sleep(api: Caller) -> None:
    if "sleep" not in api.operations:
        raise Skipped("needs the operation sleep: a stack with Diagnostics=true")


def _idempotency(api: Caller) -> str:
    headers = {"Idempotency-Key": f"nowlater-verify-{api.run}"}
    first = api.call_operation("async", 202, headers=headers).json()
    repeated = api.call_operation("async", 202, headers=headers)
    if repeated.json()["id"] != first["id"]:
        raise Broken("the same key and body made two jobs: the key does not arrive", "Submit")
    if repeated.headers.get("Idempotency-Replayed") != "true":
        raise Broken("a repeated request's response has no Idempotency-Replayed", "Api")
    hybrid = api.call_operation("hybrid", headers=headers | {"Prefer": "respond-async"})
    if job_id_of(hybrid) != first["id"]:
        raise Broken(f"at the hybrid door, the key returned {describe(hybrid)}", "Hybrid")
    other = api.call_operation("async", headers=headers, tags={"other": "1"})
    if problem_of(other) != "idempotency-key-reused":
        raise Broken(f"the key with a different body returned {describe(other)}", "Submit")
    return "one job for three requests; 422 for a different body"


CHECKS = (
    Check("the sync door returns the result", _sync),
    Check("a job with a deadline is accepted, runs and succeeds", _on_time),
    Check("a job without a deadline is accepted, runs and succeeds", _flexible),
    Check("the hybrid door returns the result", _hybrid_in_time),
    Check("after the wait, the hybrid door returns the running job", _hybrid_late),
    Check("after a strict wait, the job is canceled", _hybrid_strict),
    Check("the same Idempotency-Key and body return the same job", _idempotency),
)
