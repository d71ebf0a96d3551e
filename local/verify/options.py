"""The options of `make verify`: read from the command line and the environment, and checked."""

import argparse
import json
import os
import re
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from local.failure import Failure

#: The operations to run unless another is named: a sample or, without samples, a diagnostic one.
TEXT_STATS, ECHO = "text-stats", "echo"
_EXIT_STATUS = """
exit status: 0 every guarantee that was checked holds, 1 one does not hold, 2 the checks could not begin,
130 it was interrupted (Ctrl-C), after it has cleaned up
"""
_LOOPBACK = ("localhost", "127.0.0.1", "::1")


@dataclass(frozen=True)
class Options:
    """What to verify, and how."""

    url: str
    key: str = field(repr=False)
    origin: str | None = None
    receiver: str | None = None
    topic: str | None = None
    operation: str = TEXT_STATS
    input: dict[str, Any] = field(default_factory=lambda: {"text": "To be, or not to be."})
    #: How long to wait for any one thing: a job's end, a notification, a job in a list.
    patience_s: float = 60
    #: How long all checks together may take.
    within_s: float = 900


def parse_arguments(description: str | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="make verify",
        description=description,
        epilog=_EXIT_STATUS,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--url", help="the stack's ApiUrl, or its PublicUrl (URL=)")
    parser.add_argument("--stack", help=argparse.SUPPRESS)
    parser.add_argument("--origin", help="a web origin that may call, for CORS (ORIGIN=)")
    parser.add_argument("--receiver", help="your URL that accepts webhooks (RECEIVER=)")
    parser.add_argument(
        "--topic", metavar="ARN", help="the TopicArn; needs AWS credentials (TOPIC=)"
    )
    parser.add_argument(
        "--operation", help="the operation to run, by default text-stats or echo (OPERATION=)"
    )
    parser.add_argument("--input", default="{}", help="the operation's input, as JSON (INPUT=)")
    parser.add_argument(
        "--patience", type=float, default=60, help="seconds to wait for any one thing (60)"
    )
    parser.add_argument("--within", type=float, default=900, help="seconds for all checks (900)")
    parser.add_argument(
        "--only", metavar="TEXT", default="", help="check only guarantees that contain this text"
    )
    parser.add_argument("--home", type=Path, default=Path(".local"), help=argparse.SUPPRESS)
    return parser.parse_args()


def read_options(arguments: argparse.Namespace) -> Options:
    """Return the options; raises Failure if one is missing or wrong."""
    url, key = arguments.url, os.environ.get("KEY")
    if url is None and arguments.stack:
        raise Failure(
            f"URL is missing: STACK={arguments.stack} does not say where to check. The URL is the stack's "
            f"output ApiUrl, or its PublicUrl: KEY=nl_… make verify URL=https://…"
        )
    if url is None:
        url, key = read_local(arguments.home)
    if not key:
        raise Failure(
            "KEY is missing: set the environment variable KEY to an API key with all scopes. "
            "make key OWNER=verify DAYS=1 STACK=nowlater makes one."
        )
    if not re.fullmatch(r"[\x21-\x7e]+", key):
        raise Failure(
            "KEY is not one key: it has a space, a line break or a letter outside ASCII in it. "
            "Copy only the line that make key has printed."
        )
    operation: dict[str, Any] = {}
    if arguments.operation:
        operation = {"operation": arguments.operation, "input": _read_input(arguments.input)}
    return Options(
        url=normalize_url(url),
        key=key,
        origin=arguments.origin,
        receiver=arguments.receiver,
        topic=arguments.topic,
        patience_s=arguments.patience,
        within_s=arguments.within,
        **operation,
    )


def normalize_url(url: str) -> str:
    """Return a URL in the form that links begin with; raises Failure if a key must not be sent there."""
    try:
        parts = urlsplit(url)
        is_url = parts.scheme in ("https", "http") and parts.hostname and parts.port != 0
    except ValueError:
        is_url = False
    if not is_url or parts.query or parts.username or not re.fullmatch(r"\S+", url):
        raise Failure(f"URL must have the form https://api.example.com, and is {url!r}.")
    if parts.scheme == "http" and parts.hostname not in _LOOPBACK:
        raise Failure(f"A key is sent over https only, and URL is {url}.")
    return parts._replace(netloc=parts.netloc.lower(), fragment="").geturl().rstrip("/")


def read_local(home: Path) -> tuple[str, str]:
    """Return URL and key of the stack that `make up` serves from this folder."""
    try:
        served = json.loads((home / "api.json").read_text())
        return str(served["url"]), str(served["key"])
    except FileNotFoundError as error:
        raise Failure(
            "URL is missing: KEY=nl_… make verify URL=https://…. Without a URL, the local stack of "
            "make up is verified, and make up does not run in this folder."
        ) from error
    except (OSError, ValueError, LookupError, TypeError) as error:
        raise Failure(
            f"{home / 'api.json'} is not as make up writes it. Stop make up, and start it again."
        ) from error


def _read_input(text: str) -> dict[str, Any]:
    try:
        value = json.loads(text)
    except ValueError as fault:
        raise Failure(f"INPUT is not JSON: {fault}") from fault
    if not isinstance(value, dict):
        raise Failure("INPUT must be a JSON object: the operation's arguments by name.")
    return value
