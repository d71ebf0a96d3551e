"""The Makefile: what is given to make reaches the commands as it is, and their output is theirs alone."""

import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests import stack

#: A Python, or a sam, that writes down how it was called.
NOTES = """#!/bin/sh
exec python3 -c 'import json, sys; print(json.dumps(sys.argv[1:]), file=open("called", "a"))' "$@"
"""
#: What make, or a shell, would read in its own way.
ODD = "O'Brien {\"text\": \"it's\"} '; touch pwned; ' $(touch pwned) `touch pwned` a$bc \\ #"
COMPOSE = ["-m", "local.compose"]
#: What stands for all that make installs.
MADE = (
    ".venv/.made-from-lock",
    ".local/ministack/.made-from-requirements",
    ".local/checkov/.made-from-requirements",
)


class Checkout:
    """A folder in which make finds all installed, and commands that only note how they were called."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._write(".venv/bin/python", NOTES)
        self._write(".venv/bin/sam", NOTES)
        self._write(".local/tools/bin/uv", "#!/bin/sh\n")
        (folder / "operations").mkdir(parents=True)
        for name in (
            "Makefile",
            "framework.mk",
            "pyproject.toml",
            "uv.lock",
            "operations/requirements.txt",
        ):
            (folder / name).write_bytes((stack.ROOT / name).read_bytes())
        for name in ("requirements.txt", "checkov.txt", "bootstrap.py"):
            self._write(f"local/{name}", "")
        for name in MADE:
            self._write(name, "")

    def make(self, *arguments: str, **known: str) -> str:
        """Run make; return what it prints."""
        done = subprocess.run(
            ["make", *arguments],
            cwd=self.folder,
            env={"PATH": os.environ["PATH"], **known},
            capture_output=True,
            text=True,
            check=True,
        )
        return done.stdout

    def calls(self) -> list[list[str]]:
        """Return the arguments of each command that was called, but for what composes the template."""
        return [called for called in self.all_calls() if called != COMPOSE]

    def all_calls(self) -> list[list[str]]:
        return [json.loads(line) for line in (self.folder / "called").read_text().splitlines()]

    def fake_uv(self, commands: str) -> None:
        """Have uv run these commands of the shell."""
        self._write(".local/tools/bin/uv", f"#!/bin/sh\n{commands}\n")

    def _write(self, name: str, text: str) -> None:
        path = self.folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
        path.chmod(0o755)


@pytest.fixture
def checkout(tmp_path: Path) -> Checkout:
    return Checkout(tmp_path / "checkout")


@pytest.mark.parametrize(
    ("target", "names"),
    [
        ("up", ["PORT", "SET"]),
        ("deploy", ["STACK", "ARCHITECTURE", "PARAMETERS"]),
        ("verify", ["URL", "STACK", "ORIGIN", "RECEIVER", "TOPIC", "OPERATION", "INPUT"]),
        ("key", ["STACK", "OWNER", "SCOPES", "DAYS", "REVOKE", "ROTATE"]),
        ("redrive", ["STACK", "OWNER", "HOST"]),
        ("republish", ["STACK"]),
    ],
)
def test_what_is_given_arrives_as_it_is(checkout: Checkout, target: str, names: list[str]) -> None:
    checkout.make(target, *(f"{name}={ODD}" for name in names))
    checkout.make(target, **dict.fromkeys(names, ODD))
    wanted = [f"--{name.lower()}={ODD}" for name in names]

    assert [called[2:] for called in checkout.calls()] == [wanted, wanted]
    assert not (checkout.folder / "pwned").exists()


def test_the_architecture_of_a_build_arrives_as_it_is(checkout: Checkout) -> None:
    checkout.make("build", f"ARCHITECTURE={ODD}")
    checked, *built = checkout.calls()

    assert checked == ["layers/catalogue/build.py"]
    assert [called[-1] for called in built] == [f"Architecture={ODD}", ODD]


def test_a_project_lists_what_is_useful_there(checkout: Checkout) -> None:
    here = checkout.make("help")
    (checkout.folder / "framework.mk").unlink()  # as in a project
    project = checkout.make("help")

    for command in ("make new", "make nightly", "make faults", "make bench"):
        assert command in here
        assert command not in project
    for command in ("make up", "make test", "make check", "make upgrade", "make deploy"):
        assert command in project
    assert [line for line in (here + project).splitlines() if len(line) > 80] == []


@pytest.mark.parametrize("target", ["template", "build", "deploy", "check"])
def test_the_template_is_composed_before_it_is_used(checkout: Checkout, target: str) -> None:
    (checkout.folder / "framework.mk").unlink()  # as in a project
    checkout.make(target)

    assert checkout.all_calls()[0] == COMPOSE


@pytest.mark.parametrize("given", [[], ["ARCHITECTURE="]])
def test_a_build_is_for_arm64_unless_another_is_named(checkout: Checkout, given: list[str]) -> None:
    checkout.make("build", *given)

    assert [called[-1] for called in checkout.calls()[1:]] == ["Architecture=arm64", "arm64"]


def test_what_is_not_given_is_not_passed_on(checkout: Checkout) -> None:
    checkout.make("deploy")
    checkout.make("key", "LIST=1")
    checkout.make("up")
    checkout.make("up", "KEEP=1")

    assert [called[2:] for called in checkout.calls()] == [
        ["--parameters="],
        ["--list"],
        ["--port=8080"],
        ["--port=8080", "--keep"],
    ]


@pytest.mark.parametrize("made", MADE)
def test_what_is_installed_first_is_not_in_the_output(checkout: Checkout, made: str) -> None:
    path = checkout.folder / made
    path.unlink()

    assert checkout.make(made) == ""
    assert path.exists()


def test_an_environment_that_is_active_in_the_shell_is_not_installed_into(
    checkout: Checkout, tmp_path: Path
) -> None:
    active = (
        "VIRTUAL_ENV",
        "CONDA_PREFIX",
        "UV_PROJECT_ENVIRONMENT",
        "UV_PYTHON",
        "UV_SYSTEM_PYTHON",
    )
    checkout.fake_uv("env > environment")
    (checkout.folder / MADE[0]).unlink()
    checkout.make(MADE[0], **dict.fromkeys(active, str(tmp_path)))
    seen = (checkout.folder / "environment").read_text().splitlines()

    assert "UV_SYSTEM_CERTS=1" in seen
    assert [line for line in seen if line.startswith(active)] == []


def test_the_environments_of_a_folder_that_was_moved_are_made_anew(
    checkout: Checkout, tmp_path: Path
) -> None:
    checkout.fake_uv("mkdir -p .venv")
    scanner = ".local/checkov/.made-from-requirements"
    for made in (MADE[0], scanner):
        (checkout.folder / made).unlink()
        checkout.make(made)
    (checkout.folder / ".venv/of-the-old-path").touch()
    moved = Path(shutil.move(checkout.folder, tmp_path / "moved here"))
    checkout.folder = moved
    checkout.make(MADE[0], scanner)

    assert not (moved / ".venv/of-the-old-path").exists()
    for made in (MADE[0], scanner):
        assert (moved / made).read_text() == f"{(moved / made).parent}\n"
    (moved / ".venv/of-this-path").touch()
    checkout.make(MADE[0], scanner)
    assert (moved / ".venv/of-this-path").exists()


def test_an_environment_that_is_a_link_to_another_folders_stays(
    checkout: Checkout, tmp_path: Path
) -> None:
    others = tmp_path / "others"
    shutil.move(checkout.folder / ".venv", others)
    (others / Path(MADE[0]).name).write_text("/another/folder\n")
    (checkout.folder / ".venv").symlink_to(others)
    checkout.make(MADE[0])
    os.utime(checkout.folder / "uv.lock", (2**31, 2**31))
    checkout.make(MADE[0])

    assert (others / "bin/python").exists()
    assert (others / Path(MADE[0]).name).read_text() == f"{others}\n"


def test_a_file_that_the_requirements_include_is_one_of_them(checkout: Checkout) -> None:
    checkout.fake_uv("echo $1 >> installed")
    for name, text in (("requirements", "six\n-r more.txt # others\n"), ("more", "regex\n")):
        (checkout.folder / f"operations/{name}.txt").write_text(text)
    checkout.make(MADE[0])
    os.utime(checkout.folder / "operations/more.txt", (2**31, 2**31))
    checkout.make(MADE[0])

    assert (checkout.folder / "installed").read_text().split() == 2 * ["sync", "pip"]


def test_packages_that_cannot_be_installed_are_said_with_their_file(checkout: Checkout) -> None:
    checkout.fake_uv('if [ "$1" = pip ]; then exit 1; fi')
    (checkout.folder / MADE[0]).unlink()
    done = subprocess.run(
        ["make", MADE[0]], cwd=checkout.folder, capture_output=True, text=True, check=False
    )

    assert done.returncode != 0
    assert "The packages of operations/requirements.txt could not be installed" in done.stderr
    assert not (checkout.folder / MADE[0]).exists()


def test_make_nightly_runs_all_that_make_test_leaves_out_and_ci_runs_both(
    checkout: Checkout,
) -> None:
    checkout.make("test")
    checkout.make("nightly")
    whole, nightly = (
        [part for part in called if part != "--cov" and not re.fullmatch(r"-n|\d", part)]
        for called in checkout.calls()
    )
    before = whole[: whole.index("not nightly")]

    assert whole == [*before, "not nightly"]
    assert nightly == [*before, "nightly"]
    assert {"make test", "make nightly"} <= {*(stack.ROOT / ".ci/run").read_text().splitlines()}


@pytest.mark.parametrize(
    ("fault", "shown"), [("KeyboardInterrupt", ""), ("ValueError", "ValueError\n")]
)
def test_ctrl_c_prints_no_traceback_also_while_a_tool_is_imported(fault: str, shown: str) -> None:
    done = subprocess.run(
        [sys.executable, "-c", f"import local; raise {fault}"],
        cwd=stack.ROOT,
        capture_output=True,
        text=True,
        check=False,
    )

    assert done.returncode != 0
    assert done.stderr.endswith(shown)
    assert bool(done.stderr) == bool(shown)


@pytest.mark.parametrize(
    ("given", "hosts"),
    [
        ({}, "localhost,127.0.0.1"),
        ({"NO_PROXY": ".acme.example"}, "localhost,127.0.0.1,.acme.example"),
        ({"no_proxy": "127.0.0.1,localhost"}, "127.0.0.1,localhost"),
        ({"no_proxy": "*"}, "*"),
    ],
)
def test_no_proxy_is_asked_for_what_is_served_on_this_machine(
    given: dict[str, str], hosts: str
) -> None:
    shown = "import local, os, urllib.request as r; print(os.environ['NO_PROXY'], r.proxy_bypass('127.0.0.1'))"
    proxy = dict.fromkeys(("http_proxy", "HTTP_PROXY"), "http://proxy.example:3128")
    done = subprocess.run(
        [sys.executable, "-c", shown],
        cwd=stack.ROOT,
        env=proxy | given,
        capture_output=True,
        text=True,
        check=True,
    )

    assert done.stdout.split() in ([hosts, "1"], [hosts, "True"])
