"""Which packages an operation can import where it is built: those that it has where it is deployed."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

import packages
from tests import stack


class Project:
    """The sources of a project that the catalogue's build reads."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        for name in ("layers/nowlater", "layers/catalogue"):
            ignored = shutil.ignore_patterns("__pycache__", "console")
            shutil.copytree(stack.ROOT / name, folder / name, ignore=ignored)
        self.operations = folder / "operations"
        self.operations.mkdir()
        (self.operations / "__init__.py").touch()
        (self.operations / "requirements.txt").touch()

    def check(self) -> list[str]:
        """Run the build as `make check` does; return the mistakes."""
        done = subprocess.run(
            [sys.executable, self._folder / "layers/catalogue/build.py"],
            env={"PATH": os.environ["PATH"], "PYTHONPATH": f"{self._folder}/layers/nowlater:{self._folder}"},
            capture_output=True,
            text=True,
            check=False,
        )  # fmt: skip
        assert bool(done.returncode) == bool(done.stderr)
        return done.stderr.splitlines()


@pytest.fixture
def project(tmp_path: Path) -> Project:
    return Project(tmp_path)


def missing(line: int, name: str) -> str:
    advice = "if it is a package, add it to operations/requirements.txt"
    return f"operations/own.py:{line}: No module named '{name}': {advice}"


@pytest.mark.parametrize("module", ["yaml", "fastjsonschema", "flask"])
def test_a_package_of_the_tools_alone_is_missing(project: Project, module: str) -> None:
    (project.operations / "own.py").write_text(f"import json\nimport {module}\n")

    assert project.check() == [missing(2, module)]


def test_what_lambda_and_the_layers_have_is_there(project: Project) -> None:
    (project.operations / "requirements.txt").write_text("-r more/others.txt\n")
    (project.operations / "more").mkdir()
    (project.operations / "more/others.txt").write_text("Flask>=3 # with what it needs itself\n")
    (project.operations / "own.py").write_text(
        "import aws_lambda_powertools, boto3, botocore, dateutil, flask, markupsafe, msgspec\n"
        "import importlib.util\n"
        "assert importlib.util.find_spec('yaml') is None\n"
        "try:\n    import yaml\nexcept ImportError:\n    yaml = None\n"
    )

    assert project.check() == []


def test_a_package_without_an_init_is_one_mistake_and_so_is_a_fault_in_it(project: Project) -> None:
    (project.operations / "own.py").touch()
    (project.operations / "__init__.py").write_text("import json\n\n1 / 0\n")
    assert project.check() == ["operations/__init__.py:3: ZeroDivisionError: division by zero"]
    (project.operations / "__init__.py").unlink()
    (said,) = project.check()

    assert said.startswith("operations/__init__.py:1: this file is missing.")


def test_operations_in_a_folder_that_is_a_link_are_found(project: Project, tmp_path: Path) -> None:
    (tmp_path / "shared").mkdir()
    (tmp_path / "shared/broken.py").write_text("broken(\n")
    (project.operations / "shared").symlink_to(tmp_path / "shared")

    assert project.check() == ["operations/shared/broken.py:1: SyntaxError: '(' was never closed"]


@pytest.mark.parametrize(
    ("line", "name"),
    [
        ("pandas[excel] >= 3", ("pandas", True)),
        ("Ruamel.YAML==0.18", ("ruamel-yaml", False)),
        ("six", ("six", False)),
        ("own @ https://example.com/own-1.0.whl", ("own", False)),
        ("https://example.com/own-1.0.whl", None),
        ("--index-url https://example.com", None),
        ("./own", None),
        ("# six", None),
    ],
)
def test_the_name_of_a_requirement(line: str, name: tuple[str, bool] | None) -> None:
    assert list(packages.names([line])) == ([name] if name else [])
