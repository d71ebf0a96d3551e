"""Rules of Lambda about what wakes it: queues, streams, invokers."""

import json
import re
from collections.abc import Iterator
from typing import Any

from local.intrinsics import Resolved
from tests.unit.aws_rules.lambdas import allowed
from tests.unit.aws_rules.rule import append, at_most, bounded, one_of, place, put, rule

API = "https://docs.aws.amazon.com/lambda/latest/api/"
GUIDE = "https://docs.aws.amazon.com/lambda/latest/dg/"
MAPPING = "AWS::Lambda::EventSourceMapping"
CREATE = f"{API}API_CreateEventSourceMapping.html"
FILTERS = f"{GUIDE}invocation-eventfiltering.html"
#: What Lambda needs to be allowed, to receive from each kind of source.
RECEIVING = {
    "sqs": {"sqs:ReceiveMessage", "sqs:DeleteMessage", "sqs:GetQueueAttributes"},
    "dynamodb": {
        *("dynamodb:GetRecords", "dynamodb:GetShardIterator"),
        *("dynamodb:DescribeStream", "dynamodb:ListStreams"),
    },
}
#: What it needs to put somewhere what failed.
KEEPING = {"s3": {"s3:PutObject", "s3:ListBucket"}, "sqs": {"sqs:SendMessage"}, "sns": {"sns:Publish"}}  # fmt: skip
OF_STREAMS = {
    *("StartingPosition", "ParallelizationFactor", "BisectBatchOnFunctionError"),
    *("MaximumRecordAgeInSeconds", "MaximumRetryAttempts", "DestinationConfig"),
    *("TumblingWindowInSeconds",),
}

bounded(MAPPING, "BatchSize", 1, 10_000, CREATE, "NotifyEnds")
bounded(MAPPING, "MaximumBatchingWindowInSeconds", 0, 300, CREATE, "NotifyEnds")
bounded(MAPPING, "ParallelizationFactor", 1, 10, CREATE, "NotifyEnds")
bounded(MAPPING, "MaximumRecordAgeInSeconds", 60, 604_800, CREATE, "NotifyEnds", unless=-1)
bounded(MAPPING, "MaximumRetryAttempts", -1, 10_000, CREATE, "NotifyEnds")
bounded(
    *(MAPPING, "ScalingConfig.MaximumConcurrency", 2, 1000),
    *(f"{API}API_ScalingConfig.html", "WorkOnTime"),
)
at_most(MAPPING, "FilterCriteria.Filters", 5, FILTERS, "NotifyEnds", [{"Pattern": "{}"}])
at_most(
    MAPPING, "FilterCriteria.Filters.*.Pattern", 4096, f"{API}API_Filter.html", "NotifyEnds", " "
)
one_of(
    MAPPING,
    "FunctionResponseTypes.*",
    {"ReportBatchItemFailures"},
    CREATE,
    "HandleDeadLettersLetters",
    "Failures",
)
bounded(
    *("AWS::Lambda::EventInvokeConfig", "MaximumEventAgeInSeconds", 60, 21_600),
    f"{API}API_PutFunctionEventInvokeConfig.html",
)
bounded(
    *("AWS::Lambda::EventInvokeConfig", "MaximumRetryAttempts", 0, 2),
    f"{API}API_PutFunctionEventInvokeConfig.html",
)


def mappings(given: Resolved) -> Iterator[tuple[str, str, dict[str, Any]]]:
    """Yield each mapping's logical id, its source's service and its properties."""
    for name, mapping in given.of_type(MAPPING).items():
        if "EventSourceArn" in mapping:
            yield name, mapping["EventSourceArn"].split(":")[2], mapping


@rule(f"{GUIDE}services-sqs-configure.html", put(11, "HandleDeadLettersLetters", "BatchSize"))
def a_batch_of_more_than_10_messages_has_a_window(given: Resolved) -> Iterator[str]:
    for name, service, mapping in mappings(given):
        window = mapping.get("MaximumBatchingWindowInSeconds", 0)
        if service == "sqs" and mapping.get("BatchSize", 10) > 10 and window < 1:
            yield f"{name}: {mapping['BatchSize']} messages, no MaximumBatchingWindowInSeconds"


@rule(CREATE, put("LATEST", "HandleDeadLettersLetters", "StartingPosition"))
def a_queue_has_none_of_the_properties_of_streams(given: Resolved) -> Iterator[str]:
    for name, service, mapping in mappings(given):
        if service == "sqs" and (wrong := OF_STREAMS & set(mapping)):
            yield f"{name}: {', '.join(sorted(wrong))}"


@rule(CREATE, place(2, "Resources", "NotifyEnds", "Properties", "ScalingConfig", "MaximumConcurrency"))  # fmt: skip
def a_stream_has_none_of_the_properties_of_queues(given: Resolved) -> Iterator[str]:
    for name, service, mapping in mappings(given):
        if service == "dynamodb" and "ScalingConfig" in mapping:
            yield f"{name}: ScalingConfig"


@rule(CREATE, put("AT_TIMESTAMP", "NotifyEnds", "StartingPosition"))
def a_streams_start_is_its_oldest_or_its_newest_record(given: Resolved) -> Iterator[str]:
    for name, service, mapping in mappings(given):
        start = mapping.get("StartingPosition")
        if service == "dynamodb" and start not in ("TRIM_HORIZON", "LATEST"):
            yield f"{name}: {start}"


@rule(
    FILTERS,
    put('{"eventName": "MODIFY"}', "NotifyEnds", "FilterCriteria", "Filters", 0, "Pattern"),
    put("{eventName}", "NotifyEnds", "FilterCriteria", "Filters", 0, "Pattern"),
    put('{"body": ["x"]}', "NotifyEnds", "FilterCriteria", "Filters", 0, "Pattern"),
)
def a_filter_is_json_whose_leaves_are_lists(given: Resolved) -> Iterator[str]:
    keys = {
        "sqs": {"body", "messageAttributes", "attributes", "messageId", "md5OfBody"},
        "dynamodb": {"dynamodb", "eventName", "eventID", "eventVersion", "userIdentity"},
    }
    for name, service, mapping in mappings(given):
        for pattern in mapping.get("FilterCriteria", {}).get("Filters", []):
            try:
                said = json.loads(pattern["Pattern"].strip() or "{}")
            except ValueError as error:
                yield f"{name}: {error}"
                continue
            if unknown := set(said) - keys[service]:
                yield f"{name}: {', '.join(sorted(unknown))} is no part of such a record"
            yield from (
                f"{name}: {leaf!r} is no list" for leaf in _leaves(said) if leaf is not None
            )


def _leaves(pattern: Any) -> Iterator[Any]:
    """Yield what a pattern ends in that is no list."""
    if isinstance(pattern, dict):
        for part in pattern.values():
            yield from _leaves(part)
    elif not isinstance(pattern, list):
        yield pattern


@rule(CREATE, put({"OnFailure": {"Destination": "arn:aws:lambda:eu-central-1:123456789012:function:f"}}, "NotifyEnds", "DestinationConfig"))  # fmt: skip
def what_a_stream_gives_up_goes_to_a_queue_a_topic_or_a_bucket(given: Resolved) -> Iterator[str]:
    for name, _, mapping in mappings(given):
        target = mapping.get("DestinationConfig", {}).get("OnFailure", {}).get("Destination")
        if target and target.split(":")[2] not in KEEPING:
            yield f"{name}: {target}"


@rule(
    f"{GUIDE}with-ddb.html",
    put(
        {"Fn::GetAtt": ["OnTimeQueue", "Arn"]},
        "NotifyEnds",
        "DestinationConfig",
        "OnFailure",
        "Destination",
    ),
)
def a_lambda_may_put_there_what_failed(given: Resolved) -> Iterator[str]:
    """Lambda refuses to make the mapping else, or loses what failed."""
    functions = given.of_type("AWS::Lambda::Function")
    for name, _, mapping in mappings(given):
        target = mapping.get("DestinationConfig", {}).get("OnFailure", {}).get("Destination")
        if target and (needed := KEEPING.get(target.split(":")[2])):
            function = functions[given.named_in(mapping["FunctionName"]) or ""]
            where = given.named_in(target)
            if lacking := needed - allowed(given, function, on=where):
                yield f"{name}: {', '.join(sorted(lacking))} on {where}"


@rule(
    f"{GUIDE}services-sqs-configure.html",
    put({"Fn::GetAtt": ["OnTimeQueue", "Arn"]}, "HandleDeadLettersLetters", "EventSourceArn"),
)
def a_lambda_may_receive_from_what_wakes_it(given: Resolved) -> Iterator[str]:
    """Lambda refuses to make the mapping else."""
    functions = given.of_type("AWS::Lambda::Function")
    for name, service, mapping in mappings(given):
        function = functions[given.named_in(mapping["FunctionName"]) or ""]
        source = given.named_in(mapping["EventSourceArn"])
        if lacking := RECEIVING[service] - allowed(given, function, on=source):
            yield f"{name}: {', '.join(sorted(lacking))} on {source}"


@rule(
    f"{GUIDE}services-sqs-scaling.html",
    put(
        {"Fn::If": ["BoundsSync", 1, {"Ref": "AWS::NoValue"}]},
        "Work",
        "ReservedConcurrentExecutions",
    ),
)
def what_is_reserved_is_enough_for_what_its_queues_run_at_once(given: Resolved) -> Iterator[str]:
    most: dict[str, int] = {}
    for _, _, mapping in mappings(given):
        function = given.named_in(mapping["FunctionName"]) or ""
        bound = mapping.get("ScalingConfig", {}).get("MaximumConcurrency", 0)
        most[function] = most.get(function, 0) + int(bound)
    for name, made in given.of_type("AWS::Lambda::Function").items():
        reserved = made.get("ReservedConcurrentExecutions")
        if reserved is not None and int(reserved) < most.get(name, 0):
            yield f"{name}: {reserved} reserved, its queues run {most[name]}"


@rule(
    "https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/Streams.html",
    place(
        {
            "Type": MAPPING,
            "Properties": {
                "EventSourceArn": {"Fn::GetAtt": ["Table", "StreamArn"]},
                "FunctionName": {"Ref": "Notify"},
                "StartingPosition": "LATEST",
            },
        },
        "Resources",
        "Second",
    ),
)
def one_lambda_alone_reads_a_stream(given: Resolved) -> Iterator[str]:
    """DynamoDB has at most two readers of a shard, and one stays free for an operator."""
    readers: dict[str, list[str]] = {}
    for name, service, mapping in mappings(given):
        if service == "dynamodb":
            readers.setdefault(mapping["EventSourceArn"], []).append(name)
    for names in readers.values():
        if len(names) > 1:
            yield f"{', '.join(names)}: read one stream"


@rule(
    f"{GUIDE}with-ddb.html",
    put("KEYS_ONLY", "Table", "StreamSpecification", "StreamViewType"),
)
def a_stream_has_the_images_that_its_filter_looks_at(given: Resolved) -> Iterator[str]:
    for name, service, mapping in mappings(given):
        if service == "dynamodb":
            source = given.named_in(mapping["EventSourceArn"]) or ""
            table = given.of_type("AWS::DynamoDB::Table")[source]
            wanted = set(re.findall(r"(Old|New)Image", json.dumps(mapping.get("FilterCriteria"))))
            view_type = table["StreamSpecification"]["StreamViewType"]
            if lacking := {image for image in wanted if image.upper() not in view_type}:
                yield f"{name}: {view_type} has no {', '.join(sorted(lacking))}Image"


@rule(
    f"{API}API_AddPermission.html",
    append(
        {"Arn": {"Fn::GetAtt": ["HandleDeadLetters", "Arn"]}, "Id": "Other"},
        "SweepMinute",
        "Targets",
    ),
)
def a_rule_of_events_may_invoke_its_targets(given: Resolved) -> Iterator[str]:
    permissions = given.of_type("AWS::Lambda::Permission").values()
    for name, made in given.of_type("AWS::Events::Rule").items():
        for target in made["Targets"]:
            function = given.named_in(target["Arn"])
            if not any(
                given.named_in(p["FunctionName"]) == function
                and p["Principal"] == "events.amazonaws.com"
                for p in permissions
            ):
                yield f"{name}: no permission to invoke {function}"
