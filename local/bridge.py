"""Bridges: what else the emulator leaves out of a stack, or reads otherwise than AWS does.

Each can be run again at any time; all must be run after every deployment.
"""

import json
from typing import Any

from local.stack import Stack


def bridge(stack: Stack) -> None:
    """Mend a deployed stack."""
    for name, _ in stack.of_type("AWS::Lambda::EventSourceMapping"):
        _make_concurrency_a_number(stack.client("lambda"), stack.ids[name])
    for name, properties in stack.of_type("AWS::DynamoDB::Table"):
        stack.client("dynamodb").update_time_to_live(
            TableName=stack.ids[name],
            TimeToLiveSpecification=properties["TimeToLiveSpecification"],
        )
    for name, _ in stack.of_type("AWS::IAM::Role"):
        _allow_batches(stack.client("iam"), stack.ids[name])


def _make_concurrency_a_number(lambdas: Any, mapping: str) -> None:
    """Parameters arrive as text, and this one then stops every queue."""
    scaling = lambdas.get_event_source_mapping(UUID=mapping).get("ScalingConfig")
    if scaling:
        most = {"MaximumConcurrency": int(scaling["MaximumConcurrency"])}
        lambdas.update_event_source_mapping(UUID=mapping, ScalingConfig=most)


def _allow_batches(iam: Any, role: str) -> None:
    """AWS checks sns:Publish for PublishBatch; the emulator wants sns:PublishBatch. So with SQS."""
    for name in iam.list_role_policies(RoleName=role)["PolicyNames"]:
        policy = iam.get_role_policy(RoleName=role, PolicyName=name)["PolicyDocument"]
        for statement in policy["Statement"]:
            said = statement["Action"]
            actions = {said} if isinstance(said, str) else set(said)
            if batched := {f"{a}Batch" for a in actions & {"sns:Publish", "sqs:SendMessage"}}:
                statement["Action"] = sorted(actions | batched)
                iam.put_role_policy(
                    RoleName=role, PolicyName=name, PolicyDocument=json.dumps(policy)
                )
