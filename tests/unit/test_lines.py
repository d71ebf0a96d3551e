"""`local/lines.py`: what a process writes becomes lines, whatever it writes and however it ends."""

import os
import threading
from collections.abc import Iterator
from typing import IO

import pytest

from local.lines import Lines


class Process:
    """A pipe with a reader, as of a process."""

    def __init__(self) -> None:
        reading, self._writing = os.pipe()
        self.pipe: IO[str] = os.fdopen(reading)
        self.passed_on: list[str] = []
        self.lines = Lines(self.pipe, self.passed_on.append)
        self.reader = threading.Thread(target=self.lines.read, daemon=True)
        self.reader.start()

    def write(self, data: bytes) -> None:
        while data:
            data = data[os.write(self._writing, data) :]

    def close(self) -> None:
        if self._writing >= 0:
            os.close(self._writing)
        self._writing = -1
        self.reader.join(10)
        assert not self.reader.is_alive()


@pytest.fixture
def process() -> Iterator[Process]:
    process = Process()
    yield process
    process.close()
    process.pipe.close()


def test_a_line_without_an_end_is_passed_on_when_the_run_ends(process: Process) -> None:
    process.write(b"one\ntwo")
    process.lines.end()
    assert process.passed_on == ["one", "two"]

    process.write(b"three")
    process.close()
    assert process.passed_on == ["one", "two", "three"]


def test_bytes_that_are_no_text_do_not_end_the_output(process: Process) -> None:
    process.write(b"\xff\xfe\n" + "ä".encode() + b"\n")
    process.lines.end()

    assert process.passed_on == ["\ufffd\ufffd", "ä"]


def test_a_progress_bar_has_a_line_for_each_state(process: Process) -> None:
    process.write(b"10 %\r20 %\rdone\r\nnext\n")
    process.lines.end()

    assert process.passed_on == ["10 %", "20 %", "done", "next"]


def test_much_output_is_passed_on_whole_and_long_lines_in_parts(process: Process) -> None:
    process.write(b"x" * 99 + b"\n" + b"y" * 1_000_000 + b"\n" + b"z\n" * 10_000)
    process.close()
    first, *parts = process.passed_on[:-10_000]

    assert first == "x" * 99
    assert len(parts) > 1
    assert "".join(parts) == "y" * 1_000_000
    assert process.passed_on[-10_000:] == ["z"] * 10_000


def test_a_pipe_that_this_side_has_closed_is_an_end(process: Process) -> None:
    process.write(b"last")
    process.lines.end()
    process.pipe.close()
    process.lines.end()

    assert process.passed_on == ["last"]
