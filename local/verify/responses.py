"""What a response means: its problem, when to repeat the request, and a short description."""

from typing import Any

from requests import RequestException, Response

#: The longest pause: a user waits for this command, however long `Retry-After` is.
_LONGEST_PAUSE_S = 5.0


def pause_s(response: Response, default_s: float = 1.0) -> float:
    """Return how many seconds to wait before the next request."""
    seconds = retry_after_s(response)
    return default_s if seconds is None else min(seconds, _LONGEST_PAUSE_S)


def retry_after_s(response: Response) -> float | None:
    """Return the seconds in `Retry-After`; None if there are none."""
    value = response.headers.get("Retry-After", "")
    return float(value) if value.isdecimal() else None


def is_temporary(response: Response) -> bool:
    """Return whether a failure may be temporary: API Gateway's own, or one that says when to retry."""
    temporary = (None, "try-again")
    return problem_of(response) in temporary or retry_after_s(response) is not None


def problem_of(response: Response) -> str | None:
    """Return the name of the response's problem (RFC 9457); None if it has none."""
    if response.headers.get("Content-Type") != "application/problem+json":
        return None
    return str(response.json()["type"]).rpartition("/")[2]


def reason(job: Any) -> str:
    """Return why a job failed."""
    error = job["error"] or {}
    return str(error.get("type", "")).rpartition("/")[2] or "without an error"


def describe(response: Response) -> str:
    """Return a short description of a response, without its content if that is a result."""
    name = problem_of(response)
    if name is not None:
        # For a fault on its side, the API returns no more than the name.
        detail = response.json().get("detail") if response.status_code < 500 else None
        return f"{response.status_code} {name}" + (f" ({detail})" if detail else "")
    if response.status_code >= 400:
        return f"{response.status_code} {response.text[:100]!r}"
    return f"{response.status_code}"


def job_id_of(response: Response) -> str:
    """Return the id of the job in `Content-Location`, "" if there is none."""
    return response.headers.get("Content-Location", "").rpartition("/")[2]


def shorten(path: str) -> str:
    """Return a path without ids, which are of no use in a report."""
    first, _, rest = path.partition("?")[0].lstrip("/").partition("/")
    _, _, last = rest.partition("/")
    return f"/{first}/{{id}}" + (f"/{last}" if last else "") if first == "jobs" and rest else path


def cause(fault: RequestException) -> str:
    """Return why there was no response: the last in the chain of reasons, which is without the URL."""
    last = str(fault).rpartition(": ")[2].strip("'\")")
    return last + ")" * (last.count("(") - last.count(")"))
