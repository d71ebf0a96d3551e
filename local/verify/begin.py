"""Checks the preconditions of a verification: a stack, a key with all scopes, an operation."""

import dataclasses

import requests

from local.failure import Failure
from local.verify.caller import UNUSED_JOB_ID, Caller
from local.verify.options import ECHO, TEXT_STATS
from local.verify.responses import cause, describe, problem_of

_WHERE = (
    "URL is the stack's output ApiUrl, or its PublicUrl: aws cloudformation describe-stacks "
    "--stack-name nowlater --query 'Stacks[0].Outputs'"
)
_NEW_KEY = (
    "make key OWNER=verify DAYS=1 STACK=nowlater makes one with all scopes: KEY=nl_… make verify"
)
_DOORS = {"sync", "async", "hybrid"}


def begin(api: Caller) -> None:
    """Raise Failure if the checks would be pointless."""
    url = api.options.url
    try:
        _find_stack(api)
        _try_key(api)
        _find_operation(api)
    except requests.exceptions.SSLError as fault:
        raise Failure(f"TLS with {url} fails: {cause(fault)}.\n{_WHERE}") from fault
    except (requests.ConnectionError, requests.Timeout) as fault:
        raise Failure(f"{url} does not respond: {cause(fault)}.\n{_WHERE}") from fault
    except requests.RequestException as fault:
        raise Failure(f"{url} does not respond like a stack: {fault}.\n{_WHERE}") from fault
    except (LookupError, TypeError, ValueError, AttributeError) as fault:
        evidence = f"{type(fault).__name__} {fault}"
        raise Failure(f"{url} does not respond like a stack: {evidence}.\n{_WHERE}") from fault


def _find_stack(api: Caller) -> None:
    response = api.call("GET", "/health", with_key=False)
    url, status = api.options.url, response.status_code
    if 300 <= status < 400:
        target = response.headers.get("Location", "no location")
        raise Failure(f"{url} redirects to {target}. Verify the address that callers use.")
    is_fault = status >= 500  # a check reports it
    if not is_fault and (status != 200 or response.json() != {"status": "ok"}):
        raise Failure(
            f"There is no nowlater at {url}: GET /health returns {describe(response)}.\n{_WHERE}"
        )


def _try_key(api: Caller) -> None:
    """Send one request for each scope; none of them changes anything."""
    for method, path in (
        ("GET", f"/jobs/{UNUSED_JOB_ID}"),
        ("POST", f"/async/no-{api.run}"),
        ("POST", f"/jobs/{UNUSED_JOB_ID}/cancel"),
    ):
        response = api.call(method, path, json={} if "async" in path else None)
        if problem_of(response) == "missing-scope":
            scope = response.json()["scope"]
            raise Failure(f"The key lacks the scope {scope}. {_NEW_KEY}")
        if response.status_code in (401, 403):
            raise Failure(
                f"The key is refused: {method} {path} returns {describe(response)}.\n"
                f"It may belong to another stack, be revoked or have expired. {_NEW_KEY}"
            )


def _find_operation(api: Caller) -> None:
    response, name = api.call("GET", "/operations"), api.options.operation
    if response.status_code != 200:  # a check reports it
        api.operations = frozenset([name])
        return
    served = {o["name"]: set(o["doors"]) for o in response.json()["operations"]}
    api.operations = frozenset(served)
    if name == TEXT_STATS and name not in served and ECHO in served:  # a project without samples
        name, given = ECHO, {"value": "To be, or not to be."}
        api.options = dataclasses.replace(api.options, operation=name, input=given)
    if not served.get(name, set()) >= _DOORS:
        suitable = ", ".join(n for n in sorted(served) if served[n] >= _DOORS) or "none"
        raise Failure(
            f"The stack does not serve {name} at all three doors. Name an operation that may run "
            f'about thirty times, with an input for it: OPERATION=name INPUT=\'{{"text": "…"}}\'.\n'
            f"Served at all three doors: {suitable}."
        )
