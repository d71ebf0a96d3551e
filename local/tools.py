"""Finds the stack that an operator's tool works on: the local one, or one on AWS."""

import argparse
import json
from pathlib import Path

from local import account, deploy, emulator, stages
from local.failure import Failure
from local.stack import Stack
from local.stages import Stage
from nowlater.aws.table import Table


def add_stack_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the arguments that name the stack."""
    parser.add_argument(
        "--stack", help="a stage on AWS (STACK=); by default the local stack of make up"
    )
    parser.add_argument("--home", type=Path, default=Path(".local"), help=argparse.SUPPRESS)


def find_stack(arguments: argparse.Namespace) -> Stack:
    """Return the stack that the arguments name; raises Failure if there is none."""
    if arguments.stack:
        stage = stages.read(arguments.stack)
        account.refuse_contradicted(stage)
        session = account.session(stage)
        if stage.account is not None:
            account.identify(stage, session)
        stack = Stack(session, stage.stack)
        _refuse_foreign(stack, stage)
        return stack
    return Stack(emulator.session(), deploy.NAME, _local_endpoint(arguments.home))


def find_table(arguments: argparse.Namespace) -> Table:
    """Return the table of that stack; raises Failure if there is no stack."""
    stack = find_stack(arguments)
    return Table(stack.outputs["TableName"], stack.client("dynamodb"))


def _refuse_foreign(stack: Stack, stage: Stage) -> None:
    """Raise Failure if the stack does not have nowlater's outputs."""
    if not {"ApiUrl", "BucketName", "TableName"} <= stack.outputs.keys():
        raise Failure(
            f"The stack {stack.name} in {stack.region} does not have nowlater's outputs: it is not a "
            f"nowlater stack, or its first deployment failed. Run make deploy STACK={stage.name} to see "
            "its state."
        )


def _local_endpoint(home: Path) -> str:
    try:
        endpoint: str = json.loads((home / "api.json").read_text())["endpoint"]
    except FileNotFoundError as error:
        raise Failure(
            "make up does not run in this folder. Start it first, or name a stack on AWS: "
            "STACK=nowlater"
        ) from error
    return endpoint
