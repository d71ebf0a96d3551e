"""What the command line prints: tables and bars on a terminal, JSON on a pipe."""

from __future__ import annotations

import json
import os
import re
import shutil
import sys
import threading
import time
from collections.abc import Callable, Iterable, Sequence
from datetime import datetime, timedelta, timezone
from typing import TYPE_CHECKING, Any

import click

from nowlater_client.models import JobState

if TYPE_CHECKING:
    from typing_extensions import Self

#: What steers a terminal, or changes the direction of a text.
_CONTROL = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069\ud800-\udfff]")
#: Columns that each column of a table keeps.
_LEAST_COLUMN = 10
COLOURS = {"succeeded": "green", "failed": "red", "canceled": "yellow", "running": "cyan"}


def is_terminal() -> bool:
    """Return whether results are read by a person, who wants tables; `--json` says no."""
    root = click.get_current_context().find_root()
    return sys.stdout.isatty() and not root.params.get("json")


def width() -> int:
    """Return the columns of the terminal."""
    return shutil.get_terminal_size().columns


def plain(text: str) -> str:
    """Return a text with its control characters as JSON writes them: they come from others."""
    return _CONTROL.sub(lambda found: json.dumps(found[0])[1:-1], text)


def note(text: str) -> None:
    """Print something that is no result."""
    click.echo(plain(text), err=True)


def echo(text: str) -> None:
    """Print a line for a person."""
    click.echo(plain(text))


def paragraph(text: str, indent: str = "") -> None:
    """Print a text in lines that fit the terminal; nothing for an empty one."""
    if text.strip():
        echo(click.wrap_text(text, max(20, width()), indent, indent, preserve_paragraphs=True))


def value(found: Any) -> None:
    """Print a JSON value: indented for a person, in one line for a program."""
    if is_terminal():
        echo(json.dumps(found, ensure_ascii=False, indent=2))
    else:
        click.echo(json.dumps(found, ensure_ascii=False))


def listing(
    items: Iterable[Any], row: Callable[[Any], Sequence[str]], titles: Sequence[str]
) -> int:
    """Print items as a table, or as one JSON object a line; return their number."""
    count = 0
    rows = []
    for item in items:
        count += 1
        if is_terminal():
            rows.append(row(item))
        else:
            click.echo(json.dumps(item.raw, ensure_ascii=False))
    if is_terminal() and rows:
        table(rows, titles)
    return count


def table(rows: Sequence[Sequence[str]], titles: Sequence[str]) -> None:
    """Print a table as wide as the terminal; if it is too narrow, a line for each cell."""
    rows = [[plain(" ".join(cell.split())) for cell in row] for row in rows]
    widths = [max(len(row[n]) for row in [titles, *rows]) for n in range(len(titles))]
    if not _fit(widths):
        _blocks(rows, titles)
        return
    heads = [shortened(t, width).ljust(width) for t, width in zip(titles, widths, strict=True)]
    click.secho("  ".join(heads).rstrip(), bold=True)
    for row in rows:
        cells = [shortened(c, width).ljust(width) for c, width in zip(row, widths, strict=True)]
        click.echo("  ".join(_coloured(cell) for cell in cells).rstrip())


def _fit(widths: list[int]) -> bool:
    """Cut the last column, then the widest ones, but not the first; return whether all fit now."""
    excess = sum(widths) + 2 * (len(widths) - 1) - width()
    last = len(widths) - 1
    for n in (last, *sorted(range(1, last), key=lambda n: -widths[n])):
        cut = min(max(0, excess), max(0, widths[n] - _LEAST_COLUMN))
        widths[n], excess = widths[n] - cut, excess - cut
    return excess <= 0


def _blocks(rows: Sequence[Sequence[str]], titles: Sequence[str]) -> None:
    wide = max(len(title) for title in titles)
    for number, row in enumerate(rows):
        if number:
            click.echo()
        for title, cell in zip(titles, row, strict=True):
            if cell:
                click.echo(f"{title:<{wide}}  {_coloured(cell)}")


def _coloured(cell: str) -> str:
    colour = COLOURS.get(cell.strip())
    return click.style(cell, fg=colour) if colour else cell


def shortened(text: str, width: int) -> str:
    """Return a text in one line of so many characters."""
    text = " ".join(text.split())
    return text if len(text) <= width else text[: width - 1] + "…"


def job_row(job: JobState) -> tuple[str, ...]:
    """Return a job's cells in a list; its end says what is most worth knowing."""
    note = ""
    if job.error is not None:
        note = job.error.detail or f"{job.error.code}"
    elif job.status == "running":
        note = progress_text(job)
    elif job.tags:
        note = " ".join(f"{name}:{value}" for name, value in job.tags.items())
    return job.id, job.operation, job.status, age(job.created), note


JOB_TITLES = ("ID", "OPERATION", "STATUS", "AGE", "")


def progress_text(job: JobState) -> str:
    if job.progress is None:
        return f"attempt {job.attempt}"
    percent = "" if job.progress.fraction is None else f"{job.progress.fraction:.0%} "
    return percent + job.progress.message


def age(instant: datetime) -> str:
    return span(datetime.now(timezone.utc) - instant)


def span(duration: timedelta) -> str:
    """Return a duration with its one or two largest units."""
    seconds = int(abs(duration.total_seconds()))
    sign = "-" if duration.total_seconds() <= -1 else ""
    for unit, length, smaller, part in (
        ("d", 86400, "h", 3600),
        ("h", 3600, "m", 60),
        ("m", 60, "s", 1),
    ):
        if seconds >= length:
            return f"{sign}{seconds // length}{unit}{seconds % length // part}{smaller}"
    return f"{sign}{seconds}s"


def bar(fraction: float | None, width: int) -> str:
    """Return a bar; without a fraction, one that only moves."""
    if fraction is None:
        at = int(time.monotonic() * 4) % max(1, width - 2)
        return "[" + " " * at + "==" + " " * (width - 2 - at) + "]"
    full = int(max(0.0, min(1.0, fraction)) * width)
    return "[" + "#" * full + " " * (width - full) + "]"


class Live:
    """A line on the terminal that changes, drawn by `line`; elsewhere, a line for each new `state`."""

    def __init__(self, line: Callable[[int], str], state: Callable[[], str]) -> None:
        self._line, self._state, self._said = line, state, ""
        self._is_live = sys.stderr.isatty() and os.environ.get("TERM") != "dumb"
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._draw_often, daemon=True)

    def __enter__(self) -> Self:
        if self._is_live:
            self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        if self._is_live:
            self._thread.join()
            click.echo("\r\x1b[K", nl=False, err=True)
            if line := self._line(self._width()):
                note(line)

    def update(self) -> None:
        """Print what is new, if no line is drawn all the time."""
        if not self._is_live and self._state() != self._said:
            self._said = self._state()
            note(self._said)

    def _draw_often(self) -> None:
        while not self._stop.wait(0.25):
            line = plain(self._line(self._width()))
            click.echo(f"\r{line}\x1b[K", nl=False, err=True)

    def _width(self) -> int:
        return width() - 1


class Following(Live):
    """The live line of the last of these jobs, once there is one."""

    def __init__(self, jobs: list[Any]) -> None:
        self._jobs = jobs
        super().__init__(self._drawn, self._summary)

    def see(self, job: JobState) -> None:
        """Show this job from now on."""
        self._jobs[:] = [job]
        self.update()

    def _drawn(self, width: int) -> str:
        return job_line(self._jobs[-1], width) if self._jobs else ""

    def _summary(self) -> str:
        job = self._jobs[-1]
        return f"{job.status} {progress_text(job) if job.status == 'running' else ''}".strip()


def job_line(job: JobState, width: int) -> str:
    """Return a job's line: status, bar, progress, expected end, and slack to its deadline."""
    parts = []
    now = datetime.now(timezone.utc)
    if job.ended is not None:
        parts.append(f"took {span(job.ended - (job.started or job.created))}")
    elif job.estimate is not None:
        parts.append(f"ETA {span(max(job.estimate.finish - now, timedelta(0)))}")
    if job.ended is None:
        parts.append(f"slack {span(job.slack)}" + (" AT RISK" if job.at_risk else ""))
    times = "  ".join(parts)
    room = width - len(f"{job.status:<9} {times}") - 2
    has_room = job.progress is not None and not job.has_ended and room > _LEAST_COLUMN
    message = shortened(plain(progress_text(job)), room) if has_room else ""
    room -= len(message) + 2 * bool(message)
    fraction = job.progress.fraction if job.progress else None
    fraction = 1.0 if job.status == "succeeded" else fraction
    is_drawn = (fraction or not job.has_ended) and room > _LEAST_COLUMN + 2
    start = f"{job.status:<9} {bar(fraction, min(30, room - 2))}" if is_drawn else job.status
    return "  ".join(part for part in (start, message, times) if part)[:width]
