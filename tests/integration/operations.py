"""Operations for tests, among them mistakes that a user may make."""

import asyncio
import time
from collections.abc import Callable
from typing import Any

from nowlater import Context, Document, Refused, Unavailable, operation


class Meanwhile:
    """What happens while `meanwhile` runs: set by the test that needs it."""

    def __init__(self) -> None:
        self.happens: list[Callable[[Context], object]] = []


MEANWHILE = Meanwhile()


@operation(timeout=20)
def meanwhile(context: Context) -> int:
    """Returns its attempt, after the next thing that is to happen has happened."""
    if MEANWHILE.happens:
        MEANWHILE.happens.pop(0)(context)
    return context.attempt


@operation()
def document(text: str, media_type: str, times: int = 1) -> Document:
    """Returns bytes with the media type that its input names."""
    return Document(text.encode("latin-1") * times, media_type)


@operation()
def read(file: Document) -> Any:
    """Returns what a document holds, and the type that it says it has."""
    return {"text": file.read().decode(), "media_type": file.media_type}


@operation(timeout=0.2, attempts=1)
def slow() -> None:
    """Takes longer than it may."""
    time.sleep(5)


@operation
async def awaited(text: str, context: Context | None = None) -> str:
    """Returns a text, after what is to happen meanwhile has happened in a task of its own."""

    async def in_a_task() -> None:
        await asyncio.sleep(0)
        if MEANWHILE.happens and context is not None:
            MEANWHILE.happens.pop(0)(context)

    async with asyncio.TaskGroup() as group:
        group.create_task(in_a_task())
    return text


@operation(timeout=0.2, attempts=1)
async def awaits_long() -> None:
    """Takes longer than it may, in an await."""
    await asyncio.sleep(5)


@operation(timeout=20)
def sluggish() -> None:
    """Takes longer than the sync door gives it, once most of that time is over."""
    time.sleep(5)


@operation(timeout=20, doors=("sync",))
def sluggish_now() -> None:
    """Is `sluggish`, served at the sync door alone."""
    time.sleep(5)


@operation(doors=("sync", "hybrid"))
def large_now() -> str:
    """Returns more than a door can answer, and is not served at the async door."""
    return "x" * 5 * 1024**2


@operation()
def sizes(files: list[Document]) -> list[int | None]:
    """Returns how large some files are."""
    return [file.size for file in files]


class Panic(BaseException):
    """What a panic in Rust is in Python; asyncio.CancelledError is no Exception either."""


@operation(attempts=1)
def panic() -> None:
    """Raises what `except Exception` does not catch."""
    raise Panic


@operation()
def half_a_character() -> None:
    """Refuses with a file's name as the system gives it, which JSON cannot say."""
    raise Refused("no table in \udcff.csv")


@operation()
def long_refusal() -> None:
    """Refuses in more words than a record can hold."""
    raise Refused("no " * 300_000)


@operation()
def never_available() -> None:
    """Is always unavailable."""
    raise Unavailable("the model is loading", retry_after=40)


@operation()
def wrong_result() -> int:
    """Does not return what it promises."""
    result: Any = "secret of the house"
    return int(result) if result.isdigit() else result  # type: ignore[no-any-return]


@operation(doors=("sync",))
def only_now() -> int:
    """Is served at the sync door alone."""
    return 1


@operation(doors=("async",))
def only_queued() -> int:
    """Is served at the async door alone."""
    return 1


@operation()
def much_later() -> None:
    """Waits for something that comes in an hour."""
    raise Unavailable(retry_after=3600)
