"""The layers of a local stack: built whole, or only their code where the packages are as they were."""

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
#: Layers that have packages beside the code, which lies in a folder of the same name.
WITH_CODE = {"NowlaterLayer", "OperationsLayer"}
#: What a layer is called that has only the code of another, and comes after it.
SAVED = "Saved"
REQUIREMENTS = Path("layers/operations/requirements.txt")
_UV = Path(".local/tools/bin/uv")


def changed(paths: Iterable[Path]) -> tuple[set[str], set[str]]:
    """Return the layers that files belong to: those to build whole, and those whose code will do."""
    whole: set[str] = set()
    code: set[str] = set()
    for path in paths:
        if path.parts[0] != "layers" or len(path.parts) < 3:
            continue
        for layer, folder in FOLDERS.items():
            if path.parts[1] == folder:
                is_code = layer in WITH_CODE and path.parts[2] == folder
                (code if is_code else whole).add(layer)
    if whole | code:
        whole.add("CatalogueLayer")  # which tells what is in the others
    return whole, code - whole


def build(layer: str, home: Path, *, afresh: bool = True) -> bytes:
    """Build a layer whole, for this machine; return it zipped. Raises Failure with what went wrong.

    Not afresh, the catalogue keeps the documents that it has of operations that are described alike.
    """
    out = home.absolute() / "build" / layer
    if afresh:
        shutil.rmtree(out, ignore_errors=True)
    _run(
        ["make", "--silent", f"build-{layer}", f"ARTIFACTS_DIR={out}", "ARCHITECTURE=host"],
        Path("layers", FOLDERS[layer]),
    )
    return zipped(out)


def code(layer: str) -> bytes:
    """Return the code of a layer, zipped as a layer of its own."""
    folder = FOLDERS[layer]
    return zipped(Path("layers", folder, folder), Path("python", folder))


def check_operations() -> None:
    """Raise Failure with the mistakes in the operations' code, a line for each."""
    paths = os.pathsep.join(["../nowlater", "../operations"])
    _run([sys.executable, "build.py"], Path("layers/catalogue"), PYTHONPATH=paths)


def install_requirements() -> None:
    """Install what the operations import for the build too, which imports them; raises Failure."""
    command = [str(_UV.absolute()), "pip", "install", "--quiet", "--python", sys.executable]
    _run([*command, "--requirement", REQUIREMENTS.name], REQUIREMENTS.parent)


def zipped(folder: Path, within: Path = Path()) -> bytes:
    """Return a folder as a zip file, in which it lies within another."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as archive:
        for path in sorted(folder.rglob("*")):
            with contextlib.suppress(FileNotFoundError):
                archive.write(path, within / path.relative_to(folder))
    return buffer.getvalue()


def _run(command: list[str], folder: Path, **variables: str) -> None:
    environment = {k: v for k, v in os.environ.items() if k != "MAKEFLAGS"} | variables
    done = subprocess.run(
        command, cwd=folder, env=environment, capture_output=True, text=True, check=False
    )
    if done.returncode:
        raise Failure(sentences(done.stderr) or f"{' '.join(command)} failed")


def sentences(said: str) -> str:
    """Return what a tool said on standard error, without make's own lines and uv's drawing."""
    lines = [line for line in said.splitlines() if not line.startswith("make")]
    drawn = re.search(r"^[ \t]*(×|error:)", said, re.MULTILINE)
    text = "\n".join(lines[-25:])
    if drawn is None:
        return text
    return f"{REQUIREMENTS}: {' '.join(re.sub(r'[×╰─▶│├]|error:', ' ', text).split())}"
