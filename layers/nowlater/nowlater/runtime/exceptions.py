"""How a run can end other than by returning: what an operation raises, and what is raised in it."""


class Refused(Exception):
    """The operation cannot process this input; final, the caller gets the sentence as a 422."""


class Unavailable(Exception):
    """Something that the operation needs is not there now; the job is tried again later.

    It does not use up a try. `retry_after` is in seconds, at most a day; the waits grow from it.
    """

    def __init__(self, detail: str = "", retry_after: float = 30) -> None:
        super().__init__(detail or "Something that this operation needs is not available now.")
        self.retry_after = max(1.0, min(86400.0, float(retry_after)))


class Canceled(BaseException):
    """The job was canceled while it ran; raised by `Context.progress`, to unwind the run."""


class TimedOut(BaseException):
    """The run's time is up; raised wherever the operation happens to be."""


class WrongResult(TypeError):
    """The operation returned something that its annotation does not allow."""
