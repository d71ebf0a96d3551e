"""The note in a project of the framework that it has: version, origin, and the digest of each file."""

import hashlib
import json
from dataclasses import asdict, dataclass, field
from pathlib import Path

from local.failure import Failure

FILE = ".nowlater.json"


@dataclass(frozen=True)
class Note:
    """A version of the framework in a project."""

    version: str
    commit: str
    #: The repository that later versions come from: a URL or a folder.
    source: str
    #: SHA-256 of each file of the framework, by its path in the project.
    files: dict[str, str]
    #: The digests that files may have while an upgrade has begun and not ended.
    begun: dict[str, list[str]] = field(default_factory=dict)


def read(project: Path) -> Note:
    """Return a project's note; raises Failure if there is none."""
    path = project / FILE
    try:
        return Note(**json.loads(path.read_text()))
    except FileNotFoundError as error:
        raise Failure(
            f"There is no {FILE} in {project}: it is not a project that make new has made."
        ) from error
    except (ValueError, TypeError) as error:
        raise Failure(
            f"{path} cannot be read: {error}. Restore it: git checkout {FILE}."
        ) from error


def write(project: Path, note: Note) -> None:
    """Write a project's note, at once as a whole."""
    content = {name: value for name, value in asdict(note).items() if value != {}}
    half = project / f"{FILE}.half"
    half.write_text(json.dumps(content, indent=1, sort_keys=True) + "\n")
    half.replace(project / FILE)


def digest(path: Path) -> str:
    """Return the SHA-256 of a file."""
    return hashlib.sha256(path.read_bytes()).hexdigest()
