"""What can go wrong: one root, and a class for each kind of problem that the API reports."""

from __future__ import annotations

from typing import Any, ClassVar

#: Problem code, the last part of a problem's `type` → class.
KINDS: dict[str, type[NowlaterError]] = {}


class NowlaterError(Exception):
    """The request or the job failed."""

    #: What to do about it: the end of the message.
    advice: ClassVar[str] = ""
    #: The same, if `key` is known.
    advice_with_key: ClassVar[str] = ""

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
        message = " ".join(super().__str__().splitlines())
        parts = (message, self.advice, self.advice_with_key if self.key else "")
        text = " ".join(part for part in parts if part)
        return f"{text} ({known})" if known else text


class Unreachable(NowlaterError, ConnectionError):
    """No whole answer came."""

    advice = "Check the URL and the network."
    advice_with_key = "The same call with the same key gets the same job."


class ClientClosed(NowlaterError, RuntimeError):
    """The client was closed before the call, or during it."""

    advice = "Call before the end of `with Client(…)`, or make a new client."


class WaitTimeout(NowlaterError, TimeoutError):
    """The time to wait is up, and the job continues."""

    advice = "client.job(id) follows it."


class RequestTimeout(Unreachable, WaitTimeout):
    """No whole answer came within the `timeout` of the call; a job that was accepted continues."""

    advice = "Check the URL and the network, or give it more time."


def define(code: str, advice: str, module: str = __name__) -> type[NowlaterError]:
    """Return a new exception, named after its code; `advice` ends its message."""
    members = {"__doc__": f"`{code}`: {advice}", "__module__": module, "advice": advice}
    KINDS[code] = type(code.title().replace("-", ""), (NowlaterError,), members)
    return KINDS[code]


# The client's own.
Misconfigured = define("misconfigured", "Give the client a URL and a key.")
Unauthorized = define("unauthorized", "Set NOWLATER_KEY to a key from the operator of this API.")
NotNowlater = define("not-nowlater", "Set the URL to that of a nowlater API.")

# The API's, by their codes: docs/http-api.md#errors.
MalformedRequest = define("malformed-request", "Correct the member that is named.")
MissingScope = define("missing-scope", "Use a key that has the scope.")
UnknownRoute = define("unknown-route", "Check the URL.")
WrongMethod = define("wrong-method", "See the API's /docs.")
UnknownOperation = define("unknown-operation", "client.operations() lists all.")
UnknownJob = define("unknown-job", "Check the id, and that the key is of the same owner.")
UnknownDelivery = define("unknown-delivery", "See job.deliveries().")
Unfinished = define("unfinished", "Wait, or cancel it first.")
AlreadyEnded = define("already-ended", "Nothing is left to do.")
JobExpired = define("job-expired", "Submit it again with a new key.")
TooLarge = define("too-large", "Upload its files by client.upload().")
UnsupportedMediaType = define(
    "unsupported-media-type", "Check what is between the client and the API."
)
InvalidInput = define("invalid-input", "client.operation(name).input is its schema.")
ImpossibleTime = define("impossible-time", "Choose another time.")
DeadlineUnachievable = define("deadline-unachievable", 'Ask for problem["earliest"] or later.')
CallbackRefused = define("callback-refused", "Use a public https URL.")
IdempotencyKeyReused = define(
    "idempotency-key-reused", "Use a new one, or send exactly the first request."
)
ResultTooLarge = define("result-too-large", "Use client.call(…, wait=10).")
Refused = define("refused", "Change the input.")
TooManyJobs = define("too-many-jobs", "Wait until some have ended.")
TooManyUploads = define("too-many-uploads", "Wait until tomorrow, or upload less.")
OperationFailed = define("operation-failed", "Retry, or inform the operator of this API.")
InternalError = define("internal-error", "Inform the operator of this API.")
Unavailable = define("unavailable", "Try later, or submit a job, which is retried for 3 days.")
TryAgain = define("try-again", "Submit again with the same key.")
TimedOut = define("timed-out", "Use client.call(…, wait=10), or a smaller input.")
AttemptsExhausted = define("attempts-exhausted", "Retry, or inform the operator of this API.")
DeadlineExceeded = define("deadline-exceeded", "Retry with more time.")
Canceled = define("canceled", "job.retry() submits it again.")


def from_problem(problem: dict[str, Any], **known: Any) -> NowlaterError:
    """Return the exception of a problem object, by its code."""
    kind = KINDS.get(str(problem.get("code")), NowlaterError)
    text = problem.get("detail") or problem.get("title") or "The request failed."
    return kind(str(text), problem=problem, **{"status": problem.get("status"), **known})
