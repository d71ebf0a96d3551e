"""What the operator's tools share: the stack that they are for, the local one or one on AWS."""

import argparse
import json
from pathlib import Path

import boto3

from local import deploy, emulator
from local.failure import Failure
from local.stack import Stack
from nowlater.table import Table


def take_stack(parser: argparse.ArgumentParser) -> None:
    """Have a tool take the arguments that say which stack it is for."""
    parser.add_argument("--stack", help="a stack on AWS (STACK=), else that of make up")
    parser.add_argument("--home", type=Path, default=Path(".local"), help=argparse.SUPPRESS)


def stack(asked: argparse.Namespace) -> Stack:
    """Return the stack that a tool was told; raises Failure where there is none."""
    if asked.stack:
        return Stack(boto3.Session(), asked.stack)
    return Stack(emulator.session(), deploy.NAME, _local_endpoint(asked.home))


def table(asked: argparse.Namespace) -> Table:
    """Return the table of that stack."""
    there = stack(asked)
    return Table(there.outputs["TableName"], there.client("dynamodb"))


def _local_endpoint(home: Path) -> str:
    try:
        endpoint: str = json.loads((home / "api.json").read_text())["endpoint"]
    except FileNotFoundError as error:
        raise Failure(
            "Nothing is served from this folder. Run make up here first, or name a stack on AWS: "
            "STACK=nowlater"
        ) from error
    return endpoint
