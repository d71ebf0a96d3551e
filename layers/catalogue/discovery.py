"""Finds the operations of a package: every one that is decorated is found, or is a mistake."""

import sys
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType

import mistakes
import operations
from mistakes import Mistake
from nowlater.runtime.definition import Operation, decorated, in_module


def discovered(package: ModuleType = operations) -> list[Operation]:
    """Return the operations of every module of a package, sorted by name.

    Raises Mistake: a module that cannot be imported, an operation that could not be called, two of
    one name.
    """
    found: dict[str, Operation] = {}
    folder = Path(package.__path__[0])
    wrong = list(_beside(folder))
    modules = dict(_modules(package))
    for name, source in modules.items():
        if name.count(".") > len(source.relative_to(folder).parts):
            wrong.append(mistakes.at(source, 1, "a module's name has no dot. Rename the file"))
            continue
        try:
            own = in_module(name).values()
        except KeyboardInterrupt:
            raise
        except BaseException as fault:  # what a module does when it is imported is its author's
            wrong.append(mistakes.of_import(fault, source, folder))
            continue
        for spec in own:
            if spec.name in found:
                wrong.append(mistakes.in_function(spec.function, _twice(spec, found[spec.name])))
            found.setdefault(spec.name, spec)
    wrong += _lost(set(modules))
    mistakes.refuse(wrong)
    return [found[name] for name in sorted(found)]


def attribute(spec: Operation) -> str:
    """Return the name by which an operation's function is found in its module."""
    module = sys.modules[spec.function.__module__]
    return next(name for name, member in vars(module).items() if member is spec.function)


def _modules(package: ModuleType) -> Iterator[tuple[str, Path]]:
    """Yield the name and the file of each module, those of folders without an __init__.py too."""
    folder = Path(package.__path__[0])
    for path in sorted(folder.rglob("*.py")):
        parts = path.relative_to(folder).with_suffix("").parts
        if not any(part.startswith(".") for part in parts):
            kept = parts[:-1] if parts[-1] == "__init__" else parts
            yield ".".join((package.__name__, *kept)), path


def _beside(folder: Path) -> Iterator[Mistake]:
    """Yield a mistake for each file with operations that lies beside the package."""
    for path in folder.parent.glob("*.py"):
        if "@operation" in path.read_text(errors="replace"):
            said = f"its operations are not served from here. Move the file into {folder.name}/"
            yield mistakes.at(path, 1, said)


def _twice(spec: Operation, other: Operation) -> str:
    both = f"{other.function.__module__} and {spec.function.__module__}"
    return f'there are two operations named {spec.name}, in {both}: give one another, with name="…"'


def _lost(modules: set[str]) -> Iterator[Mistake]:
    """Yield a mistake for each function that was decorated, and cannot be found in its module."""
    for spec in decorated(modules):
        name = spec.function.__module__
        if name in sys.modules and spec not in in_module(name).values():
            yield mistakes.in_function(spec.function, f"{spec.name} cannot be served: {_why(spec)}")


def _why(spec: Operation) -> str:
    where = spec.function.__qualname__.split(".")
    if getattr(spec.function, "operation", spec) is not spec:
        return "its function has @operation twice. Write a second function that calls the first"
    if "<locals>" in where:
        return "it is defined inside a function. Assign it to a name of the same module"
    if len(where) > 1:
        return f"it is part of the class {where[-2]}. Write a function outside of the class"
    module = sys.modules[spec.function.__module__]
    if getattr(vars(module).get(where[0]), "operation", None) is spec:
        return "another decorator hides it. Write @operation above all other decorators"
    return (
        f"at the end of its module, {where[0]} is something else: defined again, or what another "
        "decorator returned. Give it a name of its own, and write @operation above other decorators"
    )
