"""A template is resolved as CloudFormation does it."""

from typing import Any

import pytest

from local.failure import Failure
from local.intrinsics import Resolved

PARAMETERS = {
    "Name": {"Type": "String", "Default": "a", "AllowedPattern": "[a-z]*"},
    "Kind": {"Type": "String", "Default": "x", "AllowedValues": ["x", "y"]},
    "Most": {"Type": "Number", "Default": 5, "MinValue": 1, "MaxValue": 9},
    "List": {"Type": "CommaDelimitedList", "Default": "a,b"},
}
QUEUE = {"Type": "AWS::SQS::Queue", "Properties": {}}


def template(value: Any = None, **resources: Any) -> dict[str, Any]:
    return {
        "Parameters": PARAMETERS,
        "Mappings": {"Map": {"x": {"Column": 1}, "y": {"Column": 2}}},
        "Conditions": {"IsX": {"Fn::Equals": [{"Ref": "Kind"}, "x"]}},
        "Resources": {"Queue": QUEUE} | resources,
        "Outputs": {"Out": {"Value": value}},
    }


@pytest.mark.parametrize(
    ("said", "value"),
    [
        ({"Ref": "Most"}, 5),
        ({"Ref": "List"}, ["a", "b"]),
        ({"Ref": "AWS::Region"}, "eu-central-1"),
        ({"Fn::Sub": "${Name}-${AWS::StackName}-${!Name}"}, "a-nowlater-${Name}"),
        ({"Fn::Sub": ["${Given}", {"Given": {"Ref": "Kind"}}]}, "x"),
        ({"Fn::Join": ["-", ["a", {"Ref": "Most"}]]}, "a-5"),
        ({"Fn::Select": ["1", {"Fn::Split": [",", "a,b"]}]}, "b"),
        ({"Fn::FindInMap": ["Map", {"Ref": "Kind"}, "Column"]}, 1),
        ({"Fn::If": ["IsX", "then", "else"]}, "then"),
        ({"Fn::Equals": [{"Ref": "Most"}, "5"]}, True),
        ({"Fn::Not": [{"Condition": "IsX"}]}, False),
        ({"Fn::And": [{"Condition": "IsX"}, {"Fn::Contains": [["a"], "b"]}]}, False),
        ({"Fn::Or": [{"Condition": "IsX"}, {"Fn::EachMemberIn": [["a"], ["b"]]}]}, True),
        (["a", {"Ref": "AWS::NoValue"}], ["a"]),
        ({"a": 1, "b": {"Fn::If": ["IsX", {"Ref": "AWS::NoValue"}, 2]}}, {"a": 1}),
        ({"Condition": {"Bool": {"a": "b"}}}, {"Condition": {"Bool": {"a": "b"}}}),
    ],
)
def test_a_function_comes_to_its_value(said: Any, value: Any) -> None:
    assert Resolved(template(said)).outputs["Out"]["Value"] == value


def test_a_condition_takes_a_resource_away_and_who_refers_to_it_dangles() -> None:
    given = template({"Ref": "Other"}, Other=QUEUE | {"Condition": "IsX"})

    assert Resolved(given).dangling == []
    without = Resolved(given, {"Kind": "y"})
    assert "Other" not in without.resources
    assert without.dangling == ["Outputs.Out: Ref Other"]


def test_arns_and_urls_have_the_name_that_cloudformation_would_make() -> None:
    made = Resolved(template({"Fn::GetAtt": ["Queue", "Arn"]}), stack_name="n" * 128)
    name = made.names["Queue"]

    assert len(name) == 80
    assert made.outputs["Out"]["Value"] == f"arn:aws:sqs:eu-central-1:123456789012:{name}"
    assert made.value({"Ref": "Queue"}).startswith("https://sqs.eu-central-1.amazonaws.com/")
    assert made.named_in(made.value({"Ref": "Queue"})) == "Queue"
    assert made.named_in("arn:aws:sqs:eu-central-1:123456789012:another") is None


def test_a_name_of_ones_own_is_taken() -> None:
    group = {"Type": "AWS::Logs::LogGroup", "Properties": {"LogGroupName": {"Fn::Sub": "/${Name}"}}}

    assert Resolved(template({"Ref": "Group"}, Group=group)).outputs["Out"]["Value"] == "/a"


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"Name": "A"}, "Name is 'A': it does not match"),
        ({"Kind": "z"}, "Kind is 'z': it must be one of x, y"),
        ({"Most": 10}, "Most is '10': it must be at least 1 and at most 9"),
        ({"Nothing": 1}, "The template has no parameter Nothing"),
    ],
)
def test_a_parameter_that_cloudformation_refuses_is_refused(given: Any, said: str) -> None:
    with pytest.raises(Failure) as raised:
        Resolved(template(), given)

    assert said in str(raised.value)


def test_a_function_that_is_not_known_is_named() -> None:
    with pytest.raises(Failure, match=r"Fn::Cidr is not known"):
        Resolved(template({"Fn::Cidr": ["10.0.0.0/24", 1]}))
