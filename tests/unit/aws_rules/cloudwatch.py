"""Rules of CloudWatch about alarms and dashboards."""

import json
import re
from collections.abc import Iterator
from typing import Any

from local.intrinsics import Resolved
from tests.unit.aws_rules.rule import at_most, one_of, put, rule

API = "https://docs.aws.amazon.com/AmazonCloudWatch/latest/APIReference/"
GUIDE = "https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/"
PUT = f"{API}API_PutMetricAlarm.html"
MATH = f"{GUIDE}using-metric-math.html"
QUOTAS = f"{GUIDE}cloudwatch_limits.html"
BODY = f"{API}CloudWatch-Dashboard-Body-Structure.html"
ALARM, DASHBOARD = "AWS::CloudWatch::Alarm", "AWS::CloudWatch::Dashboard"
FUNCTIONS = {
    *("ABS", "ANOMALY_DETECTION_BAND", "AVG", "CEIL", "DATAPOINT_COUNT", "DB_PERF_INSIGHTS"),
    *("DIFF", "DIFF_TIME", "FILL", "FIRST", "FLOOR", "IF", "LAST", "LOG", "LOG10", "MAX"),
    *("METRIC_COUNT", "METRICS", "MIN", "PERIOD", "RATE", "RUNNING_SUM", "SLICE", "SORT"),
    *("STDDEV", "SUM", "TIME_SERIES", "MINUTE", "HOUR", "DAY", "DATE", "MONTH", "YEAR", "EPOCH"),
    *("AND", "OR", "REPEAT", "LINEAR"),
}
COMPARISONS = {
    *("GreaterThanOrEqualToThreshold", "GreaterThanThreshold"),
    *("LessThanThreshold", "LessThanOrEqualToThreshold"),
}
_METRIC = {"Metric": {"Namespace": "AWS/Lambda", "MetricName": "Errors"}, "Stat": "Sum", "Period": 300}  # fmt: skip


def _queries(*expressions: str, metrics: int = 1) -> list[dict[str, Any]]:
    """Return the metrics of a seeded alarm: e0, e1 … are expressions, m0, m1 … are metrics."""
    made: list[dict[str, Any]] = [
        {"Id": f"e{n}", "Expression": e, "ReturnData": n == 0} for n, e in enumerate(expressions)
    ]
    return made + [
        {"Id": f"m{n}", "ReturnData": False, "MetricStat": _METRIC} for n in range(metrics)
    ]


def _alarm(metrics: list[dict[str, Any]]) -> Any:
    return put(metrics, "OnTimeLateAlarm", "Metrics")


at_most(ALARM, "AlarmDescription", 1024, PUT, "DeadlinesAlarm", "x")
at_most(
    ALARM,
    "AlarmActions",
    5,
    PUT,
    "DeadlinesAlarm",
    ["arn:aws:sns:eu-central-1:123456789012:alarms"],
)
at_most(
    ALARM, "OKActions", 5, PUT, "DeadlinesAlarm", ["arn:aws:sns:eu-central-1:123456789012:alarms"]
)
at_most(ALARM, "Dimensions", 30, PUT, "DeadlinesAlarm", [{"Name": "a", "Value": "b"}])
at_most(ALARM, "AlarmName", 255, PUT, "DeadlinesAlarm", "x")
at_most(DASHBOARD, "DashboardName", 255, f"{API}API_PutDashboard.html", "Dashboard", "x")
one_of(ALARM, "ComparisonOperator", COMPARISONS, PUT, "DeadlinesAlarm", "GreaterThan")
one_of(
    *(ALARM, "TreatMissingData", {"breaching", "notBreaching", "ignore", "missing"}),
    *(PUT, "DeadlinesAlarm", "notbreaching"),
)


def alarms(given: Resolved) -> Iterator[tuple[str, dict[str, Any], list[dict[str, Any]]]]:
    for name, alarm in given.of_type(ALARM).items():
        yield name, alarm, alarm.get("Metrics", [])


@rule(PUT, _alarm([q | {"ReturnData": True} for q in _queries("m0 * 2")]))
def an_alarm_watches_one_of_its_metrics(given: Resolved) -> Iterator[str]:
    for name, _, queries in alarms(given):
        watched = [q["Id"] for q in queries if q.get("ReturnData", True)]
        if queries and len(watched) != 1:
            yield f"{name}: {', '.join(watched)}"


@rule(PUT, put("Errors", "OnTimeLateAlarm", "MetricName"))
def an_alarm_has_a_metric_or_arithmetic(given: Resolved) -> Iterator[str]:
    for name, alarm, queries in alarms(given):
        if bool(queries) == ("MetricName" in alarm):
            yield f"{name}: {'both' if queries else 'neither'}"


@rule(PUT, _alarm(_queries("SUM(METRICS())", metrics=11)))
def an_alarm_has_at_most_10_metrics(given: Resolved) -> Iterator[str]:
    for name, _, queries in alarms(given):
        if (number := sum("MetricStat" in q for q in queries)) > 10:
            yield f"{name}: {number}"


@rule(PUT, _alarm(_queries("m0", *["m0 * 2"] * 20)))
def an_alarm_has_at_most_20_metrics_and_expressions(given: Resolved) -> Iterator[str]:
    for name, _, queries in alarms(given):
        if len(queries) > 20:
            yield f"{name}: {len(queries)}"


@rule(MATH, _alarm([{"Id": "Sum", "Expression": "m0 * 2"}, *_queries()]))
def the_id_of_a_metric_begins_with_a_small_letter(given: Resolved) -> Iterator[str]:
    for name, _, queries in alarms(given):
        for query in queries:
            if not re.fullmatch(r"[a-z][a-zA-Z0-9_]{0,254}", query["Id"]):
                yield f"{name}: {query['Id']}"


@rule(MATH, _alarm([*_queries("m0 * 2"), *_queries()]))
def each_metric_of_an_alarm_has_an_id_of_its_own(given: Resolved) -> Iterator[str]:
    for name, _, queries in alarms(given):
        ids = [q["Id"] for q in queries]
        if len(ids) > len(set(ids)):
            yield f"{name}: {ids}"


@rule(MATH, _alarm(_queries("m0 + m1")))
def an_expression_is_of_metrics_that_there_are(given: Resolved) -> Iterator[str]:
    for name, _, queries in alarms(given):
        known = {q["Id"] for q in queries}
        for query in queries:
            used = set(re.findall(r"\b[a-z]\w*\b", query.get("Expression", "")))
            for unknown in sorted(used - known):
                yield f"{name}: {unknown} in {query['Expression']}"


@rule(MATH, _alarm(_queries("TOTAL(m0)")), _alarm(_queries("SEARCH(m0)")))
def an_alarms_arithmetic_is_of_functions_that_alarms_have(given: Resolved) -> Iterator[str]:
    """SEARCH is for graphs alone."""
    for name, _, queries in alarms(given):
        for query in queries:
            used = set(re.findall(r"\b([A-Z][A-Z0-9_]*)\b", query.get("Expression", "")))
            for unknown in sorted(used - FUNCTIONS):
                yield f"{name}: {unknown}"


@rule(MATH, _alarm(_queries("m0" + " + m0" * 500)))
def an_expression_has_at_most_2048_characters(given: Resolved) -> Iterator[str]:
    for name, _, queries in alarms(given):
        for query in queries:
            if len(query.get("Expression", "")) > 2048:
                yield f"{name}: {query['Id']}"


def periods(alarm: dict[str, Any]) -> list[int]:
    stats = [q["MetricStat"]["Period"] for q in alarm.get("Metrics", []) if "MetricStat" in q]
    return [int(period) for period in [alarm.get("Period"), *stats] if period is not None]


@rule(PUT, put(90, "DeadlinesAlarm", "Period"))
def a_period_is_short_or_in_minutes(given: Resolved) -> Iterator[str]:
    for name, alarm, _ in alarms(given):
        for period in periods(alarm):
            if period not in (10, 20, 30) and (period < 60 or period % 60):
                yield f"{name}: {period} s"


@rule(PUT, put(289, "DeadlinesAlarm", "EvaluationPeriods"))
def an_alarm_looks_back_a_day_or_with_hours_a_week(given: Resolved) -> Iterator[str]:
    for name, alarm, _ in alarms(given):
        period = max(periods(alarm), default=60)
        days = 7 if period >= 3600 else 1
        if period * int(alarm["EvaluationPeriods"]) > days * 86_400:
            yield f"{name}: {alarm['EvaluationPeriods']} times {period} s"


@rule(PUT, put(2, "DeadlinesAlarm", "DatapointsToAlarm"))
def an_alarm_needs_no_more_points_than_it_looks_at(given: Resolved) -> Iterator[str]:
    for name, alarm, _ in alarms(given):
        if int(alarm.get("DatapointsToAlarm", 1)) > int(alarm["EvaluationPeriods"]):
            yield f"{name}: {alarm['DatapointsToAlarm']} of {alarm['EvaluationPeriods']}"


@rule(PUT, put("p99", "DeadlinesAlarm", "ExtendedStatistic"))
def an_alarm_has_one_statistic(given: Resolved) -> Iterator[str]:
    for name, alarm, queries in alarms(given):
        if not queries and ("Statistic" in alarm) == ("ExtendedStatistic" in alarm):
            yield f"{name}: Statistic and ExtendedStatistic, or neither"


# ── dashboards ────────────────────────────────────────────────────────────────────────────────


def widgets(given: Resolved) -> Iterator[tuple[str, list[dict[str, Any]]]]:
    for name, dashboard in given.of_type(DASHBOARD).items():
        try:
            yield name, json.loads(dashboard["DashboardBody"])["widgets"]
        except (ValueError, KeyError):
            yield name, []


def _body(*made: dict[str, Any]) -> Any:
    return put(json.dumps({"widgets": list(made)}), "Dashboard", "DashboardBody")


def _graph(number: int = 1, **changed: Any) -> dict[str, Any]:
    metrics = [["nowlater", f"m{n}"] for n in range(number)]
    place = {"type": "metric", "x": 0, "y": 0, "width": 24, "height": 6}
    return place | changed | {"properties": {"region": "eu-central-1", "metrics": metrics}}


@rule(BODY, put('{"widgets": [}', "Dashboard", "DashboardBody"))
def a_dashboard_is_json(given: Resolved) -> Iterator[str]:
    for name, dashboard in given.of_type(DASHBOARD).items():
        try:
            json.loads(dashboard["DashboardBody"])
        except ValueError as error:
            yield f"{name}: {error}"


@rule(
    f"{API}API_PutDashboard.html",
    put("of this stack", "Dashboard", "DashboardName"),
)
def a_dashboards_name_is_letters_digits_hyphens_and_underscores(given: Resolved) -> Iterator[str]:
    for name, dashboard in given.of_type(DASHBOARD).items():
        if not re.fullmatch(r"[A-Za-z0-9_-]+", dashboard["DashboardName"]):
            yield f"{name}: {dashboard['DashboardName']}"


@rule(QUOTAS, _body(*[_graph()] * 501))
def a_dashboard_has_at_most_500_widgets(given: Resolved) -> Iterator[str]:
    for name, made in widgets(given):
        if len(made) > 500:
            yield f"{name}: {len(made)}"


@rule(QUOTAS, _body(*[_graph(500)] * 6))
def a_dashboard_has_at_most_2500_metrics(given: Resolved) -> Iterator[str]:
    for name, made in widgets(given):
        if (number := sum(len(w["properties"].get("metrics", [])) for w in made)) > 2500:
            yield f"{name}: {number}"


@rule(QUOTAS, _body(_graph(501)))
def a_widget_has_at_most_500_metrics(given: Resolved) -> Iterator[str]:
    for name, made in widgets(given):
        for widget in made:
            if (number := len(widget["properties"].get("metrics", []))) > 500:
                yield f"{name}: {number}"


@rule(BODY, _body(_graph(x=12)))
def a_widget_lies_within_the_24_columns(given: Resolved) -> Iterator[str]:
    for name, made in widgets(given):
        for widget in made:
            if widget.get("x", 0) + widget.get("width", 6) > 24:
                yield f"{name}: {widget['x']} and {widget['width']} wide"


@rule(BODY, _body({"type": "alarm", "properties": {"alarms": ["arn:aws:cloudwatch:eu-central-1:123456789012:alarm:a"] * 101}}))  # fmt: skip
def a_widget_has_at_most_100_alarms(given: Resolved) -> Iterator[str]:
    for name, made in widgets(given):
        for widget in made:
            if (number := len(widget["properties"].get("alarms", []))) > 100:
                yield f"{name}: {number}"


@rule(BODY, _body(_graph() | {"properties": {"metrics": [["nowlater", "m"]]}}))
def a_graph_says_its_region(given: Resolved) -> Iterator[str]:
    for name, made in widgets(given):
        for widget in made:
            if widget["type"] == "metric" and "region" not in widget["properties"]:
                yield f"{name}: {widget['properties']}"
