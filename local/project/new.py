"""`make new`: makes a project with one operation of your own, its test, and the framework.

Yours are operations/, README.md, samconfig.toml, pytest.ini and .github/; all else is the framework's, which
`make upgrade` replaces by a later version.
"""

import argparse
import os
import re
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

from local.failure import Failure
from local.project import note
from local.project.source import Source, run_git

_ROOT = Path(__file__).resolve().parents[2]
_SKELETON = Path(__file__).parent / "skeleton"
#: The operation that a project begins with: the README's, one of the samples here.
_FIRST = "operations/greetings.py"
#: What stands for the project's name in the skeleton.
_PLACEHOLDER = "PROJECT_NAME"
#: Names that are good for a folder, a stack and a repository.
_NAME = re.compile(r"[a-z][a-z0-9]*(-[a-z0-9]+)*")
_MAX_NAME = 40


def main() -> int:
    arguments = _arguments()
    try:
        folder = make(arguments.name, Path(arguments.dir or f"../{arguments.name}").expanduser())
        is_ready = prepare(folder)
    except (Failure, OSError) as failure:
        print(failure, file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("\nStopped. Delete the folder, and run the same command again.", file=sys.stderr)
        return 130
    print(f"\n{arguments.name} is in {folder}. Go on there:\n")
    print(f"  cd {shlex.quote(str(folder))}")
    print("" if is_ready else "  make template   # what was to be installed is not yet\n", end="")
    print(
        "  make up         # serves it on this machine: operations/greetings.py, and what you add"
    )
    print("  make test       # runs its tests\n")
    return 0


def make(name: str, folder: Path, root: Path = _ROOT) -> Path:
    """Make a project in a folder from the framework in another, and return it; raises Failure."""
    _check_name(name)
    folder = folder.resolve()
    _check_folder(folder, root)
    source = Source(root)
    for path, original in {**source.files, _FIRST: root / _FIRST}.items():
        _copy(original, folder / path)
    for original in sorted(path for path in _SKELETON.rglob("*") if path.is_file()):
        if "__pycache__" not in original.parts:
            copy = _copy(original, folder / original.relative_to(_SKELETON))
            copy.write_text(copy.read_text().replace(_PLACEHOLDER, name))
    note.write(folder, source.note(source.origin()))
    return folder


def prepare(folder: Path) -> bool:
    """Install what the project needs, compose its template, and commit all; return whether all was done."""
    environment = {k: v for k, v in os.environ.items() if not k.startswith(("GIT_", "MAKE"))}
    command = ["make", "--no-print-directory", "template"]
    is_ready = subprocess.run(command, cwd=folder, env=environment, check=False).returncode == 0
    run_git("init", "--quiet", "--initial-branch", "main", folder=folder)
    run_git("add", "--all", folder=folder)
    message = f"Begin with nowlater {note.read(folder).version}"
    done = run_git("commit", "--quiet", "--message", message, folder=folder)
    if done.returncode:
        print(f"git did not commit the files: commit them yourself. It said:\n{_why(done.stderr)}")
    return is_ready


def _why(errors: str) -> str:
    """Return what is useful of git's error output: it has a page of advice about names."""
    return "\n".join(f"  {line}" for line in errors.strip().splitlines()[-3:])


def _check_name(name: str) -> None:
    if not name:
        raise Failure("NAME is missing: make new NAME=acme-tools DIR=../acme-tools")
    if not _NAME.fullmatch(name) or len(name) > _MAX_NAME:
        raise Failure(
            f"NAME cannot be {name!r}: use a-z, 0-9 and single hyphens, a letter first, at most "
            f"{_MAX_NAME} characters, such as acme-tools. The stack on AWS will have this name."
        )


def _check_folder(folder: Path, root: Path) -> None:
    if folder.is_relative_to(root):
        raise Failure(f"{folder} is inside the framework's folder. Name a DIR outside of it.")
    if (folder / note.FILE).exists():
        raise Failure(
            f"{folder} has a project already. Go on there with make up. If make new was stopped "
            "there, delete the folder, and run the same command again."
        )
    if folder.exists() and not (folder.is_dir() and _names_in(folder) <= {".git"}):
        raise Failure(f"{folder} is not an empty folder. Name another DIR, or empty it first.")
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise Failure(f"{folder} cannot be made: {error.strerror}. Name another DIR.") from error


def _names_in(folder: Path) -> set[str]:
    return {path.name for path in folder.iterdir()}


def _copy(original: Path, copy: Path) -> Path:
    copy.parent.mkdir(parents=True, exist_ok=True)
    shutil.copy(original, copy)
    return copy


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="make new", description=__doc__)
    parser.add_argument("--name", default="", help="the project's name, and its stack's (NAME=)")
    parser.add_argument("--dir", default="", help="its folder, by default ../NAME (DIR=)")
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
