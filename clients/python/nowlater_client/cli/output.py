"""Where a result goes: to a file, a device or pipe, or stdout."""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path
from typing import IO, Any

import click

from nowlater_client import File
from nowlater_client.cli import show
from nowlater_client.files import writing


class Output(click.ParamType):
    """The path of a file that can be written, which is checked before an operation runs."""

    name = "FILE"

    def convert(self, value: Any, param: Any, ctx: Any) -> str:
        path = Path(value)
        if path.is_dir():
            self.fail(f"{value!r} is a folder.", param, ctx)
        if path.exists() and not path.is_file():  # a device or a pipe
            return str(value)
        folder = path.resolve().parent
        if not folder.is_dir() or not os.access(folder, os.W_OK):
            self.fail(f"no file can be written in {str(path.parent)!r}.", param, ctx)
        return str(value)


OUTPUT = click.option(
    "--output", "-o", type=Output(), help="Write the result to a file; -: to stdout."
)


def target(output: str) -> str | IO[bytes]:
    """Return what `Job.download` writes to."""
    return sys.stdout.buffer if output == "-" else output


def write(result: Any, output: str | None) -> None:
    """Print a result, or write it to a file; bytes are not printed on a terminal."""
    if output is not None and (output != "-" or isinstance(result, bytes)):
        _write(
            result if isinstance(result, bytes) else json.dumps(result, indent=2).encode(), output
        )
    elif not isinstance(result, File):
        show.value(result)
    elif show.is_terminal():
        raise click.ClickException(f"The result is a file ({result.media_type}): use -o FILE.")
    else:
        sys.stdout.buffer.write(result)


def _write(content: bytes, output: str) -> None:
    if output == "-":
        sys.stdout.buffer.write(content)
        sys.stdout.buffer.flush()
        return
    with writing(output) as file:
        file.write(content)
    show.note(f"{output}: {len(content):,} bytes")
