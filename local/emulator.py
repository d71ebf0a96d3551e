"""The AWS emulator as a process: started with a clean environment, ended with all its workers."""

import contextlib
import json
import os
import secrets
import shutil
import signal
import socket
import subprocess
import time
import urllib.error
import urllib.request
from pathlib import Path
from typing import Self

import boto3

from local.failure import Failure

PYTHON = Path(".local/ministack/bin/python")
REGION = "us-east-1"
#: What the emulator takes for its account's root.
CREDENTIALS = {"AWS_ACCESS_KEY_ID": "test", "AWS_SECRET_ACCESS_KEY": "test"}
#: How the variables begin by which faketime moves a process's clock.
_CLOCK = ("LD_PRELOAD", "FAKETIME")
#: Ports that no system hands out by itself: one that is free now is still free in a while.
_PORTS = range(20_000, 32_000)


class Emulator:
    """The emulator on a port of its own, and the API at another."""

    def __init__(self, home: Path, port: int) -> None:
        self.port, self.gateway = port, free_port()
        self.endpoint = f"http://127.0.0.1:{self.gateway}"
        self.log = home / "emulator.log"
        self._api_id = home / "api-id"
        self._scratch = home / "tmp"

    def __enter__(self) -> Self:
        shutil.rmtree(self._scratch, ignore_errors=True)
        self._scratch.mkdir(parents=True)
        self._api_id.write_text("not-deployed-yet")
        with self.log.open("wb") as log:
            self._process = subprocess.Popen(
                [PYTHON, Path(__file__).with_name("serve.py")],
                env=self._environment(),
                stdin=subprocess.PIPE,
                stdout=log,
                stderr=log,
                start_new_session=True,  # Ctrl-C is ours to hear; ends go to all of its processes
            )
        return self

    def __exit__(self, *_: object) -> None:
        # All of it at once, its Lambdas too: it keeps nothing that would be worth a farewell.
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self._process.pid, signal.SIGKILL)
        self._process.communicate()  # which waits, and closes its standard input
        shutil.rmtree(self._scratch, ignore_errors=True)

    def _environment(self) -> dict[str, str]:
        # Nothing of ours but what moves the clock (faketime): all of it reaches the Lambdas.
        moved = {name: v for name, v in os.environ.items() if name.startswith(_CLOCK)}
        return moved | {
            "PATH": os.defpath,
            "HOME": str(self._scratch.absolute()),
            "TMPDIR": str(self._scratch.absolute()),
            "LANG": "C.UTF-8",
            "AUTH": "true",
            "GATEWAY_PORT": str(self.gateway),
            "API_PORT": str(self.port),
            "API_ID_FILE": str(self._api_id.absolute()),
            "MINISTACK_REGION": REGION,
            "LOG_LEVEL": "ERROR",
            "SFTP_ENABLED": "0",
            "IOT_MTLS_ENABLED": "0",
        }

    def wait_until_ready(self) -> None:
        """Return once it answers; raises Failure where it does not within two minutes."""
        for _ in range(1200):
            if self._process.poll() is not None:
                break
            try:
                with urllib.request.urlopen(f"{self.endpoint}/_ministack/health", timeout=2):  # noqa: S310
                    return
            except (urllib.error.URLError, OSError):
                time.sleep(0.1)
        raise Failure(f"the AWS emulator did not start; see {self.log}")

    def is_running(self) -> bool:
        return self._process.poll() is None

    def retired(self) -> dict[str, int]:
        """Return how many processes of each Lambda still do what they began before a change."""
        with urllib.request.urlopen(f"{self.endpoint}/_nowlater/retired", timeout=10) as answer:  # noqa: S310
            found: dict[str, int] = json.load(answer)
        return found

    def serve(self, api_id: str) -> None:
        """Serve this HTTP API at the port's root."""
        self._api_id.write_text(api_id)


def session() -> boto3.Session:
    """Return a session with the emulator's credentials."""
    key, secret = CREDENTIALS.values()
    return boto3.Session(key, secret, region_name=REGION)


def refuse_busy(port: int) -> None:
    """Raise Failure where something else listens on the port, or there is no such port."""
    if not 0 <= port <= 65535:
        raise Failure(f"there is no port {port}: ports go up to 65535")
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError as error:
            raise Failure(
                f"port {port} is taken: {error.strerror}. Take another: make up PORT={port + 1}"
            ) from error


def free_port() -> int:
    """Return a port of localhost that nothing listens on."""
    while True:
        port = secrets.choice(_PORTS)  # not `random`, which tests seed alike
        with contextlib.suppress(OSError), socket.socket() as probe:
            probe.bind(("127.0.0.1", port))
            return port
