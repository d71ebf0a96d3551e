"""Notices which source files change, by looking: also behind links, and in folders that are made anew."""

import os
import re
import time
from collections.abc import Iterable, Iterator
from pathlib import Path

#: What Python, editors and git write beside sources.
_FOLDERS = frozenset(
    ["__pycache__", ".git", ".hypothesis", ".mypy_cache", ".pytest_cache", ".venv"]
)
_FILES = re.compile(r".*\.py[cod]|.*~|\.#.*|\..*\.sw.|flycheck_.*|\.DS_Store")
#: Between two looks, in seconds; the larger a project is, the longer, in multiples of a look.
_PAUSE_S, _SHARE = 0.2, 20
#: What is saved within it, one after another, is one change: an editor or git writes several files.
_SETTLED_S, _LONGEST_S = 0.05, 1.6

#: A file's date, size and number, by its path.
type _Seen = dict[Path, tuple[int, int, int]]


class Sources:
    """Files, and folders with all that is in them."""

    def __init__(self, roots: Iterable[Path]) -> None:
        """Changes from now on are noticed."""
        self._roots = tuple(roots)
        self._seen = self._look()

    def changes(self) -> Iterator[set[Path]]:
        """Yield the paths of files that are new, changed or gone, whenever there are some."""
        while True:
            began = time.monotonic()
            changed = self.changed()
            if changed:
                yield changed
            time.sleep(max(_PAUSE_S, _SHARE * (time.monotonic() - began) * (not changed)))

    def changed(self) -> set[Path]:
        """Return what has changed since the last call, once no more changes come."""
        before, now = self._seen, self._look()
        if now == before:
            return set()
        until = time.monotonic() + _LONGEST_S
        while time.monotonic() < until:
            time.sleep(_SETTLED_S)
            if now == (now := self._look()):
                break
        self._seen = now
        return {path for path in before.keys() | now if before.get(path) != now.get(path)}

    def _look(self) -> _Seen:
        found: _Seen = {}
        for path in files(self._roots):
            try:
                status = path.stat()
            except OSError:  # gone meanwhile, or a link to nothing
                continue
            found[path] = (status.st_mtime_ns, status.st_size, status.st_ino)
        return found


def files(roots: Iterable[Path]) -> Iterator[Path]:
    """Yield the source files there, also those behind links."""
    for root in roots:
        if root.is_file():
            yield root
        for folder, folders, names in os.walk(root, followlinks=True):
            folders[:] = [n for n in folders if n not in _FOLDERS and not _leads_back(folder, n)]
            yield from (Path(folder, name) for name in names if not _FILES.fullmatch(name))


def _leads_back(folder: str, name: str) -> bool:
    """Return whether a folder is a link to one that it is in itself."""
    path = os.path.join(folder, name)
    if not os.path.islink(path):
        return False
    return Path(folder).resolve().is_relative_to(Path(path).resolve())
