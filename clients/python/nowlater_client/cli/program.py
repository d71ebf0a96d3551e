"""The program: its options, what it prints of errors, and its exit codes."""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import click
from click.utils import PacifyFlushWrapper

from nowlater_client import Client, Job, NowlaterError, WaitTimeout, __version__
from nowlater_client.cli import profiles, show
from nowlater_client.cli.completion import complete_profile
from nowlater_client.errors import Canceled

#: Exit codes: 0 success, 2 wrong usage (Click's), and these.
REFUSED, FAILED, CANCELED, CONTINUES, INTERRUPTED, TERMINATED = 1, 3, 4, 5, 130, 143


class Help(click.Group):
    """A group that lists its commands in the order in which they were added."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(self.commands)


@click.group(
    cls=Help,
    context_settings={"help_option_names": ["-h", "--help"]},
    epilog="Exit codes: 0 success, 1 the request failed, 2 wrong usage, 3 a job failed, 4 a job was "
    "canceled, 5 the job continues after --timeout, 130 Ctrl-C.",
)
@click.option(
    "--profile",
    "-p",
    metavar="NAME",
    shell_complete=complete_profile,
    help="The API: a profile, or local.",
)
@click.option("--json", is_flag=True, help="Print JSON on a terminal too.")
@click.version_option(__version__, prog_name="nowlater")
def cli(profile: str | None, json: bool) -> None:
    """Call operations of a nowlater API, and manage jobs.

    The API is the one of --profile or NOWLATER_PROFILE, else of NOWLATER_URL and NOWLATER_KEY, else the
    stack that `make up` serves in this folder or one above, else the default profile.

    On a terminal, results are tables and indented JSON; on a pipe, JSON: one object a line for lists.

    \b
    Example:
      nowlater call text-stats text="To be, or not to be." top:=1
    """


def connect() -> Client:
    """Return a client for the API that was asked for; it is closed when the program ends."""
    context = click.get_current_context()
    target = profiles.find(context.find_root().params.get("profile"))
    return context.with_resource(Client(target.url, target.key))


@contextmanager
def says_that_it_continues(jobs: Sequence[Job], otherwise: str = "") -> Iterator[None]:
    """On Ctrl-C, say that the last of these jobs goes on, and how to follow it; without one, `otherwise`."""
    try:
        yield
    except KeyboardInterrupt:
        click.echo(err=True)
        if not jobs:
            show.note(f"If a job was accepted, it continues. {otherwise}")
        elif jobs[-1].has_ended:
            show.note(f"The job has {jobs[-1].status}. See it:  nowlater job {jobs[-1].id}")
        else:
            show.note(f"The job continues. Follow it:  nowlater watch {jobs[-1].id}")
            show.note(f"End it:                        nowlater cancel {jobs[-1].id}")
        click.get_current_context().exit(INTERRUPTED)


def run() -> None:
    """Run the program, and exit: errors are sentences on stderr."""
    from nowlater_client.cli import calls, jobs, operations, setup  # noqa: F401 - add commands

    color = False if os.environ.get("NO_COLOR") else None
    _open_closed_streams()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(TERMINATED))
    try:
        code: Any = cli.main(prog_name="nowlater", standalone_mode=False, color=color)
        sys.exit(code if isinstance(code, int) else 0)
    except click.ClickException as error:
        error.message = show.plain(error.message)
        error.show()
        sys.exit(error.exit_code)
    except click.Abort:
        sys.exit(INTERRUPTED)
    except NowlaterError as error:
        show.note(f"Error: {message_of(error)}")
        sys.exit(exit_code(error))
    except BrokenPipeError:  # such as `nowlater jobs | head`
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(0)
    except (OSError, ValueError, OverflowError, ImportError) as error:
        show.note(f"Error: {error}")
        sys.exit(REFUSED if isinstance(error, OSError) else 2)  # 2: an argument, a proxy's URL
    except SystemExit:
        if isinstance(sys.stdout, PacifyFlushWrapper):  # Click's, of a broken pipe
            sys.exit(0)
        raise


def _open_closed_streams() -> None:
    """Open standard streams that the caller has closed, as daemons do."""
    for name, mode in (("stdin", "r"), ("stdout", "w"), ("stderr", "w")):
        if getattr(sys, name) is None:
            setattr(sys, name, open(os.devnull, mode))  # noqa: SIM115


#: What to do here about errors whose own advice is for Python.
_ADVICE = {
    "unknown-operation": "nowlater ops lists all.",
    "invalid-input": "nowlater op NAME shows the input.",
    "too-large": "Give large files as name@file: they are uploaded.",
    "result-too-large": "Use --wait 10.",
    "timed-out": "Use --wait 10, or a smaller input.",
    "deadline-unachievable": "Use a later --deadline.",
    "unknown-delivery": "nowlater deliveries ID shows them.",
    "canceled": "nowlater retry ID submits it again.",
}


def message_of(error: NowlaterError) -> str:
    """Return an error's text with what to do about it on the command line."""
    if "client." not in error.advice and "job." not in error.advice:
        return f"{error}"
    advice = _ADVICE.get(error.code or "", "")
    if isinstance(error, WaitTimeout) and error.job_id:
        advice = f"It continues:  nowlater watch {error.job_id}"
    known = f" (request {error.request_id})" if error.request_id else ""
    return f"{error.args[0]} {advice}".strip() + known


def exit_code(error: Exception) -> int:
    """Return the exit code of an error: that of the job's end, if the job has ended."""
    if isinstance(error, WaitTimeout) and error.job_id:
        return CONTINUES
    if isinstance(error, NowlaterError) and error.job_id and error.code not in _NO_END:
        return CANCELED if isinstance(error, Canceled) else FAILED
    return REFUSED


#: Problems about a job that do not say how it ended.
_NO_END = {
    None,
    "unknown-job",
    "job-expired",
    "unfinished",
    "already-ended",
    "unknown-delivery",
} | {
    *("missing-scope", "try-again", "too-many-jobs", "idempotency-key-reused", "unknown-operation")
}
