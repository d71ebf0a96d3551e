"""What an answer of the API says: its problem, when to ask again, and itself in a few words."""

from typing import Any

from requests import RequestException, Response

#: However far ahead `Retry-After` is, somebody waits here.
_LONGEST_PAUSE_S = 5.0


def pause_s(answer: Response, otherwise: float = 1.0) -> float:
    """Return in how many seconds to ask again, as an answer says."""
    said = retry_after_s(answer)
    return otherwise if said is None else min(said, _LONGEST_PAUSE_S)


def retry_after_s(answer: Response) -> float | None:
    """Return the seconds of an answer's `Retry-After`; None where it has none."""
    said = answer.headers.get("Retry-After", "")
    return float(said) if said.isdecimal() else None


def is_passing(answer: Response) -> bool:
    """Tell whether a failure may pass: one of API Gateway's own, or one that says when."""
    return problem_of(answer) in (None, "try-again") or retry_after_s(answer) is not None


def problem_of(answer: Response) -> str | None:
    """Return the name of the problem that an answer tells (RFC 9457); None where it tells none."""
    if answer.headers.get("Content-Type") != "application/problem+json":
        return None
    return str(answer.json()["type"]).rpartition("/")[2]


def reason(job: Any) -> str:
    """Return why a job failed."""
    error = job["error"] or {}
    return str(error.get("type", "")).rpartition("/")[2] or "without an error"


def described(answer: Response) -> str:
    """Return an answer in a few words, without its content where that is a result."""
    name = problem_of(answer)
    if name is not None:
        # Of a fault on its side the API tells no more than the name.
        detail = answer.json().get("detail") if answer.status_code < 500 else None
        return f"{answer.status_code} {name}" + (f" ({detail})" if detail else "")
    if answer.status_code >= 400:
        return f"{answer.status_code} {answer.text[:100]!r}"
    return f"{answer.status_code}"


def shortened(path: str) -> str:
    """Return a path without the ids in it, which say nothing in a report."""
    first, _, rest = path.partition("?")[0].lstrip("/").partition("/")
    _, _, last = rest.partition("/")
    return f"/{first}/{{id}}" + (f"/{last}" if last else "") if first == "jobs" and rest else path


def cause(fault: RequestException) -> str:
    """Return why no answer came: the last of a chain of reasons, and so without the URL."""
    last = str(fault).rpartition(": ")[2].strip("'\")")
    return last + ")" * (last.count("(") - last.count(")"))
