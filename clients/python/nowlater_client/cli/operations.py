"""Commands about operations: ops, op."""

from __future__ import annotations

from typing import Any

import click

from nowlater_client import models
from nowlater_client.cli import show
from nowlater_client.cli.arguments import OPERATION, explained
from nowlater_client.cli.program import cli, connect
from nowlater_client.cli.schema import bounds, example, kinds


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
@OPERATION
def op(operation: str) -> None:
    """Show an operation, its input, and a call to paste.

    \b
    Example:
      nowlater op text-stats
    """
    client = connect()
    with explained(client, operation):
        one = client.operation(operation)
    if not show.is_terminal():
        show.value(one.raw)
        return
    click.secho(show.plain(one.name), bold=True)
    show.paragraph(one.description or "")
    _show_input(one.input or {})
    _show_times(one)
    show.echo(f"\n  nowlater call {one.name} {example(one.input or {})}".rstrip())


def _show_input(schema: dict[str, Any]) -> None:
    """Print a line for each member, with its description and bounds below."""
    if schema.get("properties"):
        click.secho("\nInput", bold=True)
    for name, part in schema.get("properties", {}).items():
        is_needed = name in schema.get("required", [])
        show.echo(f"  {name}  {' or '.join(kinds(part))}{', required' if is_needed else ''}")
        show.paragraph(part.get("description", ""), "      ")
        show.paragraph(bounds(part), "      ")


def _show_times(one: models.Operation) -> None:
    limits, runs = one.limits or {}, one.run_time
    show.echo(
        f"\nLimits: {limits.get('timeout_s')} s an attempt, {limits.get('attempts')} attempts"
    )
    if runs is not None and runs.runs:
        show.echo(
            f"Took:   {runs.p50_s:.2g} s (median), {runs.p90_s:.2g} s (90 %), of {runs.runs} runs"
        )
