"""The operations that the build found; a Lambda reads them without importing an operation."""

import importlib
import re
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

import msgspec

from nowlater import wording
from nowlater.problems import Problem
from nowlater.runtime import document
from nowlater.runtime.validation import InvalidInput

_NAME = re.compile(r"[a-z][a-z0-9]*(-[a-z0-9]+)*")
_PACKAGE = "nowlater_catalogue"
#: Different uploads that an input may refer to: each costs a request to S3 before the response.
MAX_UPLOADS = 100


class Entry(msgspec.Struct, frozen=True):
    """One operation of the catalogue."""

    name: str
    module: str
    function: str
    #: Seconds that one attempt may take.
    timeout: float
    attempts: int
    doors: tuple[str, ...]
    diagnostic: bool
    #: Whether a parameter takes a file, and so an upload.
    takes_documents: bool
    validate: Callable[[Any], Any]


class Catalogue:
    """The operations of this deployment."""

    def __init__(self, *, with_diagnostics: bool) -> None:
        self._with_diagnostics = with_diagnostics

    def find(self, name: str) -> Entry | None:
        """Return the operation of this name, or None where it is not served.

        Imports that entry alone; raises whatever its import raises where the build is broken.
        """
        entry = _entry(name) if _NAME.fullmatch(name) else None
        return None if entry is None or (entry.diagnostic and not self._with_diagnostics) else entry

    def get_served(self, door: str | None, name: str) -> Entry:
        """Return the operation that a caller requests at a door (None: at any door).

        Raises Problem `unknown-operation` where it is not served there.
        """
        entry = self.find(name)
        if entry is None:
            raise Problem(
                "unknown-operation",
                f"There is no operation {wording.quoted(name)}; "
                "GET /operations lists all operations.",
            )
        if door is not None and door not in entry.doors:
            served = " and ".join(f"/{d}/{name}" for d in entry.doors)
            raise Problem("unknown-operation", f"{name} is not served at /{door}, but at {served}.")
        return entry

    def descriptions(self) -> list[dict[str, Any]]:
        """Return the build's description of each operation, schemas included, sorted by name."""
        return [d for d in _index() if self._with_diagnostics or not d["diagnostic"]]


def read_manual(name: str) -> bytes | None:
    """Return a file of the API's manual, which the build made, or None where there is none."""
    path = _folder() / "manual" / name
    return path.read_bytes() if path.is_file() else None


def validate_input(entry: Entry, raw_input: dict[str, Any], base: str) -> None:
    """Validate an input against the operation's schema, and count its uploads.

    Raises Problem `invalid-input`.
    """
    try:
        entry.validate(raw_input)
    except InvalidInput as fault:
        raise invalid_input(
            entry.name,
            base,
            pointer=fault.pointer(),
            sentence=fault.sentence(),
            expected=fault.definition,
        ) from fault
    if entry.takes_documents and len(uploads := document.uploads_in(raw_input)) > MAX_UPLOADS:
        sentence = f"refers to {len(uploads):,} different uploads, and {MAX_UPLOADS} are the most"
        raise invalid_input(entry.name, base, pointer="", sentence=sentence)


def attempt_timeout_s(timeout_s: float, work_timeout_s: int) -> float:
    """Return how long one attempt of a job may run: the worker needs 20 s of its timeout itself."""
    return min(timeout_s, work_timeout_s - 20)


def invalid_input(
    operation: str, base: str, *, pointer: str, sentence: str, expected: Any = None
) -> Problem:
    """Return Problem `invalid-input`; `pointer` is relative to the input, `sentence` its fault."""
    full_pointer = wording.shortened_pointer("/input" + pointer)
    return Problem(
        "invalid-input",
        f"{full_pointer} {sentence}" + ("" if sentence.endswith("?") else "."),
        pointer=full_pointer,
        schema=f"{base}/operations/{operation}",
        **({} if expected is None else {"expected": expected}),
    )


def _entry(name: str) -> Entry | None:
    module_name = f"{_PACKAGE}.{name.replace('-', '_')}"
    try:
        module = importlib.import_module(module_name)
    except ModuleNotFoundError as error:
        if error.name == module_name and all(entry["name"] != name for entry in _index()):
            return None
        raise
    return Entry(**module.ENTRY, validate=module.validate)


@cache
def _index() -> list[dict[str, Any]]:
    index: list[dict[str, Any]] = msgspec.json.decode((_folder() / "index.json").read_bytes())
    return index


def _folder() -> Path:
    return Path(importlib.import_module(_PACKAGE).__path__[0])
