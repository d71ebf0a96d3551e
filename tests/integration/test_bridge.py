"""What is mended of a stack on the emulator, whatever else its users have put into it."""

import json
import secrets
from collections.abc import Iterator
from typing import Any

import boto3
import pytest
from moto import mock_aws

from local import bridge
from local.stack import Stack

TABLE: dict[str, Any] = {
    "BillingMode": "PAY_PER_REQUEST",
    "AttributeDefinitions": [{"AttributeName": "id", "AttributeType": "S"}],
    "KeySchema": [{"AttributeName": "id", "KeyType": "HASH"}],
}
TRUST = {"Version": "2012-10-17", "Statement": []}
OWN: dict[str, Any] = {
    "Parameters": {"Until": {"Type": "String", "Default": "until"}},
    "Resources": {
        "Table": {
            "Type": "AWS::DynamoDB::Table",
            "Properties": TABLE
            | {"TimeToLiveSpecification": {"AttributeName": "ttl", "Enabled": True}},
        },
        "Prices": {"Type": "AWS::DynamoDB::Table", "Properties": TABLE},
        "Sessions": {
            "Type": "AWS::DynamoDB::Table",
            "Properties": TABLE
            | {"TimeToLiveSpecification": {"AttributeName": {"Ref": "Until"}, "Enabled": "true"}},
        },
        "Off": {
            "Type": "AWS::DynamoDB::Table",
            "Properties": TABLE
            | {"TimeToLiveSpecification": {"AttributeName": "x", "Enabled": False}},
        },
        "Role": {
            "Type": "AWS::IAM::Role",
            "Properties": {
                "AssumeRolePolicyDocument": TRUST,
                "Policies": [
                    {
                        "PolicyName": name,
                        "PolicyDocument": json.dumps(  # moto takes a text alone
                            {"Version": "2012-10-17", "Statement": statement}
                        ),
                    }
                    for name, statement in (
                        ("one", {"Effect": "Allow", "Action": "sns:Publish", "Resource": "*"}),
                        ("none", [{"Effect": "Deny", "NotAction": "sqs:*", "Resource": "*"}]),
                    )
                ],
            },
        },
        "Bucket": {"Type": "AWS::S3::Bucket"},
    },
}


@pytest.fixture
def stack(monkeypatch: pytest.MonkeyPatch) -> Iterator[Stack]:
    monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")
    with mock_aws():
        session = boto3.Session("a", "b", region_name="us-east-1")
        cloudformation = session.client("cloudformation")
        name = f"own-{secrets.token_hex(4)}"  # within another mock_aws, the last one is still there
        cloudformation.create_stack(StackName=name, TemplateBody=json.dumps(OWN))
        yield Stack(session, name)


def expiring(stack: Stack, name: str) -> dict[str, Any]:
    dynamodb = stack.client("dynamodb")
    found: dict[str, Any] = dynamodb.describe_time_to_live(TableName=stack.ids[name])
    return found["TimeToLiveDescription"]


def test_items_expire_in_the_tables_that_say_so_and_in_no_other(stack: Stack) -> None:
    bridge.bridge(stack)

    assert expiring(stack, "Table") == {"AttributeName": "ttl", "TimeToLiveStatus": "ENABLED"}
    assert expiring(stack, "Sessions")["AttributeName"] == "until"
    assert expiring(stack, "Prices") == {"TimeToLiveStatus": "DISABLED"}
    assert expiring(stack, "Off")["TimeToLiveStatus"] == "DISABLED"


def test_permission_to_publish_includes_batches_however_the_policy_is_written(
    stack: Stack,
) -> None:
    bridge.bridge(stack)
    iam = stack.client("iam")
    role = stack.ids["Role"]
    actions = {
        name: iam.get_role_policy(RoleName=role, PolicyName=name)["PolicyDocument"]["Statement"]
        for name in ("one", "none")
    }

    assert actions["one"]["Action"] == ["sns:Publish", "sns:PublishBatch"]
    assert actions["none"] == [{"Effect": "Deny", "NotAction": "sqs:*", "Resource": "*"}]
