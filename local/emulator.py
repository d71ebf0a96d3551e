"""The AWS emulator as a process: started with a clean environment, stopped with all its workers."""

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
from typing import Any, Self

import boto3

from local import listening
from local.failure import Failure

PYTHON = Path(".local/ministack/bin/python")
REGION = "us-east-1"
#: The credentials of the root user of the emulator's account.
CREDENTIALS = {"AWS_ACCESS_KEY_ID": "test", "AWS_SECRET_ACCESS_KEY": "test"}
#: The prefixes of the variables with which faketime changes a process's clock.
_CLOCK = ("LD_PRELOAD", "FAKETIME")
#: Ports that no operating system assigns by itself: a port that is free now stays free.
_PORTS = range(20_000, 32_000)
_LAST_PORT = 65_535


class Emulator:
    """The emulator on its own port, and the API on another."""

    def __init__(
        self, home: Path, port: int, *, keep: bool = False, output: int | None = None
    ) -> None:
        """`keep`: with the jobs of the last time, and not only its keys.

        `output`: the pipe for what its Lambdas print, as `emulator_output` writes it. They wait until
        it is read.
        """
        self.port, self.gateway, self._keep, self._output = port, free_port(), keep, output
        self.endpoint = f"http://127.0.0.1:{self.gateway}"
        self.log = home / "emulator.log"
        self._api_id = home / "api-id"
        self._scratch, self._journal = home / "tmp", home / "kept"

    def __enter__(self) -> Self:
        shutil.rmtree(self._scratch, ignore_errors=True)
        self._scratch.mkdir(parents=True)
        self._api_id.write_text("not-deployed-yet")
        with self.log.open("wb") as log:
            self._process = subprocess.Popen(
                [PYTHON, "-m", "local.serve"],
                env=self._environment(),
                pass_fds=[] if self._output is None else [self._output],
                stdin=subprocess.PIPE,
                stdout=log,
                stderr=log,
                start_new_session=True,  # Ctrl-C reaches only this process; __exit__ kills the group
            )
        return self

    def __exit__(self, *_: object) -> None:
        with contextlib.suppress(OSError):  # it has ended already
            self.ask("write-queues")
        # All its processes at once, its Lambdas too: all other state is on disk.
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self._process.pid, signal.SIGKILL)
        self._process.communicate()  # waits for it, and closes its standard input
        shutil.rmtree(self._scratch, ignore_errors=True)

    def _environment(self) -> dict[str, str]:
        # Of this environment only faketime's variables: everything in it reaches the Lambdas.
        clock = {name: v for name, v in os.environ.items() if name.startswith(_CLOCK)}
        return clock | {
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
            "JOURNAL": str(self._journal.absolute()),
            "KEEP": str(int(self._keep)),
            "OUTPUT": "" if self._output is None else str(self._output),
            "PYTHONFAULTHANDLER": "1",  # a crash in C is shown with the operation's line
        }

    def wait_until_ready(self) -> None:
        """Return as soon as it responds; raises Failure if it does not within two minutes."""
        for _ in range(1200):
            if self._process.poll() is not None:
                break
            try:
                with urllib.request.urlopen(f"{self.endpoint}/_ministack/health", timeout=2):  # noqa: S310
                    return
            except (urllib.error.URLError, OSError):
                time.sleep(0.1)
        raise Failure(f"The AWS emulator did not start. Its output is in {self.log}.")

    def is_running(self) -> bool:
        return self._process.poll() is None

    def retired(self) -> dict[str, int]:
        """Return by Lambda how many processes still finish work that began before it was changed."""
        counts: dict[str, int] = self.ask("retired")
        return counts

    def ask(self, command: str) -> Any:
        """Return the answer to a command of `serve.COMMANDS`; raises OSError."""
        with urllib.request.urlopen(f"{self.endpoint}/_nowlater/{command}", timeout=10) as response:  # noqa: S310
            return json.load(response)

    def serve(self, api_id: str) -> None:
        """Serve this HTTP API at the port's root."""
        self._api_id.write_text(api_id)


def session() -> boto3.Session:
    """Return a session with the emulator's credentials."""
    key, secret = CREDENTIALS.values()
    return boto3.Session(key, secret, region_name=REGION)


def refuse_busy(port: int) -> None:
    """Raise Failure if another process listens on the port, it needs root, or there is no such port."""
    if not 0 <= port <= _LAST_PORT:
        raise Failure(f"There is no port {port}: ports go up to {_LAST_PORT}.")
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except PermissionError as error:
            raise Failure(
                f"Port {port} is for root only. Choose another: make up PORT=8080"
            ) from error
        except OSError as error:
            by = listening.find_listener(port) or error.strerror
            other = port + 1 if port < _LAST_PORT else 8080
            raise Failure(
                f"Port {port} is in use: {by}. Choose another: make up PORT={other}"
            ) from error


def free_port() -> int:
    """Return a port of localhost on which no process listens."""
    while True:
        port = secrets.choice(_PORTS)  # not `random`, which tests seed alike
        with contextlib.suppress(OSError), socket.socket() as probe:
            probe.bind(("127.0.0.1", port))
            return port
