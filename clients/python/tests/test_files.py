"""Files that are read and written: shared ones, pipes, what changes meanwhile, and what is no file."""

import asyncio
import bz2
import contextlib
import gzip
import io
import os
import resource
import socket
import stat
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import IO, Any

import pytest

from nowlater_client import AsyncClient, Client, errors, files
from nowlater_client.files import INLINE_BYTES, Content
from nowlater_client.testing import Server

CONTENT = b"".join(number.to_bytes(4, "big") for number in range(INLINE_BYTES // 2))
SIZE = len(CONTENT)
LIMIT_S, TOLERANCE_S = 0.5, 2.0


def same(file: bytes) -> bool:
    return file == CONTENT


@pytest.fixture
def client() -> Iterator[Client]:
    with Server({"same": same, "make": lambda size=SIZE: CONTENT[:size]}).client() as client:
        yield client


# ── read ──────────────────────────────────────────────────────────────────────────────────────


SEND: dict[str, Callable[..., Any]] = {
    "call": lambda client, file, **options: client.call("same", {"file": file}, **options),
    "upload": lambda client, file, **options: client.upload(file, **options),
}


def spooled(path: Path) -> Any:
    file = tempfile.SpooledTemporaryFile()  # noqa: SIM115
    file.write(path.read_bytes())
    file.seek(0)
    return file


def compressed(path: Path) -> Any:
    return bz2.open(io.BytesIO(bz2.compress(path.read_bytes())))


def without_seek(path: Path) -> Any:
    file = path.open("rb")
    return type("Reader", (), {"read": file.read, "close": file.close})


OPENED: dict[str, Callable[[Path], Any]] = {
    "a file": lambda path: path.open("rb"),
    "a file without buffer": lambda path: path.open("rb", buffering=0),
    "bytes in memory": lambda path: io.BytesIO(path.read_bytes()),
    "a spooled file": spooled,
    "a compressed file": compressed,
    "a file that cannot seek": without_seek,
}


@contextlib.contextmanager
def opened(form: str, path: Path) -> Iterator[Any]:
    """Open a file in one of the forms."""
    file = OPENED[form](path)
    yield file
    file.close()


@pytest.mark.parametrize("form", OPENED)
def test_an_open_file_is_sent_whole(client: Client, tmp_path: Path, form: str) -> None:
    (tmp_path / "a.bin").write_bytes(CONTENT)

    with opened(form, tmp_path / "a.bin") as file:
        assert client.call("same", {"file": file})


def test_a_file_of_python_3_10_need_not_say_that_it_can_seek(
    client: Client, tmp_path: Path
) -> None:
    class Spooled:
        """As `SpooledTemporaryFile` is there."""

        def __init__(self) -> None:
            file = io.BytesIO(CONTENT)
            self.read, self.seek, self.tell = file.read, file.seek, file.tell

    file: Any = Spooled()
    assert client.call("same", {"file": file})
    assert list(client.map("same", [{"file": file}], key="batch")) == [True]


@pytest.mark.parametrize(
    "form", ["a file", "a file without buffer", "bytes in memory", "a compressed file"]
)
def test_several_calls_at_a_time_send_the_same_open_file_whole(
    client: Client, tmp_path: Path, form: str
) -> None:
    (tmp_path / "a.bin").write_bytes(b"before" + CONTENT)
    with opened(form, tmp_path / "a.bin") as file:
        file.seek(6)

        assert list(client.map("same", [{"file": file}] * 8)) == [True] * 8
        assert file.tell() == 6


def test_a_file_is_taken_from_its_position_while_another_call_reads_it(tmp_path: Path) -> None:
    file = io.BytesIO(b"before" + CONTENT)
    file.seek(6)
    first = iter(Content(file))
    next(first)

    second = Content(file)

    assert b"".join(second) == CONTENT
    assert b"".join(first) == CONTENT[files._CHUNK :]
    assert file.tell() == 6


def test_a_compressed_file_is_read_once_from_its_beginning(monkeypatch: pytest.MonkeyPatch) -> None:
    """A seek back reads it again: for each chunk, it would take hours."""
    rewound: list[int] = []
    file = gzip.GzipFile(fileobj=io.BytesIO(gzip.compress(CONTENT * 4)))
    content, rewind = Content(file), file._buffer.raw._rewind  # type: ignore[attr-defined]
    monkeypatch.setattr(
        type(file._buffer.raw),
        "_rewind",
        lambda self: (rewound.append(1), rewind()),  # type: ignore[attr-defined]
    )

    assert b"".join(content) == CONTENT * 4
    assert len(rewound) <= 2


def test_an_empty_file_is_sent(client: Client, tmp_path: Path) -> None:
    (tmp_path / "empty.bin").write_bytes(b"")

    assert not client.call("same", {"file": tmp_path / "empty.bin"})
    with pytest.raises(ValueError, match="empty file cannot be uploaded"):
        client.upload(tmp_path / "empty.bin")
    assert client.call("make", {"size": 0}) == b""


@pytest.mark.parametrize("how", SEND)
def test_a_pipe_nobody_writes_to_is_given_up_in_time(
    client: Client, tmp_path: Path, how: str
) -> None:
    path, began = tmp_path / "pipe", time.monotonic()
    os.mkfifo(path)

    with pytest.raises(errors.RequestTimeout, match="could not be read"):
        SEND[how](client, path, timeout=LIMIT_S)

    assert time.monotonic() - began < LIMIT_S + TOLERANCE_S
    with path.open("wb"):
        pass  # which ends the thread that waits


class Slow(io.BytesIO):
    """A file whose reads wait until they may go on."""

    def __init__(self, content: bytes) -> None:
        super().__init__(content)
        self.may, self.began = threading.Event(), threading.Event()

    def read(self, size: int | None = -1) -> bytes:
        if size:
            self.began.set()
            self.may.wait(30)
        return super().read(size)


@pytest.mark.parametrize("size", [10, len(CONTENT)], ids=["inside the request", "uploaded"])
@pytest.mark.parametrize("key", [None, "batch"], ids=["submit", "map"])
def test_a_slow_file_does_not_hold_up_others(size: int, key: str | None) -> None:
    async def run(client: AsyncClient, file: Any) -> Any:
        if key is None:
            return await (await client.submit("same", {"file": file})).result()
        [found] = [one async for one in client.map("same", [{"file": file}], key=key)]
        return found

    async def main() -> None:
        file = Slow(CONTENT[:size])
        async with Server({"same": same, "one": lambda: 1}).async_client() as client:
            slow = asyncio.create_task(run(client, file))
            while not file.began.is_set():
                await asyncio.sleep(0.01)
            assert await client.call("one") == 1
            assert not slow.done()
            file.may.set()
            assert await slow is (size == len(CONTENT))

    asyncio.run(asyncio.wait_for(main(), 20))


def test_a_slow_file_is_given_up_in_time(client: Client) -> None:
    file = Slow(CONTENT)
    with pytest.raises(errors.RequestTimeout) as caught:
        client.submit("same", {"file": file}, key="order-42", timeout=LIMIT_S)

    assert caught.value.key == "order-42"
    file.may.set()


NO_FILE: dict[str, tuple[Callable[[Path], Any], type[Exception], str]] = {
    "a folder": (lambda folder: folder, IsADirectoryError, "directory"),
    "a missing file": (lambda folder: folder / "none.csv", FileNotFoundError, "none.csv"),
    "a socket": (lambda folder: folder / "socket", OSError, "socket"),
    "a closed file": (lambda folder: closed(folder), ValueError, "closed file"),
    "a text file": (lambda folder: io.StringIO("x"), TypeError, "binary mode"),
    "an asynchronous file": (lambda folder: Asynchronous(), TypeError, "binary"),
}


class Asynchronous:
    """As the uploaded files of asynchronous frameworks."""

    async def read(self, size: int = -1) -> bytes:
        raise AssertionError("This cannot be awaited here.")


def closed(folder: Path) -> IO[bytes]:
    with (folder / "closed").open("wb+") as file:
        return file


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize("name", NO_FILE)
@pytest.mark.parametrize("how", SEND)
def test_what_is_no_file_is_said_before_any_request(tmp_path: Path, name: str, how: str) -> None:
    make, kind, said = NO_FILE[name]
    server = Server({"same": same})
    with socket.socket(socket.AF_UNIX) as unix, server.client() as client:
        unix.bind(f"{tmp_path}/socket")
        with pytest.raises(kind, match=said):
            SEND[how](client, make(tmp_path))

    assert server.requests == []


@pytest.mark.parametrize("source", [5, None, ["a.csv"]])
def test_a_source_that_cannot_be_meant_is_refused(client: Client, source: Any) -> None:
    with pytest.raises(TypeError, match="A file is a path, bytes, or an open binary file"):
        client.upload(source)


@pytest.mark.parametrize("change", ["shrinks", "is removed"])
def test_a_file_that_is_cut_while_it_is_sent_is_an_error(tmp_path: Path, change: str) -> None:
    path = tmp_path / "app.log"
    path.write_bytes(CONTENT)
    with Server({}).client() as client:

        def change_it(reply: Any) -> None:
            if change == "shrinks":
                os.truncate(path, 10)
            else:
                path.unlink()

        kind = ValueError if change == "shrinks" else FileNotFoundError
        with pytest.raises(kind, match=r"app\.log"):
            client.with_options(on_reply=change_it).upload(path)


# ── written ───────────────────────────────────────────────────────────────────────────────────


def test_a_download_replaces_a_file_and_keeps_its_permissions(
    client: Client, tmp_path: Path
) -> None:
    path = tmp_path / "private.bin"
    path.write_bytes(b"old")
    path.chmod(0o600)

    client.submit("make").download(path)

    assert path.read_bytes() == CONTENT
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.parametrize(
    ("to", "kind"), [(".", IsADirectoryError), ("none/a.bin", FileNotFoundError)]
)
def test_a_download_needs_a_place(
    client: Client, tmp_path: Path, to: str, kind: type[Exception]
) -> None:
    job = client.submit("make")
    with pytest.raises(kind):
        job.download(tmp_path / to)

    assert list(tmp_path.iterdir()) == []
    client.submit("make", {"size": 10}).download("/dev/null")
    assert Path("/dev/null").is_char_device()


@pytest.mark.parametrize("to", [5, None, io.StringIO()])
def test_a_download_goes_to_a_path_or_a_binary_file(client: Client, to: Any) -> None:
    with pytest.raises(TypeError, match="binary mode"):
        client.submit("make").download(to)


class Narrow(io.RawIOBase):
    """A file without a buffer, which takes a part of what it is given."""

    def __init__(self) -> None:
        self.content = b""

    def write(self, content: Any) -> int:
        self.content += bytes(content[:1000])
        return min(1000, len(content))


def test_a_file_without_a_buffer_is_written_whole(client: Client) -> None:
    file = Narrow()
    client.submit("make").download(file)  # type: ignore[arg-type]

    assert file.content == CONTENT


def test_a_full_disk_is_an_error_and_leaves_nothing(client: Client, tmp_path: Path) -> None:
    with pytest.raises(OSError, match="No space left"):
        client.submit("make").download("/dev/full")

    (tmp_path / "a.bin").write_bytes(b"old")
    job, limits = client.submit("make"), resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (SIZE // 2, limits[1]))
    try:
        with pytest.raises(OSError, match="File too large"):
            job.download(tmp_path / "a.bin")
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
    assert [path.read_bytes() for path in tmp_path.iterdir()] == [b"old"]


@pytest.mark.parametrize("reader", [False, True], ids=["opened by none", "read by none"])
def test_a_download_to_a_pipe_is_given_up_in_time(
    client: Client, tmp_path: Path, reader: bool
) -> None:
    path, job = tmp_path / "pipe", client.submit("make")
    os.mkfifo(path)
    opened = os.open(path, os.O_RDONLY | os.O_NONBLOCK) if reader else None
    began = time.monotonic()

    with pytest.raises(errors.WaitTimeout):
        job.download(path, timeout=LIMIT_S)

    assert time.monotonic() - began < LIMIT_S + TOLERANCE_S
    os.close(os.open(path, os.O_RDONLY | os.O_NONBLOCK) if opened is None else opened)
