"""A call that is canceled, at whatever moment, leaves the connection to the next one."""

import asyncio
import json
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import asynccontextmanager, suppress
from typing import Any

import anyio
import httpx
import pytest

from nowlater_client import AsyncClient, Unreachable

JOB = {"id": "1", "operation": "greet", "status": "succeeded", "result": None}
#: Without a connection, a call fails after so many seconds.
PATIENCE_S = 5.0
CONTENT = b"x" * 300_000


async def respond(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Answer as an API that has a job, and as a bucket that has its result."""
    with suppress(OSError, asyncio.IncompleteReadError):
        while True:
            head = (await reader.readuntil(b"\r\n\r\n")).decode().lower()
            length = head.partition("content-length: ")[2].partition("\r\n")[0]
            await reader.readexactly(int(length or 0))
            location = f"http://{head.partition('host: ')[2].partition(chr(13))[0]}/stored"
            content = CONTENT if "/stored" in head else json.dumps(JOB).encode()
            status = "303 See" if "/result" in head else "200 OK"
            lines = [
                f"HTTP/1.1 {status}",
                f"location: {location}",
                "content-type: application/json",
            ]
            lines += [f"content-length: {len(content)}", "", ""]
            writer.write("\r\n".join(lines).encode())
            await asyncio.sleep(0)  # the body comes on its own
            writer.write(content)
            await writer.drain()
    writer.close()


@asynccontextmanager
async def serving(connections: int) -> AsyncIterator[AsyncClient]:
    """Give a client whose pool has so many connections."""
    server = await asyncio.start_server(respond, "127.0.0.1", 0)
    url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    limits = httpx.Limits(max_connections=connections)
    async with server, httpx.AsyncClient(limits=limits) as http:
        yield AsyncClient(url, "nl_key", http_client=http)


async def read(client: AsyncClient) -> None:
    await client.job("1")


async def download(client: AsyncClient) -> None:
    job = await client.job("1")
    async for _ in job.stream():
        pass


async def canceled(task: asyncio.Task[None], steps: int) -> None:
    """Cancel a task after it could run so many times."""
    for _ in range(steps):
        await asyncio.sleep(0)
    task.cancel()
    with suppress(asyncio.CancelledError):
        await task


@pytest.mark.parametrize("use", [read, download])
def test_no_connection_is_lost_whenever_a_task_is_canceled(
    use: Callable[[AsyncClient], Coroutine[Any, Any, None]],
) -> None:
    async def main() -> None:
        async with serving(connections=2) as client:
            for steps in range(120):
                await canceled(asyncio.create_task(use(client)), steps)
            await client.job("1", timeout=PATIENCE_S)
            await client.job("1", timeout=PATIENCE_S)

    asyncio.run(main())


async def read_in_time(client: AsyncClient, seconds: float) -> None:
    with suppress(Unreachable):
        await client.job("1", timeout=seconds)


async def download_in_scope(client: AsyncClient, seconds: float) -> None:
    with anyio.move_on_after(seconds):
        await download(client)


@pytest.mark.parametrize("use", [read_in_time, download_in_scope])
def test_no_connection_is_lost_whenever_the_time_is_up(
    use: Callable[[AsyncClient, float], Coroutine[Any, Any, None]],
) -> None:
    async def main() -> None:
        async with serving(connections=2) as client:
            for tenths_of_ms in range(100):
                await use(client, tenths_of_ms / 10_000)
            await client.job("1", timeout=PATIENCE_S)

    asyncio.run(main())


def test_several_calls_that_are_canceled_leave_their_connections() -> None:
    async def main() -> None:
        async with serving(connections=3) as client:
            for steps in range(60):
                tasks = [asyncio.create_task(read(client)) for _ in range(5)]
                await asyncio.gather(*(canceled(task, steps) for task in tasks))
            calls = [client.job("1", timeout=PATIENCE_S) for _ in range(3)]
            await asyncio.gather(*calls)

    asyncio.run(main())
