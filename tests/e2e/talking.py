"""An operation that prints, logs, warns and dies; the tests of `make up` serve it."""

import ctypes
import logging
import os
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
    if how == "crash":
        ctypes.string_at(0)
    return word * 20_000
