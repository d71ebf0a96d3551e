"""The three doors: answered now, answered later, and now or else later."""

from local.verify.answers import described, problem_of
from local.verify.caller import Caller
from local.verify.finding import Broken, Check, Skipped

#: A Lambda that has to be started first may take so many tries.
_TRIES = 3
#: What is asked for at the hybrid door with a wait of a second: longer ones where it was late itself.
_LONGER_S = (3, 12)


def _sync(api: Caller) -> str:
    answer = api.ask("sync", 200)
    if "Location" in answer.headers:
        raise Broken("the sync door's answer names a job (Location)", "Sync")
    took_s = answer.elapsed.total_seconds()
    return f"{api.asked.operation}: 200, {len(answer.content)} bytes in {took_s:.1f} s"


def _on_time(api: Caller) -> str:
    return _later(api, deadline={"within": 3600})


def _flexible(api: Caller) -> str:
    return _later(api)


def _later(api: Caller, **more: object) -> str:
    accepted = api.ask("async", 202, **more)
    job = api.succeeded(accepted.json()["id"])
    result = api.call("GET", f"/jobs/{job['id']}/result")
    if result.status_code not in (200, 303):
        raise Broken(f"its result was answered {described(result)}", "Status")
    return f"202, then {job['status']} at attempt {job['attempt']}"


def _hybrid_now(api: Caller) -> str:
    for _ in range(_TRIES):
        answer = api.ask("hybrid", headers={"Prefer": "wait=20"})
        if answer.status_code != 202:
            break
    if answer.status_code != 200:
        raise Broken(f"the hybrid door answered {described(answer)}, not 200", "Hybrid")
    job = api.see(answer.headers["Content-Location"].rpartition("/")[2])
    if job["status"] != "succeeded":
        raise Broken(f"it answered 200, and its job is {job['status']}", "Hybrid")
    return f"200, {answer.headers['Preference-Applied']}; its job has succeeded"


def _hybrid_later(api: Caller) -> str:
    _needs_sleep(api)
    for seconds in _LONGER_S:
        headers, given = {"Prefer": "wait=1"}, {"seconds": seconds}
        answer = api.ask("hybrid", operation="sleep", given=given, headers=headers)
        if answer.status_code != 200:
            break
    if answer.status_code != 202:
        raise Broken(f"a wait of 1 s was answered {described(answer)}, not 202", "Hybrid")
    job = api.succeeded(answer.json()["id"])
    if job["attempt"] != 1:
        raise Broken(f"the run did not go on: it ended at attempt {job['attempt']}", "Work")
    return f"202 after 1 s; the same run took {seconds} s, and succeeded"


def _strict(api: Caller) -> str:
    _needs_sleep(api)
    headers = {"Prefer": "wait=1, handling=strict"}
    answer = api.ask("hybrid", operation="sleep", given={"seconds": 60}, headers=headers)
    if answer.status_code != 504:
        raise Broken(f"a strict wait was answered {described(answer)}, not 504", "Hybrid")
    job = api.see(answer.headers["Content-Location"].rpartition("/")[2])
    if job["status"] != "canceled":
        raise Broken(f"the strict wait is over, and its job is {job['status']}", "Hybrid")
    return f"{described(answer).partition(' (')[0]}, and the job is canceled"


def _needs_sleep(api: Caller) -> None:
    if "sleep" not in api.operations:
        raise Skipped("needs the operation sleep: a stack with Diagnostics=true")


def _idempotency(api: Caller) -> str:
    headers = {"Idempotency-Key": f"nowlater-verify-{api.run}"}
    first = api.ask("async", 202, headers=headers).json()
    again = api.ask("async", 202, headers=headers)
    if again.json()["id"] != first["id"]:
        raise Broken("the same key and body made two jobs: the key does not arrive", "Submit")
    if again.headers.get("Idempotency-Replayed") != "true":
        raise Broken("a replay does not say Idempotency-Replayed", "Api")
    hybrid = api.ask("hybrid", headers=headers | {"Prefer": "respond-async"})
    if hybrid.headers.get("Content-Location", "").rpartition("/")[2] != first["id"]:
        raise Broken(f"at the hybrid door the key was answered {described(hybrid)}", "Hybrid")
    other = api.ask("async", headers=headers, tags={"other": "1"})
    if problem_of(other) != "idempotency-key-reused":
        raise Broken(f"the key with another body was answered {described(other)}", "Submit")
    return "one job for three requests; 422 for another body"


CHECKS = (
    Check("the sync door answers with the result", _sync),
    Check("a job with a deadline is accepted, runs and succeeds", _on_time),
    Check("a job without one is accepted, runs and succeeds", _flexible),
    Check("the hybrid door answers with the result", _hybrid_now),
    Check("a wait that is over turns into the job that runs", _hybrid_later),
    Check("a strict wait that is over cancels the job", _strict),
    Check("the same Idempotency-Key and body are the same job", _idempotency),
)
