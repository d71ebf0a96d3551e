"""Bridges: what else the emulator leaves out of a stack, or reads otherwise than AWS does.

Each can be run again at any time; all must be run after every deployment.
"""

import json
from typing import Any

from local.intrinsics import Guessed
from local.stack import Stack


def bridge(stack: Stack) -> None:
    """Mend a deployed stack."""
    for name, _ in stack.of_type("AWS::Lambda::EventSourceMapping"):
        _make_concurrency_a_number(stack.client("lambda"), stack.ids[name])
    tables = Guessed(stack.template(), stack.parameters).of_type("AWS::DynamoDB::Table")
    for name, properties in tables.items():
        if (time_to_live := properties.get("TimeToLiveSpecification")) and name in stack.ids:
            _make_items_expire(stack.client("dynamodb"), stack.ids[name], time_to_live)
    for name, _ in stack.of_type("AWS::IAM::Role"):
        _allow_batches(stack.client("iam"), stack.ids[name])


def _make_concurrency_a_number(lambdas: Any, mapping: str) -> None:
    """Parameters arrive as text, and this one then stops every queue."""
    scaling = lambdas.get_event_source_mapping(UUID=mapping).get("ScalingConfig")
    if scaling:
        most = {"MaximumConcurrency": int(scaling["MaximumConcurrency"])}
        lambdas.update_event_source_mapping(UUID=mapping, ScalingConfig=most)


def _make_items_expire(dynamodb: Any, table: str, said: dict[str, Any]) -> None:
    if str(said["Enabled"]).lower() == "true":
        specification = {"Enabled": True, "AttributeName": said["AttributeName"]}
        dynamodb.update_time_to_live(TableName=table, TimeToLiveSpecification=specification)


def _allow_batches(iam: Any, role: str) -> None:
    """AWS checks sns:Publish for PublishBatch; the emulator wants sns:PublishBatch. So with SQS."""
    for name in iam.list_role_policies(RoleName=role)["PolicyNames"]:
        policy = iam.get_role_policy(RoleName=role, PolicyName=name)["PolicyDocument"]
        statements = policy["Statement"]
        for statement in [statements] if isinstance(statements, dict) else statements:
            said = statement.get("Action", [])  # it may say NotAction
            actions = {said} if isinstance(said, str) else set(said)
            if batched := {f"{a}Batch" for a in actions & {"sns:Publish", "sqs:SendMessage"}}:
                statement["Action"] = sorted(actions | batched)
                iam.put_role_policy(
                    RoleName=role, PolicyName=name, PolicyDocument=json.dumps(policy)
                )
