"""Finds the operations of a package; a decorated function that cannot be served is a mistake."""

import importlib
import os
import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import FrameType, ModuleType

import mistakes
from mistakes import Mistake
from nowlater.runtime.definition import Operation, decorated, in_module

#: The framework's own module of operations.
DIAGNOSTICS = "nowlater.diagnostics"
#: The package of operations.
_OPERATIONS = mistakes.ROOT / "operations"
#: A folder of the package that is not served.
_TESTS = "tests"
#: The longest time for the import of a module, in seconds: Lambda itself allows 10.
LONGEST_IMPORT_S = 60


def find_operations(
    package: ModuleType | None = None, *, framework: tuple[str, ...] = ()
) -> list[Operation]:
    """Return the operations of every module of a package and of the framework's, sorted by name.

    Raises Mistake.
    """
    found, found_mistakes = discover(package, framework=framework)
    mistakes.refuse(found_mistakes)
    return found


def discover(
    package: ModuleType | None = None, *, framework: tuple[str, ...] = ()
) -> tuple[list[Operation], list[Mistake]]:
    """Return the operations that can be served, sorted by name, and the mistakes in the others.

    `package` is by default that of the operations. A mistake is a module that cannot be imported, an
    operation that could not be called, and two operations with the same name, of which the first is
    returned.
    """
    by_name = {spec.name: spec for name in framework for spec in in_module(name).values()}
    try:
        package = package or _import_package()
    except Mistake as mistake:
        return [by_name[name] for name in sorted(by_name)], [mistake]
    folder = Path(package.__path__[0])
    found_mistakes = list(_beside_the_package(folder))
    modules = dict(_modules(package))
    for name, source in modules.items():
        if name.count(".") > len(source.relative_to(folder).parts):
            message = "a module's name has no dot. Rename the file"
            found_mistakes.append(mistakes.at(source, 1, message))
            continue
        try:
            with _limited():
                own = in_module(name).values()
        except KeyboardInterrupt:
            raise
        except BaseException as fault:  # an import runs the author's code, which can raise anything
            found_mistakes.append(mistakes.of_import(fault, source, folder))
            continue
        for spec in own:
            if spec.name in by_name:
                message = _same_name(spec, by_name[spec.name])
                found_mistakes.append(mistakes.in_function(spec.function, message))
            by_name.setdefault(spec.name, spec)
    found_mistakes += _unreachable(set(modules))
    return [by_name[name] for name in sorted(by_name)], found_mistakes


def _import_package() -> ModuleType:
    """Return the package of operations; raises Mistake."""
    source = _OPERATIONS / "__init__.py"
    if not source.exists():  # Python would take the folder for a package of many places
        raise mistakes.at(source, 1, "this file is missing. Make it again, an empty one will do")
    try:
        with _limited():
            return importlib.import_module(_OPERATIONS.name)
    except KeyboardInterrupt:
        raise
    except BaseException as fault:  # an import runs the author's code, which can raise anything
        raise mistakes.of_import(fault, source, _OPERATIONS) from fault


@contextmanager
def _limited() -> Iterator[None]:
    """Raise TimeoutError in an import that takes too long, and SystemExit where it calls os._exit."""
    leave, process = os._exit, os.getpid()

    def refuse(status: int) -> None:
        if os.getpid() != process:  # a child that the import has made
            leave(status)
        raise SystemExit(f"it calls os._exit({status})")

    before = signal.signal(signal.SIGALRM, _end_import)
    signal.setitimer(signal.ITIMER_REAL, LONGEST_IMPORT_S)
    os._exit = refuse  # type: ignore[assignment]  # the build would end in the middle, as if it were done
    try:
        yield
    finally:
        os._exit = leave
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)


def _end_import(_signal: int, _frame: FrameType | None) -> None:
    raise TimeoutError(f"its import did not end within {LONGEST_IMPORT_S:g} s")


def attribute(spec: Operation) -> str:
    """Return the name of an operation's function in its module."""
    module = sys.modules[spec.function.__module__]
    return next(name for name, member in vars(module).items() if member is spec.function)


def _modules(package: ModuleType) -> Iterator[tuple[str, Path]]:
    """Yield the name and the file of each module, also in folders without an __init__.py."""
    folder = Path(package.__path__[0])
    for path in sorted(folder.rglob("*.py", recurse_symlinks=True)):
        file = path.relative_to(folder)
        parts = file.with_suffix("").parts
        if file.parts[0] != _TESTS and not any(part.startswith(".") for part in parts):
            parts = parts[:-1] if parts[-1] == "__init__" else parts
            yield ".".join((package.__name__, *parts)), path


def _beside_the_package(folder: Path) -> Iterator[Mistake]:
    """Yield a mistake for each file with operations that is beside the package and not in it."""
    for path in folder.parent.glob("*.py"):
        if "@operation" in path.read_text(errors="replace"):
            message = f"its operations are not served from here. Move the file into {folder.name}/"
            yield mistakes.at(path, 1, message)


def _same_name(spec: Operation, other: Operation) -> str:
    if other.function.__module__ == DIAGNOSTICS:
        return (
            f"{spec.name} is the name of a diagnostic operation of the framework: give this one "
            'another name, with name="…"'
        )
    both = f"{other.function.__module__} and {spec.function.__module__}"
    return (
        f"there are two operations named {spec.name}, in {both}: give one of them another name, "
        'with name="…"'
    )


def _unreachable(modules: set[str]) -> Iterator[Mistake]:
    """Yield a mistake for each decorated function that cannot be found in its module."""
    for spec in decorated(modules):
        name = spec.function.__module__
        if name in sys.modules and spec not in in_module(name).values():
            message = f"{spec.name} cannot be served: {_reason(spec)}"
            yield mistakes.in_function(spec.function, message)


def _reason(spec: Operation) -> str:
    names = spec.function.__qualname__.split(".")
    if getattr(spec.function, "operation", spec) is not spec:
        return "its function has @operation twice. Write a second function that calls the first"
    if "<locals>" in names:
        return "it is defined inside a function. Assign it to a name of the same module"
    if len(names) > 1:
        return f"it is part of the class {names[-2]}. Write a function outside of the class"
    module = sys.modules[spec.function.__module__]
    if getattr(vars(module).get(names[0]), "operation", None) is spec:
        return "another decorator hides it. Write @operation above all other decorators"
    return (
        f"at the end of its module, {names[0]} is something else: defined again, or the return value "
        "of another decorator. Give the operation its own name, and write @operation above all other "
        "decorators"
    )
