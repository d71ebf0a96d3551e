"""A checkout of the sources, whose make deploys to the emulator."""

import os
import shutil
import subprocess
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from local import emulator, state
from local.state import Present
from tests.e2e.served import ROOT, copy, environment

REGION = "eu-central-1"  # not the emulator's own, so that nothing finds it by accident


@dataclass
class Checkout:
    """A checkout of the sources, and an account that its commands deploy to."""

    folder: Path
    endpoint: str
    #: What is in the environment of its commands besides.
    known: dict[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.folder.mkdir(exist_ok=True)
        copy(self.folder)
        for name in ("Makefile", "framework.mk", "pyproject.toml", "uv.lock"):
            shutil.copy(ROOT / name, self.folder / name)
        for name in ("pyproject.toml", "uv.lock", "operations/requirements.txt"):
            os.utime(self.folder / name, (0, 0))  # older than what is installed, which is shared

    @property
    def stages(self) -> Path:
        return self.folder / "stages.toml"

    def environment(self) -> dict[str, str]:
        without_account = {"AWS_CONFIG_FILE": os.devnull, "AWS_SHARED_CREDENTIALS_FILE": os.devnull}
        without_account |= {"AWS_EC2_METADATA_DISABLED": "true", "AWS_ENDPOINT_URL": self.endpoint}
        # What `make test` has set would have this make say that it is one within another.
        outside = {k: v for k, v in environment().items() if k not in ("MAKEFLAGS", "MAKELEVEL")}
        return outside | without_account | emulator.CREDENTIALS | self.known

    def make(self, *arguments: str, closed: bool = False) -> "subprocess.CompletedProcess[str]":
        """Run make as CI does: without a terminal, perhaps even with standard input closed."""
        command = ["sh", "-c", 'exec make "$@" <&-', "make"] if closed else ["make"]
        return subprocess.run(
            [*command, *arguments],
            cwd=self.folder,
            env=self.environment(),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            check=False,
        )

    def made(self, *arguments: str, closed: bool = False) -> str:
        """Run make, which has to succeed; return what it says."""
        done = self.make(*arguments, closed=closed)
        assert done.returncode == 0, done.stdout
        return done.stdout

    def refused(self, *arguments: str) -> str:
        """Run make, which has to refuse before it builds anything; return what it says."""
        done = self.make("deploy", *arguments)
        assert done.returncode != 0, done.stdout
        assert "Building" not in done.stdout
        assert "Traceback" not in done.stdout
        return done.stdout

    def client(self, service: str) -> Any:
        return emulator.session().client(service, region_name=REGION, endpoint_url=self.endpoint)

    def present(self, stack: str) -> Present | None:
        return state.find(self.client("cloudformation"), stack)

    def served(self, stack: str, name: str) -> dict[str, Any]:
        """Return the configuration of the version of a Lambda that its alias names."""
        found = self.client("cloudformation").describe_stack_resource(
            StackName=stack, LogicalResourceId=name
        )
        function = found["StackResourceDetail"]["PhysicalResourceId"]
        configuration: dict[str, Any] = self.client("lambda").get_function_configuration(
            FunctionName=function, Qualifier="live"
        )
        return configuration
