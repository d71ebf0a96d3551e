"""A folder with the framework, as a project gets it: which files, which version, from where."""

import os
import re
import subprocess
import tomllib
from collections.abc import Iterator
from pathlib import Path

from local.failure import Failure
from local.project.note import Note, digest

#: Files and folders of the framework that a project gets.
_SHIPPED = (
    *(".python-version", "Makefile", "framework.yaml", "pyproject.toml", "uv.lock"),
    *("clients", "docs", "events", "functions", "layers", "local"),
)
#: Parts of them that are for the framework's own repository.
_NOT_SHIPPED = (
    *("clients/python/tests", "docs/decisions.md", "local/checkov.txt", "local/project/skeleton"),
    *("local/project/new.py", "local/project/lay.py", "local/project/source.py"),
    "local/project/note.py",
)
#: Files that have another place in a project, where their own may be the project's.
_MOVED = {"CHANGELOG.md": "docs/CHANGELOG.md", "LICENSE": "docs/LICENSE"}


class Source:
    """A checkout of the framework."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        #: Each file that a project gets, by its path there.
        self.files = {_MOVED.get(name, name): folder / name for name in self._names()}

    @property
    def version(self) -> str:
        project = tomllib.loads((self.folder / "pyproject.toml").read_text())["project"]
        return str(project["version"])

    def note(self, source: str) -> Note:
        """Return the note of a project with these files."""
        files = {name: digest(path) for name, path in self.files.items()}
        return Note(self.version, self.git("rev-parse", "HEAD"), source, files)

    def origin(self) -> str:
        """Return the repository that this checkout was cloned from, without a password; else its folder."""
        url = self.git("remote", "get-url", "origin")
        if not url:
            return str(self.folder.absolute())
        if (self.folder / url).exists():
            return str((self.folder / url).resolve())
        return re.sub(r"(?<=://)[^/@]+@", "", url) if url.startswith("http") else url

    def git(self, *arguments: str) -> str:
        """Return what git says here; nothing if this is no checkout, or git is not installed."""
        try:
            done = run_git(*arguments, folder=self.folder)
        except Failure:
            return ""
        return done.stdout.strip() if done.returncode == 0 else ""

    def _names(self) -> Iterator[str]:
        """Yield the path of each file that a project gets."""
        tracked = self.git("ls-files").splitlines()
        for name in tracked or self._walk():
            path = Path(name)
            is_shipped = any(path.is_relative_to(part) for part in _SHIPPED)
            if name in _MOVED or (
                is_shipped and not any(path.is_relative_to(part) for part in _NOT_SHIPPED)
            ):
                yield name

    def _walk(self) -> Iterator[str]:
        """Yield the files of a folder that is no checkout."""
        for folder, folders, files in os.walk(self.folder):
            folders[:] = [n for n in folders if n not in ("__pycache__", ".git", ".venv", ".local")]
            for name in files:
                yield (Path(folder) / name).relative_to(self.folder).as_posix()


def run_git(*arguments: str, folder: Path) -> "subprocess.CompletedProcess[str]":
    """Run git in a folder, whichever repository its caller is in; raises Failure without git."""
    environment = {k: v for k, v in os.environ.items() if not k.startswith("GIT_")}
    try:
        return subprocess.run(
            ["git", *arguments],
            cwd=folder,
            env=environment,
            capture_output=True,
            text=True,
            check=False,
        )
    except FileNotFoundError as error:
        raise Failure("git is not installed. Install it, and try again.") from error
