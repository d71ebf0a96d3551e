"""Files in inputs and results: small ones travel in the request, others are uploaded."""

from __future__ import annotations

import base64
import mimetypes
import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from tempfile import SpooledTemporaryFile
from typing import IO, Any, Union

#: Bytes of files that one request carries; with base64 and the rest it stays below 1 MiB.
INLINE_BYTES = 512 * 1024
_CHUNK = 256 * 1024

Source = Union[str, "os.PathLike[str]", bytes, IO[bytes]]


class File(bytes):
    """A file's content with its media type; it is `bytes`, and can be used in an input."""

    media_type: str | None

    def __new__(cls, content: bytes, media_type: str | None = None) -> File:
        file = super().__new__(cls, content)
        file.media_type = media_type
        return file


@dataclass(frozen=True)
class Upload:
    """A file that was uploaded; use it in any number of inputs, for 70 days."""

    id: str


class Content:
    """What is to be sent of a file: its size, its media type, and its bytes, repeatedly."""

    def __init__(self, source: Source, media_type: str | None = None) -> None:
        self._source, self._start = source, 0
        name: object = source if isinstance(source, (str, os.PathLike)) else None
        if isinstance(source, bytes):
            media_type = media_type or getattr(source, "media_type", None)
            self.size = len(source)
        elif isinstance(source, (str, os.PathLike)):
            self.size = Path(source).stat().st_size
        else:
            name = getattr(source, "name", None)
            self._source, self._start, self.size = _seekable(source)
        guessed = mimetypes.guess_type(name)[0] if isinstance(name, (str, os.PathLike)) else None
        self.media_type = media_type or guessed

    def chunks(self) -> Iterator[bytes]:
        """Yield the content from its beginning."""
        if isinstance(self._source, bytes):
            yield self._source
        elif isinstance(self._source, (str, os.PathLike)):
            with Path(self._source).open("rb") as file:
                yield from iter(lambda: file.read(_CHUNK), b"")
        else:
            opened = self._source
            opened.seek(self._start)
            yield from iter(lambda: opened.read(_CHUNK), b"")

    def inline(self) -> dict[str, str]:
        """Return the form in which a request carries the file."""
        form = {"base64": base64.b64encode(b"".join(self.chunks())).decode()}
        return form | ({"media_type": self.media_type} if self.media_type else {})


def is_file(value: Any) -> bool:
    """Return whether a value in an input is a file; a plain string is text."""
    return isinstance(value, (bytes, os.PathLike)) or callable(getattr(value, "read", None))


def _seekable(file: IO[bytes]) -> tuple[IO[bytes], int, int]:
    """Return a file that can be read again, where it starts, and its size from there."""
    if not file.seekable():
        copy: Any = SpooledTemporaryFile(max_size=INLINE_BYTES)  # noqa: SIM115
        for chunk in iter(lambda: file.read(_CHUNK), b""):
            copy.write(chunk)
        copy.seek(0)
        file = copy
    start = file.tell()
    return file, start, file.seek(0, os.SEEK_END) - start


class Sink:
    """Where a result is written; after a broken download, the next one continues."""

    def __init__(self, file: IO[bytes]) -> None:
        self._file, self.written, self._skip = file, 0, 0

    def begin(self, status: int) -> None:
        """Prepare for an answer with 206, which continues, or with 200, which starts again."""
        self._skip = self.written if status == 200 else 0

    def write(self, chunk: bytes) -> None:
        new = chunk[self._skip :]
        self._skip -= len(chunk) - len(new)
        self._file.write(new)
        self.written += len(new)
