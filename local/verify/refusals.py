"""Checks of refusals: wrong keys, unknown resources, and bodies that are wrong or too large."""

from local.verify.caller import UNUSED_JOB_ID, Caller
from local.verify.finding import Broken, Check
from local.verify.responses import describe

_WRONG_KEY = f"nl_{'0' * 12}_{'x' * 43}"
#: The async door accepts 1 MiB.
_TOO_LARGE = 1024 * 1024 + 1


def _unauthorized(api: Caller) -> str:
    for headers, status in (({}, 401), ({"Authorization": f"Bearer {_WRONG_KEY}"}, 403)):
        for path in ("/jobs", "/operations"):
            response = api.call("GET", path, with_key=False, headers=headers)
            if response.status_code != status:
                key = "a wrong key" if headers else "no key"
                evidence = f"GET {path} with {key} returned {describe(response)}, not {status}"
                raise Broken(evidence, "Authorize")
    return "401 without a key, 403 with a wrong one"


def _unknown(api: Caller) -> str:
    api.expect(404, "GET", f"/jobs/{UNUSED_JOB_ID}", "unknown-job")
    api.expect(404, "POST", f"/async/no-{api.run}", "unknown-operation", json={})
    api.expect(404, "GET", f"/no-{api.run}", "unknown-route")
    for method, path in (("PUT", "/jobs"), ("DELETE", "/operations"), ("POST", "/health")):
        api.expect(405, method, path, "wrong-method")
    return "404 for a job, an operation, a route, 405 for a method"


def _malformed(api: Caller) -> str:
    path = f"/async/{api.options.operation}"
    as_json = {"Content-Type": "application/json"}
    api.expect(400, "POST", path, "malformed-request", data=b"{", headers=as_json)
    api.expect(400, "GET", "/jobs?limit=0", "malformed-request")
    as_text = {"Content-Type": "text/plain"}
    api.expect(415, "POST", path, "unsupported-media-type", data=b"{}", headers=as_text)
    unknown = {"input": {f"no-{api.run}": 1}}
    problem = api.expect(422, "POST", path, "invalid-input", json=unknown).json()
    past = {"input": api.options.input, "deadline": {"at": "2000-01-01T00:00:00Z"}}
    api.expect(422, "POST", path, "impossible-time", json=past)
    place = "pointer" if "pointer" in problem else "type"
    return f"400, 415 and 422, with status, title and {place}"


def _too_large(api: Caller) -> str:
    path, as_json = f"/async/{api.options.operation}", {"Content-Type": "application/json"}
    body = b'{"input": {"text": "' + b"x" * _TOO_LARGE + b'"}}'
    problem = api.expect(413, "POST", path, "too-large", data=body, headers=as_json).json()
    if not str(problem.get("uploads", "")).endswith("/uploads"):
        raise Broken("413 does not have the URL for larger inputs", "Submit")
    return f"413 for {len(body)} bytes, with the URL for larger inputs"


def _problem_pages(api: Caller) -> str:
    response = api.call("GET", f"/no-{api.run}")
    problem = response.json()
    has_members = {"type", "title", "status"} <= problem.keys()
    if not has_members or problem["status"] != response.status_code:
        raise Broken(f"a problem has the members {sorted(problem)}", "Describe")
    name = str(problem["type"]).rpartition("/")[2]
    page = api.expect(200, "GET", f"/problems/{name}", with_key=False).json()
    if page["type"] != problem["type"]:
        raise Broken(f"the page of {name} is about {page['type']}", "Describe")
    return f"application/problem+json; {name} has its page"


CHECKS = (
    Check("requests without a valid key are refused", _unauthorized),
    Check("a request for an unknown resource returns a problem", _unknown),
    Check("a malformed request returns a problem", _malformed),
    Check("a body that is too large is refused", _too_large),
    Check("each problem has a page (RFC 9457)", _problem_pages),
)
