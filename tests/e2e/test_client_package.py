"""The client's wheel, installed alone as its users do, and the examples of its README."""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.e2e.patience import PATIENCE_S
from tests.e2e.served import ROOT, Served

SOURCE = ROOT / "clients" / "python"
UV = ROOT / ".local" / "tools" / "bin" / "uv"
README = (SOURCE / "README.md").read_text()
EXAMPLES = re.findall(r"^```python\n(.*?)^```$", README, re.MULTILINE | re.DOTALL)
#: Packages besides the client's own.
MOST_PACKAGES, MOST_WITH_CLI = 7, 10


def run(*command: str | Path, **environment: str) -> str:
    done = subprocess.run(
        command,
        env={k: v for k, v in os.environ.items() if k != "PYTHONPATH"} | environment,
        capture_output=True,
        text=True,
        check=False,
        timeout=PATIENCE_S,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("wheel")
    options = ("--quiet", "--python", sys.executable, "--out-dir", folder)
    run(UV, "build", "--wheel", *options, SOURCE)
    (built,) = folder.glob("*.whl")
    return built


def installed(folder: Path, wheel: Path, extra: str = "") -> Path:
    """Install the wheel into an empty environment; return its Python."""
    python = folder / "bin" / "python"
    run(UV, "venv", "--quiet", "--python", sys.executable, folder)
    run(UV, "pip", "install", "--quiet", "--python", python, f"{wheel}{extra}")
    return python


@pytest.fixture(scope="module")
def python(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return installed(tmp_path_factory.mktemp("alone"), wheel)


def packages(python: Path) -> list[str]:
    lines = run(UV, "pip", "list", "--quiet", "--python", python).splitlines()[2:]
    return [name for name in (line.split()[0] for line in lines) if name != "nowlater-client"]


def test_it_brings_few_packages(python: Path, wheel: Path, tmp_path: Path) -> None:
    assert len(packages(python)) <= MOST_PACKAGES
    with_cli = installed(tmp_path / "cli", wheel, "[cli]")
    assert len(packages(with_cli)) <= MOST_WITH_CLI
    assert "Commands:" in run(with_cli.parent / "nowlater", "--help")


def test_without_the_extra_the_command_says_what_is_missing(python: Path) -> None:
    done = subprocess.run([python.parent / "nowlater"], capture_output=True, text=True, check=False)

    assert (done.returncode, "nowlater-client[cli]" in done.stderr) == (1, True)


def test_the_examples_of_its_readme_run_as_they_stand(
    python: Path, served: Served, tmp_path: Path
) -> None:
    program = tmp_path / "program.py"
    program.write_text("".join(EXAMPLES))
    connection = served.connection()

    done = subprocess.run(
        [python, program],
        cwd=tmp_path,
        env={
            "NOWLATER_URL": connection["url"],
            "NOWLATER_KEY": connection["key"],
            "PATH": os.environ["PATH"],
        },
        capture_output=True,
        text=True,
        check=False,
        timeout=PATIENCE_S,
    )

    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith("6\n")
    assert "\n400\n" in done.stdout
    assert len(EXAMPLES) > 8


def test_200_jobs_are_gathered_in_five_lines() -> None:
    (code,) = (code for code in EXAMPLES if "range(200)" in code)

    assert len(code.strip().splitlines()) <= 5


STORY = """
import asyncio
from nowlater_client.testing import Server

server = Server({"double": lambda value: value * 2})
inputs = [{"value": number} for number in range(20)]
with server.client() as client:
    assert client.call("double", {"value": "x" * 20_000}) == "x" * 40_000
    job = client.submit("double", {"value": "x" * 20_000}, deadline=60)
    assert b"".join(job.stream()) == b'"' + b"x" * 40_000 + b'"'
    assert list(client.map("double", inputs)) == list(range(0, 40, 2))


async def main() -> None:
    async with server.async_client() as client:
        assert [one async for one in client.map("double", inputs)] == list(range(0, 40, 2))
        assert await (await client.submit("double", {"value": 4})).result(timeout=30) == 8


asyncio.run(main())
"""


def interpreter(version: str) -> str:
    """Return the path of a Python of this machine; skip the test without one."""
    found = [shutil.which(f"python{version}")]
    found += [f"{path}" for path in Path.home().glob(f".pyenv/versions/{version}.*/bin/python")]
    for path in filter(None, found):
        asked = subprocess.run([path, "--version"], capture_output=True, text=True, check=False)
        if asked.returncode == 0 and f" {version}." in asked.stdout:
            return path
    pytest.skip(f"There is no Python {version} on this machine.")


@pytest.mark.parametrize("version", ["3.10", "3.11", "3.12", "3.13"])
def test_it_runs_on_each_python_that_it_promises(wheel: Path, tmp_path: Path, version: str) -> None:
    python = tmp_path / "bin" / "python"
    run(UV, "venv", "--quiet", "--python", interpreter(version), tmp_path)
    run(UV, "pip", "install", "--quiet", "--python", python, wheel)

    run(python, "-W", "error", "-c", STORY)
