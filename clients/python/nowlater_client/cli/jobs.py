"""Commands about jobs: list, show, watch, results, cancel, retry, erase, webhooks, and why."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Sequence
from datetime import datetime, timezone
from typing import Any, get_args

import click

from nowlater_client import Client, Job, errors, models
from nowlater_client.cli import profiles, show
from nowlater_client.cli.arguments import JobId, Seconds, Since, tags
from nowlater_client.cli.completion import complete_operation
from nowlater_client.cli.output import OUTPUT, target, write
from nowlater_client.cli.program import (
    CANCELED,
    FAILED,
    REFUSED,
    cli,
    connect,
    message_of,
    says_that_it_continues,
)
from nowlater_client.core import Action

_STATUSES = get_args(models.Status)
_ID = click.argument("job_id", metavar="ID", type=JobId())
_TIMEOUT = click.option(
    "--timeout",
    type=Seconds(0, min_open=True),
    help="Give up after so many seconds; the job continues.",
)
_FILTERS = (
    click.option("--status", "-s", multiple=True, type=click.Choice(_STATUSES), help="May repeat."),
    click.option("--operation", shell_complete=complete_operation, help="Of one operation."),
    click.option("--tag", "-t", multiple=True, metavar="NAME:VALUE", help="May repeat."),
    click.option("--since", type=Since(), help="Accepted since a time, or so long ago: 2h."),
)


def filters(command: Any) -> Any:
    """Add the filters of a list."""
    for option in reversed(_FILTERS):
        command = option(command)
    return command


def _query(
    status: tuple[str, ...], operation: str | None, tag: tuple[str, ...], since: datetime | None
) -> dict[str, Any]:
    return {"status": [*status] or None, "operation": operation, "tags": tags(tag), "since": since}


@cli.command()
@filters
@click.option(
    "--limit",
    "-n",
    type=click.IntRange(min=0),
    default=20,
    show_default=True,
    help="At most so many; 0: all.",
)
def jobs(limit: int, **given: Any) -> None:
    """List your jobs, newest first.

    \b
    Examples:
      nowlater jobs --status failed --since 2h
      nowlater --json jobs --tag order:42 --limit 0
    """
    found = connect().jobs(limit=limit or None, **_query(**given))
    if not show.listing(found, show.job_row, show.JOB_TITLES):
        show.note("No jobs match.")


@cli.command()
@_ID
def job(job_id: str) -> None:
    """Show a job.

    \b
    Example:
      nowlater job 01a20eff-13a8-723c-a1e0-0187f181401b
    """
    found = connect().job(job_id)
    if not show.is_terminal():
        show.value(found.raw)
        return
    names = (
        "id",
        "operation",
        "status",
        "attempt",
        "created",
        "started",
        "ended",
        "deadline",
        "expires",
    )
    rows = [(name, str(found.raw.get(name) or "")) for name in names]
    rows += [("progress", show.progress_text(found))] if found.progress else []
    rows += [("expected end", str(found.estimate.finish))] if found.estimate else []
    rows += [("slack", show.span(found.slack))] if not found.has_ended else []
    rows += [("tag", f"{name}:{value}") for name, value in found.tags.items()]
    rows += [("error", f"{found.error.code}: {found.error.detail}")] if found.error else []
    for name, text in rows:
        if text:
            show.echo(f"{name:<13} {text}")
    if found.raw.get("result") is not None:
        text = json.dumps(found.raw["result"], ensure_ascii=False)
        show.echo(f"{'result':<13} {show.shortened(text, max(20, show.width() - 14))}")


@cli.command()
@_ID
@_TIMEOUT
def watch(job_id: str, timeout: float | None) -> None:
    """Follow a job to its end.

    A bar shows its progress, its expected end, and the slack to its deadline. Ctrl-C leaves it alone.

    \b
    Example:
      nowlater watch 01a20eff-13a8-723c-a1e0-0187f181401b
    """
    found = connect().job(job_id)
    with says_that_it_continues([found]), show.Following([found]) as live:
        for _ in found.events(timeout):
            live.update()
    if not show.is_terminal():
        show.value(found.raw)
    if found.error is not None:
        show.note(f"Error: {message_of(found.error)}")
        click.get_current_context().exit(CANCELED if found.status == "canceled" else FAILED)
    if show.is_terminal():
        show.note(f"Get the result:  nowlater result {job_id}")


@cli.command()
@_ID
@_TIMEOUT
@OUTPUT
def result(job_id: str, timeout: float | None, output: str | None) -> None:
    """Wait for a job's end, and print its result.

    \b
    Examples:
      nowlater result 01a20eff-13a8-723c-a1e0-0187f181401b
      nowlater result 01a20eff-13a8-723c-a1e0-0187f181401b -o small.png
    """
    found = connect().job(job_id)
    with says_that_it_continues([found]):
        if output is None:
            write(found.result(timeout), None)
            return
        found.download(target(output), timeout)
    if output != "-":
        show.note(f"{output} is written.")


def _action(action: Action, does: str, done: str, statuses: tuple[str, ...]) -> Callable[..., None]:
    """Return the command that does something with the jobs named, or with all that match."""

    def command(job_ids: tuple[str, ...], all_: bool, yes: bool, **given: Any) -> None:
        client, refused = connect(), 0
        if bool(job_ids) == all_:
            raise click.UsageError("Name jobs, or use --all with or without filters.")
        if all_:
            found = _matching(client, statuses, given)
            _confirm(f"{action.capitalize()} {len(found)} jobs of {client.url}?", len(found), yes)
        else:
            found, refused = _named(client, job_ids, action)
        for outcome in client.for_each(action, found):
            refused += not _report(outcome.input, outcome.value, outcome.error, done)
        if refused:
            click.get_current_context().exit(REFUSED)

    command.__name__ = action
    command.__doc__ = (
        f"{does}\n\nThose that are named, or with --all those that match the filters; it shows their "
        f"number, and asks.\n\n\b\n"
        f"Examples:\n  nowlater {action} 01a20eff-13a8-723c-a1e0-0187f181401b\n"
        f"  nowlater {action} --all --tag batch:7 --status {statuses[-1]}"
    )
    return command


def _named(client: Client, job_ids: Sequence[str], action: str) -> tuple[list[Job], int]:
    """Return the jobs with these ids, and how many of the others there is an error about."""
    found, refused = list[Job](), 0
    for job_id in job_ids:
        try:
            found.append(client.job(job_id))
        except errors.JobExpired as error:
            refused += action != "erase"
            show.note(
                f"{job_id}: it is erased."
                if action == "erase"
                else f"{job_id}: {message_of(error)}"
            )
        except errors.UnknownJob as error:
            refused += 1
            show.note(f"{job_id}: {message_of(error)}")
    return found, refused


def _matching(client: Client, statuses: tuple[str, ...], given: dict[str, Any]) -> list[Job]:
    """Return the jobs that match the filters, and with which this can be done."""
    chosen = given.pop("status")
    listed = client.jobs(**_query(status=chosen if len(chosen) == 1 else (), **given))
    return [
        job for job in listed if job.status in statuses and (not chosen or job.status in chosen)
    ]


def _confirm(question: str, count: int, yes: bool) -> None:
    if not count:
        show.note("No jobs match.")
        click.get_current_context().exit(0)
    if not yes and not click.get_text_stream("stdin").isatty():
        raise click.UsageError(f"{question} There is no terminal to ask on: add --yes.")
    if not yes:
        click.confirm(question, abort=True, err=True)


def _report(job: Job, value: Any, error: Any, done: str) -> bool:
    """Print what has become of a job; return whether nothing is left to do."""
    if error is not None:
        show.note(f"{job.id}: {message_of(error)}")
    elif show.is_terminal():
        more = f" as {value.id}" if done == "submitted again" else ""
        show.echo(f"{job.id} {job.operation} {done}{more}")
    else:
        show.value(value.raw if isinstance(value, models.JobState) else {"id": job.id})
    return error is None or isinstance(error, errors.AlreadyEnded)


def _add_actions() -> None:
    ended = models.ENDED
    actions: list[tuple[Action, str, str, tuple[str, ...]]] = [
        ("cancel", "Cancel unfinished jobs.", "canceled", ("scheduled", "running", "queued")),
        (
            "retry",
            "Submit ended jobs again.",
            "submitted again",
            ("succeeded", "canceled", "failed"),
        ),
        ("erase", "Erase ended jobs, with input and result.", "erased", ended),
    ]
    for action, does, done, statuses in actions:
        command: Any = _action(action, does, done, statuses)
        command = click.option("--yes", "-y", is_flag=True, help="Do not ask.")(command)
        command = filters(command)
        command = click.option("--all", "all_", is_flag=True, help="All that match the filters.")(
            command
        )
        argument = click.argument("job_ids", nargs=-1, metavar="[ID]…", type=JobId())
        cli.command(action)(argument(command))


_add_actions()


@cli.command()
@click.argument("job_id", metavar="[ID]", required=False, type=JobId())
@click.option("--state", multiple=True, type=click.Choice(["waiting", "delivered", "given-up"]))
@click.option("--since", type=Since(), help="Of jobs accepted since a time, or so long ago: 2h.")
def deliveries(job_id: str | None, state: tuple[str, ...], since: datetime | None) -> None:
    """Show webhooks: of a job, with its attempts, or of all.

    \b
    Examples:
      nowlater deliveries 01a20eff-13a8-723c-a1e0-0187f181401b
      nowlater deliveries --state given-up --since 3d
    """

    def row(one: models.Delivery) -> tuple[str, ...]:
        last = one.attempts[-1] if one.attempts else None
        response = "" if last is None else str(last.status or (last.failure or {}).get("name"))
        job = one.job or f"{job_id}"
        return job, f"{one.number}", one.state, f"{one.count}", response, one.url

    client = connect()
    if job_id:
        found: Iterable[models.Delivery] = client.job(job_id).deliveries()
    else:
        found = client.deliveries(state=[*state], since=since)
    if not show.listing(found, row, ("JOB", "#", "STATE", "TRIES", "LAST", "URL")):
        show.note("There are no webhooks of ended jobs.")


@cli.command()
@filters
def counts(**given: Any) -> None:
    """Count your jobs by operation and status.

    \b
    Example:
      nowlater counts --since 1d --tag customer:7
    """
    found = connect().counts(**_query(**given))
    if show.is_terminal() and found:
        rows = [(one["operation"], one["status"], f"{one['jobs']}") for one in found]
        show.table(rows, ("OPERATION", "STATUS", "JOBS"))
    for one in [] if show.is_terminal() else found:
        show.value(one)


@cli.command()
def lanes() -> None:
    """Show what waits and runs in the two lanes.

    \b
    Example:
      nowlater lanes
    """
    found = connect().lanes()
    if not show.is_terminal():
        show.value(found)
        return
    rows = []
    for one in found["lanes"]:
        yours = one["yours"]
        numbers = (one["waiting"], one["in_flight"], one["delayed"], one["concurrency"])
        mine = (yours["queued"], yours["running"])
        rows.append((one["lane"], *(f"{number}" for number in (*numbers, *mine))))
    titles = ("LANE", "WAITING", "IN FLIGHT", "DELAYED", "AT ONCE", "YOUR QUEUED", "YOUR RUNNING")
    show.table(rows, titles)


@cli.command()
@_ID
@click.argument("number", type=click.IntRange(min=1), default=1)
def replay(job_id: str, number: int) -> None:
    """Send the job's webhook again, with the same id.

    \b
    Example:
      nowlater replay 01a20eff-13a8-723c-a1e0-0187f181401b
    """
    found = connect().job(job_id).replay(number)
    if show.is_terminal():
        show.echo(f"It is sent again to {found.url}. See:  nowlater deliveries {job_id}")
    else:
        show.value(found.raw)


@cli.command()
@_ID
@click.option("--log-group", help="The log group of the stack (output LogGroupName).")
def why(job_id: str, log_group: str | None) -> None:
    """Say why a job waits or failed.

    It shows the job's state, its attempts, and the last traceback in the log. The log is read if boto3 is installed, and the stack is local or --log-group is given.

    \b
    Examples:
      nowlater why 01a20eff-13a8-723c-a1e0-0187f181401b
      nowlater why 01a20eff-13a8-723c-a1e0-0187f181401b --log-group NAME
    """
    found = connect().job(job_id)
    target = profiles.find(click.get_current_context().find_root().params.get("profile"))
    reason = {"job": found.id, "status": found.status, "why": _reason(found)}
    attempts = found.raw.get("attempts") or []
    traceback = _traceback(target, found, log_group)
    if not show.is_terminal():
        show.value({**reason, "attempts": attempts, "traceback": traceback})
        return
    show.echo(reason["why"])
    for one in attempts:
        detail = f": {one['detail']}" if one["detail"] else ""
        show.echo(
            f"  attempt {one['number']}  {one['started']}  {one['outcome'] or 'runs'}{detail}"
        )
    if traceback:
        show.echo(f"\n{traceback}")


def _reason(job: Job) -> str:
    """Return in a sentence why a job is in its state."""
    now = datetime.now(timezone.utc)
    if job.error is not None:
        ended = "was canceled" if job.status == "canceled" else "failed"
        return f"It {ended}: {job.error.detail}"
    if job.status == "succeeded":
        return "It succeeded."
    if job.status == "scheduled":
        return f"It waits for its start, at {job.start_at or job.not_before}."
    if job.status == "running":
        return f"It runs since {job.started}: {show.progress_text(job)}."
    if job.not_before is not None and job.not_before > now:
        return f"Its last attempt did not succeed. The next one starts at {job.not_before}."
    waiting = job.estimate.rests_on.waiting if job.estimate else None
    before = "" if waiting is None else f": {waiting} jobs wait for the same workers"
    again = f", after {job.attempt} attempts" if job.attempt else ""
    return f"It waits for a worker since {show.age(job.updated)}{again}{before}."


def _traceback(target: profiles.Target, job: Job, log_group: str | None) -> str | None:
    """Return the last traceback that the stack logged for a job, where the log can be read."""
    endpoint = target.more.get("endpoint")
    if not (endpoint or log_group):
        return None
    try:
        import boto3  # type: ignore[import-untyped, unused-ignore]
        from botocore.exceptions import BotoCoreError, ClientError
    except ImportError:
        return "The log was not read: boto3 is not installed."
    fake: dict[str, Any] = {
        "aws_access_key_id": "test",
        "aws_secret_access_key": "test",
        "region_name": "us-east-1",
    }
    session: Any = boto3.Session(**(fake if endpoint else {}))
    try:
        if endpoint and not log_group:
            stacks = session.client("cloudformation", endpoint_url=endpoint)
            (stack,) = stacks.describe_stacks(StackName="nowlater")["Stacks"]
            outputs = {one["OutputKey"]: one["OutputValue"] for one in stack["Outputs"]}
            log_group = outputs["LogGroupName"]
        logs = session.client("logs", endpoint_url=endpoint)
        since = int(job.created.timestamp() * 1000)
        query = {"logGroupName": log_group, "startTime": since, "filterPattern": f'"{job.id}"'}
        events = [
            e
            for page in logs.get_paginator("filter_log_events").paginate(**query)
            for e in page["events"]
        ]
    except (BotoCoreError, ClientError, ValueError) as error:
        return f"The log was not read: {error}"
    found = [
        _exception(line) for e in events for line in e["message"].splitlines() if job.id in line
    ]
    return next((text for text in reversed(found) if text), None)


def _exception(line: str) -> str:
    try:
        return str(json.loads(line).get("exception") or "")
    except ValueError:
        return ""
