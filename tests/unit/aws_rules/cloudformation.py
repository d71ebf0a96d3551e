"""Rules of CloudFormation about the template itself."""

import json
import re
from collections.abc import Iterator
from typing import Any

from local import assertions, intrinsics
from local.intrinsics import Resolved
from tests.unit.aws_rules.rule import Seed, add, place, rule

GUIDE = "https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/"
REFERENCE = "https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/"
QUOTAS = f"{GUIDE}cloudformation-limits.html"
#: How many of each a template may have.
MOST = {"Parameters": 200, "Mappings": 200, "Resources": 500, "Outputs": 200, "Conditions": 500}
PSEUDO = {
    *("AWS::AccountId", "AWS::NotificationARNs", "AWS::NoValue", "AWS::Partition", "AWS::Region"),
    *("AWS::StackId", "AWS::StackName", "AWS::URLSuffix"),
}
IN_CONDITIONS = {"And", "Equals", "If", "Not", "Or", "FindInMap", "Join", "Select", "Split", "Sub"}
IN_RULES = {
    *("And", "Contains", "EachMemberEquals", "EachMemberIn", "Equals", "If", "Not", "Or"),
    *("RefAll", "ValueOf", "ValueOfAll"),
}
#: What lasts where it is, so that it can be lost.
STATEFUL = {"AWS::DynamoDB::Table", "AWS::S3::Bucket", "AWS::SecretsManager::Secret"}


def _fill(section: str, number: int, value: Any) -> Seed:
    def seed(template: dict[str, Any]) -> None:
        template.setdefault(section, {}).update({f"Seeded{n}": value for n in range(number)})

    return seed


def _calls(value: Any) -> Iterator[tuple[str, Any]]:
    """Yield every function in a part of the template, `Ref` among them, and what it is of."""
    if isinstance(value, dict):
        for key, part in value.items():
            if key == "Ref" or key.startswith("Fn::"):
                yield key.removeprefix("Fn::"), part
            yield from _calls(part)
    elif isinstance(value, list):
        for part in value:
            yield from _calls(part)


# ── sizes ─────────────────────────────────────────────────────────────────────────────────────


@rule(QUOTAS, place("x" * 1_048_576, "Metadata", "Seeded"))
def a_template_has_at_most_1_mb(given: Resolved) -> Iterator[str]:
    if (size := len(json.dumps(given.template))) > 1_048_576:
        yield f"Template: {size} bytes"


@rule(
    QUOTAS,
    _fill("Parameters", 201, {"Type": "String", "Default": "x"}),
    _fill("Outputs", 201, {"Value": "x"}),
    _fill("Mappings", 201, {"a": {"b": "c"}}),
    _fill("Resources", 500, {"Type": "AWS::CloudFormation::WaitConditionHandle"}),
)
def a_template_has_at_most_so_many_of_each(given: Resolved) -> Iterator[str]:
    for section, most in MOST.items():
        if (number := len(given.template.get(section, {}))) > most:
            yield f"{section}: {number}, and {most} are allowed"


@rule(QUOTAS, place({f"r{n}": {"a": "b"} for n in range(201)}, "Mappings", "Seeded"))
def a_mapping_has_at_most_200_rows(given: Resolved) -> Iterator[str]:
    for name, mapping in given.template.get("Mappings", {}).items():
        if max(len(mapping), *map(len, mapping.values())) > 200:
            yield f"{name}: {len(mapping)} rows"


@rule(QUOTAS, place("x" * 1025, "Description"))
def a_templates_description_has_at_most_1024_bytes(given: Resolved) -> Iterator[str]:
    if (size := len(given.template.get("Description", "").encode())) > 1024:
        yield f"Description: {size} bytes"


@rule(
    f"{GUIDE}parameters-section-structure.html",
    place("x" * 4001, "Parameters", "Diagnostics", "Description"),
)
def a_parameters_description_has_at_most_4000_characters(given: Resolved) -> Iterator[str]:
    for name, parameter in given.template["Parameters"].items():
        if (size := len(parameter.get("Description", ""))) > 4000:
            yield f"{name}: {size} characters"


@rule(
    QUOTAS,
    place({"Type": "String", "Default": "x" * 4097}, "Parameters", "Seeded"),
)
def a_parameters_value_has_at_most_4096_bytes(given: Resolved) -> Iterator[str]:
    for name, value in given.parameters.items():
        if (size := len(str(value).encode())) > 4096:
            yield f"{name}: {size} bytes"


@rule(
    QUOTAS,
    place({"Type": "String", "Default": "x"}, "Parameters", "P" * 256),
    place({"Value": "x"}, "Outputs", "O" * 256),
)
def a_name_has_at_most_255_characters(given: Resolved) -> Iterator[str]:
    for section in ("Parameters", "Resources", "Outputs", "Mappings", "Conditions"):
        for name in given.template.get(section, {}):
            if len(name) > 255:
                yield f"{name[:20]}…: {len(name)} characters, in {section}"


@rule(
    f"{GUIDE}resources-section-structure.html",
    add("AWS::CloudFormation::WaitConditionHandle", {}, "wait-for-it"),
    place({"Value": "x"}, "Outputs", "Api_Url"),
)
def a_logical_id_is_letters_and_digits(given: Resolved) -> Iterator[str]:
    for section in ("Parameters", "Resources", "Outputs", "Mappings", "Conditions", "Rules"):
        for name in given.template.get(section, {}):
            if not name.isalnum() or not name.isascii():
                yield f"{name}: in {section}"


@rule(
    f"{GUIDE}mappings-section-structure.html",
    place({"a b": {"c": "d"}}, "Mappings", "Seeded"),
)
def the_rows_of_a_mapping_are_letters_digits_dots_and_hyphens(given: Resolved) -> Iterator[str]:
    for name, mapping in given.template.get("Mappings", {}).items():
        for row, columns in mapping.items():
            for key in (row, *columns):
                if not re.fullmatch(r"[A-Za-z0-9.-]+", str(key)):
                    yield f"{name}: {key}"


# ── references ────────────────────────────────────────────────────────────────────────────────


@rule(
    f"{REFERENCE}intrinsic-function-reference-ref.html",
    place({"Value": {"Ref": "Nothing"}}, "Outputs", "Seeded"),
    place({"Value": {"Fn::GetAtt": ["Nothing", "Arn"]}}, "Outputs", "Seeded"),
    place({"Value": {"Fn::Sub": "${Nothing}"}}, "Outputs", "Seeded"),
    place({"Value": {"Fn::If": ["Nothing", "a", "b"]}}, "Outputs", "Seeded"),
    place({"Value": {"Fn::FindInMap": ["AfterWork", "1", "Visibility"]}}, "Outputs", "Seeded"),
    place("Nothing", "Resources", "Sync", "DependsOn"),
)
def what_is_referred_to_is_there(given: Resolved) -> Iterator[str]:
    """Also under these parameters: what has a condition is referred to where that holds."""
    yield from given.dangling


@rule(
    f"{GUIDE}troubleshooting.html",
    place("Sync", "Resources", "SyncRole", "DependsOn"),
    place({"Ref": "QueuePolicy"}, "Resources", "OnTimeQueue", "Properties", "QueueName"),
)
def no_resource_needs_itself(given: Resolved) -> Iterator[str]:
    unsorted = {name: set(needs) for name, needs in given.needs.items()}
    while free := {name for name, needs in unsorted.items() if not needs & unsorted.keys()}:
        unsorted = {name: needs for name, needs in unsorted.items() if name not in free}
    if unsorted:
        yield f"{', '.join(sorted(unsorted))}: go round in a circle"


@rule(
    f"{GUIDE}conditions-section-structure.html",
    place({"Fn::Equals": [{"Ref": "Table"}, ""]}, "Conditions", "Seeded"),
    place({"Fn::Equals": [{"Fn::GetAtt": ["Table", "Arn"]}, ""]}, "Conditions", "Seeded"),
)
def conditions_are_about_parameters(given: Resolved) -> Iterator[str]:
    known = {*given.template.get("Parameters", {}), *PSEUDO}
    for name, condition in given.template.get("Conditions", {}).items():
        for how, what in _calls(condition):
            if (how == "Ref" and what not in known) or how not in {"Ref", *IN_CONDITIONS}:
                yield f"{name}: {how} {what}"


@rule(
    f"{REFERENCE}intrinsic-function-reference-rules.html",
    place(
        {"Assertions": [{"Assert": {"Fn::Not": [{"Fn::Equals": [{"Ref": "Table"}, ""]}]}}]},
        "Rules",
        "Seeded",
    ),
    place(
        {"Assertions": [{"Assert": {"Fn::Equals": [{"Fn::Join": ["", []]}, ""]}}]},
        "Rules",
        "Seeded",
    ),
    place({"Assertions": [{"Assert": {"Condition": "TakesTokens"}}]}, "Rules", "Seeded"),
)
def rules_are_about_parameters_in_functions_of_rules(given: Resolved) -> Iterator[str]:
    """They have neither Fn::Join nor Fn::Sub, and know no condition."""
    known = {*given.template.get("Parameters", {}), *PSEUDO}
    for name, said in given.template.get("Rules", {}).items():
        for how, what in _calls(said):
            if (how == "Ref" and what not in known) or how not in {"Ref", *IN_RULES}:
                yield f"{name}: {how} {what}"
        if re.search(r'"Condition":', json.dumps(said)):
            yield f"{name}: a condition"


@rule(
    f"{REFERENCE}intrinsic-function-reference-rules.html",
    place(
        {"Assertions": [{"Assert": {"Fn::Or": [{"Fn::Equals": ["a", "a"]}]}}]}, "Rules", "Seeded"
    ),
    place({"Fn::And": [{"Fn::Equals": ["a", "a"]}] * 11}, "Conditions", "Seeded"),
)
def and_and_or_are_of_2_to_10(given: Resolved) -> Iterator[str]:
    for section in ("Rules", "Conditions"):
        for how, what in _calls(given.template.get(section, {})):
            if how in ("And", "Or") and not 2 <= len(what) <= 10:
                yield f"{section}: {how} of {len(what)}"


@rule(
    f"{REFERENCE}intrinsic-function-reference-conditions.html",
    place(
        {"Fn::Equals": [{"Fn::Equals": ["a", "a"]}, {"Fn::Equals": ["b", "b"]}]},
        *("Conditions", "Seeded"),
    ),
)
def two_values_are_compared_not_two_conditions(given: Resolved) -> Iterator[str]:
    for section in ("Rules", "Conditions"):
        for how, what in _calls(given.template.get(section, {})):
            inner = (
                {next(iter(w)) for w in what if isinstance(w, dict)} if how == "Equals" else set()
            )
            if wrong := inner & {"Fn::And", "Fn::Equals", "Fn::Not", "Fn::Or", "Condition"}:
                yield f"{section}: Fn::Equals of {', '.join(sorted(wrong))}"


@rule(
    f"{GUIDE}rules-section-structure.html",
    place({"RuleCondition": {"Fn::Equals": ["a", "a"]}}, "Rules", "Seeded"),
    place({"Assertions": [{"AssertDescription": "It is so."}]}, "Rules", "Seeded"),
)
def a_rule_asserts_something(given: Resolved) -> Iterator[str]:
    for name, said in given.template.get("Rules", {}).items():
        asserted = said.get("Assertions", [])
        if not asserted or not all("Assert" in assertion for assertion in asserted):
            yield f"{name}: no Assert"


@rule(
    f"{GUIDE}rules-section-structure.html",
    place(
        {
            "Assertions": [
                {
                    "Assert": {"Fn::Equals": [{"Ref": "Diagnostics"}, "false"]},
                    "AssertDescription": "No.",
                }
            ]
        },
        "Rules",
        "Seeded",
    ),
)
def the_rules_take_these_parameters(given: Resolved) -> Iterator[str]:
    """The sets that this suite resolves the template with are sets that may be deployed."""
    values = {name: str(value) for name, value in given.parameters.items()}
    said = assertions.broken(
        given.template.get("Rules", {}), values | {"AWS::AccountId": intrinsics.ACCOUNT}
    )
    yield from (f"Rules: {description}" for description in said)


# ── resources ─────────────────────────────────────────────────────────────────────────────────


@rule(
    f"{REFERENCE}aws-attribute-deletionpolicy.html",
    place("Keep", "Resources", "Topic", "DeletionPolicy"),
)
def a_deletion_policy_is_one_that_there_is(given: Resolved) -> Iterator[str]:
    for name, resource in given.resources.items():
        policy = resource.get("DeletionPolicy", "Delete")
        if policy not in ("Delete", "Retain", "RetainExceptOnCreate", "Snapshot"):
            yield f"{name}: {policy}"


@rule(
    f"{REFERENCE}aws-attribute-updatereplacepolicy.html",
    place("RetainExceptOnCreate", "Resources", "Topic", "UpdateReplacePolicy"),
)
def an_update_replace_policy_is_one_that_there_is(given: Resolved) -> Iterator[str]:
    for name, resource in given.resources.items():
        policy = resource.get("UpdateReplacePolicy", "Delete")
        if policy not in ("Delete", "Retain", "Snapshot"):
            yield f"{name}: {policy}"


@rule(
    f"{REFERENCE}aws-attribute-deletionpolicy.html",
    place("Snapshot", "Resources", "Table", "DeletionPolicy"),
    place("Snapshot", "Resources", "MasterSecret", "UpdateReplacePolicy"),
)
def what_holds_data_outlives_a_mistake(given: Resolved) -> Iterator[str]:
    """None of these takes snapshots as it is deleted."""
    for name, resource in given.resources.items():
        for policy in ("DeletionPolicy", "UpdateReplacePolicy"):
            said = resource.get(policy, "Delete")
            if resource["Type"] in STATEFUL and not said.startswith("Retain"):
                yield f"{name}: {policy} is {said}"


@rule(
    f"{REFERENCE}aws-properties-resource-tags.html",
    place([{"Key": "aws:mine", "Value": "x"}], "Resources", "Topic", "Properties", "Tags"),
    place({"AWS:mine": "x"}, "Resources", "ApiApiGatewayDefaultStage", "Properties", "Tags"),
)
def no_tag_has_a_name_that_aws_keeps_for_itself(given: Resolved) -> Iterator[str]:
    for name, key in _tags(given):
        if key.lower().startswith("aws:"):
            yield f"{name}: {key}"


@rule(
    f"{REFERENCE}aws-properties-resource-tags.html",
    place([{"Key": "k" * 129, "Value": "x"}], "Resources", "Topic", "Properties", "Tags"),
)
def a_tags_name_has_at_most_128_characters(given: Resolved) -> Iterator[str]:
    for name, key in _tags(given):
        if len(key) > 128:
            yield f"{name}: {len(key)} characters"


def _tags(given: Resolved) -> Iterator[tuple[str, str]]:
    for name, resource in given.resources.items():
        tags = resource.get("Properties", {}).get("Tags", [])
        for key in tags if isinstance(tags, dict) else [tag["Key"] for tag in tags]:
            yield name, key


@rule(
    f"{GUIDE}outputs-section-structure.html",
    place({"Value": ["x"]}, "Outputs", "Seeded"),
    place({"Value": ""}, "Outputs", "Seeded"),
)
def an_output_is_a_text(given: Resolved) -> Iterator[str]:
    for name, output in given.outputs.items():
        if not isinstance(output["Value"], str | int | float) or output["Value"] == "":
            yield f"{name}: {output['Value']!r}"
