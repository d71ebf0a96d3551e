"""`make new` and `make upgrade`: what a project gets, what stays its own, and what is refused."""

import json
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml

from local.failure import Failure
from local.project import lay, new, note, test, upgrade
from local.project.source import Source
from tests import stack

GIT = ["git", "-c", "user.name=Ada", "-c", "user.email=ada@example.com"]
#: Files of every kind that a project has of its own.
OWN = (
    "README.md",
    "samconfig.toml",
    "operations/greetings.py",
    "operations/requirements.txt",
    "operations/resources.yaml",
    "operations/tests/test_greetings.py",
    ".github/workflows/deploy.yml",
    "docs/ours.md",
    "functions/feed/app.py",
)


def git(folder: Path, *arguments: str) -> str:
    return subprocess.run(
        [*GIT, *arguments], cwd=folder, check=True, capture_output=True, text=True
    ).stdout


def commit(folder: Path, tag: str | None = None) -> None:
    git(folder, "add", "--all")
    git(folder, "commit", "--quiet", "--message", "x")
    if tag is not None:
        git(folder, "tag", tag)


@pytest.fixture(scope="module")
def checkout(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The framework as a repository of its own."""
    folder = tmp_path_factory.mktemp("framework")
    for name in git(stack.ROOT, "ls-files", "--cached", "--others", "--exclude-standard").split():
        if (stack.ROOT / name).exists() and not name.startswith("tests/"):
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(stack.ROOT / name, folder / name)
    git(folder, "init", "--quiet")
    commit(folder, "v0.1.0")
    return folder


@pytest.fixture
def framework(checkout: Path, tmp_path: Path) -> Path:
    """A copy of it, to change."""
    return Path(shutil.copytree(checkout, tmp_path / "framework"))


@pytest.fixture
def project(framework: Path, tmp_path: Path) -> Path:
    folder = new.make("acme-tools", tmp_path / "acme", framework)
    for name in OWN:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        with (folder / name).open("a") as file:
            file.write("# ours\n")
    return folder


def later(framework: Path) -> Path:
    """Make a later version: files of every folder changed, one new, one gone, one whole folder gone."""
    for name in (
        *("framework.yaml", "Makefile", "layers/nowlater/nowlater/__init__.py"),
        *("layers/catalogue/build.py", "layers/operations/Makefile", "layers/tokens/Makefile"),
        *("functions/sync/app.py", "local/up.py", "docs/operations.md"),
    ):
        with (framework / name).open("a") as file:
            file.write("# later\n")
    (framework / "layers/nowlater/nowlater/later.py").write_text('"""New."""\n')
    (framework / "events/health.json").unlink()
    shutil.rmtree(framework / "local/verify")
    text = (framework / "pyproject.toml").read_text()
    (framework / "pyproject.toml").write_text(text.replace('"0.1.0"', '"0.2.0"'))
    log = (framework / "CHANGELOG.md").read_text()
    head, section = "## [Unreleased]", "## [0.2.0] - 2027-01-01\n\n- Something new.\n\n"
    (framework / "CHANGELOG.md").write_text(log.replace(head, f"{section}## [0.1.0]\n\n- Old.\n"))
    commit(framework, "v0.2.0")
    return framework


def files(folder: Path) -> dict[str, bytes]:
    """Return what is in each file of a folder but git's own and the note."""
    found = (path for path in folder.rglob("*") if path.is_file() and ".git" not in path.parts)
    names = {path.relative_to(folder).as_posix(): path for path in found}
    return {n: path.read_bytes() for n, path in names.items() if n != note.FILE}


def lay_over(framework: Path, project: Path, *, discard: bool = False) -> str:
    return lay.lay(Source(framework), project, str(framework), discard=discard)


# ── a new project ─────────────────────────────────────────────────────────────────────────────


def test_a_project_has_the_framework_and_an_operation_and_neither_samples_nor_our_tests(
    project: Path,
) -> None:
    found = files(project)
    tops = {name.split("/")[0] for name in found}

    assert {"Makefile", "framework.yaml", "functions", "layers", "local", "events"} <= tops
    assert "tests" not in tops
    assert "framework.mk" not in tops
    assert {n for n in found if n.startswith("operations/") and n.endswith(".py")} == {
        *("operations/__init__.py", "operations/greetings.py"),
        *("operations/tests/conftest.py", "operations/tests/test_greetings.py"),
    }
    assert not [name for name in found if b"PROJECT_NAME" in found[name] and name in OWN]
    assert found["README.md"].startswith(b"# acme-tools\n")
    assert b"STACK=acme-tools" in found[".github/workflows/deploy.yml"]


def test_the_note_names_version_origin_and_each_file_of_the_framework(
    framework: Path, project: Path
) -> None:
    made = note.read(project)

    assert (made.version, made.source) == ("0.1.0", str(framework))
    assert made.commit == git(framework, "rev-parse", "HEAD").strip()
    assert made.files == {n: note.digest(project / n) for n in made.files}
    assert not made.files.keys() & set(OWN)
    assert {*files(project)} - made.files.keys() == {
        *OWN,
        *("operations/__init__.py", "operations/tests/conftest.py"),
        *(".gitignore", ".github/deploy-role.yaml", "pytest.ini"),
    }


def test_a_project_begins_with_the_operation_of_the_readme() -> None:
    skeleton = stack.ROOT / "local/project/skeleton"
    code = (stack.ROOT / "operations/greetings.py").read_text()

    for readme in (stack.ROOT / "README.md", skeleton / "README.md"):
        assert f"```python\n# operations/greetings.py\n{code}```\n" in readme.read_text()


def test_the_samples_of_a_project_and_of_the_framework_explain_resources_alike() -> None:
    skeleton = stack.ROOT / "local/project/skeleton"
    name = "operations/resources.yaml"

    assert (skeleton / name).read_text() == (stack.ROOT / name).read_text()


@pytest.mark.parametrize("name", ["", "Acme", "1a", "a_b", "a--b", "-a", "a b", "a/../b", "a" * 41])
def test_a_name_that_no_stack_could_have_is_refused(name: str, tmp_path: Path) -> None:
    with pytest.raises(Failure, match="NAME"):
        new.make(name, tmp_path / "new")
    assert not (tmp_path / "new").exists()


def test_a_folder_that_is_not_empty_is_refused_and_stays_as_it_is(tmp_path: Path) -> None:
    (tmp_path / "mine.txt").write_text("mine")

    with pytest.raises(Failure, match=r"is not an empty folder\. Name another DIR"):
        new.make("acme", tmp_path)
    with pytest.raises(Failure, match="is not an empty folder"):
        new.make("acme", tmp_path / "mine.txt")
    assert files(tmp_path) == {"mine.txt": b"mine"}


def test_a_project_that_is_there_already_is_refused_with_what_to_do(project: Path) -> None:
    with pytest.raises(Failure, match=r"has a project already\..*delete the folder"):
        new.make("acme", project)


def test_a_stop_says_what_to_do(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def stop(_: Path) -> bool:
        raise KeyboardInterrupt

    monkeypatch.setattr("sys.argv", ["new", "--name", "acme", "--dir", str(tmp_path / "acme")])
    monkeypatch.setattr(new, "prepare", stop)

    assert new.main() == 130
    assert "Delete the folder, and run the same command again." in capsys.readouterr().err


def test_an_empty_repository_is_taken_and_an_odd_folder_can_be_copied_from_what_is_printed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = tmp_path / "Über uns & Co"
    folder.mkdir()
    git(folder, "init", "--quiet")
    monkeypatch.setattr("sys.argv", ["new", "--name", "acme", "--dir", str(folder)])
    monkeypatch.setattr(new, "prepare", lambda _: True)

    assert new.main() == 0
    assert f"  cd '{folder}'\n" in capsys.readouterr().out
    assert (folder / ".nowlater.json").exists()


def test_why_git_did_not_commit_is_said(
    project: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (project / "Makefile").write_text("template:\n")
    git(project, "init", "--quiet")
    hook = project / ".git/hooks/pre-commit"
    hook.write_text("#!/bin/sh\necho no tabs here >&2\nexit 1\n")
    hook.chmod(0o755)
    for name in ("GIT_AUTHOR_NAME", "GIT_COMMITTER_NAME"):
        monkeypatch.setenv(name, "Ada")
    git(project, "config", "user.email", "ada@example.com")
    git(project, "config", "user.name", "Ada")

    assert new.prepare(project)
    assert "commit them yourself. It said:\n  no tabs here\n" in capsys.readouterr().out


def test_a_folder_within_the_framework_is_refused() -> None:
    with pytest.raises(Failure, match="inside the framework's folder"):
        new.make("acme", stack.ROOT / "acme")
    assert not (stack.ROOT / "acme").exists()


def test_a_password_in_the_origin_is_not_noted(framework: Path) -> None:
    git(framework, "remote", "add", "origin", "https://user:secret@example.com/nowlater.git")

    assert Source(framework).origin() == "https://example.com/nowlater.git"


# ── an upgrade ────────────────────────────────────────────────────────────────────────────────


def test_an_upgrade_replaces_the_framework_and_leaves_all_that_is_the_projects(
    framework: Path, project: Path, tmp_path: Path
) -> None:
    before = files(project)
    lay_over(later(framework), project)
    after = files(project)
    fresh = files(new.make("acme-tools", tmp_path / "fresh", framework))
    own = before.keys() - note.read(project).files.keys() - {"events/health.json"}
    own = {name for name in own if not name.startswith("local/verify/")}

    assert {*OWN} <= own
    assert {name: after[name] for name in own} == {name: before[name] for name in own}
    assert {n: c for n, c in after.items() if n not in own} == {
        n: c for n, c in fresh.items() if n not in own
    }
    assert "layers/nowlater/nowlater/later.py" in after
    assert not (project / "local/verify").exists()
    assert note.read(project).version == "0.2.0"


def test_an_upgrade_that_is_interrupted_anywhere_ends_right_when_it_is_run_again(
    framework: Path, project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    later(framework)
    ended = Path(shutil.copytree(project, project.parent / "ended"))
    lay_over(framework, ended)
    steps = 0
    for name in ("_copy", "_delete"):
        real = getattr(lay, name)

        def interrupt(*arguments: object, real: object = real) -> None:
            nonlocal steps
            steps -= 1
            if not steps:
                raise KeyboardInterrupt
            real(*arguments)  # type: ignore[operator]

        monkeypatch.setattr(lay, name, interrupt)

    for steps in (1, 4, 13, 5):  # noqa: B007  # the counter that `interrupt` counts down
        with pytest.raises(KeyboardInterrupt):
            lay_over(framework, project)
        assert note.read(project).version == "0.1.0"
    steps = 10_000
    lay_over(framework, project)

    assert files(project) == files(ended)
    assert note.read(project) == note.read(ended)


def test_an_interrupted_upgrade_can_be_followed_by_one_to_another_version(
    framework: Path, project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    later(framework)
    with monkeypatch.context() as patch:
        patch.setattr(lay, "_delete", lambda *_: (_ for _ in ()).throw(KeyboardInterrupt))
        with pytest.raises(KeyboardInterrupt):
            lay_over(framework, project)
    git(framework, "checkout", "--quiet", "v0.1.0")
    lay_over(framework, project)

    assert note.read(project).version == "0.1.0"
    assert not (project / "layers/nowlater/nowlater/later.py").exists()


def test_files_of_the_framework_that_were_changed_are_named_and_nothing_is_upgraded(
    framework: Path, project: Path
) -> None:
    (project / "local/up.py").write_text("# mine\n")
    (project / "events/health.json").write_text("{}")
    before = files(project)

    with pytest.raises(Failure) as raised:
        lay_over(later(framework), project)
    said = str(raised.value)
    assert "  local/up.py\n  events/health.json\n" in said
    assert "make upgrade DISCARD=1" in said
    assert files(project) == before


def test_files_that_were_changed_are_kept_where_they_are_replaced(
    framework: Path, project: Path
) -> None:
    (project / "local/up.py").write_text("# mine\n")
    done = lay_over(later(framework), project, discard=True)

    assert (project / "local/up.py").read_text().endswith("# later\n")
    assert (project / ".local/before-upgrade/local/up.py").read_text() == "# mine\n"
    assert "yours are kept in .local/before-upgrade/" in done


def test_what_an_earlier_upgrade_has_kept_stays(framework: Path, project: Path) -> None:
    for text in ("# one\n", "# two\n", "# three\n"):
        (project / "local/up.py").write_text(text)
        lay_over(framework, project, discard=True)
    kept = project / ".local/before-upgrade/local"

    assert {path.name: path.read_text() for path in kept.iterdir()} == {
        "up.py": "# one\n",
        "up.py.1": "# two\n",
        "up.py.2": "# three\n",
    }


def test_a_file_of_the_projects_that_the_later_version_has_too_is_refused(
    framework: Path, project: Path
) -> None:
    (project / "layers/nowlater/nowlater/later.py").write_text("mine = 1\n")

    with pytest.raises(Failure, match="has files of these names, and so have you: rename yours"):
        lay_over(later(framework), project)


def test_a_change_that_the_later_version_has_too_is_no_conflict(
    framework: Path, project: Path
) -> None:
    later(framework)
    shutil.copy(framework / "local/up.py", project / "local/up.py")
    lay_over(framework, project)

    assert note.read(project).version == "0.2.0"


def test_a_template_that_was_changed_by_hand_is_refused_before_anything_is_written(
    framework: Path, project: Path
) -> None:
    (project / "template.yaml").write_text("Resources: {}\n")
    before = files(project)

    with pytest.raises(Failure, match=r"move your changes to operations/resources\.yaml"):
        lay_over(later(framework), project)
    assert files(project) == before


def test_a_folder_without_a_note_is_no_project(framework: Path, tmp_path: Path) -> None:
    with pytest.raises(Failure, match="it is not a project that make new has made"):
        lay_over(framework, tmp_path)


def test_the_changelog_is_shown_from_the_version_before(framework: Path) -> None:
    log = (later(framework) / "CHANGELOG.md").read_text()

    assert "Something new" in lay.changes(log, "0.1.0")
    assert "Old" not in lay.changes(log, "0.1.0")
    assert lay.changes(log, "0.2.0") == ""
    assert "Old" in lay.changes(log, "0.0.9")


# ── which version ─────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("own", "outside", "line"),
    [
        (0, 0, "Your tests passed; the API from outside passed."),
        (1, 0, "Your tests FAILED; the API from outside passed."),
        (5, 1, "Your tests are missing: there are none; the API from outside FAILED."),
        (
            3,
            0,
            "Your tests could not be run (pytest's exit status is 3); the API from outside passed.",
        ),
    ],
)
def test_the_last_line_of_make_test_is_about_both_parts(own: int, outside: int, line: str) -> None:
    assert test.summary(own, outside) == line


@pytest.fixture
def inside(project: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    monkeypatch.chdir(project)
    return project


def test_the_latest_version_is_taken_unless_another_is_named(framework: Path, inside: Path) -> None:
    later(framework)
    git(framework, "tag", "v0.10.0")
    git(framework, "tag", "next")
    source = str(framework)

    assert upgrade._reference(source, "") == "v0.10.0"
    assert upgrade._reference(source, "0.2.0") == "v0.2.0"
    assert upgrade._reference(source, "next") == "next"
    with pytest.raises(upgrade.Refused, match=r"has no version 9: it has v0\.1\.0, v0\.2\.0, v0"):
        upgrade._reference(source, "9")


def test_without_versions_the_newest_commit_is_taken(framework: Path) -> None:
    git(framework, "tag", "--delete", "v0.1.0")

    assert upgrade._reference(str(framework), "") == "HEAD"


@pytest.mark.parametrize(
    ("to", "source", "version"),
    [
        ("", None, ""),
        ("0.2.0", None, "0.2.0"),
        ("https://example.com/n.git", "https://example.com/n.git", ""),
        ("https://example.com/n.git@0.2.0", "https://example.com/n.git", "0.2.0"),
        ("https://ada@example.com/n.git", "https://ada@example.com/n.git", ""),
        ("git@example.com:ada/n.git", "git@example.com:ada/n.git", ""),
        ("git@example.com:ada/n.git@v1.0.0", "git@example.com:ada/n.git", "v1.0.0"),
    ],
)
def test_to_is_a_version_a_repository_or_both(
    framework: Path, inside: Path, to: str, source: str | None, version: str
) -> None:
    assert upgrade._destination(to) == (source or str(framework), version)


def test_to_can_be_a_folder(framework: Path, inside: Path) -> None:
    assert upgrade._destination("../framework") == (str(framework), "")
    assert upgrade._destination("../framework@0.1.0") == (str(framework), "0.1.0")


@pytest.mark.parametrize("to", ["/nowhere", "../nowhere", "./nowhere@0.1.0"])
def test_a_folder_that_there_is_not_is_no_version(inside: Path, to: str) -> None:
    with pytest.raises(upgrade.Refused, match=f"There is no folder {to}"):
        upgrade._destination(to)


def test_a_repository_that_cannot_be_read_is_said_with_what_git_says(
    inside: Path, tmp_path: Path
) -> None:
    with pytest.raises(upgrade.Refused, match="cannot be read:\nfatal: "):
        upgrade.upgrade(f"file://{tmp_path}/nowhere", discard=False)


def test_a_repository_of_something_else_is_refused(inside: Path, tmp_path: Path) -> None:
    other = tmp_path / "other"
    other.mkdir()
    git(other, "init", "--quiet")
    (other / "x").write_text("")
    commit(other)

    with pytest.raises(upgrade.Refused, match="is not nowlater"):
        upgrade.upgrade(str(other), discard=False)


def test_outside_of_a_project_it_says_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)

    with pytest.raises(upgrade.Refused, match=r"\.nowlater\.json cannot be read"):
        upgrade.upgrade("", discard=False)


def test_the_program_that_upgrades_needs_no_other_module_of_the_framework(project: Path) -> None:
    code = (project / "local/project/upgrade.py").read_text()

    assert "import local" not in code
    assert "from local" not in code
    assert json.loads((project / note.FILE).read_text())["files"]["local/project/upgrade.py"]


def test_the_workflow_deploys_the_main_branch_alone_and_without_stored_keys(project: Path) -> None:
    text = (project / ".github/workflows/deploy.yml").read_text()
    jobs = yaml.safe_load(text)["jobs"]

    assert [step.get("run") for step in jobs["test"]["steps"]][-1] == "make test"
    assert jobs["deploy"]["needs"] == "test"
    assert "github.ref == 'refs/heads/main'" in jobs["deploy"]["if"]
    assert jobs["deploy"]["permissions"] == {"contents": "read", "id-token": "write"}
    assert jobs["deploy"]["steps"][-1]["run"] == "make deploy STACK=acme-tools"
    assert "secrets." not in text
