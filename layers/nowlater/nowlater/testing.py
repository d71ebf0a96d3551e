"""For tests of operations: `call` does what a door does, `served` is the whole API on this machine.

No Lambda imports this module.
"""

import atexit
import base64
import json
import shutil
import sys
import tempfile
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple, NoReturn

import msgspec
import pytest

from local import layers
from local.served import ProblemResponse, Response, Served, serve
from nowlater.doors.envelope import decode_json
from nowlater.instants import after, now
from nowlater.problems import Problem
from nowlater.runtime import catalogue, executor
from nowlater.runtime.catalogue import Catalogue, Entry
from nowlater.runtime.context import Context
from nowlater.runtime.document import Document
from nowlater.runtime.exceptions import Canceled, WrongResult
from nowlater.runtime.executor import InputMismatch

__all__ = [
    "InvalidInput",
    "ProblemResponse",
    "RecordingContext",
    "Report",
    "Response",
    "Served",
    "WrongResult",
    "call",
    "served",
]


class InvalidInput(ValueError):
    """The input does not match the operation's annotations: callers get this text, and 422."""


class Report(NamedTuple):
    """One report of progress."""

    fraction: float | None
    message: str


class RecordingContext(Context):
    """A context that records all progress, and can be canceled.

    `within_s` is the time until its deadline; `cancel_after` the number of reports after which the job
    is canceled.
    """

    def __init__(
        self,
        *,
        attempt: int = 1,
        within_s: float = 60,
        cancel_after: int | None = None,
        job_id: str | None = "test",
        idempotency_key: str = "test",
    ) -> None:
        super().__init__(
            job_id=job_id,
            attempt=attempt,
            deadline=after(now(), within_s),
            idempotency_key=idempotency_key,
            report=self._record,
        )
        self.reports: list[Report] = []
        self._cancel_after = cancel_after

    def cancel(self) -> None:
        """Cancel the job: the next report raises Canceled."""
        self._cancel_after = 0

    def progress(self, fraction: float | None = None, message: str = "") -> None:
        self._next_report_s = 0.0  # a real context omits reports that follow within a second
        super().progress(fraction, message)

    def _record(self, report: dict[str, Any]) -> None:
        self.reports.append(Report(report["fraction"], report["message"]))
        if self._cancel_after is not None and len(self.reports) >= self._cancel_after:
            raise Canceled


def call(
    operation: str, given: dict[str, Any] | None = None, context: Context | None = None
) -> Any:
    """Call an operation by its name as a door does, and return its result as callers get it.

    The input is what JSON makes of `given`, in which a Document is a file; a result is JSON, or a
    Document. Sizes are not limited, as each door has its own limits. Raises InvalidInput; WrongResult
    where the result does not match its annotation; TimedOut; LookupError where there is no such
    operation; and whatever the operation raises, such as Refused.
    """
    entry = _find(operation)
    raw_input = _sent({} if given is None else given, entry)
    context = context or RecordingContext(within_s=entry.timeout)
    try:
        result = executor.run(
            entry,
            raw_input,
            context,
            seconds=min(entry.timeout, (context.deadline - now()) / 1000),
            open_upload=_no_upload,
        )
    except InputMismatch as fault:
        raise InvalidInput(f"/input does not fit the operation: {fault}.") from None
    if result.media_type is not None:
        return Document(result.body, result.media_type)
    return msgspec.json.decode(result.body)


def _sent(given: Any, entry: Entry) -> Any:
    """Return an input as a door reads it; raises InvalidInput where it would refuse it."""
    members = msgspec.to_builtins({"input": _with_files(given)}, str_keys=True)
    try:
        body = decode_json(
            json.dumps(members), is_base64=False, content_type=None, max_bytes=sys.maxsize
        )
        catalogue.validate_input(entry, body["input"], "")
    except Problem as problem:
        raise InvalidInput(problem.detail) from None
    return body["input"]


def _find(operation: str) -> Entry:
    if entry := _catalogue().find(operation):
        return entry
    names = ", ".join(d["name"] for d in _catalogue().descriptions())
    raise LookupError(f"There is no operation {operation}. There are: {names}.")


@pytest.fixture(scope="session")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """The whole API on this machine, as `make up` serves it; it is started once for all tests."""
    with serve(tmp_path_factory.mktemp("served")) as api:
        yield api


@cache
def _catalogue() -> Catalogue:
    """Return the catalogue that the build makes of the operations; raises Failure with the mistakes."""
    folder = tempfile.mkdtemp(prefix="nowlater-catalogue-")
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    layers.write_catalogue(Path(folder))
    sys.path.insert(0, folder)
    return Catalogue(with_diagnostics=True)


def _with_files(value: Any) -> Any:
    """Return an input with each Document as the object that a caller sends for a file."""
    match value:
        case Document():
            encoded = base64.b64encode(value.read()).decode()
            return {"base64": encoded, "media_type": value.media_type}
        case dict():
            return {name: _with_files(member) for name, member in value.items()}
        case list() | tuple():
            return [_with_files(item) for item in value]
    return value


def _no_upload(upload: str) -> NoReturn:
    raise ValueError(f"there is no upload {upload}: pass a Document instead")
