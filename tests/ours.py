"""The framework's own part of template.yaml, by name: no test judges what else its users have put there."""

import json
import re
from typing import Any

#: What the framework's tests hold the template against. A name that is added to it belongs in here.
OURS: dict[str, frozenset[str]] = {
    "Parameters": frozenset(
        [
            "PublicUrl",
            "DisableExecuteApiEndpoint",
            "WebOrigins",
            "RequestRate",
            "RequestBurst",
            "JwtIssuer",
            "JwtAudience",
            "Diagnostics",
            "FlexibleWithin",
            "WorkTimeout",
            "OnTimeConcurrency",
            "FlexibleConcurrency",
            "SyncConcurrency",
            "HybridConcurrency",
            "StatusConcurrency",
            "Shards",
            "OwnerWaiting",
            "OwnerUploads",
            "CallbackPorts",
            "WebhookConcurrency",
            "LoopbackCallbacks",
            "Architecture",
            "OperationsMemory",
            "OperationsStorage",
            "OperationsSubnets",
            "OperationsSecurityGroups",
            "PermissionsBoundary",
            "LogLevel",
            "LogRetention",
            "Tracing",
            "AlarmsTo",
        ]
    ),
    "Rules": frozenset(
        [
            "TokensAreForUs",
            "LoopbackIsLocal",
            "RatesBelongTogether",
            "SubnetsNeedGroups",
            "ReachableSomewhere",
        ]
    ),
    "Mappings": frozenset(["AfterWork", "Logging"]),
    "Conditions": frozenset(
        [
            "BoundsSync",
            "BoundsHybrid",
            "BoundsStatus",
            "HasAlarmTopic",
            "TakesTokens",
            "AllowsOrigins",
            "LimitsRequests",
            "HidesExecuteApi",
            "JoinsNetwork",
            "NeedsNetwork",
            "BoundsRoles",
            "Traces",
        ]
    ),
    "Resources": frozenset(
        [
            "OperationsPolicy",
            "OperationsEnvironment",
            "Api",
            "Sync",
            "Submit",
            "Hybrid",
            "Status",
            "Webhooks",
            "Describe",
            "Authorize",
            "Work",
            "Notify",
            "SendWebhooks",
            "Sweep",
            "HandleDeadLetters",
            "OnTimeQueue",
            "FlexibleQueue",
            "WebhookQueue",
            "DeadLetterQueue",
            "QueuePolicy",
            "Table",
            "Bucket",
            "BucketPolicy",
            "Topic",
            "TopicPolicy",
            "MasterSecret",
            "NowlaterLayer",
            "OperationsLayer",
            "CatalogueLayer",
            "TokensLayer",
            "NetworkPolicy",
            "TracePolicy",
            "SyncRole",
            "SubmitRole",
            "HybridRole",
            "StatusRole",
            "WebhooksRole",
            "DescribeRole",
            "AuthorizeRole",
            "WorkRole",
            "NotifyRole",
            "SendWebhooksRole",
            "SweepRole",
            "HandleDeadLettersRole",
            "DeadLetters",
            "DeadlinesPassed",
            "Unpublished",
            "GivenUp",
            "Faults",
            "Ended",
            "Accepted",
            "DeadlinesAlarm",
            "OnTimeLateAlarm",
            "FlexibleLateAlarm",
            "WebhooksLateAlarm",
            "NotifyLateAlarm",
            "DeadLettersAlarm",
            "DeadLettersWaitAlarm",
            "UnpublishedAlarm",
            "GivenUpAlarm",
            "FaultsAlarm",
            "SweepStoppedAlarm",
            "SyncAlarm",
            "SyncThrottledAlarm",
            "SubmitAlarm",
            "SubmitThrottledAlarm",
            "HybridAlarm",
            "HybridThrottledAlarm",
            "StatusAlarm",
            "StatusThrottledAlarm",
            "WebhooksAlarm",
            "WebhooksThrottledAlarm",
            "DescribeAlarm",
            "DescribeThrottledAlarm",
            "AuthorizeAlarm",
            "AuthorizeThrottledAlarm",
            "WorkAlarm",
            "WorkThrottledAlarm",
            "NotifyAlarm",
            "NotifyThrottledAlarm",
            "SendWebhooksAlarm",
            "SendWebhooksThrottledAlarm",
            "SweepAlarm",
            "SweepThrottledAlarm",
            "HandleDeadLettersAlarm",
            "HandleDeadLettersThrottledAlarm",
            "Dashboard",
            "LambdaDashboard",
            "Logs",
            "AccessLogs",
        ]
    ),
    "Outputs": frozenset(
        [
            "ApiUrl",
            "TopicArn",
            "TableName",
            "BucketName",
            "OnTimeQueueUrl",
            "FlexibleQueueUrl",
            "WebhookQueueUrl",
            "DeadLetterQueueUrl",
            "LogGroupName",
            "AccessLogGroupName",
            "DashboardName",
        ]
    ),
}
#: What operations may do is said by their authors, after the statements that the framework needs.
_OUR_STATEMENTS = 2


def of_ours(template: dict[str, Any]) -> dict[str, Any]:
    """Return a template without what its users have added: resources, parameters, statements, …"""
    kept = template | {
        section: {name: part for name, part in template.get(section, {}).items() if name in names}
        for section, names in OURS.items()
    }
    groups = kept["Metadata"]["AWS::CloudFormation::Interface"]["ParameterGroups"]
    for group in groups:
        group["Parameters"] = [n for n in group["Parameters"] if n in OURS["Parameters"]]
    policy = kept["Resources"]["OperationsPolicy"]["Properties"]["PolicyDocument"]
    del policy["Statement"][_OUR_STATEMENTS:]
    variables = kept["Resources"]["OperationsEnvironment"]["Properties"]
    variables["Value"] = json.loads(_without_others(json.dumps(variables["Value"]), kept))
    return kept


def _without_others(value: str, kept: dict[str, Any]) -> str:
    """Return a part of the template, as JSON, with names in the place of references to others."""
    there = kept["Resources"].keys() | kept["Parameters"].keys()

    def put(found: re.Match[str]) -> str:
        is_ours = found[1].startswith("AWS::") or found[1].partition(".")[0] in there
        return found[0] if is_ours else found[1]

    return re.sub(r"\$\{([\w:.]+)\}", put, value)
