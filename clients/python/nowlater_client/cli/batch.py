"""`submit --from`: a job for each line of a file, with a bar; it continues where it was stopped."""

from __future__ import annotations

import hashlib
import json
import time
from collections.abc import Iterator
from pathlib import Path
from typing import IO, Any

import click

from nowlater_client import Client, Job, Outcome
from nowlater_client.cli import show
from nowlater_client.cli.program import FAILED, INTERRUPTED
from nowlater_client.core import new_key


class Batch:
    """A batch's file of results under way: its first line names the batch, each next one is a result."""

    def __init__(self, operation: str, inputs: Path, part: Path) -> None:
        self._inputs, self._part = inputs, part
        digest = hashlib.sha256(inputs.read_bytes()).hexdigest()
        self.total, self.failed = 0, 0
        with inputs.open() as lines:
            self.total = sum(1 for line in lines if line.strip())
        #: Line of the input → where its result begins in the file.
        self.done: dict[int, int] = {}
        self._numbers: list[int] = []
        header = {"batch": new_key(), "operation": operation, "inputs": digest}
        if part.exists():
            self.key = self._resume(header)
        else:
            self.key = header["batch"]
            part.write_text(json.dumps(header) + "\n")

    def _resume(self, header: dict[str, str]) -> str:
        """Read what is done, and return the batch's key; a last line that was cut off is dropped."""
        with self._part.open("rb+") as file:
            first = json.loads(file.readline() or "{}")
            for name in ("operation", "inputs"):
                if first.get(name) != header[name]:
                    raise click.ClickException(
                        f"{self._part} is of another batch (its {name} differ). Finish that one with its "
                        "own command, or delete the file to begin again."
                    )
            at = file.tell()
            for line in iter(file.readline, b""):
                if not line.endswith(b"\n"):
                    file.truncate(at)
                    break
                result = json.loads(line)
                self.done[result["line"]] = at
                self.failed += "error" in result
                at = file.tell()
        return str(first["batch"])

    def inputs(self) -> Iterator[Any]:
        """Yield the inputs that have no result yet."""
        with self._inputs.open() as lines:
            for number, line in enumerate(lines, 1):
                if line.strip() and number not in self.done:
                    self._numbers.append(number)
                    yield _parse(line, number)

    def item_key(self, index: int, _: Any) -> str:
        return f"{self.key}-{self._numbers[index]}"

    def store(self, outcome: Outcome[Job], file: IO[bytes]) -> None:
        """Append a result."""
        number = self._numbers[outcome.index]
        result: dict[str, Any] = {"line": number}
        if outcome.job is not None:
            result |= {"job": outcome.job.id, "status": outcome.job.status}
        if outcome.error is None:
            value = outcome.value
            if isinstance(value, bytes):
                value = {
                    "media_type": getattr(value, "media_type", None),
                    "file": outcome.job and outcome.job.id,
                }
            result["result"] = value
        else:
            self.failed += 1
            problem = getattr(outcome.error, "problem", None)
            result["error"] = problem or {"detail": str(outcome.error)}
        self.done[number] = file.tell()
        file.write(json.dumps(result, ensure_ascii=False).encode() + b"\n")
        file.flush()

    def finish(self, out: Path) -> None:
        """Write the results in the order of the inputs, and remove the file of those under way."""
        complete = out.with_name(out.name + ".whole")
        with self._part.open("rb") as source, complete.open("wb") as target:
            for number in sorted(self.done):
                source.seek(self.done[number])
                target.write(source.readline())
        complete.replace(out)
        self._part.unlink()


def run(
    client: Client, operation: str, inputs: Path, out: Path, concurrency: int, terms: dict[str, Any]
) -> None:
    """Run a batch to its end, or to Ctrl-C; a second call continues it."""
    if out.exists():
        raise click.ClickException(
            f"{out} exists: these results are complete. Choose another --out."
        )
    batch = Batch(operation, inputs, out.with_name(out.name + ".part"))
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
    part = out.with_name(out.name + ".part")
    try:
        with part.open("ab") as file, live:
            for outcome in jobs:
                batch.store(outcome, file)
                live.update()
    except KeyboardInterrupt:
        show.note(f"Stopped. The jobs continue; their results so far are in {part}.")
        show.note("The same command continues with them.")
        click.get_current_context().exit(INTERRUPTED)
    batch.finish(out)
    show.note(f"{out}: {len(batch.done)} results, {batch.failed} failed")
    if batch.failed:
        click.get_current_context().exit(FAILED)


def _parse(line: str, number: int) -> Any:
    try:
        found = json.loads(line)
    except ValueError as error:
        raise click.ClickException(f"Line {number} is no JSON: {error}.") from error
    if not isinstance(found, dict):
        raise click.ClickException(f"Line {number} is no JSON object.")
    return found
