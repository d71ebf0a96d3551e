"""Builds the template with SAM and deploys it to the emulator, with the bridges that it needs there."""

import os
import platform
import subprocess
from pathlib import Path

from local import bridge, emulator, layers, routes
from local.emulator import Emulator
from local.failure import Failure
from local.stack import Stack

NAME = "nowlater"
ARCHITECTURE = "arm64" if platform.machine() in ("arm64", "aarch64") else "x86_64"
#: How the local stack differs from one deployed as it is.
PARAMETERS = {
    "Architecture": ARCHITECTURE,
    "WebhookConcurrency": "10",
    "Diagnostics": "true",
    "LogLevel": "DEBUG",
    "LoopbackCallbacks": "true",
    "OnTimeConcurrency": "8",
    "WorkTimeout": "60",
}


def build(home: Path) -> None:
    """Build all Lambdas and layers, for this machine; raises Failure with what is wrong, or what SAM said."""
    layers.check_operations()  # SAM would wrap each line in thirty of its own
    command = ["sam", "build", "--build-dir", str(home / "build")]
    _run([*command, "--parameter-overrides", *_parameters({})], home, "build", None)


def deploy(home: Path, where: Emulator, parameters: dict[str, str]) -> Stack:
    """Create or change the stack; raises Failure with what SAM said."""
    session = emulator.session()
    bucket = f"{NAME}-deployment"
    session.client("s3", endpoint_url=where.endpoint).create_bucket(Bucket=bucket)
    command = ["sam", "deploy", "--template-file", str(home / "build" / "template.yaml")]
    command += ["--stack-name", NAME, "--s3-bucket", bucket, "--region", emulator.REGION]
    command += ["--capabilities", "CAPABILITY_IAM", "--no-confirm-changeset"]
    command += ["--no-fail-on-empty-changeset"]
    _run(
        [*command, "--parameter-overrides", *_parameters(parameters)],
        home,
        "deploy",
        where.endpoint,
    )
    stack = Stack(session, NAME, where.endpoint)
    where.serve(routes.make_routes(stack))
    bridge.bridge(stack)
    return stack


def _parameters(changed: dict[str, str]) -> list[str]:
    return [f"{name}={value}" for name, value in (PARAMETERS | changed).items()]


def _run(command: list[str], home: Path, what: str, endpoint: str | None) -> None:
    environment = {k: v for k, v in os.environ.items() if not k.startswith("AWS_")}
    environment.pop("PYTHONDONTWRITEBYTECODE", None)  # SAM takes seconds longer without
    environment |= {"SAM_CLI_TELEMETRY": "0", "ARCHITECTURE": "host"}
    # No account, profile or region of the user's can be meant here.
    environment |= emulator.CREDENTIALS
    environment |= {"AWS_CONFIG_FILE": os.devnull, "AWS_SHARED_CREDENTIALS_FILE": os.devnull}
    environment |= {} if endpoint is None else {"AWS_ENDPOINT_URL": endpoint}
    log = home / f"{what}.log"
    with log.open("wb") as out:
        done = subprocess.run(command, env=environment, stdout=out, stderr=out, check=False)
    if done.returncode:
        raise Failure(f"sam {what} failed:\n\n{_tail(log)}\n\nAll that it said is in {log}.")


def _tail(log: Path) -> str:
    return "\n".join(log.read_text(errors="replace").splitlines()[-25:])
