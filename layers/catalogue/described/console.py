"""The console: its sources are in layers/catalogue/console, and are served as they are, compressed."""

import gzip
import hashlib
from pathlib import Path

_SOURCES = Path(__file__).parents[1] / "console"
#: Libraries and their licences, which vendor/check.py compares with the registry's.
_VENDORED = _SOURCES / "vendor"
_TYPES = (".css", ".js", ".svg", ".txt")
_PAGE = "index.html"


def _sources() -> dict[str, Path]:
    """Return the console's files by the names that they are served under: all in one folder."""
    found = [path for folder in (_SOURCES, _VENDORED) for path in sorted(folder.iterdir())]
    return {path.name: path for path in found if path.suffix in _TYPES}


FILES = sorted(_sources())


def write(folder: Path) -> None:
    """Write the page and its files, compressed, into a folder."""
    sources = {name: path.read_bytes() for name, path in _sources().items()}
    version = _version(sources)
    (folder / "console.html").write_text(_page(version, sources))
    (folder / "console").mkdir(exist_ok=True)
    (folder / "console" / "version").write_text(version)
    for name, data in sources.items():
        (folder / "console" / f"{name}.gz").write_bytes(gzip.compress(data, mtime=0))


def _version(sources: dict[str, bytes]) -> str:
    digest = hashlib.sha256()
    for name, data in sorted(sources.items()):
        digest.update(b"%s %d " % (name.encode(), len(data)) + data)
    return digest.hexdigest()[:12]


def _page(version: str, sources: dict[str, bytes]) -> str:
    """Return the page, which asks for all modules at once, not one after the other."""
    page = (_SOURCES / _PAGE).read_text()
    modules = [name for name in sources if name.endswith(".js")]
    links = "\n".join(f'<link rel="modulepreload" href="VERSION/{name}">' for name in modules)
    return page.replace("<!-- modules -->", links).replace("VERSION", f"console/{version}")
