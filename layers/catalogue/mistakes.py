"""Mistakes in the operations' code, each as one line for its author: file, line, and what to do."""

import inspect
import traceback
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

from nowlater import operation

ROOT = Path(__file__).resolve().parents[2]
_DECORATOR = inspect.getsourcefile(operation)

_OF_AWS = ("botocore.exceptions", "botocore.errorfactory", "boto3.exceptions")


class Mistake(Exception):
    """One or more lines; each names a place in the code and says what to write instead."""


def refuse(mistakes: Iterable[Mistake]) -> None:
    """Raise one Mistake with the lines of all mistakes, if there are any."""
    if lines := list(dict.fromkeys(map(str, mistakes))):
        raise Mistake("\n".join(lines))


def in_function(function: Callable[..., Any], message: str) -> Mistake:
    """Return a mistake in a function's declaration, at its first line."""
    code = getattr(inspect.unwrap(function), "__code__", None)
    if code is None:
        return Mistake(f"{function.__module__}: {message}")
    return at(Path(code.co_filename), code.co_firstlineno, message)


def of_import(fault: BaseException, source: Path, package: Path) -> Mistake:
    """Return the mistake that stopped the import of a file of a package, at the line to change."""
    if isinstance(fault, SyntaxError) and fault.filename is not None:
        return at(Path(fault.filename), fault.lineno or 1, f"{type(fault).__name__}: {fault.msg}")
    frames = traceback.extract_tb(fault.__traceback__)
    own = [frame for frame in frames if Path(frame.filename).is_relative_to(package)]
    path, line = (Path(own[-1].filename), own[-1].lineno or 1) if own else (source, 1)
    is_of_decorator = bool(frames) and frames[-1].filename == _DECORATOR
    return at(path, line, str(fault) if is_of_decorator else _sentence(fault))


def _sentence(fault: BaseException) -> str:
    message = " ".join(f"{type(fault).__name__}: {fault}".split())
    if isinstance(fault, ModuleNotFoundError):
        return f"{fault}: if it is a package, add it to operations/requirements.txt"
    if isinstance(fault, KeyError | OSError | SystemExit) or type(fault).__module__ in _OF_AWS:
        message += " (the build imports every module: read, connect and load inside the function)"
    return message


def at(path: Path, line: int, message: str) -> Mistake:
    """Return a mistake in a line of a file."""
    path = path.relative_to(ROOT) if path.is_relative_to(ROOT) else path
    return Mistake(f"{path}:{line}: {message}")
