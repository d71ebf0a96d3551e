"""The commands of docs/deploying.md, run by a shell as they are there, as far as the emulator knows them."""

import json
import os
import re
import shlex
import stat
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from local import assertions, emulator, parameters, template
from tests import snippets
from tests.e2e.checkout import Checkout
from tests.e2e.served import ROOT, Served

pytestmark = pytest.mark.nightly

PAGE = (snippets.DOCS / "deploying.md").read_text()


def block(title: str, number: int = 0) -> str:
    """Return a shell block of a section."""
    return blocks(PAGE.partition(f"\n## {title}\n")[2].partition("\n## ")[0])[number]


def blocks(text: str) -> list[str]:
    return re.findall(r"^```sh\n(.*?)^```$", text, re.MULTILINE | re.DOTALL)


class Shell:
    """A shell with the runbook's functions, make and the AWS CLI, for the account of the emulator."""

    def __init__(self, served: Served, folder: Path) -> None:
        self._checkout = Checkout(folder, served.connection()["endpoint"])
        (folder / "bin").mkdir()
        aws = folder / "bin" / "aws"
        aws.write_text(
            f'#!/bin/sh\nPYTHONPATH={ROOT} exec {sys.executable} -m tests.aws_cli "$@"\n'
        )
        aws.chmod(aws.stat().st_mode | stat.S_IXUSR)

    def run(self, commands: str, **variables: str) -> str:
        """Run commands until one fails; return what they print."""
        functions = blocks((snippets.DOCS / "operating.md").read_text())[0]
        known = self._checkout.environment() | {"AWS_DEFAULT_REGION": emulator.REGION}
        known |= {"AWS_REGION": emulator.REGION, "PATH": f"{self.folder}/bin:{known['PATH']}"}
        done = subprocess.run(
            ["bash", "-c", f"set -eo pipefail\n{functions}\n{commands}"],
            cwd=self.folder,
            env=known | variables,
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    @property
    def folder(self) -> Path:
        return self._checkout.folder


@pytest.fixture(scope="module")
def shell(served: Served, tmp_path_factory: pytest.TempPathFactory) -> Shell:
    return Shell(served, tmp_path_factory.mktemp("operator"))


def deployments() -> list[str]:
    """Return the parameters of each `make deploy` of the page."""
    found = []
    for line in re.findall(r"(?:^|`)(make deploy [^\n`]*)", PAGE, re.MULTILINE):
        words = shlex.split(line, comments=True)
        found += [w.removeprefix("PARAMETERS=") for w in words if w.startswith("PARAMETERS=")]
    return found


@pytest.mark.parametrize("given", deployments())
def test_make_deploy_takes_the_parameters_of_the_page(given: str) -> None:
    source, changes = template.load(), parameters.parse(given)
    parameters.check(source["Parameters"], changes)
    planned = parameters.after(source["Parameters"], {}, changes)
    assertions.refuse_broken(source["Rules"], planned)

    assert changes


def test_the_accounts_quota_is_shown(shell: Shell) -> None:
    asked, requested = block("The account's quota").splitlines()

    assert "ConcurrentExecutions" in json.loads(shell.run(asked))
    assert "request-service-quota-increase" in requested  # the emulator has no quotas of services


def test_a_key_is_made_and_the_stack_verified(shell: Shell, served: Served) -> None:
    commands, callers = (block("A key and a check", n) for n in (0, 1))
    url = served.connection()["url"]  # the emulator's own outputs name hosts that are not there
    said = shell.run(commands.replace('"$(output ApiUrl)"', f"{url} ARGS='--only malformed'"))
    token = shell.run(callers).splitlines()[0]

    assert "1 passed" in said or "passed  a malformed request" in said, said
    assert re.fullmatch(r"nl_\w{12}_[\w-]{43}", token)


def test_github_gets_its_role() -> None:
    """The emulator makes no identity providers."""
    create, show = shlex.split(block("Deploy by GitHub").replace("\n", " ")), "Stacks[0].Outputs"
    given = create[create.index("--template-file") + 1]
    role = template.load(ROOT / "local/project/skeleton" / given)

    assert parameters.find_fault(role["Parameters"], "Repository", "acme/tools") == ""
    assert "Repository=acme/tools" in create
    assert set(role["Outputs"]) == {"AwsRole", "AwsRegion"}
    assert show in create


def test_a_domain_is_given_to_the_api(shell: Shell, served: Served) -> None:
    commands = block("A domain of your own").replace("abcdef1234", served.stack().ids["Api"])
    said = shell.run(commands)
    mapped: Any = served.client("apigatewayv2").get_api_mappings(DomainName="api.example.com")
    (mapping,) = mapped["Items"]

    assert mapping["Stage"] == "$default"
    assert said.strip().splitlines()[-1].startswith('"')
    delete = "aws apigatewayv2 delete-api-mapping"
    (line,) = re.findall(rf"`({delete}[^`]*)`", PAGE)
    shell.run(line.replace("ID", mapping["ApiMappingId"]), DOMAIN="api.example.com")
    assert (
        served.client("apigatewayv2").get_api_mappings(DomainName="api.example.com")["Items"] == []
    )


def test_a_lane_is_paused_and_goes_on(shell: Shell, served: Served) -> None:
    _, pause, resume = block("Limit or pause").splitlines()
    mapping, states = served.stack().ids["WorkFlexible"], []
    for command in pause, resume:
        shell.run(command)
        got = served.client("lambda").get_event_source_mapping(UUID=mapping)
        states.append(got["State"])

    assert states == ["Disabled", "Enabled"]


def test_the_costs_of_a_load_are_printed(shell: Shell) -> None:
    assert "200,000" in shell.run(block("What it costs"), PYTHONPATH=os.curdir)
