"""Rules of SNS."""

import json
from collections.abc import Iterator

from local.intrinsics import Resolved
from tests.stack import one_or_more
from tests.unit.aws_rules.rule import add, at_most, one_of, put, rule

API = "https://docs.aws.amazon.com/sns/latest/api/"
GUIDE = "https://docs.aws.amazon.com/sns/latest/dg/"
TOPIC, POLICY = "AWS::SNS::Topic", "AWS::SNS::TopicPolicy"
#: What a topic's policy may be about: SNS refuses all else, `sns:*` too.
ACTIONS = {
    *("sns:AddPermission", "sns:DeleteTopic", "sns:GetDataProtectionPolicy"),
    *("sns:GetTopicAttributes", "sns:ListSubscriptionsByTopic", "sns:ListTagsForResource"),
    *("sns:Publish", "sns:PutDataProtectionPolicy", "sns:RemovePermission"),
    *("sns:SetTopicAttributes", "sns:Subscribe", "sns:Receive"),
}
_DENY = {
    "Effect": "Deny",
    "Principal": "*",
    "Action": "sns:Publish",
    "Resource": {"Fn::GetAtt": ["Topic", "TopicArn"]},
}


def _policy(**changed: object) -> dict[str, object]:
    document = {"Version": "2012-10-17", "Statement": [_DENY | changed]}
    return {"Topics": [{"Ref": "Topic"}], "PolicyDocument": document}


at_most(TOPIC, "DisplayName", 100, f"{API}API_CreateTopic.html", "Topic", "x")
one_of(TOPIC, "SignatureVersion", {"1", "2"}, f"{API}API_SetTopicAttributes.html", "Topic", "3")


@rule("https://github.com/hashicorp/terraform/issues/12740", add(POLICY, _policy(Action="sns:*")))
def a_topics_policy_is_about_actions_on_topics(given: Resolved) -> Iterator[str]:
    for name, policy in given.of_type(POLICY).items():
        for statement in policy["PolicyDocument"]["Statement"]:
            for action in one_or_more(statement["Action"]):
                if action not in ACTIONS:
                    yield f"{name}: {action}"


@rule(
    f"{GUIDE}sns-access-policy-language-api-permissions-reference.html",
    add(POLICY, _policy(Resource="arn:aws:sns:eu-central-1:123456789012:another")),
)
def a_topics_policy_is_about_that_topic(given: Resolved) -> Iterator[str]:
    for name, policy in given.of_type(POLICY).items():
        for statement in policy["PolicyDocument"]["Statement"]:
            for arn in one_or_more(statement["Resource"]):
                if arn not in policy["Topics"]:
                    yield f"{name}: {arn}"


@rule(
    f"{API}API_SetTopicAttributes.html",
    add(POLICY, _policy(Condition={"StringEquals": {"aws:SourceAccount": ["1" * 12] * 2000}})),
)
def a_topics_policy_has_at_most_30_kb(given: Resolved) -> Iterator[str]:
    for name, policy in given.of_type(POLICY).items():
        if (size := len(json.dumps(policy["PolicyDocument"]))) > 30 * 1024:
            yield f"{name}: {size} bytes"


@rule(
    f"{GUIDE}sns-key-management.html",
    put([{"Ref": "Topic"}], "DeadlinesAlarm", "AlarmActions"),
)
def no_alarm_goes_to_a_topic_with_sns_own_key(given: Resolved) -> Iterator[str]:
    """Only a key of one's own lets CloudWatch use it; with alias/aws/sns nothing arrives."""
    for name, alarm in given.of_type("AWS::CloudWatch::Alarm").items():
        for action in alarm.get("AlarmActions", []):
            topic = given.of_type(TOPIC).get(given.named_in(action) or "", {})
            if topic.get("KmsMasterKeyId") == "alias/aws/sns":
                yield f"{name}: {action}"
