"""Corrects a deployed stack where the emulator omits something or reads it differently than AWS.

Each correction can be repeated at any time; all must run after every deployment.
"""

import json
from typing import Any

from local.placeholders import ResolvedWithPlaceholders
from local.stack import Stack


def bridge(stack: Stack) -> None:
    """Apply all corrections to a deployed stack."""
    for name, alias in stack.of_type("AWS::Lambda::Alias"):
        _serve_latest(stack.client("lambda"), stack.ids[name], alias["Name"])
    for name, _ in stack.of_type("AWS::Lambda::EventSourceMapping"):
        _make_concurrency_a_number(stack.client("lambda"), stack.ids[name])
    tables = ResolvedWithPlaceholders(stack.template(), stack.parameters).of_type(
        "AWS::DynamoDB::Table"
    )
    for name, properties in tables.items():
        if (time_to_live := properties.get("TimeToLiveSpecification")) and name in stack.ids:
            _make_items_expire(stack.client("dynamodb"), stack.ids[name], time_to_live)
    for name, _ in stack.of_type("AWS::IAM::Role"):
        _allow_batches(stack.client("iam"), stack.ids[name])


def _serve_latest(lambdas: Any, arn: str, alias: str) -> None:
    """Make an alias serve the latest code, which changes at each save, not what was published."""
    function = arn.removesuffix(f":{alias}")
    lambdas.update_alias(FunctionName=function, Name=alias, FunctionVersion="$LATEST")


def _make_concurrency_a_number(lambdas: Any, mapping: str) -> None:
    """Convert MaximumConcurrency from text to a number: as text, it stops every queue."""
    scaling = lambdas.get_event_source_mapping(UUID=mapping).get("ScalingConfig")
    if scaling:
        as_number = {"MaximumConcurrency": int(scaling["MaximumConcurrency"])}
        lambdas.update_event_source_mapping(UUID=mapping, ScalingConfig=as_number)


def _make_items_expire(dynamodb: Any, table: str, time_to_live: dict[str, Any]) -> None:
    if str(time_to_live["Enabled"]).lower() == "true":
        specification = {"Enabled": True, "AttributeName": time_to_live["AttributeName"]}
        dynamodb.update_time_to_live(TableName=table, TimeToLiveSpecification=specification)


def _allow_batches(iam: Any, role: str) -> None:
    """Allow the batch form of each allowed action of SNS and SQS.

    For PublishBatch, AWS checks sns:Publish and the emulator sns:PublishBatch.
    """
    for name in iam.list_role_policies(RoleName=role)["PolicyNames"]:
        policy = iam.get_role_policy(RoleName=role, PolicyName=name)["PolicyDocument"]
        statements = policy["Statement"]
        for statement in [statements] if isinstance(statements, dict) else statements:
            action = statement.get("Action", [])  # it may have NotAction instead
            actions = {action} if isinstance(action, str) else set(action)
            if batched := {f"{a}Batch" for a in actions & {"sns:Publish", "sqs:SendMessage"}}:
                statement["Action"] = sorted(actions | batched)
                iam.put_role_policy(
                    RoleName=role, PolicyName=name, PolicyDocument=json.dumps(policy)
                )
