"""How inputs, tags, times, and names for completion are given on the command line."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import Any

import click
from click.shell_completion import CompletionItem

from nowlater_client import Client, NowlaterError
from nowlater_client.cli import profiles

_UNITS = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days"}


def read_input(members: Sequence[str], source: str | None) -> dict[str, Any]:
    """Return an input from `name=text`, `name:=json` and `name@file`, which win over `--input`."""
    found: dict[str, Any] = {}
    if source is not None:
        content = (
            click.get_binary_stream("stdin").read() if source == "-" else Path(source).read_bytes()
        )
        found = _object(content, "--input")
    for member in members:
        name, sign, text = _split(member)
        if sign == "=":
            found[name] = text
        elif sign == "@":
            if not Path(text).exists() or Path(text).is_dir():
                raise click.UsageError(f"There is no file {text!r} ({member}).")
            found[name] = Path(text) if Path(text).is_file() else Path(text).read_bytes()
        else:
            found[name] = _json(text, member)
    return found


def _split(member: str) -> tuple[str, str, str]:
    match = re.fullmatch(r"([^=@:]+)(:=|=|@)(.*)", member, re.DOTALL)
    if match is None:
        raise click.UsageError(f"{member!r} is none of name=text, name:=json and name@file.")
    return match[1], match[2], match[3]


def _json(text: str | bytes, where: str) -> Any:
    try:
        return json.loads(text)  # of bytes: UTF-8, with or without a BOM, or UTF-16
    except (ValueError, RecursionError) as error:
        raise click.UsageError(f"{where}: this is no JSON: {error}.") from error


def _object(text: str | bytes, where: str) -> dict[str, Any]:
    found = _json(text, where)
    if not isinstance(found, dict):
        raise click.UsageError(f"{where}: the input must be a JSON object.")
    return found


def tags(given: Sequence[str]) -> dict[str, str]:
    """Return tags from `name:value`."""
    pairs = [one.partition(":") for one in given]
    for name, sign, value in pairs:
        if not (name and sign and value):
            raise click.UsageError(f"A tag is name:value, and not {name + sign + value!r}.")
    if len({name for name, _, _ in pairs}) < len(pairs):
        raise click.UsageError("A job has one value for each name of a tag.")
    return {name: value for name, _, value in pairs}


class When(click.ParamType):
    """A duration such as 90s, 15m, 2h or 1d, or a time such as 2026-12-01T12:00:00Z."""

    name = "TIME"

    def convert(self, value: Any, param: Any, ctx: Any) -> timedelta | datetime:
        if isinstance(value, (timedelta, datetime)):
            return value
        if match := re.fullmatch(r"(\d+(?:\.\d+)?)([smhd])", value):
            return timedelta(**{_UNITS[match[2]]: float(match[1])})
        try:
            found = datetime.fromisoformat(value.replace("Z", "+00:00"))
        except ValueError:
            self.fail(f"{value!r} is neither a duration (90s, 15m, 2h, 1d) nor a time (RFC 3339).")
        return found if found.tzinfo else found.astimezone()


class Since(When):
    """A time, or how long ago."""

    def convert(self, value: Any, param: Any, ctx: Any) -> datetime:
        found = super().convert(value, param, ctx)
        return datetime.now(timezone.utc) - found if isinstance(found, timedelta) else found


def complete_operation(ctx: click.Context, param: Any, incomplete: str) -> list[CompletionItem]:
    """Return the operations whose names begin so."""
    with _quietly(ctx) as client:
        try:
            found = client.operations()
        except NowlaterError:
            return []
        named = [one for one in found if one.name.startswith(incomplete)]
        return [CompletionItem(one.name, help=one.description) for one in named]


def complete_job(ctx: click.Context, param: Any, incomplete: str) -> list[CompletionItem]:
    """Return your newest jobs whose ids begin so."""
    with _quietly(ctx) as client:
        try:
            found = [job for job in client.jobs(limit=50) if job.id.startswith(incomplete)]
        except NowlaterError:
            return []
        return [CompletionItem(job.id, help=f"{job.operation} {job.status}") for job in found]


def _quietly(ctx: click.Context) -> Client:
    """Return a client that gives up soon: a shell waits for the completion."""
    try:
        target = profiles.find(ctx.find_root().params.get("profile"))
        return Client(target.url, target.key, timeout=2, max_retries=0)
    except click.ClickException:
        return Client("http://localhost:9", "none", timeout=0.1, max_retries=0)
