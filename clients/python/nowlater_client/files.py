"""Files in inputs and results: small ones travel in the request, others are uploaded."""

from __future__ import annotations

import base64
import contextlib
import functools
import hashlib
import inspect
import io
import math
import mimetypes
import os
import shutil
import threading
import uuid
import weakref
from collections.abc import AsyncIterator, Awaitable, Callable, Generator, Iterator, Mapping, Set
from dataclasses import dataclass
from pathlib import Path
from tempfile import SpooledTemporaryFile
from typing import IO, Any, TypeVar, Union

import httpx

from nowlater_client import errors
from nowlater_client.portal import calling
from nowlater_client.sender import in_thread
from nowlater_client.transfer import ends

T = TypeVar("T")

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
    """What is to be sent of a file: its size, its media type, and its bytes, repeatedly.

    It is made and read in threads, as a disk may be slow; several may read one open file at a time.
    """

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
        if not callable(getattr(file, "read", None)):
            raise TypeError(f"A file is a path, bytes, or an open binary file: {file!r:.80}.")
        if inspect.iscoroutinefunction(file.read):
            raise TypeError("An asynchronous file is no binary file: pass `await file.read()`.")
        if not isinstance(file.read(0), bytes):
            raise TypeError('Open the file in binary mode: open(path, "rb").')
        if not is_seekable(file):
            copy: Any = SpooledTemporaryFile(max_size=INLINE_BYTES)  # noqa: SIM115
            weakref.finalize(self, copy.close)
            for chunk in iter(lambda: file.read(_CHUNK), b""):
                copy.write(chunk)
            copy.seek(0)
            file = copy
        with _reading(file) as shared:
            self._source, self._start = file, shared.position
            self.size = shared.end() - self._start

    def __iter__(self) -> Generator[bytes, None, None]:
        """Yield the content from its beginning: the bytes that were there at first."""
        left = self.size
        with contextlib.closing(self._chunks()) as chunks:
            for chunk in chunks:
                if left <= 0:
                    break  # it has grown
                yield chunk[:left]
                left -= len(chunk)
        if left > 0:
            raise ValueError(f"The file became smaller while it was read: {self._source!r}.")

    def _chunks(self) -> Generator[bytes, None, None]:
        if isinstance(self._source, bytes):
            for at in range(0, self.size, _CHUNK):
                yield self._source[at : at + _CHUNK]
        elif isinstance(self._source, (str, os.PathLike)):
            with Path(self._source).open("rb") as file:
                yield from iter(lambda: file.read(_CHUNK), b"")
        else:
            at = self._start
            with _reading(self._source) as shared:
                while chunk := shared.read(at):
                    yield chunk
                    at += len(chunk)

    async def __aiter__(self) -> AsyncIterator[bytes]:
        chunks = iter(self)
        try:
            while chunk := await in_thread(functools.partial(next, chunks, b"")):
                yield chunk
        finally:
            with contextlib.suppress(ValueError):  # a thread reads yet: then it is closed after it
                chunks.close()

    def digest(self) -> str:
        """Return the SHA-256 of the content, in hexadecimal."""
        digest = hashlib.sha256()
        for chunk in self:
            digest.update(chunk)
        return digest.hexdigest()

    def inline(self) -> dict[str, str]:
        """Return the form in which a request carries the file."""
        form = {"base64": base64.b64encode(b"".join(self)).decode()}
        return form | ({"media_type": self.media_type} if self.media_type else {})


class _Shared:
    """An open file while it is read: by how many, where it was before, and a lock to move it."""

    def __init__(self, file: IO[bytes]) -> None:
        self._file, self._lock = file, threading.Lock()
        self.readers, self.position = 0, file.tell()

    def read(self, at: int) -> bytes:
        """Return bytes from a position on."""
        with self._lock:
            if self._file.tell() != at:  # in a compressed file, a seek reads all before
                self._file.seek(at)
            return self._file.read(_CHUNK)

    def end(self) -> int:
        """Return the position of the end."""
        with self._lock:
            return self._file.seek(0, os.SEEK_END)


#: The open files that are read now, by `id`.
_shared: dict[int, _Shared] = {}
_sharing = threading.Lock()


@contextlib.contextmanager
def _reading(file: IO[bytes]) -> Iterator[_Shared]:
    """Share an open file with others that read it now; the last one moves it back to where it was."""
    with _sharing:
        shared = _shared.get(id(file)) or _shared.setdefault(id(file), _Shared(file))
        shared.readers += 1
    try:
        yield shared
    finally:
        with _sharing:
            shared.readers -= 1
            if not shared.readers:
                del _shared[id(file)]
                file.seek(shared.position)


async def in_time(end: float, function: Callable[..., T], *values: Any) -> T:
    """Return what a function that reads or writes files returns; raises RequestTimeout after the end.

    It runs in a thread, and ends there by itself.
    """
    import asyncio

    task = asyncio.ensure_future(in_thread(functools.partial(function, *values)))
    try:
        if not await ends(task, end):
            raise errors.RequestTimeout("A file could not be read or written in time.")
    finally:
        task.cancel()
    return task.result()


def encode(value: Any) -> tuple[Any, list[tuple[dict[str, str], Any]]]:
    """Return an input as JSON, and its files, each with the object that is to stand for it.

    Raises TypeError or ValueError, with the place (JSON Pointer), for what JSON does not have.
    """
    files = list[tuple[dict[str, str], Any]]()

    def encoded(value: Any, place: str) -> Any:
        if isinstance(value, Upload):
            return {"upload": value.id}
        if isinstance(value, Mapping):
            return {name: encoded(value[name], _below(place, name)) for name in value}
        if isinstance(value, (list, tuple)):
            return [encoded(item, f"{place}/{index}") for index, item in enumerate(value)]
        if is_file(value):
            files.append(({}, value))
            return files[-1][0]
        _check(value, place)
        return value

    if not isinstance(value, Mapping):
        raise TypeError(f"The input is a dict of the operation's members: {value!r:.80}.")
    try:
        return encoded(value, "/input"), files
    except RecursionError as error:
        raise ValueError("The input is nested too deep, or contains itself.") from error


def _below(place: str, name: Any) -> str:
    """Return the place of a member."""
    if not isinstance(name, str):
        raise TypeError(f"{place} has a member whose name is no text: {name!r:.80}.")
    return f"{place}/{name.replace('~', '~0').replace('/', '~1')}"


def _check(value: Any, place: str) -> None:
    """Raise TypeError or ValueError for a value that JSON does not have."""
    if isinstance(value, float) and not math.isfinite(value):
        raise ValueError(f"{place} cannot be sent as JSON: {value} is not JSON compliant.")
    if value is None or isinstance(value, (str, int, float)):
        return
    known = [form for name, form in _FORMS.items() if hasattr(value, name)]
    form = [*known, "a list" if isinstance(value, Set) else "str(value)"][0]
    kind = type(value).__name__
    raise TypeError(f"{place} is of the type {kind}, which JSON does not have: give {form}.")


#: What to give instead of a value that has such an attribute: of numpy and pandas, a date, a buffer.
_FORMS = {
    **{"tolist": "value.tolist()", "isoformat": "value.isoformat()"},
    **{"model_dump": "value.model_dump()", "__dataclass_fields__": "dataclasses.asdict(value)"},
}


def fill(files: list[tuple[dict[str, str], Any]]) -> list[tuple[dict[str, str], Content]]:
    """Put files into their objects, while they are small; return the others."""
    budget, large = INLINE_BYTES, list[tuple[dict[str, str], Content]]()
    for form, source in files:
        content = Content(source)
        if content.size > budget:
            large.append((form, content))
        else:
            budget -= content.size
            form.update(content.inline())
    return large


@contextlib.contextmanager
def writing(path: str | os.PathLike[str], buffering: int = -1) -> Iterator[IO[bytes]]:
    """Open a file to be written, which appears when it is whole; a device or pipe is written at once."""
    target = Path(os.path.realpath(path))  # a link stays
    if target.exists() and not target.is_file():
        with target.open("wb", buffering) as file:
            yield file
        return
    part = Path(f"{target}.{uuid.uuid4().hex[:8]}.part")
    try:
        with part.open("wb", buffering) as file:
            yield file
        if target.exists():
            shutil.copymode(target, part)
        part.replace(target)
    finally:
        part.unlink(missing_ok=True)


@contextlib.asynccontextmanager
async def writer(
    to: str | os.PathLike[str] | IO[bytes], end: float
) -> AsyncIterator[Callable[[bytes], Awaitable[Any]]]:
    """Yield what writes to a path as `writing` does, in threads until the end; or to a binary file."""
    if not isinstance(to, (str, os.PathLike)):
        if isinstance(to, io.TextIOBase) or not callable(getattr(to, "write", None)):
            raise TypeError(
                f'Give a path, or a file that is open in binary mode ("wb"): {to!r:.80}.'
            )
        yield functools.partial(_write_all, to)
        return
    opening = writing(to, 0)  # without a buffer: `close` would wait for a thread that writes yet
    file = await in_time(end, opening.__enter__)

    def write(content: bytes) -> None:
        while content:
            content = content[file.write(content) :]

    with contextlib.ExitStack() as stack:
        stack.push(opening)
        yield lambda content: in_time(end, write, content)


async def _write_all(file: IO[bytes], content: bytes) -> None:
    count = await calling(file.write, content)
    while isinstance(file, io.RawIOBase) and (content := content[count or 0 :]):
        count = await calling(file.write, content)  # such a file may take a part


def is_seekable(file: IO[bytes]) -> bool:
    """Return whether an open file can seek; in Python 3.10, a SpooledTemporaryFile does not say so."""
    return file.seekable() if hasattr(file, "seekable") else hasattr(file, "seek")


def is_file(value: Any) -> bool:
    """Return whether a value in an input is a file; a plain string is text."""
    return isinstance(value, (bytes, os.PathLike)) or callable(getattr(value, "read", None))
