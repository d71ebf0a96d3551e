"""Alarms and dashboards: their metrics exist, and the runbook has a section for each alarm."""

import json
import operator
import re
from collections.abc import Iterator
from typing import Any

import botocore.loaders
import botocore.model
import pytest
from botocore import xform_name

from tests import stack
from tests.filters import matches
from tests.stack import of_type

PAGE = (stack.ROOT / "docs/operating.md").read_text()
#: Both pages with commands for operators.
PAGES = PAGE + (stack.ROOT / "docs/deploying.md").read_text()
SOURCE = stack.template()
PARAMETERS: dict[str, Any] = SOURCE["Parameters"]
RESOURCES: dict[str, Any] = SOURCE["Resources"]
ALARMS = of_type(RESOURCES, "AWS::CloudWatch::Alarm")
DASHBOARDS = of_type(RESOURCES, "AWS::CloudWatch::Dashboard")
FILTERS = of_type(RESOURCES, "AWS::Logs::MetricFilter")
LAMBDAS = list(of_type(RESOURCES, "AWS::Serverless::Function"))

ERROR_ALARMS = {f"{name}Alarm" for name in LAMBDAS}
#: They share a section of the page.
THROTTLED_ALARMS = {f"{name}ThrottledAlarm" for name in LAMBDAS}
#: Metrics as AWS names them, by namespace, and the dimension that ours have.
KNOWN = {
    "AWS/Lambda": (
        *("FunctionName", "Lambda"),
        {"Invocations", "Errors", "Throttles", "Duration", "ConcurrentExecutions", "IteratorAge"},
    ),
    "AWS/SQS": (
        *("QueueName", "Queue"),
        {
            "ApproximateAgeOfOldestMessage",
            "ApproximateNumberOfMessagesVisible",
            "ApproximateNumberOfMessagesNotVisible",
            "NumberOfMessagesDeleted",
        },
    ),
    "AWS/ApiGateway": (*("ApiId", "Api"), {"Count", "4xx", "5xx", "Latency"}),
    "AWS/DynamoDB": (
        *("TableName", "Table"),
        {
            "ConsumedReadCapacityUnits",
            "ConsumedWriteCapacityUnits",
            "ReadThrottleEvents",
            "WriteThrottleEvents",
        },
    ),
}
ALARM_METRIC, LOG_METRIC, SECRET = 0.10, 0.30, 0.40  # dollars a month
RECEIVES, SWEEP = 1.04, 0.10  # of four queues that are empty; of the sweep and what it reads


def text(value: Any) -> str:
    """Return a part of the template as it names things: `Table`, `${Table}` and `!Ref Table` alike."""
    if isinstance(value, dict):
        ((how, what),) = value.items()
        return text(".".join(what) if how == "Fn::GetAtt" else what)
    return re.sub(r"\$\{([\w.:]+)\}", r"\1", str(value))


def stats(alarm: dict[str, Any]) -> list[dict[str, Any]]:
    """Return the metrics that an alarm watches, each with its id, period and statistic."""
    if "MetricName" in alarm:
        keys = ("Namespace", "MetricName", "Dimensions", "Period")
        return [{k: alarm.get(k) for k in keys} | {"Stat": alarm["Statistic"], "Id": "watched"}]
    found = [(q["Id"], q["MetricStat"]) for q in alarm["Metrics"] if "MetricStat" in q]
    return [s["Metric"] | {"Period": s["Period"], "Stat": s["Stat"], "Id": i} for i, s in found]


def expressions(alarm: dict[str, Any]) -> dict[str, str]:
    """Return an alarm's metric math, by id."""
    found = [q for q in alarm.get("Metrics", []) if "Expression" in q]
    return {q["Id"]: text(q["Expression"]) for q in found}


def about(metric: dict[str, Any]) -> str:
    """Return the resource that a metric is about."""
    return " ".join(text(d["Value"]) for d in metric.get("Dimensions") or [])


def goes_off(alarm: dict[str, Any], seen: dict[str, float | None]) -> bool:
    """Tell whether an alarm goes off, from what its metrics are (None: there is no data).

    Python has what the expressions use of CloudWatch's metric math, but for missing data.
    """
    missing = object()
    values = {m["Id"]: missing if seen[m["Id"]] is None else seen[m["Id"]] for m in stats(alarm)}
    functions = {
        "IF": lambda condition, then, otherwise: then if condition else otherwise,
        "FILL": lambda value, instead: instead if value is missing else value,
        "FlexibleWithin": PARAMETERS["FlexibleWithin"]["Default"],
    }
    for name, expression in sorted(expressions(alarm).items(), key=lambda e: e[0] == "watched"):
        try:
            values[name] = eval(expression, functions | values)
        except TypeError:  # it calculates with a missing value
            values[name] = missing
    if values["watched"] is missing:
        assert alarm["TreatMissingData"] == "notBreaching"
        return False
    compare = {"GreaterThanOrEqualToThreshold": operator.ge, "LessThanThreshold": operator.lt}
    return bool(compare[alarm["ComparisonOperator"]](values["watched"], alarm["Threshold"]))


# ── alarms ────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("name", ALARMS)
def test_an_alarm_names_its_section_of_the_runbook(name: str) -> None:
    says = ALARMS[name]["AlarmDescription"]
    sentence, _, where = says.partition(" See ")
    title = "A Lambda is throttled" if name in THROTTLED_ALARMS else name
    _, heading, section = PAGE.partition(f"\n### {title}\n")

    assert where == f"docs/operating.md#{title.lower().replace(' ', '-')}"
    assert sentence.endswith(".")
    assert heading
    assert section.partition("\n##")[0].strip()


def test_every_section_is_about_an_alarm_that_exists() -> None:
    assert re.findall(r"^### (\w+Alarm)$", PAGE, re.MULTILINE) != []
    assert (
        set(re.findall(r"^### (\w+Alarm)$", PAGE, re.MULTILINE)) == set(ALARMS) - THROTTLED_ALARMS
    )


@pytest.mark.parametrize("name", [n for n in ALARMS if n not in THROTTLED_ALARMS | ERROR_ALARMS])
def test_the_section_of_an_alarm_says_what_it_means_what_to_check_and_when_to_page(
    name: str,
) -> None:
    section = PAGE.partition(f"\n### {name}\n")[2].partition("\n##")[0]

    assert section.startswith("\n**Means:**")
    assert re.search(r"^\*\*Check\*\*.*?^```sh$", section, re.MULTILINE | re.DOTALL)
    assert "**Page on-call**" in section


@pytest.mark.parametrize("name", ALARMS)
def test_an_alarm_is_sent_to_whom_the_parameter_names(name: str) -> None:
    expected = {"Fn::If": ["HasAlarmTopic", [{"Ref": "AlarmsTo"}], {"Ref": "AWS::NoValue"}]}

    assert ALARMS[name]["AlarmActions"] == expected
    assert ALARMS[name]["OKActions"] == expected


@pytest.mark.parametrize(("kind", "metric"), [("", "Errors"), ("Throttled", "Throttles")])
@pytest.mark.parametrize("name", LAMBDAS)
def test_every_lambda_has_an_alarm_for_errors_and_one_for_throttles(
    name: str, kind: str, metric: str
) -> None:
    alarm = ALARMS[f"{name}{kind}Alarm"]

    assert [(m["MetricName"], m["Stat"], about(m)) for m in stats(alarm)] == [(metric, "Sum", name)]
    assert goes_off(alarm, {"watched": 1})
    assert not goes_off(alarm, {"watched": 0})
    assert not goes_off(alarm, {"watched": None})


def lanes(resources: dict[str, Any]) -> set[str]:
    """Return the queues that a Lambda of ours works on for callers who wait."""
    sources = of_type(resources, "AWS::Lambda::EventSourceMapping").values()
    found = {m["EventSourceArn"]["Fn::GetAtt"][0] for m in sources}
    return {n for n in found if RESOURCES[n]["Type"] == "AWS::SQS::Queue"} - {"DeadLetterQueue"}


def test_every_lane_has_an_alarm_for_its_age(resources: dict[str, Any]) -> None:
    aged = {
        about(metric).removesuffix(".QueueName")
        for alarm in ALARMS.values()
        for metric in stats(alarm)
        if metric["MetricName"] == "ApproximateAgeOfOldestMessage"
    }

    assert len(aged) == 3
    assert aged == lanes(resources)


@pytest.mark.parametrize("name", ["OnTimeLateAlarm", "WebhooksLateAlarm"])
def test_a_lane_is_late_where_it_is_behind_and_its_oldest_message_is_old(name: str) -> None:
    alarm = ALARMS[name]

    # A hundred wait, ten were done in five minutes.
    assert goes_off(alarm, {"visible": 100, "done": 10, "age": 1000})
    # Nothing is worked on at all.
    assert goes_off(alarm, {"visible": 1, "done": None, "age": 400})
    # The lane is as fast as what comes; what is old waits on purpose.
    assert not goes_off(alarm, {"visible": 3, "done": 30_000, "age": 900})
    assert not goes_off(alarm, {"visible": 0, "done": 0, "age": 900})
    # It is behind, and not yet for long.
    assert not goes_off(alarm, {"visible": 100, "done": 10, "age": 200})
    # There is no data.
    assert not goes_off(alarm, {"visible": None, "done": None, "age": None})


def test_the_flexible_lane_is_late_by_a_quarter_of_its_promise() -> None:
    alarm, promise_s = ALARMS["FlexibleLateAlarm"], PARAMETERS["FlexibleWithin"]["Default"]
    at_pace = {"visible": 10_000, "done": 10_000 * 3600 * 4 / promise_s}

    assert goes_off(alarm, {"visible": 1000, "done": 10, "age": promise_s / 4})
    # What was received three times has no age, but the pace shows.
    assert goes_off(alarm, at_pace | {"done": at_pace["done"] - 2, "age": None})
    assert not goes_off(alarm, at_pace | {"age": None})
    assert not goes_off(alarm, {"visible": 10, "done": 1000, "age": promise_s / 2})
    assert not goes_off(alarm, {"visible": None, "done": None, "age": None})


@pytest.mark.parametrize("name", ["OnTime", "Flexible", "Webhooks"])
def test_a_lanes_alarm_reckons_with_that_lane_alone(name: str) -> None:
    queue = f"{name.removesuffix('s')}Queue.QueueName"

    assert [about(metric) for metric in stats(ALARMS[f"{name}LateAlarm"])] == [queue] * 3


def test_a_dead_letter_raises_the_alarm_whether_it_is_removed_at_once_or_stays() -> None:
    taken, waiting = ALARMS["DeadLettersAlarm"], ALARMS["DeadLettersWaitAlarm"]

    assert text(stats(taken)[0]["MetricName"]) == "AWS::StackName/DeadLetters"
    assert stats(waiting)[0]["MetricName"] == "ApproximateNumberOfMessagesVisible"
    assert about(stats(waiting)[0]) == "DeadLetterQueue.QueueName"
    assert (
        stats(waiting)[0]["Stat"] == "Minimum"
    )  # one that HandleDeadLetters takes off at once does not wait
    for alarm in taken, waiting:
        assert goes_off(alarm, {"watched": 1})
        assert not goes_off(alarm, {"watched": None})


def test_a_sweep_that_does_not_come_is_noticed_and_one_that_has_not_come_yet_is_not() -> None:
    alarm = ALARMS["SweepStoppedAlarm"]

    assert stats(alarm)[0]["MetricName"] == "Invocations"
    assert about(stats(alarm)[0]) == "Sweep"
    assert goes_off(alarm, {"sweeps": 0})
    assert goes_off(alarm, {"sweeps": None})  # none in these five minutes
    assert not goes_off(alarm, {"sweeps": 5})
    # No point at all is no data, for FILL too: a new stack has none yet, one that stopped long ago
    # has none any more, and its alarm stays on.
    assert alarm["TreatMissingData"] == "ignore"


def test_metric_math_needs_no_point_of_a_metric_that_may_never_have_one() -> None:
    """FILL gives nothing where a metric has no point at all, as errors of a Lambda may."""
    filled = {
        (metric["Namespace"], metric["MetricName"])
        for alarm in ALARMS.values()
        for metric in stats(alarm)
        if f"FILL({metric['Id']}," in " ".join(expressions(alarm).values())
    }

    assert filled == {
        # SQS writes these each minute for a queue that is polled, and ours always are.
        ("AWS/SQS", "NumberOfMessagesDeleted"),
        ("AWS/SQS", "ApproximateAgeOfOldestMessage"),
        ("AWS/Lambda", "Invocations"),
    }


@pytest.mark.parametrize("name", ALARMS)
def test_an_alarm_uses_all_its_metrics_over_one_period(name: str) -> None:
    alarm = ALARMS[name]
    ids = {m["Id"] for m in stats(alarm)}
    named = set(re.findall(r"\b[a-z]\w*\b", " ".join(expressions(alarm).values())))
    returned = [q["Id"] for q in alarm.get("Metrics", []) if q.get("ReturnData", True)]

    assert named - set(expressions(alarm)) == (ids if expressions(alarm) else set())
    assert returned == (["watched"] if expressions(alarm) else [])
    assert len({m["Period"] for m in stats(alarm)}) == 1
    day_s, week_s = 86_400, 7 * 86_400
    longest = week_s if stats(alarm)[0]["Period"] >= 3600 else day_s
    assert alarm["EvaluationPeriods"] * stats(alarm)[0]["Period"] <= longest


def of_the_log() -> set[str]:
    """Return the metrics that the template makes of the log, by name."""
    made = [t for f in FILTERS.values() for t in f["MetricTransformations"]]
    assert {t["MetricNamespace"] for t in made} == {"nowlater"}
    return {text(t["MetricName"]) for t in made}


def test_what_is_counted_in_the_log_is_watched_or_shown(resources: dict[str, Any]) -> None:
    watched = [m for alarm in ALARMS.values() for m in stats(alarm)]
    names = {text(m["MetricName"]) for m in watched if m["Namespace"] == "nowlater"}
    shown = {m[1] for name in DASHBOARDS for m in metrics(name) if m[0] == "nowlater"}

    assert names <= of_the_log()
    assert names | {text(name) for name in shown} == of_the_log()


def test_the_metrics_of_aws_exist(resources: dict[str, Any]) -> None:
    watched = [
        (m["Namespace"], m["MetricName"], m["Dimensions"][0]["Name"], about(m))
        for alarm in ALARMS.values()
        for m in stats(alarm)
        if m["Namespace"] != "nowlater"
    ]
    shown = [tuple(m[:4]) for n in DASHBOARDS for m in metrics(n) if m[0] != "nowlater"]

    assert len(watched) > 30
    assert len(shown) > 60
    for namespace, metric, dimension, value in watched + shown:
        needed, kind, known = KNOWN[namespace]
        logical_id, _, attribute = text(value).partition(".")
        assert metric in known
        assert dimension == needed
        assert resources[logical_id]["Type"].rpartition("::")[2] in (kind, "Function")
        assert attribute == ("QueueName" if kind == "Queue" else "")


# ── dashboards ────────────────────────────────────────────────────────────────────────────────


def body(name: str) -> dict[str, Any]:
    """Return a dashboard's body, each `${name}` as it stands."""
    loaded: dict[str, Any] = json.loads(DASHBOARDS[name]["DashboardBody"]["Fn::Sub"])
    return loaded


def metrics(name: str) -> Iterator[list[Any]]:
    for widget in body(name)["widgets"]:
        before: list[Any] = []
        for metric in widget["properties"].get("metrics", []):
            # CloudWatch's short form: what the metric before it begins with.
            is_short = metric[0] == "..."
            before = [*before[:3], *metric[1:]] if is_short else metric
            assert len(before) == 5 or not is_short
            yield before


@pytest.mark.parametrize("name", DASHBOARDS)
def test_a_dashboard_is_json_and_all_that_it_names_exists(
    resources: dict[str, Any], name: str
) -> None:
    source = DASHBOARDS[name]["DashboardBody"]["Fn::Sub"]
    named = {n.partition(".")[0] for n in re.findall(r"\$\{([\w.:]+)\}", source)}
    filled = re.sub(r"\$\{[\w.:]+\}", "arn:aws:x:y/z", source)

    assert json.loads(filled)["widgets"]
    assert named - set(resources) == {"AWS::Region"} | ({"AWS::StackName"} & named)


@pytest.mark.parametrize("name", DASHBOARDS)
def test_a_dashboards_widgets_fit_and_lie_side_by_side(name: str) -> None:
    taken: set[tuple[int, int]] = set()
    for widget in body(name)["widgets"]:
        x, y, width, height = (widget[k] for k in ("x", "y", "width", "height"))
        area = {(i, j) for i in range(x, x + width) for j in range(y, y + height)}
        assert x + width <= 24
        assert not area & taken
        taken |= area
        if widget["type"] == "metric":
            assert widget["properties"]["region"] == "${AWS::Region}"
            ours = widget["properties"]
            assert "stat" in ours or all("stat" in m[-1] for m in ours["metrics"])


def test_every_alarm_is_on_a_dashboard() -> None:
    shown = [
        text(arn).removesuffix(".Arn")
        for name in DASHBOARDS
        for widget in body(name)["widgets"]
        for arn in widget["properties"].get("alarms", [])
    ]

    assert sorted(shown) == sorted(ALARMS)


@pytest.mark.parametrize("metric", ["Errors", "Throttles", "Duration", "ConcurrentExecutions"])
def test_every_lambda_is_on_the_dashboard_of_lambdas(metric: str) -> None:
    shown = [text(m[3]) for m in metrics("LambdaDashboard") if m[1] == metric]

    assert shown == LAMBDAS


# ── what it costs ─────────────────────────────────────────────────────────────────────────────


def test_the_page_says_what_alarms_and_dashboards_cost() -> None:
    watched = sum(len(stats(alarm)) for alarm in ALARMS.values())
    counted = len(of_the_log()) + 2  # one of them once for each status
    on_dashboards = [len({tuple(map(str, m[:-1])) for m in metrics(n)}) for n in DASHBOARDS]

    assert f"alarms: {watched} metrics are watched" in PAGE
    assert f"| ${watched * ALARM_METRIC:.2f} |" in PAGE
    assert f"metrics of the log: {counted}, at" in PAGE
    assert f"| up to ${counted * LOG_METRIC:.2f} |" in PAGE
    assert len(on_dashboards) == 2
    assert max(on_dashboards) <= 50  # beyond that, it is not free
    idle = watched * ALARM_METRIC + SECRET + RECEIVES + SWEEP
    assert f"some ${idle:.2f} a month" in (stack.ROOT / "README.md").read_text()


# ── what the scanner ignores ──────────────────────────────────────────────────────────────────


def skips() -> Iterator[tuple[str, dict[str, str]]]:
    for name, made in RESOURCES.items():
        for skip in made.get("Metadata", {}).get("checkov", {}).get("skip", []):
            yield name, skip


def test_a_check_that_is_skipped_says_why() -> None:
    found = list(skips())

    assert len(found) > 50
    for _, skip in found:
        assert re.fullmatch(r"CKV2?_AWS_\d+", skip["id"])
        assert len(skip["comment"].split()) > 8
        assert skip["comment"].endswith(".")


def test_every_reason_is_one_that_a_resource_has() -> None:
    given = SOURCE["Metadata"]["Skipped"]
    used = [skip for _, skip in skips()]

    assert given
    assert [reason["id"] for reason in given if reason not in used] == []


# ── the runbook's commands ────────────────────────────────────────────────────────────────────


def blocks() -> list[str]:
    found = re.findall(r"^```sh\n(.*?)^```$", PAGES, re.MULTILINE | re.DOTALL)
    return [re.sub(r"\\\n\s*", "", block) for block in found]


COMMANDS = "\n".join(blocks())


def test_the_outputs_and_resources_that_the_runbook_names_exist(resources: dict[str, Any]) -> None:
    outputs = set(re.findall(r"\$\(output (\w+)\)", PAGES))
    named = set(re.findall(r"\$\(named (\w+)\)", PAGES))

    assert len(outputs) >= 5
    assert outputs <= set(SOURCE["Outputs"])
    assert len(named) >= 4
    assert named <= set(resources)
    for name in "WorkOnTime", "WorkFlexible", "SendWebhooksWebhooks":
        assert resources[name]["Type"] == "AWS::Lambda::EventSourceMapping"


def test_the_parameters_that_the_runbook_names_exist() -> None:
    table = PAGE.partition("\n## Capacity\n")[2].partition("\n## ")[0]
    named = {
        name
        for row in re.findall(r"^\| (`\w+`.*?) \|", table, re.MULTILINE)
        for name in re.findall(r"`(\w+)`", row)
    }

    assert len(named) >= 10
    assert named <= set(PARAMETERS)


def test_the_runbook_searches_the_log_by_filters_that_can_be_read() -> None:
    patterns = re.findall(r"(?:search_logs|--filter-pattern) '(\{.*?\})'", COMMANDS)

    assert len(patterns) >= 12
    for pattern in patterns:
        matches(pattern, {"message": "job_ended"})


def test_the_runbook_searches_for_what_the_code_says() -> None:
    layer = (stack.ROOT / "layers/nowlater/nowlater").rglob("*.py")
    code = "".join(path.read_text() for path in layer)

    said = set(re.findall(r'\$\.message = "([^"]+)"', PAGE))
    assert len(said) >= 8
    assert [message for message in said if f'"{message}"' not in code] == []


def test_the_runbook_counts_as_the_alarms_do() -> None:
    for name in "DeadlinesPassed", "DeadLetters", "Unpublished", "GivenUp", "Faults":
        assert f"search_logs '{FILTERS[name]['FilterPattern']}'\n" in COMMANDS


#: https://docs.aws.amazon.com/cli/latest/reference/cloudformation/deploy/
DEPLOY_OPTIONS = {"template-file", "stack-name", "capabilities", "parameter-overrides", "tags"}


def aws_commands() -> list[tuple[str, str, list[str]]]:
    """Return service, operation and options of each AWS command."""
    found = re.findall(r"\baws ([\w-]+) ([\w-]+)((?: [^\n|]*)?)", COMMANDS)
    return [(s, o, re.findall(r"(?<=\s)--([a-z-]+)", rest)) for s, o, rest in found if s != "s3"]


def test_the_aws_commands_of_the_runbook_exist() -> None:
    loader, wide = botocore.loaders.Loader(), {"query", "output"}

    assert len(aws_commands()) > 15
    for service, operation, options in aws_commands():
        if operation == "wait":
            continue  # `test_the_runbook_waits_for_what_the_cli_can_wait_for`
        if (service, operation) == ("cloudformation", "deploy"):  # the CLI's own
            assert set(options) <= DEPLOY_OPTIONS
            continue
        model = botocore.model.ServiceModel(loader.load_service_model(service, "service-2"))
        names = {xform_name(name, "-"): name for name in model.operation_names}
        assert operation in names, f"aws {service} {operation}"
        shape = model.operation_model(names[operation]).input_shape
        members = {xform_name(name, "-") for name in shape.members} if shape else set()
        known = members | {f"no-{m}" for m in members} | wide
        assert set(options) <= known, f"aws {service} {operation}: {set(options) - known}"
        required = {xform_name(n, "-") for n in shape.required_members} if shape else set()
        assert required <= set(options), f"aws {service} {operation} lacks {required}"


def test_the_runbook_waits_for_what_the_cli_can_wait_for() -> None:
    loader = botocore.loaders.Loader()
    waits = re.findall(r"\baws ([\w-]+) wait ([\w-]+)", COMMANDS)

    assert len(waits) >= 2
    for service, state in waits:
        known = loader.load_service_model(service, "waiters-2")["waiters"]
        assert state in {xform_name(name, "-") for name in known}


def test_the_runbooks_make_commands_are_targets_with_their_variables() -> None:
    makefile = "".join((stack.ROOT / n).read_text() for n in ("Makefile", "framework.mk"))
    commands = re.findall(r"(?:^|`)make (\w+)((?: [A-Z]+=[\w.]+)*)", PAGES, re.MULTILINE)

    assert len(commands) >= 8
    for target, given in commands:
        assert f"\n{target}:" in makefile
        for variable in re.findall(r"[A-Z]+(?==)", given):
            assert re.search(rf"\$[({{].*\b{variable}\b", makefile)
