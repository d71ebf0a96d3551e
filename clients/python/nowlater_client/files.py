"""Files in inputs and results: small ones travel in the request, others are uploaded."""

from __future__ import annotations

import base64
import hashlib
import mimetypes
import os
import uuid
import weakref
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import SpooledTemporaryFile
from typing import IO, Any, Union

import httpx

from nowlater_client.exchange import sleep

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


class Content(httpx.SyncByteStream, httpx.AsyncByteStream):
    """What is to be sent of a file: its size, its media type, and its bytes, repeatedly."""

    def __init__(self, source: Source, media_type: str | None = None) -> None:
        self._source: Source = source
        self._start = 0
        name: object = source if isinstance(source, (str, os.PathLike)) else None
        if isinstance(source, bytes):
            media_type = media_type or getattr(source, "media_type", None)
            self.size = len(source)
        elif isinstance(source, (str, os.PathLike)) and Path(source).is_file():
            self.size = Path(source).stat().st_size
        elif isinstance(source, (str, os.PathLike)):  # a pipe, which can be read once
            with Path(source).open("rb") as pipe:
                self._keep(pipe)
        else:
            name = getattr(source, "name", None)
            self._keep(source)
        guessed = mimetypes.guess_type(name)[0] if isinstance(name, (str, os.PathLike)) else None
        self.media_type = media_type or guessed

    def _keep(self, file: IO[bytes]) -> None:
        """Keep an open file, its position and its size from there; a copy where it cannot seek."""
        if not isinstance(file.read(0), bytes):
            raise TypeError('Open the file in binary mode: open(path, "rb").')
        if not file.seekable():
            copy: Any = SpooledTemporaryFile(max_size=INLINE_BYTES)  # noqa: SIM115
            weakref.finalize(self, copy.close)
            for chunk in iter(lambda: file.read(_CHUNK), b""):
                copy.write(chunk)
            copy.seek(0)
            file = copy
        self._source, self._start = file, file.tell()
        self.size = file.seek(0, os.SEEK_END) - self._start
        file.seek(self._start)

    def __iter__(self) -> Iterator[bytes]:
        """Yield the content from its beginning: the bytes that were there at first."""
        left = self.size
        for chunk in self._chunks():
            if left <= 0:
                break  # it has grown
            yield chunk[:left]
            left -= len(chunk)
        if left > 0:
            raise ValueError(f"The file became smaller while it was read: {self._source!r:.80}.")

    def _chunks(self) -> Iterator[bytes]:
        if isinstance(self._source, bytes):
            yield self._source
        elif isinstance(self._source, (str, os.PathLike)):
            with Path(self._source).open("rb") as file:
                yield from iter(lambda: file.read(_CHUNK), b"")
        else:
            opened = self._source
            opened.seek(self._start)
            try:
                yield from iter(lambda: opened.read(_CHUNK), b"")
            finally:
                opened.seek(self._start)  # so that it can be sent again

    async def __aiter__(self) -> AsyncIterator[bytes]:
        for chunk in self:
            yield chunk

    async def digest(self) -> str:
        """Return the SHA-256 of the content, in hexadecimal; requests under way go on meanwhile."""
        digest = hashlib.sha256()
        async for chunk in self:
            digest.update(chunk)
            await sleep(0)
        return digest.hexdigest()

    def inline(self) -> dict[str, str]:
        """Return the form in which a request carries the file."""
        form = {"base64": base64.b64encode(b"".join(self)).decode()}
        return form | ({"media_type": self.media_type} if self.media_type else {})


def encode(value: Any) -> tuple[Any, list[tuple[dict[str, str], Content]]]:
    """Return an input as JSON, and the files too large for it, each with where its upload's id goes."""
    budget, large = INLINE_BYTES, list[tuple[dict[str, str], Content]]()

    def encoded(value: Any) -> Any:
        nonlocal budget
        if isinstance(value, Upload):
            return {"upload": value.id}
        if isinstance(value, Mapping):
            return {name: encoded(item) for name, item in value.items()}
        if isinstance(value, (list, tuple)):
            return [encoded(item) for item in value]
        if not is_file(value):
            return value
        content = Content(value)
        if content.size > budget:
            large.append(({}, content))
            return large[-1][0]
        budget -= content.size
        return content.inline()

    return encoded(value), large


@contextmanager
def writing(path: str | os.PathLike[str]) -> Iterator[IO[bytes]]:
    """Open a file to be written, which appears when it is whole; a device or pipe is written at once."""
    target = Path(os.path.realpath(path))  # a link stays
    if target.exists() and not target.is_file():
        with target.open("wb") as file:
            yield file
        return
    part = Path(f"{target}.{uuid.uuid4().hex[:8]}.part")
    try:
        with part.open("wb") as file:
            yield file
        part.replace(target)
    finally:
        part.unlink(missing_ok=True)


def is_file(value: Any) -> bool:
    """Return whether a value in an input is a file; a plain string is text."""
    return isinstance(value, (bytes, os.PathLike)) or callable(getattr(value, "read", None))
