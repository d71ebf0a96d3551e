"""How inputs, tags, times, and names for completion are given on the command line."""

from __future__ import annotations

import json
import math
import re
import uuid
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, nullcontext, suppress
from datetime import datetime, timedelta, timezone
from difflib import get_close_matches
from pathlib import Path
from shutil import copyfileobj
from tempfile import TemporaryFile
from typing import IO, Any

import click
from click.shell_completion import CompletionItem

from nowlater_client import Client, NowlaterError, errors
from nowlater_client.cli.completion import complete_job, complete_operation

_UNITS = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days"}


def read_input(members: Sequence[str], source: str | None) -> dict[str, Any]:
    """Return an input from `name=text`, `name:=json` and `name@file`, which win over `--input`."""
    parts = [split(one) for one in members]
    if [source, *(text for _, sign, text in parts if sign == "@")].count("-") > 1:
        raise click.UsageError("stdin can be read for one input only.")
    found = {} if source is None else _object(_content(source_at(source, "--input")), "--input")
    for name, sign, text in parts:
        if sign == "=":
            found[name] = _text(text, name)
        else:
            member = f"{name}{sign}{text}"
            found[name] = source_at(text, member) if sign == "@" else _json(text, member)
    return found


def split(member: str) -> tuple[str, str, str]:
    """Return name, sign and text of a member."""
    match = re.fullmatch(r"([^=@:]+)(:=|=|@)(.*)", member, re.DOTALL)
    if match is None:
        raise click.UsageError(f"{member!r} is none of name=text, name:=json and name@file.")
    return match[1], match[2], match[3]


def _text(text: str, name: str) -> str:
    try:
        text.encode()
    except UnicodeEncodeError:
        raise click.UsageError(
            f"{name}={text!r} is not UTF-8. For other bytes: {name}@FILE"
        ) from None
    return text


def source_at(text: str, where: str) -> Path | IO[bytes]:
    """Return a file as the client takes it: a path, or a copy of a pipe or of stdin (`-`)."""
    path = Path(text)
    if text != "-" and path.is_file():
        return path
    if text != "-" and (path.is_dir() or not path.exists()):
        raise click.UsageError(f"There is no file {text!r} ({where}).")
    copy = click.get_current_context().with_resource(TemporaryFile())  # noqa: SIM115
    with nullcontext(click.get_binary_stream("stdin")) if text == "-" else path.open("rb") as pipe:
        copyfileobj(pipe, copy)
    copy.seek(0)
    return copy


def _content(source: Path | IO[bytes]) -> bytes:
    return source.read_bytes() if isinstance(source, Path) else source.read()


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


class Seconds(click.FloatRange):
    """A number of seconds."""

    name = "SECONDS"

    def convert(self, value: Any, param: Any, ctx: Any) -> float:
        found = float(super().convert(value, param, ctx))
        if not math.isfinite(found):
            self.fail(f"{value!r} is no number of seconds.", param, ctx)
        return found


class Duration(click.ParamType):
    """A duration such as 90s, 15m, 1h30m or 7d."""

    name = "DURATION"
    _PART = r"(\d+(?:\.\d+)?)([smhd])"

    def convert(self, value: Any, param: Any, ctx: Any) -> Any:
        if not isinstance(value, str):
            return value
        try:
            return self.read(value)
        except (ValueError, OverflowError) as error:
            self.fail(f"{value!r} is {error}", param, ctx)

    def read(self, value: str) -> Any:
        if not re.fullmatch(f"(?:{self._PART})+", value):
            raise ValueError("no duration: 90s, 15m, 1h30m or 7d.")
        parts = re.findall(self._PART, value)
        try:
            return sum((timedelta(**{_UNITS[u]: float(n)}) for n, u in parts), timedelta())
        except OverflowError:
            raise ValueError("too long.") from None


class When(Duration):
    """A duration, or a time such as 2026-12-01T12:00:00Z."""

    name = "TIME"

    def read(self, value: str) -> Any:
        if re.fullmatch(f"(?:{self._PART})+", value):
            return super().read(value)
        try:
            found = datetime.fromisoformat(value.replace("Z", "+00:00"))
            return found if found.tzinfo else found.astimezone()
        except (ValueError, OverflowError):
            text = "neither a duration (90s, 15m, 1h30m, 7d) nor a time (2026-12-01T12:00:00Z)."
            raise ValueError(text) from None


class Since(When):
    """A time, or how long ago."""

    def read(self, value: str) -> datetime:
        found = super().read(value)
        try:
            return datetime.now(timezone.utc) - found if isinstance(found, timedelta) else found
        except OverflowError:
            raise ValueError("too long ago.") from None


class JobId(click.ParamType):
    """The id of a job."""

    name = "ID"

    def convert(self, value: Any, param: Any, ctx: Any) -> str:
        try:
            return str(uuid.UUID(value))
        except ValueError:
            self.fail(f"{value!r} is no id of a job. `nowlater jobs` lists them.", param, ctx)

    def shell_complete(self, ctx: Any, param: Any, incomplete: str) -> list[CompletionItem]:
        return complete_job(ctx, param, incomplete)


@contextmanager
def explained(
    client: Client, operation: str, members: Sequence[str] = (), late: str = ""
) -> Iterator[None]:
    """Add to an error about an operation or its input what helps here; `late`: to that of no answer."""
    try:
        yield
    except errors.UnknownOperation as error:
        names: list[str] = []
        with suppress(NowlaterError):
            names = [one.name for one in client.operations()]
        if operation not in names:  # else this door does not serve it
            close = get_close_matches(operation, names, 1)
            more = f" Did you mean {close[0]}?" if close else ""
            error.args = (f"There is no operation {operation!r}.{more}",)
        raise
    except errors.InvalidInput as error:
        for name, sign, text in map(split, members):
            if error.pointer == f"/input/{name}":
                error.args = (f"{error.args[0]} {_slip(name, sign, text)}".strip(),)
        raise
    except errors.Unreachable as error:
        error.args = (f"{error.args[0]} {late}".strip(),)
        raise


def _slip(name: str, sign: str, text: str) -> str:
    """Return what was probably meant by a member that the API does not take."""
    if sign == "@":
        return f'{name}@{text} sends a file. To send its text: {name}="$(cat {text})"'
    with suppress(ValueError):
        if sign == "=" and not isinstance(json.loads(text), str):
            return f"{name}={text} sends text. To send a number or other JSON: {name}:={text}"
    return ""


OPERATION = click.argument("operation", shell_complete=complete_operation)
