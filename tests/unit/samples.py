"""Operations for tests: small ones, each good for one thing."""

import asyncio
import os
import time
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from typing import Annotated, Any, Literal, TypedDict

import msgspec
from msgspec import Meta

from nowlater import Context, Document, Refused, operation

#: What the environment said when this module was imported.
AT_IMPORT = os.environ.get("SAMPLE_SETTING")


@dataclass
class Point:
    x: float
    y: float = 0


class Person(msgspec.Struct, rename="camel"):
    first_name: str


class Size(TypedDict):
    bytes: int


@operation()
def types_of(
    point: Point,
    person: Person,
    size: Size,
    pair: tuple[int, str],
    words: frozenset[str],
    by_number: dict[int, str],
    day: date,
    note: str | None = None,
    level: Annotated[int, Meta(ge=1)] = 1,
    mode: Literal["fast", "slow"] = "fast",
) -> dict[str, str]:
    """Returns the type of each input."""
    return {name: type(value).__name__ for name, value in locals().items()}


@operation()
def about(context: Context) -> dict[str, Any]:
    """Returns what it knows of its run."""
    context.progress(0.5, "half")
    return {"job_id": context.job_id, "attempt": context.attempt, "key": context.idempotency_key}


@operation()
def read(file: Document) -> str:
    """Returns a file's text."""
    return file.read().decode()


@operation()
def picture() -> Document:
    """Returns bytes."""
    return Document(b"\x89PNG", "image/png")


@operation()
def counted(what: Any) -> int:
    """Says that it returns an int, and returns what it is given."""
    return what


@operation()
def measured(what: str) -> float:
    """Returns a number that JSON has no word for."""
    return float(what)


@operation()
def profile(x: Any) -> Point:
    """Returns a point."""
    return Point(x)


@operation()
def streamed() -> Any:
    """Returns what JSON cannot say."""

    def stream() -> Iterator[int]:
        yield 1

    return stream()


@operation()
def anything(what: Any):
    """Has no annotation for its result."""
    return what


@operation()
def kept(what: set[Any]) -> int:
    """Counts what is different."""
    return len(what)


@operation()
def refuses() -> None:
    """Refuses."""
    raise Refused("never")


@operation()
def appended(numbers: list[int] = [1]) -> list[int]:  # noqa: B006  # as its author may have it
    """Changes its default."""
    numbers.append(len(numbers) + 1)
    return numbers


@operation
def with_optional_context(context: Context | None = None) -> str | None:
    """Returns the key of its run, if it has one."""
    return None if context is None else context.idempotency_key


@operation()
async def awaited(what: str, context: Context) -> str:
    """Returns what it is given, after a while, or what `what` says."""
    async with asyncio.TaskGroup() as group:
        group.create_task(_in_a_task(what, context))
    return what


async def _in_a_task(what: str, context: Context) -> None:
    match what:
        case "refused":
            raise Refused("never")
        case "canceled":
            await asyncio.sleep(0)
            context.progress(0.5)
        case "sleeps":
            await asyncio.sleep(60)
        case "busy":
            while True:
                pass
        case "in a thread":
            await asyncio.to_thread(time.sleep, 2)
        case "two":
            async with asyncio.TaskGroup() as group:
                for fault in KeyError("a"), ValueError("b"):
                    group.create_task(_raising(fault))


async def _raising(fault: Exception) -> None:
    raise fault


@operation()
def runs_on() -> None:
    """Never returns."""
    while True:
        pass
