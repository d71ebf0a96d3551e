"""`make verify`: looks at a deployed stack from outside, as a caller does, and tells what holds.

It makes some thirty small jobs under the key's owner, and erases them; it ends within minutes. The
key is read from the environment variable KEY, and shown nowhere. Without a URL the stack of
`make up` is verified.
"""

import argparse
import json
import os
import re
import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import FrameType
from typing import Any
from urllib.parse import urlsplit

from botocore.exceptions import BotoCoreError, ClientError

from local.failure import Failure
from local.verify import report, told
from local.verify.begin import begin
from local.verify.caller import Asked, Caller
from local.verify.cleaning import clean_up
from local.verify.finding import Check, Finding
from local.verify.run import CHECKS, run

_EXITS = """
exit status: 0 all that was looked at holds, 1 something does not, 2 it could not begin,
130 it was interrupted (Ctrl-C), after it has cleaned up
"""
_LOOPBACK = ("localhost", "127.0.0.1", "::1")


def main() -> int:
    arguments = _arguments()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, _interrupt)
    try:
        checks = _chosen(arguments.only)
        api = Caller(_asked(arguments))
        begin(api)
        return _verify(api, checks)
    except (Failure, BotoCoreError, ClientError) as failure:
        print(failure, file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        print("\ninterrupted; jobs of this run may be left", file=sys.stderr)
        return 130


def _chosen(word: str) -> list[Check]:
    """Return the checks whose guarantee has this in it; raises Failure where none has."""
    chosen = [check for check in CHECKS if word.lower() in check.guarantee.lower()]
    if not chosen:
        raise Failure(f"no guarantee has {word!r} in it; without --only all of them are listed")
    return chosen


def _verify(api: Caller, checks: list[Check]) -> int:
    """Run the checks, clean up, and print the report; return the exit status."""
    findings, interrupted = list[Finding](), False
    with _subscribed(api):
        try:
            run(api, findings, _show, checks)
        except KeyboardInterrupt:
            interrupted = True
            _show("\ninterrupted; cleaning up (Ctrl-C again stops that too) …")
        except Exception:
            _show(clean_up(api))
            raise
        _print(api, findings, clean_up(api))
    if interrupted:
        return 130
    return 1 if any(finding.result == "FAILED" for finding in findings) else 0


def _print(api: Caller, findings: list[Finding], cleaned: str) -> None:
    print(f"\n{report.table(findings)}\n\n{api.asked.url}: {report.summary(findings)}.")
    sent = f"{api.requests} requests, {api.repeats} of them sent again."
    print(report.wrapped(f"{sent} {cleaned}"))
    if look := report.where_to_look(findings, api.failed_requests):
        print(f"\n{look}")
    sys.stdout.flush()


@contextmanager
def _subscribed(api: Caller) -> Iterator[None]:
    """Have a queue hear of the ends, where the user has given the topic; say if it is left over."""
    if api.asked.topic is None:
        yield
        return
    api.inbox = told.subscribe(api.asked.topic, api.run)
    try:
        yield
    finally:
        try:
            api.inbox.close()
        except (BotoCoreError, ClientError) as fault:
            _show(f"\n{told.left(api.run, fault)}")


def _asked(given: argparse.Namespace) -> Asked:
    """Return what was asked for; raises Failure where a part of it is missing or cannot be."""
    url, key = given.url, os.environ.get("KEY")
    if url is None:
        url, key = _local(given.home)
    if not key:
        raise Failure(
            "KEY is missing: an API key with all scopes, in the environment. "
            "make key OWNER=verify DAYS=1 STACK=nowlater makes one."
        )
    if not re.fullmatch(r"[\x21-\x7e]+", key):
        raise Failure(
            "KEY is not one key: it has a space, a line break or a letter outside ASCII in it. "
            "Copy the line that make key printed, and nothing around it."
        )
    options: dict[str, Any] = {}
    if given.operation:
        options = {"operation": given.operation, "given": _input(given.input)}
    return Asked(
        url=_plain(url),
        key=key,
        origin=given.origin,
        receiver=given.receiver,
        topic=given.topic,
        patience_s=given.patience,
        within_s=given.within,
        **options,
    )


def _plain(url: str) -> str:
    """Return a URL as links begin with it; raises Failure where a key must not be sent there."""
    try:
        parts = urlsplit(url)
        is_url = parts.scheme in ("https", "http") and parts.hostname and parts.port != 0
    except ValueError:
        is_url = False
    if not is_url or parts.query or parts.username or not re.fullmatch(r"\S+", url):
        raise Failure(f"URL has to look like https://api.example.com, and is {url!r}")
    if parts.scheme == "http" and parts.hostname not in _LOOPBACK:
        raise Failure(f"a key is sent over https only, and URL is {url}")
    return parts._replace(netloc=parts.netloc.lower(), fragment="").geturl().rstrip("/")


def _input(text: str) -> dict[str, Any]:
    try:
        given = json.loads(text)
    except ValueError as fault:
        raise Failure(f"INPUT is not JSON: {fault}") from fault
    if not isinstance(given, dict):
        raise Failure("INPUT has to be a JSON object: the operation's arguments by their names")
    return given


def _local(home: Path) -> tuple[str, str]:
    """Return URL and key of the stack that `make up` serves from this folder."""
    try:
        served = json.loads((home / "api.json").read_text())
        return str(served["url"]), str(served["key"])
    except FileNotFoundError as error:
        raise Failure(
            "URL is missing: KEY=nl_… make verify URL=https://…. And make up, "
            "which serves a local stack, does not run in this folder."
        ) from error
    except (OSError, ValueError, LookupError, TypeError) as error:
        raise Failure(
            f"{home / 'api.json'} is not as make up writes it. Stop make up, and start it again."
        ) from error


def _arguments() -> argparse.Namespace:
    shape = argparse.RawDescriptionHelpFormatter
    parser = argparse.ArgumentParser(
        prog="make verify", description=__doc__, epilog=_EXITS, formatter_class=shape
    )
    parser.add_argument("--url", help="the stack's ApiUrl, or its PublicUrl (URL=)")
    parser.add_argument("--origin", help="a web origin that may call, for CORS (ORIGIN=)")
    parser.add_argument("--receiver", help="a URL of yours that takes webhooks (RECEIVER=)")
    parser.add_argument(
        "--topic", metavar="ARN", help="the TopicArn; needs AWS credentials (TOPIC=)"
    )
    parser.add_argument("--operation", help="what is run, else text-stats (OPERATION=)")
    parser.add_argument("--input", default="{}", help="its input, as JSON (INPUT=)")
    parser.add_argument(
        "--patience", type=float, default=60, help="seconds to wait for any one thing (60)"
    )
    parser.add_argument("--within", type=float, default=900, help="seconds for all of it (900)")
    parser.add_argument(
        "--only", metavar="WORDS", default="", help="only guarantees that have this in them"
    )
    parser.add_argument("--home", type=Path, default=Path(".local"), help=argparse.SUPPRESS)
    return parser.parse_args()


def _show(line: str) -> None:
    print(line, file=sys.stderr, flush=True)


def _interrupt(_signal: int, _frame: FrameType | None) -> None:
    raise KeyboardInterrupt


if __name__ == "__main__":
    sys.exit(main())
