"""The `@operation` decorator, and how the operations of a layer are found by their module."""

import importlib
import inspect
import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, overload

DOORS = ("sync", "async", "hybrid")
#: With growing waits, as many tries take longer than any job has.
MAX_ATTEMPTS = 1000

_NAME = re.compile(r"[a-z][a-z0-9]*(-[a-z0-9]+)*")
#: All operations that were decorated in this process: the build looks for those that it cannot find.
_decorated: list["Operation"] = []


@dataclass(frozen=True)
class Operation:
    """What was said of an operation where it is defined."""

    name: str
    function: Callable[..., Any]
    #: The longest that one attempt may run, in seconds.
    timeout: float
    #: How often a job of it is tried before it fails.
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
    """Serve a function: `csv_profile` as the operation `csv-profile`, with its docstring.

    `timeout` is in seconds (the worker's own limit caps it), `attempts` counts the first try too.
    `doors` says where it is served; a diagnostic operation only where the stack asks for those.
    Without any of these, the parentheses can be left out.
    Raises ValueError or TypeError at once where one of these makes no sense.
    """

    def serve[F: Callable[..., Any]](function: F) -> F:
        _refuse_all_but_functions(function)
        served = name or function.__name__.replace("_", "-")
        if not isinstance(served, str) or not _NAME.fullmatch(served) or len(served) > 64:
            raise ValueError(f"{served!r} cannot be an operation's name: use a-z, 0-9 and -")
        if not isinstance(timeout, int | float) or not 0 < timeout <= 1800:
            raise ValueError(f"{served}: timeout is in seconds, more than 0 and at most 1800")
        if type(attempts) is not int or not 1 <= attempts <= MAX_ATTEMPTS:
            raise ValueError(
                f"{served}: attempts counts the first try too: it is a whole number from 1 to {MAX_ATTEMPTS}"
            )
        if not doors or isinstance(doors, str) or set(doors) - set(DOORS):
            raise ValueError(
                f'{served}: doors are some of {", ".join(DOORS)}, as a tuple: ("sync",)'
            )
        spec = Operation(served, function, timeout, attempts, tuple(doors), diagnostic)
        function.operation = spec  # type: ignore[attr-defined]  # the function stays itself
        _decorated.append(spec)
        return function

    return serve if function is None else serve(function)


def _refuse_all_but_functions(given: Any) -> None:
    if isinstance(given, str):
        raise TypeError(f"@operation takes its arguments by name: @operation(name={given!r})")
    if isinstance(given, classmethod | staticmethod | property) or inspect.ismethod(given):
        raise TypeError("@operation is for functions, and this is part of a class: move it out")
    if inspect.isclass(given):
        raise TypeError(
            f"@operation is for functions, and {given.__name__} is a class: write a function that uses it"
        )
    if not callable(given) or not hasattr(given, "__name__"):
        raise TypeError(
            f"@operation is for functions, and this is of the type {type(given).__name__}: write a "
            "function with def that calls it, and name the arguments of @operation"
        )


def in_module(name: str) -> dict[str, Operation]:
    """Import a module and return the operations that it defines, in its order, by their names there."""
    module = importlib.import_module(name)
    found: dict[str, Operation] = {}
    for attribute, member in vars(module).items():
        spec = getattr(member, "operation", None)
        if not isinstance(spec, Operation) or spec.function is not member:
            continue  # what another decorator has made of an operation is none
        if member.__module__ == name and spec not in found.values():
            found[attribute] = spec
    return found


def decorated(modules: set[str]) -> list[Operation]:
    """Return all operations that were decorated in these modules, wherever in them."""
    return [spec for spec in _decorated if spec.function.__module__ in modules]
