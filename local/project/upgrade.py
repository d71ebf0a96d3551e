"""`make upgrade`: brings the framework in this project to another version; your own files stay.

It fetches that version with git, and runs its program (`local.project.lay`), which knows its files.
This module imports nothing else, as an upgrade that was interrupted may have replaced all the rest.
"""

import argparse
import json
import os
import re
import subprocess
import sys
import tempfile
from pathlib import Path

_NOTE = Path(".nowlater.json")
_VERSION = re.compile(r"v?(\d+)\.(\d+)\.(\d+)")
_REPOSITORY = re.compile(r"\w+://.+|[\w.-]+@[\w.-]+:.+")


class Refused(Exception):
    """The upgrade cannot be done; the message says what to do."""


def main() -> int:
    parser = argparse.ArgumentParser(prog="make upgrade", description=__doc__)
    parser.add_argument(
        "--to", default="", help="a version, or the URL or folder of a git repository (TO=)"
    )
    parser.add_argument(
        "--discard", action="store_true", help="replace files that were changed here (DISCARD=1)"
    )
    arguments = parser.parse_args()
    try:
        return upgrade(arguments.to, discard=arguments.discard)
    except Refused as refused:
        print(refused, file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("\nStopped. Run the same command again: it goes on.", file=sys.stderr)
        return 130


def upgrade(to: str, *, discard: bool) -> int:
    """Fetch a version and lay it over this project; return the exit status."""
    source, version = _destination(to)
    reference = _reference(source, version)
    project = Path.cwd()
    with tempfile.TemporaryDirectory() as folder:
        _clone(source, reference, folder)
        command = [sys.executable, "-m", "local.project.lay", "--project", str(project)]
        command += ["--source", source, *(["--discard"] if discard else [])]
        if _run(command, folder):
            return 1
    if _run(["make", "--no-print-directory", "template"], str(project)):
        print(
            "The framework's files are upgraded. Correct what is said above, and run make template.",
            file=sys.stderr,
        )
        return 1
    print("Next: make test, then commit all changes, then make deploy for each stage.")
    return 0


def _destination(to: str) -> tuple[str, str]:
    """Return the repository and the version that TO means; a version may follow a repository and @."""
    try:
        source = str(json.loads(_NOTE.read_text())["source"])
    except (OSError, ValueError, LookupError) as error:
        raise Refused(
            f"{_NOTE} cannot be read: {error}. Run make upgrade in a project that make new has made."
        ) from error
    repository, _, version = to.rpartition("@")
    for given, named in ((repository, version), (to, "")):
        folder = Path(given).expanduser()
        if given and "/" not in named and folder.is_dir():
            return str(folder.resolve()), named
        if "/" not in named and _REPOSITORY.fullmatch(given):
            return given, named
    if "/" in to:
        raise Refused(f"There is no folder {to}. Name a folder, a URL or a version.")
    return source, to


def _reference(source: str, version: str) -> str:
    """Return the tag or branch of a version; the latest one, or HEAD, if none is named."""
    listed = _git("ls-remote", "--tags", "--heads", source)
    if listed.returncode:
        raise Refused(
            f"{source} cannot be read:\n{listed.stderr.strip()}\n"
            "Name the framework's repository: make upgrade TO=https://…"
        )
    names = re.findall(r"\trefs/(?:tags|heads)/(\S+?)(?:\^\{\})?$", listed.stdout, re.MULTILINE)
    versions = {
        tuple(map(int, found.groups())): name
        for name in names
        if (found := _VERSION.fullmatch(name))
    }
    if not version:
        return versions[max(versions)] if versions else "HEAD"
    for name in (version, f"v{version}", version.removeprefix("v")):
        if name in names:
            return name
    known = ", ".join(versions[key] for key in sorted(versions)) or "no versions"
    raise Refused(f"{source} has no version {version}: it has {known}.")


def _clone(source: str, reference: str, folder: str) -> None:
    branch = [] if reference == "HEAD" else ["--branch", reference]
    depth = [] if Path(source).exists() else ["--depth", "1"]
    print(f"fetching {source}, {reference} …", flush=True)
    done = _git("-c", "advice.detachedHead=false", "clone", *branch, *depth, source, folder)
    if done.returncode:
        raise Refused(f"{source} cannot be fetched:\n{done.stderr.strip()}")
    if not Path(folder, "local/project/lay.py").exists():
        raise Refused(f"{source}, {reference} is not nowlater, or a version without make upgrade.")


def _git(*arguments: str) -> "subprocess.CompletedProcess[str]":
    try:
        return subprocess.run(
            ["git", *arguments], env=_environment(), capture_output=True, text=True, check=False
        )
    except FileNotFoundError as error:
        raise Refused("git is not installed. Install it, and try again.") from error


def _run(command: list[str], folder: str) -> int:
    return subprocess.run(command, cwd=folder, env=_environment(), check=False).returncode


def _environment() -> dict[str, str]:
    """Return this process's environment, without what would lead make, git or Python elsewhere."""
    apart = ("GIT_DIR", "GIT_WORK_TREE", "GIT_INDEX_FILE", "PYTHONPATH", "MAKEFLAGS", "MAKELEVEL")
    return {k: v for k, v in os.environ.items() if k not in apart}


if __name__ == "__main__":
    sys.exit(main())
