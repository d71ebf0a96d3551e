"""`make up`: builds the template, serves it on this machine, and prints events until Ctrl-C."""

import argparse
import fcntl
import json
import os
import signal
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import FrameType

from local import deploy, emulator, examples
from local.emulator import Emulator
from local.failure import Failure
from local.follow import Errors, Notifications
from local.stack import Stack
from local.watch import Watch
from nowlater import instants
from nowlater.access import api_keys
from nowlater.aws.table import Table

OWNER = "acme"


def main() -> int:
    arguments = _arguments()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, _interrupt)
    try:
        emulator.refuse_busy(arguments.port)
        arguments.home.mkdir(parents=True, exist_ok=True)
        with _locked(arguments.home):
            up(arguments.home, arguments.port, dict(p.split("=", 1) for p in arguments.set))
    except Failure as failure:
        print(f"\n{failure}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("\nstopped")
    return 0


def up(home: Path, port: int, parameters: dict[str, str]) -> None:
    """Serve the API at the port until interrupted; raises Failure."""
    with Emulator(home, port) as aws:
        with _step("building the Lambdas and layers"):
            deploy.build(home)
        with _step("starting the AWS emulator"):
            aws.wait_until_ready()
        with _step("deploying template.yaml"):
            stack = deploy.deploy(home, aws, parameters)
        url, token = f"http://localhost:{port}", _issue_key(stack)
        served = {"url": url, "key": token}
        served |= {"topic": stack.outputs["TopicArn"], "endpoint": aws.endpoint}
        # Before the URL is published: a file that is saved after that must be noticed.
        followers = Notifications(stack), Errors(stack), Watch(home, aws, stack, parameters)
        for follower in followers:
            threading.Thread(target=follower.run, daemon=True).start()
        _write_atomically(home / "api.json", json.dumps(served))
        examples.show(url, token, home)
        while aws.is_running():
            time.sleep(0.5)
        raise Failure(f"The AWS emulator has stopped by itself. Its output is in {aws.log}.")


def _issue_key(stack: Stack) -> str:
    """Make an API key for the examples, and return its token."""
    table = Table(stack.outputs["TableName"], stack.client("dynamodb"))
    return api_keys.issue(table, OWNER, now=instants.now())[1]


def _write_atomically(path: Path, text: str) -> None:
    """Write a file so that no reader sees only a part of it."""
    half = path.with_suffix(".half")
    half.write_text(text)
    half.replace(path)


@contextmanager
def _step(title: str) -> Iterator[None]:
    print(f"{title} … ", end="", flush=True)
    began = time.monotonic()
    yield
    print(f"{time.monotonic() - began:.1f} s", flush=True)


@contextmanager
def _locked(home: Path) -> Iterator[None]:
    """Lock this folder; raises Failure if another `make up` has locked it."""
    with (home / "lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise Failure(
                "make up already runs in this folder. Stop it first (Ctrl-C), or run make up in "
                "another checkout with another port."
            ) from error
        try:
            yield
        finally:
            (home / "api.json").unlink(missing_ok=True)


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m local.up", description=__doc__)
    parser.add_argument("--port", type=int, default=8080, help="the port of the API")
    parser.add_argument(
        "--home", type=Path, default=Path(".local"), help="the folder for its files"
    )
    parser.add_argument(
        "--set", metavar="NAME=VALUE", action="append", default=[], help="a template parameter"
    )
    return parser.parse_args()


def _interrupt(_signal: int, _frame: FrameType | None) -> None:
    raise KeyboardInterrupt


if __name__ == "__main__":
    os.umask(0o077)  # api.json has a key
    sys.exit(main())
