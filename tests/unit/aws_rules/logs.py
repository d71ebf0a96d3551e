"""Rules of CloudWatch Logs about groups and metric filters."""

import re
from collections.abc import Iterator

from local.intrinsics import Resolved
from tests.unit.aws_rules.rule import at_most, one_of, put, rule

API = "https://docs.aws.amazon.com/AmazonCloudWatchLogs/latest/APIReference/"
GUIDE = "https://docs.aws.amazon.com/AmazonCloudWatch/latest/logs/"
GROUP, FILTER = "AWS::Logs::LogGroup", "AWS::Logs::MetricFilter"
_METRIC = ("Ended", "MetricTransformations", 0)
DAYS = {
    *(1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, 400, 545, 731, 1096, 1827),
    *(2192, 2557, 2922, 3288, 3653),
}

one_of(GROUP, "RetentionInDays", DAYS, f"{API}API_PutRetentionPolicy.html", "Logs", 2)
at_most(FILTER, "FilterPattern", 1024, f"{API}API_PutMetricFilter.html", "GivenUp", "x")
at_most(FILTER, "FilterName", 512, f"{API}API_PutMetricFilter.html", "GivenUp", "x")
at_most(FILTER, "MetricTransformations", 1, f"{API}API_PutMetricFilter.html", "GivenUp", [{"MetricNamespace": "a", "MetricName": "b", "MetricValue": "1"}])  # fmt: skip
at_most(FILTER, "MetricTransformations.*.Dimensions", 3, f"{API}API_MetricTransformation.html", "Ended", [{"Key": "status", "Value": "$.status"}])  # fmt: skip
at_most(FILTER, "MetricTransformations.*.MetricName", 255, f"{API}API_MetricTransformation.html", "GivenUp", "x")  # fmt: skip


@rule(
    f"{API}API_CreateLogGroup.html",
    put("our own logs", "Logs", "LogGroupName"),
    put("aws/nowlater", "Logs", "LogGroupName"),
)
def a_groups_name_has_at_most_512_characters_of_those_allowed(given: Resolved) -> Iterator[str]:
    for name in given.of_type(GROUP):
        said = given.names[name]
        if not re.fullmatch(r"[.\-_/#A-Za-z0-9]{1,512}", said) or said.startswith("aws/"):
            yield f"{name}: {said}"


@rule(f"{API}API_MetricTransformation.html", put(0, *_METRIC, "DefaultValue"))
def a_metric_with_dimensions_has_no_default(given: Resolved) -> Iterator[str]:
    for name, made in given.of_type(FILTER).items():
        for metric in made["MetricTransformations"]:
            if "DefaultValue" in metric and metric.get("Dimensions"):
                yield f"{name}: DefaultValue"


@rule(
    f"{GUIDE}FilterAndPatternSyntaxForMetricFilters.html",
    put("ended", "Ended", "FilterPattern"),
)
def dimensions_are_of_lines_that_have_fields(given: Resolved) -> Iterator[str]:
    for name, made in given.of_type(FILTER).items():
        fields = made["FilterPattern"].startswith(("{", "["))
        if not fields and any(m.get("Dimensions") for m in made["MetricTransformations"]):
            yield f"{name}: {made['FilterPattern']}"


@rule(
    "https://docs.aws.amazon.com/AmazonCloudWatch/latest/APIReference/API_MetricDatum.html",
    put("AWS/Nowlater", *_METRIC, "MetricNamespace"),
    put("jobs:ended", *_METRIC, "MetricName"),
)
def a_metric_of_ours_has_a_name_that_we_may_give(given: Resolved) -> Iterator[str]:
    for name, made in given.of_type(FILTER).items():
        for metric in made["MetricTransformations"]:
            space, called = metric["MetricNamespace"], metric["MetricName"]
            if space.startswith("AWS/") or re.search(r"[:*$]", space + called):
                yield f"{name}: {space} {called}"


@rule(
    f"{GUIDE}cloudwatch_limits_cwl.html",
    lambda t: t["Resources"].update({f"Ended{n}": t["Resources"]["Ended"] for n in range(100)}),
)
def a_group_has_at_most_100_metric_filters(given: Resolved) -> Iterator[str]:
    groups = [made["LogGroupName"] for made in given.of_type(FILTER).values()]
    for group in sorted(set(groups)):
        if groups.count(group) > 100:
            yield f"{given.named_in(group)}: {groups.count(group)}"
