"""Rules of SQS."""

import json
from collections.abc import Iterator

from local.intrinsics import Resolved
from tests.stack import one_or_more
from tests.unit.aws_rules.rule import append, bounded, put, rule

API = "https://docs.aws.amazon.com/AWSSimpleQueueService/latest/APIReference/"
GUIDE = "https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/"
QUOTAS = f"{GUIDE}quotas-policies.html"
QUEUE, POLICY = "AWS::SQS::Queue", "AWS::SQS::QueuePolicy"
_DENY = {"Effect": "Deny", "Principal": "*", "Action": "sqs:*", "Resource": "*"}

for property_, low, high in (
    ("MessageRetentionPeriod", 60, 1_209_600),
    ("VisibilityTimeout", 0, 43_200),
    ("DelaySeconds", 0, 900),
    ("ReceiveMessageWaitTimeSeconds", 0, 20),
    ("MaximumMessageSize", 1024, 1_048_576),
    ("KmsDataKeyReusePeriodSeconds", 60, 86_400),
):
    bounded(QUEUE, property_, low, high, f"{API}API_CreateQueue.html")
bounded(
    *(QUEUE, "RedrivePolicy.maxReceiveCount", 1, 1000),
    f"{GUIDE}sqs-dead-letter-queues.html",
    "FlexibleQueue",
)


def _statements(given: Resolved) -> Iterator[tuple[str, dict[str, object]]]:
    for name, policy in given.of_type(POLICY).items():
        for statement in one_or_more(policy["PolicyDocument"]["Statement"]):
            yield name, statement


@rule(
    "https://github.com/remind101/stacker_blueprints/pull/71",
    append(
        _DENY | {"Resource": [{"Fn::GetAtt": [q, "Arn"]} for q in ("OnTimeQueue", "WebhookQueue")]},
        *("QueuePolicy", "PolicyDocument", "Statement"),
    ),
)
def a_statement_of_a_queue_policy_names_one_resource(given: Resolved) -> Iterator[str]:
    for name, statement in _statements(given):
        if len(resources := one_or_more(statement["Resource"])) > 1:
            yield f"{name}: a statement names {len(resources)} resources; write Resource: '*'"


@rule(
    "https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/aws-resource-sqs-queuepolicy.html",
    append(
        _DENY | {"Resource": {"Fn::GetAtt": ["OnTimeQueue", "Arn"]}},
        *("QueuePolicy", "PolicyDocument", "Statement"),
    ),
)
def a_policy_of_several_queues_is_about_each_of_them(given: Resolved) -> Iterator[str]:
    for name, policy in given.of_type(POLICY).items():
        if len(policy["Queues"]) > 1:
            for statement in one_or_more(policy["PolicyDocument"]["Statement"]):
                said = one_or_more(statement["Resource"])
                if said != ["*"] and len(said) == 1:
                    yield f"{name}: {said[0]} is another queue's for all of {policy['Queues']} but one"


@rule(
    f"{GUIDE}quotas-policies.html",
    append(
        _DENY
        | {
            "Action": [
                f"sqs:{a}"
                for a in (
                    "SendMessage",
                    "ReceiveMessage",
                    "DeleteMessage",
                    "ChangeMessageVisibility",
                    "GetQueueUrl",
                    "GetQueueAttributes",
                    "PurgeQueue",
                    "ListQueueTags",
                )
            ]
        },
        *("QueuePolicy", "PolicyDocument", "Statement"),
    ),
)
def a_statement_of_a_queue_policy_has_at_most_7_actions(given: Resolved) -> Iterator[str]:
    for name, statement in _statements(given):
        if len(actions := one_or_more(statement["Action"])) > 7:
            yield f"{name}: a statement has {len(actions)} actions"


@rule(
    "https://docs.aws.amazon.com/service-authorization/latest/reference/list_amazonsqs.html",
    append(_DENY | {"Action": "sns:Publish"}, "QueuePolicy", "PolicyDocument", "Statement"),
)
def a_queue_policy_is_about_actions_of_sqs(given: Resolved) -> Iterator[str]:
    for name, statement in _statements(given):
        for action in one_or_more(statement["Action"]):
            if not str(action).startswith("sqs:"):
                yield f"{name}: {action}"


@rule(QUOTAS, put([_DENY] * 21, "QueuePolicy", "PolicyDocument", "Statement"))
def a_queue_policy_has_at_most_20_statements(given: Resolved) -> Iterator[str]:
    for name, policy in given.of_type(POLICY).items():
        if len(statements := one_or_more(policy["PolicyDocument"]["Statement"])) > 20:
            yield f"{name}: {len(statements)} statements"


@rule(
    QUOTAS,
    append(
        _DENY | {"Condition": {"StringEquals": {"aws:SourceAccount": ["123456789012"] * 700}}},
        *("QueuePolicy", "PolicyDocument", "Statement"),
    ),
)
def a_queue_policy_has_at_most_8192_bytes(given: Resolved) -> Iterator[str]:
    for name, policy in given.of_type(POLICY).items():
        if (size := len(json.dumps(policy["PolicyDocument"]))) > 8192:
            yield f"{name}: {size} bytes"


@rule(
    "https://docs.aws.amazon.com/lambda/latest/dg/services-sqs-configure.html",
    put(29, "DeadLetterQueue", "VisibilityTimeout"),
    put(10, "OnTimeQueue", "VisibilityTimeout"),
)
def a_queue_hides_a_message_as_long_as_its_lambda_may_take(given: Resolved) -> Iterator[str]:
    """Lambda refuses the mapping else. AWS advises six times that long, so that a throttled Lambda
    does not use the receives up: ours are 1,000, and a try is counted elsewhere."""
    queues, lambdas = given.of_type(QUEUE), given.of_type("AWS::Lambda::Function")
    for name, mapping in given.of_type("AWS::Lambda::EventSourceMapping").items():
        queue = queues.get(given.named_in(mapping["EventSourceArn"]) or "")
        function = lambdas[given.named_in(mapping["FunctionName"]) or ""]
        if queue is not None and queue.get("VisibilityTimeout", 30) < int(function["Timeout"]):
            hidden, timeout = queue.get("VisibilityTimeout", 30), function["Timeout"]
            yield f"{name}: hidden for {hidden} s, the Lambda may take {timeout} s"


@rule(
    f"{GUIDE}sqs-dead-letter-queues.html",
    put(True, "DeadLetterQueue", "FifoQueue"),
)
def a_dead_letter_queue_is_of_the_kind_of_its_source(given: Resolved) -> Iterator[str]:
    queues = given.of_type(QUEUE)
    for name, queue in queues.items():
        if redrive := queue.get("RedrivePolicy"):
            target = queues[given.named_in(redrive["deadLetterTargetArn"]) or ""]
            if target.get("FifoQueue", False) != queue.get("FifoQueue", False):
                yield f"{name}: one of the two is FIFO"


@rule(
    f"{GUIDE}setting-up-dead-letter-queue-retention.html",
    put(345_600, "DeadLetterQueue", "MessageRetentionPeriod"),
)
def dead_letters_are_kept_longer_than_where_they_come_from(given: Resolved) -> Iterator[str]:
    """A message keeps the time that it was sent at, so that it expires by its old age."""
    queues = given.of_type(QUEUE)
    for name, queue in queues.items():
        if redrive := queue.get("RedrivePolicy"):
            target = queues[given.named_in(redrive["deadLetterTargetArn"]) or ""]
            kept, dead_kept = (q.get("MessageRetentionPeriod", 345_600) for q in (queue, target))
            if dead_kept <= kept:
                yield f"{name}: kept for {kept} s, and as a dead letter for {dead_kept} s"


@rule(
    f"{API}API_SetQueueAttributes.html",
    put("alias/aws/sqs", "OnTimeQueue", "KmsMasterKeyId"),
)
def a_queue_has_one_kind_of_encryption(given: Resolved) -> Iterator[str]:
    for name, queue in given.of_type(QUEUE).items():
        if queue.get("SqsManagedSseEnabled") and "KmsMasterKeyId" in queue:
            yield f"{name}: SqsManagedSseEnabled and KmsMasterKeyId"


@rule(f"{API}API_CreateQueue.html", put("jobs.fifo", "OnTimeQueue", "QueueName"))
def the_name_of_a_fifo_queue_alone_ends_so(given: Resolved) -> Iterator[str]:
    for name, queue in given.of_type(QUEUE).items():
        if queue.get("QueueName", "").endswith(".fifo") != queue.get("FifoQueue", False) and (
            "QueueName" in queue
        ):
            yield f"{name}: {queue['QueueName']}"
