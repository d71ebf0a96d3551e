"""An operation that prints, logs, warns and dies; the tests of `make up` serve it."""

import ctypes
import logging
import os
import subprocess
import sys
import time
import warnings

from nowlater import operation


@operation(timeout=35, attempts=2)
def talk(word: str, how: str = "", seconds: float = 0) -> str:
    """Say a word in each way there is, and end in one."""
    print(f"printed {word}")  # noqa: T201
    logging.getLogger("talking").info("logged %s", word)
    warnings.warn(f"warned {word}", stacklevel=1)
    os.write(2, f"written {word}\n".encode())
    time.sleep(seconds)
    if how == "raise":
        raise ValueError(f"raised {word}")
    if how == "child":
        _have_a_child_talk(word)
    if how == "crash":
        ctypes.string_at(0)
    return word * 20_000


def _have_a_child_talk(word: str) -> None:
    """Print an answer of the emulator's, and more lines than it waits for; read what there is."""
    child = f"print('{{}}')\nfor _ in range(300): print('child {word}')".format('{"status": "ok"}')
    subprocess.run([sys.executable, "-c", child], check=True)
    os.write(1, b"\xff\x00 binary\n")
    read = subprocess.run(["cat"], capture_output=True, check=True).stdout
    size = len(read) + len(sys.stdin.read())
    print(f"read {size} bytes, and the last line has no end {word}", end="")  # noqa: T201
