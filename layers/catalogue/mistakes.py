"""What is wrong in the operations' code, as one line for its author: file, line, and what to do."""

import inspect
import traceback
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

from nowlater import operation

_ROOT = Path(__file__).resolve().parents[2]
_DECORATOR = inspect.getsourcefile(operation)

_OF_AWS = ("botocore.exceptions", "botocore.errorfactory", "boto3.exceptions")


class Mistake(Exception):
    """A line, or several, each of which names a place in the code and says what to write instead."""


def refuse(found: Iterable[Mistake]) -> None:
    """Raise one Mistake with all that were found, if any were."""
    if lines := list(dict.fromkeys(map(str, found))):
        raise Mistake("\n".join(lines))


def in_function(function: Callable[..., Any], said: str) -> Mistake:
    """Return a mistake in how a function is declared, at its first line."""
    code = getattr(inspect.unwrap(function), "__code__", None)
    if code is None:
        return Mistake(f"{function.__module__}: {said}")
    return at(Path(code.co_filename), code.co_firstlineno, said)


def of_import(fault: BaseException, source: Path, package: Path) -> Mistake:
    """Return what stopped the import of a file of a package, at the line that is to be changed."""
    if isinstance(fault, SyntaxError) and fault.filename is not None:
        return at(Path(fault.filename), fault.lineno or 1, f"{type(fault).__name__}: {fault.msg}")
    frames = traceback.extract_tb(fault.__traceback__)
    ours = [frame for frame in frames if Path(frame.filename).is_relative_to(package)]
    where = (Path(ours[-1].filename), ours[-1].lineno or 1) if ours else (source, 1)
    is_decorators = bool(frames) and frames[-1].filename == _DECORATOR
    return at(*where, str(fault) if is_decorators else _sentence(fault))


def _sentence(fault: BaseException) -> str:
    said = " ".join(f"{type(fault).__name__}: {fault}".split())
    if isinstance(fault, ModuleNotFoundError):
        return f"{fault}: if it is a package, add it to layers/operations/requirements.txt"
    if isinstance(fault, KeyError | OSError | SystemExit) or type(fault).__module__ in _OF_AWS:
        said += " (the build imports every module: read, connect and load inside the function)"
    return said


def at(path: Path, line: int, said: str) -> Mistake:
    """Return a mistake in a line of a file."""
    shown = path.relative_to(_ROOT) if path.is_relative_to(_ROOT) else path
    return Mistake(f"{shown}:{line}: {said}")
