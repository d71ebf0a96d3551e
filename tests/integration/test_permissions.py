"""Each Lambda may do what it does, and no more: all tests of a world are held against its roles."""

import pytest

from tests.integration.permissions import Call, Permissions
from tests.integration.world import LAMBDAS, World


@pytest.fixture
def permissions() -> Permissions:
    return Permissions({})


@pytest.mark.parametrize(
    ("lambda_name", "call"),
    [
        ("submit", Call("dynamodb:PutItem", "Table", ("JOB#acme#0",))),
        ("webhooks", Call("dynamodb:UpdateItem", "Table", ("JOB#acme#0",))),
        ("sweep", Call("dynamodb:Query", "Table/index/due")),
        ("hybrid", Call("lambda:InvokeFunction", "Work:live")),
        ("notify", Call("sns:Publish", "Topic")),
        ("work", Call("s3:PutObject", "Bucket/results/acme/1/1")),
        ("work", Call("s3:GetObject", "Bucket/uploads/acme/1")),
        ("work", Call("s3:ListBucket", "Bucket", prefix="uploads/acme/")),
        ("work", Call("dynamodb:UpdateItem", "Table", ("JOB#acme#0",))),
        ("submit", Call("dynamodb:GetItem", "Table", ("KEY#acme#0",))),
        ("hybrid", Call("dynamodb:GetItem", "Table", ("STATS#text-stats",))),
        ("authorize", Call("dynamodb:GetItem", "Table", ("APIKEY#0123456789ab",))),
        ("send_webhooks", Call("secretsmanager:GetSecretValue", "MasterSecret")),
    ],
)
def test_what_a_role_allows_is_allowed(
    permissions: Permissions, lambda_name: str, call: Call
) -> None:
    assert permissions.allow(lambda_name, call)


@pytest.mark.parametrize(
    ("lambda_name", "call"),
    [
        ("sync", Call("dynamodb:GetItem", "Table", ("JOB#acme#0",))),
        ("status", Call("dynamodb:GetItem", "Table", ("KEY#acme#0",))),
        ("webhooks", Call("dynamodb:PutItem", "Table", ("JOB#acme#0",))),
        ("send_webhooks", Call("dynamodb:UpdateItem", "Table", ("JOB#acme#0",))),
        ("sweep", Call("dynamodb:Query", "Table", ("JOB#acme#0",))),
        ("submit", Call("sqs:SendMessage", "WebhookQueue")),
        ("work", Call("s3:PutObject", "Bucket/inputs/acme/1")),
        ("work", Call("s3:GetObject", "Bucket/results/acme/1/1")),
        ("work", Call("dynamodb:UpdateItem", "Table", ("APIKEY#0123456789ab",))),
        ("work", Call("dynamodb:UpdateItem", "Table", ("JOB#acme#0", "APIKEY#0123456789ab"))),
        ("work", Call("dynamodb:UpdateItem", "Table", ("XJOB#acme#0",))),
        ("work", Call("dynamodb:PutItem", "Table", ("JOB#acme#0",))),
        ("work", Call("dynamodb:GetItem", "Table", ("SECRET#acme",))),
        ("work", Call("dynamodb:GetItem", "Table")),
        ("work", Call("dynamodb:Scan", "Table")),
        ("work", Call("dynamodb:Query", "Table", ("JOB#acme#0",))),
        ("work", Call("secretsmanager:GetSecretValue", "MasterSecret")),
        ("sync", Call("s3:ListBucket", "Bucket")),
        ("sync", Call("s3:ListBucket", "Bucket", prefix="results/acme/")),
        ("work", Call("s3:ListBucket", "Bucket", prefix="")),
        ("submit", Call("dynamodb:PutItem", "Table", ("APIKEY#0123456789ab",))),
        ("submit", Call("dynamodb:UpdateItem", "Table", ("KEY#acme#0",))),
        ("hybrid", Call("dynamodb:UpdateItem", "Table", ("APIKEY#0123456789ab",))),
        ("hybrid", Call("dynamodb:GetItem", "Table", ("SECRET#acme",))),
        ("authorize", Call("dynamodb:GetItem", "Table", ("JOB#acme#0",))),
        ("authorize", Call("dynamodb:UpdateItem", "Table", ("APIKEY#0123456789ab",))),
        ("status", Call("s3:PutObject", "Bucket/results/acme/1/1")),
    ],
)
def test_what_no_statement_of_a_role_allows_is_not_allowed(
    permissions: Permissions, lambda_name: str, call: Call
) -> None:
    assert not permissions.allow(lambda_name, call)


def test_every_lambda_has_a_role(permissions: Permissions) -> None:
    for name in LAMBDAS:
        assert permissions.allow(name, Call("logs:PutLogEvents", "Logs:x"))


def test_a_call_that_a_role_does_not_allow_is_noted(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(world._permissions._roles, "submit", "StatusRole")
    world.submit(key="k")
    denied = list(world.denied)
    world.denied.clear()

    assert [line.split("'")[1] for line in denied] == [
        "dynamodb:PutItem",
        "sqs:SendMessage",
        "dynamodb:PutItem",
    ]
