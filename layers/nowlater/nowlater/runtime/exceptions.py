"""Exceptions that end a run: those that operations raise, and those raised inside operations."""


class Refused(Exception):
    """The operation cannot process this input: the job fails, and the caller gets the text."""


class Unavailable(Exception):
    """Something that the operation needs is not available now; the job runs again later.

    That uses up no attempt. `retry_after` is the first wait in seconds, at most a day; later waits
    grow.
    """

    def __init__(self, detail: str = "", retry_after: float = 30) -> None:
        super().__init__(detail or "Something that this operation needs is not available now.")
        self.retry_after = max(1.0, min(86400.0, float(retry_after)))


class Canceled(BaseException):
    """The job was canceled while it ran; `Context.progress` raises it to unwind the run."""


class TimedOut(BaseException):
    """The run's time is up; raised at whatever line the operation executes."""


class WrongResult(TypeError):
    """The operation returned a value that its annotation does not allow."""
