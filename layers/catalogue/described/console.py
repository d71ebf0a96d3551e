"""The console: its sources in layers/catalogue/console become three files and their page."""

import gzip
import hashlib
from pathlib import Path

from described import modules

_SOURCES = Path(__file__).parents[1] / "console"
#: Libraries and their licences; check.py there compares them with the registry's.
_VENDORED = _SOURCES / "vendor"
_STYLES = ("tokens.css", "console.css")
FILES = ["console.css", "console.js", "icon.svg", "licenses.txt"]


def write(folder: Path) -> None:
    """Write the page and its files, compressed, into a folder."""
    files = build()
    version = _version(files)
    page = (_SOURCES / "index.html").read_text().replace("VERSION", f"console/{version}")
    (folder / "console.html").write_text(page)
    (folder / "console").mkdir(exist_ok=True)
    (folder / "console" / "version").write_text(version)
    for name, text in files.items():
        packed = gzip.compress(text.encode(), mtime=0)
        (folder / "console" / f"{name}.gz").write_bytes(packed)


def build() -> dict[str, str]:
    """Return the texts of the files, by name."""
    scripts = {
        path.name: path.read_text()
        for folder in (_SOURCES, _VENDORED)
        for path in folder.glob("*.js")
    }
    licenses = sorted(_VENDORED.glob("*-LICENSE.txt"))
    return {
        "console.css": "".join((_SOURCES / name).read_text() for name in _STYLES),
        "console.js": modules.join(scripts, "app.js"),
        "icon.svg": (_SOURCES / "icon.svg").read_text(),
        "licenses.txt": "\n\n".join(f"{path.stem}\n\n{path.read_text()}" for path in licenses),
    }


def _version(files: dict[str, str]) -> str:
    digest = hashlib.sha256()
    for name, text in files.items():
        digest.update(f"{name} {len(text)} {text}".encode())
    return digest.hexdigest()[:12]
