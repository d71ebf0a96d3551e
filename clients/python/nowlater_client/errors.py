"""What can go wrong: one root, a class for each kind of problem that the API reports."""

from __future__ import annotations

import re
from typing import Any, ClassVar

#: Problem code, the last part of a problem's `type` → class.
KINDS: dict[str, type[NowlaterError]] = {}


class NowlaterError(Exception):
    """The request or the job failed."""

    #: What to do about it: the end of the message.
    advice: ClassVar[str] = ""

    def __init__(
        self,
        message: str,
        *,
        status: int | None = None,
        problem: dict[str, Any] | None = None,
        job_id: str | None = None,
        key: str | None = None,
        request_id: str | None = None,
    ) -> None:
        super().__init__(message)
        #: The HTTP status of the answer; None without an answer.
        self.status = status
        #: The problem object (RFC 9457) as the API sent it.
        self.problem = problem or {}
        #: The job concerned, if its id is known.
        self.job_id = job_id
        #: The idempotency key of the submit: submit again with it, and you get the same job.
        self.key = key
        #: API Gateway's id of the request, for the operator.
        self.request_id = request_id

    def __init_subclass__(cls, **options: Any) -> None:
        super().__init_subclass__(**options)
        advice = " ".join((cls.__doc__ or "").split()).partition(": ")[2]
        cls.advice = (
            advice if advice.startswith(("client.", "job.")) else advice[:1].upper() + advice[1:]
        )
        KINDS[re.sub(r"(?<!^)(?=[A-Z])", "-", cls.__name__).lower()] = cls

    @property
    def code(self) -> str | None:
        """The problem's code, such as `invalid-input`; None if the API sent no problem."""
        return self.problem.get("code")

    @property
    def detail(self) -> str | None:
        """The API's sentence about this case."""
        return self.problem.get("detail")

    @property
    def pointer(self) -> str | None:
        """The JSON Pointer to the wrong member of the request body."""
        return self.problem.get("pointer")

    def __str__(self) -> str:
        names = {"job": self.job_id, "idempotency key": self.key, "request": self.request_id}
        known = ", ".join(f"{name} {value}" for name, value in names.items() if value)
        text = " ".join(part for part in (super().__str__(), self.advice) if part)
        return f"{text} ({known})" if known else text

    def __reduce__(self) -> tuple[Any, ...]:
        return _restore, (type(self), self.args, self.__dict__)


def _restore(kind: type[NowlaterError], args: Any, state: dict[str, Any]) -> NowlaterError:
    error = kind(*args)
    error.__dict__.update(state)
    return error


class Misconfigured(NowlaterError):
    """The client lacks its URL or key, or they cannot be used."""


class Unreachable(NowlaterError, ConnectionError):
    """No whole answer came in time: check the URL and the network. After a submit, submit
    again with the same idempotency key: you get the same job."""


class WaitTimeout(NowlaterError, TimeoutError):
    """The time to wait is up, and the job continues: client.job(id) follows it."""


class Unauthorized(NowlaterError):
    """The key was not accepted: set NOWLATER_KEY to a key from the operator of this API."""


class MalformedRequest(NowlaterError):
    """A member or parameter is wrong: correct the one that is named."""


class MissingScope(NowlaterError):
    """The key may not do this: use a key that has the scope."""


class UnknownRoute(NowlaterError):
    """There is no such address: check the URL."""


class WrongMethod(NowlaterError):
    """The address does not take this method: see the API's /docs."""


class UnknownOperation(NowlaterError):
    """No such operation at this door: client.operations() lists all."""


class UnknownJob(NowlaterError):
    """You have no such job: check the id, and that the key is of the same owner."""


class UnknownDelivery(NowlaterError):
    """The job has no such delivery: see job.deliveries()."""


class Unfinished(NowlaterError):
    """The job has not ended: wait, or cancel it first."""


class AlreadyEnded(NowlaterError):
    """The job has another final status: nothing is left to do."""


class JobExpired(NowlaterError):
    """The job was erased, or its retention is over: submit it again with a new key."""


class TooLarge(NowlaterError):
    """The input is too large for a request: upload its files by client.upload()."""


class UnsupportedMediaType(NowlaterError):
    """The body was not read as JSON: check what is between the client and the API."""


class InvalidInput(NowlaterError):
    """The input does not fit the operation: client.operation(name).input is its schema."""


class ImpossibleTime(NowlaterError):
    """The start or deadline cannot be met: choose another time."""


class DeadlineUnachievable(NowlaterError):
    """The deadline will probably be missed: ask for problem["earliest"] or later."""


class CallbackRefused(NowlaterError):
    """Webhooks cannot be sent there: use a public https URL."""


class IdempotencyKeyReused(NowlaterError):
    """Another request has this key: use a new one, or send exactly the first request."""


class ResultTooLarge(NowlaterError):
    """The result is too large for the sync door: use client.call(…, wait=10)."""


class Refused(NowlaterError):
    """The operation refused this input: change the input."""


class TooManyJobs(NowlaterError):
    """Your quota of unfinished jobs is used up: wait until some have ended."""


class TooManyUploads(NowlaterError):
    """Your upload quota of today is used up: wait until tomorrow, or upload less."""


class OperationFailed(NowlaterError):
    """The operation failed: retry, or inform the operator of this API."""


class InternalError(NowlaterError):
    """The API has a fault: inform its operator."""


class Unavailable(NowlaterError):
    """The operation is down: try later, or submit a job, which is retried for 3 days."""


class TryAgain(NowlaterError):
    """A part of the service did not respond: submit again with the same key."""


class TimedOut(NowlaterError):
    """The run took too long: use client.call(…, wait=10), or a smaller input."""


class AttemptsExhausted(NowlaterError):
    """All attempts of the job were cut short: retry, or inform the operator."""


class DeadlineExceeded(NowlaterError):
    """The job's deadline passed before it was done: retry with more time."""


class Canceled(NowlaterError):
    """The job was canceled: job.retry() submits it again."""


def from_problem(problem: dict[str, Any], **known: Any) -> NowlaterError:
    """Return the exception of a problem object, by its code."""
    kind = KINDS.get(str(problem.get("code")), NowlaterError)
    text = problem.get("detail") or problem.get("title") or "The request failed."
    return kind(str(text), problem=problem, **{"status": problem.get("status"), **known})
