"""What the operator's tools share: the stack that they are for, the local one or one on AWS."""

import argparse
import json
from pathlib import Path

from local import account, deploy, emulator, stages
from local.failure import Failure
from local.stack import Stack
from local.stages import Stage
from nowlater.aws.table import Table


def take_stack(parser: argparse.ArgumentParser) -> None:
    """Have a tool take the arguments that say which stack it is for."""
    parser.add_argument("--stack", help="a stage on AWS (STACK=), else the stack of make up")
    parser.add_argument("--home", type=Path, default=Path(".local"), help=argparse.SUPPRESS)


def stack(asked: argparse.Namespace) -> Stack:
    """Return the stack that a tool was told; raises Failure where there is none."""
    if asked.stack:
        stage = stages.read(asked.stack)
        account.refuse_contradicted(stage)
        session = account.session(stage)
        if stage.account is not None:
            account.identify(stage, session)
        return _ours(Stack(session, stage.stack), stage)
    return Stack(emulator.session(), deploy.NAME, _local_endpoint(asked.home))


def table(asked: argparse.Namespace) -> Table:
    """Return the table of that stack."""
    there = stack(asked)
    return Table(there.outputs["TableName"], there.client("dynamodb"))


def _ours(stack: Stack, stage: Stage) -> Stack:
    """Return the stack; raises Failure where it has not the outputs of ours."""
    if not {"ApiUrl", "BucketName", "TableName"} <= stack.outputs.keys():
        raise Failure(
            f"The stack {stack.name} in {stack.region} has no outputs of nowlater's: it is no nowlater "
            f"stack, or its first deployment failed. make deploy STACK={stage.name} says in which "
            "state it is."
        )
    return stack


def _local_endpoint(home: Path) -> str:
    try:
        endpoint: str = json.loads((home / "api.json").read_text())["endpoint"]
    except FileNotFoundError as error:
        raise Failure(
            "Nothing is served from this folder. Run make up here first, or name a stack on AWS: "
            "STACK=nowlater"
        ) from error
    return endpoint
