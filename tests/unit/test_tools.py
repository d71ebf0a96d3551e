"""What the operator's tools know of a stack: all its resources, and whether it is one of ours."""

import argparse
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import boto3
import pytest
from botocore.stub import Stubber

from local import account, stages, tools
from local.failure import Failure
from local.stack import Stack
from local.stages import Stage

OUTPUTS = {"ApiUrl": "https://x.aws", "BucketName": "bucket", "TableName": "table"}


class Session:
    """A session in which CloudFormation describes a stack as the test says."""

    region_name = "eu-central-1"

    def __init__(self) -> None:
        keys = {"aws_access_key_id": "x", "aws_secret_access_key": "x"}
        self._cloudformation = boto3.client("cloudformation", self.region_name, **keys)
        self._stub = Stubber(self._cloudformation)
        self._stub.activate()

    def client(self, service: str, endpoint_url: str | None = None) -> Any:
        assert service == "cloudformation"
        return self._cloudformation

    def answers(self, outputs: dict[str, str], *pages: dict[str, str | None]) -> None:
        """Have it return outputs, and resources by pages."""
        now = datetime(2028, 2, 29, tzinfo=UTC)
        stack = {"StackName": "prod", "CreationTime": now, "StackStatus": "CREATE_COMPLETE"}
        described = [{"OutputKey": k, "OutputValue": v} for k, v in outputs.items()]
        self._stub.add_response("describe_stacks", {"Stacks": [stack | {"Outputs": described}]})
        for number, page in enumerate(pages, start=1):
            summaries = [
                {
                    "LogicalResourceId": logical,
                    "ResourceType": "AWS::SNS::Topic",
                    "LastUpdatedTimestamp": now,
                    "ResourceStatus": "CREATE_COMPLETE",
                }
                | ({} if physical is None else {"PhysicalResourceId": physical})
                for logical, physical in page.items()
            ]
            more = {"NextToken": str(number)} if number < len(pages) else {}
            self._stub.add_response(
                "list_stack_resources", {"StackResourceSummaries": summaries, **more}
            )


@pytest.fixture
def session(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Session:
    monkeypatch.chdir(tmp_path)  # where no stages.toml is
    made = Session()
    for variable in ("AWS_REGION", "AWS_PROFILE"):
        monkeypatch.delenv(variable, raising=False)
    monkeypatch.setattr(account, "session", lambda stage: made)
    return made


def test_the_resources_of_a_stack_are_all_known(session: Any) -> None:
    session.answers(OUTPUTS, {"Topic": "a"}, {"Failed": None, "Notify": "b"})

    assert Stack(session, "prod").ids == {"Topic": "a", "Notify": "b"}


def test_a_stack_of_ours_is_found(session: Session) -> None:
    session.answers(OUTPUTS, {})

    assert tools.find_stack(argparse.Namespace(stack="prod")).outputs == OUTPUTS


def test_a_stack_elsewhere_than_the_environment_says_is_refused(
    session: Session, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(stages, "read", lambda name: Stage(name, name, "eu-central-1"))
    monkeypatch.setenv("AWS_REGION", "us-east-1")

    with pytest.raises(Failure, match="Unset AWS_REGION, or change that line under"):
        tools.find_stack(argparse.Namespace(stack="prod"))


@pytest.mark.parametrize("outputs", [{}, {"ApiUrl": "https://x.aws"}])
def test_a_stack_without_our_outputs_is_refused(session: Session, outputs: dict[str, str]) -> None:
    session.answers(outputs, {})

    with pytest.raises(Failure, match="not a nowlater stack, or its first deployment failed"):
        tools.find_stack(argparse.Namespace(stack="prod"))
