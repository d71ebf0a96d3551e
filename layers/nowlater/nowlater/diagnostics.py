"""Operations that show how jobs run, wait, fail and end; served where `Diagnostics` is true."""

import itertools
import os
import time
from typing import Annotated, Any, Literal, NoReturn, TypedDict

from msgspec import Meta

from nowlater import Context, Refused, Unavailable, operation

#: The longest pause between two reports of progress, and so the longest that a cancel waits.
_STEP_S = 0.25


class Slept(TypedDict):
    """What `sleep` returns."""

    seconds: float


class Survived(TypedDict):
    """What `flaky` returns."""

    attempt: int


@operation(timeout=10, diagnostic=True)
def echo(value: Any) -> Any:
    """Returns the value it is given."""
    return value


@operation(timeout=1800, diagnostic=True)
def sleep(seconds: Annotated[float, Meta(ge=0, le=1800)], context: Context) -> Slept:
    """Sleeps, and reports how far it is; a cancel wakes it."""
    start = time.monotonic()
    while (slept := time.monotonic() - start) < seconds:
        context.progress(slept / seconds, f"{slept:.1f} of {seconds:g} s")
        time.sleep(min(_STEP_S, seconds - slept))
    return {"seconds": seconds}


type Failure = Literal["error", "refused", "unavailable", "crash", "hang", "stuck"]


@operation(timeout=15, diagnostic=True)
def fail(
    kind: Failure = "error",
    message: str = "It failed, as it was asked to.",
    retry_after: Annotated[float, Meta(ge=0, le=900)] = 1,
    after: Annotated[float, Meta(ge=0, le=12)] = 0,
) -> None:
    """Fails after so many seconds, as it is asked to: raises, refuses, ends its process, or hangs.

    `hang` waits where the time limit can stop it, `stuck` in C code, where only the end of the
    process does.
    """
    time.sleep(after)
    _fail(kind, message, retry_after)


@operation(timeout=10, attempts=5, diagnostic=True)
def flaky(
    failures: Annotated[int, Meta(ge=0, le=100)],
    context: Context,
    kind: Failure = "error",
    retry_after: Annotated[float, Meta(ge=0, le=900)] = 1,
) -> Survived:
    """Fails on the first attempts, `failures` of them, and then succeeds."""
    if context.attempt <= failures:
        _fail(kind, f"Attempt {context.attempt} fails, as it was asked to.", retry_after)
    return {"attempt": context.attempt}


def _fail(kind: Failure, message: str, retry_after: float) -> NoReturn:
    match kind:
        case "error":
            raise RuntimeError(message)
        case "refused":
            raise Refused(message)
        case "unavailable":
            raise Unavailable(message, retry_after=retry_after)
        case "crash":
            os._exit(1)
        case "hang":
            while True:
                time.sleep(_STEP_S)
        case "stuck":
            any(itertools.repeat(False))
    raise AssertionError(f"{kind} came back")
