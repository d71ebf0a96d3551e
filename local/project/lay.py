"""Lays this version of the framework over a project that has another; `make upgrade` runs it.

It replaces files of the framework and deletes those that are gone, as the project's note lists them,
and touches no other file. It can be interrupted at any time, and run again.
"""

import argparse
import contextlib
import itertools
import re
import shutil
import sys
from dataclasses import replace
from pathlib import Path

from local import composed
from local.failure import Failure
from local.project import note
from local.project.note import Note, digest
from local.project.source import Source

#: Where files are kept that were changed in the project, and are replaced all the same.
_KEPT = ".local/before-upgrade"


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--project", type=Path, required=True)
    parser.add_argument("--source", required=True, help="where later versions come from")
    parser.add_argument("--discard", action="store_true", help="replace changed files too")
    arguments = parser.parse_args()
    try:
        source = Source(Path.cwd())
        before = note.read(arguments.project)
        changed = lay(source, arguments.project, arguments.source, discard=arguments.discard)
    except (Failure, OSError) as failure:
        print(failure, file=sys.stderr)
        return 1
    print(f"nowlater {before.version} → {source.version}: {changed}")
    print(changes((source.folder / "CHANGELOG.md").read_text(), before.version))
    return 0


def lay(source: Source, project: Path, origin: str, *, discard: bool = False) -> str:
    """Give a project this version's files, and return a sentence of what was done.

    Raises Failure before anything is written where a file would be lost.
    """
    before, after = note.read(project), source.note(origin)
    known = _known(before, after)
    gone = known.keys() - after.files.keys()
    to_write = [n for n in after.files if _digest(project / n) != after.files[n]]
    to_delete = [n for n in sorted(gone) if (project / n).is_file()]
    foreign = [n for n in (*to_write, *to_delete) if _is_foreign(project / n, known[n])]
    if foreign and not discard:
        _refuse(before, foreign)
    _refuse_changed_template(project)
    note.write(project, replace(before, begun=known))
    for name in foreign:
        _copy(project / name, _not_yet_there(project / _KEPT / name))
    for name in to_write:
        _copy(source.files[name], project / name)
    for name in gone:
        _delete(project / name, project)
    note.write(project, after)
    if not to_write and not to_delete:
        return "no file differs."
    kept = f"; yours are kept in {_KEPT}/" if foreign else ""
    return f"{len(to_write)} files written, {len(to_delete)} deleted{kept}."


def changes(changelog: str, since: str) -> str:
    """Return the sections of a changelog on versions after one, the newest first."""
    sections = re.split(r"^(?=## \[)", changelog, flags=re.MULTILINE)[1:]
    dated = [(re.match(r"## \[(\d+(?:\.\d+)*)\]", section), section) for section in sections]
    newer = [text for found, text in dated if found and order(found[1]) > order(since)]
    return "\n".join(["", *(text.rstrip() + "\n" for text in newer)]) if newer else ""


def order(version: str) -> tuple[int, ...]:
    """Return a version in a form in which a later one is greater."""
    return tuple(map(int, re.findall(r"\d+", version)))


def _digest(path: Path) -> str | None:
    return digest(path) if path.is_file() else None


def _known(before: Note, after: Note) -> dict[str, list[str]]:
    """Return the digests that each file of the framework has in any of the versions concerned."""
    return {
        name: sorted(
            {
                *(files[name] for files in (before.files, after.files) if name in files),
                *before.begun.get(name, []),
            }
        )
        for name in before.files.keys() | before.begun.keys() | after.files.keys()
    }


def _is_foreign(path: Path, known: list[str]) -> bool:
    """Return whether something would be lost if a file were replaced."""
    return path.exists() and not (path.is_file() and digest(path) in known)


def _refuse(before: Note, foreign: list[str]) -> None:
    changed = [name for name in foreign if name in before.files]
    new = [name for name in foreign if name not in before.files]
    lines = ["Nothing was upgraded."]
    if changed:
        lines += ["", "These files of the framework were changed in this project:"]
        lines += [f"  {name}" for name in changed]
    if new:
        lines += ["", "The new version has files of these names, and so have you: rename yours."]
        lines += [f"  {name}" for name in new]
    lines += [
        "",
        "Your own code belongs in operations/, or in files with other names. Undo these changes, or",
        f"run make upgrade DISCARD=1: it moves your files to {_KEPT}/ first.",
    ]
    raise Failure("\n".join(lines))


def _refuse_changed_template(project: Path) -> None:
    path = project / "template.yaml"
    if path.exists() and not composed.is_unchanged(path.read_text()):
        raise Failure(
            "Nothing was upgraded. template.yaml was changed by hand: move your changes to "
            "operations/resources.yaml, delete template.yaml, and try again."
        )


def _not_yet_there(path: Path) -> Path:
    """Return a path, with a number after it if there are files of earlier upgrades."""
    numbered = (path.with_name(f"{path.name}.{number}") for number in itertools.count(1))
    return next(one for one in itertools.chain([path], numbered) if not one.exists())


def _copy(original: Path, copy: Path) -> None:
    """Copy a file so that at every moment the old one is there, or the new one as a whole."""
    copy.parent.mkdir(parents=True, exist_ok=True)
    half = copy.with_name(f".{copy.name}.half")
    shutil.copy(original, half)
    half.replace(copy)


def _delete(path: Path, project: Path) -> None:
    """Delete a file if it is there, and the folders that have nothing but bytecode then."""
    path.unlink(missing_ok=True)
    for folder in path.relative_to(project).parents[:-1]:
        shutil.rmtree(project / folder / "__pycache__", ignore_errors=True)
        with contextlib.suppress(OSError):  # it has other files, or is gone
            (project / folder).rmdir()


if __name__ == "__main__":
    sys.exit(main())
