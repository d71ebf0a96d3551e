"""`make deploy`: builds, and creates or updates the stack of a stage in your AWS account.

For a new stack it asks a few questions, if it runs at a terminal. For an existing stack it asks
nothing: parameters that you do not name keep their values. Whatever is known to fail is refused before
anything is built.
"""

import argparse
import dataclasses
import os
import sys

import boto3
from botocore.exceptions import BotoCoreError, ClientError

from local import (
    account,
    assertions,
    concurrency,
    guide,
    parameters,
    release,
    stages,
    state,
    template,
)
from local.failure import Failure
from local.parameters import Declared
from local.sam_deploy import run, sam_deploy
from local.stack import Stack
from local.stages import Stage
from local.state import Present


def main() -> int:
    try:
        deploy(_arguments())
    except KeyboardInterrupt as interrupt:
        print(f"\n{str(interrupt) or 'Stopped; nothing was deployed.'}", file=sys.stderr)
        return 130
    except (Failure, BotoCoreError, ClientError, OSError) as failure:
        print(account.explain(failure), file=sys.stderr)
        return 1
    return 0


def deploy(arguments: argparse.Namespace) -> None:
    """Check, build and deploy; raises Failure."""
    source = template.load()
    declared: Declared = source["Parameters"]
    changes = parameters.parse(arguments.parameters)
    if arguments.architecture:
        changes |= {"Architecture": arguments.architecture}
    parameters.check(declared, changes)
    can_ask = guide.is_at_a_terminal()
    saved = stages.read(arguments.stack)
    account.refuse_contradicted(saved)
    stage, session, present = _find(saved, can_ask)
    print(f"{stage.stack}: {_place(stage)}", flush=True)
    if present is not None:
        state.refuse_unready(stage, present)
    elif can_ask:
        print("This is a new stack. Enter accepts the value in brackets; you can change all later.")
        changes |= guide.ask_parameters(declared, changes)
    before = {} if present is None else present.parameters
    parameters.refuse_fewer_shards(before, changes)
    planned = parameters.after(declared, before, changes)
    _refuse_outdated(declared, before, changes)
    assertions.refuse_broken(source.get("Rules", {}), planned | _pseudo_parameters(stage))
    _check_quota(session, before, planned)
    _print_plan(present, changes)
    if present is None and can_ask:
        guide.confirm("Create it")
    if stages.save(stage):
        print(f"{stages.FILE} now has [{stage.name}], for the other commands.", flush=True)
    _build(planned["Architecture"])
    if present is None:
        changes = {"Architecture": planned["Architecture"]} | changes
    changes |= {release.PARAMETER: release.digest(planned)}
    tags = stage.tags if stage.tags is not None else {} if present is None else present.tags
    sam_deploy(stage, changes, tags)
    deployed = Stack(session, stage.stack)
    _delete_old_versions(deployed)
    _print_next_steps(deployed, stage)


def _find(stage: Stage, can_ask: bool) -> tuple[Stage, boto3.Session, Present | None]:
    """Return where a stage is, and its stack if there is one; asks for the region of a new one."""
    located, present = account.locate(stage), None
    if located.region is not None or not can_ask:
        located, session, present = _look_up(located)
    if present is None and stage.region is None and can_ask:
        in_region = dataclasses.replace(located, region=guide.ask_region(located.region))
        located, session, present = _look_up(in_region)
    return located, session, present


def _look_up(stage: Stage) -> tuple[Stage, boto3.Session, Present | None]:
    session = account.session(stage)
    stage = account.identify(stage, session)
    return stage, session, state.find(session.client("cloudformation"), stage.stack)


def _pseudo_parameters(stage: Stage) -> dict[str, str]:
    """Return the values that a rule can refer to besides parameters."""
    values = {"AccountId": stage.account, "Region": stage.region, "StackName": stage.stack}
    return {f"AWS::{name}": value for name, value in values.items() if value is not None}


def _refuse_outdated(declared: Declared, before: dict[str, str], changes: dict[str, str]) -> None:
    """Raise Failure where the stack has a value that this version of the template refuses."""
    for name in sorted((before.keys() & declared.keys()) - changes.keys()):
        if fault := parameters.find_fault(declared, name, before[name]):
            raise Failure(
                f"The stack has {name}={before[name]}, which this version does not accept: {fault} "
                f'Name another value: PARAMETERS="{name}=…".'
            )


def _check_quota(session: boto3.Session, before: dict[str, str], planned: dict[str, str]) -> None:
    try:
        quota = concurrency.read(session.client("lambda"))
    except ClientError as error:  # credentials for CloudFormation alone may not read it
        print(f"The account's quota of Lambdas was not checked: {error}", flush=True)
        return
    if warning := concurrency.check(quota, before, planned):
        print(warning, flush=True)


def _delete_old_versions(stack: Stack) -> None:
    try:
        release.delete_old_versions(stack)
    except ClientError as error:  # credentials for CloudFormation alone may not delete them
        print(f"Old versions of the Lambdas were not deleted: {error}", flush=True)


def _build(architecture: str) -> None:
    print(f"Building for {architecture} …", flush=True)
    environment = {k: v for k, v in os.environ.items() if k != "MAKEFLAGS"}
    command = ["make", "--no-print-directory", "build", f"ARCHITECTURE={architecture}"]
    run(command, environment, "The build failed")


def _print_plan(present: Present | None, changes: dict[str, str]) -> None:
    before = {} if present is None else present.parameters
    changed = {name: value for name, value in changes.items() if before.get(name) != value}
    kind, rest = ("A new stack", "defaults") if present is None else ("An update", "unchanged")
    print(f"{kind}; parameters: {rest}{', except' if changed else ''}", flush=True)
    for name, value in changed.items():
        old = f" (was {before[name]!r})" if name in before else ""
        print(f"  {name} = {value!r}{old}", flush=True)


def _print_next_steps(stack: Stack, stage: Stage) -> None:
    url = stack.parameters.get("PublicUrl") or stack.outputs["ApiUrl"]
    print(f"\nDeployed: {url}")
    print(f"To make an API key:    make key OWNER=name STACK={stage.name}")
    print(f"To check that it works: KEY=nl_… make verify URL={url}")


def _place(stage: Stage) -> str:
    profile = "" if stage.profile is None else f", profile {stage.profile}"
    return f"{stage.region}, account {stage.account}{profile}"


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="make deploy",
        description=__doc__,
        epilog="Region and credentials of a new stage: AWS_REGION=, AWS_PROFILE=. "
        f"They are saved in {stages.FILE}; docs/deploying.md#stages",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument(
        "--stack",
        default=stages.default_name(),
        help="the stage, by default the stack of samconfig.toml (STACK=)",
    )
    parser.add_argument(
        "--parameters", default="", metavar="NAME=VALUE …", help="parameters to set (PARAMETERS=)"
    )
    parser.add_argument("--architecture", default="", help="arm64 or x86_64 (ARCHITECTURE=)")
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
