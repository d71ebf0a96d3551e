"""What is refused: strangers, what there is not, and what is too much, each with its problem."""

from local.verify.answers import described
from local.verify.caller import NOBODY, Caller
from local.verify.finding import Broken, Check

_WRONG_KEY = f"nl_{'0' * 12}_{'x' * 43}"
#: The async door takes 1 MiB.
_TOO_LARGE = 1024 * 1024 + 1


def _strangers(api: Caller) -> str:
    for headers, due in (({}, 401), ({"Authorization": f"Bearer {_WRONG_KEY}"}, 403)):
        for path in ("/jobs", "/operations"):
            answer = api.call("GET", path, with_key=False, headers=headers)
            if answer.status_code != due:
                who = "a wrong key" if headers else "no key"
                told = f"GET {path} with {who} was answered {described(answer)}, not {due}"
                raise Broken(told, "Authorize")
    return "401 without a key, 403 with a wrong one"


def _unknown(api: Caller) -> str:
    api.expect(404, "GET", f"/jobs/{NOBODY}", "unknown-job")
    api.expect(404, "POST", f"/async/no-{api.run}", "unknown-operation", json={})
    api.expect(404, "GET", f"/no-{api.run}", "unknown-route")
    for method, path in (("PUT", "/jobs"), ("DELETE", "/operations"), ("POST", "/health")):
        api.expect(405, method, path, "wrong-method")
    return "404 for a job, an operation, a route, 405 for a method"


def _malformed(api: Caller) -> str:
    path = f"/async/{api.asked.operation}"
    as_json = {"Content-Type": "application/json"}
    api.expect(400, "POST", path, "malformed-request", data=b"{", headers=as_json)
    api.expect(400, "GET", "/jobs?limit=0", "malformed-request")
    as_text = {"Content-Type": "text/plain"}
    api.expect(415, "POST", path, "unsupported-media-type", data=b"{}", headers=as_text)
    unknown = {"input": {f"no-{api.run}": 1}}
    told = api.expect(422, "POST", path, "invalid-input", json=unknown).json()
    past = {"input": api.asked.given, "deadline": {"at": "2000-01-01T00:00:00Z"}}
    api.expect(422, "POST", path, "impossible-time", json=past)
    return f"400, 415 and 422, with status, title and {'pointer' if 'pointer' in told else 'type'}"


def _too_large(api: Caller) -> str:
    path, as_json = f"/async/{api.asked.operation}", {"Content-Type": "application/json"}
    body = b'{"input": {"text": "' + b"x" * _TOO_LARGE + b'"}}'
    told = api.expect(413, "POST", path, "too-large", data=body, headers=as_json).json()
    if not str(told.get("uploads", "")).endswith("/uploads"):
        raise Broken("413 does not say where larger ones go", "Submit")
    return f"413 for {len(body)} bytes, and where to put them"


def _pages(api: Caller) -> str:
    answer = api.call("GET", f"/no-{api.run}")
    told = answer.json()
    if not {"type", "title", "status"} <= told.keys() or told["status"] != answer.status_code:
        raise Broken(f"a problem has the members {sorted(told)}", "Describe")
    name = str(told["type"]).rpartition("/")[2]
    page = api.expect(200, "GET", f"/problems/{name}", with_key=False).json()
    if page["type"] != told["type"]:
        raise Broken(f"the page of {name} is about {page['type']}", "Describe")
    return f"application/problem+json; {name} has its page"


CHECKS = (
    Check("who has no good key is refused", _strangers),
    Check("what there is not is told as a problem", _unknown),
    Check("what is malformed is told as a problem", _malformed),
    Check("a body that is too large is refused", _too_large),
    Check("each problem has a page (RFC 9457)", _pages),
)
