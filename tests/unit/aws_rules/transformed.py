"""The template as SAM transforms it, offline, for some sets of parameters."""

import copy
import functools
import os
from typing import Any
from unittest import mock

from samtranslator.translator.transform import transform

from local.intrinsics import Resolved
from tests import stack

REGION = "eu-central-1"
_ON: dict[str, Any] = {
    "PublicUrl": "https://api.example.com/v1",
    "WebOrigins": "https://app.example.com,https://admin.example.com",
    "JwtIssuer": "https://cognito-idp.eu-central-1.amazonaws.com/eu-central-1_AbCdEfGhI",
    "JwtAudience": "nowlater",
    "Diagnostics": "true",
    "SyncConcurrency": 50,
    "HybridConcurrency": 50,
    "StatusConcurrency": 50,
    "Shards": 4,
    "AlarmsTo": "arn:aws:sns:eu-central-1:123456789012:alarms",
    "LogLevel": "WARNING",
    "RequestRate": 100,
    "RequestBurst": 200,
    "DisableExecuteApiEndpoint": "true",
    "OperationsSubnets": "subnet-0123456789abcdef0,subnet-0123456789abcdef1",
    "OperationsSecurityGroups": "sg-0123456789abcdef0",
    "PermissionsBoundary": "arn:aws:iam::123456789012:policy/boundary",
    "Tracing": "Active",
    "SnapStart": "true",
    "Rollout": "Canary10Percent15Minutes",
    "Release": "0123456789abcdef" * 4,
}
#: Sets of parameters that a stack may have, each with the stack's name.
SETS: dict[str, tuple[str, dict[str, Any]]] = {
    "defaults": ("nowlater", {}),
    "everything on": ("nowlater", _ON),
    "x86_64, shortest work": ("nowlater", {"Architecture": "x86_64", "WorkTimeout": "60"}),
    "least": ("n", {"LogLevel": "ERROR", "LogRetention": 1}),
    "most, with the longest name": ("n" * 128, _ON | {"LogLevel": "DEBUG", "LogRetention": 365}),
}


class _Policies:
    """Managed policies as SAM would look them up in an account; no Lambda is to get one."""

    def load(self) -> dict[str, str]:
        names = (
            "service-role/AWSLambdaBasicExecutionRole",
            "service-role/AWSLambdaSQSQueueExecutionRole",
        )
        return {n.rpartition("/")[2]: f"arn:aws:iam::aws:policy/{n}" for n in names}


def transformed(**changed: Any) -> dict[str, Any]:
    """Return the template as SAM makes it; code and layers lie in some bucket.

    Parameters have their defaults but for those that are given.
    """
    given = stack.template()
    for resource in given["Resources"].values():
        for name in ("CodeUri", "ContentUri"):
            if name in resource.get("Properties", {}):
                resource["Properties"][name] = "s3://bucket/key"
    values = {name: parameter["Default"] for name, parameter in given["Parameters"].items()}
    values |= changed | {"AWS::Region": REGION}
    with mock.patch.dict(os.environ, AWS_DEFAULT_REGION=REGION):  # SAM finds its partition by it
        made: dict[str, Any] = transform(given, values, _Policies())
    return made


@functools.cache
def parameters(name: str) -> dict[str, Any]:
    """Return a set's parameters, those of them that the template has."""
    declared = stack.template()["Parameters"]
    ends = {"least": "MinValue", "most, with the longest name": "MaxValue"}
    found: dict[str, Any] = {}
    if name in ends:
        found = {n: p[ends[name]] for n, p in declared.items() if ends[name] in p}
    if name.startswith("most"):
        found["WorkTimeout"] = max(declared["WorkTimeout"]["AllowedValues"], key=int)
    return SETS[name][1] | found


@functools.cache
def _transformed(name: str) -> dict[str, Any]:
    return transformed(**parameters(name))


def given(name: str) -> dict[str, Any]:
    """Return a copy of what CloudFormation is given for a set of parameters."""
    return copy.deepcopy(_transformed(name))


def resolved(name: str, template: dict[str, Any] | None = None) -> Resolved:
    """Return the template, or a changed one, as a stack of that set would have it."""
    return Resolved(template or given(name), parameters(name), stack_name=SETS[name][0])
