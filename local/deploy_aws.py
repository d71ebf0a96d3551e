"""`make deploy`: builds, and makes or updates the stack of a stage in your AWS account.

A new stack is asked about once, where there is a terminal. One that is there is never asked about: what
is not named stays as it is. All that can be known to fail is refused before anything is built.
"""

import argparse
import dataclasses
import json
import os
import subprocess
import sys
import tomllib
from pathlib import Path
from typing import Any

import boto3
from botocore.exceptions import BotoCoreError, ClientError

from local import account, assertions, concurrency, guide, parameters, stages, state, template
from local.failure import Failure
from local.parameters import Declared
from local.stack import Stack
from local.stages import Stage
from local.state import Present

#: What is handed to SAM: on a command line, it would read quotes and backslashes of values in its own way.
_HANDED = Path(".aws-sam/parameters.yaml")
#: SAM's settings, and the copy of them that it is handed.
_SETTINGS, _SHARED = Path("samconfig.toml"), Path(".aws-sam/settings.yaml")
#: Settings of one stage's: `sam deploy --guided` saves them for all, and SAM would take them unsaid.
_OF_A_STAGE = {"parameter_overrides", "profile", "region", "stack_name", "tags"}


def main() -> int:
    try:
        deploy(_arguments())
    except KeyboardInterrupt as interrupt:
        print(f"\n{str(interrupt) or 'Ended; nothing was deployed.'}", file=sys.stderr)
        return 130
    except (Failure, BotoCoreError, ClientError, OSError) as failure:
        print(account.sentence(failure), file=sys.stderr)
        return 1
    return 0


def deploy(asked: argparse.Namespace) -> None:
    """Check, build and deploy; raises Failure."""
    described = template.load()
    declared: Declared = described["Parameters"]
    given = parameters.parse(asked.parameters)
    if asked.architecture:
        given |= {"Architecture": asked.architecture}
    parameters.check(declared, given)
    asks = guide.is_at_a_terminal()
    noted = stages.read(asked.stack)
    account.refuse_contradicted(noted)
    stage, session, there = _find(noted, asks)
    print(f"{stage.stack}: {_place(stage)}", flush=True)
    if there is not None:
        state.refuse_unready(stage, there)
    elif asks:
        print(
            "There is no such stack yet. Enter takes what is in brackets; all can be changed later."
        )
        given |= guide.ask_parameters(declared, given)
    present = {} if there is None else there.parameters
    parameters.refuse_fewer_shards(present, given)
    wanted = parameters.after(declared, present, given)
    _refuse_outgrown(declared, present, given)
    assertions.refuse_broken(described.get("Rules", {}), wanted | _facts(stage))
    _check_quota(session, present, wanted)
    _tell(stage, there, given)
    if there is None and asks:
        guide.confirm("Make it")
    if stages.save(stage):
        print(f"{stages.FILE} has [{stage.name}] now, by which other commands find it.", flush=True)
    _build(wanted["Architecture"])
    if there is None:
        given = {"Architecture": wanted["Architecture"]} | given
    tags = stage.tags if stage.tags is not None else {} if there is None else there.tags
    _sam_deploy(stage, given, tags)
    _tell_done(Stack(session, stage.stack), stage)


def _find(stage: Stage, asks: bool) -> tuple[Stage, boto3.Session, Present | None]:
    """Return where a stage is, and the stack that is there; asks for the region of a new one."""
    known, there = account.locate(stage), None
    if known.region is not None or not asks:
        known, session, there = _look(known)
    if there is None and stage.region is None and asks:
        asked = dataclasses.replace(known, region=guide.ask_region(known.region))
        known, session, there = _look(asked)
    return known, session, there


def _look(stage: Stage) -> tuple[Stage, boto3.Session, Present | None]:
    session = account.session(stage)
    stage = account.identify(stage, session)
    return stage, session, state.look(session.client("cloudformation"), stage.stack)


def _facts(stage: Stage) -> dict[str, str]:
    """Return what a rule may ask of besides parameters."""
    facts = {"AccountId": stage.account, "Region": stage.region, "StackName": stage.stack}
    return {f"AWS::{name}": value for name, value in facts.items() if value is not None}


def _refuse_outgrown(declared: Declared, present: dict[str, str], given: dict[str, str]) -> None:
    """Raise Failure where the stack has a value that this version of the template takes no more."""
    for name in sorted((present.keys() & declared.keys()) - given.keys()):
        if fault := parameters.find_fault(declared, name, present[name]):
            raise Failure(
                f"The stack has {name}={present[name]}, which this version does not take: {fault} "
                f'Name another value: PARAMETERS="{name}=…".'
            )


def _check_quota(session: boto3.Session, present: dict[str, str], wanted: dict[str, str]) -> None:
    try:
        quota = concurrency.read(session.client("lambda"))
    except ClientError as error:  # who deploys by a role of CloudFormation's may not ask
        print(f"The account's quota of Lambdas was not checked: {error}", flush=True)
        return
    if said := concurrency.check(quota, present, wanted):
        print(said, flush=True)


def _build(architecture: str) -> None:
    print(f"Building for {architecture} …", flush=True)
    environment = {k: v for k, v in os.environ.items() if k != "MAKEFLAGS"}
    command = ["make", "--no-print-directory", "build", f"ARCHITECTURE={architecture}"]
    _run(command, environment, "The build failed")


def _sam_deploy(stage: Stage, given: dict[str, str], tags: dict[str, str]) -> None:
    _HANDED.parent.mkdir(exist_ok=True)
    _HANDED.write_text(json.dumps(given))  # which is YAML as well
    _SHARED.write_text(json.dumps(_shared(_settings())))
    command = ["sam", "deploy", "--no-confirm-changeset", "--stack-name", stage.stack]
    command += ["--config-file", str(_SHARED.absolute()), "--region", stage.region or ""]
    command += [] if stage.profile is None else ["--profile", stage.profile]
    command += ["--parameter-overrides", f"file://{_HANDED}"]
    # Without any, SAM sends an empty list, and CloudFormation takes all tags away.
    command += ["--tags", *(f'"{k}"="{v}"' for k, v in tags.items())] if tags else []
    try:
        _run(command, {**os.environ}, f"The stack {stage.stack} was not deployed")
    except KeyboardInterrupt:
        raise KeyboardInterrupt(
            "You do not see it any more, but CloudFormation goes on with what it has begun. The next "
            f"make deploy STACK={stage.name} says in which state the stack is."
        ) from None


def _settings() -> dict[str, Any]:
    try:
        return tomllib.loads(_SETTINGS.read_text())
    except ValueError as error:  # it is no TOML, or no UTF-8
        raise Failure(f"{_SETTINGS} cannot be read: {error}.") from error


def _shared(settings: dict[str, Any]) -> dict[str, Any]:
    """Return SAM's settings without those of one stage's."""
    return {
        name: _shared(value) if isinstance(value, dict) else value
        for name, value in settings.items()
        if name.replace("-", "_") not in _OF_A_STAGE
    }


def _run(command: list[str], environment: dict[str, str], failed: str) -> None:
    """Run a command that shows its progress itself; no command of ours may ask anything."""
    done = subprocess.run(command, env=environment, stdin=subprocess.DEVNULL, check=False)
    if done.returncode:
        raise Failure(f"{failed}; what is above says why.")


def _tell(stage: Stage, there: Present | None, given: dict[str, str]) -> None:
    """Say what will be done, before it is."""
    before = {} if there is None else there.parameters
    changed = {name: value for name, value in given.items() if before.get(name) != value}
    rest = "defaults" if there is None else "as they are"
    print(f"{'A new stack' if there is None else 'An update'}; parameters: {rest}", end="")
    print(f"{', but for' if changed else ''}", flush=True)
    for name, value in changed.items():
        was = f" (was {before[name]!r})" if name in before else ""
        print(f"  {name} = {value!r}{was}", flush=True)


def _tell_done(stack: Stack, stage: Stage) -> None:
    url = stack.parameters.get("PublicUrl") or stack.outputs["ApiUrl"]
    print(f"\nDeployed: {url}")
    print(f"A key to call it with: make key OWNER=name STACK={stage.name}")
    print(f"To see that it works:  KEY=nl_… make verify URL={url}")


def _place(stage: Stage) -> str:
    whose = "" if stage.profile is None else f", profile {stage.profile}"
    return f"{stage.region}, account {stage.account}{whose}"


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="make deploy",
        description=__doc__,
        epilog="Region and credentials of a new stage: AWS_REGION=, AWS_PROFILE=. "
        f"{stages.FILE} keeps them; docs/operating.md#deploy-and-stages",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument(
        "--stack", default="nowlater", help="the stage, by default nowlater (STACK=)"
    )
    parser.add_argument(
        "--parameters", default="", metavar="NAME=VALUE …", help="what is to change (PARAMETERS=)"
    )
    parser.add_argument("--architecture", default="", help="arm64 or x86_64 (ARCHITECTURE=)")
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
