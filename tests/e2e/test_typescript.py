"""docs/typescript.md: its files are type-checked against the served API, and run."""

import subprocess
from pathlib import Path

import pytest

from tests import snippets
from tests.e2e import nodejs
from tests.e2e.client import Client
from tests.e2e.patience import PATIENCE_S

PAGE = "typescript.md"
OPTIONS = ("--default-non-nullable", "false")


@pytest.fixture(scope="module")
def project(api: Client, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the page's files, the packages that they need, and the generated types."""
    folder = tmp_path_factory.mktemp("typescript")
    snippets.write(PAGE, folder)
    (folder / "package.json").write_text('{"type": "module"}')
    (folder / "node_modules").symlink_to(nodejs.folder() / "node_modules")
    (folder / "openapi.json").write_text(api.get("/openapi.json").text)
    program = nodejs.folder() / "node_modules/openapi-typescript/bin/cli.js"
    _node(folder, program, "openapi.json", *OPTIONS, "-o", "nowlater.d.ts")
    return folder


def _node(folder: Path, *command: str | Path, may_fail: bool = False, **environment: str) -> str:
    done = subprocess.run(
        [nodejs.NODE, *command],
        cwd=folder,
        env={"PATH": f"{nodejs.NODE.parent}:/usr/bin:/bin", **environment},
        capture_output=True,
        text=True,
        check=False,
        timeout=PATIENCE_S,
    )
    assert may_fail or done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def check(project: Path, *, may_fail: bool = False) -> str:
    compiler = nodejs.folder() / "node_modules/typescript/bin/tsc"
    return _node(project, compiler, "-p", ".", may_fail=may_fail)


def test_the_page_has_the_options_that_are_tested() -> None:
    assert " ".join(OPTIONS) in (snippets.DOCS / PAGE).read_text()


def test_its_code_has_the_right_types(project: Path) -> None:
    assert check(project) == ""


def test_a_wrong_input_is_a_type_error(project: Path) -> None:
    example = project / "example.ts"
    right = example.read_text()
    example.write_text(right.replace('{ text: "To be." }', "{ text: 1 }"))
    errors = check(project, may_fail=True)
    example.write_text(right)

    assert "Type 'number' is not assignable to type 'string'" in errors


def test_its_code_runs(api: Client, project: Path) -> None:
    token = api.get("/health").request.headers["Authorization"].removeprefix("Bearer ")

    said = _node(project, "example.ts", NOWLATER_URL=api.url, NOWLATER_KEY=token)

    assert said.startswith("6\n")
    assert "words: 2," in said
