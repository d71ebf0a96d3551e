"""Rules of IAM about policies and roles, and that nothing is allowed more than it says."""

import json
import re
from collections.abc import Iterator
from typing import Any

from local.intrinsics import Resolved
from tests.stack import documents, one_or_more
from tests.unit.aws_rules.rule import append, at_most, place, put, rule

API = "https://docs.aws.amazon.com/IAM/latest/APIReference/"
GUIDE = "https://docs.aws.amazon.com/IAM/latest/UserGuide/"
QUOTAS = f"{GUIDE}reference_iam-quotas.html"
CONDITIONS = f"{GUIDE}reference_policies_multi-value-conditions.html"
ROLE, MANAGED = "AWS::IAM::Role", "AWS::IAM::ManagedPolicy"
_ALLOW = {"Effect": "Allow", "Action": "sqs:SendMessage", "Resource": "arn:aws:sqs:eu-central-1:1:q"}  # fmt: skip
_BURY = ("HandleDeadLettersRole", "Policies", 0, "PolicyDocument", "Statement")
#: What has no resource, as the Service Authorization Reference says.
WITHOUT_RESOURCE = {
    *("ec2:CreateNetworkInterface", "ec2:DescribeNetworkInterfaces", "ec2:DescribeSubnets"),
    *("ec2:DeleteNetworkInterface", "ec2:AssignPrivateIpAddresses"),
    *("ec2:UnassignPrivateIpAddresses", "xray:PutTraceSegments", "xray:PutTelemetryRecords"),
}
OPERATORS = {
    *("StringEquals", "StringNotEquals", "StringEqualsIgnoreCase", "StringNotEqualsIgnoreCase"),
    *("StringLike", "StringNotLike", "NumericEquals", "NumericNotEquals", "NumericLessThan"),
    *("NumericLessThanEquals", "NumericGreaterThan", "NumericGreaterThanEquals", "DateEquals"),
    *("DateNotEquals", "DateLessThan", "DateLessThanEquals", "DateGreaterThan"),
    *("DateGreaterThanEquals", "Bool", "BinaryEquals", "IpAddress", "NotIpAddress", "ArnEquals"),
    *("ArnLike", "ArnNotEquals", "ArnNotLike", "Null"),
}

at_most(ROLE, "ManagedPolicyArns", 10, QUOTAS, "HandleDeadLettersRole", [{"Ref": "TracePolicy"}])
at_most(ROLE, "Description", 1000, f"{API}API_CreateRole.html", "HandleDeadLettersRole", "x")
at_most(ROLE, "RoleName", 64, QUOTAS, "HandleDeadLettersRole", "x")
at_most(MANAGED, "Description", 1000, f"{API}API_CreatePolicy.html", "OperationsPolicy", "x")
at_most(ROLE, "Policies.*.PolicyName", 128, QUOTAS, "HandleDeadLettersRole", "x")


def statements(given: Resolved) -> Iterator[tuple[str, dict[str, Any]]]:
    """Yield each statement with the resource whose policy it is in."""
    for name, resource in given.resources.items():
        for document in documents(resource.get("Properties", {})):
            for statement in document["Statement"]:
                yield name, statement


def allowing(given: Resolved) -> Iterator[tuple[str, dict[str, Any]]]:
    """Yield the statements of roles' policies that allow something."""
    for name, statement in statements(given):
        if statement["Effect"] == "Allow" and "Principal" not in statement:
            yield name, statement


def _characters(document: Any) -> int:
    """Return the size of a document as IAM reckons it: without white space."""
    return len(re.sub(r"\s", "", json.dumps(document)))


_LONG = [f"arn:aws:sqs:eu-central-1:1:{'q' * 60}{n}" for n in range(140)]


@rule(QUOTAS, append(_ALLOW | {"Resource": _LONG}, *_BURY))
def a_roles_own_policies_have_at_most_10240_characters(given: Resolved) -> Iterator[str]:
    for name, role in given.of_type(ROLE).items():
        size = sum(_characters(p["PolicyDocument"]) for p in role.get("Policies", []))
        if size > 10_240:
            yield f"{name}: {size} characters"


@rule(QUOTAS, append(_ALLOW | {"Resource": _LONG[:80]}, "OperationsPolicy", "PolicyDocument", "Statement"))  # fmt: skip
def a_managed_policy_has_at_most_6144_characters(given: Resolved) -> Iterator[str]:
    for name, policy in given.of_type(MANAGED).items():
        if (size := _characters(policy["PolicyDocument"])) > 6144:
            yield f"{name}: {size} characters"


@rule(
    QUOTAS,
    place(
        "x" * 2048,
        "Resources",
        "HandleDeadLettersRole",
        "Properties",
        "AssumeRolePolicyDocument",
        "Id",
    ),
)
def who_may_take_a_role_is_said_in_2048_characters(given: Resolved) -> Iterator[str]:
    for name, role in given.of_type(ROLE).items():
        if (size := _characters(role["AssumeRolePolicyDocument"])) > 2048:
            yield f"{name}: {size} characters"


@rule(
    f"{GUIDE}reference_policies_elements_version.html",
    put("2008-10-17", "OperationsPolicy", "PolicyDocument", "Version"),
)
def a_policy_is_of_the_newest_version_of_the_language(given: Resolved) -> Iterator[str]:
    for name, resource in given.resources.items():
        for document in documents(resource.get("Properties", {})):
            if document.get("Version") != "2012-10-17":
                yield f"{name}: {document.get('Version')}"


@rule(f"{GUIDE}best-practices.html", append(_ALLOW | {"Action": "sqs:*"}, *_BURY))
def no_role_is_allowed_all_actions_of_a_kind(given: Resolved) -> Iterator[str]:
    for name, statement in allowing(given):
        for action in one_or_more(statement.get("Action", [])):
            if "*" in action:
                yield f"{name}: {action}"


@rule(f"{GUIDE}best-practices.html", append(_ALLOW | {"Resource": "*"}, *_BURY))
def no_role_is_allowed_an_action_on_everything(given: Resolved) -> Iterator[str]:
    for name, statement in allowing(given):
        wide = set(one_or_more(statement.get("Action", []))) - WITHOUT_RESOURCE
        if "*" in one_or_more(statement.get("Resource", "")) and wide:
            yield f"{name}: {', '.join(sorted(wide))} on *"


@rule(
    f"{GUIDE}reference_policies_elements_notaction.html",
    append({"Effect": "Allow", "NotAction": "iam:*", "Resource": "arn:aws:sqs:eu-central-1:1:q"}, *_BURY),
)  # fmt: skip
def no_statement_allows_all_but_something(given: Resolved) -> Iterator[str]:
    for name, statement in statements(given):
        for key in ("NotAction", "NotResource", "NotPrincipal"):
            if statement["Effect"] == "Allow" and key in statement:
                yield f"{name}: {key}"


@rule(
    f"{GUIDE}reference_policies_elements_principal.html",
    append({"Effect": "Allow", "Principal": "*", "Action": "sqs:SendMessage", "Resource": "*"}, "QueuePolicy", "PolicyDocument", "Statement"),
)  # fmt: skip
def nobody_outside_the_account_is_allowed_anything(given: Resolved) -> Iterator[str]:
    for name, statement in statements(given):
        if statement["Effect"] == "Allow" and statement.get("Principal") in ("*", {"AWS": "*"}):
            yield f"{name}: {statement['Action']}"


@rule(
    "https://docs.aws.amazon.com/lambda/latest/dg/lambda-intro-execution-role.html",
    put("ec2.amazonaws.com", "HandleDeadLettersRole", "AssumeRolePolicyDocument", "Statement", 0, "Principal", "Service"),
)  # fmt: skip
def lambda_may_take_the_role_of_a_lambda(given: Resolved) -> Iterator[str]:
    roles = given.of_type(ROLE)
    for name, function in given.of_type("AWS::Lambda::Function").items():
        role = given.named_in(function["Role"]) or ""
        trust = one_or_more(roles[role]["AssumeRolePolicyDocument"]["Statement"])
        services = [s for t in trust for s in one_or_more(t["Principal"].get("Service", []))]
        if services != ["lambda.amazonaws.com"]:
            yield f"{role}: {services}, and {name} has it"


@rule(
    "https://docs.aws.amazon.com/service-authorization/latest/reference/reference_policies_actions-resources-contextkeys.html",
    append(_ALLOW | {"Resource": {"Fn::GetAtt": ["Topic", "TopicArn"]}}, *_BURY),
)
def an_action_is_allowed_on_what_its_service_has(given: Resolved) -> Iterator[str]:
    """A statement without effect is no error: AWS says nothing, until the call is refused."""
    for name, statement in allowing(given):
        for arn in one_or_more(statement.get("Resource", [])):
            for action in one_or_more(statement.get("Action", [])):
                if arn != "*" and arn.split(":")[2] != action.split(":")[0]:
                    yield f"{name}: {action} on {arn}"


@rule(
    "https://docs.aws.amazon.com/AmazonS3/latest/userguide/using-with-s3-policy-actions.html",
    append(_ALLOW | {"Action": "s3:ListBucket", "Resource": {"Fn::Sub": "${Bucket.Arn}/*"}}, *_BURY),
    append(_ALLOW | {"Action": "s3:GetObject", "Resource": {"Fn::GetAtt": ["Bucket", "Arn"]}}, *_BURY),
)  # fmt: skip
def objects_lie_under_a_bucket_and_lists_are_of_buckets(given: Resolved) -> Iterator[str]:
    for name, statement in allowing(given):
        for arn in one_or_more(statement.get("Resource", [])):
            for action in one_or_more(statement.get("Action", [])):
                if action.startswith("s3:") and ("Object" in action) != ("/" in arn):
                    yield f"{name}: {action} on {arn}"


@rule(
    "https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/specifying-conditions.html",
    append(_ALLOW | {"Action": "dynamodb:GetItem", "Resource": {"Fn::GetAtt": ["Table", "Arn"]}}, *_BURY),
)  # fmt: skip
def a_lambda_reaches_items_of_the_kinds_that_it_names(given: Resolved) -> Iterator[str]:
    for name, statement in allowing(given):
        arns = one_or_more(statement.get("Resource", []))
        tables = [a for a in arns if re.search(r":dynamodb:.*:table/[^/]+$", a)]
        keys = [v for c in statement.get("Condition", {}).values() for v in c]
        if tables and "dynamodb:LeadingKeys" not in keys:
            yield f"{name}: {statement['Action']} on every item"


@rule(
    CONDITIONS,
    append(
        _ALLOW
        | {
            "Action": "dynamodb:Scan",
            "Resource": {"Fn::GetAtt": ["Table", "Arn"]},
            "Condition": {"ForAllValues:StringLike": {"dynamodb:LeadingKeys": ["JOB#*"]}},
        },
        *_BURY,
    ),
)
def no_call_without_keys_is_bounded_by_keys(given: Resolved) -> Iterator[str]:
    """ForAllValues is true where there is no value: it would let a Scan see everything."""
    without = {"Scan", "PartiQLSelect", "PartiQLUpdate", "PartiQLDelete", "PartiQLInsert"}
    for name, statement in allowing(given):
        for action in one_or_more(statement.get("Action", [])):
            if action.removeprefix("dynamodb:") in without:
                yield f"{name}: {action}"


@rule(
    CONDITIONS,
    append(
        _ALLOW
        | {
            "Action": "dynamodb:GetItem",
            "Resource": {"Fn::GetAtt": ["Table", "Arn"]},
            "Condition": {"StringLike": {"dynamodb:LeadingKeys": ["JOB#*"]}},
        },
        *_BURY,
    ),
)
def leading_keys_are_compared_as_a_set(given: Resolved) -> Iterator[str]:
    for name, statement in allowing(given):
        for operator, compared in statement.get("Condition", {}).items():
            compares = operator != "Null" and not operator.startswith("ForAllValues:")
            if "dynamodb:LeadingKeys" in compared and compares:
                yield f"{name}: {operator}"


@rule(
    f"{GUIDE}reference_policies_elements_condition_operators.html",
    append(_ALLOW | {"Condition": {"StringLikes": {"aws:userid": "a"}}}, *_BURY),
)
def a_condition_compares_in_a_way_that_there_is(given: Resolved) -> Iterator[str]:
    for name, statement in statements(given):
        for operator in statement.get("Condition", {}):
            bare = re.sub(r"^(ForAllValues:|ForAnyValue:)|IfExists$", "", operator)
            if bare not in OPERATORS:
                yield f"{name}: {operator}"


@rule(
    f"{GUIDE}reference_policies_elements_sid.html",
    append(_ALLOW | {"Sid": "its own letters"}, *_BURY),
)
def a_statements_id_is_letters_and_digits(given: Resolved) -> Iterator[str]:
    for name, statement in statements(given):
        if not re.fullmatch(r"[A-Za-z0-9]*", statement.get("Sid", "")):
            yield f"{name}: {statement['Sid']}"
