"""`make verify`: checks a deployed stack from outside, as a caller, and reports which guarantees hold.

It makes about thirty small jobs under the key's owner, and erases them; it ends within minutes. The
key is read from the environment variable KEY, and is never printed. Without a URL, the local stack of
`make up` is verified.
"""

import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

from botocore.exceptions import BotoCoreError, ClientError

from local.failure import Failure
from local.verify import notifications, options, report
from local.verify.begin import begin
from local.verify.caller import Caller
from local.verify.cleaning import clean_up
from local.verify.finding import Check, Finding
from local.verify.run import CHECKS, run


def main() -> int:
    arguments = options.parse_arguments(__doc__)
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, _interrupt)
    try:
        checks = choose(arguments.only)
        api = Caller(options.read_options(arguments))
        begin(api)
        return verify(api, checks)
    except (Failure, BotoCoreError, ClientError) as failure:
        print(failure, file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        print("\ninterrupted; some jobs of this run may remain", file=sys.stderr)
        return 130


def choose(text: str) -> list[Check]:
    """Return the checks whose guarantee contains a text; raises Failure if there are none."""
    chosen = [check for check in CHECKS if text.lower() in check.guarantee.lower()]
    if not chosen:
        raise Failure(f"No guarantee contains {text!r}. Without --only, all guarantees are listed.")
    return chosen


def verify(api: Caller, checks: list[Check]) -> int:
    """Run the checks, clean up, and print the report; return the exit status."""
    findings, is_interrupted = list[Finding](), False
    with _subscribed(api):
        try:
            run(api, findings, _print_progress, checks)
        except KeyboardInterrupt:
            is_interrupted = True
            _print_progress("\ninterrupted; cleaning up (Ctrl-C again stops that too) …")
        except Exception:
            _print_progress(clean_up(api))
            raise
        _print_report(api, findings, clean_up(api))
    if is_interrupted:
        return 130
    return 1 if any(finding.result == "FAILED" for finding in findings) else 0


def _print_report(api: Caller, findings: list[Finding], cleaned_up: str) -> None:
    print(f"\n{report.table(findings)}\n\n{api.options.url}: {report.summary(findings)}.")
    sent = f"{api.requests} requests, {api.repeats} of them repeated."
    print(report.wrap_text(f"{sent} {cleaned_up}"))
    if advice := report.where_to_look(findings, api.failed_requests):
        print(f"\n{advice}")
    sys.stdout.flush()


@contextmanager
def _subscribed(api: Caller) -> Iterator[None]:
    """Subscribe a queue to the topic, if the user has named it; report a queue that remains."""
    if api.options.topic is None:
        yield
        return
    api.inbox = notifications.subscribe(api.options.topic, api.run)
    try:
        yield
    finally:
        try:
            api.inbox.close()
        except (BotoCoreError, ClientError) as fault:
            _print_progress(f"\n{notifications.describe_remaining_queue(api.run, fault)}")


def _print_progress(line: str) -> None:
    print(line, file=sys.stderr, flush=True)


def _interrupt(_signal: int, _frame: FrameType | None) -> None:
    raise KeyboardInterrupt


if __name__ == "__main__":
    sys.exit(main())
