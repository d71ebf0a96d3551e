"""Credentials and stacks that stand in the way: each is a sentence that says what to do."""

from types import SimpleNamespace
from typing import Any

import pytest
from botocore import exceptions

from local import account, state
from local.failure import Failure
from local.stages import Stage
from local.state import Present

PROD = Stage("prod", "acme-prod", "eu-central-1", "company", "123456789012")


def answered(code: str, message: str = "no") -> exceptions.ClientError:
    return exceptions.ClientError({"Error": {"Code": code, "Message": message}}, "DescribeStacks")


@pytest.mark.parametrize(
    ("error", "said"),
    [
        (answered("ExpiredToken"), "have expired (ExpiredToken). Sign in again"),
        (answered("ExpiredTokenException"), "Sign in again"),
        (answered("InvalidClientTokenId"), "AWS does not accept your credentials"),
        (answered("SignatureDoesNotMatch"), "AWS does not accept your credentials"),
        (answered("AccessDenied"), "do not allow this"),
        (exceptions.NoCredentialsError(), "Run aws configure, or name a profile: AWS_PROFILE=name"),
        (exceptions.PartialCredentialsError(provider="env", cred_var="x"), "Run aws configure"),
        (
            exceptions.ProfileNotFound(profile="company"),
            "(company) could not be found. Your profiles are:",
        ),
        (exceptions.TokenRetrievalError(provider="sso", error_msg="over"), "Run aws sso login"),
        (exceptions.UnauthorizedSSOTokenError(), "Run aws sso login"),
        (exceptions.EndpointConnectionError(endpoint_url="https://x"), "Check the region"),
        (exceptions.ConnectTimeoutError(endpoint_url="https://x"), "Check the region"),
        (answered("ValidationError", "odd"), "odd"),
        (Failure("as it is"), "as it is"),
        (
            PermissionError(13, "Permission denied", ".aws-sam"),
            ".aws-sam cannot be read or written",
        ),
    ],
    ids=lambda value: type(value).__name__ if isinstance(value, Exception) else "",
)
def test_an_error_is_a_sentence_that_says_what_to_do(error: Exception, said: str) -> None:
    assert said in account.explain(error)


class Session:
    """A session with credentials of an account."""

    def client(self, service: str) -> Any:
        assert service == "sts"
        return SimpleNamespace(get_caller_identity=lambda: {"Account": "123456789012"})


def test_the_account_of_a_new_stage_is_noted() -> None:
    assert account.identify(Stage("prod", "prod"), Session()).account == "123456789012"
    assert account.identify(PROD, Session()) == PROD


def test_credentials_of_another_account_are_refused() -> None:
    other = Stage("prod", "prod", "eu-central-1", account="999999999999")

    with pytest.raises(Failure, match="in account 999999999999") as raised:
        account.identify(other, Session())
    assert "your credentials are of 123456789012" in str(raised.value)


@pytest.mark.parametrize(
    ("variable", "line"),
    [("AWS_REGION", 'region = "eu-central-1"'), ("AWS_PROFILE", 'profile = "company"')],
)
def test_an_environment_that_names_another_place_is_refused(
    monkeypatch: pytest.MonkeyPatch, variable: str, line: str
) -> None:
    monkeypatch.setenv("AWS_REGION", "eu-central-1")
    monkeypatch.setenv("AWS_PROFILE", "company")
    account.refuse_contradicted(PROD)
    monkeypatch.setenv(variable, "us-east-1")
    account.refuse_contradicted(Stage("new", "new"))

    with pytest.raises(Failure, match=f"{variable} is us-east-1, and .* has {line} for prod"):
        account.refuse_contradicted(PROD)


# ── states ────────────────────────────────────────────────────────────────────────────────────


class CloudFormation:
    """Knows one stack, or none."""

    def __init__(self, described: dict[str, Any] | exceptions.ClientError) -> None:
        self._described = described

    def describe_stacks(self, StackName: str) -> dict[str, Any]:  # noqa: N803  # AWS's name
        if isinstance(self._described, Exception):
            raise self._described
        return {"Stacks": [self._described]}


def test_a_stack_is_looked_at() -> None:
    cloudformation = CloudFormation(
        {
            "StackStatus": "UPDATE_COMPLETE",
            "Parameters": [{"ParameterKey": "Shards", "ParameterValue": "2"}],
            "Tags": [{"Key": "team", "Value": "billing"}, {"Key": "aws:x:y", "Value": "z"}],
        }
    )

    assert state.find(cloudformation, "prod") == Present(
        "UPDATE_COMPLETE", {"Shards": "2"}, {"team": "billing"}
    )


@pytest.mark.parametrize(
    "said",
    [
        answered("ValidationError", "Stack with id prod does not exist"),
        {"StackStatus": "REVIEW_IN_PROGRESS"},
        {"StackStatus": "DELETE_COMPLETE"},
    ],
    ids=["unknown", "never executed", "deleted"],
)
def test_a_stack_that_does_not_exist_gives_none(said: Any) -> None:
    assert state.find(CloudFormation(said), "prod") is None


@pytest.mark.parametrize("code", ["AccessDenied", "ValidationError", "Throttling"])
def test_any_other_answer_is_no_missing_stack(code: str) -> None:
    with pytest.raises(exceptions.ClientError):
        state.find(CloudFormation(answered(code)), "prod")


#: Every state of a stack: https://docs.aws.amazon.com/AWSCloudFormation/latest/APIReference/API_Stack.html
READY = [
    "CREATE_COMPLETE",
    "UPDATE_COMPLETE",
    "UPDATE_ROLLBACK_COMPLETE",
    "IMPORT_COMPLETE",
    "IMPORT_ROLLBACK_COMPLETE",
]
IN_THE_WAY = {
    "CREATE_FAILED": "delete-stack",
    "ROLLBACK_COMPLETE": "delete-stack",
    "ROLLBACK_FAILED": "delete-stack",
    "DELETE_FAILED": "delete-stack",
    "UPDATE_FAILED": "rollback-stack",
    "UPDATE_ROLLBACK_FAILED": "continue-update-rollback",
    "IMPORT_ROLLBACK_FAILED": "describe-stack-events",
    "CREATE_IN_PROGRESS": "wait until that is over",
    "DELETE_IN_PROGRESS": "wait until that is over",
    "UPDATE_IN_PROGRESS": "wait until that is over",
    "ROLLBACK_IN_PROGRESS": "wait until that is over",
    "IMPORT_IN_PROGRESS": "wait until that is over",
    "UPDATE_COMPLETE_CLEANUP_IN_PROGRESS": "wait until that is over",
    "UPDATE_ROLLBACK_IN_PROGRESS": "wait until that is over",
    "UPDATE_ROLLBACK_COMPLETE_CLEANUP_IN_PROGRESS": "wait until that is over",
    "IMPORT_ROLLBACK_IN_PROGRESS": "wait until that is over",
}


@pytest.mark.parametrize("status", READY)
def test_a_stack_that_can_be_updated_is_left_to_it(status: str) -> None:
    state.refuse_unready(PROD, Present(status, {}, {}))


@pytest.mark.parametrize("status", IN_THE_WAY)
def test_a_stack_that_cannot_be_updated_is_an_error_that_says_what_to_do(status: str) -> None:
    with pytest.raises(Failure, match=f"acme-prod is {status}") as raised:
        state.refuse_unready(PROD, Present(status, {}, {}))

    assert IN_THE_WAY[status] in str(raised.value)
    assert "aws --profile company cloudformation" in str(raised.value)
    assert "--stack-name acme-prod --region eu-central-1" in str(raised.value)
