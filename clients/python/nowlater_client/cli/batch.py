"""`submit --from`: a job for each line of a file, with a bar; it continues where it was stopped."""

from __future__ import annotations

import contextlib
import hashlib
import json
import time
from collections import Counter
from collections.abc import Iterator
from mimetypes import guess_extension
from pathlib import Path
from typing import IO, Any

import click

from nowlater_client import Client, File, Job, NowlaterError, Outcome, errors
from nowlater_client.cli import show
from nowlater_client.cli.program import FAILED, INTERRUPTED, REFUSED
from nowlater_client.core import new_key

#: Errors that all lines would have.
_FATAL = (errors.Unauthorized, errors.MissingScope, errors.UnknownOperation, errors.NotNowlater)


class Batch:
    """A batch's file of results under way: its first line names the batch, each next one is a result.

    A line of the inputs is known by its content and how often that came before, so that lines may be
    corrected or added before a batch is continued.
    """

    def __init__(self, inputs: Path, file: IO[bytes], header: dict[str, Any]) -> None:
        self._inputs, self._file = inputs, file
        self._files = Path(file.name.removesuffix(".part") + ".files")
        #: Name of a line → where its result begins in the file.
        self.done: dict[str, int] = {}
        self.failed, self.open = 0, 0
        self.total = sum(1 for _ in self.lines())  # refuses what is no JSON before the first submit
        self._names: list[str] = []
        self.key = self._resume(header)

    def _resume(self, header: dict[str, Any]) -> str:
        """Read what is done, and return the batch's key; a last line that was cut off is dropped."""
        first = self._file.readline()
        if not first.endswith(b"\n"):  # new, or stopped before the first result
            self._file.truncate(0)
            self._file.write(json.dumps({"batch": new_key(), **header}).encode() + b"\n")
            self._file.flush()
            self._file.seek(0)
            first = self._file.readline()
        known = json.loads(first)
        for name, value in header.items():
            if known.get(name) != value:
                raise click.ClickException(
                    f"{self._file.name} is of another batch (its {name} differ). Finish that one with its "
                    "own command, or delete the file to begin again."
                )
        at = self._file.tell()
        for line in iter(self._file.readline, b""):
            if not line.endswith(b"\n"):
                self._file.truncate(at)
                break
            result = json.loads(line)
            self.done[result["name"]] = at
            self.failed += "error" in result
            at = self._file.tell()
        return str(known["batch"])

    def lines(self) -> Iterator[tuple[int, str, Any]]:
        """Yield number, name and input of each line."""
        seen = Counter[str]()
        with self._inputs.open("rb") as lines:
            for number, line in enumerate(lines, 1):
                if line.strip():
                    digest = hashlib.sha256(line.strip()).hexdigest()[:32]
                    seen[digest] += 1
                    yield number, f"{digest}-{seen[digest]}", _parse(line, number)

    def inputs(self) -> Iterator[Any]:
        """Yield the inputs that have no result yet."""
        for _, name, value in self.lines():
            if name not in self.done:
                self._names.append(name)
                yield value

    def item_key(self, index: int, _: Any) -> str:
        return f"{self.key}-{self._names[index]}"

    def store(self, outcome: Outcome[Job]) -> None:
        """Append a result; an error that says nothing about the input is none: the line stays open."""
        if isinstance(outcome.error, _FATAL):
            raise outcome.error
        if not is_final(outcome):
            self.open += 1
            return
        name = self._names[outcome.index]
        result: dict[str, Any] = {"name": name}
        if outcome.job is not None:
            result |= {"job": outcome.job.id, "status": outcome.job.status}
        if outcome.error is None:
            value = outcome.value
            is_file = isinstance(value, File)
            result["result"] = self._keep(value, result["job"]) if is_file else value
        else:
            self.failed += 1
            problem = getattr(outcome.error, "problem", None)
            result["error"] = problem or {"detail": str(outcome.error)}
        self.done[name] = self._file.seek(0, 2)
        self._file.write(json.dumps(result, ensure_ascii=False).encode() + b"\n")
        self._file.flush()

    def _keep(self, content: File, job_id: str) -> dict[str, Any]:
        """Write a result that is a file into a folder, and return what the line has instead."""
        self._files.mkdir(exist_ok=True)
        path = self._files / (job_id + (guess_extension(content.media_type or "") or ""))
        path.write_bytes(content)
        return {"media_type": content.media_type, "file": f"{self._files.name}/{path.name}"}

    def finish(self, out: Path) -> None:
        """Write the results in the order of the inputs, and remove the file of those under way."""
        complete = out.with_name(out.name + ".whole")
        with complete.open("wb") as target:
            for number, name, _ in self.lines():
                self._file.seek(self.done[name])
                result = json.loads(self._file.readline())
                del result["name"]
                line = json.dumps({"line": number, **result}, ensure_ascii=False)
                target.write(line.encode() + b"\n")
        complete.replace(out)
        Path(self._file.name).unlink()


def is_final(outcome: Outcome[Job]) -> bool:
    """Return whether an outcome says something about its input, so that a repetition would not help."""
    error, job = outcome.error, outcome.job
    if not isinstance(error, NowlaterError) or isinstance(error, errors.WaitTimeout):
        return not isinstance(error, NowlaterError)
    if job is not None and job.has_ended:
        return job.status != "succeeded"
    return error.status is not None and 400 <= error.status < 500 and error.status != 429


def run(
    client: Client, operation: str, inputs: Path, out: Path, concurrency: int, terms: dict[str, Any]
) -> None:
    """Run a batch to its end, or to Ctrl-C; a second call continues it."""
    if out.exists():
        raise click.ClickException(
            f"{out} exists: these results are complete. Choose another --out."
        )
    if not inputs.is_file():
        raise click.UsageError("--from must be a file: it is read again when the batch continues.")
    options = {name: str(value) for name, value in sorted(terms.items())}
    header = {"operation": operation, "API": client.url, "options": options}
    part = out.with_name(out.name + ".part")
    with part.open("a+b") as file:
        _lock(file)
        file.seek(0)
        batch = Batch(inputs, file, header)
        try:
            _gather(client, operation, batch, concurrency, terms)
        except KeyboardInterrupt:
            show.note(f"Stopped. The jobs continue; their results so far are in {part}.")
            show.note("The same command continues with them.")
            click.get_current_context().exit(INTERRUPTED)
        if batch.open:
            show.note(
                f"{batch.open} lines have no result yet. The same command continues with them."
            )
            click.get_current_context().exit(REFUSED)
        batch.finish(out)
    show.note(f"{out}: {len(batch.done)} results, {batch.failed} failed")
    if batch.failed:
        click.get_current_context().exit(FAILED)


def _gather(
    client: Client, operation: str, batch: Batch, concurrency: int, terms: dict[str, Any]
) -> None:
    began, before = time.monotonic(), len(batch.done)
    if before:
        show.note(f"Continuing: {before} of {batch.total} are done.")

    def line(width: int) -> str:
        done, spent = len(batch.done), time.monotonic() - began
        rate = (done - before) / spent if spent else 0
        left = f"ETA {(batch.total - done) / rate:.0f} s" if rate and done < batch.total else ""
        failed = f"{batch.failed} failed" if batch.failed else ""
        text = "  ".join(
            part for part in (f"{done}/{batch.total}", f"{rate:.1f}/s", failed, left) if part
        )
        return f"{show.bar(done / max(1, batch.total), max(10, width - len(text) - 4))} {text}"

    live = show.Live(line, lambda: f"{len(batch.done) * 10 // max(1, batch.total) * 10} % done")
    jobs = client.as_completed(
        operation, batch.inputs(), key=batch.item_key, concurrency=concurrency, **terms
    )
    with live, contextlib.closing(jobs):
        for outcome in jobs:
            batch.store(outcome)
            live.update()


def _lock(file: IO[bytes]) -> None:
    """Refuse a file that another run writes."""
    try:
        import fcntl
    except ImportError:  # Windows
        return
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        raise click.ClickException(f"Another run writes {file.name}. Wait for its end.") from None


def _parse(line: bytes, number: int) -> Any:
    try:
        found = json.loads(line)
    except (ValueError, RecursionError) as error:
        raise click.ClickException(f"Line {number} is no JSON: {error}.") from error
    if not isinstance(found, dict):
        raise click.ClickException(f"Line {number} is no JSON object.")
    return found
