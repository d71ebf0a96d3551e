"""The README's commands, as somebody would paste them."""

import json
import re
import subprocess
import sys

import pytest

from tests.e2e.client import Client
from tests.e2e.patience import PATIENCE_S
from tests.e2e.served import ROOT, Served

README = (ROOT / "README.md").read_text()
CURLS = re.findall(r"```sh\n(curl .*?)```", README, re.DOTALL)


def pasted(command: str, api: Client, key: str) -> str:
    """Run a command of the README in a shell, against the stack under test."""
    command = command.replace("http://localhost:8080", api.url)
    done = subprocess.run(
        ["sh", "-c", command],
        env={"KEY": key, "PATH": "/usr/bin:/bin"},
        capture_output=True,
        text=True,
        check=True,
        timeout=PATIENCE_S,
    )
    return done.stdout


def test_its_calls_have_the_answers_that_it_shows(api: Client, served: Served) -> None:
    sync, later, hybrid = (pasted(curl, api, served.told()["key"]) for curl in CURLS)

    assert sync in README
    assert hybrid.rstrip().endswith('["Hello, Ada!"]')
    for answer, wanted in ((later, "202 Accepted"), (hybrid, "200 OK")):
        assert answer.startswith(f"HTTP/1.1 {wanted}")
        shown = README[README.index(f"HTTP/1.1 {wanted}") :].split("\n\n")[0].splitlines()[1:]
        names = [line.partition(":")[0].lower() for line in shown]
        assert all(f"\n{name}: " in answer.lower() for name in names), answer


def test_its_python_and_its_commands_do_the_same(api: Client, served: Served) -> None:
    """Also without the client being installed: from its sources."""
    (python,) = re.findall(r"```python\n(from .*?)```", README, re.DOTALL)
    (commands,) = re.findall(r"```sh\n(nowlater .*?)```", README, re.DOTALL)
    told = served.told()
    environment = {
        "NOWLATER_URL": told["url"],
        "NOWLATER_KEY": told["key"],
        "PATH": "/usr/bin:/bin",
        "PYTHONPATH": str(ROOT / "clients" / "python"),
    }
    command = f'{sys.executable} -c "from nowlater_client.cli import main; main()"'
    program = commands.replace("nowlater ", f"{command} ")
    said = [
        subprocess.run(
            run, env=environment, capture_output=True, text=True, check=True, timeout=PATIENCE_S
        ).stdout
        for run in ([sys.executable, "-c", python], ["sh", "-c", program])
    ]

    assert said[0] == "['Hello, Ada!', 'Hello, Ada!']\n['Hello, Ada!']\n"
    called, submitted = map(json.loads, said[1].splitlines())
    assert (called, submitted["operation"]) == (["Hello, Ada!"] * 2, "greet")


def test_its_operation_is_served_once_it_is_saved(api: Client) -> None:
    answer = api.ask("sync", "greet", {"name": "Ada", "times": 2})

    assert answer.json() == ["Hello, Ada!", "Hello, Ada!"]


@pytest.mark.parametrize("target", ["up", "test", "deploy", "verify", "key"])
def test_the_makefile_has_the_targets_that_it_names(target: str) -> None:
    done = subprocess.run(
        ["make", "--dry-run", target, "OWNER=acme"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )

    assert done.returncode == 0, done.stderr
