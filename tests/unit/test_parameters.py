"""The parameters of a deployment: read, held against the template, and merged with those of the stack."""

from typing import Any

import pytest

from local import assertions, concurrency, guide, parameters
from local.failure import Failure
from tests import stack

TEMPLATE = stack.template()
DECLARED: dict[str, Any] = TEMPLATE["Parameters"]
DEFAULTS = parameters.after(DECLARED, {}, {})


def test_a_fault_names_the_variable_of_make_that_was_given() -> None:
    with pytest.raises(Failure, match=r"\ASET: 'Shards' is not Name=value\. .* SET='Shards=2"):
        parameters.parse("Shards", "SET")


@pytest.mark.parametrize(
    ("text", "given"),
    [
        ("", {}),
        ("Shards=2", {"Shards": "2"}),
        ("  Shards=2   AlarmsTo= ", {"Shards": "2", "AlarmsTo": ""}),
        ("JwtAudience='my api' Shards=2", {"JwtAudience": "my api", "Shards": "2"}),
        ("PublicUrl=https://a.example.com/x?a=b", {"PublicUrl": "https://a.example.com/x?a=b"}),
        ("Shards=2 Shards=2", {"Shards": "2"}),
    ],
)
def test_parameters_are_read(text: str, given: dict[str, str]) -> None:
    assert parameters.parse(text) == given


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("Shards 2", "'Shards' is not Name=value"),
        ("Shards=2 Shards=3", "Shards twice"),
        ("JwtAudience='my api", "a quote is not closed"),
    ],
)
def test_what_is_no_list_of_parameters_is_refused(text: str, said: str) -> None:
    with pytest.raises(Failure, match=said):
        parameters.parse(text)


@pytest.mark.parametrize(
    ("name", "value", "said"),
    [
        ("Shard", "2", r"no such parameter\. Did you mean Shards\?"),
        ("alarmsto", "", r"Did you mean AlarmsTo\?"),
        ("Zzz", "2", r"template\.yaml lists all parameters"),
        ("Shards", "0", "it must be at least 1 and at most 16"),
        ("Shards", "17", "it must be at least 1 and at most 16"),
        ("Shards", "1.5", "it must be a whole number"),
        ("Shards", "", "it must be a whole number"),
        ("Shards", "two", "it must be a whole number"),
        ("WorkTimeout", "301", "it must be one of 60, 120, 300"),
        ("AlarmsTo", "ops@example.com", "it does not match"),
        ("CallbackPorts", "443,", "it does not match"),
        ("AlarmsTo", "arn:x\n", "it does not match"),
    ],
)
def test_what_the_template_would_not_take_is_refused_with_a_sentence(
    name: str, value: str, said: str
) -> None:
    with pytest.raises(Failure, match=said):
        parameters.check(DECLARED, {name: value})


def test_every_mistake_is_reported_at_once() -> None:
    with pytest.raises(Failure) as raised:
        parameters.check(DECLARED, {"Shards": "0", "WorkTimeout": "1", "LogLevel": "INFO"})

    assert [line.split("=")[0] for line in str(raised.value).splitlines()] == [
        "Shards",
        "WorkTimeout",
    ]


@pytest.mark.parametrize(("length", "fits"), [(1, False), (2, True), (3, True), (4, False)])
def test_lengths_are_held(length: int, fits: bool) -> None:
    rules = {"Type": "String", "MinLength": 2, "MaxLength": 3, "Description": "A word."}
    fault = parameters.find_fault({"Word": rules}, "Word", "x" * length)

    assert (fault == "") == fits


def test_a_text_without_a_pattern_may_have_several_lines() -> None:
    parameters.check({"Text": {"Type": "String"}}, {"Text": "one\ntwo"})


def test_a_parameter_may_have_no_description() -> None:
    rules = {"Type": "Number", "MinValue": 1}

    assert parameters.find_fault({"Some": rules}, "Some", "0") == "it must be at least 1."


@pytest.mark.parametrize("shards", ["1", "16"])
def test_bounds_themselves_fit(shards: str) -> None:
    parameters.check(DECLARED, {"Shards": shards})


def test_every_default_of_the_template_fits() -> None:
    parameters.check(DECLARED, DEFAULTS)


def test_what_is_not_named_stays_and_what_is_new_has_its_default() -> None:
    present = {"Shards": "4", "AlarmsTo": "arn:x", "Gone": "1"}
    wanted = parameters.after(DECLARED, present, {"AlarmsTo": ""})

    assert wanted == DEFAULTS | {"Shards": "4", "AlarmsTo": ""}


@pytest.mark.parametrize("given", [{}, {"Shards": "4"}, {"Shards": "5"}])
def test_shards_stay_or_rise(given: dict[str, str]) -> None:
    parameters.refuse_fewer_shards({"Shards": "4"}, given)


def test_shards_do_not_fall() -> None:
    with pytest.raises(Failure, match="the stack has 4, and Shards cannot decrease"):
        parameters.refuse_fewer_shards({"Shards": "4"}, {"Shards": "3"})


def test_shards_do_not_fall_as_numbers() -> None:
    parameters.refuse_fewer_shards({"Shards": "9"}, {"Shards": "10"})
    with pytest.raises(Failure):
        parameters.refuse_fewer_shards({"Shards": "10"}, {"Shards": "9"})


def test_the_names_that_are_looked_at_are_the_templates() -> None:
    assert {*concurrency.RESERVING, *concurrency.TAKING, "Shards", "Architecture"} <= {*DECLARED}
    assert {"AlarmsTo", "PublicUrl", "JwtIssuer", "JwtAudience"} <= {*guide.ASKED} & {*DECLARED}


def test_every_parameter_that_bounds_lambdas_is_in_the_quota() -> None:
    bounds = {name for name in DECLARED if name.endswith("Concurrency")}

    assert bounds == {*concurrency.RESERVING, *concurrency.TAKING}


# ── the template's Rules ──────────────────────────────────────────────────────────────────────


def test_defaults_break_no_rule() -> None:
    assertions.refuse_broken(TEMPLATE["Rules"], DEFAULTS | {"AWS::AccountId": "123456789012"})


def test_a_rule_of_the_template_is_judged() -> None:
    issuer = {"JwtIssuer": "https://id.example.com"}
    assertions.refuse_broken(TEMPLATE["Rules"], DEFAULTS | issuer | {"JwtAudience": "api"})

    with pytest.raises(Failure, match="JwtIssuer needs a JwtAudience"):
        assertions.refuse_broken(TEMPLATE["Rules"], DEFAULTS | issuer)


@pytest.mark.parametrize(
    ("term", "holds"),
    [
        ({"Fn::Equals": [{"Ref": "A"}, 0]}, True),
        ({"Fn::Equals": [{"Ref": "A"}, {"Ref": "B"}]}, False),
        ({"Fn::Not": [{"Fn::Equals": [{"Ref": "A"}, "0"]}]}, False),
        ({"Fn::And": [{"Fn::Equals": ["x", "x"]}, {"Fn::Equals": ["x", "y"]}]}, False),
        ({"Fn::Or": [{"Fn::Equals": ["x", "x"]}, {"Fn::Equals": ["x", "y"]}]}, True),
        ({"Fn::Contains": [["0", "1"], {"Ref": "A"}]}, True),
        ({"Fn::Contains": [["1"], {"Ref": "A"}]}, False),
        # What is not known here is judged by CloudFormation.
        ({"Fn::Not": [{"Fn::Equals": [{"Ref": "AWS::URLSuffix"}, "x"]}]}, True),
        ({"Fn::EachMemberIn": [["1"], ["2"]]}, True),
    ],
)
def test_the_functions_of_rules(term: Any, holds: bool) -> None:
    rules = {"Rule": {"Assertions": [{"Assert": term, "AssertDescription": "It is so."}]}}
    values = {"A": "0", "B": "1"}
    if holds:
        assertions.refuse_broken(rules, values)
    else:
        with pytest.raises(Failure, match="It is so"):
            assertions.refuse_broken(rules, values)
