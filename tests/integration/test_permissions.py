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
        ("hybrid", Call("lambda:InvokeFunction", "Work")),
        ("notify", Call("sns:Publish", "Topic")),
        ("work", Call("s3:PutObject", "Bucket/results/acme/1/1")),
        ("work", Call("s3:GetObject", "Bucket/uploads/acme/1")),
        ("deliver", Call("secretsmanager:GetSecretValue", "MasterSecret")),
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
        ("deliver", Call("dynamodb:UpdateItem", "Table", ("JOB#acme#0",))),
        ("sweep", Call("dynamodb:Query", "Table", ("JOB#acme#0",))),
        ("submit", Call("sqs:SendMessage", "WebhookQueue")),
        ("work", Call("s3:PutObject", "Bucket/inputs/acme/1")),
        ("status", Call("s3:PutObject", "Bucket/results/acme/1/1")),
    ],
)
def test_what_no_statement_of_a_role_allows_is_not(
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
