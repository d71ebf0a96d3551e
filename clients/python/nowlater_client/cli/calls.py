"""Commands about operations: call, submit, upload, ops, op; and profiles and completion."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import click

from nowlater_client import Client, File
from nowlater_client.cli import batch, profiles, show
from nowlater_client.cli.arguments import When, complete_operation, read_input, tags
from nowlater_client.cli.program import cli, connect, says_that_it_continues
from nowlater_client.core import new_key

F = TypeVar("F", bound=Callable[..., Any])
_JOB = (
    click.option("--deadline", type=When(), help="A duration or time: 15m, 2026-12-01T12:00:00Z."),
    click.option("--start", type=When(), help="Not before this duration or time."),
    click.option("--retention", type=When(), help="How long the ended job can be read: 7d."),
    click.option("--tag", "-t", "tags", multiple=True, metavar="NAME:VALUE", help="May repeat."),
    click.option("--callback", metavar="URL", help="Send a signed webhook there."),
    click.option("--key", metavar="TEXT", help="The idempotency key; the same one: the same job."),
)
_INPUT = click.option(
    "--input", "-i", "source", metavar="FILE", help="The input as JSON; -: stdin."
)
_OPERATION = click.argument("operation", shell_complete=complete_operation)


def job_options(command: F) -> F:
    """Add the options of a job."""
    for option in reversed(_JOB):
        command = option(command)
    return command


def terms(given: dict[str, Any]) -> dict[str, Any]:
    """Return the options of a job that were given."""
    found = {name: value for name, value in given.items() if value is not None and value != ()}
    return found | ({"tags": tags(found["tags"])} if found.get("tags") else {})


@cli.command()
@_OPERATION
@click.argument("members", nargs=-1, metavar="[NAME=TEXT|NAME:=JSON|NAME@FILE]…")
@_INPUT
@click.option(
    "--wait", type=float, help="Make a job, and wait so long at the hybrid door (0-25 s)."
)
@click.option("--timeout", type=float, help="Seconds until the command gives up; a job continues.")
@click.option(
    "--output",
    "-o",
    type=click.Path(dir_okay=False, allow_dash=True),
    help="Write the result to a file; -: stdout.",
)
@job_options
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

    It goes to the sync door. With --wait or an option of jobs, or if the operation needs it, it is a job.

    \b
    Examples:
      nowlater call text-stats text="To be." top:=1
      nowlater call thumbnail image@photo.jpg width:=200 -o small.png
      echo '{"text": "To be."}' | nowlater call text-stats --input -
      nowlater call csv-profile csv@big.csv --deadline 1h --tag order:42
    """
    client, ids = connect(), list[str]()
    body = read_input(members, source)
    asked = terms(given)
    check_output(output)
    if wait is not None or asked:
        asked["on_progress"] = lambda job: ids.append(job.id)
    with says_that_it_continues(ids):
        result = client.call(operation, body, wait=wait, timeout=timeout, **asked)
    try:
        write(result, output)
    except OSError as error:
        again = f" The result is kept:  nowlater result {ids[-1]} -o FILE" if ids else ""
        raise click.ClickException(f"{error}.{again}") from error


def check_output(output: str | None) -> None:
    """Refuse a file that cannot be written, before an operation runs."""
    folder = Path(output or ".").parent
    if not folder.is_dir() or not os.access(folder, os.W_OK):
        raise click.UsageError(f"--output: no file can be written in {str(folder)!r}.")


def write(result: Any, output: str | None) -> None:
    """Print a result, or write it to a file; bytes are not printed on a terminal."""
    if output == "-":
        content = result if isinstance(result, bytes) else json.dumps(result, indent=2).encode()
        sys.stdout.buffer.write(content)
    elif output is not None:
        content = result if isinstance(result, bytes) else json.dumps(result, indent=2).encode()
        part = Path(f"{output}.{new_key()[:8]}.part")
        try:
            part.write_bytes(content)
            part.replace(output)
        finally:
            part.unlink(missing_ok=True)
        show.note(f"{output}: {len(content):,} bytes")
    elif not isinstance(result, File):
        show.value(result)
    elif show.is_terminal():
        raise click.ClickException(f"The result is a file ({result.media_type}): use -o FILE.")
    else:
        sys.stdout.buffer.write(result)


@cli.command()
@_OPERATION
@click.argument("members", nargs=-1, metavar="[NAME=TEXT|NAME:=JSON|NAME@FILE]…")
@_INPUT
@click.option(
    "--from", "lines", type=click.Path(exists=True, dir_okay=False), help="Inputs: JSON Lines."
)
@click.option(
    "--out", type=click.Path(dir_okay=False), help="With --from: write the results there."
)
@click.option(
    "--concurrency",
    type=click.IntRange(min=1),
    default=100,
    show_default=True,
    help="With --from: unfinished jobs.",
)
@job_options
def submit(
    operation: str,
    members: tuple[str, ...],
    source: str | None,
    lines: str | None,
    out: str | None,
    concurrency: int,
    **given: Any,
) -> None:
    """Submit a job, and print it; with --from, a job for each line, and gather their results.

    With --from, the command can be stopped at any time: the same command continues where it was, with
    the same jobs (for 24 hours). Until all have ended, OUT.part has the results.

    \b
    Examples:
      nowlater submit csv-profile csv@big.csv --deadline 1h
      nowlater submit text-stats --from in.jsonl --out out.jsonl --tag batch:7
    """
    client = connect()
    if lines is None:
        if out is not None:
            raise click.UsageError("--out needs --from.")
        with says_that_it_continues([]):
            job = client.submit(operation, read_input(members, source), **terms(given))
        if show.is_terminal():
            show.table([show.job_row(job)], show.JOB_TITLES)
            show.note(f"Follow it:  nowlater watch {job.id}")
        else:
            show.value(job.raw)
        return
    if out is None or members or source or given["key"]:
        raise click.UsageError("--from needs --out, and takes no input and no --key.")
    batch.run(client, operation, Path(lines), Path(out), concurrency, terms(given))


@cli.command()
@click.argument("path", type=click.Path(exists=True, dir_okay=False))
@click.option("--media-type", help="Its type; else by its name.")
def upload(path: str, media_type: str | None) -> None:
    """Upload a file, and print what an input needs to refer to it.

    `call` and `submit` upload by themselves. An upload can be used for 70 days.

    \b
    Example:
      nowlater upload big.csv
      nowlater call csv-profile csv:='{"upload": "cba25ee28a99…"}'
    """
    show.value({"upload": connect().upload(path, media_type).id})


@cli.command()
def ops() -> None:
    """List the operations.

    \b
    Example:
      nowlater ops
    """
    found = connect().operations()
    titles = ("OPERATION", "DOORS", "DESCRIPTION")
    show.listing(found, lambda one: (one.name, " ".join(one.doors), one.description), titles)


@cli.command()
@click.argument("name", shell_complete=complete_operation)
def op(name: str) -> None:
    """Show an operation: what it does, its input, limits and run times, and a call to paste.

    \b
    Example:
      nowlater op text-stats
    """
    one = connect().operation(name)
    if not show.is_terminal():
        show.value(one.raw)
        return
    click.secho(one.name, bold=True)
    click.echo(click.wrap_text(one.description, show.width()) + "\n")
    schema = one.input or {}
    rows = [
        (
            member,
            _kind(part),
            "required" if member in schema.get("required", []) else "",
            _said(part),
        )
        for member, part in schema.get("properties", {}).items()
    ]
    if rows:
        show.table(rows, ("INPUT", "TYPE", "", ""))
    limits, runs = one.limits or {}, one.run_time
    click.echo(
        f"\nLimits: {limits.get('timeout_s')} s an attempt, {limits.get('attempts')} attempts"
    )
    if runs is not None and runs.runs:
        click.echo(
            f"Took:   {runs.p50_s:.2g} s (median), {runs.p90_s:.2g} s (90 %), of {runs.runs} runs"
        )
    click.echo(f"\n  nowlater call {one.name} {_example(schema)}".rstrip())


def _kind(part: dict[str, Any]) -> str:
    kind = part.get("type") or ("choice" if "enum" in part else "file or JSON")
    return " or ".join(kind) if isinstance(kind, list) else str(kind)


def _said(part: dict[str, Any]) -> str:
    names = [name for name in ("enum", "minimum", "maximum", "default") if name in part]
    bounds = ", ".join(f"{name} {part[name]}" for name in names)
    return " ".join(text for text in (part.get("description", ""), bounds) if text)


def _example(schema: dict[str, Any]) -> str:
    """Return members to paste: those that the input needs."""
    words = []
    for name in schema.get("required", []):
        part = schema.get("properties", {}).get(name, {})
        kind = _kind(part)
        if kind == "string":
            words.append(f"{name}=…")
        else:
            words.append(f"{name}@FILE" if kind == "file or JSON" else f"{name}:=…")
    return " ".join(words)


@cli.group()
def profile() -> None:
    """Manage profiles: the APIs that you use, and your keys."""


@profile.command()
@click.argument("name")
@click.argument("url")
@click.option("--key", help="Your API key; else it is asked for, or read from a pipe.")
@click.option("--default", is_flag=True, help="Use this profile if nothing else is given.")
def add(name: str, url: str, key: str | None, default: bool) -> None:
    """Store a URL and a key under a name, in a file that only you can read.

    \b
    Example:
      nowlater profile add production https://api.example.com --default
    """
    if key is None:
        key = click.prompt("Key", hide_input=True) if sys.stdin.isatty() else sys.stdin.read()
    if name == "local":
        raise click.UsageError("local is the stack that make up serves. Choose another name.")
    Client(url, key)  # refuses what cannot be a URL or a key
    config = profiles.load()
    config["profiles"][name] = {"url": url, "key": key.strip()}
    if default or len(config["profiles"]) == 1:
        config["default"] = name
    profiles.save(config)
    show.note(f"Stored in {profiles.config_path()}.")


@profile.command("list")
def list_() -> None:
    """List the profiles.

    \b
    Example:
      nowlater profile list
    """
    config = profiles.load()
    names = config["profiles"]
    rows = [
        (n, p["url"], "default" if n == config.get("default") else "") for n, p in names.items()
    ]
    local = profiles.find_local(Path.cwd())
    rows += [("local", local.url, "served by make up")] if local else []
    if rows and show.is_terminal():
        show.table(rows, ("PROFILE", "URL", ""))
    elif not show.is_terminal():
        show.value({name: url for name, url, _ in rows})


@profile.command()
@click.argument("name")
def remove(name: str) -> None:
    """Forget a profile and its key.

    \b
    Example:
      nowlater profile remove production
    """
    config = profiles.load()
    if config["profiles"].pop(name, None) is None:
        raise click.ClickException(f"There is no profile {name!r}.")
    config["default"] = None if config.get("default") == name else config.get("default")
    profiles.save(config)


@cli.command()
@click.argument("shell", type=click.Choice(["bash", "zsh", "fish"]))
def completion(shell: str) -> None:
    """Print the completion of commands, operations and job ids for a shell.

    \b
    Examples:
      nowlater completion bash >> ~/.bashrc
      nowlater completion fish > ~/.config/fish/completions/nowlater.fish
    """
    from click.shell_completion import get_completion_class

    kind = get_completion_class(shell)
    if kind is not None:
        click.echo(kind(cli, {}, "nowlater", "_NOWLATER_COMPLETE").source())
