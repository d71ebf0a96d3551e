"""What is noticed of source files: saves, links, folders that are made anew, and nothing else."""

import os
import shutil
from pathlib import Path

import pytest

from local.sources import Sources


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder with a file, a folder, and links to one of each beside it."""
    folder, shared = tmp_path / "operations", tmp_path / "shared"
    for path in (folder / "here", shared):
        path.mkdir(parents=True)
    for path in (folder / "a.py", folder / "here/b.py", shared / "c.py", tmp_path / "d.py"):
        path.write_text("1\n")
    (folder / "shared").symlink_to(shared)
    (folder / "d.py").symlink_to(tmp_path / "d.py")
    return folder


@pytest.mark.parametrize("name", ["a.py", "here/b.py", "shared/c.py", "d.py"])
def test_a_save_is_noticed_once_under_its_name_here(folder: Path, name: str) -> None:
    sources = Sources([folder])
    (folder / name).write_text("2\n")

    assert sources.changed() == {folder / name}
    assert sources.changed() == set()


def test_a_file_that_is_replaced_by_one_of_the_same_size_and_date_is_noticed(folder: Path) -> None:
    sources, path = Sources([folder]), folder / "a.py"
    status = path.stat()
    (folder / "new.py").write_text("2\n")
    os.utime(folder / "new.py", ns=(status.st_atime_ns, status.st_mtime_ns))
    (folder / "new.py").replace(path)

    assert sources.changed() == {path}


def test_a_folder_that_is_deleted_and_made_anew_is_noticed_and_so_is_what_follows(
    folder: Path,
) -> None:
    sources = Sources([folder])
    shutil.rmtree(folder)
    assert folder / "a.py" in sources.changed()
    folder.mkdir()
    (folder / "a.py").write_text("1\n")
    assert sources.changed() == {folder / "a.py"}
    (folder / "a.py").write_text("2\n")
    assert sources.changed() == {folder / "a.py"}


def test_what_editors_and_python_write_beside_sources_is_no_change(folder: Path) -> None:
    sources = Sources([folder])
    (folder / "__pycache__").mkdir()
    for name in ("__pycache__/a.pyc", ".a.py.swp", "a.py~", ".DS_Store"):
        (folder / name).touch()
    (folder / ".#a.py").symlink_to("nowhere")

    assert sources.changed() == set()


def test_a_link_to_a_folder_around_it_does_not_lead_on(folder: Path) -> None:
    (folder / "here/back").symlink_to(folder)
    sources = Sources([folder])
    (folder / "a.py").write_text("2\n")

    assert sources.changed() == {folder / "a.py"}


def test_a_file_can_be_watched_too(folder: Path) -> None:
    sources = Sources([folder / "a.py", folder / "none.yaml"])
    (folder / "a.py").write_text("2\n")
    (folder / "none.yaml").touch()

    assert sources.changed() == {folder / "a.py", folder / "none.yaml"}
