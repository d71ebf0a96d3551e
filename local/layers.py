"""Builds the layers of a local stack: completely, or only their code if no package has changed."""

import contextlib
import hashlib
import io
import os
import re
import shutil
import subprocess
import sys
import zipfile
from collections.abc import Iterable, Iterator
from pathlib import Path

from local.build_sizes import MAX_BYTES, MB
from local.failure import Failure
from local.sources import files

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
NOT_CODE = frozenset(["README.md", "requirements.txt", "resources.yaml", "tests"])
_ALL: frozenset[str] = frozenset()
#: The prefix of a layer that has only another layer's code, and comes after it.
SAVED = "Saved"
#: The folder of the operations: their package, with the folder's name, and their requirements.
OPERATIONS = Path("operations")
REQUIREMENTS = OPERATIONS / "requirements.txt"
#: As layers/catalogue/build.py prints it.
_LEFT_OUT = "left out: "
#: A line of requirements that names another file of them.
_INCLUDED = re.compile(r"(?:-r|--requirement|-c|--constraint)[ =]*(\S+)")
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


def build(layer: str, home: Path) -> list[str]:
    """Build a complete layer for this machine; raises Failure with the errors.

    Returns the mistakes of operations that the catalogue leaves out, as lines.
    """
    out = folder_of(layer, home)
    shutil.rmtree(out, ignore_errors=True)
    errors = _run(
        ["make", "--silent", f"build-{layer}", f"ARTIFACTS_DIR={out}", "ARCHITECTURE=host"],
        Path("layers", FOLDERS[layer]),
    )
    return _mistakes(errors)


def rebuild_catalogue(home: Path) -> list[str]:
    """Build the catalogue again where only operations have changed; otherwise as `build`.

    It keeps its documents while the operations' index is unchanged. Bytecode is not made anew: the
    Lambdas that read a module are faster than another process.
    """
    out = folder_of("CatalogueLayer", home) / "python"
    shutil.rmtree(out / "nowlater_catalogue/__pycache__", ignore_errors=True)  # trusted unseen
    return _mistakes(_run_catalogue(str(out)))


def folder_of(layer: str, home: Path) -> Path:
    """Return the folder into which a layer is built."""
    return home.absolute() / "build" / layer


def build_code(layer: str) -> bytes:
    """Return the code of a layer, zipped as a layer of its own."""
    folder = WITH_CODE[layer]
    return zip_folder(folder, Path("python", folder.name), without=NOT_CODE)


def refuse_too_large() -> None:
    """Raise Failure if the operations' files alone are larger than a Lambda may be."""
    paths = (path for path in files([OPERATIONS]) if path.parts[1] not in NOT_CODE)
    sizes = {path: path.stat().st_size for path in paths if path.is_file()}
    if sum(sizes.values()) > MAX_BYTES:
        largest = max(sizes, key=lambda path: sizes[path])
        raise Failure(
            f"{largest} has {sizes[largest] / MB:.0f} MB: a Lambda may have {MAX_BYTES / MB:.0f} MB with "
            "all files and packages. Move it out of the folder, for example into a bucket, and read it there."
        )


def find_mistakes() -> list[str]:
    """Return the mistakes in the operations' code, as lines; raises Failure."""
    return _mistakes(_run_catalogue())


def _run_catalogue(*folder: str) -> str:
    """Run the catalogue's build; return its error output."""
    paths = os.pathsep.join(["../nowlater", "../.."])
    command = [sys.executable, "build.py", "--without-broken", *folder]
    return _run(command, Path("layers/catalogue"), PYTHONPATH=paths)


def _mistakes(errors: str) -> list[str]:
    """Return the mistakes in the catalogue's error output, in which imports can have printed too."""
    lines = errors.splitlines()
    return [line.removeprefix(_LEFT_OUT) for line in lines if line.startswith(_LEFT_OUT)]


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


def requirements_digest() -> str:
    """Return a digest of the operations' requirements, without comments and blank lines."""
    return hashlib.sha256("\n".join(_requirements(REQUIREMENTS)).encode()).hexdigest()


def _requirements(file: Path) -> Iterator[str]:
    """Yield the lines of a file of requirements, and of those that it includes; raises Failure."""
    try:
        lines = file.read_text().splitlines()
    except FileNotFoundError as error:
        raise Failure(f"There is no {file}. Make it again, an empty one will do.") from error
    for line in lines:
        needed = line.partition(" #")[0].strip()
        if included := _INCLUDED.match(needed):
            yield from _requirements(file.parent / included[1])
        elif needed and not needed.startswith("#"):
            yield needed


def content_digest(layer: str, home: Path) -> str:
    """Return a digest of what was built of a layer: of its files, and not of their dates."""
    folder, digest = folder_of(layer, home), hashlib.sha256()
    for path in sorted(folder.rglob("*")):
        if path.is_file() and path.suffix != ".pyc":
            content = hashlib.sha256(path.read_bytes()).hexdigest()
            digest.update(f"{path.relative_to(folder)} {content}\n".encode())
    return digest.hexdigest()


def zip_folder(folder: Path, within: Path = Path(), *, without: frozenset[str] = _ALL) -> bytes:
    """Return a folder's content as a zip file, in the folder `within`."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as archive:
        for path in sorted(folder.rglob("*", recurse_symlinks=True)):
            inside = path.relative_to(folder)
            if inside.parts[0] not in without:
                with contextlib.suppress(FileNotFoundError):
                    archive.write(path, within / inside)
    return buffer.getvalue()


def _run(command: list[str], folder: Path, **variables: str) -> str:
    """Run a command; return its error output, or raise Failure with it."""
    environment = {k: v for k, v in os.environ.items() if k != "MAKEFLAGS"} | variables
    done = subprocess.run(
        command, cwd=folder, env=environment, capture_output=True, text=True, check=False
    )
    if done.returncode:
        raise Failure(readable_errors(done.stderr) or f"{' '.join(command)} failed")
    return done.stderr


def readable_errors(output: str) -> str:
    """Return a tool's error output without make's own lines and uv's line drawings."""
    lines = [line for line in output.splitlines() if not line.startswith("make")]
    is_of_uv = re.search(r"^[ \t]*(×|error:)", output, re.MULTILINE)
    text = "\n".join(lines[-25:])
    if not is_of_uv:
        return text
    layer = re.search(r"build-(\w+)\]", output)
    folder = FOLDERS[layer[1]] if layer else OPERATIONS.name
    file = REQUIREMENTS if folder == OPERATIONS.name else Path("layers", folder, REQUIREMENTS.name)
    return f"{file}: {' '.join(re.sub(r'[×╰─▶│├]|error:', ' ', text).split())}"
