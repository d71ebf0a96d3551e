"""Runs the AWS emulator, and serves its one HTTP API at the root of a separate port.

    python -m local.serve

Runs in the emulator's environment. Ends when its standard input is closed: with the process that has
started it.
"""

import asyncio
import json
import os
import signal
import sys
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

from hypercorn.asyncio import serve
from hypercorn.config import Config
from ministack.app import app

from local import emulator_output, emulator_patches, emulator_resources, journal

GATEWAY_PORT, API_PORT = int(os.environ["GATEWAY_PORT"]), int(os.environ["API_PORT"])
API_ID = Path(os.environ["API_ID_FILE"])
JOURNAL = journal.from_environment()
#: What `make up` asks, by its path.
COMMANDS: dict[str, Callable[[], Any]] = {
    "/_nowlater/retired": emulator_patches.count_retired,
    "/_nowlater/not-emulated": lambda: sorted(emulator_resources.not_emulated.values()),
    "/_nowlater/write-queues": JOURNAL.write_queues,
    "/_nowlater/repeat-recent": JOURNAL.repeat_recent,
}


async def route(scope: Any, receive: Any, send: Any) -> None:
    """Pass a request to the emulator, addressed by its port."""
    if scope["type"] == "http" and scope["server"][1] == GATEWAY_PORT:
        if (command := COMMANDS.get(scope["path"])) is not None:
            await _respond(send, command())
            return
        # Loopback is as safe as TLS, and policies that refuse plain HTTP must apply here too.
        scope = scope | {"headers": [*scope["headers"], (b"x-forwarded-proto", b"https")]}
    if scope["type"] == "http" and scope["server"][1] == API_PORT:
        scope = _to_api(scope)
    await app(scope, receive, send)


def _to_api(scope: Any) -> Any:
    # By path, so that Host stays the caller's, and /health does not reach the emulator's own.
    prefix = f"/_aws/execute-api/{API_ID.read_text()}/$default"
    # As on AWS, headers of the caller about its own address are replaced.
    values = {"proto": "http", "port": str(API_PORT), "for": scope["client"][0]}
    forwarded = {f"x-forwarded-{k}".encode(): v.encode() for k, v in values.items()}
    others = [header for header in scope["headers"] if header[0].lower() not in forwarded]
    return scope | {
        "path": prefix + scope["path"],
        "raw_path": prefix.encode() + scope["raw_path"],
        "headers": [*others, *forwarded.items()],
    }


async def _respond(send: Any, value: Any) -> None:
    await send({"type": "http.response.start", "status": 200, "headers": []})
    await send({"type": "http.response.body", "body": json.dumps(value).encode()})


def end_with_parent() -> None:
    """End at once when the parent was killed, with all Lambdas: what is kept is on disk then."""
    sys.stdin.read()
    try:
        JOURNAL.write_queues()
    finally:
        os.killpg(0, signal.SIGKILL)


if __name__ == "__main__":
    threading.Thread(target=end_with_parent, daemon=True).start()
    emulator_patches.apply()
    emulator_output.apply()
    emulator_resources.apply(JOURNAL)
    JOURNAL.apply()
    config = Config()
    config.bind = [f"127.0.0.1:{GATEWAY_PORT}", f"127.0.0.1:{API_PORT}"]
    config.keep_alive_timeout = 75
    config.loglevel = os.environ.get("LOG_LEVEL", "ERROR")
    asyncio.run(serve(route, config))
