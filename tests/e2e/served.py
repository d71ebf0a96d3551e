"""The local stack under test: `make up` on a copy of the sources, so that tests may change them."""

import json
import os
import shutil
import subprocess
from collections.abc import Iterable
from pathlib import Path
from typing import Any, ClassVar, Self

from local import emulator, served
from local.inbox import Inbox
from local.stack import Stack
from tests.e2e.patience import PATIENCE_S, eventually

ROOT = Path(__file__).parents[2]
_SOURCES = (
    "framework.yaml",
    "template.yaml",
    "samconfig.toml",
    "functions",
    "layers",
    "local",
    "operations",
)
_INSTALLED = (".venv", ".local/ministack", ".local/tools")


class Served:
    """A `make up` of its own, on a port of its own.

    `operations` are modules that it serves besides those that there are. `running` are those that are.
    """

    running: ClassVar[list["Served"]] = []

    def __init__(
        self,
        folder: Path,
        *parameters: str,
        operations: Iterable[Path] = (),
        copied: bool = False,
        keep: bool = False,
    ) -> None:
        """`copied`: the sources are in the folder already. `keep`: with the jobs of the last one there."""
        self.folder, self.port = folder, emulator.free_port()
        self._operations, self._copied, self._keep = operations, copied, keep
        self.output = folder / "output"
        # A dead worker's job is run again within 90 s, and not 330.
        self._parameters = ("WorkTimeout=60", *parameters)

    def __enter__(self) -> Self:
        if not self._copied:
            copy(self.folder)
        for module in self._operations:
            shutil.copy(module, self.folder / "operations")
        options = ["--port", str(self.port), *(["--keep"] if self._keep else [])]
        (self.folder / ".local/api.json").unlink(missing_ok=True)  # of one that was killed
        self.process = served.begin(
            *(self.folder, self.output, environment(), self._parameters, *options),
            python=".venv/bin/python",
        )
        try:
            eventually(lambda: self.told() or self.process.poll() is not None, within_s=900)
            assert self.told(), "it ended"
        except AssertionError as fault:
            self.process.kill()
            self.process.communicate()
            said = self.output.read_text() + (self.folder / ".local" / "emulator.log").read_text()
            raise AssertionError(f"make up serves nothing:\n{said}") from fault
        self.running.append(self)
        return self

    def __exit__(self, *_: object) -> None:
        self.running.remove(self)
        served.end(self.process, within_s=PATIENCE_S)
        # A process that was killed is listed for a moment.
        eventually(self.processes, lambda found: not found, within_s=10)
        assert self.told() == {}

    def told(self) -> dict[str, str]:
        """Return what `make up` tells of itself in its api.json; nothing before it serves."""
        path = self.folder / ".local" / "api.json"
        return dict(json.loads(path.read_text())) if path.exists() else {}

    def stack(self) -> Stack:
        return Stack(emulator.session(), "nowlater", self.told()["endpoint"])

    def client(self, service: str) -> Any:
        return self.stack().client(service)

    def sweep(self) -> None:
        """Have the sweep come now, not at the minute."""
        stack = self.stack()
        stack.client("lambda").invoke(FunctionName=stack.ids["Sweep"], Payload=b"{}")

    def processes(self) -> list[tuple[int, str]]:
        """Return id and command line of each process that works for this stack."""
        listed = subprocess.run(
            ["ps", "-wweo", "pid=,args="], capture_output=True, text=True, check=True
        )
        found = (line.strip().split(None, 1) for line in listed.stdout.splitlines())
        mine = str(self.folder)
        return [(int(pid), args) for pid, args in found if mine in args]


def copy(folder: Path) -> None:
    """Copy the sources into a folder, and link what is installed."""
    for name in _SOURCES:
        source = ROOT / name
        if source.is_dir():
            ignored = shutil.ignore_patterns("__pycache__")
            shutil.copytree(source, folder / name, ignore=ignored)
        else:
            shutil.copy(source, folder / name)
    (folder / ".local").mkdir()
    for name in _INSTALLED:
        (folder / name).symlink_to(ROOT / name)


def environment() -> dict[str, str]:
    """Return the environment that the Makefile gives its commands."""
    path = os.pathsep.join([str(ROOT / ".venv" / "bin"), os.environ["PATH"]])
    kept = {k: v for k, v in os.environ.items() if not k.startswith("AWS_")}
    return kept | {"PATH": path, "PYTHONPATH": "layers/nowlater"}


def sam_deploy(served: Served, folder: Path, template: str, name: str, *parameters: str) -> None:
    """Deploy a template in a folder beside the stack that is served, as its reader would."""
    command = ["sam", "deploy", "--template-file", template, "--stack-name", name]
    command += ["--s3-bucket", "nowlater-deployment", "--region", emulator.REGION]
    command += ["--capabilities", "CAPABILITY_IAM", "--no-confirm-changeset"]
    command += ["--parameter-overrides", *parameters]
    aws = {
        "AWS_ENDPOINT_URL": served.told()["endpoint"],
        "SAM_CLI_TELEMETRY": "0",
        "SAM_CLI_POLL_DELAY": "0.2",
    }
    done = subprocess.run(
        command,
        cwd=folder,
        env=environment() | emulator.CREDENTIALS | aws,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr


def tool(
    folder: Path, module: str, *arguments: str, closed: bool = False
) -> "subprocess.CompletedProcess[str]":
    """Run a module of `local` in a folder, as the Makefile does there; `closed`: without input."""
    return subprocess.run(
        [".venv/bin/python", "-m", f"local.{module}", *arguments],
        cwd=folder,
        env=environment(),
        stdin=subprocess.DEVNULL if closed else None,
        capture_output=True,
        text=True,
        timeout=PATIENCE_S,
        check=False,
    )


class Told:
    """What a subscriber of the topic has been told since the tests began."""

    def __init__(self, stack: Stack) -> None:
        self._inbox = Inbox(stack, "inbox")
        self.events: list[dict[str, Any]] = []

    def receive(self, wait_s: int = 1) -> None:
        self.events += self._inbox.receive(wait_s)

    def of(self, job_ids: set[str], within_s: float = PATIENCE_S) -> list[dict[str, Any]]:
        """Return the events of these jobs, once there is one of each."""

        def missing() -> set[str]:
            missed = job_ids - {event["subject"] for event in self.events}
            if missed:
                self.receive()
            return missed

        eventually(missing, lambda missed: not missed, within_s=within_s, pause_s=0)
        return [event for event in self.events if event["subject"] in job_ids]


def make_key(served: Served, *arguments: str) -> str:
    """Run what `make key` runs; return what it prints."""
    done = tool(served.folder, "key", *arguments)
    done.check_returncode()
    return done.stdout.strip()
