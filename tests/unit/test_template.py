"""The template as CloudFormation gets it: transformed, offline, with each parameter's default."""

import json
import os
import re
import subprocess
from typing import Any

import pytest

from local import assertions
from local.intrinsics import Resolved
from nowlater.aws import payload_keys
from nowlater.instants import LONGEST_POSTPONEMENT_S
from nowlater.notifications import delivery, send
from tests import stack
from tests.stack import of_type, one_or_more, statements
from tests.unit.aws_rules import transformed as given_to_aws
from tests.unit.aws_rules.transformed import transformed

SOURCE = stack.template()
PARAMETERS: dict[str, Any] = SOURCE["Parameters"]

#: What a log line needs, in the group that all Lambdas share.
LOGS = {"logs:CreateLogStream", "logs:PutLogEvents"}
#: What Lambda needs to receive from each kind of source (local-stack facts and AWS's manual).
FROM_QUEUE = {"sqs:ReceiveMessage", "sqs:DeleteMessage", "sqs:GetQueueAttributes"}
FROM_STREAM = {
    "dynamodb:GetRecords",
    "dynamodb:GetShardIterator",
    "dynamodb:DescribeStream",
    "dynamodb:ListStreams",
}
#: Statements that allow an action on every resource, and why.
ON_EVERYTHING: dict[str, str] = {
    **dict.fromkeys(
        (
            "ec2:AssignPrivateIpAddresses",
            "ec2:CreateNetworkInterface",
            "ec2:DeleteNetworkInterface",
            "ec2:DescribeNetworkInterfaces",
            "ec2:DescribeSubnets",
            "ec2:UnassignPrivateIpAddresses",
        ),
        "EC2 names a network interface only once it is made; only where OperationsSubnets are given",
    ),
    **dict.fromkeys(
        ("xray:PutTelemetryRecords", "xray:PutTraceSegments"),
        "X-Ray has no resources to name; only where Tracing is Active",
    ),
}


#: The roles that are for CodeDeploy.
CODEDEPLOYS = {"RolloutRole"}
#: A Lambda's alias, as SAM names it.
ALIAS = "Aliaslive"


def allowed(resources: dict[str, Any], role: str, on: Any = None) -> set[str]:
    """Return the actions that a role's own statements allow, on one resource if that is given."""
    return {
        action
        for statement in statements(resources[role]["Properties"]["Policies"])
        if on is None or on in one_or_more(statement["Resource"])
        for action in one_or_more(statement["Action"])
    }


# ── permissions ───────────────────────────────────────────────────────────────────────────────


def test_no_statement_allows_every_action_of_a_service(resources: dict[str, Any]) -> None:
    found = statements(resources)
    actions = [a for s in found if s["Effect"] == "Allow" for a in one_or_more(s["Action"])]

    assert len(actions) > 20
    assert [a for a in actions if "*" in a] == []
    assert all("NotAction" not in s and "NotResource" not in s for s in found)


def test_no_statement_allows_anything_on_every_resource(resources: dict[str, Any]) -> None:
    wide = {
        action
        for statement in statements(resources)
        if statement["Effect"] == "Allow" and "*" in one_or_more(statement.get("Resource", ""))
        for action in one_or_more(statement["Action"])
    }

    assert wide == set(ON_EVERYTHING)


def test_nothing_outside_the_account_is_allowed_anything(resources: dict[str, Any]) -> None:
    opened = [
        s
        for s in statements(resources)
        if s["Effect"] == "Allow" and s.get("Principal") in ("*", {"AWS": "*"})
    ]

    assert opened == []


def test_every_lambda_has_the_role_of_its_name(resources: dict[str, Any]) -> None:
    lambdas = of_type(resources, "AWS::Lambda::Function")

    assert len(lambdas) >= 10
    for name, properties in lambdas.items():
        assert properties["Role"] == {"Fn::GetAtt": [f"{name}Role", "Arn"]}


def test_sam_makes_no_role_and_attaches_no_policy(resources: dict[str, Any]) -> None:
    ours = {n for n, r in SOURCE["Resources"].items() if r["Type"] == "AWS::IAM::Role"}
    roles = of_type(resources, "AWS::IAM::Role")

    ours -= CODEDEPLOYS
    assert set(roles) - CODEDEPLOYS == ours
    network = {"Fn::If": ["NeedsNetwork", {"Ref": "NetworkPolicy"}, {"Ref": "AWS::NoValue"}]}
    traces = {"Fn::If": ["Traces", {"Ref": "TracePolicy"}, {"Ref": "AWS::NoValue"}]}
    operations = [{"Ref": "OperationsPolicy"}, network, traces]
    assert {n: r.get("ManagedPolicyArns") for n, r in roles.items() if n in ours} == {
        name: operations if name in ("SyncRole", "WorkRole") else [traces] for name in ours
    }


def test_a_role_is_for_one_service_alone_and_says_what_it_is_for(
    resources: dict[str, Any],
) -> None:
    for name, role in of_type(resources, "AWS::IAM::Role").items():
        service = "codedeploy" if name in CODEDEPLOYS else "lambda"
        assert role["AssumeRolePolicyDocument"]["Statement"] == [
            {
                "Effect": "Allow",
                "Principal": {"Service": f"{service}.amazonaws.com"},
                "Action": "sts:AssumeRole",
            }
        ]
        assert role["PermissionsBoundary"] == {
            "Fn::If": ["BoundsRoles", {"Ref": "PermissionsBoundary"}, {"Ref": "AWS::NoValue"}]
        }


def test_every_lambda_may_write_its_log_lines(resources: dict[str, Any]) -> None:
    group = {"Fn::Sub": "${Logs.Arn}:*"}
    for name, properties in of_type(resources, "AWS::Lambda::Function").items():
        assert properties["LoggingConfig"]["LogGroup"] == {"Ref": "Logs"}
        assert allowed(resources, f"{name}Role", group) >= LOGS


def test_every_lambda_may_receive_from_what_wakes_it(resources: dict[str, Any]) -> None:
    mappings = of_type(resources, "AWS::Lambda::EventSourceMapping")

    assert len(mappings) >= 4
    for mapping in mappings.values():
        source = mapping["EventSourceArn"]
        needed = FROM_STREAM if source["Fn::GetAtt"][1] == "StreamArn" else FROM_QUEUE
        role = f"{mapping['FunctionName']['Ref'].removesuffix(ALIAS)}Role"
        assert allowed(resources, role, source) >= needed
        if needed is FROM_QUEUE:  # it postpones messages
            assert "sqs:ChangeMessageVisibility" in allowed(resources, role, source)
            assert mapping["FunctionResponseTypes"] == ["ReportBatchItemFailures"]


def test_no_message_is_received_together_with_one_whose_job_runs(
    resources: dict[str, Any],
) -> None:
    """What else a worker had received would be hidden until the queue's time-out if it died."""
    mappings = of_type(resources, "AWS::Lambda::EventSourceMapping").values()
    sizes = [m["BatchSize"] for m in mappings if m["FunctionName"] == {"Ref": f"Work{ALIAS}"}]

    assert sizes == [1, 1]


@pytest.mark.parametrize(
    ("role", "kinds"),
    [
        ("SendWebhooksRole", {"DELIVERY#*"}),
        ("WebhooksRole", {"JOB#*", "DELIVERY#*", "SECRET#*"}),
        ("NotifyRole", {"STATS#*"}),
        ("StatusRole", {"JOB#*", "DELIVERY#*"}),
        ("SweepRole", {"JOB#*", "DELIVERY#*"}),
        ("HandleDeadLettersRole", {"JOB#*", "DELIVERY#*"}),
    ],
)
def test_who_changes_items_changes_those_of_its_kind_alone(
    resources: dict[str, Any], role: str, kinds: set[str]
) -> None:
    changing = [
        statement["Condition"]["ForAllValues:StringLike"]["dynamodb:LeadingKeys"]
        for statement in statements(resources[role]["Properties"]["Policies"])
        if "dynamodb:UpdateItem" in one_or_more(statement["Action"])
    ]

    assert set(changing[0]) == kinds
    assert len(changing) == 1


@pytest.mark.parametrize(
    ("role", "kinds"),
    [
        ("AuthorizeRole", {"dynamodb:GetItem": {"APIKEY#*"}}),
        ("WorkRole", {"dynamodb:GetItem": {"JOB#*"}, "dynamodb:UpdateItem": {"JOB#*"}}),
        *(
            (
                role,
                {
                    "dynamodb:PutItem": {"JOB#*", "KEY#*"},
                    "dynamodb:GetItem": {"JOB#*", "KEY#*", "STATS#*"},
                    "dynamodb:UpdateItem": changed,
                    "dynamodb:Query": {"JOB#*"},
                },
            )
            for role, changed in (("SubmitRole", {"JOB#*", "UPLOADS#*"}), ("HybridRole", {"JOB#*"}))
        ),
    ],
)
def test_what_a_role_may_do_in_which_partitions(
    resources: dict[str, Any], role: str, kinds: dict[str, set[str]]
) -> None:
    found: dict[str, set[str]] = {}
    for statement in statements(resources[role]["Properties"]["Policies"]):
        for action in one_or_more(statement["Action"]):
            if action.startswith("dynamodb:"):
                keys = statement["Condition"]["ForAllValues:StringLike"]["dynamodb:LeadingKeys"]
                found.setdefault(action, set()).update(keys)

    assert found == kinds


def test_every_statement_about_the_table_names_its_partitions(resources: dict[str, Any]) -> None:
    about = [
        statement
        for statement in statements(resources)
        if {"Fn::GetAtt": ["Table", "Arn"]} in one_or_more(statement.get("Resource", []))
    ]

    assert len(about) > 10
    for statement in about:
        condition = statement["Condition"]
        assert condition.keys() == {"ForAllValues:StringLike", "Null"}
        assert condition["Null"] == {"dynamodb:LeadingKeys": "false"}  # else a scan passes
        keys = condition["ForAllValues:StringLike"]["dynamodb:LeadingKeys"]
        assert all(key.endswith("#*") and len(key) > 2 for key in keys)


def test_operations_list_uploads_alone(resources: dict[str, Any]) -> None:
    found = statements(resources["OperationsPolicy"])
    (listing,) = [s for s in found if "s3:ListBucket" in one_or_more(s["Action"])]

    assert listing["Condition"] == {"StringLike": {"s3:prefix": "uploads/*"}}


@pytest.mark.parametrize("role", ["SubmitRole", "HybridRole"])
def test_who_looks_at_quotas_lists_jobs_alone(resources: dict[str, Any], role: str) -> None:
    (looking,) = [
        statement
        for statement in statements(resources[role]["Properties"]["Policies"])
        if "dynamodb:Query" in one_or_more(statement["Action"])
    ]

    assert one_or_more(looking["Action"]) == ["dynamodb:Query"]
    keys = looking["Condition"]["ForAllValues:StringLike"]["dynamodb:LeadingKeys"]
    assert keys == ["JOB#*"]


def test_what_the_stream_gives_up_can_be_kept(resources: dict[str, Any]) -> None:
    (stream,) = [
        m
        for m in of_type(resources, "AWS::Lambda::EventSourceMapping").values()
        if m["EventSourceArn"]["Fn::GetAtt"][1] == "StreamArn"
    ]
    role = f"{stream['FunctionName']['Ref'].removesuffix(ALIAS)}Role"

    assert stream["MaximumRecordAgeInSeconds"] == 23 * 3600
    assert stream["MaximumRetryAttempts"] == -1  # as often as there is time for
    assert stream["BisectBatchOnFunctionError"] is True
    assert stream["DestinationConfig"]["OnFailure"]["Destination"] == {
        "Fn::GetAtt": ["Bucket", "Arn"]
    }
    assert "s3:PutObject" in allowed(resources, role, {"Fn::Sub": "${Bucket.Arn}/aws/lambda/*"})


def test_only_the_describing_routes_are_open_to_all() -> None:
    paths = transformed()["Resources"]["Api"]["Properties"]["Body"]["paths"]
    opened = {
        f"{method} {path}"
        for path, methods in paths.items()
        for method, route in methods.items()
        if route.get("security", [{"NONE": []}]) == [{"NONE": []}]
    }

    described = {"get /openapi.json", "get /asyncapi.json", "get /docs", "get /docs/{file}"}
    described |= {"get /health", "get /problems/{name}"}
    described |= {"get /console", "get /console/{version}/{file}"}  # files; it calls with a key
    heads = {f"head {route.removeprefix('get ')}" for route in described}
    assert opened == described | heads | {"x-amazon-apigateway-any-method $default"}
    assert sum(map(len, paths.values())) > len(opened) + 10


# ── time ──────────────────────────────────────────────────────────────────────────────────────


def test_a_message_comes_back_30_seconds_after_its_worker_is_dead(
    resources: dict[str, Any],
) -> None:
    table = SOURCE["Mappings"]["AfterWork"]
    found_in_map = {"Fn::FindInMap": ["AfterWork", {"Ref": "WorkTimeout"}, "Visibility"]}

    assert {name: row["Visibility"] for name, row in table.items()} == {
        value: int(value) + 30 for value in PARAMETERS["WorkTimeout"]["AllowedValues"]
    }
    for lane in ("OnTimeQueue", "FlexibleQueue"):
        assert SOURCE["Resources"][lane]["Properties"]["VisibilityTimeout"] == found_in_map
        assert resources[lane]["Properties"]["VisibilityTimeout"] in (found_in_map, 330)


def test_the_worker_may_take_as_long_as_the_parameter_says() -> None:
    work = SOURCE["Resources"]["Work"]["Properties"]

    assert work["Timeout"] == {"Ref": "WorkTimeout"}
    assert max(map(int, PARAMETERS["WorkTimeout"]["AllowedValues"])) <= 1800


def test_a_lambda_behind_the_api_does_not_outlive_the_apis_own_30_seconds(
    resources: dict[str, Any],
) -> None:
    lambdas = of_type(resources, "AWS::Lambda::Function")
    behind = [
        name
        for name, made in SOURCE["Resources"].items()
        if any(e["Type"] == "HttpApi" for e in made["Properties"].get("Events", {}).values())
    ]

    assert {n: lambdas[n]["Timeout"] for n in behind if lambdas[n]["Timeout"] > 30} == {}


def test_a_queue_hides_a_message_at_least_as_long_as_its_lambda_may_take(
    resources: dict[str, Any],
) -> None:
    timeout_s = resources["HandleDeadLetters"]["Properties"]["Timeout"]

    assert resources["DeadLetterQueue"]["Properties"]["VisibilityTimeout"] >= timeout_s


def test_a_webhook_outlives_its_tries_and_a_try_its_time_limit(resources: dict[str, Any]) -> None:
    timeout_s = resources["SendWebhooks"]["Properties"]["Timeout"]
    queue = resources["WebhookQueue"]["Properties"]

    assert send.TOTAL_S == 15  # as the docs say
    assert timeout_s >= 2 * send.TOTAL_S
    assert queue["VisibilityTimeout"] > timeout_s
    assert queue["MessageRetentionPeriod"] > delivery.GIVE_UP_AFTER_S
    assert queue["RedrivePolicy"]["maxReceiveCount"] == 1000


def test_messages_outlive_every_deadline(resources: dict[str, Any]) -> None:
    day_s = 86_400
    for lane in ("OnTimeQueue", "FlexibleQueue"):
        properties = resources[lane]["Properties"]
        assert properties["MessageRetentionPeriod"] == 8 * day_s
        assert properties["RedrivePolicy"] == {
            "deadLetterTargetArn": {"Fn::GetAtt": ["DeadLetterQueue", "Arn"]},
            "maxReceiveCount": 1000,
        }
    assert resources["DeadLetterQueue"]["Properties"]["MessageRetentionPeriod"] == 14 * day_s


def test_the_guarantees_say_how_late_a_flexible_job_may_end() -> None:
    page = (stack.ROOT / "docs" / "guarantees.md").read_text()
    after = SOURCE["Mappings"]["AfterWork"]
    usual, longest = (
        (LONGEST_POSTPONEMENT_S + after[work_s]["Visibility"] + 59) // 60
        for work_s in (PARAMETERS["WorkTimeout"]["Default"], max(after, key=int))
    )

    assert (
        f"({usual} minutes in all, {longest} at a `WorkTimeout` of {max(after, key=int)})" in page
    )


def test_every_log_group_forgets(resources: dict[str, Any]) -> None:
    groups = of_type(resources, "AWS::Logs::LogGroup")

    assert groups
    for group in groups.values():
        assert group["RetentionInDays"] in ({"Ref": "LogRetention"}, 30)


# ── what is kept ──────────────────────────────────────────────────────────────────────────────


def test_the_table_forgets_streams_and_has_a_sparse_index_of_keys(
    resources: dict[str, Any],
) -> None:
    (table,) = of_type(resources, "AWS::DynamoDB::Table").values()
    (index,) = table["GlobalSecondaryIndexes"]

    assert table["TimeToLiveSpecification"] == {"AttributeName": "ttl", "Enabled": True}
    assert table["StreamSpecification"] == {"StreamViewType": "NEW_AND_OLD_IMAGES"}
    assert table["PointInTimeRecoverySpecification"]["PointInTimeRecoveryEnabled"] is True
    assert index["IndexName"] == "due"
    assert index["Projection"] == {"ProjectionType": "KEYS_ONLY"}
    assert [key["AttributeName"] for key in index["KeySchema"]] == ["due_shard", "due_at"]


def test_the_topic_is_encrypted_and_signs_with_sha_256(resources: dict[str, Any]) -> None:
    (topic,) = of_type(resources, "AWS::SNS::Topic").values()

    assert topic["KmsMasterKeyId"] == "alias/aws/sns"
    assert topic["SignatureVersion"] == "2"


def test_the_queues_are_encrypted(resources: dict[str, Any]) -> None:
    for queue in of_type(resources, "AWS::SQS::Queue").values():
        assert queue["SqsManagedSseEnabled"] is True


def test_a_key_that_was_taken_back_is_good_for_five_minutes_at_most(
    resources: dict[str, Any],
) -> None:
    api = resources["Api"]["Properties"]["Body"]["components"]["securitySchemes"]["Keys"]

    assert api["x-amazon-apigateway-authorizer"]["authorizerResultTtlInSeconds"] == 300


def test_the_bucket_is_private_and_encrypted(resources: dict[str, Any]) -> None:
    (bucket,) = of_type(resources, "AWS::S3::Bucket").values()
    blocks = bucket["PublicAccessBlockConfiguration"]

    assert len(blocks) == 4
    assert all(blocks.values())
    assert bucket["OwnershipControls"]["Rules"] == [{"ObjectOwnership": "BucketOwnerEnforced"}]
    assert bucket["BucketEncryption"]


def test_every_object_is_forgotten_some_day(resources: dict[str, Any]) -> None:
    rules = resources["Bucket"]["Properties"]["LifecycleConfiguration"]["Rules"]
    days = {rule["Prefix"]: rule["ExpirationInDays"] for rule in rules if "Prefix" in rule}

    assert all(rule["Status"] == "Enabled" for rule in rules)
    assert set(days) == {
        "inputs/",
        "uploads/",
        "results/",
        "dead-letters/",
        payload_keys.UNPUBLISHED,
    }
    #: A start 30 days ahead, a deadline 7 behind it, and 30 days kept.
    assert min(days["inputs/"], days["uploads/"]) >= 67
    assert days["results/"] > 30
    #: A record that could not be published is put into the bucket within its day, and objects
    #: expire at midnight; `make republish` of one by Lambda can have Notify write it again.
    assert (1 + 2 * (days[payload_keys.UNPUBLISHED] + 1)) * 86_400 < delivery.TOMBSTONE_S
    assert any("AbortIncompleteMultipartUpload" in rule for rule in rules)


def test_the_guarantees_say_how_long_copies_of_erased_data_remain(
    resources: dict[str, Any],
) -> None:
    rules = resources["Bucket"]["Properties"]["LifecycleConfiguration"]["Rules"]
    days = {rule["Prefix"]: rule["ExpirationInDays"] for rule in rules if "Prefix" in rule}
    page = (stack.ROOT / "docs" / "guarantees.md").read_text()

    assert f"Uploads are deleted after {days['uploads/']} days" in page
    assert f"results and inputs after {days['results/']} and {days['inputs/']} days" in page
    unpublished = days[payload_keys.UNPUBLISHED]
    assert (
        "- unpublished records, which `make republish` publishes with their content "
        f"({unpublished} days, and {unpublished} more" in page
    )
    assert f"unreadable messages in the bucket ({days['dead-letters/']} days)" in page
    assert f"whose call to the bucket failed ({days['results/']} days)" in page
    assert f"that a request with the same key stored late ({days['inputs/']} days)" in page
    assert days["uploads/"] == days["inputs/"]  # the page says both in one


def test_the_manual_says_how_long_messages_live(resources: dict[str, Any]) -> None:
    queues = of_type(resources, "AWS::SQS::Queue")
    days = {name: queue["MessageRetentionPeriod"] // 86_400 for name, queue in queues.items()}
    guarantees, operating = (
        " ".join((stack.ROOT / "docs" / name).read_text().split())
        for name in ("guarantees.md", "operating.md")
    )

    assert days["OnTimeQueue"] == days["FlexibleQueue"]
    assert f"Messages live for {days['OnTimeQueue']} days" in guarantees
    assert f"Webhooks' messages live for {days['WebhookQueue']} days" in guarantees
    assert (
        f"in their queue ({days['WebhookQueue']} days) "
        f"or the dead-letter queue ({days['DeadLetterQueue']} days)" in guarantees
    )
    assert (
        f"A lane can be disabled for {days['OnTimeQueue']} days, "
        f"webhooks for {days['WebhookQueue']}" in operating
    )


def test_bucket_and_queues_refuse_requests_without_tls(resources: dict[str, Any]) -> None:
    guarded = {"BucketPolicy": ("s3:*", "Bucket"), "QueuePolicy": ("sqs:*", "Queues")}
    guarded |= {"TopicPolicy": (["sns:Publish", "sns:Subscribe"], "Topics")}
    for name, (actions, on) in guarded.items():
        policy = resources[name]["Properties"]
        (deny,) = statements(policy)
        assert deny["Effect"] == "Deny"
        assert deny["Principal"] == "*"
        assert deny["Action"] == actions
        assert deny["Condition"] == {"Bool": {"aws:SecureTransport": "false"}}
        kind = {"Bucket": "S3::Bucket", "Queues": "SQS::Queue", "Topics": "SNS::Topic"}[on]
        named = {part["Ref"] for part in one_or_more(policy[on])}
        assert named == set(of_type(resources, f"AWS::{kind}"))


def test_a_queues_policy_names_no_queue_for_sqs_takes_one_alone(resources: dict[str, Any]) -> None:
    (deny,) = statements(resources["QueuePolicy"])

    assert deny["Resource"] == "*"


def test_what_is_kept_outlives_the_stack(resources: dict[str, Any]) -> None:
    kept = {
        "Table": "Retain",
        "Bucket": "RetainExceptOnCreate",
        "MasterSecret": "RetainExceptOnCreate",
    }

    assert {name: resources[name]["DeletionPolicy"] for name in kept} == kept
    assert {resources[name]["UpdateReplacePolicy"] for name in kept} == {"Retain"}
    assert resources["Table"]["Properties"]["DeletionProtectionEnabled"] is True


def test_cors_is_one_object_or_absent(resources: dict[str, Any]) -> None:
    rules = resources["Api"]["Properties"]["Body"]["x-amazon-apigateway-cors"]
    condition, cors, otherwise = rules["Fn::If"]

    assert (condition, otherwise) == ("AllowsOrigins", {"Ref": "AWS::NoValue"})
    assert set(cors) == {"allowOrigins", "allowMethods", "allowHeaders", "exposeHeaders", "maxAge"}
    assert cors["allowOrigins"]["Fn::Split"][0] == ","


def test_lambda_filters_the_log_at_the_level_of_the_parameter(resources: dict[str, Any]) -> None:
    assert SOURCE["Mappings"]["Logging"].keys() == set(PARAMETERS["LogLevel"]["AllowedValues"])
    assert {row["Level"] for row in SOURCE["Mappings"]["Logging"].values()} <= {
        *("TRACE", "DEBUG", "INFO", "WARN", "ERROR", "FATAL")  # as Lambda names them
    }
    for lambda_ in SOURCE["Globals"], *of_type(resources, "AWS::Lambda::Function").values():
        logging = lambda_.get("LoggingConfig") or lambda_["Function"]["LoggingConfig"]
        assert logging["ApplicationLogLevel"] in (
            {"Fn::FindInMap": ["Logging", {"Ref": "LogLevel"}, "Level"]},
            "INFO",
        )


def test_a_clocks_event_that_is_old_is_not_handled(resources: dict[str, Any]) -> None:
    (config,) = of_type(resources, "AWS::Lambda::EventInvokeConfig").values()

    assert config["FunctionName"] == {"Ref": "Sweep"}
    assert (config["MaximumEventAgeInSeconds"], config["MaximumRetryAttempts"]) == (60, 0)


def test_nothing_is_named_so_that_two_stacks_can_live_side_by_side(
    resources: dict[str, Any],
) -> None:
    names = ("TableName", "QueueName", "TopicName", "BucketName", "FunctionName", "RoleName", "LogGroupName")  # fmt: skip
    kinds = (
        "MetricFilter",
        "EventSourceMapping",
        "Permission",
        "Version",
        "Alias",
        "EventInvokeConfig",
    )
    named = [
        (logical_id, name)
        for logical_id, made in resources.items()
        if made["Type"].rpartition("::")[2] not in kinds
        for name in names
        if name in made.get("Properties", {})
    ]

    assert named == [("AccessLogs", "LogGroupName")]
    assert "${AWS::StackName}" in str(resources["AccessLogs"]["Properties"]["LogGroupName"])


# ── parameters and layers ─────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("name", PARAMETERS)
def test_a_parameter_has_a_default_and_a_description(name: str) -> None:
    parameter = PARAMETERS[name]

    assert "Default" in parameter
    assert parameter.get("Description", "").endswith((".", ")"))


def test_every_parameter_is_used_and_shown_in_a_group() -> None:
    groups = SOURCE["Metadata"]["AWS::CloudFormation::Interface"]["ParameterGroups"]
    shown = [name for group in groups for name in group["Parameters"]]
    used = json.dumps({k: v for k, v in SOURCE.items() if k not in ("Parameters", "Metadata")})

    assert sorted(shown) == sorted(PARAMETERS)
    assert [n for n in PARAMETERS if f'"{n}"' not in used and f"${{{n}}}" not in used] == []


@pytest.mark.parametrize(
    ("layer", "group"), [("nowlater", "--no-dev"), ("tokens", "--only-group=tokens")]
)
def test_a_layer_ships_what_the_lock_says(layer: str, group: str) -> None:
    exported = subprocess.run(
        [
            os.environ.get("UV") or stack.ROOT / ".local/tools/bin/uv",
            *("export", "--frozen", "--offline", "--quiet", group),
            *("--no-header", "--no-annotate", "--no-emit-project"),
        ],
        cwd=stack.ROOT,
        capture_output=True,
        text=True,
        check=True,
    ).stdout

    assert exported
    assert (stack.ROOT / f"layers/{layer}/requirements.txt").read_text() == exported


@pytest.mark.parametrize("layer", ["nowlater", "tokens"])
def test_a_layer_ships_only_files_whose_hashes_the_lock_has(layer: str) -> None:
    folder = stack.ROOT / "layers" / layer
    pins = re.split(r"\n(?=\S)", (folder / "requirements.txt").read_text().strip())

    assert "HASHES := --require-hashes\n" in (folder / "Makefile").read_text()
    assert [pin for pin in pins if "--hash=sha256:" not in pin] == []


def test_features_for_companies_exist_only_when_their_parameters_ask_for_them() -> None:
    on, off = (given_to_aws.resolved(name) for name in ("everything on", "defaults"))
    given = given_to_aws.parameters("everything on")

    def seen(stack_: Resolved) -> dict[str, Any]:
        lambdas = stack_.of_type("AWS::Lambda::Function")
        (api,) = stack_.of_type("AWS::ApiGatewayV2::Api").values()
        (stage,) = stack_.of_type("AWS::ApiGatewayV2::Stage").values()
        roles = stack_.of_type("AWS::IAM::Role").values()
        (server,) = api["Body"]["servers"]
        return {
            "hidden": server["x-amazon-apigateway-endpoint-configuration"],
            "rates": stage.get("DefaultRouteSettings"),
            "networks": {name: f["VpcConfig"] for name, f in lambdas.items() if "VpcConfig" in f},
            "tracing": {f["TracingConfig"]["Mode"] for f in lambdas.values()},
            "boundaries": {role.get("PermissionsBoundary") for role in roles},
        }

    network = {
        "SubnetIds": given["OperationsSubnets"].split(","),
        "SecurityGroupIds": given["OperationsSecurityGroups"].split(","),
    }
    assert seen(on) == {
        "hidden": {"disableExecuteApiEndpoint": True},
        "rates": {"ThrottlingRateLimit": 100, "ThrottlingBurstLimit": 200},
        "networks": {"Sync": network, "Work": network},
        "tracing": {"Active"},
        "boundaries": {given["PermissionsBoundary"]},
    }
    assert seen(off) == {
        "hidden": {"disableExecuteApiEndpoint": False},
        "rates": None,
        "networks": {},
        "tracing": {"PassThrough"},
        "boundaries": {None},
    }


def test_operations_may_not_do_with_networks_what_lambda_may(resources: dict[str, Any]) -> None:
    allow, deny = statements(resources["NetworkPolicy"])
    changing = {action for action in allow["Action"] if ":Describe" not in action}

    assert (allow["Effect"], deny["Effect"]) == ("Allow", "Deny")
    assert set(deny["Action"]) == changing
    assert "lambda:SourceFunctionArn" in deny["Condition"]["ArnLike"]


def test_by_default_a_new_account_has_concurrency_for_callers(resources: dict[str, Any]) -> None:
    """A new account runs ten Lambdas at once. (What parameters reserve is checked by AWS's rules.)"""
    mappings = of_type(resources, "AWS::Lambda::EventSourceMapping")

    assert mappings["NotifyEnds"]["ParallelizationFactor"] == 1
    assert mappings["HandleDeadLettersLetters"]["ScalingConfig"] == {"MaximumConcurrency": 2}


def test_lambda_itself_logs_failures_alone(resources: dict[str, Any]) -> None:
    for lambda_ in of_type(resources, "AWS::Lambda::Function").values():
        assert lambda_["LoggingConfig"]["SystemLogLevel"] == "WARN"


# ── access ────────────────────────────────────────────────────────────────────────────────────


def fails(**given: str) -> list[str]:
    """Return what CloudFormation says of parameters, by the template's Rules."""
    values = {name: str(p["Default"]) for name, p in PARAMETERS.items()}
    return assertions.broken(SOURCE["Rules"], values | {"AWS::AccountId": "123456789012"} | given)


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({}, []),
        ({"JwtIssuer": "https://id.example.com"}, ["JwtIssuer needs a JwtAudience."]),
        ({"JwtIssuer": "https://id.example.com", "JwtAudience": "nowlater"}, []),
        ({"LoopbackCallbacks": "true"}, ["LoopbackCallbacks is for the local stack alone."]),
        ({"LoopbackCallbacks": "true", "AWS::AccountId": "000000000000"}, []),
        ({"RequestRate": "100"}, ["RequestRate needs a RequestBurst."]),
        ({"RequestBurst": "100"}, ["RequestBurst needs a RequestRate."]),
        ({"RequestRate": "100", "RequestBurst": "200"}, []),
        (
            {"OperationsSubnets": "subnet-0123abcd"},
            ["OperationsSubnets needs OperationsSecurityGroups."],
        ),
        ({"OperationsSecurityGroups": "sg-0123abcd"}, []),
        ({"OperationsSubnets": "subnet-0123abcd", "OperationsSecurityGroups": "sg-0123abcd"}, []),
        (
            {"DisableExecuteApiEndpoint": "true"},
            ["DisableExecuteApiEndpoint needs the PublicUrl of a custom domain."],
        ),
        ({"DisableExecuteApiEndpoint": "true", "PublicUrl": "https://api.example.com"}, []),
    ],
)
def test_parameters_that_make_no_sense_together_are_refused(
    given: dict[str, str], said: list[str]
) -> None:
    assert fails(**given) == said


@pytest.mark.parametrize(
    ("name", "right", "wrong"),
    [
        (
            "WebOrigins",
            ["", "*", "https://app.example.com", "https://a.example.com,http://localhost:5173"],
            [
                "app.example.com",
                "https://app.example.com/",
                "https://a.example.com, https://b.x",
                ",",
            ],
        ),
        (
            "OperationsSubnets",
            ["", "subnet-0123abcd", "subnet-0123abcd,subnet-0123456789abcdef0"],
            ["subnet-0123abcd,", "sg-0123abcd", "subnet-0123abcd subnet-0123abce"],
        ),
        (
            "OperationsSecurityGroups",
            ["", "sg-0123abcd", "sg-0123abcd,sg-0123456789abcdef0"],
            ["sg-0123abcd,", "subnet-0123abcd", "default"],
        ),
        (
            "PermissionsBoundary",
            ["", "arn:aws:iam::123456789012:policy/b", "arn:aws-us-gov:iam::aws:policy/x/b"],
            ["b", "arn:aws:iam::123456789012:role/b", "arn:aws:iam::123456789012:policy/"],
        ),
    ],
)
def test_a_parameter_takes_what_its_service_takes(
    name: str, right: list[str], wrong: list[str]
) -> None:
    pattern = PARAMETERS[name]["AllowedPattern"]

    assert [value for value in right if not re.fullmatch(pattern, value)] == []
    assert [value for value in wrong if re.fullmatch(pattern, value)] == []


@pytest.mark.parametrize(
    ("issuer", "is_one"),
    [
        ("", True),
        ("https://id.example.com", True),
        ("https://id.example.com/", True),
        ("https://cognito-idp.eu-central-1.amazonaws.com/eu-central-1_abc", True),
        ("http://127.0.0.1:8081", True),
        ("http://localhost:8081/realms/a", True),
        ("http://id.example.com", False),
        ("http://localhost.example.com", False),
        ("http://127.0.0.1.example.com", False),
        ("http://127.0.0.1@id.example.com", False),
        ("https://", False),
        ("https:///path", False),
        ("https://id.example.com?a=b", False),
        ("https://id.example.com#a", False),
        ("https://id.example.com/ x", False),
        ("id.example.com", False),
        ("ftp://id.example.com", False),
    ],
)
def test_an_issuer_is_https_or_on_this_machine(issuer: str, is_one: bool) -> None:
    assert bool(re.fullmatch(PARAMETERS["JwtIssuer"]["AllowedPattern"], issuer)) == is_one


def test_the_token_check_exists_only_with_an_issuer() -> None:
    lambdas = {
        name: resource["Properties"].get("Layers", [])
        for name, resource in SOURCE["Resources"].items()
        if resource["Type"] == "AWS::Serverless::Function"
    }
    given = [{"Fn::If": ["TakesTokens", {"Ref": "TokensLayer"}, {"Ref": "AWS::NoValue"}]}]

    assert SOURCE["Resources"]["TokensLayer"]["Condition"] == "TakesTokens"
    assert [n for n, layers in lambdas.items() if "TokensLayer" in str(layers)] == ["Authorize"]
    assert lambdas["Authorize"] == given


def test_the_access_log_holds_no_header_and_no_query() -> None:
    form = SOURCE["Resources"]["Api"]["Properties"]["AccessLogSettings"]["Format"]
    said = set(re.findall(r"\$context\.([\w.]+)", form))

    assert said == {
        *("requestTime", "requestId", "identity.sourceIp", "authorizer.owner", "routeKey", "path"),
        *("status", "responseLength", "responseLatency", "error.message"),
        "integration.integrationStatus",
    }
    assert form.count("$") == len(said)


def test_a_line_of_the_access_log_is_json_whatever_api_gateway_leaves_out() -> None:
    form = SOURCE["Resources"]["Api"]["Properties"]["AccessLogSettings"]["Format"]
    line = re.sub(r"\$context\.[\w.]+", "-", form.replace("$context.status", "404"))

    assert json.loads(line)["status"] == 404
    assert json.loads(line)["bytes"] == "-"


# ── versions, rollouts, snapshots ─────────────────────────────────────────────────────────────


def versions(template: dict[str, Any]) -> set[str]:
    return set(of_type(template["Resources"], "AWS::Lambda::Version"))


def test_all_that_invokes_a_lambda_names_its_alias() -> None:
    given = given_to_aws.resolved("everything on")
    body = given.of_type("AWS::ApiGatewayV2::Api")["Api"]["Body"]
    uris = re.findall(r"functions/(\S+?)/invocations", json.dumps(body))
    targets = [t["Arn"] for r in given.of_type("AWS::Events::Rule").values() for t in r["Targets"]]
    named = [
        p["FunctionName"]
        for kind in ("EventSourceMapping", "Permission")
        for p in given.of_type(f"AWS::Lambda::{kind}").values()
    ]
    hybrid = given.resources["Hybrid"]["Properties"]["Environment"]["Variables"]["NOWLATER_WORKER"]
    (invoking,) = [
        s
        for s in statements(given.resources["HybridRole"])
        if s["Action"] == "lambda:InvokeFunction"
    ]

    assert len(uris) > 30
    assert len(named) > 30
    for name in [*uris, *named, *targets, hybrid, invoking["Resource"]]:
        assert name.endswith(":live"), name
    assert hybrid == f"{given.names['Work']}:live"  # no Ref: Hybrid would wait for Work's rollout


def test_each_release_has_a_version_of_every_lambda_of_its_own(resources: dict[str, Any]) -> None:
    """SAM alone makes none where parameters or resources change, and the aliases would stay behind."""
    lambdas = of_type(resources, "AWS::Lambda::Function")
    one, two = (transformed(Release=digit * 64) for digit in "ab")

    assert len(versions(one)) == len(versions(two)) == len(lambdas)
    assert not versions(one) & versions(two)
    for name in lambdas:  # Lambda publishes a version only of what has changed
        assert one["Resources"][name]["Properties"]["Description"].endswith("a" * 64)


def test_a_rollout_shifts_every_lambda_and_stops_at_its_alarms() -> None:
    lambdas = of_type(SOURCE["Resources"], "AWS::Serverless::Function")
    gradual = transformed(Rollout="Canary10Percent15Minutes")["Resources"]
    groups = of_type(gradual, "AWS::CodeDeploy::DeploymentGroup")

    assert of_type(transformed()["Resources"], "AWS::CodeDeploy::DeploymentGroup") == {}
    assert len(groups) == len(lambdas) == 12
    for name in lambdas:
        group = groups[f"{name}DeploymentGroup"]
        alarms = {a["Name"]["Ref"] for a in group["AlarmConfiguration"]["Alarms"]}
        assert alarms == {f"{name}Alarm", f"{name}ThrottledAlarm", "FaultsAlarm"}
        assert group["AutoRollbackConfiguration"]["Enabled"] is True
        assert "RolloutRole" in json.dumps(group["ServiceRoleArn"])
        assert "CodeDeployLambdaAliasUpdate" in gradual[f"{name}{ALIAS}"]["UpdatePolicy"]
        shifts = statements(gradual["RolloutRole"]["Properties"]["Policies"])[0]["Resource"]
        assert {"Fn::Sub": f"${{{name}.Arn}}*"} in shifts


@pytest.mark.parametrize("rollout", PARAMETERS["Rollout"]["AllowedValues"][1:])
def test_a_rollout_takes_longer_than_its_alarms_and_no_longer_than_a_session(rollout: str) -> None:
    """Two of three periods of five minutes; the credentials of CI last an hour."""
    kind, percent, minutes = re.fullmatch(r"(Canary|Linear)(\d+)Percent\D*(\d+)Minutes", rollout).groups()  # type: ignore[union-attr]  # fmt: skip
    whole = int(minutes) * (1 if kind == "Canary" else 100 // int(percent) - 1)

    assert 15 <= whole <= 30
    assert SOURCE["Mappings"]["Rollouts"][rollout] == {"IsGradual": "true"}


@pytest.mark.parametrize(
    ("storage", "names"),
    [
        (2048, {"Submit", "Hybrid", "Status", "Authorize"}),
        (512, {"Submit", "Hybrid", "Status", "Authorize", "Sync", "Work"}),
    ],
)
def test_snapshots_are_of_what_callers_wait_for(storage: int, names: set[str]) -> None:
    parameters = {"SnapStart": "true", "OperationsStorage": storage}
    off, on = (Resolved(transformed(**p), p) for p in ({}, parameters))

    def snapped(given: Resolved) -> set[str]:
        lambdas = given.of_type("AWS::Lambda::Function")
        return {
            n for n, p in lambdas.items() if p.get("SnapStart") == {"ApplyOn": "PublishedVersions"}
        }

    assert snapped(off) == set()
    assert snapped(on) == names
