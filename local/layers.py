"""Builds the layers of a local stack: completely, or only their code if no package has changed."""

import contextlib
import io
import os
import re
import shutil
import subprocess
import sys
import zipfile
from collections.abc import Iterable
from pathlib import Path

from local.failure import Failure

#: Each layer's folder in layers/.
FOLDERS = {
    "NowlaterLayer": "nowlater",
    "OperationsLayer": "operations",
    "CatalogueLayer": "catalogue",
    "TokensLayer": "tokens",
}
#: Layers with packages and code, and the folder of their code.
WITH_CODE = {
    "NowlaterLayer": Path("layers/nowlater/nowlater"),
    "OperationsLayer": Path("operations"),
}
#: What is beside the code in the operations' folder, and is no part of their layer.
NOT_CODE = frozenset(["requirements.txt", "resources.yaml", "tests"])
_ALL: frozenset[str] = frozenset()
#: The prefix of a layer that has only another layer's code, and comes after it.
SAVED = "Saved"
REQUIREMENTS = Path("operations/requirements.txt")
_UV = Path(".local/tools/bin/uv")


def changed(paths: Iterable[Path]) -> tuple[set[str], set[str]]:
    """Return the layers of changed files: those to build completely, and those to build code for."""
    complete: set[str] = set()
    only_code: set[str] = set()
    for path in paths:
        if path == REQUIREMENTS:
            complete.add("OperationsLayer")
        elif path.parts[0] == "operations" and len(path.parts) > 1:
            if path.parts[1] not in NOT_CODE:
                only_code.add("OperationsLayer")
        elif path.parts[0] == "layers" and len(path.parts) > 2:
            for layer, folder in FOLDERS.items():
                if path.parts[1] == folder:
                    is_code = path.is_relative_to(WITH_CODE.get(layer, "-"))
                    (only_code if is_code else complete).add(layer)
    if complete | only_code:
        complete.add("CatalogueLayer")  # it describes the other layers
    return complete, only_code - complete


def build(layer: str, home: Path, *, from_scratch: bool = True) -> bytes:
    """Build a complete layer for this machine, and return it zipped; raises Failure with the errors.

    If not from scratch, the catalogue keeps its documents while the operations' index is unchanged.
    """
    out = home.absolute() / "build" / layer
    if from_scratch:
        shutil.rmtree(out, ignore_errors=True)
    _run(
        ["make", "--silent", f"build-{layer}", f"ARTIFACTS_DIR={out}", "ARCHITECTURE=host"],
        Path("layers", FOLDERS[layer]),
    )
    return zip_folder(out)


def build_code(layer: str) -> bytes:
    """Return the code of a layer, zipped as a layer of its own."""
    folder = WITH_CODE[layer]
    return zip_folder(folder, Path("python", folder.name), without=NOT_CODE)


def check_operations() -> None:
    """Raise Failure with the mistakes in the operations' code, one a line."""
    paths = os.pathsep.join(["../nowlater", "../.."])
    _run([sys.executable, "build.py"], Path("layers/catalogue"), PYTHONPATH=paths)


def write_catalogue(folder: Path) -> None:
    """Write the operations' catalogue into a folder, without the API's manual; raises Failure."""
    root = Path(__file__).resolve().parents[1]
    paths = os.pathsep.join(map(str, (root / "layers/nowlater", root)))
    command = [sys.executable, "build.py", "--without-manual", str(folder)]
    _run(command, root / "layers/catalogue", PYTHONPATH=paths)


def install_requirements() -> None:
    """Install the operations' requirements for the build, which imports them; raises Failure."""
    command = [str(_UV.absolute()), "pip", "install", "--quiet", "--python", sys.executable]
    _run([*command, "--requirement", REQUIREMENTS.name], REQUIREMENTS.parent)


def zip_folder(folder: Path, within: Path = Path(), *, without: frozenset[str] = _ALL) -> bytes:
    """Return a folder's content as a zip file, in the folder `within`."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as archive:
        for path in sorted(folder.rglob("*")):
            inside = path.relative_to(folder)
            if inside.parts[0] not in without:
                with contextlib.suppress(FileNotFoundError):
                    archive.write(path, within / inside)
    return buffer.getvalue()


def _run(command: list[str], folder: Path, **variables: str) -> None:
    environment = {k: v for k, v in os.environ.items() if k != "MAKEFLAGS"} | variables
    done = subprocess.run(
        command, cwd=folder, env=environment, capture_output=True, text=True, check=False
    )
    if done.returncode:
        raise Failure(readable_errors(done.stderr) or f"{' '.join(command)} failed")


def readable_errors(output: str) -> str:
    """Return a tool's error output without make's own lines and uv's line drawings."""
    lines = [line for line in output.splitlines() if not line.startswith("make")]
    is_of_uv = re.search(r"^[ \t]*(×|error:)", output, re.MULTILINE)
    text = "\n".join(lines[-25:])
    if not is_of_uv:
        return text
    return f"{REQUIREMENTS}: {' '.join(re.sub(r'[×╰─▶│├]|error:', ' ', text).split())}"
