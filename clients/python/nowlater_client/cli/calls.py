"""Commands that send inputs: call, submit, upload."""

from __future__ import annotations

import sys
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path
from typing import Any, TypeVar

import click

from nowlater_client import Job
from nowlater_client.cli import batch, show
from nowlater_client.cli.arguments import (
    OPERATION,
    Duration,
    Seconds,
    When,
    explained,
    read_input,
    source_at,
    tags,
)
from nowlater_client.cli.completion import complete_member
from nowlater_client.cli.output import OUTPUT, Output, write
from nowlater_client.cli.program import cli, connect, says_that_it_continues
from nowlater_client.core import MAX_HYBRID_S, new_key

F = TypeVar("F", bound=Callable[..., Any])
_JOB = (
    click.option("--deadline", type=When(), help="A duration or time: 15m, 2026-12-01T12:00:00Z."),
    click.option("--start", type=When(), help="Not before this duration or time."),
    click.option("--retention", type=Duration(), help="How long the ended job can be read: 7d."),
    click.option("--tag", "-t", "tags", multiple=True, metavar="NAME:VALUE", help="May repeat."),
    click.option("--callback", metavar="URL", help="Send a signed webhook there."),
    click.option("--key", metavar="TEXT", help="The idempotency key; the same one: the same job."),
)
_INPUT = (
    OPERATION,
    click.argument(
        "members",
        nargs=-1,
        metavar="[NAME=TEXT|NAME:=JSON|NAME@FILE]…",
        shell_complete=complete_member,
    ),
    click.option(
        "--input",
        "-i",
        "source",
        metavar="FILE",
        help="The input as JSON; -: stdin.",
    ),
)

_LATE = "With --wait or --deadline it is a job, which continues after --timeout."


def added(*options: Callable[[F], F]) -> Callable[[F], F]:
    """Return a decorator that adds options in this order."""

    def add(command: F) -> F:
        for option in reversed(options):
            command = option(command)
        return command

    return add


def terms(given: dict[str, Any]) -> dict[str, Any]:
    """Return the options of a job that were given."""
    found = {name: value for name, value in given.items() if value is not None and value != ()}
    return found | ({"tags": tags(found["tags"])} if found.get("tags") else {})


@cli.command()
@added(*_INPUT)
@click.option(
    "--wait",
    type=Seconds(0, MAX_HYBRID_S),
    help="Make a job, and wait so long at the hybrid door.",
)
@click.option("--timeout", type=Seconds(0, min_open=True), help="Give up after so many seconds.")
@OUTPUT
@added(*_JOB)
def call(
    operation: str,
    members: tuple[str, ...],
    source: str | None,
    wait: float | None,
    timeout: float | None,
    output: str | None,
    **given: Any,
) -> None:
    """Run an operation, and print its result.

    It goes to the sync door. With --wait or an option of jobs, or if the operation needs it, it is a job,
    which continues after --timeout.

    \b
    Examples:
      nowlater call text-stats text="To be." top:=1
      nowlater call thumbnail image@photo.jpg width:=200 -o small.png
      echo '{"text": "To be."}' | nowlater call text-stats --input -
      nowlater call csv-profile csv@big.csv --deadline 1h --tag order:42
    """
    client, body, options = connect(), read_input(members, source), terms(given)
    found, is_job = list[Job](), wait is not None or bool(options)
    again, late = f"nowlater jobs --operation {operation} -n 1", _LATE if timeout else ""
    if is_job:  # without --wait, the job is only submitted: its id is known at once
        options = {"wait": wait or 0, "key": new_key(), **options}
        again, late = f"the same command with --key {options['key']}", ""
    with ExitStack() as stack:
        stack.enter_context(says_that_it_continues(found, f"Find it:  {again}"))
        stack.enter_context(explained(client, operation, members, late))
        if is_job and sys.stderr.isatty():
            options["on_progress"] = stack.enter_context(show.Following(found)).see
        result = client.call(operation, body, timeout=timeout, **options)
    try:
        write(result, output)
    except BrokenPipeError:
        raise
    except OSError as error:
        again = f"nowlater result {found[-1].id} -o FILE" if found else again
        kept = f" The result is kept. Get it:  {again}" if is_job else ""
        raise click.ClickException(f"{error}.{kept}") from error


@cli.command()
@added(*_INPUT)
@click.option(
    "--from", "lines", type=click.Path(exists=True, dir_okay=False), help="Inputs: JSON Lines."
)
@click.option("--out", type=Output(), help="With --from: write the results there.")
@click.option(
    "--concurrency",
    type=click.IntRange(min=1),
    default=100,
    show_default=True,
    help="With --from: unfinished jobs.",
)
@added(*_JOB)
def submit(
    operation: str,
    members: tuple[str, ...],
    source: str | None,
    lines: str | None,
    out: str | None,
    concurrency: int,
    **given: Any,
) -> None:
    """Submit a job, and print it; with --from, a job for each line.

    With --from, the results are gathered in a file. The command can be stopped at any time: the same
    command continues where it was, with the same jobs (for 24 hours). Until all have ended, OUT.part has
    the results. Results that are files are in the folder OUT.files, which the lines name.

    \b
    Examples:
      nowlater submit csv-profile csv@big.csv --deadline 1h
      nowlater submit text-stats --from in.jsonl --out out.jsonl --tag batch:7
    """
    client = connect()
    if lines is not None:
        if out in (None, "-") or members or source or given["key"] is not None:
            raise click.UsageError("--from needs --out FILE, and takes no input and no --key.")
        with explained(client, operation):
            batch.run(client, operation, Path(lines), Path(f"{out}"), concurrency, terms(given))
        return
    if out is not None:
        raise click.UsageError("--out needs --from.")
    options = {"key": new_key(), **terms(given)}
    known = f"Find it:  the same command with --key {options['key']}"
    with says_that_it_continues([], known), explained(client, operation, members):
        job = client.submit(operation, read_input(members, source), **options)
    if show.is_terminal():
        show.table([show.job_row(job)], show.JOB_TITLES)
        show.note(f"Follow it:  nowlater watch {job.id}")
    else:
        show.value(job.raw)


@cli.command()
@click.argument("path", metavar="FILE")
@click.option("--media-type", metavar="TYPE", help="Such as text/csv; else it is guessed.")
def upload(path: str, media_type: str | None) -> None:
    """Upload a file, and print what an input needs to refer to it.

    `call` and `submit` upload by themselves. An upload can be used for 70 days. FILE may be -: stdin.

    \b
    Example:
      nowlater call csv-profile csv:="$(nowlater upload big.csv)"
    """
    source = source_at(path, path)
    if isinstance(source, Path) and not source.stat().st_size:
        raise click.UsageError(f"{path} is empty. An empty file needs no upload: NAME@{path}")
    show.value({"upload": connect().upload(source, media_type).id})
