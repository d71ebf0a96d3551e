"""What must be there before anything can be verified: a stack, a key for all, an operation."""

import requests

from local.failure import Failure
from local.verify.answers import cause, described, problem_of
from local.verify.caller import NOBODY, Caller

_WHERE = (
    "URL is the stack's output ApiUrl, or its PublicUrl: aws cloudformation describe-stacks "
    "--stack-name nowlater --query 'Stacks[0].Outputs'"
)
_NEW_KEY = (
    "make key OWNER=verify DAYS=1 STACK=nowlater makes one with all scopes: KEY=nl_… make verify"
)
_DOORS = {"sync", "async", "hybrid"}


def begin(api: Caller) -> None:
    """Return where checks make sense; raises Failure where they do not."""
    try:
        _find_stack(api)
        _try_key(api)
        _find_operation(api)
    except requests.exceptions.SSLError as fault:
        raise Failure(f"TLS with {api.asked.url} fails: {cause(fault)}.\n{_WHERE}") from fault
    except (requests.ConnectionError, requests.Timeout) as fault:
        raise Failure(f"nothing answers at {api.asked.url}: {cause(fault)}.\n{_WHERE}") from fault
    except requests.RequestException as fault:
        raise Failure(
            f"{api.asked.url} does not answer as a stack does: {fault}.\n{_WHERE}"
        ) from fault
    except (LookupError, TypeError, ValueError, AttributeError) as fault:
        seen = f"{type(fault).__name__} {fault}"
        raise Failure(
            f"{api.asked.url} does not answer as a stack does: {seen}.\n{_WHERE}"
        ) from fault


def _find_stack(api: Caller) -> None:
    answer = api.call("GET", "/health", with_key=False)
    url, status = api.asked.url, answer.status_code
    if 300 <= status < 400:
        to = answer.headers.get("Location", "nowhere")
        raise Failure(f"{url} redirects to {to}. Verify the address that callers use.")
    is_fault = status >= 500  # which a check will name
    if not is_fault and (status != 200 or answer.json() != {"status": "ok"}):
        raise Failure(
            f"there is no nowlater at {url}: GET /health answers {described(answer)}.\n{_WHERE}"
        )


def _try_key(api: Caller) -> None:
    """Ask for something that each scope is needed for, and that changes nothing."""
    for method, path in (
        ("GET", f"/jobs/{NOBODY}"),
        ("POST", f"/async/no-{api.run}"),
        ("POST", f"/jobs/{NOBODY}/cancel"),
    ):
        answer = api.call(method, path, json={} if "async" in path else None)
        if problem_of(answer) == "missing-scope":
            scope = answer.json()["scope"]
            raise Failure(f"the key lacks the scope {scope}. {_NEW_KEY}")
        if answer.status_code in (401, 403):
            raise Failure(
                f"the key is refused: {method} {path} answers {described(answer)}.\n"
                f"It may be of another stack, revoked or expired. {_NEW_KEY}"
            )


def _find_operation(api: Caller) -> None:
    answer, name = api.call("GET", "/operations"), api.asked.operation
    if answer.status_code != 200:  # a check will say so
        api.operations = frozenset([name])
        return
    served = {o["name"]: set(o["doors"]) for o in answer.json()["operations"]}
    api.operations = frozenset(served)
    if not served.get(name, set()) >= _DOORS:
        there = ", ".join(n for n in sorted(served) if served[n] >= _DOORS) or "none"
        raise Failure(
            f"the stack does not serve {name} at all three doors. Name an operation that may run "
            f'some thirty times, with an input for it: OPERATION=name INPUT=\'{{"text": "…"}}\'.\n'
            f"Served at all three doors: {there}."
        )
