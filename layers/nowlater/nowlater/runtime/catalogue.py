"""The operations as the build found them: what a Lambda can know of one without importing it."""

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
#: Different uploads that an input may refer to: each is a request to S3 before the answer.
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
    #: Whether an input can be a file, and so an upload.
    takes_documents: bool
    validate: Callable[[Any], Any]


class Catalogue:
    """The operations of this deployment."""

    def __init__(self, *, with_diagnostics: bool) -> None:
        self._with_diagnostics = with_diagnostics

    def find(self, name: str) -> Entry | None:
        """Return the operation of this name, importing its entry alone; None: it is not served.

        Raises whatever keeps a broken catalogue from telling.
        """
        entry = _entry(name) if _NAME.fullmatch(name) else None
        return None if entry is None or (entry.diagnostic and not self._with_diagnostics) else entry

    def at(self, door: str | None, name: str) -> Entry:
        """Return the operation that a caller asks for at a door (None: at whichever).

        Raises Problem `unknown-operation` where it is not served there.
        """
        entry = self.find(name)
        if entry is None:
            raise Problem(
                "unknown-operation",
                f"There is no operation {wording.quoted(name)}; GET /operations lists those that there are.",
            )
        if door is not None and door not in entry.doors:
            served = " and ".join(f"/{d}/{name}" for d in entry.doors)
            raise Problem("unknown-operation", f"{name} is not served at /{door}, but at {served}.")
        return entry

    def listing(self) -> list[dict[str, Any]]:
        """Return what the build wrote of each operation, schemas included, sorted by name."""
        described = _index()
        return [d for d in described if self._with_diagnostics or not d["diagnostic"]]


def manual(name: str) -> bytes | None:
    """Return a document that the build made of the API, or None where there is none."""
    path = _folder() / "manual" / name
    return path.read_bytes() if path.is_file() else None


def check(entry: Entry, given: dict[str, Any], base: str) -> None:
    """Check an input against the operation's schema; raises Problem `invalid-input`.

    Its uploads are bounded too, as each of them is looked at.
    """
    try:
        entry.validate(given)
    except InvalidInput as fault:
        raise invalid_input(
            entry.name,
            base,
            pointer=fault.pointer(),
            sentence=fault.sentence(),
            expected=fault.definition,
        ) from fault
    if entry.takes_documents and len(uploads := document.uploads_in(given)) > MAX_UPLOADS:
        sentence = (
            f"refers to {len(uploads):,} uploads, and {MAX_UPLOADS} different ones are the most"
        )
        raise invalid_input(entry.name, base, pointer="", sentence=sentence)


def invalid_input(
    operation: str, base: str, *, pointer: str, sentence: str, expected: Any = None
) -> Problem:
    """Return the problem of an input that its operation does not take, pointing at the fault."""
    place = wording.shortened_pointer("/input" + pointer)
    return Problem(
        "invalid-input",
        f"{place} {sentence}" + ("" if sentence.endswith("?") else "."),
        pointer=place,
        schema=f"{base}/operations/{operation}",
        **({} if expected is None else {"expected": expected}),
    )


def _entry(name: str) -> Entry | None:
    module = f"{_PACKAGE}.{name.replace('-', '_')}"
    try:
        found = importlib.import_module(module)
    except ModuleNotFoundError as error:
        if error.name == module and all(known["name"] != name for known in _index()):
            return None
        raise
    return Entry(**found.ENTRY, validate=found.validate)


@cache
def _index() -> list[dict[str, Any]]:
    listing: list[dict[str, Any]] = msgspec.json.decode((_folder() / "index.json").read_bytes())
    return listing


def _folder() -> Path:
    return Path(importlib.import_module(_PACKAGE).__path__[0])
