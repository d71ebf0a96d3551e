"""Commands about operations: ops, op."""

from __future__ import annotations

import json
import shlex
from typing import Any

import click

from nowlater_client import models
from nowlater_client.cli import show
from nowlater_client.cli.arguments import OPERATION, explained, kinds, member
from nowlater_client.cli.program import cli, connect


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
    show.echo(f"\n  nowlater call {one.name} {_example(one.input or {})}".rstrip())


def _show_input(schema: dict[str, Any]) -> None:
    """Print a line for each member, with its description and bounds below."""
    if schema.get("properties"):
        click.secho("\nInput", bold=True)
    for name, part in schema.get("properties", {}).items():
        is_needed = name in schema.get("required", [])
        show.echo(f"  {name}  {' or '.join(kinds(part))}{', required' if is_needed else ''}")
        show.paragraph(part.get("description", ""), "      ")
        show.paragraph(_bounds(part), "      ")


def _bounds(part: dict[str, Any]) -> str:
    """Return choices, limits and default of a member."""
    parts = [part, *part.get("anyOf", [])]
    choices = [json.dumps(one) for p in parts for one in p.get("enum", []) if one is not None]
    said = [f"one of {', '.join(choices)}"] if choices else []
    names = {"minLength": "characters at least", "maxLength": "characters at most"}
    for p in [one for one in parts if one.get("type") != "object"]:
        said += [f"{names.get(n, n)} {p[n]}" for n in ("minimum", "maximum", *names) if n in p]
    if part.get("default") is not None:
        said.append(f"default {json.dumps(part['default'], ensure_ascii=False)}")
    return ", ".join(said)


def _show_times(one: models.Operation) -> None:
    limits, runs = one.limits or {}, one.run_time
    show.echo(
        f"\nLimits: {limits.get('timeout_s')} s an attempt, {limits.get('attempts')} attempts"
    )
    if runs is not None and runs.runs:
        show.echo(
            f"Took:   {runs.p50_s:.2g} s (median), {runs.p90_s:.2g} s (90 %), of {runs.runs} runs"
        )


def _example(schema: dict[str, Any]) -> str:
    """Return the members that the input needs, to paste: with the schema's own examples."""
    words = []
    for name in schema.get("required", []):
        part = schema.get("properties", {}).get(name, {})
        start = member(name, part)
        value = next(iter(part.get("examples", [])), None)
        if start.endswith("@"):
            words.append(f"{start}FILE")
        elif value is None:
            words.append(f"{start}VALUE")
        else:
            text = value if start == f"{name}=" else json.dumps(value, ensure_ascii=False)
            words.append(start + shlex.quote(str(text)))
    return " ".join(words)
