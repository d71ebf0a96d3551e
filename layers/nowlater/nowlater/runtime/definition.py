"""The `@operation` decorator, and the search for the operations of a module."""

import importlib
import inspect
import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, overload

DOORS = ("sync", "async", "hybrid")
#: With growing waits, so many attempts take longer than any job's deadline allows.
MAX_ATTEMPTS = 1000

_NAME = re.compile(r"[a-z][a-z0-9]*(-[a-z0-9]+)*")
#: All operations decorated in this process: the build reports those that no module attribute names.
_decorated: list["Operation"] = []


@dataclass(frozen=True)
class Operation:
    """An operation and the arguments of its decorator."""

    name: str
    function: Callable[..., Any]
    #: The longest that one attempt may run, in seconds.
    timeout: float
    #: The attempts of a job before it fails.
    attempts: int
    doors: tuple[str, ...]
    diagnostic: bool

    @property
    def description(self) -> str:
        return " ".join((self.function.__doc__ or "").strip().split("\n\n")[0].split())


@overload
def operation[F: Callable[..., Any]](function: F, /) -> F: ...
@overload
def operation[F: Callable[..., Any]](
    *,
    timeout: float = 60,
    attempts: int = 3,
    doors: tuple[str, ...] = DOORS,
    name: str | None = None,
    diagnostic: bool = False,
) -> Callable[[F], F]: ...
def operation(
    function: Any = None,
    /,
    *,
    timeout: float = 60,
    attempts: int = 3,
    doors: tuple[str, ...] = DOORS,
    name: str | None = None,
    diagnostic: bool = False,
) -> Any:
    """Serve a function: `csv_profile` becomes the operation `csv-profile`, with its docstring.

    `timeout` is in seconds (the worker's own limit caps it), `attempts` counts the first one too.
    `doors` lists the doors that serve it; a diagnostic operation is served only where the stack's
    Diagnostics parameter allows it. Without arguments, the parentheses are optional.
    Raises ValueError or TypeError at once for an invalid argument.
    """

    def serve[F: Callable[..., Any]](function: F) -> F:
        _check_is_function(function)
        operation_name = name or function.__name__.replace("_", "-")
        if (
            not isinstance(operation_name, str)
            or not _NAME.fullmatch(operation_name)
            or len(operation_name) > 64
        ):
            raise ValueError(
                f"{operation_name!r} cannot be an operation's name: use a-z, 0-9 and -"
            )
        if not isinstance(timeout, int | float) or not 0 < timeout <= 1800:
            raise ValueError(
                f"{operation_name}: timeout is in seconds, more than 0 and at most 1800"
            )
        if type(attempts) is not int or not 1 <= attempts <= MAX_ATTEMPTS:
            raise ValueError(
                f"{operation_name}: attempts counts the first one too: it is a whole number from 1 to {MAX_ATTEMPTS}"
            )
        if not doors or isinstance(doors, str) or set(doors) - set(DOORS):
            raise ValueError(
                f'{operation_name}: doors are some of {", ".join(DOORS)}, as a tuple: ("sync",)'
            )
        spec = Operation(operation_name, function, timeout, attempts, tuple(doors), diagnostic)
        function.operation = spec  # type: ignore[attr-defined]  # the function itself is unchanged
        _decorated.append(spec)
        return function

    return serve if function is None else serve(function)


def _check_is_function(target: Any) -> None:
    if isinstance(target, str):
        raise TypeError(f"@operation takes its arguments by name: @operation(name={target!r})")
    if isinstance(target, classmethod | staticmethod | property) or inspect.ismethod(target):
        raise TypeError("@operation is for functions, and this is part of a class: move it out")
    if inspect.isclass(target):
        raise TypeError(
            f"@operation is for functions, and {target.__name__} is a class: write a function that uses it"
        )
    if not callable(target) or not hasattr(target, "__name__"):
        raise TypeError(
            f"@operation is for functions, and this is of the type {type(target).__name__}: write a "
            "function with def that calls it, and name the arguments of @operation"
        )


def in_module(name: str) -> dict[str, Operation]:
    """Import a module; return the operations that it defines, by attribute name, in its order."""
    module = importlib.import_module(name)
    operations: dict[str, Operation] = {}
    for attribute, member in vars(module).items():
        spec = getattr(member, "operation", None)
        if not isinstance(spec, Operation) or spec.function is not member:
            continue  # another decorator has wrapped the operation
        if member.__module__ == name and spec not in operations.values():
            operations[attribute] = spec
    return operations


def decorated(modules: set[str]) -> list[Operation]:
    """Return all operations decorated in these modules, also those that no attribute names."""
    return [spec for spec in _decorated if spec.function.__module__ in modules]
