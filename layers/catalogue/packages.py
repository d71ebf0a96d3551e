"""Hides the packages that only the tools of this machine have: where it is deployed, they are missing."""

import importlib.metadata
import re
import sys
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from functools import cache
from importlib.machinery import ModuleSpec, PathFinder
from pathlib import Path
from types import ModuleType

from mistakes import ROOT

#: What Lambda's own runtime has, with what it needs itself.
_OF_RUNTIME = "boto3"
#: The requirements of the layers that operations are served with.
_REQUIREMENTS = (
    ROOT / "operations/requirements.txt",
    ROOT / "layers/nowlater/requirements.txt",
)
#: What this build itself has imported of packages that are not deployed.
_IMPORTED = ("fastjsonschema",)
#: A requirement's name at the beginning of a line, with what is after it: "[" before extras.
_NAME = re.compile(r"([A-Za-z0-9][A-Za-z0-9._-]*+)\s*+([\[<>=!~;@#(]|\Z)")
_INCLUDED = re.compile(r"(?:-r|--requirement)[ =]*(\S+)")


class _Deployed(PathFinder):
    """Finds what Python finds, but for packages that are not deployed."""

    @classmethod
    def find_spec(
        cls, fullname: str, path: Sequence[str] | None = None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        return None if is_hidden(fullname) else PathFinder.find_spec(fullname, path, target)


@contextmanager
def only_deployed() -> Iterator[None]:
    """Hide the packages that are not deployed from what is imported meanwhile."""
    finders, imported = sys.meta_path[:], dict[str, ModuleType]()
    for name in [name for name in sys.modules if name.partition(".")[0] in _IMPORTED]:
        imported[name] = sys.modules.pop(name)
    sys.meta_path[:] = [_Deployed if finder is PathFinder else finder for finder in finders]
    try:
        yield
    finally:
        sys.meta_path[:] = finders
        sys.modules.update(imported)


def is_hidden(module: str) -> bool:
    """Return whether a module is of a package here that is not deployed."""
    top = module.partition(".")[0]
    if top in sys.stdlib_module_names:
        return False
    owners = _owners().get(top, ())
    return bool(owners) and not any(normalize(owner) in _deployed() for owner in owners)


@cache
def _owners() -> dict[str, list[str]]:
    return {**importlib.metadata.packages_distributions()}


@cache
def _deployed() -> frozenset[str]:
    """Return the packages that are deployed, with all that they need."""
    found: set[tuple[str, bool]] = set()
    required = (line for file in _REQUIREMENTS for line in _lines(file))
    wanted = {(_OF_RUNTIME, True), *_directly_installed(), *names(required)}
    while wanted:
        if (package := wanted.pop()) not in found:
            found.add(package)
            wanted |= {*names(_needs(*package))}
    return frozenset(name for name, _ in found)


def _needs(name: str, with_extras: bool) -> list[str]:
    try:
        lines = importlib.metadata.requires(name) or []
    except importlib.metadata.PackageNotFoundError:
        return []
    return [line for line in lines if with_extras or "extra" not in line.partition(";")[2]]


def names(lines: Iterable[str]) -> Iterator[tuple[str, bool]]:
    """Yield the name of each requirement that has one, and whether it has extras."""
    for line in lines:
        if found := _NAME.match(line):
            yield normalize(found[1]), found[2] == "["


def normalize(name: str) -> str:
    """Return a package's name as all its spellings are compared."""
    return re.sub(r"[-_.]+", "-", name).lower()


def _lines(file: Path) -> Iterator[str]:
    """Yield the requirements in a file, and in those that it includes."""
    for line in file.read_text().splitlines() if file.is_file() else ():
        if included := _INCLUDED.match(line):
            yield from _lines(file.parent / included[1])
        else:
            yield line.strip()


def _directly_installed() -> Iterator[tuple[str, bool]]:
    """Yield the packages that come from a path or an address, which has no name in a requirement."""
    for distribution in importlib.metadata.distributions():
        if distribution.read_text("direct_url.json") is not None:
            yield normalize(distribution.metadata["Name"]), True
