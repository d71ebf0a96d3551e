"""Runs `sam deploy` for a stage, with this stage's parameters, tags and settings only."""

import json
import os
import subprocess
import tomllib
from pathlib import Path
from typing import Any

from local.failure import Failure
from local.stages import Stage

#: In a file, because SAM interprets quotes and backslashes of values on a command line.
_PARAMETERS = Path(".aws-sam/parameters.yaml")
#: SAM's settings, and the copy of them that SAM reads.
_SETTINGS, _SHARED_SETTINGS = Path("samconfig.toml"), Path(".aws-sam/settings.yaml")
#: Settings of one stage: `sam deploy --guided` saves them, and SAM would then use them for all stages.
_OF_ONE_STAGE = {"parameter_overrides", "profile", "region", "stack_name", "tags"}


def sam_deploy(stage: Stage, parameters: dict[str, str], tags: dict[str, str]) -> None:
    """Create or update the stack of a stage; raises Failure."""
    _PARAMETERS.parent.mkdir(exist_ok=True)
    _PARAMETERS.write_text(json.dumps(parameters))  # JSON is YAML too
    _SHARED_SETTINGS.write_text(json.dumps(_without_stage_settings(_settings())))
    command = ["sam", "deploy", "--no-confirm-changeset", "--stack-name", stage.stack]
    command += ["--config-file", str(_SHARED_SETTINGS.absolute()), "--region", stage.region or ""]
    command += [] if stage.profile is None else ["--profile", stage.profile]
    command += ["--parameter-overrides", f"file://{_PARAMETERS}"]
    # Without tags, SAM sends an empty list, and CloudFormation removes all tags.
    command += ["--tags", *(f'"{k}"="{v}"' for k, v in tags.items())] if tags else []
    try:
        run(command, {**os.environ}, f"The stack {stage.stack} was not deployed")
    except KeyboardInterrupt:
        raise KeyboardInterrupt(
            "This command has stopped, but CloudFormation continues what it has begun. The next "
            f"make deploy STACK={stage.name} prints the state of the stack."
        ) from None


def run(command: list[str], environment: dict[str, str], failure: str) -> None:
    """Run a command that prints its own progress and asks no questions; raises Failure."""
    done = subprocess.run(command, env=environment, stdin=subprocess.DEVNULL, check=False)
    if done.returncode:
        raise Failure(f"{failure}; the output above says why.")


def _settings() -> dict[str, Any]:
    try:
        return tomllib.loads(_SETTINGS.read_text())
    except ValueError as error:  # it is not TOML, or not UTF-8
        raise Failure(f"{_SETTINGS} cannot be read: {error}.") from error


def _without_stage_settings(settings: dict[str, Any]) -> dict[str, Any]:
    return {
        name: _without_stage_settings(value) if isinstance(value, dict) else value
        for name, value in settings.items()
        if name.replace("-", "_") not in _OF_ONE_STAGE
    }
