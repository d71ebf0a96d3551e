"""Compares the console's libraries with npm's registry, or writes them anew after a change of lock.json.

    python layers/catalogue/console/vendor/check.py [--write]

Each package is fetched with npm's own client, and its archive must have the digest in lock.json. Our
copies differ in one respect: modules import each other as the console's files, not by package name.
"""

import argparse
import base64
import hashlib
import json
import re
import subprocess
import sys
import tarfile
import tempfile
from pathlib import Path
from typing import Any

HERE = Path(__file__).parent
#: What a module imports, and the file that it is here.
_IMPORTS = {
    b"preact": b"./preact.js",
    b"preact/hooks": b"./preact-hooks.js",
    b"@preact/signals-core": b"./signals-core.js",
}
_IMPORT = re.compile(rb'\bfrom\s*"([^"]+)"')
_SOURCE_MAP = re.compile(rb"\n//# sourceMappingURL=\S+\s*\Z")


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--write", action="store_true", help="write the files instead")
    writes = parser.parse_args().write
    differing = []
    for package, entry in json.loads((HERE / "lock.json").read_text()).items():
        for name, data in published(package, entry).items():
            if writes:
                (HERE / name).write_bytes(data)
            elif (HERE / name).read_bytes() != data:
                differing.append(name)
    for name in differing:
        print(f"{name} is not the registry's: run check.py --write, or correct lock.json.")
    return 1 if differing else 0


def published(package: str, entry: dict[str, Any]) -> dict[str, bytes]:
    """Return a package's files as they must be here, by name, from an archive that fits the lock."""
    with tempfile.TemporaryDirectory() as folder:
        command = ["npm", "pack", "--silent", f"{package}@{entry['version']}"]
        subprocess.run(command, cwd=folder, check=True, capture_output=True)  # noqa: S603
        (archive,) = Path(folder).glob("*.tgz")
        digest = base64.b64encode(hashlib.sha512(archive.read_bytes()).digest()).decode()
        if entry["integrity"] != f"sha512-{digest}":
            raise SystemExit(
                f"{package}: the registry's archive has another digest: sha512-{digest}"
            )
        with tarfile.open(archive) as files:
            return {
                ours: _as_here(_read(files, f"package/{theirs}"))
                for theirs, ours in entry["files"].items()
            }


def _read(files: tarfile.TarFile, name: str) -> bytes:
    member = files.extractfile(name)
    assert member is not None, name  # noqa: S101
    return member.read()


def _as_here(data: bytes) -> bytes:
    data = _SOURCE_MAP.sub(b"\n", data)
    return _IMPORT.sub(lambda match: b'from"%s"' % _IMPORTS[match[1]], data)


if __name__ == "__main__":
    sys.exit(main())
