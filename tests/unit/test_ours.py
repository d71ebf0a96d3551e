"""The framework's tests judge its own part of the template, whatever its users add to it."""

import copy
from typing import Any

import pytest
import yaml

from local.template import load
from tests import stack
from tests.ours import OURS, of_ours

#: What somebody who writes operations may add, of each kind that the tests look at.
ADDED = yaml.safe_load("""
Parameters:
  Region2: {Type: String}
Conditions:
  Replicates: {"Fn::Equals": [{Ref: Region2}, ""]}
Rules:
  TwoRegions: {Assertions: [{Assert: {"Fn::Equals": [{Ref: Region2}, ""]}}]}
Resources:
  Prices:
    Type: AWS::DynamoDB::Table
    Properties:
      TableName: prices
      BillingMode: PAY_PER_REQUEST
      AttributeDefinitions: [{AttributeName: article, AttributeType: S}]
      KeySchema: [{AttributeName: article, KeyType: HASH}]
  Orders: {Type: AWS::SQS::Queue, Properties: {QueueName: orders}}
  Files: {Type: AWS::S3::Bucket}
  News: {Type: AWS::SNS::Topic}
  Other: {Type: AWS::Serverless::HttpApi}
  Secret: {Type: AWS::SecretsManager::Secret}
  Lines: {Type: AWS::Logs::LogGroup}
  Feed:
    Type: AWS::Serverless::Function
    Properties:
      CodeUri: functions/price_feed/
      Policies: [{Statement: [{Effect: Allow, Action: "dynamodb:*", Resource: "*"}]}]
      Events:
        Queue: {Type: SQS, Properties: {Queue: {"Fn::GetAtt": [Orders, Arn]}}}
        Get: {Type: HttpApi, Properties: {Method: GET, Path: /feed, ApiId: {Ref: Api}}}
  FeedRole: {Type: AWS::IAM::Role, Properties: {AssumeRolePolicyDocument: {Statement: []}}}
  FeedAlarm: {Type: AWS::CloudWatch::Alarm, Condition: Replicates}
Outputs:
  PricesName: {Value: {Ref: Prices}}
""")


@pytest.fixture
def extended() -> dict[str, Any]:
    """Our template, as one of its users has extended it."""
    template = copy.deepcopy(load(stack.ROOT / "template.yaml"))
    for section, parts in ADDED.items():
        template[section] = template[section] | parts
    groups = template["Metadata"]["AWS::CloudFormation::Interface"]["ParameterGroups"]
    groups[0]["Parameters"].append("Region2")
    resources = template["Resources"]
    resources["OperationsPolicy"]["Properties"]["PolicyDocument"]["Statement"].append(
        {"Effect": "Allow", "Action": "dynamodb:*", "Resource": {"Fn::GetAtt": ["Prices", "Arn"]}}
    )
    return template


def test_what_users_have_added_is_not_judged(extended: dict[str, Any]) -> None:
    assert of_ours(extended) == stack.template()


def test_what_users_say_in_the_operations_environment_refers_to_nothing_that_is_gone(
    extended: dict[str, Any],
) -> None:
    variables = extended["Resources"]["OperationsEnvironment"]["Properties"]
    variables["Value"] = {"Fn::Sub": '{"A": "${AWS::StackName}", "B": "${Prices.Arn}", "C": "${Table}"}'}  # fmt: skip
    kept = of_ours(extended)["Resources"]["OperationsEnvironment"]["Properties"]["Value"]

    assert kept == {"Fn::Sub": '{"A": "${AWS::StackName}", "B": "Prices.Arn", "C": "${Table}"}'}


@pytest.mark.parametrize("section", OURS)
def test_what_is_listed_is_in_the_template(section: str) -> None:
    assert set(stack.template()[section]) == OURS[section]
