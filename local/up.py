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

from local import api_key, deploy, emulator, examples, parameters, template
from local.emulator import Emulator
from local.failure import Failure
from local.follow import Notifications
from local.gaps import Gaps
from local.output import Output
from local.receiver import Receiver
from local.resume import resume
from local.terminal import Terminal
from local.watch import Watch, sources


def main() -> int:
    arguments = _arguments()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, _interrupt)
    try:
        if arguments.with_parent:
            threading.Thread(target=_end_with_parent, daemon=True).start()
        changes, port = _parameters(arguments.set), _port(arguments.port)
        arguments.home.mkdir(parents=True, exist_ok=True)
        with _locked(arguments.home):
            emulator.refuse_busy(port)
            up(arguments.home, port, changes, keep=arguments.keep)
    except Failure as failure:
        print(f"\n{failure}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("\nstopped. make up KEEP=1 goes on with its jobs; make up starts without them.")
    return 0


def up(home: Path, port: int, changes: dict[str, str], *, keep: bool) -> None:
    """Serve the API at the port until interrupted; raises Failure."""
    reading, writing = os.pipe()
    changed = sources()  # what is saved while it starts is served too
    with Emulator(home, port, keep=keep, output=writing) as aws:
        os.close(writing)
        with _step("building the Lambdas and layers"):
            left_out = deploy.build(home)
        with _step("starting the AWS emulator"):
            aws.wait_until_ready()
        with _step("deploying template.yaml"):
            stack = deploy.deploy(home, aws, changes)
        url, token = f"http://localhost:{port}", api_key.find_or_issue(home, stack)
        terminal = Terminal(home / "output.log")
        receiver = Receiver(port, url, token, terminal)
        output = Output(os.fdopen(reading, encoding="utf-8"), stack, terminal)
        gaps = Gaps(home, aws, terminal)
        watch = Watch(home, aws, stack, changes, gaps, terminal, changed)
        for follower in (output, Notifications(stack, terminal), receiver, watch):
            threading.Thread(target=follower.run, daemon=True).start()
        examples.show(url, token, receiver.url, home)
        gaps.report(left_out, stack)
        if keep and (kept := resume(aws, stack)):
            terminal.say(kept)
        facts = {"url": url, "key": token, "webhooks": receiver.url}
        facts |= {"topic": stack.outputs["TopicArn"], "endpoint": aws.endpoint}
        _write_atomically(home / "api.json", json.dumps(facts))
        while aws.is_running():
            time.sleep(0.5)
        raise Failure(f"The AWS emulator has stopped by itself. Its output is in {aws.log}.")


def _parameters(texts: list[str]) -> dict[str, str]:
    """Return the template's parameters in SET; raises Failure where the template has no such one."""
    values: dict[str, str] = {}
    for text in texts:
        values |= parameters.parse(text, "SET")
    if values:
        parameters.check(template.load()["Parameters"], values)
    return values


def _port(text: str) -> int:
    """Return the port in PORT, for 0 a free one; raises Failure where it is no number."""
    try:
        return int(text) or emulator.free_port()
    except ValueError as error:
        raise Failure(
            f"PORT={text} is no number. Give one such as 8080: make up PORT=8080"
        ) from error


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
    with (home / "lock").open("a+") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            lock.seek(0)
            raise Failure(
                f"make up already runs in this folder, as process {lock.read()}. Stop it first "
                "(Ctrl-C), or run make up in another checkout with another port."
            ) from error
        lock.truncate(0)
        lock.write(f"{os.getpid()}")
        lock.flush()
        (home / "api.json").unlink(missing_ok=True)  # of one that was killed
        try:
            yield
        finally:
            (home / "api.json").unlink(missing_ok=True)


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="make up", description=__doc__)
    parser.add_argument("--port", default="8080", help="the port of the API (PORT=)")
    parser.add_argument(
        "--home", type=Path, default=Path(".local"), help="the folder for its files"
    )
    parser.add_argument(
        "--set",
        metavar="NAME=VALUE",
        action="append",
        default=[],
        help="template parameters (SET=)",
    )
    parser.add_argument(
        "--keep", action="store_true", help="go on with the jobs of the last time (KEEP=1)"
    )
    parser.add_argument(
        "--with-parent", action="store_true", help="end when the standard input is closed"
    )
    return parser.parse_args()


def _end_with_parent() -> None:
    """Interrupt this process once its standard input is closed: its parent has ended."""
    sys.stdin.read()
    os.kill(os.getpid(), signal.SIGINT)


def _interrupt(_signal: int, _frame: FrameType | None) -> None:
    raise KeyboardInterrupt


if __name__ == "__main__":
    os.umask(0o077)  # api.json has a key
    sys.exit(main())
