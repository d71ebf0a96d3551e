"""Builds the template with SAM, deploys it to the emulator, and applies the corrections for it."""

import json
import os
import platform
import subprocess
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from botocore.exceptions import ClientError

from local import bridge, compose, emulator, layers, routes
from local.emulator import Emulator
from local.failure import Failure
from local.stack import Stack

NAME = "nowlater"
ARCHITECTURE = "arm64" if platform.machine() in ("arm64", "aarch64") else "x86_64"
#: The local stack's parameters that differ from the template's defaults.
PARAMETERS = {
    "Architecture": ARCHITECTURE,
    "WebhookConcurrency": "10",
    "Diagnostics": "true",
    "LogLevel": "DEBUG",
    "LoopbackCallbacks": "true",
    "OnTimeConcurrency": "8",
}


def build(home: Path) -> list[str]:
    """Build all Lambdas and layers, for this machine; raises Failure with SAM's output.

    Returns the mistakes of operations that are left out, as lines.
    """
    compose.write()
    layers.refuse_too_large()
    mistakes = layers.find_mistakes()  # SAM would print thirty lines of its own around each
    command = ["sam", "build", "--build-dir", str(home / "build")]
    defaults = [f"{name}={value}" for name, value in PARAMETERS.items()]
    _run([*command, "--parameter-overrides", *defaults], home, "build", None)
    return mistakes


def deploy(home: Path, aws: Emulator, parameters: dict[str, str]) -> Stack:
    """Create or update the stack; raises Failure with the resource at fault, or SAM's output."""
    session, began = emulator.session(), datetime.now(UTC)
    bucket = f"{NAME}-deployment"
    session.client("s3", endpoint_url=aws.endpoint).create_bucket(Bucket=bucket)
    command = ["sam", "deploy", "--template-file", str(home / "build" / "template.yaml")]
    command += ["--stack-name", NAME, "--s3-bucket", bucket, "--region", emulator.REGION]
    command += ["--capabilities", "CAPABILITY_IAM", "--no-confirm-changeset"]
    command += ["--no-fail-on-empty-changeset"]
    file = home / "parameters.yaml"  # SAM interprets quotes of values on a command line
    file.write_text(json.dumps(PARAMETERS | parameters))  # JSON is YAML too
    command += ["--parameter-overrides", f"file://{file}"]
    try:
        _run(command, home, "deploy", aws.endpoint)
    except Failure as failure:
        client = session.client("cloudformation", endpoint_url=aws.endpoint)
        if faults := _faults(client, began):
            raise Failure(f"{faults}\nSAM's output is in {home / 'deploy.log'}.") from failure
        raise
    stack = Stack(session, NAME, aws.endpoint)
    aws.serve(routes.make_routes(stack))
    bridge.bridge(stack)
    return stack


def _faults(cloudformation: Any, began: datetime) -> str:
    """Return a line for each resource that could not be created or changed since an instant."""
    try:
        events = cloudformation.describe_stack_events(StackName=NAME)["StackEvents"]
    except ClientError:  # there is no stack: the template itself was refused
        return ""
    failed = [
        f"template.yaml: {event['LogicalResourceId']} ({event['ResourceType']}): "
        f"{event['ResourceStatusReason']}"
        for event in reversed(events)
        if event["ResourceStatus"] in ("CREATE_FAILED", "UPDATE_FAILED")
        and event["Timestamp"] >= began
        and "cancelled" not in event.get("ResourceStatusReason", "cancelled")
        and event["LogicalResourceId"] != NAME
    ]
    return "\n".join(dict.fromkeys(failed))


def _run(command: list[str], home: Path, step: str, endpoint: str | None) -> None:
    environment = {k: v for k, v in os.environ.items() if not k.startswith("AWS_")}
    environment.pop("PYTHONDONTWRITEBYTECODE", None)  # without bytecode SAM takes seconds longer
    environment |= {"SAM_CLI_TELEMETRY": "0", "ARCHITECTURE": "host"}
    environment |= {"SAM_CLI_POLL_DELAY": "0.2"}  # seconds; SAM's own 5 are for AWS
    # The user's own account, profile and region must not take effect here.
    environment |= emulator.CREDENTIALS
    environment |= {"AWS_CONFIG_FILE": os.devnull, "AWS_SHARED_CREDENTIALS_FILE": os.devnull}
    environment |= {} if endpoint is None else {"AWS_ENDPOINT_URL": endpoint}
    log = home / f"{step}.log"
    with log.open("wb") as out:
        done = subprocess.run(command, env=environment, stdout=out, stderr=out, check=False)
    if done.returncode:
        raise Failure(f"sam {step} failed:\n\n{_tail(log)}\n\nIts complete output is in {log}.")


def _tail(log: Path) -> str:
    """Return the end of a log: of a build that failed in one of our Makefiles, what it said."""
    text = log.read_text(errors="replace")
    _, is_of_make, reason = text.rpartition("Make Failed: ")
    return layers.readable_errors(reason) if is_of_make else "\n".join(text.splitlines()[-25:])
